"""Witnesses: feeding them by subsidy monitor, and demanding their cosignatures by subsidy verify --policy."""
import base64
import json
import os
import re
import shutil
import threading
import time
import unittest

from tests.flow import wire
from tests.flow.fake_ledger import FakeLedger, tree_root
from tests.flow.fake_witness import Witness
from tests.flow.harness import ROOT, FlowTest, records, wait_until
from tests.flow.monitored import TIMEOUT_S, MonitorTest


class Feeding(MonitorTest):
    def setUp(self):
        super().setUp()
        self.witnesses = [Witness(name, self.ledger.key) for name in ("qddex", "sddex", "jnex")]
        for witness in self.witnesses:
            witness.__enter__()
            self.addCleanup(witness.__exit__)
        self.policy = self.world.write(self.id().rpartition(".")[2] + ".policy", "".join(
            witness.line() for witness in self.witnesses) + "group all 2 qddex sddex jnex\nquorum all\n")

    def feed(self, code=0, *args):
        return self.once(code, "--feed-witnesses", self.policy, *args)

    def cosigners(self, size):
        """Names of the witnesses whose valid cosignatures the ledger has of this size."""
        return sorted(witness.name for witness in self.witnesses for note in self.ledger.cosigned
                      if int(note.split(b"\n")[1]) == size and witness.key.cosigned_at(note) is not None)

    def test_each_new_checkpoint_is_cosigned_by_each_witness(self):
        self.assertEqual(self.feed().json()["witnesses"], 3)
        for size in (4, 9, 64):
            self.ledger.grow(size - len(self.ledger.leaves))
            self.feed()
            self.assertEqual(self.cosigners(size), ["jnex", "qddex", "sddex"])
        for witness in self.witnesses:
            self.assertEqual(witness.calls, [(0, 3, 200), (3, 4, 200), (4, 9, 200), (9, 64, 200)])
        self.assertEqual(self.stored()["witnesses"], {witness.key.vkey(): 64 for witness in self.witnesses})

    def test_what_a_witness_holds_is_asked_where_it_is_not_known(self):
        qddex = self.witnesses[0]
        self.feed()
        self.ledger.grow(6)
        # Somebody else fed it; then we forget all of it.
        text = wire.split_note(self.ledger.note())[0].decode().splitlines()
        qddex.held[self.ledger.key.name] = (9, base64.b64decode(text[2]))
        self.ledger.grow(1)
        self.feed()
        self.assertEqual(qddex.calls[1:], [(3, 10, 409), (9, 10, 200)])
        shutil.rmtree(self.state)
        self.ledger.grow(1)
        self.feed()
        self.assertEqual(qddex.calls[3:], [(0, 11, 409), (10, 11, 200)])
        self.assertEqual(self.cosigners(11), ["jnex", "qddex", "sddex"])

    def test_what_is_remembered_of_a_witness_is_advice_only(self):
        """More than the ledger has: it is asked as one that is not known."""
        self.feed()
        path = os.path.join(self.state, f"monitor-{self.ledger.ledger_id}", "state")
        stored = self.stored()
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(stored, witnesses=dict(stored["witnesses"], **{self.witnesses[0].key.vkey(): 9999})), file)
        self.feed()
        self.assertEqual([witness.calls[1:] for witness in self.witnesses],
                         [[(0, 3, 409), (3, 3, 200)], [(3, 3, 200)], [(3, 3, 200)]])

    def test_a_proof_that_no_witness_takes_is_not_sent(self):
        """tlog-witness allows 63 lines."""
        qddex, sddex, jnex = self.witnesses
        text = wire.checkpoint_text(self.ledger.key.name, 2, tree_root(self.ledger.leaves[:2])).decode().splitlines()
        qddex.held[self.ledger.key.name] = (2, base64.b64decode(text[2]))
        for count, words in ((63, "does not take the proof"), (64, "not a consistency proof")):
            self.ledger.changes["/v1/consistency"] = lambda _, count=count: self.ledger.json(
                {"hashes": [base64.b64encode(bytes(32)).decode()] * count})
            shutil.rmtree(self.state, ignore_errors=True)
            self.assertIn(words, self.feed().err)
        self.assertEqual(qddex.calls, [(0, 3, 409), (2, 3, 422), (0, 3, 409)])
        self.assertEqual((len(sddex.calls), len(jnex.calls)), (3, 3))

    def test_an_end_keeps_the_other_witnesses_from_being_asked(self):
        asked, go = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        self.witnesses[0].fail = lambda _: asked.set() or go.wait(TIMEOUT_S) and None
        monitor = self.start("--interval", "3600", "--feed-witnesses", self.policy)
        self.assertTrue(asked.wait(TIMEOUT_S))
        monitor.process.terminate()
        go.set()
        self.assertEqual(monitor.finish(), 0)
        self.assertEqual([witness.calls for witness in self.witnesses[1:]], [[], []])

    def test_slashes_at_the_end_of_an_address_are_one(self):
        policy = self.world.read(self.policy).decode()
        self.world.write(self.policy, policy.replace("/witness\n", "/witness//\n"))
        self.assertEqual(self.feed().json()["witnesses"], 3)

    def test_one_that_fails_keeps_nobody(self):
        """Whatever the first answers, the two others cosign, and it is said what was wrong."""
        qddex = self.witnesses[0]
        kind = {"Content-Type": "text/plain"}

        def cosigned(body, key):
            return wire.Answer(200, kind, key.cosign(wire.split_note(body.partition(b"\n\n")[2])[0]))
        stranger = wire.WitnessKey("qddex.example", b"\5" * 32)
        cases = [
            (lambda _: wire.Answer(404, kind, b""), "does not know this ledger"),
            (lambda _: wire.Answer(403, kind, b""), "does not take the ledger's signature"),
            (lambda _: wire.Answer(400, kind, b""), "could not read what was sent"),
            (lambda _: wire.Answer(422, kind, b""), "does not take the proof"),
            (lambda _: wire.Answer(500, kind, b""), "HTTP status 500"),
            (lambda _: wire.Answer(302, dict(kind, Location="http://127.0.0.1:1/"), b""), "HTTP status 302"),
            (lambda _: None, "Empty reply"),
            (lambda _: wire.Answer(409, kind, b"3\n"), "does not say of which size"),
            (lambda _: wire.Answer(409, {"Content-Type": "text/x.tlog.size"}, b"03\n"), "does not say of which size"),
            (lambda _: wire.Answer(409, {"Content-Type": "text/x.tlog.size"}, b"3"), "does not say of which size"),
            (lambda _: wire.Answer(409, {"Content-Type": "text/x.tlog.size"}, b"9999\n"), "it has cosigned size 9999"),
            (lambda _: wire.Answer(200, kind, b""), "not lines of signatures"),
            (lambda _: wire.Answer(200, kind, b"junk\n"), "not lines of signatures"),
            (lambda body: cosigned(body, stranger), "has no cosignature by"),
            (lambda body: wire.Answer(200, kind, qddex.key.cosign(b"another text\n")), "does not verify"),
            (lambda _: wire.Answer(200, kind, b"x" * 9000), "longer than expected"),
        ]
        for fail, words in cases:
            with self.subTest(words):
                qddex.fail = fail
                self.ledger.grow(1)
                result = self.feed()
                self.assertIn(words, result.err)
                self.assertIn("qddex", result.err)
                self.assertEqual(self.cosigners(len(self.ledger.leaves)), ["jnex", "sddex"])
        qddex.fail = None
        self.ledger.grow(1)
        self.feed()
        self.assertEqual(self.cosigners(len(self.ledger.leaves)), ["jnex", "qddex", "sddex"])

    def test_a_root_that_a_witness_does_not_know_is_told(self):
        qddex = self.witnesses[0]
        qddex.held[self.ledger.key.name] = (3, bytes(32))
        self.assertIn("another root", self.feed().err)
        self.assertEqual(qddex.calls, [(0, 3, 409), (3, 3, 409)])
        # Of a larger one the witness itself finds out.
        self.ledger.grow(1)
        self.assertIn("does not take the proof", self.feed().err)

    def test_nothing_is_waited_for_longer_than_it_promises(self):
        """A witness 10 s, an answer 20 s, a hook 30 s, and 10 s between two rounds: all at a time."""
        slow, go, asked, calls = self.witnesses[0], threading.Event(), [], []
        self.addCleanup(go.set)
        with FakeLedger(self.world, self.ledger.key, size=3) as silent, FakeLedger(self.world, self.ledger.key) as liar:
            spent = {}

            def timed(name, code, ledger, *args):
                env = {"SUBSIDY_STATE": self.state + name}
                self.once(0, SUBSIDY_SERVER=ledger.url, **env)
                if name == "answer":
                    ledger.changes["/v1/candidate"] = lambda _: go.wait(TIMEOUT_S) and None
                else:
                    ledger.rewrite(1)
                start = time.monotonic()
                self.once(code, *args, SUBSIDY_SERVER=ledger.url, **env)
                spent[name] = time.monotonic() - start
            threads = [threading.Thread(target=timed, args=call) for call in (
                ("answer", 7, silent), ("hook", 6, liar, "--hook", "sleep 1000"))]
            slow.fail = lambda _: calls.append(1) or go.wait(TIMEOUT_S) and None
            self.ledger.changes["/v1/candidate"] = lambda answer: asked.append((time.monotonic(), len(calls))) or answer
            monitor = self.start("--feed-witnesses", self.policy)
            for thread in threads:
                thread.start()
            wait_until(lambda: self.cosigners(3) == ["jnex", "sddex"], TIMEOUT_S, "the others")
            spent["witness"] = time.monotonic() - asked[0][0]
            # The second round leaves the slow one alone.
            wait_until(lambda: len(asked) >= 3, TIMEOUT_S, "three rounds")
            self.assertEqual([count for _, count in asked[:3]], [0, 1, 1])
            spent["round"] = asked[2][0] - asked[1][0]
            self.assertEqual(monitor.end(), 0)
            for thread in threads:
                thread.join(TIMEOUT_S)
        for name, seconds in (("witness", 10), ("round", 10), ("answer", 20), ("hook", 30)):
            self.assertGreater(spent[name], seconds - 0.5, name)
            self.assertLess(spent[name], seconds + 8, name)

    def test_who_has_cosigned_already_is_not_asked(self):
        qddex, sddex, jnex = self.witnesses
        text = wire.split_note(self.ledger.note())[0]
        self.ledger.lines[3] = qddex.key.cosign(text)
        self.feed()
        self.assertEqual((qddex.calls, len(sddex.calls), len(jnex.calls)), ([], 1, 1))
        # Within one process each is asked once for each size.
        self.ledger.grow(1)
        monitor = self.start("--interval", "1", "--feed-witnesses", self.policy)
        monitor.wait(lambda m: m.sizes(), "the first size")
        time.sleep(2.5)
        self.assertEqual(monitor.end(), 0)
        self.assertEqual([len(witness.calls) for witness in self.witnesses], [1, 2, 2])

    def test_only_safe_addresses_are_asked(self):
        port = self.witnesses[0].url.partition("127.0.0.1:")[2]
        for url in (f"http://127.0.0.1@{port}", f"http://127.0.0.1.example:{port}", "http://example.com/", "ftp://127.0.0.1/",
                    "file:///etc/passwd", "127.0.0.1:1", "http://localhost:80@example.com/", "HTTP://127.0.0.1/"):
            self.world.write("unsafe.policy", f"witness a {self.witnesses[0].key.vkey()} {url}\nquorum a\n")
            self.assertIn("must begin with https://", self.once(0, "--feed-witnesses", "unsafe.policy").err, url)
        self.assertEqual(self.witnesses[0].calls, [])

    def test_with_a_key_of_its_own_it_cosigns_too(self):
        event = self.feed(0, "--key", "witness.key").json()
        self.assertEqual((event["cosigned"], event["witnesses"]), (True, 3))
        self.assertEqual(len(self.ledger.cosigned), 4)
        self.assertIsNotNone(self.witness.cosigned_at(self.ledger.cosigned[0]))


