"""The ledger's own keys: from one to the next, and those that sign claims."""
import base64
import json
import os
import unittest

from tests import formats
from tests.flow import wire
from tests.flow.fake_ledger import FakeLedger
from tests.flow.harness import FIRMS, Proxy, World, check, records
from tests.flow.monitored import Monitor

WHY = "密钥轮换"


class Rotating(unittest.TestCase):
    """A ledger of its own for each test, with three records; a next key and a claim key lie ready."""

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.first = self.world.ledger_key
        self.next, self.heads = self.make_key("next.key"), self.make_key("heads.key", "/heads")
        self.feed = self.world.license("qddex")
        self.feed.push(records("first", 3))

    def make_key(self, file, suffix=""):
        self.world.new_key(self.world.origin + suffix, file)
        return wire.Key.from_file(self.world.path(file))

    def restart(self, **ledger):
        self.world.stop()
        self.world.make_config(ledger=ledger)
        self.world.start()

    def change(self, add=(), retire=()):
        return self.world.order("log.key", {"add": [key.vkey() for key in add], "retire": [key.vkey() for key in retire],
                                            "reason": WHY})

    def refused(self, *words, add=(), retire=()):
        answer = self.world.public.order(self.world.make_order(
            "log.key", {"add": [key.vkey() for key in add], "retire": [key.vkey() for key in retire], "reason": WHY}), ())
        self.assertEqual((answer.status, answer.json()["type"]), (422, "urn:subsidy:error:refused"), answer)
        for word in words:
            self.assertIn(word, answer.json()["detail"])

    def signers(self, note):
        """Which of our keys signed it, in the order of its lines."""
        ours = [self.first, self.next, self.heads]
        text, lines = wire.split_note(note)
        found = []
        for line in lines:
            place = next(place for place, key in enumerate(ours) if base64.b64decode(line.split(b" ")[2])[:4] == key.id)
            self.assertTrue(wire.note_is_signed_by(text + b"\n" + line, ours[place]))
            found.append(place)
        return found

    def checkpoint(self):
        return self.world.public.get("/checkpoint").body

    def verifies(self):
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))


class Rotation(Rotating):
    def test_from_one_key_to_the_next(self):
        self.assertEqual(self.signers(self.checkpoint()), [0])
        self.refused("does not hold the private half", add=[self.next])
        self.restart(next_key="next.key")
        self.assertEqual(self.signers(self.checkpoint()), [0])
        added = self.change(add=[self.next])["index"]
        self.assertEqual(self.signers(self.checkpoint()), [0, 1])
        told = self.world.get_json("/v1/ledger")
        self.assertEqual((told["vkey"], told["vkeys"]), (self.first.vkey(), [self.first.vkey(), self.next.vkey()]))
        receipt = self.feed.push(records("second", 2))["receipt"]
        for key in (self.first, self.next):
            formats.verify_receipt(receipt.encode(), formats.parse_vkey(key.vkey()))
        # A start without one of the two is refused; which setting names which does not matter.
        self.world.stop()
        for settings in ({"key": "ledger.key"}, {"key": "next.key"}):
            self.world.make_config(ledger=settings)
            result = self.world.refuses_to_start()
            self.assertEqual(result.code, 1, result)
            self.assertIn("next_key", result.out + result.err)
        self.world.make_config(ledger={"key": "next.key", "next_key": "ledger.key"})
        self.world.start()
        self.assertEqual(self.signers(self.checkpoint()), [0, 1])
        retired = self.change(retire=[self.first])["index"]
        self.assertEqual(self.signers(self.checkpoint()), [1])
        told = self.world.get_json("/v1/ledger")
        self.assertEqual((told["vkey"], told["vkeys"]), (self.next.vkey(), [self.next.vkey()]))
        self.restart(key="next.key")
        self.feed.push(records("third", 1))
        self.assertEqual(self.signers(self.checkpoint()), [1])
        keys = self.world.get_json("/v1/keys")
        self.assertEqual((keys["origin"], keys["ledger_id"]), (self.world.origin, self.world.ledger_id))
        rows = [(key["vkey"], key["use"], key["since"], key["until"]) for key in keys["keys"]]
        self.assertEqual(rows, [(self.first.vkey(), "checkpoint", 0, retired), (self.next.vkey(), "checkpoint", added, None)])
        self.assertIsNone(keys["keys"][0]["order"])
        index, _, leaf = formats.verify_receipt(keys["keys"][1]["order"].encode(), formats.parse_vkey(self.next.vkey()))
        self.assertEqual(index, added)
        order = formats.decode("entry", leaf)["order"]["note"].decode()
        self.assertIn(json.dumps(self.next.vkey()), order)
        # What the old key signed stays signed.
        formats.verify_receipt(receipt.encode(), formats.parse_vkey(self.first.vkey()))
        self.verifies()

    def test_the_last_key_stays_and_a_retired_one_does_not_come_back(self):
        self.refused("no checkpoint key left", retire=[self.first])
        self.restart(next_key="next.key")
        self.change(add=[self.next], retire=[self.first])
        self.assertEqual(self.signers(self.checkpoint()), [1])
        self.refused("the ledger's own key, or was", add=[self.first])
        self.refused("no checkpoint key left", retire=[self.next])
        self.verifies()

    def test_a_crash_between_the_order_and_the_guard_heals(self):
        self.restart(next_key="next.key")
        before = self.world.read("guard")
        self.change(add=[self.next])
        self.world.stop()
        self.world.write("guard", before)
        self.world.start()
        self.assertEqual(self.signers(self.checkpoint()), [0, 1])
        self.assertNotEqual(self.world.read("guard"), before)
        self.verifies()

    def test_pushes_show_checkpoints_of_either_key_and_a_found_key_stops_nobody(self):
        self.restart(next_key="next.key")
        old = self.checkpoint()
        self.change(add=[self.next])
        both = self.checkpoint()
        self.change(retire=[self.first])
        for number, note in enumerate((old, both, self.checkpoint())):
            new = records(f"more{number}", 1)
            answer = self.world.feed.push("qddex", self.feed.body(new, checkpoint=note))
            self.assertEqual(answer.status, 200, answer)
            self.feed.accept(new)
        # The next key signs such a thing: then it is ours, and the daemon stops. The retired one says nothing any more.
        forged = wire.checkpoint_text(self.world.origin, 10 ** 6, bytes(32))
        new = records("more", 1)
        body = self.feed.body(new, checkpoint=wire.sign_note(forged, self.first))
        self.assertEqual(self.world.feed.push("qddex", body).status, 200)
        self.feed.accept(new)
        body = self.feed.body(records("last", 1), checkpoint=wire.sign_note(forged, self.next))
        self.assertEqual(self.world.feed.push("qddex", body).problem(), "rolled_back")
        self.world.finish(9)


