"""A witness, written from C2SP tlog-witness and tlog-cosignature: what `subsidy monitor --feed-witnesses` speaks to.

It checks and stores under one lock, cosigns only what extends what it cosigned last, and cosigns the same size afresh.
`fail` makes it answer in another way.
"""
import base64
import threading

from tests.flow import tlog, wire
from tests.flow.fake_server import FakeServer


class Refused(Exception):
    def __init__(self, status, body=b"", kind="text/plain"):
        super().__init__(status)
        self.answer = wire.Answer(status, {"Content-Type": kind}, body)


class Witness(FakeServer):
    """`logs` are the keys of the logs that it follows."""

    def __init__(self, name, *logs):
        super().__init__()
        self.url += "/witness"
        self.name = name
        self.key = wire.WitnessKey(f"{name}.example", wire.sha256(name.encode()))
        self.logs = {log.name: log for log in logs}
        self.held = {}          # origin: (size, root)
        self.calls = []         # (old size, size, status)
        self.fail = None        # answer(body) -> Answer, or None to cut the connection; called in place of the rules
        self.lock = threading.Lock()

    def line(self):
        """Its line of a policy file."""
        return f"witness {self.name} {self.key.vkey()} {self.url}\n"

    def respond(self, target, body):
        if body is None or target != "/witness/add-checkpoint":
            return wire.Answer(404, {}, b"")
        if self.fail is not None:
            return self.fail(body)
        try:
            with self.lock:
                return wire.Answer(200, {"Content-Type": "text/plain"}, self.add_checkpoint(body))
        except Refused as refused:
            return refused.answer

    def add_checkpoint(self, body):
        head, _, note = body.partition(b"\n\n")
        lines = head.decode().split("\n")
        word, _, old = lines[0].partition(" ")
        if word != "old" or str(int(old)) != old or len(lines) > 64:
            raise Refused(400)
        old, path = int(old), [base64.b64decode(line, validate=True) for line in lines[1:]]
        text = wire.split_note(note)[0]
        origin, size, root = text.decode().splitlines()
        size, root = int(size), base64.b64decode(root)
        try:
            if origin not in self.logs:
                raise Refused(404)
            if not wire.note_is_signed_by(note, self.logs[origin]):
                raise Refused(403)
            if old > size:
                raise Refused(400)
            held = self.held.get(origin, (0, wire.sha256()))
            if old != held[0] or (old == size and root != held[1]):
                raise Refused(409, f"{held[0]}\n".encode(), "text/x.tlog.size")
            if path if old == 0 else not tlog.consistency_is_proven((old, size), (held[1], root), path):
                raise Refused(422)
        except Refused as refused:
            self.calls.append((old, size, refused.answer.status))
            raise
        self.held[origin] = (size, root)
        self.calls.append((old, size, 200))
        return self.key.cosign(text)