class Quorum(FlowTest):
    """subsidy verify --policy: proofs that witnesses stand for, too."""

    @classmethod
    def prepare(cls):
        cls.world.license("qddex").push(records("p", 5))
        cls.world.grant("auditor")
        cls.keys = [wire.WitnessKey(f"w{i}.example", wire.sha256(b"quorum %d" % i)) for i in range(3)]
        cls.proof = cls.world.get("/v1/proof?index=0", "auditor").body
        cls.text = wire.split_note(cls.proof.partition(b"\n\n")[2])[0]

    def policy(self, quorum, more=""):
        lines = "".join(f"witness w{i} {key.vkey()}\n" for i, key in enumerate(self.keys))
        return self.world.write("trust.policy", lines + more + quorum)

    def verify(self, code, *keys, lines=b""):
        self.world.write("p.tlog-proof", self.proof + b"".join(key.cosign(self.text) for key in keys) + lines)
        result = self.world.client("verify", "p.tlog-proof", "--vkey", self.world.ledger_key.vkey(), "--policy",
                                   "trust.policy", "--json")
        return self.assert_code(result, code)

    def test_too_few_cosignatures_prove_nothing(self):
        a, b, c = self.keys
        self.policy("group g 2 w0 w1 w2\nquorum g\n")
        self.assertEqual(len(self.verify(0, a, c).json()["proven"]), 1)
        self.verify(0, a, b, c)
        for keys in ((), (a,), (c,)):
            result = self.verify(6, *keys)
            self.assertIn('do not make the quorum "g"', result.err)
            self.assertEqual(result.json()["proven"], [])
        # The same witness twice is one, a stranger none.
        self.verify(6, a, a)
        self.verify(6, a, wire.WitnessKey("w1.example", b"\1" * 32))
        self.assertIn("does not verify", self.verify(6, a, b, lines=c.cosign(b"another text\n")).err)

    def test_the_file_may_name_the_logs(self):
        self.policy("quorum none\n", f"log {self.world.ledger_key.vkey()}\n")
        self.verify(0)
        self.policy("quorum none\n", f"log {wire.Key('other.example', bytes(32)).vkey()}\n")
        self.assertIn("names other logs", self.verify(6).err)
        self.world.write("trust.policy", "quorum w0\n")
        self.assertIn("trust.policy: line 1", self.verify(4).err)

    def test_the_example_of_the_format(self):
        with open(os.path.join(ROOT, "proto", "FORMAT.md"), encoding="utf-8") as file:
            chapter = file.read().partition("\n## Trust policies\n")[2].partition("\n## ")[0]
        example, = re.findall(r"```\n(.*?)```", chapter, re.S)
        self.world.write("trust.policy", example)
        self.assertIn("names other logs", self.verify(6).err)
        self.world.write("trust.policy", re.sub("^log .*\n", "", example, flags=re.M))
        self.assertIn('the quorum "watchers"', self.verify(6).err)


if __name__ == "__main__":
    unittest.main()
