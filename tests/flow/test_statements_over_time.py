"""Statements of one ledger over its whole life: each stays good, and each is a beginning of the next."""
import json
import os
import secrets
import unittest

from tests.flow import statement_maker as maker
from tests.flow import wire
from tests.flow.harness import FIRMS, QUORUMS, Feed, Proxy, World, check, read_json, refund, trade, wait_until

DONE_TIMEOUT_S = 60
ALICE, BOB, CAROL = FIRMS[:3]


def salted(**fields):
    return wire.compact(dict(fields, salt=secrets.token_hex(16)))


class Life(unittest.TestCase):
    """Every kind of thing that can happen to a ledger and to an enterprise, with a statement before and after each."""

    def setUp(self):
        self.world = World(start=False, ledger={"next_key": "next.key", "heads_key": "heads.key",
                                                "next_heads_key": "heads-2.key"})
        self.addCleanup(self.world.close)
        self.keys = {}
        for file, suffix in (("next.key", ""), ("heads.key", "/heads"), ("heads-2.key", "/heads")):
            self.world.new_key(self.world.origin + suffix, file)
            self.keys[file] = wire.Key.from_file(self.world.path(file))
        self.world.start()
        self.first = self.world.ledger_key
        self.statements = []

    def change(self, add=(), retire=()):
        self.world.order("log.key", {"add": [key.vkey() for key in add], "retire": [key.vkey() for key in retire],
                                     "reason": "密钥轮换"})

    def state(self, what):
        """A statement of now; `subsidy` itself checks it before it keeps it."""
        name = f"statement-{len(self.statements):02}"
        result = check(self.world.client("statement", ALICE, "-o", name, "--json", token=ALICE))
        self.assertEqual(json.loads(result.out)["folder"], name)
        self.statements.append((name, what))
        return result

    def happenings(self):
        """What happens, one after the other."""
        world, feed = self.world, self.feed  # the first generation
        trades = [wire.encode_record(trade(f"t{i}", BOB, ALICE)) for i in range(6)]
        yield "trades", lambda: feed.push(trades)
        yield "a refund", lambda: feed.push([wire.encode_record(refund("r0", "t0"))])
        yield "a claim key", lambda: self.change(add=[self.keys["heads.key"]])
        for kind, number in (("hold", "t1"), ("release", "t1"), ("hold", "t2"), ("void", "t2")):
            yield kind, lambda kind=kind, number=number: world.order(
                "trade." + kind, items=[salted(venue="qddex", trade_no=number, reason="核查")])
        yield "a withheld duplicate", lambda: feed.push([wire.encode_record(trade("t3", CAROL, BOB))])
        yield "a relation", lambda: world.relate((ALICE, CAROL))
        yield "a trade of related ones", lambda: feed.push([wire.encode_record(trade("t6", CAROL, ALICE))])
        yield "an officer added", lambda: world.order("officer.add", {
            "name": "sun", "role": "leader", "keys": [wire.Key("sun", b"s" * 32).vkey()]})
        yield "an officer removed", lambda: world.order("officer.remove", {"name": "zhao", "reason": "离任"})
        yield "a quorum", lambda: world.order("quorum.set", {
            "quorums": {"default": QUORUMS["default"], "policy.adopt": QUORUMS["policy.adopt"],
                        "trade.hold": [["reviewer"], ["leader"]],
                        "grant.add:enterprise": QUORUMS["grant.add:enterprise"]}})
        yield "a hold under it", lambda: world.order("trade.hold", items=[
            salted(venue="qddex", trade_no="t4", reason="核查")], signers=("li", "wang"))
        yield "a venue's key", lambda: self.venue_key(False)
        yield "a trade under it", lambda: feed.push([wire.encode_record(trade("t7", BOB, ALICE))])
        yield "the ledger's next key", lambda: self.change(add=[self.keys["next.key"]])
        yield "a trade under both", lambda: feed.push([wire.encode_record(trade("t8", BOB, ALICE))])
        yield "the first key's end", lambda: self.change(retire=[self.first])
        yield "another claim key", lambda: self.change(add=[self.keys["heads-2.key"]], retire=[self.keys["heads.key"]])
        yield "a new generation", lambda: self.venue_key(True)
        yield "trades of it", lambda: self.feed.push([wire.encode_record(trade(f"u{i}", BOB, ALICE)) for i in range(3)])
        yield "a delisting", lambda: world.order("enterprise.delist", items=[
            salted(code=ALICE, lists=["old"], reason="企业申请")])
        yield "another policy", lambda: world.adopt(dict(read_json("policy-flat.json"), version=2))

    def venue_key(self, is_new_generation):
        old = self.feed.key
        new = wire.Key("qddex", secrets.token_bytes(32))
        self.key_index = self.world.order("venue.key", {"venue": "qddex", "add": [new.vkey()], "revoke": [old.vkey()],
                                       "new_generation": is_new_generation, "reason": "密钥轮换"})["index"]
        if is_new_generation:
            self.feed = Feed(self.world, "qddex", new, generation=2)
        self.feed.key = new

    def verify(self, name, key):
        return self.world.client("verify", name, "--vkey", key.vkey(), "--json", SUBSIDY_SERVER="https://127.0.0.1:1")

    def test_each_statement_stays_good_and_is_a_beginning_of_the_next(self):
        world = self.world
        self.feed = world.license("qddex")
        world.license("sddex")
        world.register([(ALICE, "甲方数据公司", ["default", "old"]), (BOB, "乙方数据公司", ["default"])])
        world.grant(ALICE, "bureau")
        world.adopt(read_json("policy-flat.json"))
        self.state("a registration")
        for what, happen in self.happenings():
            with self.subTest(what):
                happen()
                self.state(what)
        self.state_distrust()
        # Offline, by the key that the ledger began with; and by the one that signs now.
        for name, what in self.statements:
            with self.subTest(what):
                check(self.verify(name, self.first))
        check(self.verify(self.statements[-1][0], self.keys["next.key"]))
        # All of them are still what the ledger stands for: its checkpoints, and where the chain ended.
        names = [name for name, _ in self.statements]
        rows = check(world.client("receipt", "check", *names, "--json", token=ALICE)).json()
        checked = rows[next(iter(rows))] if isinstance(rows, dict) else rows
        self.assertEqual([(row["file"], row["kind"], row["chain_checked"]) for row in checked],
                         [(name, "statement", True) for name in names])
        sizes = [row["size"] for row in checked]
        self.assertEqual(sizes, sorted(sizes))
        # Without a code the chain can't be asked for, and that is said.
        result = check(world.client("receipt", "check", names[0], "--json"))
        self.assertIn("--token", result.err)
        self.assertFalse(os.path.exists(world.path(names[0] + ".evidence.json")))
        world.stop()
        check(world.daemon("verify", "-c", "subsidyd.conf"))

    def state_distrust(self):
        """The venue's second key was stolen, and what it signed is held; before, while and after the slices come."""
        size = self.world.size()
        self.world.order("venue.distrust", {"venue": "qddex", "key": self.feed.key.vkey(), "from": self.key_index, "reason": "私钥被盗"},
                         made_at_size=size)
        self.state("a stolen key")

        def is_done():
            return all(row["is_done"] for row in self.world.get_json("/v1/feeds/qddex", "bureau")["distrusted"])
        wait_until(is_done, DONE_TIMEOUT_S, "the last slice")
        self.state("what it signed")


