"""A witness, written from C2SP tlog-witness and tlog-cosignature: what `subsidy monitor --feed-witnesses` speaks to.

It checks and stores under one lock, cosigns only what extends what it cosigned last, and cosigns the same size afresh.
`fail` makes it answer in another way.
"""
import base64
import http.server
import threading
import time

from tests.flow import ed25519, tlog, wire


class WitnessKey:
    """A cosigning key (type 04) by name."""

    def __init__(self, name, seed):
        self.name, self.seed = name, seed
        self.public = ed25519.public_key(seed)
        self.id = wire.sha256(name.encode() + b"\n\x04" + self.public)[:4]

    @classmethod
    def from_file(cls, path):
        """Of the text that `subsidy key new --type cosignature` writes."""
        with open(path, encoding="utf-8") as file:
            name, _, material = file.read().strip()[len("PRIVATE+KEY+"):].split("+", 2)
        material = base64.b64decode(material)
        assert material[0] == 4, material[0]
        return cls(name, material[1:])

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + self.public).decode()}"

    @staticmethod
    def message(text, time_s):
        return f"cosignature/v1\ntime {time_s}\n".encode() + text

    def line(self, text, time_s=None):
        time_s = int(time.time()) if time_s is None else time_s
        signature = ed25519.sign(self.seed, self.public, self.message(text, time_s))
        body = base64.b64encode(self.id + time_s.to_bytes(8, "big") + signature).decode()
        return f"— {self.name} {body}\n".encode()

    def time_of(self, note):
        """When this key cosigned the note, once that is verified; None where it has no line of this key."""
        text, lines = wire.split_note(note)
        for line in lines:
            mark, name, body = line.decode().rstrip("\n").split(" ")
            data = base64.b64decode(body)
            if mark == "—" and name == self.name and data[:4] == self.id:
                time_s = int.from_bytes(data[4:12], "big")
                assert ed25519.verify(self.public, self.message(text, time_s), data[12:]), "a cosignature that is none"
                return time_s
        return None


class Refused(Exception):
    def __init__(self, status, body=b"", kind="text/plain"):
        super().__init__(status)
        self.answer = wire.Answer(status, {"Content-Type": kind}, body)


class Witness:
    """`logs` are the keys of the logs that it follows. Use `with`: it serves meanwhile."""

    def __init__(self, name, *logs, seed=None):
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = witness.answer(self.path, body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for header, value in answer.headers.items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.name = name
        self.key = WitnessKey(f"{name}.example", seed or wire.sha256(name.encode()))
        self.logs = {log.name: log for log in logs}
        self.held = {}          # origin: (size, root)
        self.calls = []         # (old size, size, status)
        self.fail = None        # answer(body) -> Answer, or None to cut the connection; called in place of the rules
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/witness"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def line(self, with_url=True):
        """Its line of a policy file."""
        return f"witness {self.name} {self.key.vkey()}" + (f" {self.url}" if with_url else "") + "\n"

    def answer(self, path, body):
        if path != "/witness/add-checkpoint":
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
        return self.key.line(text)
