"""Published heads and witnesses: cosignatures are made here in Python, the quorum is two of three."""
import base64
import os
import re
import signal
import threading
import time
import unittest
import urllib.request

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, World, check, records, wait_until
from tests.flow.test_metrics import Metrics

BODY_MAX = 8192
NOTE_TYPE = {"Content-Type": "text/plain; charset=utf-8"}
WITNESSES = [wire.WitnessKey(f"w{i}.example", bytes([7, i] + [0] * 30)) for i in range(4)]
QUORUM = "group exchanges 2 bureau qddex sddex\nquorum exchanges\n"
NAMES = ("bureau", "qddex", "sddex")


def policy_text(quorum=QUORUM, names=NAMES, log=""):
    return log + "".join(f"witness {name} {witness.vkey()}\n" for name, witness in zip(names, WITNESSES)) + quorum


def size_of(note):
    return int(note.split(b"\n")[1])


def text_of(note):
    return wire.split_note(note)[0]


class WitnessedWorld(World):
    """A daemon that waits for two of three witnesses."""

    def __init__(self, interval=1, timeout=3600, **settings):
        self.time_s = int(time.time())
        super().__init__(witness={"policy": "witnesses", "interval": interval, "timeout": timeout}, **settings)

    def make_config(self, name="subsidyd.conf", **settings):
        self.write("witnesses", policy_text(log=f"log {self.ledger_key.vkey()}\n"))
        return super().make_config(name, **settings)

    def note(self, path):
        answer = self.public.get(path)
        assert answer.status == 200 and wire.note_is_signed_by(answer.body, self.ledger_key), answer
        return answer.body

    def published(self):
        return self.note("/checkpoint")

    def candidate(self, beyond=None):
        """The note to cosign; of more than so many entries, where it is asked for so."""
        if beyond is not None:
            wait_until(lambda: size_of(self.note("/v1/candidate")) > beyond, 30, "a candidate")
        return self.note("/v1/candidate")

    def post(self, body, headers=None):
        return self.public.request("POST", "/v1/cosignatures", body, headers or NOTE_TYPE)

    def cosign(self, note, *numbers):
        """What the daemon says of the cosignatures of these witnesses."""
        self.time_s += 1
        text = text_of(note)
        own = b"".join(line for line in wire.split_note(note)[1] if line.split(b" ")[1] == self.origin.encode())
        answer = self.post(text + b"\n" + own + b"".join(WITNESSES[i].cosign(text, self.time_s) for i in numbers))
        assert answer.status == 200, answer
        return answer.json()

    def publish(self):
        """Has the newest head published, with two cosignatures at least; its note."""
        size, deadline = self.size(), time.monotonic() + 60
        while size_of(self.published()) < size:
            assert time.monotonic() < deadline, "nothing is published"
            self.cosign(self.candidate(size_of(self.published())), 0, 1)
        if not all(WITNESSES[i].cosigned_at(self.published()) for i in (0, 1)):
            self.cosign(self.published(), 0, 1)
        return self.published()

    def metrics_now(self):
        with urllib.request.urlopen(f"http://{self.addresses['metrics']}/metrics", timeout=30) as answer:
            return Metrics(answer.read().decode())


class WitnessTest(FlowTest):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.world = WitnessedWorld(**cls.settings)
        cls.addClassCleanup(cls.world.close)
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.serial = 0

    def push(self, count=1):
        type(self).serial += 1
        return self.feed.push(records(f"n{self.serial}", count))

    def assert_cosigned(self, note, *numbers):
        """Every line of the note verifies, and they are the ledger's and those of these witnesses."""
        self.assertTrue(wire.note_is_signed_by(note, self.world.ledger_key))
        self.assertEqual([i for i in range(len(WITNESSES)) if WITNESSES[i].cosigned_at(note) is not None], list(numbers))
        self.assertEqual(len(wire.split_note(note)[1]), 1 + len(numbers))


