"""Receipts and proofs in the hands of those who keep them: checked alone, and against the ledger as it is now."""
import base64
import json
import os
import re
import unittest

from tests.flow import tlog, wire
from tests.flow.harness import FIRMS, FlowTest, Proxy, World, records, trade, write_csv

LOUD = "DOES NOT PROVE"


def swap(text, old, new):
    changed = text.replace(old, new, 1)
    assert changed != text
    return changed


class Receipts(FlowTest):
    @classmethod
    def prepare(cls):
        world = cls.world
        cls.bodies = {}
        proxy = Proxy(world, world.addresses["public"], lambda *call: cls.change(*call))
        cls.proxy = "https://" + proxy.__enter__()
        cls.addClassCleanup(proxy.__exit__)
        world.license("qddex")
        world.grant("auditor", "venue:qddex", FIRMS[0])
        write_csv(world.path("one.csv"), [trade(f"n{i}") for i in range(6)])
        result = world.client("push", "qddex", "one.csv", "--key", "qddex.key", "--receipts", "receipts")
        assert result.code == 0, result
        name, = os.listdir(world.path("receipts"))
        cls.receipt = f"receipts/{name}"
        cls.text = world.read(cls.receipt).decode()
        cls.vkey = world.ledger_key.vkey()
        world.register([(FIRMS[0], "甲方数据公司", ["default"])])

    def verify(self, *files, vkey=None, **options):
        return self.world.client("verify", *files, "--vkey", vkey or self.vkey, "--json", **options)

    def check(self, *files, **options):
        return self.world.client("receipt", "check", *files, "--vkey", self.vkey, "--json", **options)

    def evidence(self):
        path = self.world.path(self.receipt + ".evidence.json")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        os.unlink(path)
        return found

    # Alone

    def test_a_receipt_and_a_proof_are_verified_without_a_network(self):
        nowhere = {"SUBSIDY_SERVER": "https://127.0.0.1:1", "SUBSIDY_FEED": "https://127.0.0.1:1"}
        proof = self.world.get("/v1/proof?index=0", "auditor").body
        self.world.write("genesis.tlog-proof", proof)
        rows = self.assert_code(self.verify(self.receipt, "genesis.tlog-proof", **nowhere), 0).json()["proven"]
        self.assertEqual([(row["kind"], row["origin"]) for row in rows],
                         [("push", self.world.origin), ("genesis", self.world.origin)])
        leaf, index, size = wire.verify_receipt(self.text, self.world.ledger_key)
        self.assertEqual((rows[0]["index"], rows[0]["size"]), (index, size))
        self.assertRegex(self.world.client("verify", self.receipt, "--vkey", self.vkey).out, "push")
        self.assertGreater(len(leaf), 0)

    def test_a_record_is_proven_under_the_venues_key(self):
        text = self.world.get("/v1/feeds/qddex/proof?index=3", "venue:qddex").body
        self.world.write("record.tlog-proof", text)
        venue = wire.Key.from_file(self.world.path("qddex.key")).vkey()
        row, = self.assert_code(self.verify("record.tlog-proof", vkey=venue), 0).json()["proven"]
        self.assertEqual((row["kind"], row["index"], row["origin"]),
                         ("record", 3, f"qddex/{self.world.ledger_id}/1"))
        self.assert_code(self.verify("record.tlog-proof"), 6)
        self.assert_code(self.verify(self.receipt, vkey=venue), 6)
        # Of the ledger it says nothing.
        result = self.world.client("receipt", "check", "record.tlog-proof", "--vkey", venue)
        self.assertIn("is of a feed", self.assert_code(result, 2).err)

    def test_the_remembered_key_will_do(self):
        self.assert_code(self.world.client("receipt", "check", self.receipt), 0)
        self.assert_code(self.world.client("verify", self.receipt), 0)
        self.assert_code(self.world.client("verify", self.receipt, SUBSIDY_STATE=self.world.path("fresh")), 2)

    def test_a_proof_spoilt_in_any_way_proves_nothing(self):
        lines = self.text.split("\n")
        index = next(i for i, line in enumerate(lines) if line.startswith("index "))
        hashes = [i for i, line in enumerate(lines) if re.fullmatch(r"[A-Za-z0-9+/]{43}=", line)]
        path = [i for i in hashes if i < lines.index("")]
        self.assertGreater(len(path), 1)
        leaf = base64.b64decode(lines[1][6:])

        def with_line(place, line):
            return "\n".join(lines[:place] + ([line] if line is not None else []) + lines[place + 1:])
        other = wire.Key(self.world.origin, b"\7" * 32)
        text = wire.split_note(self.text.partition("\n\n")[2].encode())[0]
        spoilt = {
            "another header": swap(self.text, "@v1", "@v2"),
            "another entry": with_line(1, "extra " + base64.b64encode(leaf[:-1] + bytes([leaf[-1] ^ 1])).decode()),
            "no entry": with_line(1, None),
            "another index": with_line(index, f"index {int(lines[index][6:]) - 1}"),
            "an index with a zero": with_line(index, "index 0" + lines[index][6:]),
            "a hash less": with_line(path[0], None),
            "hashes swapped": "\n".join(lines[:path[0]] + [lines[path[1]], lines[path[0]]] + lines[path[1] + 1:]),
            "a hash more": with_line(path[0], lines[path[0]] + "\n" + lines[path[0]]),
            "a short hash": with_line(path[0], lines[path[0]][4:]),
            "another size": re.sub(r"(?<=flow\n)(\d+)", lambda found: str(int(found[1]) + 1), self.text),
            "another root": with_line(hashes[-1], base64.b64encode(bytes(32)).decode()),
            "another signer": self.text.partition("\n\n")[0] + "\n\n" + wire.sign_note(text, other).decode(),
            "no signature": self.text.partition("\n\n")[0] + "\n\n" + text.decode() + "\n",
            "cut off": self.text[:-20], "nothing": "", "no text": "\0\1\2"}
        for name, content in spoilt.items():
            with self.subTest(name):
                self.assertNotEqual(content, self.text)
                self.world.write("spoilt.tlog-proof", content)
                result = self.assert_code(self.verify("spoilt.tlog-proof"), 6)
                self.assertEqual(result.json()["proven"], [])
                self.assert_code(self.check("spoilt.tlog-proof"), 6)
        # One bad file among good ones is the end that counts.
        self.assertEqual(len(self.assert_code(self.verify(self.receipt, "spoilt.tlog-proof", self.receipt), 6)
                             .json()["proven"]), 2)
        for files in (("no-such-file", "spoilt.tlog-proof"), ("spoilt.tlog-proof", "no-such-file")):
            self.assert_code(self.check(*files), 6)
        self.assert_code(self.check("no-such-file", self.receipt), 1)
        self.assert_code(self.verify("no-such-file"), 1)
        self.assert_code(self.world.client("verify", self.receipt, "--vkey", "junk"), 2)

    # Against the ledger

    def test_the_ledger_still_contains_it(self):
        result = self.assert_code(self.check(self.receipt), 0)
        self.assertEqual((len(result.json()["contained"]), result.json()["ledger_size"]), (1, self.world.size()))
        self.assertIsNone(self.evidence())
        self.assertIn("contains all", self.assert_code(self.world.client("receipt", "check", self.receipt), 0).err)
        # A first contact asks the server for its key, and says so.
        fresh = self.world.client("receipt", "check", self.receipt, SUBSIDY_STATE=self.world.path("first"))
        self.assertIn("first contact", self.assert_code(fresh, 0).err)

    @classmethod
    def change(cls, _, path, answer):
        """An answer as `bodies` has it by the last word of its path: bytes, a function of the true ones, or None."""
        name = path.partition("?")[0].rpartition("/")[2]
        new = cls.bodies.get(name, answer.body)
        new = new(answer.body) if callable(new) else new
        if isinstance(new, wire.Answer):
            return new
        kind = "application/json" if name == "consistency" else answer.headers["Content-Type"]
        return None if new is None else wire.Answer(200, {"Content-Type": kind}, new)

    def answered(self, code, **bodies):
        """The result where the ledger's answers are others."""
        self.bodies.clear()
        self.bodies.update(bodies)
        return self.assert_code(self.check(self.receipt, SUBSIDY_SERVER=self.proxy), code)

    def test_a_ledger_that_was_set_back(self):
        """Our key, a smaller size: an older backup, which knows nothing of the receipt's size or proves something else."""
        old = self.signed(1, tlog.of_connection(self.world.public).root(1))
        refusal = wire.Answer(400, {"Content-Type": "application/problem+json"},
                              b'{"type":"urn:subsidy:error:bad_request","title":"t","status":400,"detail":"up to 1"}')
        for consistency in (refusal, b'{"hashes":[]}'):
            self.assertIn(LOUD, self.answered(6, checkpoint=old, consistency=consistency).err)
            evidence = self.evidence()
            self.assertEqual(evidence["newest"].encode(), old)
            self.assertEqual(evidence["held"], self.text.partition("\n\n")[2])
            self.assertEqual(evidence["vkey"], self.vkey)

    def test_what_is_published_may_lie_behind_a_receipt(self):
        """While witnesses cosign: the receipt's checkpoint is proven to extend what is published."""
        reader = tlog.of_connection(self.world.public)
        size = wire.verify_receipt(self.text, self.world.ledger_key)[2]
        for at in (1, size - 1):
            self.assertNotIn(LOUD, self.answered(0, checkpoint=self.signed(at, reader.root(at))).err)
            self.assertIsNone(self.evidence())
        self.assertIn(LOUD, self.answered(6, checkpoint=self.signed(size - 1, bytes(32))).err)
        self.assertIn("answer", self.evidence())
        self.assertNotIn(LOUD, self.answered(7, checkpoint=self.signed(1, reader.root(1)), consistency=None).err)

    def signed(self, size, root):
        """A checkpoint of the ledger's key."""
        return wire.sign_note(wire.checkpoint_text(self.world.origin, size, root), self.world.ledger_key)

    def test_two_histories_under_one_key(self):
        size = wire.verify_receipt(self.text, self.world.ledger_key)[2]
        for at in (size, size + 100):
            fork = wire.sign_note(wire.checkpoint_text(self.world.origin, at, b"\1" * 32), self.world.ledger_key)
            path = json.dumps({"from": size, "to": at, "hashes": []}).encode()
            self.assertIn(LOUD, self.answered(6, checkpoint=fork, consistency=path).err)
            evidence = self.evidence()
            self.assertEqual(evidence["newest"].encode(), fork)
            self.assertEqual(evidence["answer"], json.loads(path) if at > size else None)

    def test_another_ledger_behind_the_address(self):
        with World(origin="ledger.example/other") as other:
            result = self.check(self.receipt, SUBSIDY_SERVER="https://" + other.addresses["public"],
                                SUBSIDY_CA=other.path("ca.pem"))
            self.assert_code(result, 6)
            self.assertIn(LOUD, result.err)
            self.assertEqual(self.evidence()["newest"].encode(), other.public.get("/checkpoint").body)

    def test_a_ledger_made_anew_with_the_same_key(self):
        """Genesis, orders and pushes of the same size and more, and the very key: a rewritten history."""
        def rewritten(body):
            size = int(body.split(b"\n")[1])
            tree = wire.Tree(records("x", size))
            return wire.sign_note(wire.checkpoint_text(self.world.origin, size, tree.root()), self.world.ledger_key)
        self.assertIn(LOUD, self.answered(6, checkpoint=rewritten).err)
        self.assertIsNotNone(self.evidence())

    def test_a_consistency_proof_spoilt_in_any_way_is_refused(self):
        def changed(edit):
            def change(body):
                answer = json.loads(body)
                self.assertGreater(len(answer["hashes"]), 1)
                edit(answer)
                return json.dumps(answer).encode()
            return change
        flipped = base64.b64encode(bytes(32)).decode()
        edits = {
            "a hash less": lambda answer: answer["hashes"].pop(),
            "a hash more": lambda answer: answer["hashes"].append(flipped),
            "another hash": lambda answer: answer["hashes"].__setitem__(0, flipped),
            "the last another": lambda answer: answer["hashes"].__setitem__(-1, flipped),
            "turned round": lambda answer: answer["hashes"].reverse(),
            "a number": lambda answer: answer["hashes"].__setitem__(0, 7),
            "a short hash": lambda answer: answer["hashes"].__setitem__(0, "AAAA"),
            "no list": lambda answer: answer.update(hashes="none"),
            "nothing": lambda answer: answer.pop("hashes"),
            "very many": lambda answer: answer.update(hashes=[flipped] * 500)}
        for name, edit in edits.items():
            with self.subTest(name):
                self.assertIn(LOUD, self.answered(6, consistency=changed(edit)).err)
                self.assertIsNotNone(self.evidence())
        self.assertIn(LOUD, self.answered(6, consistency=b"not JSON").err)
        self.assertIsNotNone(self.evidence())

    def test_a_checkpoint_that_is_none_is_not_believed(self):
        good = self.world.public.get("/checkpoint").body
        other = wire.Key(self.world.origin, b"\7" * 32)
        for body in (good[:-10], swap(good, b"ledger.example/flow\n", b"ledger.example/else\n"), b"\n",
                     wire.sign_note(wire.split_note(good)[0], other),
                     wire.sign_note(swap(wire.split_note(good)[0], b"flow\n", b"else\n"), self.world.ledger_key)):
            self.assertIn(LOUD, self.answered(6, checkpoint=body).err)
            self.assertIsNotNone(self.evidence())

    def test_a_ledger_that_does_not_answer_is_not_accused(self):
        result = self.check(self.receipt, self.receipt, SUBSIDY_SERVER="https://127.0.0.1:1")
        self.assert_code(result, 7)
        self.assertEqual(result.err.count("could not be reached"), 1)
        self.assertNotIn(LOUD, result.err)
        self.assertNotIn(LOUD, self.answered(7, consistency=None).err)
        self.assertIsNone(self.evidence())


if __name__ == "__main__":
    unittest.main()