class Clients(Rotating):
    """Whoever remembered the old key: a client with a state folder of its own."""

    def setUp(self):
        super().setUp()
        self.world.grant("bureau")
        self.old = self.world.path("old-receipt")
        self.order_of_firm("one", "--receipt", self.old)

    def remembered(self, address):
        return self.world.path("state", "ledger-" + address)

    def restart(self, **ledger):
        """The ports are others then; what is remembered of the old address is remembered of the new one."""
        before = self.world.addresses["public"]
        super().restart(**ledger)
        if os.path.exists(self.remembered(before)):
            os.rename(self.remembered(before), self.remembered(self.world.addresses["public"]))

    def order_of_firm(self, name, *more):
        self.world.write("firms.csv", f"code,name,lists\n{FIRMS[0]},{name},\n")
        return check(self.world.client("order", "enterprise.register", "--file", "firms.csv", "--key", "zhang.key", "--key",
                                       "li.key", "--submit", *more))

    def by_client(self, *words):
        """The log.key order as officers make it."""
        return check(self.world.client("order", "log.key", *words, "--set", f"reason={WHY}", "--key", "zhang.key", "--key",
                                       "li.key", "--submit"))

    def test_it_takes_the_next_key_over_and_still_knows_the_old(self):
        self.restart(next_key="next.key")
        result = self.by_client("--set", f"add={self.next.vkey()}")
        result = self.order_of_firm("two", "--receipt", self.world.path("new-receipt"))
        self.assertIn("changes its key", result.err)
        self.assertIn(self.next.vkey(), result.err)
        self.assertNotIn("changes its key", self.order_of_firm("three").err)
        check(self.world.client("export", "copy", token="bureau"))
        told = json.loads(self.world.read("copy/ledger.json"))
        self.assertEqual(told["vkeys"], [self.first.vkey(), self.next.vkey()])
        self.by_client("--set", f"retire={self.first.vkey()}")
        self.restart(key="next.key")
        self.order_of_firm("four")
        for command in (("verify",), ("receipt", "check")):
            check(self.world.client(*command, self.old, self.world.path("new-receipt")))
        check(self.world.client("verify", self.old, "--vkey", self.first.vkey()))
        self.assertEqual(self.world.client("verify", self.old, "--vkey", self.next.vkey()).code, 6)
        check(self.world.client("export", "copy", token="bureau"))
        told = json.loads(self.world.read("copy/ledger.json"))
        self.assertEqual((told["vkey"], told["vkeys"]), (self.next.vkey(), [self.next.vkey()]))
        self.verifies()

    def test_one_that_was_away_is_told_what_to_do(self):
        self.restart(next_key="next.key")
        self.change(add=[self.next])
        self.change(retire=[self.first])
        result = self.world.client("receipt", "check", self.old)
        self.assertEqual(result.code, 6, result)
        self.assertIn("on paper", result.err)
        self.assertIn("--vkey", result.err)
        self.assertIn(self.next.vkey(), result.err)
        # The wrong one is not believed, the right one is, and stays.
        self.assertEqual(self.world.client("export", "copy", "--vkey", self.heads.vkey()).code, 6)
        check(self.world.client("export", "copy", "--vkey", self.next.vkey(), token="bureau"))
        check(self.world.client("receipt", "check", self.old))

    def test_who_still_names_the_old_key_goes_on_where_the_next_one_was_taken_over(self):
        world, first = self.world, self.first.vkey()
        self.restart(next_key="next.key")
        monitor = Monitor(world, dict(world.env, SUBSIDY_STATE=world.path("state-watch"), SUBSIDY_VKEY=first), "--interval", "1")
        self.addCleanup(monitor.process.kill)
        monitor.wait(lambda m: m.sizes(), "the first size")
        added = self.change(add=[self.next])["index"]
        monitor.wait(lambda m: m.sizes()[-1] > added, "the next key")
        # Another is there while both sign, and once only.
        check(world.client("monitor", "--once", "--vkey", first, SUBSIDY_STATE=world.path("state-once")))
        retired = self.change(retire=[self.first])["index"]
        monitor.wait(lambda m: m.sizes()[-1] > retired, "a size that the next key alone has signed")
        self.assertEqual(monitor.end(), 0, monitor.errors)
        for state in ("state-watch", "state-once"):
            check(world.client("monitor", "--once", "--vkey", first, SUBSIDY_STATE=world.path(state)))
            result = world.client("export", "copy", "--vkey", first, token="bureau", SUBSIDY_STATE=world.path(state))
            self.assertEqual(check(result).err.count("key"), 0, result)
            # A key that never was the ledger's is refused as ever, and what is remembered stays.
            remembered = world.read(f"{state}/ledger-" + world.addresses["public"])
            self.assertEqual(remembered.splitlines()[0], self.next.vkey().encode())
            result = world.client("export", "copy", "--vkey", self.heads.vkey(), token="bureau",
                                  SUBSIDY_STATE=world.path(state))
            self.assertEqual(result.code, 6, result)
            self.assertEqual(world.read(f"{state}/ledger-" + world.addresses["public"]), remembered)
        # Who remembers nothing has no proof: what the old key signs no more can't vouch for the next one.
        result = world.client("export", "copy", "--vkey", first, token="bureau", SUBSIDY_STATE=world.path("nothing"))
        self.assertEqual(result.code, 6, result)
        for words in (self.next.vkey(), "on paper", "--vkey KEY"):
            self.assertIn(words, result.err)
        self.assertFalse(os.path.exists(world.path("nothing")))

    def test_the_receipt_of_an_order_that_retires_the_known_key_is_of_the_one_that_stays(self):
        retire = ("--set", f"retire={self.first.vkey()}", "--vkey", self.first.vkey())
        size = self.world.size()
        # Where none stays that is known, nothing is sent.
        check(self.world.client("order", "log.key", *retire, "--set", f"reason={WHY}", "--key", "zhang.key", "--key", "li.key",
                                "-o", "retire.order"))
        told = self.world.client("order", "submit", "retire.order")
        self.assertEqual((told.code, "--vkey KEY" in told.err, self.world.size()), (2, True, size), told)
        self.restart(next_key="next.key")
        self.by_client("--set", f"add={self.next.vkey()}")
        # Who remembers nothing follows from the key that he names to the one that stays.
        check(self.world.client("order", "submit", "retire.order", "--vkey", self.first.vkey(), "--receipt",
                                self.world.path("retired"), SUBSIDY_STATE=self.world.path("elsewhere")))
        formats.verify_receipt(self.world.read("retired"), formats.parse_vkey(self.next.vkey()))

    def test_a_next_key_that_is_given_up_again(self):
        """Whoever took it over has a receipt of that, and is told that the ledger went back."""
        self.restart(next_key="next.key")
        self.by_client("--set", f"add={self.next.vkey()}")
        self.by_client("--set", f"retire={self.next.vkey()}", "--receipt", self.world.path("retired"))
        formats.verify_receipt(self.world.read("retired"), formats.parse_vkey(self.first.vkey()))
        for option in ((), ("--vkey", self.first.vkey())):
            result = self.world.client("export", "copy", *option, token="bureau")
            self.assertEqual(result.code, 6, result)
            for words in ("given up for the next one", "remove the file ledger-"):
                self.assertIn(words, result.err)
        os.unlink(self.remembered(self.world.addresses["public"]))
        check(self.world.client("export", "copy", "--vkey", self.first.vkey(), token="bureau"))

    def test_a_stolen_key_goes_in_the_order_that_adds_the_next(self):
        third = self.make_key("third.key")
        self.restart(next_key="next.key")
        self.by_client("--set", f"add={self.next.vkey()}", "--set", f"retire={self.first.vkey()}")
        # Officers who were there say the new key once, as everybody else does.
        self.restart(key="next.key", next_key="third.key")
        self.by_client("--set", f"add={third.vkey()}", "--set", f"retire={self.next.vkey()}", "--vkey", self.next.vkey())
        told = self.world.client("receipt", "check", self.old)
        self.assertEqual((told.code, third.vkey() in told.err), (6, True), told)

    def test_a_next_key_that_is_not_proven_is_not_taken_over(self):
        stranger = wire.Key(self.world.origin, bytes(32))
        self.restart(next_key="next.key")
        self.change(add=[self.next])

        def change(_method, _path, answer):
            return wire.Answer(answer.status, answer.headers,
                               answer.body.replace(self.next.vkey().encode(), stranger.vkey().encode()))

        def forge(path, answer, signer, old, new):
            """With an order in which one text stands for another, under a checkpoint that the signer made for it."""
            if path != "/v1/keys":
                return answer
            rows = answer.json()
            proof = rows["keys"][1]["order"].encode()
            entry = formats.decode("entry", base64.b64decode(proof.splitlines()[1].partition(b" ")[2]))
            self.assertIn(old.encode(), entry["order"]["note"])
            entry["order"]["note"] = entry["order"]["note"].replace(old.encode(), new.encode(), 1)
            leaf = formats.encode("entry", entry)
            note = wire.sign_note(wire.checkpoint_text(self.world.origin, 1, formats.leaf_hash(leaf)), signer)
            rows["keys"][1]["order"] = "\n".join(("c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(leaf).decode(),
                                                  "index 0", "", note.decode()))
            formats.verify_receipt(rows["keys"][1]["order"].encode(), formats.parse_vkey(signer.vkey()))
            return wire.Answer(200, answer.headers, json.dumps(rows).encode())

        lies = {
            "another key": change,
            "an order that only the stranger signed": lambda method, path, answer: forge(
                path, change(method, path, answer), stranger, self.next.vkey(), stranger.vkey()),
            "an order of another ledger": lambda _, path, answer: forge(
                path, answer, self.first, self.world.ledger_id, "0" * 16),
            "an order of another origin": lambda _, path, answer: forge(
                path, answer, self.first, self.world.origin + "\n", "ledger.example/else\n")}
        known = self.world.read(self.remembered(self.world.addresses["public"]))
        for name, lie in lies.items():
            with self.subTest(lie=name), Proxy(self.world, self.world.addresses["public"], lie) as address:
                self.world.write(self.remembered(address), known)
                result = self.world.client("receipt", "check", self.old, SUBSIDY_SERVER="https://" + address)
                self.assertEqual(self.world.read(self.remembered(address)), known)
                self.assertEqual(result.code, 6, result)
                self.assertIn("does not prove it", result.err)


