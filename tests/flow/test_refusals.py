"""Every row of the table of refusals in proto/FORMAT.md, provoked in the real daemon.

The table says what is sent and the tests say how to bring it about: a row without a case fails, a case without a row
fails. Each refusal has the status, the name, the sentence and the further members of its row, leaves the ledger and the
feed as they were, and an honest venue is served right after it.
"""
import base64
import os
import re
import resource
import secrets
import signal
import struct
import threading
import unittest

from tests.flow import wire
from tests.flow.harness import (BUILD, FIRMS, ROOT, FlowTest, World, in_days, is_sanitized, read_json, records, trade,
                                wait_until)

SKEW = os.path.join(BUILD, "tests", "tools", "skew.so")
MIB = 1 << 20
DAY_S = 86400
COMMON_MEMBERS = {"type", "title", "status", "detail"}
ORDER_TYPE = {"Content-Type": "application/json"}
PUSH_TYPE = {"Content-Type": "application/protobuf"}
NOTE_TYPE = {"Content-Type": "text/plain"}
WITNESS = wire.WitnessKey("w.example", bytes(range(32)))


class Row:
    """One line of the table."""

    def __init__(self, cells):
        _, status, name, members, _ = cells
        self.status = int(status)
        self.name = name.strip("`")
        self.members = set(re.findall(r"`(\w+)`", members))


def read_refusals():
    """The rows, and the names that are said never to be sent."""
    with open(os.path.join(ROOT, "proto", "FORMAT.md"), encoding="utf-8") as file:
        chapter = file.read().partition("\n## Refusals\n")[2].partition("\n## ")[0]
    lines = [line for line in chapter.splitlines() if line.startswith("|")]
    rows = [Row([cell.strip() for cell in line.strip("|").split("|")]) for line in lines[2:]]
    return rows, set(re.findall(r"`(\w+)`", re.search(r"never sent: ([^.]*)\.", chapter).group(1)))


def read_errors():
    """Status and sentence by name, from err.h."""
    with open(os.path.join(ROOT, "proto", "err.h"), encoding="utf-8") as file:
        return {name: (int(status), sentence) for name, status, sentence in re.findall(
            r'X\(\w+,\s*"(\w+)",\s*(\d+), "([^"]*)"\)', file.read())}


class SkewedWorld(World):
    """Its daemon's clock can be set ahead; a sanitizer leaves no room for that."""

    def set_clock_ahead(self, seconds):
        self.write("skew", struct.pack("q", seconds))

    def spawn(self, config="subsidyd.conf"):
        plain = self.env
        if not is_sanitized():
            self.set_clock_ahead(0)
            self.env = dict(self.env, LD_PRELOAD=SKEW, SKEW_CONTROL=self.path("skew"))
        try:
            super().spawn(config)
        finally:
            self.env = plain


class Table(unittest.TestCase):
    def test_each_row_has_a_case_and_each_case_a_row(self):
        rows, _ = read_refusals()
        names = [row.name for row in rows]
        cases = [name.removeprefix("test_") for name in dir(Refusals) if name.startswith("test_")]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(sorted(names), sorted(cases))

    def test_names_statuses_and_sentences_are_those_of_the_program(self):
        """Whatever can go wrong is in the table, or said never to be sent."""
        rows, never_sent = read_refusals()
        errors = read_errors()
        self.assertGreater(len(errors), 40)
        for row in rows:
            self.assertEqual(row.status, errors[row.name][0], row.name)
        self.assertEqual({row.name for row in rows} | never_sent, set(errors))
        self.assertFalse({row.name for row in rows} & never_sent)


