"""A ledger that does what a test tells it to: candidates, consistency proofs, and a place for cosignatures.

It has a real one's key and certificate, and leaves of its own, which a test may rewrite: no daemon would.
"""
import base64
import http.server
import json
import ssl
import threading
import urllib.parse

from tests.flow import tlog, wire


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


class FakeLedger:
    """Use `with`: it serves meanwhile. `world` lends its certificate."""

    def __init__(self, world, key, size=1, ledger_id="00112233aabbccdd"):
        ledger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                ledger.serve(self, None)

            def do_POST(self):
                ledger.serve(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        self.key = key
        self.ledger_id = ledger_id
        self.leaves = [b"leaf %d" % i for i in range(size)]
        self.cosigned = []      # notes that came with a cosignature, as they came
        self.changes = {}       # path without query: answer(Answer) -> Answer, or None to cut the connection
        self.lines = {}         # size: further lines under the candidate
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(world.path("server.pem"), world.path("server.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

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

    def serve(self, handler, body):
        path, _, query = handler.path.partition("?")
        answer = self.answer(path, urllib.parse.parse_qs(query), body)
        if path in self.changes:
            answer = self.changes[path](answer)
        if answer is None:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

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
