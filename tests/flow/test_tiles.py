"""Tiles, entries and proofs: what a stranger reads is the whole ledger and nothing else, by a reader of our own."""
import base64
import http.client
import http.server
import os
import re
import shutil
import threading
import unittest

from tests.flow import tlog, wire
from tests.flow.harness import FIRMS, ROOT, FlowTest, Proxy, records, refund, trade

ALICE, BOB, CAROL = FIRMS[:3]
FOR_EVER = "public, max-age=31536000, immutable"


def b64(text):
    return base64.b64decode(text, validate=True)


class TilesTest(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.license("qddex")
        cls.world.license("sddex")
        cls.world.grant("bureau", "auditor", "venue:qddex", "venue:sddex", ALICE, BOB, CAROL)

    def setUp(self):
        self.qddex, self.sddex = self.world.feeds["qddex"], self.world.feeds["sddex"]
        self.key = self.world.ledger_key

    def reader(self, subject="auditor"):
        return tlog.of_connection(self.world.public, self.world.tokens[subject])

    def checkpoint(self):
        return self.reader().checkpoint(self.key)

    def grow_to(self, size, prefix):
        """Pushes until the ledger has exactly `size` entries."""
        count = size - self.world.size() - 1
        if count > 0:
            self.qddex.push(records(prefix, count))
        while self.world.size() < size:
            self.world.grant(f"{ALICE}")
        self.assertEqual(self.world.size(), size)

    def status(self, path, subject=None):
        return self.world.get(path, subject).status


class Vectors(unittest.TestCase):
    """The numbers of FORMAT.md, by the reader that the other tests use."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "proto", "FORMAT.md"), encoding="utf-8") as file:
            cls.text = file.read().partition("\n## Tiles\n")[2].partition("\n## ")[0]

    def content(self, path, leaves):
        """A file of the tree over `leaves`, by the definition."""
        _, level, index, *width = path.replace(".p/", "/").split("/")
        first, count = int(index) * 256, int(width[0]) if width else 256
        if level == "entries":
            return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves[first:first + count])
        span = 256 ** int(level)
        return b"".join(wire.Tree(leaves[i * span:(i + 1) * span]).root() for i in range(first, first + count))

    def test_the_300_leaves(self):
        leaves = [b"rec-%d" % i for i in range(300)]
        self.assertIn(f"root `{wire.Tree(leaves).root().hex()}`", self.text)
        rows = re.findall(r"^\| `(tile/\S+)` \| (\d+) \| `([0-9a-f]{64})` \|$", self.text, re.M)
        self.assertEqual([row[0] for row in rows], ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1",
                                                    "tile/entries/000", "tile/entries/001.p/44"])
        for path, size, digest in rows:
            content = self.content(path, leaves)
            self.assertEqual((len(content), wire.sha256(content).hex()), (int(size), digest), path)
        reader = tlog.Reader(lambda path: self.content(path, leaves))
        self.assertEqual(set(reader.paths(300)), {row[0] for row in rows} | {"checkpoint"})
        reader.verify(300, wire.Tree(leaves).root())

    def test_the_70000_leaves(self):
        self.assertIn(wire.Tree(b"rec-%d" % i for i in range(70000)).root().hex(), self.text)
        paths = [path for path in tlog.Reader(None).paths(70000) if "entries" not in path]
        self.assertEqual(len([path for path in paths if re.fullmatch(r"tile/0/\d{3}", path)]), 273)
        self.assertEqual([path for path in paths if not path.startswith("tile/0/") or ".p/" in path],
                         ["checkpoint", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"])
        for path in re.findall(r"`(tile/\d/\d{3}(?:\.p/\d+)?)`", self.text.partition("70,000")[2]):
            self.assertIn(path, paths)

    def test_names_and_the_bundle(self):
        self.assertEqual(tlog.tile_path(0, 1234067, 8), "tile/0/x001/x234/067.p/8")
        self.assertIn("`tile/0/x001/x234/067.p/8`", self.text)
        leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        bundle = self.content("tile/entries/000.p/8", [bytes.fromhex(leaf) for leaf in leaves])
        self.assertIn(bundle.hex(), self.text.replace("` `", ""))
        self.assertEqual([entry.hex() for entry in tlog.split_bundle(bundle)], leaves)


class Served(TilesTest):
    """What the daemon serves."""

    def test_the_tiles_give_the_root_and_hold_every_entry(self):
        start = self.world.size()
        for size in sorted({start + 2, 70, 255, 256, 257, 300, 511, 512, 514, 700} - set(range(start + 2))):
            self.grow_to(size, f"t{size}")
            with self.subTest(size=size):
                reader = self.reader()
                found, root = reader.checkpoint(self.key)
                self.assertEqual(found, size)
                reader.verify(size, root)

    def test_while_pushes_go_on(self):
        done = threading.Event()
        faults = []

        def push():
            try:
                feed = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
                for i in range(40):
                    new = records(f"w{i}", 1 + i % 23)
                    answer = feed.push("sddex", self.sddex.body(new))
                    assert answer.status == 200, answer
                    self.sddex.accept(new)
                feed.close()
            except BaseException as fault:      # pylint: disable=broad-except
                faults.append(fault)
            finally:
                done.set()
        thread = threading.Thread(target=push)
        thread.start()
        sizes = []
        while not done.is_set() or not sizes:
            reader = self.reader()
            size, root = reader.checkpoint(self.key)
            self.assertEqual(reader.root(size), root)
            sizes.append((size, root))
        thread.join()
        self.assertEqual(faults, [])
        # And the tiles of each of these sizes are there when all is over.
        for size, root in sizes[:: max(1, len(sizes) // 3)] + sizes[-1:]:
            self.reader().verify(size, root)

    def test_partial_tiles_of_every_size_up_to_the_present_one(self):
        self.grow_to(max(self.world.size() + 2, 300), "p")
        size = self.world.size()
        level_0 = tlog.split_hashes(b"".join(
            self.reader().fetch(tlog.tile_path(0, i, tlog.tile_width(0, i, size))) for i in range(size // 256 + 1)))
        self.assertEqual(len(level_0), size)
        last = size // 256
        for index, wide in ((0, 256), (last, size % 256)):
            for width in range(1, 256):
                path = "/" + tlog.tile_path(0, index, width)
                answer = self.world.public.get(path)
                if width > wide:
                    self.assert_refused(answer, 404, "not_found")
                else:
                    self.assertEqual(answer.body, b"".join(level_0[index * 256:index * 256 + width]), path)
                    self.assertEqual(answer.headers["Cache-Control"], FOR_EVER)
        bundle = tlog.split_bundle(self.reader().fetch(tlog.tile_path("entries", 0)))
        for width in (1, 2, 100, 255):
            part = tlog.split_bundle(self.reader().fetch(tlog.tile_path("entries", 0, width)))
            self.assertEqual(part, bundle[:width])
        self.assertEqual([wire.leaf_hash(entry) for entry in bundle], level_0[:256])

    def test_names_that_are_none_and_tiles_that_are_not_there(self):
        self.grow_to(max(self.world.size() + 2, 300), "n")
        size = self.world.size()
        partial = size % 256
        self.assertGreater(partial, 0)
        absent = ["0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000.p", "0/0", "0/0000", "0/x000/000",
                  "0/x001", "0/00a", "00/000", "8/000", "63/000", "-1/000", "x/000", "0", "entries", "entry/000",
                  f"0/{size // 256:03}", f"0/{size // 256:03}.p/{partial + 1}", f"0/{size // 256 + 1:03}.p/1",
                  f"1/000.p/{(size >> 8) + 1}", "1/000", "2/000.p/1", "7/000.p/1", "0/x001/000.p/1",
                  "0/x999/x999/x999/x999/x999/999", "0/x999/x999/x999/x999/x999/x999/999"]
        for name in absent:
            with self.subTest(name):
                self.assert_refused(self.world.public.get("/tile/" + name), 404, "not_found")
        for name in ("entries/0", "entries/000.p/0", f"entries/{size // 256:03}", f"entries/{size // 256 + 1:03}.p/1"):
            with self.subTest(name):
                self.assert_refused(self.world.get("/tile/" + name, "auditor"), 404, "not_found")
        self.assert_refused(self.world.public.get("/tile/0/000?x=1"), 400, "bad_request")
        self.assert_refused(self.world.feed.get("/tile/0/000"), 404, "not_found")

    def test_headers(self):
        self.grow_to(max(self.world.size(), 257), "h")
        for path in ("/tile/0/000", "/tile/0/000.p/7"):
            answer = self.world.public.get(path)
            self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
            self.assertEqual(answer.headers["Cache-Control"], FOR_EVER)
        # Who may read entries is the ledger's to say each time.
        answer = self.world.get("/tile/entries/000", "auditor")
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertRegex(self.world.public.get("/checkpoint").headers["Cache-Control"], r"^public, max-age=[1-5]$")
        head = self.world.public.request("HEAD", "/tile/0/000")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, "8192", b""))

    def test_entries_one_by_one(self):
        size, _ = self.checkpoint()
        bundle = list(self.reader().entries(size))
        for index in (0, 1, 2, size - 1):
            answer = self.world.get_json(f"/v1/entries/{index}", "auditor")
            self.assertEqual(b64(answer["bytes"]), bundle[index])
            self.assertEqual(b64(answer["leaf"]), wire.leaf_hash(bundle[index]))
            self.assertEqual(b64(answer["previous"]),
                             wire.leaf_hash(bundle[index - 1]) if index else bytes(32))
            self.assertEqual((answer["index"], answer["clock_stepped_back"]), (index, False))
        self.assertEqual(self.world.get_json("/v1/entries/0", "auditor")["kind"], "genesis")
        for name in (size, "00", "-1", "x", "9" * 30):
            self.assert_refused(self.world.get(f"/v1/entries/{name}", "auditor"), 404, "not_found")

    def test_entries_are_not_for_everyone(self):
        for path in ("/tile/entries/000.p/1", "/v1/entries/0"):
            self.assertEqual(self.status(path, "bureau"), 200)
            self.assertEqual(self.status(path, "auditor"), 200)
            for subject in ("venue:qddex", ALICE):
                self.assert_refused(self.world.get(path, subject), 403, "forbidden")
            self.assert_refused(self.world.get(path), 401, "unauthorized")


class Proofs(TilesTest):
    def test_consistency_of_every_size_to_every_other(self):
        self.grow_to(max(self.world.size() + 2, 40), "c")
        size, root = self.checkpoint()
        reader = self.reader()
        roots = {n: reader.root(n) for n in range(size + 1)}
        self.assertEqual(roots[size], root)
        for old in range(0, size + 1, 3 if size > 100 else 1):
            for new in {old, min(old + 1, size), min(2 * old, size), size}:
                if new < old:
                    continue
                answer = self.world.public.get(f"/v1/consistency?from={old}&to={new}").json()
                path = [b64(text) for text in answer["hashes"]]
                self.assertEqual((answer["from"], answer["to"]), (old, new))
                if old == 0:
                    self.assertEqual(path, [])
                else:
                    self.assertTrue(tlog.consistency_is_proven((old, new), (roots[old], roots[new]), path), (old, new))
        for query in ("", "?from=1", "?to=1", "?from=2&to=1", f"?from=1&to={size + 1}", "?from=-1&to=1", "?from=1&to=x",
                      "?from=1&to=2&x=3", "?from=01&to=2"):
            self.assert_refused(self.world.public.get("/v1/consistency" + query), 400, "bad_request")

    def test_inclusion_under_the_newest_checkpoint_and_at_earlier_sizes(self):
        self.grow_to(max(self.world.size() + 2, 40), "i")
        size, root = self.checkpoint()
        reader = self.reader()
        for index, entry in list(enumerate(reader.entries(size)))[:: max(1, size // 60)]:
            text = self.world.get(f"/v1/proof?index={index}", "auditor").body.decode()
            self.assertEqual(wire.verify_receipt(text, self.key), (entry, index, size))
            same = self.world.get(f"/v1/proof?index={index}&size={size}", "auditor").body.decode()
            self.assertEqual(text, same)
            for at in {index + 1, min(index + 5, size - 1)} - {size, index}:
                answer = self.world.get_json(f"/v1/proof?index={index}&size={at}", "auditor")
                path = [b64(text) for text in answer["hashes"]]
                self.assertEqual((answer["index"], answer["size"]), (index, at))
                self.assertEqual(wire.root_from_path(index, at, wire.leaf_hash(entry), path), reader.root(at))
        for query in ("", "?index=x", "?index=1&size=x", f"?index=1&size={size + 1}", "?index=1&size=1", "?index=1&size=0",
                      "?index=1&x=2"):
            self.assert_refused(self.world.get("/v1/proof" + query, "auditor"), 400, "bad_request")
        self.assert_refused(self.world.get(f"/v1/proof?index={size}", "auditor"), 404, "not_found")

    def test_everyone_gets_proofs_of_their_own_entries_and_of_no_others(self):
        receipt = self.qddex.push([wire.encode_record(row) for row in (
            trade("own-1", ALICE, CAROL), trade("own-2", BOB, CAROL),
            refund("own-r", "own-1"), trade("own-1", BOB, CAROL, "99.00", "0.00"))])
        first = receipt["push"]["first_index"]
        mine = {"venue:qddex": {0, 1, 2, 3, 4}, "venue:sddex": set(), ALICE: {0, 2}, BOB: {1}, CAROL: {0, 1, 2, 3}}
        for subject, owned in mine.items():
            for i in range(5):      # the fifth is the push entry
                answer = self.world.get(f"/v1/proof?index={first + i}", subject)
                with self.subTest(subject=subject, i=i):
                    if i in owned:
                        leaf, index, _ = wire.verify_receipt(answer.body.decode(), self.key)
                        self.assertEqual(index, first + i)
                        self.assertEqual(self.status(f"/v1/proof?index={first + i}&size={first + 5}", subject), 200)
                        self.assertNotIn(BOB.encode() if subject == ALICE else b"\0none", leaf)
                    else:
                        self.assert_refused(answer, 404, "not_found")
        # The genesis, an order and what lies beyond the end look alike.
        answers = {self.world.get(f"/v1/proof?index={i}", ALICE).body for i in (0, 1, first + 1, 10 ** 6)}
        self.assertEqual(len(answers), 1)
        self.assert_refused(self.world.get(f"/v1/proof?index={first}"), 401, "unauthorized")

    def test_a_venues_feed_is_a_tree_of_its_own(self):
        self.qddex.push(records("f", 300))
        self.qddex.push(records("g", 5))
        size, root = self.qddex.tree.size, self.qddex.tree.root()
        for connection, subject in ((self.world.feed, "venue:qddex"), (self.world.public, "auditor")):
            reader = tlog.of_connection(connection, self.world.tokens[subject], "/v1/feeds/qddex/")
            reader.verify(size, root)
            self.assertEqual(list(reader.entries(size)), self.qddex.records)
        generation = tlog.of_connection(
            self.world.feed, self.world.tokens["venue:qddex"], "/v1/feeds/qddex/", "?generation=1")
        self.assertEqual(generation.root(size), root)
        for path in ("tile/0/000", "tile/entries/000", "proof?index=0"):
            absent = self.world.get(f"/v1/feeds/absent/{path}", "venue:sddex")
            foreign = self.world.get(f"/v1/feeds/qddex/{path}", "venue:sddex")
            self.assertEqual((absent.status, absent.body), (foreign.status, foreign.body))
            self.assert_refused(foreign, 404, "not_found")
            self.assert_refused(self.world.get(f"/v1/feeds/qddex/{path}", ALICE), 403, "forbidden")
            self.assert_refused(self.world.get(f"/v1/feeds/qddex/{path}"), 401, "unauthorized")
        for path in (f"tile/0/{size // 256 + 1:03}", "tile/0/000.p/0", "tile/x", "tile/0/000?generation=2",
                     f"proof?index={size}", "proof?index=0&generation=2"):
            self.assert_refused(self.world.get(f"/v1/feeds/qddex/{path}", "venue:qddex"), 404, "not_found")
        self.assert_refused(self.world.get("/v1/feeds/qddex/proof", "venue:qddex"), 400, "bad_request")

    def test_each_record_under_the_venues_own_signature(self):
        self.qddex.push(records("r1", 3))
        middle = self.qddex.tree.size
        self.qddex.push(records("r2", 4))
        feed = wire.Key.from_vkey(self.qddex.key.vkey())
        for index in range(self.qddex.tree.size - 7, self.qddex.tree.size):
            text = self.world.get(f"/v1/feeds/qddex/proof?index={index}", "venue:qddex").body.decode()
            note = text.partition("\n\n")[2].encode()
            origin, at, root = wire.split_note(note)[0].decode().splitlines()
            lines = text.partition("\n\n")[0].split("\n")
            self.assertTrue(wire.note_is_signed_by(note, feed))
            self.assertEqual((origin, int(at)), (self.qddex.origin, middle if index < middle else middle + 4))
            self.assertEqual(lines[1:3], ["extra " + base64.b64encode(self.qddex.records[index]).decode(),
                                          f"index {index}"])
            self.assertEqual(wire.root_from_path(index, int(at), wire.leaf_hash(self.qddex.records[index]),
                                                 [b64(line) for line in lines[3:]]), b64(root))


class Export(TilesTest):
    def export(self, folder, code=0, **options):
        return self.assert_code(self.world.client("export", folder, "--json", token="auditor", **options), code)

    def files(self, folder):
        found = []
        for place, _, names in os.walk(self.world.path(folder)):
            found += [os.path.relpath(os.path.join(place, name), self.world.path(folder)) for name in names]
        return set(found)

    def test_a_copy_is_whole_and_is_read_like_the_ledger(self):
        self.grow_to(max(self.world.size() + 2, 600), "e")
        answer = self.export("whole").json()
        folder = self.world.path("whole")
        copy = tlog.of_folder(folder)
        size, root = copy.checkpoint(self.key)
        self.assertEqual((answer["size"], size), (size, self.world.size()))
        copy.verify(size, root)
        self.assertEqual(self.files("whole"), set(copy.paths(size)) | {"ledger.json", "policy"})
        with open(self.world.path("whole", "policy"), encoding="utf-8") as file:
            self.assertEqual(file.read(), f"log {self.world.ledger_key.vkey()}\nquorum none\n")
        # One that was given is kept as it came, from wherever.
        result = self.world.client("export", "whole", "--policy", "-", token="auditor", stdin=b"# mine\nquorum none\n")
        self.assert_code(result, 0)
        self.assertEqual(self.world.read("whole/policy"), b"# mine\nquorum none\n")
        for path in copy.paths(size):
            self.assertEqual(copy.fetch(path), self.reader().fetch(path), path)
        # Behind any web server it is a mirror.
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler(folder)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            mirror = tlog.Reader(lambda path: plain_get(server.server_address[1], "/" + path))
            self.assertEqual(mirror.checkpoint(self.key), (size, root))
            mirror.verify(size, root)
            server.shutdown()

    def test_it_goes_on_where_it_was_broken_off(self):
        self.grow_to(max(self.world.size() + 2, 600), "o")
        whole = self.export("again").json()
        full = 2 * (whole["size"] // 256)
        self.assertEqual(self.export("again").json()["kept"], full + 1)
        copy = tlog.of_folder(self.world.path("again"))
        for path in ("tile/0/001", "tile/entries/000", "checkpoint"):
            os.unlink(self.world.path("again", path))
        for path, place in (("tile/0/000", 4000), ("tile/entries/001", 77)):
            data = bytearray(copy.fetch(path))
            data[place] ^= 1
            self.world.write("again/" + path, bytes(data))
        answer = self.export("again").json()
        self.assertEqual(answer["kept"], full + 1 - 4)
        copy = tlog.of_folder(self.world.path("again"))
        copy.verify(*copy.checkpoint(self.key))
        # And it grows with the ledger.
        self.qddex.push(records("later", 300))
        answer = self.export("again").json()
        self.assertGreater(answer["size"], whole["size"])
        self.assertGreaterEqual(answer["kept"], full)
        copy.verify(*copy.checkpoint(self.key))

    def test_who_may_not_read_entries_may_not_copy_them(self):
        self.assert_code(self.world.client("export", "none", token="venue:qddex"), 5)
        self.assert_code(self.world.client("export", "none"), 5)
        self.assertNotIn("checkpoint", self.files("none"))
        self.assertEqual([path for path in self.files("none") if "entries" in path], [])

    def test_a_copy_of_another_ledger_is_not_written_over(self):
        self.export("other")
        self.world.write("other/ledger.json", b"{}\n")
        self.assertIn("another ledger", self.export("other", 2).err)

    def test_nothing_wrong_is_ever_written(self):
        self.grow_to(max(self.world.size() + 2, 600), "s")
        size, _ = self.checkpoint()
        partial = f"{size // 256:03}.p/{size % 256}"
        spoils = (lambda body: bytes([body[0] ^ 1]) + body[1:], lambda body: body[:-1] + bytes([body[-1] ^ 1]),
                  lambda body: body[:-1], lambda body: body + b"\0", lambda body: b"")
        case = {}

        def change(_, path, answer):
            return wire.Answer(200, answer.headers, case["spoil"](answer.body)) if path == case["path"] else answer
        with Proxy(self.world, self.world.addresses["public"], change) as address:
            for spoilt in ("tile/0/000", "tile/0/" + partial, f"tile/1/000.p/{size >> 8}", "tile/entries/000",
                           "tile/entries/" + partial):
                for number, case["spoil"] in enumerate(spoils):
                    case["path"] = "/" + spoilt
                    shutil.rmtree(self.world.path("spoilt"), ignore_errors=True)
                    with self.subTest(spoilt=spoilt, number=number):
                        self.export("spoilt", 6, SUBSIDY_SERVER="https://" + address)
                        self.check_unspoilt("spoilt", spoilt)

    def check_unspoilt(self, folder, missing):
        """What was written before it was noticed is right."""
        found = self.files(folder) - {"ledger.json"}
        self.assertEqual(found & {"checkpoint", missing}, set())
        for path in found:
            self.assertEqual(tlog.of_folder(self.world.path(folder)).fetch(path), self.reader().fetch(path), path)

    def test_a_ledger_that_was_set_back_is_noticed(self):
        old = self.world.public.get("/checkpoint").body
        self.qddex.push(records("back", 3))
        self.export("back")
        kept = {path: tlog.of_folder(self.world.path("back")).fetch(path) for path in self.files("back")}

        def change(_, path, answer):
            return wire.Answer(200, answer.headers, old) if path == "/checkpoint" else answer
        with Proxy(self.world, self.world.addresses["public"], change) as address:
            result = self.export("back", 6, SUBSIDY_SERVER="https://" + address)
        self.assertIn("DOES NOT PROVE", result.err)
        self.assertEqual(self.files("back") - set(kept), {"evidence.json"})
        for path, content in kept.items():
            self.assertEqual(tlog.of_folder(self.world.path("back")).fetch(path), content)


def QuietHandler(folder):       # pylint: disable=invalid-name
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *_):
            pass
    return Handler


def plain_get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status)
        return body
    finally:
        connection.close()


if __name__ == "__main__":
    unittest.main()