class Refusals(FlowTest):
    """The name of each test is the name of the refusal it provokes."""

    # The smallest map there is: a push of seven million bytes asks for more room than it has left.
    settings = {"ledger": {"map_size": "64M"}, "run": {"workers": "1"}, "witness": {"policy": "witnesses"}}

    @classmethod
    def setUpClass(cls):
        cls.world = SkewedWorld(start=False, **cls.settings)
        cls.addClassCleanup(cls.world.close)
        cls.world.write("witnesses", f"witness bureau {WITNESS.vkey()}\nquorum none\n")
        cls.world.start()
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.errors = read_errors()
        cls.rows = {row.name: row for row in read_refusals()[0]}
        cls.feed = cls.world.license("qddex")
        cls.other = cls.world.license("sddex")
        cls.world.grant("bureau", "venue:qddex", FIRMS[0])
        cls.feed.push(records("begin", 5))
        cls.serial = 0

    def setUp(self):
        self.name = self.id().rpartition(".test_")[2]
        self.refused_count = 0
        self.before = self.state()

    def tearDown(self):
        self.assertGreater(self.refused_count, 0, "nothing was refused")
        self.assertEqual(self.feed.push(self.new())["new"], 1)
        self.assertEqual(self.state()["size"], self.before["size"] + 2)

    def new(self, count=1):
        """Records nobody has pushed yet."""
        type(self).serial += 1
        return records(f"n{self.serial}", count)

    def state(self):
        feed = self.world.get_json("/v1/feeds/qddex", "bureau")
        return {"size": self.world.size(), "feed": (feed["size"], feed["root"])}

    def assert_row(self, answer):
        """The answer is the one that the table has under this test's name."""
        row = self.rows[self.name]
        problem = self.assert_refused(answer, row.status, row.name)
        self.assertEqual(problem["title"], self.errors[row.name][1])
        self.assertEqual(set(problem) - COMMON_MEMBERS, row.members)
        if row.name not in ("overloaded", "stopping", "out_of_memory", "damaged_ledger"):
            self.assertTrue(problem["detail"])
        self.assertEqual("Retry-After" in answer.headers, row.status in (429, 503))
        self.assertEqual("Allow" in answer.headers, row.status == 405)
        self.assertEqual("WWW-Authenticate" in answer.headers, row.status == 401)
        self.refused_count += 1
        return problem

    def refused(self, answer):
        problem = self.assert_row(answer)
        self.assertEqual(self.state(), self.before)
        return problem

    def refused_push(self, body, venue="qddex", query=""):
        return self.refused(self.world.feed.push(venue, body, query))

    def refused_order(self, kind, body=None, items=None, sent=None, **changes):
        note = self.world.make_order(kind, body, items, **changes)
        return self.refused(self.world.public.order(note, items or () if sent is None else sent))

    def refused_get(self, path, subject="bureau"):
        return self.refused(self.world.get(path, subject))

    def refused_cosignatures(self, body, headers=None):
        return self.refused(self.world.public.request("POST", "/v1/cosignatures", body, headers or NOTE_TYPE))

    def checkpoint(self):
        """The text of the published checkpoint, and the ledger's line under it."""
        text, lines = wire.split_note(self.world.public.get("/checkpoint").body)
        return text, lines[0]

    def register_items(self, name="甲"):
        return [wire.item_register(FIRMS[0], name, ("default",), "5a" * 16)]

    def assert_held(self, problem):
        """size, root and frontier are the feed's own."""
        self.assertEqual(problem["size"], len(self.feed.records))
        self.assertEqual(base64.b64decode(problem["root"]), self.feed.tree.root())
        self.assertEqual([base64.b64decode(digest) for digest in problem["frontier"]], self.feed.tree.hashes)

    # Pushes

    def test_malformed(self):
        body = self.feed.body(self.new())
        for broken in (b"", b"{}", body[:-1], body + b"\x01", body + wire.field(9, 1)):
            self.refused_push(broken)

    def test_too_large(self):
        start = len(self.feed.records)
        self.refused_push(wire.push_body(start, self.new(), b"n" * 65001))
        self.refused_push(self.feed.body(self.new(), checkpoint=b"c" * 8193))
        for items in (["i" * 49100], ["{}"] * 1001):
            self.refused(self.world.public.order(b"n" * 100, items))
        self.refused_cosignatures(b"c" * 8193)

    def test_too_many_records(self):
        self.refused_push(wire.push_body(len(self.feed.records), [b"r"] * 65537, b"n"))

    def test_empty_push(self):
        self.refused_push(self.feed.body([]))

    def test_invalid_records(self):
        start = len(self.feed.records)
        wrong = wire.encode_record(trade("wrong", tax="106.00"))
        problem = self.refused_push(self.feed.body(self.new() + [wrong]))
        self.assertEqual((problem["error_count"], len(problem["errors"])), (1, 1))
        self.assertEqual({"index", "field", "reason"}, set(problem["errors"][0]))
        self.assertEqual((problem["errors"][0]["index"], problem["errors"][0]["field"]), (start + 1, "tax"))
        self.refused_push(self.feed.body([wire.encode_record(trade("ahead", settled_on=in_days(2)))]))
        self.refused_push(self.feed.body([wrong[:-1]]))
        for count in (999, 1000, 1001):
            problem = self.refused_push(self.feed.body([b"\xff"] * count))
            self.assertEqual((problem["error_count"], len(problem["errors"])), (count, min(count, 1000)))

    def test_bad_note(self):
        start, new = len(self.feed.records), self.new()
        self.refused_push(wire.push_body(start, new, b""))
        self.refused_push(wire.push_body(start, new, b"hello"))
        self.refused_push(wire.push_body(start, new, wire.sign_note(b"three\nother\nlines\n", self.feed.key)))
        self.refused_push(self.feed.body(new), query="?check=1")
        self.refused(self.world.public.order(b"no note", ()))
        for body in (b"", b"no note", wire.sign_note(b"no checkpoint\n", self.world.ledger_key)):
            self.refused_cosignatures(body)

    def test_unknown_venue(self):
        for venue in ("nobody", "x" * 600, "QDDEX", "%E5%B2%9B"):
            self.refused_push(self.feed.body(self.new()), venue=venue)

    def test_unknown_key(self):
        self.refused_push(self.feed.body(self.new(), key=self.other.key))
        items = self.register_items()
        text, _ = wire.split_note(self.world.make_order("enterprise.register", items=items))
        self.refused(self.world.public.order(wire.sign_note(text, self.feed.key), items))
        text, line = self.checkpoint()
        self.refused_cosignatures(text + b"\n" + WITNESS.cosign(text, 1))
        self.refused_cosignatures(text + b"\n" + line + wire.WitnessKey("x.example", bytes(32)).cosign(text, 1))

    def test_bad_signature(self):
        new = self.new()
        tree = self.feed.tree.copy()
        tree.add(new[0])
        text = wire.checkpoint_text(self.feed.origin, tree.size, tree.root())
        forged = text + b"\n" + wire.Key("qddex", b"\7" * 32).line(text, key_id=self.feed.key.id)
        self.refused_push(wire.push_body(len(self.feed.records), new, forged))
        items = self.register_items()
        note = self.world.make_order("enterprise.register", items=items)
        self.refused(self.world.public.order(note.replace(b'"made_at_size":1', b'"made_at_size":2'), items))
        text, line = self.checkpoint()
        self.refused_cosignatures(text + b"\n" + line + WITNESS.cosign(text[:-1], 1))
        self.refused_cosignatures(text.replace(b"\n", b"\n1", 1) + b"\n" + line)

    def test_wrong_origin(self):
        new = self.new()
        for origin in (self.other.origin, f"qddex/{self.world.ledger_id}/2", "qddex/0123456789abcdef/1"):
            self.refused_push(self.feed.body(new, origin=origin))
        text, line = self.checkpoint()
        self.refused_cosignatures(b"other/" + text + b"\n" + line + WITNESS.cosign(text, 1))

    def test_size_mismatch(self):
        new = self.new()
        tree = self.feed.tree.copy()
        for size in (0, tree.size, tree.size + 2):
            note = wire.sign_note(wire.checkpoint_text(self.feed.origin, size, tree.root()), self.feed.key)
            self.assert_held(self.refused_push(wire.push_body(tree.size, new, note)))

    def test_feed_gap(self):
        held = self.feed.records
        body = self.feed.body(self.new(), start=len(held) + 1, held=held + self.new())
        self.assertEqual(self.refused_push(body)["next"], len(held))

    def test_root_mismatch(self):
        tree = self.feed.tree.copy()
        tree.add(self.new()[0])
        note = wire.feed_note(self.feed.key, self.feed.origin, tree)
        self.assert_held(self.refused_push(wire.push_body(len(self.feed.records), self.new(), note)))

    def test_feed_conflict(self):
        """The one refusal that is kept: by a single entry, however often it is sent."""
        body = self.feed.body(self.new(2), start=len(self.feed.records) - 1)
        for _ in range(2):
            problem = self.assert_row(self.world.feed.push("qddex", body))
            self.assert_held(problem)
            self.assertEqual(problem["evidence"], self.before["size"])
            self.assertEqual(self.state(), dict(self.before, size=self.before["size"] + 1))
        self.before = self.state()

    def test_venue_suspended(self):
        self.world.order("venue.suspend", {"venue": "qddex", "reason": "检查"})
        self.before = self.state()
        self.refused_push(self.feed.body(self.new()))
        self.refused_push(self.feed.body(self.feed.records[-1:], start=len(self.feed.records) - 1))
        self.refused_push(wire.push_body(len(self.feed.records), self.new(), b""), query="?check=1")
        self.world.order("venue.resume", {"venue": "qddex", "reason": "检查完毕"})
        self.before = self.state()

    def test_feed_busy(self):
        """The first is still being received when it takes its turn: nothing of that; so several large ones at once."""
        new = records("busy", 4000)
        wrong = self.feed.body(new + [wire.encode_record(trade("busy", tax="106.00"))])
        answers = []
        for _ in range(20):
            answers += self.together([lambda: self.connect("feed").push("qddex", wrong)] * 6)
            busy = [answer for answer in answers if answer.status == 429]
            if busy:
                break
        self.assertTrue(busy, "six pushes at once were never too many")
        for answer in busy:
            self.refused(answer)

    def test_rolled_back(self):
        ahead = wire.checkpoint_text(self.world.origin, 10**6, bytes(32))
        checkpoint = wire.sign_note(ahead, self.world.ledger_key)
        for send in (lambda: self.world.feed.push("qddex", self.feed.body(self.new(), checkpoint=checkpoint)),
                     lambda: self.world.public.request("POST", "/v1/cosignatures", checkpoint, NOTE_TYPE)):
            self.assert_row(send())
            wait_until(lambda: self.world.process.poll() is not None, 30, "the daemon's end")
            self.world.finish(9)
            self.world.start()
            self.assertEqual(self.state(), self.before)

    # Orders

    def test_bad_order(self):
        self.refused_order("enterprise.register", items=['{"code":"x"}'])
        self.refused_order("enterprise.register", {"x": 1}, self.register_items())
        self.refused_order("venue.praise", {})
        self.refused_order("policy.adopt", {"policy": dict(read_json("policy-flat.json"), bonus="1.00")})

    def test_items_mismatch(self):
        items = self.register_items()
        for sent in ((), self.register_items("乙"), items + items):
            self.refused_order("enterprise.register", items=items, sent=sent)

    def test_other_ledger(self):
        items = self.register_items()
        for changes in ({"ledger_id": "0123456789abcdef"}, {"origin": "ledger.example/other"},
                        {"made_at_size": self.before["size"] + 1}):
            self.refused_order("enterprise.register", items=items, **changes)

    def test_order_expired(self):
        for days in (-1, 31):
            self.refused_order("enterprise.register", items=self.register_items(), expires=in_days(days))

    def test_quorum_not_met(self):
        for signers in (("zhang",), ("zhang", "zhao"), ("zhang", "zhang-2"), ("li", "wang")):
            problem = self.refused_order("enterprise.register", items=self.register_items(), signers=signers)
            self.assertIn("1 clerk and 1 reviewer or leader", problem["detail"])

    def test_order_id_taken(self):
        body = {"venue": "qddex", "name": "又一", "keys": [self.feed.key.vkey()]}
        self.refused_order("venue.license", body, id="flow-1")

    def test_refused(self):
        self.refused_order("venue.license", {"venue": "qddex", "name": "又一", "keys": [self.feed.key.vkey()]})
        policy = dict(read_json("policy-flat.json"), venues=["nowhere"])
        self.refused_order("policy.adopt", {"policy": policy})
        self.refused_order("grant.add", items=[wire.item_grant(secrets.token_hex(32), "bureau", "x", in_days(-1), "5a" * 16)])

    # Requests

    def test_bad_request(self):
        code = FIRMS[0]
        for path in ("/v1/ledger?colour=red", "/v1/enterprises?limit=1&limit=2", f"/v1/enterprises/{code}?as_of=0",
                     f"/v1/enterprises/{code}?as_of=tomorrow", "/v1/enterprises?cursor=x", "/v1/enterprises?limit=0",
                     "/v1/enterprises?sort=size", f"/v1/enterprises/{code}/explain", "/v1/feeds/qddex/records?from=-1"):
            self.refused_get(path)
        self.refused_push(self.feed.body(self.new()), query="?check=yes")
        for body in (b"", b"[]", b'{"note":1,"items":[]}', b'{"note":"x","items":[],"more":1}'):
            self.refused(self.world.public.request("POST", "/v1/orders", body, ORDER_TYPE))
        self.refused(self.world.public.request("GET", "/healthz", b"a body"))

    def test_unauthorized(self):
        self.refused_get("/v1/overview", None)
        for token in ("00" * 32, "x", self.world.tokens["bureau"].upper()):
            self.refused(self.world.public.get("/v1/overview", token))

    def test_forbidden(self):
        self.refused_get("/v1/overview", "venue:qddex")
        self.refused_get(f"/v1/enterprises/{FIRMS[0]}", "venue:qddex")
        self.refused_get("/v1/feeds/qddex", FIRMS[0])

    def test_not_found(self):
        self.refused_get("/nowhere")
        self.refused_get("/v1/feeds/sddex", "venue:qddex")
        self.refused_get("/v1/feeds/" + "x" * 600, "bureau")
        self.refused_get(f"/v1/enterprises/{FIRMS[1]}", FIRMS[0])
        self.refused_get("/v1/enterprises/" + "9" * 600, "bureau")
        self.refused_get("/v1/feeds/qddex/receipt?size=0", "bureau")
        self.refused(self.world.public.push("qddex", self.feed.body(self.new()), "/more"))

    def test_method_not_allowed(self):
        for method, path in (("DELETE", "/v1/ledger"), ("GET", "/v1/orders"), ("PUT", "/v1/ledger"),
                             ("POST", "/v1/overview")):
            self.refused(self.world.public.request(method, path))

    def test_unsupported_media_type(self):
        for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
            self.refused(self.world.feed.request("POST", "/v1/feeds/qddex", self.feed.body(self.new()), headers))
        self.refused(self.world.public.request("POST", "/v1/orders", b"{}", PUSH_TYPE))
        self.refused_cosignatures(b"text\n", ORDER_TYPE)

    # The machine

    def connect(self, listener):
        connection = wire.Connection(self.world.addresses[listener], self.world.path("ca.pem"))
        self.addCleanup(connection.close)
        return connection

    def together(self, actions):
        """What they give, each in a thread of its own; a connection that was cut gives nothing."""
        answers = []

        def act(action):
            try:
                answers.append(action())
            except OSError:
                pass
        threads = [threading.Thread(target=act, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    def metric(self, name):
        return wire.read_metrics(self.world.addresses["metrics"])[name]

    def begin_push(self, size):
        """A connection on which a push of this size is announced."""
        sock = self.connect("feed").open().sock
        sock.sendall(b"POST /v1/feeds/qddex HTTP/1.1\r\nHost: a\r\nContent-Type: application/protobuf\r\n"
                     b"Content-Length: %d\r\n\r\n" % size)
        return sock

    def test_overloaded(self):
        """Ninety-two of the ninety-six MiB that may be received at a time are; then someone comes with eight more."""
        part = bytes(23 * MIB)
        others = [self.begin_push(24 * MIB) for _ in range(4)]
        for sock in others:
            sock.sendall(part)
        wait_until(lambda: self.metric("subsidy_http_body_bytes") >= 4 * len(part), 30, "the bytes of the others")
        sock = self.begin_push(24 * MIB)
        try:
            sock.sendall(part[:8 * MIB])
        except OSError:
            pass
        self.refused(wire.read_answer(sock))
        self.assertEqual(self.feed.push(self.new())["new"], 1)
        for other in others:
            other.close()
        wait_until(lambda: self.metric("subsidy_http_body_bytes") < MIB, 30, "the others' bytes to be forgotten")
        self.before = self.state()

    def test_stopping(self):
        """Checks wait for the only worker when the daemon is told to stop, and then to hurry."""
        new = records("stopping", 12000)
        body = wire.push_body(len(self.feed.records), new, b"")
        connections = [self.connect("feed") for _ in range(8)]
        answers = []
        threads = [threading.Thread(target=self.try_check, args=(connection, body, answers)) for connection in connections]
        for thread in threads:
            thread.start()
        wait_until(lambda: self.metric("subsidy_jobs_in_work") >= 4, 60, "checks that wait")
        self.world.process.send_signal(signal.SIGTERM)
        self.world.process.send_signal(signal.SIGINT)
        for thread in threads:
            thread.join(60)
        self.world.close_connections()
        self.world.finish(0)
        self.world.start()
        refused = [answer for answer in answers if answer.status == 503]
        self.assertTrue(refused, answers)
        for answer in refused:
            self.refused(answer)

    def try_check(self, connection, body, answers):
        try:
            answers.append(connection.push("qddex", body, "?check=1"))
        except OSError:
            pass

    def test_disk_full(self):
        self.refused_push(self.feed.body(records("full", 20000, product_name="x" * 200)))
        self.assertEqual(self.world.public.get("/readyz").body, b"disk_full\n")
        self.assertEqual(self.world.public.get("/checkpoint").status, 200)

    @unittest.skipIf(is_sanitized(), "the build is sanitized: nothing can be loaded ahead of the sanitizer")
    def test_clock_suspect(self):
        self.world.set_clock_ahead(DAY_S + 100)
        self.refused_push(self.feed.body(self.new()))
        self.assertEqual(self.world.public.get("/readyz").body, b"clock_suspect\n")
        self.assertEqual(self.world.public.get("/checkpoint").status, 200)
        self.world.set_clock_ahead(0)

    @unittest.skipIf(is_sanitized(), "the build is sanitized: its allocator ends the program where memory is short")
    def test_out_of_memory(self):
        """What the daemon may take is limited to what it has, and a little, when the last byte of a push arrives."""
        size = 12 * MIB
        sock = self.begin_push(size)
        sock.sendall(bytes(size - 1))
        wait_until(lambda: self.metric("subsidy_http_body_bytes") >= size - 1, 30, "the bytes but one")
        pid = self.world.process.pid
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        limits = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (used + MIB, limits[1]))
        try:
            sock.sendall(b"\0")
            answer = wire.read_answer(sock)
        finally:
            resource.prlimit(pid, resource.RLIMIT_AS, limits)
        self.refused(answer)

    def test_damaged_ledger(self):
        """The row that says which entry is the feed's last push points nowhere."""
        self.world.stop()
        key = self.world.corrupt("keys", "pushes")[-1]
        self.world.corrupt("flip", "pushes", key, "0")
        self.world.start()
        answer = self.world.get("/v1/feeds/qddex/receipt", "bureau")
        self.world.stop()
        self.world.corrupt("flip", "pushes", key, "0")
        self.world.start()
        self.refused(answer)


if __name__ == "__main__":
    unittest.main()