class Convicted(unittest.TestCase):
    """A ledger that signed where a chain ends, and now shows another one."""

    def setUp(self):
        self.world = World(start=False, ledger={"heads_key": "heads.key"})
        self.addCleanup(self.world.close)
        self.world.new_key(self.world.origin + "/heads", "heads.key")
        self.world.start()
        self.heads = wire.Key.from_file(self.world.path("heads.key"))
        feed = self.world.license("qddex")
        self.world.grant(ALICE, "bureau")
        self.world.order("log.key", {"add": [self.heads.vkey()], "retire": [], "reason": "声明密钥"})
        feed.push([wire.encode_record(trade(f"t{i}", BOB, ALICE)) for i in range(4)])
        self.feed = feed

    def evidence(self):
        with open(self.world.path("statement.evidence.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_claim_that_left_an_entry_out(self):
        world = self.world
        ledger = maker.Ledger.of_world(world, claim_key=self.heads)
        whole = ledger.chain(ALICE)
        ledger.chain = lambda code: whole[:-1]
        maker.write(world.path("statement"), maker.of_world(world, ALICE, ledger))
        # By itself there is nothing wrong with it, nor is its checkpoint another one.
        check(world.client("verify", "statement", "--vkey", world.ledger_key.vkey()))
        check(world.client("receipt", "check", "statement"))
        self.feed.push([wire.encode_record(trade("later", BOB, ALICE))])
        for options in ((), ("--vkey", world.ledger_key.vkey())):
            result = world.client("receipt", "check", "statement/", *options, token=ALICE)
            self.assertEqual(result.code, 6, result)
            self.assertIn(f"entry {whole[-1]} concerned the enterprise as well", result.err)
            self.assertIn("IS NOT WHAT IT SHOWS NOW", result.err)
            found = self.evidence()
            # Whoever has the key can follow it: the claim, and the entry under the checkpoint that follows on the claim's.
            self.assertTrue(wire.note_is_signed_by(found["newest"].encode(), world.ledger_key))
            self.assertTrue(wire.note_is_signed_by(found["claim"].encode(), self.heads))
            claim = found["claim"].split("\n")
            self.assertEqual((claim[3], int(claim[4]), int(claim[5])), (ALICE, whole[-2], len(ledger.entries)))
            leaf, index, _ = wire.verify_receipt(found["entry"], world.ledger_key)
            self.assertEqual((index, leaf), (whole[-1], ledger.entries[whole[-1]].data))
            self.assertGreaterEqual(wire.verify_receipt(found["before"], world.ledger_key)[1], len(ledger.entries))
            self.assertEqual((found["answer"]["from"], found["held"]), (len(ledger.entries), world.read("statement/checkpoint").decode()))
            os.unlink(world.path("statement.evidence.json"))
        # A claim that is taken away is missed.
        os.unlink(world.path("statement/head"))
        self.assertEqual(world.client("verify", "statement", "--vkey", world.ledger_key.vkey()).code, 6)

    def test_a_chain_that_leads_past_an_entry_of_then(self):
        world = self.world
        check(world.client("statement", ALICE, "-o", "statement", token=ALICE))

        def change(_method, path, answer):
            if not path.startswith(f"/v1/enterprises/{ALICE}/statement"):
                return answer
            page = answer.json()
            page["entries"].pop(0)
            return wire.Answer(answer.status, answer.headers, wire.compact(page).encode())

        with Proxy(world, world.addresses["public"], change) as address:
            result = world.client("receipt", "check", "statement", "--vkey", world.ledger_key.vkey(), token=ALICE,
                                  SUBSIDY_SERVER="https://" + address)
        self.assertEqual(result.code, 6, result)
        self.assertIn("does not lead to entry", result.err)
        self.assertTrue(os.path.exists(world.path("statement.evidence.json")))
        check(world.client("receipt", "check", "statement", token=ALICE))

    def test_a_statement_of_a_ledger_that_was_set_back(self):
        world = self.world
        check(world.client("statement", ALICE, "-o", "statement", token=ALICE))
        with World() as other:
            # Another history under the same name and key.
            other.license("sddex")
            text = wire.split_note(other.public.get("/checkpoint").body)[0]

        def change(_method, path, answer):
            if path != "/checkpoint":
                return answer
            return wire.Answer(answer.status, answer.headers, wire.sign_note(text, world.ledger_key))

        with Proxy(world, world.addresses["public"], change) as address:
            result = world.client("receipt", "check", "statement", "--vkey", world.ledger_key.vkey(), token=ALICE,
                                  SUBSIDY_SERVER="https://" + address)
        self.assertEqual(result.code, 6, result)
        self.assertIn("DOES NOT PROVE", result.err)
        self.assertEqual(json.loads(world.read("statement.evidence.json"))["held"], world.read("statement/checkpoint").decode())

    def test_what_only_the_whole_shows_is_not_kept(self):
        """Each row is proven, and an award is none that the entries give."""
        world = self.world
        world.license("sddex")
        world.adopt(read_json("policy-flat.json"))

        def change(_method, path, answer):
            if "/explain" not in path:
                return answer
            page = answer.json()
            page["award"] = "1.00"
            return wire.Answer(answer.status, answer.headers, wire.compact(page).encode())

        with Proxy(world, world.addresses["public"], change) as address:
            result = world.client("statement", ALICE, "-o", "statement", "--json", "--vkey", world.ledger_key.vkey(),
                                  token=ALICE, SUBSIDY_SERVER="https://" + address)
        self.assertEqual((result.code, result.out), (6, ""), result)
        self.assertIn("NOT VERIFIED", result.err)
        self.assertFalse(os.path.exists(world.path("statement")))
        check(world.client("statement", ALICE, "-o", "statement", token=ALICE))

    def test_what_is_wrong_with_the_folder_itself_accuses_nobody(self):
        world = self.world
        check(world.client("statement", ALICE, "-o", "statement", token=ALICE))
        name = sorted(os.listdir(world.path("statement/entries")))[0]
        os.unlink(world.path("statement/entries", name))
        result = world.client("receipt", "check", "statement", token=ALICE)
        self.assertEqual(result.code, 6, result)
        self.assertIn("NOT VERIFIED", result.err)
        self.assertFalse(os.path.exists(world.path("statement.evidence.json")))


if __name__ == "__main__":
    unittest.main()