class OlderKeys(unittest.TestCase):
    def test_so_many_older_keys_are_remembered(self):
        """Each is said by hand once; of those before the present one the eight newest stay."""
        world = World(start=False)
        self.addCleanup(world.close)
        keys = [wire.Key(world.origin, bytes([i]) * 32) for i in range(11)]
        with FakeLedger(world, keys[0], size=5) as ledger:
            for count in range(1, len(keys) + 1):
                ledger.key = keys[count - 1]
                world.client("export", "copy", "--vkey", ledger.key.vkey(), SUBSIDY_SERVER=ledger.url)
                lines = world.read("state/ledger-" + ledger.url.removeprefix("https://")).decode().splitlines()
                older = [f"{key.vkey()} 5" for key in reversed(keys[:count - 1])][:8]
                self.assertEqual(lines, [ledger.key.vkey(), ledger.ledger_id, *older])
            # And whoever is asked without a word of it knows the newest.
            result = world.client("export", "copy", SUBSIDY_SERVER=ledger.url)
            self.assertNotIn("remembered", result.err)
            ledger.key = keys[0]
            result = world.client("export", "copy", SUBSIDY_SERVER=ledger.url)
            self.assertEqual(result.code, 6, result)


class Claims(Rotating):
    def claim(self, code, query="", keys=None):
        answer = self.world.get(f"/v1/enterprises/{code}/head{query}", "bureau")
        self.assertEqual(answer.status, 200, answer)
        note = answer.body
        keys = [formats.parse_vkey(key.vkey()) for key in keys or [self.heads]]
        self.assertEqual(formats.signers_of(note, keys), keys)
        origin, ledger_id, read, last, size, root = formats.read_claim(formats.split_note(note)[0])
        self.assertEqual((origin, ledger_id, read), (self.world.origin, self.world.ledger_id, code))
        return last, size, root

    def test_where_a_chain_ends_at_every_size(self):
        self.world.grant("bureau")
        answer = self.world.get(f"/v1/enterprises/{FIRMS[0]}/head", "bureau")
        self.assertEqual(answer.status, 404)
        self.assertIn("no claim key", answer.json()["detail"])
        self.refused("does not hold the private half", add=[self.heads])
        self.restart(heads_key="heads.key")
        self.change(add=[self.heads])
        self.world.register([(FIRMS[0], "甲公司", [])])
        # What an auditor sees of the whole ledger says where each enterprise's chain ends.
        size = self.world.size()
        concerned = []
        leaves = []
        for index in range(size):
            data = base64.b64decode(self.world.get_json(f"/v1/entries/{index}", "bureau")["bytes"])
            leaves.append(data)
            entry = formats.decode("entry", data)
            text = json.dumps(entry, default=lambda value: value.decode("latin-1"))
            if entry["links"] and FIRMS[0] in text:
                concerned.append(index)
        self.assertGreater(len(concerned), 2)
        for at in range(1, size + 1):
            last = max((index for index in concerned if index < at), default=None)
            if last is None:
                self.assertEqual(self.world.get(f"/v1/enterprises/{FIRMS[0]}/head?size={at}", "bureau").status, 404)
            else:
                root = formats.Frontier(leaves[:at]).root()
                self.assertEqual(self.claim(FIRMS[0], f"?size={at}"), (last, at, root))
        self.assertEqual(self.claim(FIRMS[0])[:2], (concerned[-1], size))
        for query in ("?size=0", f"?size={size + 1}", "?size=x", "?sizes=1"):
            self.assertEqual(self.world.get(f"/v1/enterprises/{FIRMS[0]}/head{query}", "bureau").status, 400)
        # No claim key signs a checkpoint.
        self.assertEqual(self.signers(self.checkpoint()), [0])
        # Another takes its place, and the daemon does not start without it.
        other = self.make_key("heads-2.key", "/heads")
        self.restart(heads_key="heads.key", next_heads_key="heads-2.key")
        self.change(add=[other])
        self.claim(FIRMS[0], keys=[self.heads, other])
        self.world.stop()
        self.world.make_config(ledger={"heads_key": "heads.key", "next_heads_key": None})
        result = self.world.refuses_to_start()
        self.assertIn("heads_key", result.out + result.err)
        self.world.make_config(ledger={"heads_key": "heads-2.key", "next_heads_key": "heads.key"})
        self.world.start()
        self.change(retire=[self.heads])
        self.restart(heads_key="heads-2.key", next_heads_key=None)
        self.claim(FIRMS[0], keys=[other])
        self.verifies()

    def test_keys_of_the_wrong_name_are_no_keys(self):
        """A claim key is no checkpoint key, whatever an order or a configuration says."""
        self.world.stop()
        for settings in ({"next_key": "heads.key"}, {"heads_key": "next.key"}):
            self.world.make_config(ledger=dict({"next_key": None, "heads_key": None}, **settings))
            result = self.world.refuses_to_start()
            self.assertIn("the name of a", result.out + result.err)
            result = self.world.daemon("check", "-c", "subsidyd.conf")
            self.assertEqual(result.code, 1, result)
            self.assertIn("the name of a", result.out + result.err)
        self.world.make_config(ledger={"next_key": None, "heads_key": None})
        self.world.start()


if __name__ == "__main__":
    unittest.main()