class Vector(unittest.TestCase):
    def test_the_cosignature_of_the_formats_document(self):
        """Python's own cosignature of the example is the published one."""
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "proto", "FORMAT.md"), encoding="utf-8") as file:
            document = file.read()
        chapter = document.partition("\n## Checkpoints\n")[2].partition("\n## ")[0]
        text = re.search(r"```\n(.*?\n)\n— ", chapter, re.S)[1].encode()
        line = re.search(r"`(— witness\.example/bureau \S+)`", chapter)[1]
        witness = wire.WitnessKey("witness.example/bureau", bytes.fromhex(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
        self.assertIn(f"`{witness.vkey()}`", chapter)
        self.assertEqual(witness.cosign(text, 1679315147).decode(), line + "\n")
        self.assertEqual(witness.cosigned_at(text + b"\n" + line.encode() + b"\n"), 1679315147)


class Quorum(WitnessTest):
    def test_the_older_head_stays_published_until_the_quorum_has_cosigned(self):
        world = self.world
        old = world.publish()
        self.push(3)
        candidate = world.candidate(size_of(old))
        self.assertEqual(size_of(candidate), size_of(old) + 4)
        self.assertEqual(text_of(world.published()), text_of(old))
        answer = world.cosign(candidate, 1)
        self.assertEqual(answer, {"size": size_of(candidate), "published": size_of(old), "candidate": size_of(candidate),
                                  "witnesses": ["qddex"], "is_quorum_met": False})
        self.assertEqual(text_of(world.published()), text_of(old))
        self.assertEqual(world.cosign(candidate, 1)["is_quorum_met"], False)
        answer = world.cosign(candidate, 2)
        self.assertEqual(answer, {"size": size_of(candidate), "published": size_of(candidate),
                                  "candidate": size_of(candidate), "witnesses": ["qddex", "sddex"],
                                  "is_quorum_met": True})
        new = world.published()
        self.assertEqual(text_of(new), text_of(candidate))
        self.assert_cosigned(new, 1, 2)
        # Nothing waits: that head is what may still be cosigned, and late lines are attached.
        self.assertEqual(world.candidate(), new)
        self.assertEqual(world.cosign(new, 0)["witnesses"], list(NAMES))
        self.assert_cosigned(world.published(), 0, 1, 2)

    def test_receipts_do_not_wait(self):
        old = self.world.publish()
        receipt = self.push()["receipt"]
        self.assertEqual(size_of(self.world.published()), size_of(old))
        self.assertEqual(wire.verify_receipt(receipt, self.world.ledger_key)[2], self.world.size())
        # And the client does not take the older published head for a ledger that was set back.
        self.world.write("ahead.tlog-proof", receipt)
        done = check(self.world.client("receipt", "check", "ahead.tlog-proof", "--json"))
        self.assertEqual(done.json()["ledger_size"], size_of(old))

    def test_a_statement_is_of_what_is_published(self):
        """Newer entries wait for the next one, and the cosignatures go with it."""
        world = self.world
        world.grant(FIRMS[0])
        self.push(3)
        note = world.publish()
        self.push(2)
        result = check(world.client("statement", FIRMS[0], "-o", world.path("statement"), "--json", token=FIRMS[0]))
        self.assertEqual(result.json()["size"], size_of(note))
        self.assertEqual(world.read("statement/checkpoint"), world.published())
        self.assertGreater(world.size(), size_of(note))

    def test_under_load_the_candidate_stays_until_it_is_published(self):
        world = self.world
        stop = threading.Event()
        other = wire.Connection(world.addresses["feed"], world.path("ca.pem"))
        pushed = []

        def push_on():
            number = 0
            while not stop.is_set():
                new = records(f"load{number}", 5)
                answer = other.push("qddex", self.feed.body(new))
                assert answer.status == 200, answer
                self.feed.accept(new)
                pushed.append(number)
                number += 1

        old = world.publish()
        thread = threading.Thread(target=push_on)
        thread.start()
        try:
            for _ in range(2):
                candidate = world.candidate(size_of(old))
                size = world.size()
                until = time.monotonic() + 2.5
                while time.monotonic() < until or world.size() < size + 12:
                    self.assertLess(time.monotonic(), until + 60)
                    self.assertEqual(text_of(world.candidate()), text_of(candidate))
                    self.assertEqual(text_of(world.published()), text_of(old))
                self.assertFalse(world.cosign(candidate, 0)["is_quorum_met"])
                self.assertTrue(world.cosign(candidate, 2)["is_quorum_met"])
                new = world.published()
                self.assertEqual(text_of(new), text_of(candidate))
                self.assert_cosigned(new, 0, 2)
                old = new
        finally:
            stop.set()
            thread.join(60)
            other.close()
        self.assertGreater(len(pushed), 4)

    def test_a_newer_cosignature_takes_the_place_of_an_older_one(self):
        world = self.world
        note = world.publish()
        first = WITNESSES[0].cosigned_at(note)
        world.cosign(note, 0)
        newer = WITNESSES[0].cosigned_at(world.published())
        self.assertGreater(newer, first)
        text = text_of(note)
        old = text + b"\n" + world.ledger_key.line(text) + WITNESSES[0].cosign(text, first)
        self.assertEqual(world.post(old).status, 200)
        self.assertEqual(WITNESSES[0].cosigned_at(world.published()), newer)

    def test_a_checkpoint_of_another_size_of_this_history(self):
        """It is answered, and kept for nothing."""
        world = self.world
        old = world.publish()
        self.push()
        new = world.publish()
        for note in (old, world.candidate()):
            self.assertTrue(wire.note_is_signed_by(note, world.ledger_key))
        answer = world.cosign(old, 0, 1, 2)
        self.assertEqual((answer["size"], answer["witnesses"], answer["is_quorum_met"], answer["published"]),
                         (size_of(old), [], False, size_of(new)))
        self.assertEqual(world.published(), new)

    def refused(self, body, status, problem, headers=None):
        before = self.world.published(), self.world.candidate()
        self.assert_refused(self.world.post(body, headers), status, problem)
        self.assertEqual((self.world.published(), self.world.candidate()), before)

    def test_what_is_refused_changes_nothing(self):
        world = self.world
        old = world.publish()
        self.push()
        candidate = world.candidate(size_of(old))
        text = text_of(candidate)
        own = world.ledger_key.line(text)
        good = WITNESSES[0].cosign(text, 1000)
        other_text = text_of(old)
        twin = wire.WitnessKey(WITNESSES[0].name, bytes(range(32)))
        plain = wire.Key(WITNESSES[0].name, WITNESSES[0].seed)
        stranger = wire.Key(world.origin, bytes(range(32)))
        spoilt = base64.b64decode(good.split(b" ")[2])
        spoilt = b"\xe2\x80\x94 w0.example " + base64.b64encode(spoilt[:-1] + bytes([spoilt[-1] ^ 1])) + b"\n"
        for name, lines, problem in (
                ("no cosignature", [own], "unknown_key"),
                ("of no configured witness", [own, WITNESSES[3].cosign(text, 1000)], "unknown_key"),
                ("by a key of a witness's name", [own, twin.cosign(text, 1000)], "unknown_key"),
                ("a signature that is no cosignature", [own, plain.line(text)], "unknown_key"),
                ("such a one under the id of the witness", [own, plain.line(text, key_id=WITNESSES[0].id)], "bad_signature"),
                ("over another checkpoint", [own, WITNESSES[0].cosign(other_text, 1000)], "bad_signature"),
                ("a spoilt one", [own, spoilt], "bad_signature"),
                ("a good one and a spoilt one", [own, good, spoilt], "bad_signature"),
                ("not signed by the ledger", [good], "unknown_key"),
                ("signed by another of its name", [stranger.line(text), good], "unknown_key"),
                ("the ledger's line of another text", [world.ledger_key.line(other_text), good], "bad_signature")):
            with self.subTest(name):
                self.refused(text + b"\n" + b"".join(lines), 403, problem)
        foreign = wire.checkpoint_text("other.example/ledger", 5, bytes(32))
        longer = text + b"an extension\n"
        for name, body, status, problem in (
                ("nothing", b"", 422, "bad_note"), ("no note", b"junk\n", 422, "bad_note"),
                ("no lines", text + b"\n", 422, "bad_note"),
                ("no checkpoint", wire.sign_note(b"text\n", world.ledger_key) + good, 422, "bad_note"),
                ("an extension", wire.sign_note(longer, world.ledger_key) + good, 422, "bad_note"),
                ("another origin", wire.sign_note(foreign, world.ledger_key) + good, 422, "wrong_origin"),
                ("too many lines", text + b"\n" + own + 32 * good, 413, "too_large")):
            with self.subTest(name):
                self.refused(body, status, problem)
        self.refused(text + b"\n" + own + good, 415, "unsupported_media_type", {"Content-Type": "application/json"})
        self.assertEqual(world.post(text + b"\n" + own + good).json()["witnesses"], ["bureau"])

    def test_the_size_of_a_body(self):
        world = self.world
        note = world.publish()
        text = text_of(note)
        for size in (BODY_MAX - 1, BODY_MAX, BODY_MAX + 1):
            body = text + b"\n" + world.ledger_key.line(text) + WITNESSES[0].cosign(text, 1000)
            # A line of nobody fills it up: a long signature, and a name of what is left.
            rest = size - len(body) - len("—  \n".encode())
            name_size = 4 + rest % 4
            body += "— ".encode() + b"n" * name_size + b" " + b"A" * (rest - name_size) + b"\n"
            self.assertEqual(len(body), size)
            answer = world.post(body)
            if size <= BODY_MAX:
                self.assertEqual(answer.status, 200, answer)
            else:
                self.assert_refused(answer, 413, "too_large")

    def test_the_candidate_is_for_the_public_listener(self):
        self.assertEqual(self.world.public.get("/v1/candidate").headers["Cache-Control"], "no-store")
        self.assertEqual(self.world.feed.get("/v1/candidate").status, 404)
        self.assertEqual(self.world.feed.request("POST", "/v1/cosignatures", b"", NOTE_TYPE).status, 404)
        self.assertEqual(text_of(self.world.feed.get("/checkpoint").body), text_of(self.world.published()))

    def test_metrics_show_how_it_goes(self):
        world = self.world
        old = world.publish()
        before = world.metrics_now()
        self.assertEqual(before.get("subsidy_published_entries"), size_of(old))
        self.assertEqual(before.get("subsidy_published_quorum_met"), 1)
        self.assertEqual(before.get("subsidy_candidate_age_seconds"), 0)
        self.push()
        candidate = world.candidate(size_of(old))
        world.cosign(candidate, 2)
        wait_until(lambda: world.metrics_now().get("subsidy_candidate_age_seconds") > 0.2, 30, "its age")
        after = world.metrics_now()
        for name, change in (("bureau", 0), ("qddex", 0), ("sddex", 1)):
            self.assertEqual(after.get("subsidy_witness_cosignatures_total", witness=name) -
                             before.get("subsidy_witness_cosignatures_total", witness=name), change)
        self.assertEqual(after.get("subsidy_published_entries"), size_of(old))
        self.assertGreater(after.get("subsidy_published_age_seconds"), before.get("subsidy_published_age_seconds"))
        world.cosign(candidate, 1)
        last = world.metrics_now()
        self.assertEqual(last.get("subsidy_published_entries"), size_of(candidate))
        self.assertLess(last.get("subsidy_published_age_seconds"), 30)
        self.assertEqual(last.get("subsidy_published_timeouts_total"), 0)

    def test_tiles_of_every_published_size_stay(self):
        sizes = []
        for _ in range(3):
            self.push()
            sizes.append(size_of(self.world.publish()))
        for size in sizes:
            answer = self.world.public.get(f"/tile/0/000.p/{size}")
            self.assertEqual((answer.status, len(answer.body)), (200, 32 * size))

    def test_a_policy_is_read_again(self):
        world = self.world
        world.publish()
        self.push()
        candidate = world.candidate(size_of(world.published()))
        world.cosign(candidate, 1)
        # Nothing of these can be used: the old one is kept, and the log says why.
        for text, word in (("quorum none\n", "no witness is named"), (policy_text("quorum nobody\n"), "line 4"),
                           (policy_text(log=f"log {wire.Key('o.example', bytes(32)).vkey()}\n"), "others")):
            world.write("witnesses", text)
            world.process.send_signal(signal.SIGHUP)
            wait_until(lambda word=word: re.search(f"policy in use is kept: [^\n]*{word}", world.log()), 30, word)
        self.assertEqual(world.cosign(candidate, 1)["is_quorum_met"], False)
        # The first is dismissed, the fourth comes, and one is enough: the second's, which is there already.
        world.write("witnesses", policy_text("group any any qddex sddex jnex\nquorum any\n", ("old", *NAMES[1:], "jnex"))
                    .replace(f"witness old {WITNESSES[0].vkey()}\n", ""))
        world.process.send_signal(signal.SIGHUP)
        wait_until(lambda: size_of(world.published()) == size_of(candidate), 30, "publishing by the new policy")
        self.assert_cosigned(world.published(), 1)
        self.assertEqual(world.cosign(candidate, 3)["witnesses"], ["qddex", "jnex"])
        text = text_of(candidate)
        self.refused(text + b"\n" + world.ledger_key.line(text) + WITNESSES[0].cosign(text, 1000), 403, "unknown_key")
        world.write("witnesses", policy_text())
        world.process.send_signal(signal.SIGHUP)
        wait_until(lambda: world.log().count("policy read again") == 2, 30, "the first policy")
        self.assert_cosigned(world.published(), 1)


class Timeout(WitnessTest):
    settings = {"timeout": 2}

    def test_publishing_does_not_wait_for_ever(self):
        world = self.world
        wait_until(lambda: size_of(world.published()) == world.size(), 30, "the licence's head")
        lines = world.log().count("published without the quorum")
        self.assertEqual(lines, 1)
        old = world.published()
        timeouts = world.metrics_now().get("subsidy_published_timeouts_total")
        self.push()
        candidate = world.candidate(size_of(old))
        world.cosign(candidate, 2)
        self.assertEqual(text_of(world.published()), text_of(old))
        wait_until(lambda: size_of(world.published()) > size_of(old), 30, "the timeout")
        self.assertEqual(text_of(world.published()), text_of(candidate))
        self.assert_cosigned(world.published(), 2)
        metrics = world.metrics_now()
        self.assertEqual(metrics.get("subsidy_published_timeouts_total"), timeouts + 1)
        self.assertEqual(metrics.get("subsidy_published_quorum_met"), 0)
        # The outage goes on, and its line is there already.
        self.assertEqual(world.log().count("published without the quorum"), lines)
        self.assertIn("missing: bureau, qddex, sddex", world.log())
        # Late, but there.
        answer = world.cosign(candidate, 0)
        self.assertEqual((answer["witnesses"], answer["is_quorum_met"]), (["bureau", "sddex"], True))
        self.assert_cosigned(world.published(), 0, 2)
        self.assertEqual(world.metrics_now().get("subsidy_published_quorum_met"), 1)
        # The end of the outage is a line, and the next one is a new line.
        self.push()
        world.cosign(world.candidate(size_of(candidate)), 0, 1)
        self.assertEqual(world.log().count("the quorum has cosigned again"), 1)
        self.push()
        wait_until(lambda: size_of(world.published()) == world.size(), 30, "the next timeout")
        self.assertEqual(world.log().count("published without the quorum"), lines + 1)


class Restart(WitnessTest):
    def test_a_restart_publishes_the_newest_and_nothing_smaller_than_before(self):
        world = self.world
        self.push()
        old = world.publish()
        self.push(2)
        candidate = world.candidate(size_of(old))
        world.cosign(candidate, 0)
        self.push(3)
        size = world.size()
        for stop in (world.stop, world.kill):
            stop()
            world.start()
            note = world.published()
            self.assertEqual(size_of(note), size)
            self.assert_cosigned(note)
            self.assertEqual(world.candidate(), note)
            self.assertEqual(world.cosign(candidate, 1)["witnesses"], [])
        self.assertTrue(world.cosign(note, 0, 1)["is_quorum_met"])
        self.assert_cosigned(world.published(), 0, 1)
        self.push()
        self.assertEqual(size_of(world.published()), size)
        world.publish()
        self.assertEqual(size_of(world.published()), size + 2)


class Without(FlowTest):
    """No section: the newest head is published at once."""

    def test_nothing_waits(self):
        world = self.world
        feed = world.license("qddex")
        for i in range(3):
            feed.push(records(f"n{i}", 2))
            note = world.public.get("/checkpoint").body
            self.assertEqual(size_of(note), world.size())
            self.assertEqual(world.public.get("/v1/candidate").body, note)
        text = text_of(note)
        body = wire.sign_note(text, world.ledger_key) + WITNESSES[0].cosign(text, 1000)
        self.assert_refused(world.public.request("POST", "/v1/cosignatures", body, NOTE_TYPE), 403, "unknown_key")


class RolledBack(unittest.TestCase):
    """A checkpoint that this ledger's key signed and that is not of its history ends the daemon, whoever brings it."""

    def setUp(self):
        self.world = WitnessedWorld()
        self.addCleanup(self.world.close)
        self.world.license("qddex").push(records("first", 3))

    def assert_stops(self, text, *lines):
        body = wire.sign_note(text, self.world.ledger_key) + b"".join(lines)
        answer = self.world.post(body)
        self.assertEqual((answer.status, answer.problem()), (503, "rolled_back"), answer)
        wait_until(lambda: self.world.process.poll() is not None, 30, "the daemon's end")
        self.world.finish(9)

    def test_of_more_entries_than_there_are(self):
        size = self.world.size()
        good = text_of(self.world.published())
        self.assertEqual(self.world.cosign(good + b"\n" + self.world.ledger_key.line(good), 0)["size"], size_of(good))
        text = wire.checkpoint_text(self.world.origin, size + 1, bytes(32))
        self.assert_stops(text, WITNESSES[0].cosign(text, 1000))

    def test_of_another_root(self):
        text = wire.checkpoint_text(self.world.origin, self.world.size() - 1, bytes(32))
        self.assert_stops(text, WITNESSES[0].cosign(text, 1000))

    def test_with_no_line_of_a_witness(self):
        self.assert_stops(wire.checkpoint_text(self.world.origin, 10**6, bytes(32)))

    def test_with_a_line_that_does_not_verify(self):
        self.assert_stops(wire.checkpoint_text(self.world.origin, 10**6, bytes(32)), WITNESSES[0].cosign(b"x\n", 1000))


class Configuration(unittest.TestCase):
    """What a start and `check` say of a policy."""

    def setUp(self):
        self.world = WitnessedWorld(start=False)
        self.addCleanup(self.world.close)

    def said(self):
        """What both say; the start fails, the check finds one thing."""
        start = self.world.refuses_to_start()
        found = self.world.daemon("check", "-c", "subsidyd.conf")
        self.assertEqual((start.code, found.code), (1, 1), (start, found))
        self.assertEqual(len(found.out.splitlines()), 1, found)
        self.assertTrue(found.out.startswith("[witness] policy: "), found)
        return start.err, found.out

    def test_a_policy_that_is_no_good(self):
        check(self.world.daemon("check", "-c", "subsidyd.conf"))
        stranger = wire.Key("other.example", bytes(32)).vkey()
        many = "".join(f"witness w{i} {wire.WitnessKey(f'm{i}.example', bytes([9, i] + [0] * 30)).vkey()}\n"
                       for i in range(31))
        for text, word in (("", "no line \"quorum\""), ("quorum none\n", "no witness is named"),
                           (policy_text("quorum nobody\n"), "line 4"), (policy_text(log=f"log {stranger}\n"), "others"),
                           (policy_text("group g 4 bureau qddex sddex\nquorum g\n"), "line 4"),
                           (many + "quorum w0\n", "at most 30 cosignatures")):
            self.world.write("witnesses", text)
            for said in self.said():
                self.assertIn(word, said)
                self.assertIn("witnesses", said)
        os.unlink(self.world.path("witnesses"))
        for said in self.said():
            self.assertIn("No such file", said)

    def test_a_section_without_a_policy(self):
        self.world.make_config(witness={"policy": None})
        for result in (self.world.refuses_to_start(), self.world.daemon("check", "-c", "subsidyd.conf")):
            self.assertEqual(result.code, 1)
            self.assertIn("[witness] policy is missing", result.err)


if __name__ == "__main__":
    unittest.main()
