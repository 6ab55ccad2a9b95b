"""A ledger that does what a test tells it to: candidates, consistency proofs, and a place for cosignatures.

It has a real one's key and certificate, and leaves of its own, which a test may rewrite: no daemon would.
"""
import base64
import json
import urllib.parse

from tests.flow import tlog, wire
from tests.flow.fake_server import FakeServer


def tree_root(leaves):
    if not leaves:
        return wire.sha256()
    if len(leaves) == 1:
        return wire.leaf_hash(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return tlog.node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def consistency(old, leaves, is_whole=True):
    """SUBPROOF(old, leaves, is_whole) of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if is_whole else [tree_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return consistency(old, leaves[:split], is_whole) + [tree_root(leaves[split:])]
    return consistency(old - split, leaves[split:], False) + [tree_root(leaves[:split])]


class FakeLedger(FakeServer):
    """`world` lends its certificate."""

    def __init__(self, world, key, size=1, ledger_id="00112233aabbccdd"):
        super().__init__(world)
        self.key = key
        self.ledger_id = ledger_id
        self.leaves = [b"leaf %d" % i for i in range(size)]
        self.cosigned = []      # notes that came with a cosignature, as they came
        self.changes = {}       # path without query: answer(Answer) -> Answer, or None to cut the connection
        self.lines = {}         # size: further lines under the candidate

    # What a test does with it

    def grow(self, count=1, tag="leaf"):
        start = len(self.leaves)
        self.leaves += [f"{tag} {i}".encode() for i in range(start, start + count)]

    def rewrite(self, size, tag="other"):
        """Another history of this size from here on."""
        self.leaves = [f"{tag} {i}".encode() for i in range(size)]

    def note(self):
        text = wire.checkpoint_text(self.key.name, len(self.leaves), tree_root(self.leaves))
        return wire.sign_note(text, self.key) + self.lines.get(len(self.leaves), b"")

    def sizes_cosigned(self):
        return [int(note.split(b"\n")[1]) for note in self.cosigned]

    # What it answers

    def respond(self, target, body):
        path, _, query = target.partition("?")
        answer = self.answer(path, urllib.parse.parse_qs(query), body)
        return self.changes[path](answer) if path in self.changes else answer

    def answer(self, path, query, body):
        if body is not None:
            return self.take(path, body)
        if path == "/v1/ledger":
            return self.json({"origin": self.key.name, "ledger_id": self.ledger_id, "vkey": self.key.vkey(),
                              "size": len(self.leaves)})
        if path in ("/v1/candidate", "/checkpoint"):
            return wire.Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, self.note())
        if path == "/v1/consistency":
            old, new = int(query["from"][0]), int(query["to"][0])
            hashes = consistency(old, self.leaves[:new]) if 0 < old < new else []
            return self.json({"from": old, "to": new, "hashes": [base64.b64encode(h).decode() for h in hashes]})
        return self.problem(404, "not_found")

    def take(self, path, note):
        if path != "/v1/cosignatures":
            return self.problem(404, "not_found")
        if not wire.note_is_signed_by(note, self.key):
            return self.problem(403, "unknown_key")
        size = int(note.split(b"\n")[1])
        self.cosigned.append(note)
        if size > len(self.leaves):
            return self.problem(503, "rolled_back")
        return self.json({"size": size, "published": size, "candidate": size, "witnesses": [], "is_quorum_met": True})

    @staticmethod
    def json(value, status=200, kind="application/json"):
        return wire.Answer(status, {"Content-Type": kind}, json.dumps(value).encode())

    @classmethod
    def problem(cls, status, name):
        return cls.json({"type": f"urn:subsidy:error:{name}", "title": name, "status": status, "detail": "as told"},
                        status, "application/problem+json")
