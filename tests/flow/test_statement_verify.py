"""`subsidy verify FOLDER`: a good statement passes, and whatever is left out, added or changed is found and named.

The folders are made by statement_maker.py, which holds the ledger's own key: what a liar without that key can do, and
what a lying ledger can do.
"""
import base64
import copy
import json
import os
import random
import secrets
import unittest

from tests.flow import statement_maker as maker
from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, check, read_json, records, refund, trade

ALICE, BOB, CAROL, DAVE = FIRMS[:4]
POLICY = "qd-2025-47-5"


def entry_name(index):
    return f"entries/{index:016}.tlog-proof"


def trade_change(number):
    return wire.compact({"venue": "qddex", "trade_no": number, "reason": "待核查", "salt": secrets.token_hex(16)})


class Statements(FlowTest):
    """A world in which everything that can happen to an enterprise has happened to Alice."""

    @classmethod
    def prepare(cls):
        world = cls.world
        cls.qddex, cls.sddex = world.license("qddex"), world.license("sddex")
        world.register([(ALICE, "甲方数据公司", ["default", "old"]), (BOB, "乙方数据公司", ["default"])])
        world.grant("bureau")
        policy = read_json("policy-flat.json")
        world.adopt(policy)
        cls.qddex.push([wire.encode_record(trade(f"t{i}", CAROL, ALICE, amount="1060000.00", tax="60000.00"))
                        for i in range(5)])
        cls.qddex.push([wire.encode_record(row) for row in (
            refund("r1", "t1"), refund("r2", "t2", amount="2000000.00"), trade("t1", ALICE, BOB), refund("r1", "t2"),
            trade("self", ALICE, ALICE), refund("r3", "self"))])
        for kind, number in (("hold", "t3"), ("hold", "t4"), ("release", "t4"), ("void", "t2")):
            world.order("trade." + kind, items=[trade_change("t0"), trade_change(number)] if kind == "void" else
                        [trade_change(number)])
        world.order("officer.add", {"name": "sun", "role": "leader", "keys": [
            wire.Key("sun", b"s" * 32).vkey()]})
        world.order("enterprise.delist", items=[wire.compact(
            {"code": ALICE, "lists": ["old"], "reason": "企业申请", "salt": secrets.token_hex(16)})])
        world.adopt(dict(policy, version=policy["version"] + 1, rate={"type": "flat", "ppm": 100000}))
        cls.old_key = cls.sddex.key
        cls.sddex.push([wire.encode_record(trade("s1", ALICE, BOB))])
        cls.sddex.key = wire.Key("sddex", b"n" * 32)
        world.order("venue.key", {"venue": "sddex", "add": [cls.sddex.key.vkey()], "revoke": [cls.old_key.vkey()],
                                  "new_generation": False, "reason": "密钥轮换"})
        cls.sddex.push([wire.encode_record(trade("s2", BOB, ALICE, amount="2120000.00", tax="120000.00"))])
        world.relate((BOB, DAVE), (ALICE, DAVE))
        world.adopt(dict(policy, policy="yearly", venues=["sddex"], cap={"amount": "1000.00", "scope": "year"}))
        cls.sddex.push([wire.encode_record(trade("s3", CAROL, BOB)), wire.encode_record(trade("s4", ALICE, DAVE))])
        cls.ledger = maker.Ledger.of_world(world)
        cls.chain = cls.ledger.chain(ALICE)
        cls.good = maker.of_world(world, ALICE, cls.ledger)
        cls.explained = maker.explanations(world, ALICE, len(cls.ledger.entries))[0]

    def setUp(self):
        self.files = dict(self.good)

    # Running it

    def verify(self, files, *options, vkey=None, **environment):
        maker.write(self.world.path("statement"), files)
        return self.world.client("verify", "statement", "--vkey", vkey or self.world.ledger_key.vkey(), *options,
                                 **environment)

    def refuse(self, files, *fragments, **options):
        result = self.verify(files, **options)
        self.assertEqual(result.code, 6, (fragments, result))
        self.assertEqual(result.out, "", fragments)
        for fragment in fragments:
            self.assertIn(fragment, result.err)
        return result

    def resealed(self, change, code=ALICE):
        """The statement of a ledger that lies: changed entries, under a root of their own and the ledger's signature."""
        ledger = copy.deepcopy(self.ledger)
        change(ledger)
        files = ledger.statement(code, self.explained)
        head, good = json.loads(files["statement.json"]), json.loads(self.good["statement.json"])
        head["policies"] = good["policies"]
        files["statement.json"] = wire.compact(head).encode()
        return files

    def head(self, **changes):
        return wire.compact(dict(json.loads(self.good["statement.json"]), **changes)).encode()

    def find(self, what):
        """The index of an effect on the chain, by the number of its field, or of a record by its number."""
        for index in self.chain:
            entry = self.ledger.entries[index]
            if entry.kind == maker.EFFECT and entry.get(what) is not None:
                return index
            if entry.kind == maker.RECORD and entry.record()[1][1] == what:
                return index
        raise KeyError(what)

    # What is right

    def test_a_good_statement_passes(self):
        result = check(self.verify(self.good))
        self.assertEqual(result.out.splitlines()[-1], "verified")
        self.assertIn("nothing proves that entry", result.err)
        volume = {row["policy"]: row for row in json.loads(self.good["statement.json"])["policies"]}
        for policy, row in volume.items():
            line = next(line for line in result.out.splitlines() if line.startswith(policy))
            self.assertIn(row["eligible_volume"], line)
            self.assertIn(row["award"], line)

    def test_its_result_for_programs(self):
        result = check(self.verify(self.good, "--json")).json()
        self.assertEqual((result["verified"], result["code"], result["size"], result["entries"], result["withheld"]),
                         (True, ALICE, len(self.ledger.entries), len(self.chain), 0))
        self.assertEqual((result["first"], result["last"]), (self.chain[0], self.chain[-1]))
        kinds = [self.ledger.entries[index].kind for index in self.chain]
        self.assertEqual((result["records"], result["orders"]), (kinds.count(maker.RECORD), kinds.count(maker.EFFECT)))
        self.assertEqual((result["acts"], result["has_claim"]), (len(self.ledger.acts()), False))
        rows = {row["policy"]: (row["eligible_volume"], row["award"]) for row in result["policies"]}
        for row in json.loads(self.good["statement.json"])["policies"]:
            self.assertEqual(rows[row["policy"]], (row["eligible_volume"], row["award"]))

    def test_every_enterprise_of_the_ledger(self):
        for code in (BOB, CAROL, DAVE):
            check(self.verify(maker.of_world(self.world, code, self.ledger)))

    def test_what_subsidy_statement_writes(self):
        for code in (ALICE, BOB, CAROL, DAVE):
            written = self.world.path("written", code)
            os.makedirs(self.world.path("written"), exist_ok=True)
            check(self.world.client("statement", code, "-o", written, token="bureau"))
            check(self.world.client("verify", written, "--vkey", self.world.ledger_key.vkey()))

    def test_in_chinese_and_from_explanations_in_chinese(self):
        for name in [name for name in self.files if name.startswith("policies/")]:
            policy = json.loads(self.files[name])["policy"]
            path = f"/v1/enterprises/{ALICE}/explain?policy={policy}&as_of={len(self.ledger.entries)}"
            answer = self.world.public.request("GET", path, headers={"Accept-Language": "zh"},
                                               token=self.world.tokens["bureau"])
            self.assertNotEqual(answer.body, self.files[name])
            self.files[name] = answer.body
        check(self.verify(self.files))
        result = check(self.verify(self.files, LC_ALL="zh_CN.UTF-8"))
        self.assertEqual(result.out.splitlines()[-1], "核对无误")

    def test_an_entry_that_is_withheld(self):
        """A duplicate that names others: its hash stands in for it, and that is said."""
        files = maker.of_world(self.world, CAROL, self.ledger)
        withheld = [name for name in files if name.startswith("withheld/")]
        self.assertEqual(len(withheld), 1)
        result = check(self.verify(files))
        self.assertIn("only the hash is here: 1", result.err)
        self.assertEqual(check(self.verify(files, "--json")).json()["withheld"], 1)
        row = json.loads(files[withheld[0]])
        for change in ({"leaf": base64.b64encode(bytes(32)).decode()}, {"hashes": row["hashes"][1:]},
                       {"index": row["index"] + 1}, {"entry": None}):
            self.refuse(dict(files, **{withheld[0]: wire.compact(dict(row, **change)).encode()}), withheld[0])
        del files[withheld[0]]
        self.refuse(files, f"no entry {row['index']} is in the statement")

    # What is left out or added

    def test_an_entry_left_out(self):
        """Any of them, from the middle, the newest but one, the oldest; the JSON's count mended or not."""
        for index in self.chain[:-1]:
            files = {name: data for name, data in self.good.items() if f"{index:016}" not in name}
            for head in (self.good["statement.json"], self.head(entries=len(self.chain) - 1)):
                following = self.chain[self.chain.index(index) + 1]
                result = self.refuse(dict(files, **{"statement.json": head}))
                # What refers to it may come before what links to it.
                self.assertRegex(result.err, rf"entry {index}.*left out|{following:016}.*no entry {index}|"
                                             rf"contradicts|by the rules|can't be done")

    def test_a_refund_and_a_hold_left_out(self):
        for index in (self.find(b"r1"), self.find(6)):
            files = {name: data for name, data in self.good.items() if f"{index:016}" not in name}
            following = self.chain[self.chain.index(index) + 1]
            self.refuse(files, entry_name(following), f"links to {index}, but no entry {index} is in the statement")

    def test_links_mended_around_a_gap_by_a_lying_ledger(self):
        """Its own signature is under it, but the entry that was left out stands in the feed, or another's chain ends."""
        def change(ledger):
            gap = self.find(b"t0")
            for index in ledger.chain(ALICE):
                for place, link in enumerate(ledger.entries[index].links):
                    if link == gap:
                        ledger.entries[index].set_link(place, ledger.entries[gap].links[1])
        files = self.resealed(change)
        gap = self.find(b"t0")
        self.refuse(files, entry_name(gap), "not on the chain")
        self.refuse({name: data for name, data in files.items() if f"{gap:016}" not in name}, "left out")

    def test_another_enterprises_entry(self):
        foreign = next(index for index in self.ledger.chain(BOB) if index not in self.chain)
        other = self.ledger.statement(BOB, [])
        files = dict(self.good, **{name: data for name, data in other.items() if f"{foreign:016}" in name})
        self.refuse(files, entry_name(foreign), "does not belong here")

    def test_entries_in_another_order(self):
        first, second = (entry_name(self.find(number)) for number in (b"t0", b"t1"))
        self.files[first], self.files[second] = self.files[second], self.files[first]
        self.refuse(self.files, first, "not of the one that its name says")

    def test_a_file_that_does_not_belong(self):
        for name in ("entries/more", "acts/0000000000000001.json", "policies/other.json"):
            self.refuse(dict(self.good, **{name: b"{}"}), name.split("/")[0])
        self.refuse(dict(self.good, **{entry_name(self.chain[-1] + 1): b"x"}), entry_name(self.chain[-1] + 1))

    def test_an_act_left_out(self):
        acts = self.ledger.acts()
        genesis, licence = f"acts/{acts[0]:016}.tlog-proof", f"acts/{acts[1]:016}.tlog-proof"
        del self.files[genesis]
        self.refuse(self.files, genesis, "is missing")
        files = dict(self.good)
        del files[licence]
        self.refuse(files, f"feeds/{self.find(b't0'):016}.tlog-proof", "no act licenses venue qddex")
        adoption = f"acts/{self.policy_index('yearly'):016}.tlog-proof"
        files = dict(self.good)
        del files[adoption]
        self.refuse(files, "statement.json", "lists 2 policies, and 1 are in force")
        self.refuse({name: data for name, data in self.good.items() if not name.startswith("acts/")}, "acts")

    def policy_index(self, policy):
        return next(row["index"] for row in json.loads(self.good["statement.json"])["policies"]
                    if row["policy"] == policy)

    def test_another_ledgers_genesis(self):
        other = copy.deepcopy(self.ledger)
        genesis = other.entries[0]
        genesis.fields = [(4, b"\x5a" * 16) if number == 4 else (number, value) for number, value in genesis.fields]
        files = other.statement(ALICE, self.explained)
        files["statement.json"] = self.head()
        self.refuse(files, "acts/0000000000000000.tlog-proof", "it is the beginning of ledger")
        self.files["acts/0000000000000000.tlog-proof"] = files["acts/0000000000000000.tlog-proof"]
        self.refuse(self.files, "acts/0000000000000000.tlog-proof", "another checkpoint")

    # What is changed

    def test_an_amount_changed_by_a_lying_ledger(self):
        index = self.find(b"t0")

        def change(ledger):
            entry = ledger.entries[index]
            entry.set(4, wire.encode_record(trade("t0", CAROL, ALICE, amount="2060000.00", tax="60000.00")))
        self.refuse(self.resealed(change), f"feeds/{index:016}.tlog-proof", "does not prove")

    def test_an_amount_changed_in_the_file(self):
        index = self.find(b"t0")
        entry = copy.deepcopy(self.ledger.entries[index])
        entry.set(4, wire.encode_record(trade("t0", CAROL, ALICE, amount="2060000.00", tax="60000.00")))
        lines = self.files[entry_name(index)].split(b"\n")
        lines[1] = b"extra " + base64.b64encode(entry.data)
        self.files[entry_name(index)] = b"\n".join(lines)
        self.refuse(self.files, entry_name(index), "does not lead to the checkpoint's root")

    def test_dispositions_by_a_lying_ledger(self):
        """A trade with oneself that counts, a refund that does not, a number counted twice."""
        for number, disposition in ((b"self", 1), (b"r1", 6), (b"r2", 1), (b"r3", 1), (b"t0", 4)):
            index = self.find(number)

            def change(ledger):
                ledger.entries[index].set(5, disposition)
            self.refuse(self.resealed(change), entry_name(index), "by the rules it is")
        duplicate = next(index for index in self.chain if self.ledger.entries[index].get(5) == maker.DUPLICATE_TRADE and
                         self.ledger.entries[index].kind == maker.RECORD)

        def count_twice(ledger):
            entry = ledger.entries[duplicate]
            entry.body = [(number, value) for number, value in entry.body if number != 6]
            entry.set(5, 1)
            entry.set_link(0, self.chain[self.chain.index(duplicate) - 1])
        self.refuse(self.resealed(count_twice), "the venue had used its number before")

    def test_a_flipped_bit_in_each_kind_of_file(self):
        chosen = random.Random(7)
        kinds = {}
        for name in sorted(self.good):
            kinds.setdefault(name.split("/")[0], []).append(name)
        kinds.pop("README.txt")
        self.assertEqual(sorted(kinds), ["acts", "checkpoint", "entries", "feeds", "orders", "policies",
                                         "statement.json"])
        for kind, names in kinds.items():
            if kind == "policies":
                continue    # prose is in them: see test_a_wrong_answer
            for name in chosen.sample(names, min(4, len(names))):
                data = bytearray(self.good[name])
                place = chosen.randrange(len(data))
                data[place] ^= 1 << chosen.randrange(7)
                result = self.refuse(dict(self.good, **{name: bytes(data)}))
                # All proofs are under the checkpoint, so that each of them may show it first.
                if kind != "checkpoint":
                    self.assertIn(kind, result.err, (name, place))

    def test_a_proof_under_another_checkpoint(self):
        smaller = copy.deepcopy(self.ledger)
        smaller.entries = smaller.entries[:-2]
        name = entry_name(self.chain[2])
        self.files[name] = smaller.proof(self.chain[2], smaller.leaves(), smaller.checkpoint())
        self.refuse(self.files, name, "another checkpoint")

    def test_the_ledgers_key(self):
        other = wire.Key(self.world.origin, b"o" * 32)
        self.refuse(self.good, "checkpoint", "has not signed it", vkey=other.vkey())
        ledger = copy.deepcopy(self.ledger)
        ledger.keys = [other]
        files = ledger.statement(ALICE, self.explained)
        files["statement.json"] = self.head(vkeys=[other.vkey()])
        self.refuse(files, "checkpoint")
        self.refuse(files, "checkpoint", "no key that is the ledger's own", vkey=other.vkey())
        self.refuse(dict(self.good, **{"statement.json": self.head(vkeys=[other.vkey()])}), "statement.json", "vkeys")

    def test_what_the_summary_says(self):
        policies = json.loads(self.good["statement.json"])["policies"]
        for changes, fragment in (({"size": len(self.ledger.entries) - 1}, "size"), ({"code": BOB}, "entries"),
                                  ({"entries": len(self.chain) + 1}, "entries"), ({"origin": "elsewhere.example"}, "elsewhere.example"),
                                  ({"ledger_id": "0123456789abcdef"}, "acts/0000000000000000"), ({"more": 1}, "keys"),
                                  ({"format": "subsidy.statement/v2"}, "format"), ({"policies": policies[1:]}, "is not in it"),
                                  ({"policies": policies + policies[:1]}, "twice")):
            self.refuse(dict(self.good, **{"statement.json": self.head(**changes)}), fragment)
        for key, value in (("award", "17.00"), ("award", None), ("version", 1), ("eligible_volume", "0.01"), ("index", 3)):
            rows = [dict(policies[0], **{key: value})] + policies[1:]
            result = self.refuse(dict(self.good, **{"statement.json": self.head(policies=rows)}), "statement.json")
            self.assertIn(f'"{key}" is', result.err)
        self.assertEqual(self.verify({name: data for name, data in self.good.items() if name != "statement.json"}).code, 2)

    def test_a_wrong_answer(self):
        """The policy's text, its version, its steps, the award: each is what officers signed, or follows from it."""
        name = f"policies/{POLICY}.json"
        good = json.loads(self.good[name])
        steps = copy.deepcopy(good["steps"])
        text = copy.deepcopy(good["policy_text"])
        text["rate"]["ppm"] -= 1
        older = next(entry for entry in self.ledger.entries if entry.kind == maker.ORDER and b"policy.adopt" in entry.get(1))
        old_text = json.loads(wire.split_note(older.get(1))[0].decode().splitlines()[3])["body"]["policy"]
        changed = next(step for step in steps if "amount" in step)
        changed["amount"] = "1.00"
        worded = copy.deepcopy(good["steps"])
        worded[0]["text"] += " "
        for key, value in (("policy_text", text), ("policy_text", old_text), ("version", 1), ("award", "9.99"),
                           ("award", None), ("steps", steps), ("steps", good["steps"][1:]), ("steps", worded),
                           ("policy_index", 4), ("ledger_size", good["ledger_size"] - 1), ("code", BOB),
                           ("status", "published"), ("name", "别家公司"), ("capped_at", {"index": 1, "trade_no": "t0"})):
            result = self.refuse(dict(self.good, **{name: wire.compact(dict(good, **{key: value})).encode()}), name)
            self.assertIn("step" if key == "steps" else key, result.err)
            short = {other: content for other, content in good.items() if other != key}
            self.refuse(dict(self.good, **{name: wire.compact(short).encode()}), name, key)
        del self.files[name]
        self.refuse(self.files, name, "missing")

    def test_a_statement_of_before_a_policy_was_changed(self):
        """Adopted twice: the first version's award is not the one in force."""
        smaller = copy.deepcopy(self.ledger)
        second = self.policy_index(POLICY)
        smaller.entries = smaller.entries[:second]
        texts, volumes = maker.explanations(self.world, ALICE, second)
        files = smaller.statement(ALICE, texts)
        head = json.loads(files["statement.json"])
        for row in head["policies"]:
            row["eligible_volume"] = volumes[row["policy"]]
        files["statement.json"] = wire.compact(head).encode()
        self.assertEqual(check(self.verify(files, "--json")).json()["policies"][0]["version"], 1)
        self.files[f"policies/{POLICY}.json"] = files[f"policies/{POLICY}.json"]
        self.refuse(self.files, f"policies/{POLICY}.json")

    # Who signed

    def test_a_record_signed_by_a_key_that_is_not_licensed(self):
        index = self.find(b"s2")
        name = f"feeds/{index:016}.tlog-proof"
        for key, fragment in ((wire.Key("sddex", b"x" * 32), "no key that venue sddex was licensed with"),
                              (self.old_key, "had revoked before it came"), (self.qddex.key, "no key that venue sddex")):
            proof, _, note = self.good[name].partition(b"\n\n")
            text, _ = wire.split_note(note)
            self.refuse(dict(self.good, **{name: proof + b"\n\n" + wire.sign_note(text, key)}), name, fragment)
        # The other way round: the new key before it was licensed.
        name = f"feeds/{self.find(b's1'):016}.tlog-proof"
        proof, _, note = self.good[name].partition(b"\n\n")
        signed = wire.sign_note(wire.split_note(note)[0], self.sddex.key)
        self.refuse(dict(self.good, **{name: proof + b"\n\n" + signed}), name, "no key that venue sddex")
        del self.files[name]
        self.refuse(self.files, name, "nothing shows that the venue signed")

    def test_a_feed_proof_of_another_record(self):
        name, other = (f"feeds/{self.find(number):016}.tlog-proof" for number in (b"t0", b"t1"))
        self.files[name] = self.good[other]
        self.refuse(self.files, name, "does not prove")
        self.files[name] = self.good[f"feeds/{self.find(b's1'):016}.tlog-proof"]
        self.refuse(self.files, name, "its checkpoint is of")

    def order_file(self, index, **changes):
        name = f"orders/{index:016}.json"
        return dict(self.good, **{name: wire.compact(dict(json.loads(self.good[name]), **changes)).encode()}), name

    def signed_again(self, index, *officers):
        """The order of an effect, under other signatures."""
        note = json.loads(self.good[f"orders/{index:016}.json"])["note"].encode()
        return wire.sign_note(wire.split_note(note)[0], *officers).decode()

    def test_an_order_line_replaced(self):
        index = [index for index in self.chain if self.ledger.entries[index].get(8) is not None and
                 self.ledger.entries[index].kind == maker.EFFECT][-1]       # voided, the second of two lines
        row = json.loads(self.good[f"orders/{index:016}.json"])
        other = json.loads(row["line"])
        self.assertEqual(row["item"] + 1, row["count"])
        for changes in ({"line": wire.compact(dict(other, trade_no="t1"))}, {"item": 0}, {"count": 1}, {"hashes": []},
                        {"hashes": row["hashes"] * 2}, {"order_index": row["order_index"] + 1}, {"note": "nonsense"},
                        {"line": ""}, {"more": 1}):
            files, name = self.order_file(index, **changes)
            self.refuse(files, name)
        del self.files[f"orders/{index:016}.json"]
        self.refuse(self.files, f"orders/{index:016}.json", "nothing shows that officers ordered this")

    def test_another_orders_line(self):
        """Signed by officers, but for something else than the ledger did."""
        held, released = self.find(6), self.find(7)
        row = json.loads(self.good[f"orders/{released:016}.json"])
        files, name = self.order_file(held, **{key: row[key] for key in ("note", "line", "count", "hashes", "item")})
        self.refuse(files, name, "something else than the line says")

    def test_officers(self):
        index = self.find(6)
        officers = self.world.officers
        for signers, fragment in (((officers["zhang"],), "needs the signatures"), ((officers["zhang"], officers["zhang-2"]),
                                  "needs the signatures"), ((wire.Key("zhang", b"z" * 32), officers["li"]), "needs the"),
                                  ((wire.Key("nobody", b"z" * 32),), "no officer in office"),
                                  ((officers["zhang"], officers["qian"]), "needs the signatures"),
                                  # Sun comes into office later.
                                  ((officers["zhang"], wire.Key("sun", b"s" * 32)), "needs the signatures")):
            files, name = self.order_file(index, note=self.signed_again(index, *signers))
            self.refuse(files, name, fragment)
        check(self.verify(self.order_file(index, note=self.signed_again(index, officers["zhao"], officers["wang"]))[0]))
        later = self.find(maker.RELATED)
        files, _ = self.order_file(later, note=self.signed_again(later, officers["zhang"], wire.Key("sun", b"s" * 32)))
        check(self.verify(files))

    def test_an_act_by_too_few(self):
        index = self.ledger.acts()[1]

        def change(ledger):
            note = ledger.entries[index].get(1)
            ledger.entries[index].set(1, wire.sign_note(wire.split_note(note)[0], self.world.officers["zhang"]))
        self.refuse(self.resealed(change), f"acts/{index:016}.tlog-proof", "needs the signatures")

    def test_what_a_lying_ledger_does_to_the_register(self):
        """An effect that is more than the line says: a list that nobody gave."""
        index = self.find(maker.REGISTERED)

        def change(ledger):
            registered = [(1, ALICE.encode()), (2, "甲方数据公司".encode())] + [
                (3, name.encode()) for name in ("default", "old", "pilot")]
            ledger.entries[index].set(3, b"".join(wire.element(number, value) for number, value in registered))
        self.refuse(self.resealed(change), f"orders/{index:016}.json", "something else than the line says")
        index = self.find(maker.DELISTED)

        def delist_more(ledger):
            ledger.entries[index].set(5, wire.element(1, ALICE.encode()) + wire.element(2, b"default") + wire.element(2, b"old"))
        self.refuse(self.resealed(delist_more), f"orders/{index:016}.json", "something else than the line says")

    def effect_of(self, kind, number):
        """The effect of that kind on a trade."""
        return next(index for index in self.chain if self.ledger.entries[index].kind == maker.EFFECT and
                    wire.message_dict(self.ledger.entries[index].get(kind) or b"").get(2) == number)

    def test_an_effect_that_is_not_its_orders(self):
        """Of an order that stands elsewhere, by its entry or by that and its file; of an order of another type."""
        index = self.find(6)
        row = self.ledger.order(index)
        for elsewhere, fragment in ((row, "it is of item 0 of order"),
                                    (dict(row, order_index=row["order_index"] - 1), "does not stand behind its order")):
            def change(ledger, elsewhere=elsewhere):
                order = ledger.order
                ledger.order = lambda other: elsewhere if other == index else order(other)
                ledger.entries[index].set(1, row["order_index"] - 1)
            self.refuse(self.resealed(change), f"orders/{index:016}.json", fragment)
        held, released = self.effect_of(6, b"t4"), self.effect_of(7, b"t4")
        row = json.loads(self.good[f"orders/{released:016}.json"])
        files, name = self.order_file(held, **{key: row[key] for key in ("note", "line", "count", "hashes", "item")})
        self.refuse(files, name, "something else than the line says")

    def test_a_release_of_what_is_not_held(self):
        """The links lead past the hold, and it is gone."""
        held = self.effect_of(6, b"t4")

        def change(ledger):
            for index in ledger.chain(ALICE):
                for place, link in enumerate(ledger.entries[index].links):
                    if link == held:
                        ledger.entries[index].set_link(place, ledger.entries[held].links[1])
        files = {name: data for name, data in self.resealed(change).items() if f"{held:016}" not in name}
        self.refuse(files, f"orders/{self.effect_of(7, b't4'):016}.json", "can't be done to it as it stands")

    def test_a_refund_of_another_trade(self):
        index, other = self.find(b"r1"), self.find(b"t0")
        self.refuse(self.resealed(lambda ledger: ledger.entries[index].set(6, other)), entry_name(index),
                    f"but refers to entry {other}, which is another")

    def test_what_is_there_twice_or_not_at_all(self):
        act = self.ledger.acts()[1]
        files = dict(self.good, **{entry_name(act): self.good[f"acts/{act:016}.tlog-proof"]})
        self.refuse(files, f"entry {act} is in the statement twice")
        files = {name: data for name, data in self.good.items() if name.split("/")[0] not in ("entries", "feeds", "orders")}
        self.refuse(dict(files, **{"statement.json": self.head(entries=0)}), "it holds no entry")
        keys = [self.world.ledger_key.vkey(), wire.Key(self.world.origin, b"o" * 32).vkey()]
        self.refuse(dict(self.good, **{"statement.json": self.head(vkeys=keys)}), "has 2 keys, and 1 are valid")

    # Around it

    def test_other_folders_and_usage(self):
        folder = self.world.path("copy")
        os.makedirs(os.path.join(folder, "tile"), exist_ok=True)
        vkey = ("--vkey", self.world.ledger_key.vkey())
        self.assertIn("has no statement.json", self.assert_code(self.world.client("verify", "copy", *vkey), 2).err)
        self.world.write("copy/ledger.json", "{}")
        self.assertIn("subsidyd verify --export", self.assert_code(self.world.client("verify", "copy", *vkey), 2).err)
        maker.write(self.world.path("statement"), self.good)
        self.assert_code(self.world.client("verify", "statement", "copy", *vkey), 2)
        self.assert_code(self.world.client("verify", "statement", "--vkey", "nonsense"), 2)

    def test_the_remembered_key_and_id(self):
        check(self.world.client("export", "exported", token="bureau"))
        maker.write(self.world.path("statement"), self.good)
        check(self.world.client("verify", "statement"))

    def test_without_the_network(self):
        maker.write(self.world.path("statement"), self.good)
        check(self.world.client("verify", "statement", "--vkey", self.world.ledger_key.vkey(),
                                SUBSIDY_SERVER="https://127.0.0.1:1"))


class Claims(FlowTest):
    """A ledger that signs where chains end, and changes its own key."""

    @classmethod
    def prepare(cls):
        world = cls.world
        cls.first_key = world.ledger_key
        cls.heads = wire.Key(world.origin + "/heads", b"h" * 32)
        cls.second_key = wire.Key(world.origin, b"2" * 32)
        for name, key in (("heads.key", cls.heads), ("second.key", cls.second_key)):
            os.chmod(world.write(name, key.private_text()), 0o600)
        world.stop()
        world.make_config(ledger={"heads_key": "heads.key", "next_key": "second.key"})
        world.start()
        cls.qddex, _ = world.license("qddex"), world.license("sddex")
        world.grant("bureau")
        world.adopt(read_json("policy-flat.json"))
        cls.log_key = world.order("log.key", {"add": [cls.second_key.vkey(), cls.heads.vkey()], "retire": [],
                                              "reason": "密钥轮换"})["index"]
        cls.qddex.push(records("t", 3, supplier=ALICE, buyer=BOB))
        cls.ledger = cls.ledger_now()
        cls.chain = cls.ledger.chain(ALICE)
        cls.good = maker.of_world(world, ALICE, cls.ledger)

    @classmethod
    def ledger_now(cls):
        ledger = maker.Ledger.of_world(cls.world, claim_key=cls.heads)
        ledger.keys = [cls.first_key, cls.second_key]
        return ledger

    verify, refuse = Statements.verify, Statements.refuse

    def test_a_claim_says_that_nothing_follows(self):
        result = check(self.verify(self.good))
        self.assertNotIn("nothing proves", result.err)
        self.assertIn("last entry", result.out)
        self.assertTrue(check(self.verify(self.good, "--json")).json()["has_claim"])

    def test_the_newest_entry_left_out(self):
        last = self.chain[-1]
        files = {name: data for name, data in self.good.items() if f"{last:016}" not in name}
        head = dict(json.loads(files["statement.json"]), entries=len(self.chain) - 1)
        files["statement.json"] = wire.compact(head).encode()
        self.refuse(files, "head", f"the newest entry is {last} by it", "left out")

    def test_wrong_claims(self):
        claim, size = self.ledger.claim, len(self.ledger.entries)
        last = self.chain[-1]
        text, _ = wire.split_note(self.good["head"])
        other = wire.Key(self.heads.name, b"o" * 32)
        for head, fragment in (
                (claim(ALICE, self.chain[-2]), "the ledger contradicts itself"), (claim(BOB, last), "another enterprise"),
                (claim(ALICE, last, size=size - 1), "size"), (claim(ALICE, last, root=b"r" * 32), "root"),
                (claim(ALICE, last, key=self.first_key), "no claim key"), (claim(ALICE, last, key=other), "no claim key"),
                (self.good["head"].replace(ALICE.encode(), BOB.encode()), "signature does not match"),
                (wire.sign_note(text.replace(b"subsidy.head/v1", b"subsidy.head/v2"), self.heads), "head"),
                (wire.sign_note(text.replace(self.ledger.ledger_id.encode(), b"0" * 16), self.heads), "it is of ledger 0000"),
                (self.good["checkpoint"], "head"), (b"", "head")):
            self.refuse(dict(self.good, head=head), "head", fragment)
        files = dict(self.good)
        del files["head"]
        self.refuse(files, "head", "missing, though the ledger signs claims")

    def test_keys_that_are_announced_by_an_act(self):
        """Who knows the first key believes the second, for the ledger that began with the first announced it."""
        for key in (self.first_key, self.second_key):
            check(self.verify(self.good, vkey=key.vkey()))
        files = self.with_keys(self.second_key)
        check(self.verify(files, vkey=self.first_key.vkey()))
        check(self.verify(files, vkey=self.second_key.vkey()))
        self.refuse(files, "checkpoint", "has not signed it", vkey=wire.Key(self.world.origin, b"x" * 32).vkey())
        # The second one alone leads to no ledger that it has not signed itself.
        self.refuse(self.with_keys(self.first_key), "checkpoint", "has not signed it", vkey=self.second_key.vkey())
        del files[f"acts/{self.log_key:016}.tlog-proof"]
        self.refuse(files, vkey=self.first_key.vkey())

    def with_keys(self, *keys):
        """The good statement under a checkpoint that only these signed."""
        ledger = copy.deepcopy(self.ledger)
        ledger.keys = keys
        files = ledger.statement(ALICE, [data for name, data in self.good.items() if name.startswith("policies/")])
        files["statement.json"] = self.good["statement.json"]
        return files

    # Witnesses

    def test_cosignatures(self):
        witnesses = [wire.WitnessKey(f"witness.example/{i}", bytes([i]) * 32) for i in range(3)]
        policy = "".join(f"witness w{i} {witness.vkey()}\n" for i, witness in enumerate(witnesses))
        policy += "group two 2 w0 w1 w2\nquorum two\n"
        self.world.write("policy", f"log {self.first_key.vkey()}\n" + policy)
        for signers, is_met in (((), False), ((0,), False), ((0, 2), True), ((0, 1, 2), True)):
            files = self.cosigned(*(witnesses[i] for i in signers))
            if is_met:
                result = check(self.verify(files, "--policy", "policy", "--json")).json()
                self.assertEqual(result["cosignatures"], len(signers))
            else:
                maker.write(self.world.path("statement"), files)
                result = self.world.client("verify", "statement", "--vkey", self.first_key.vkey(), "--policy", "policy")
                self.assertEqual(result.code, 6, result)
                self.assertIn("quorum two is not met", result.err)
        # Its log lines are keys enough.
        maker.write(self.world.path("statement"), self.cosigned(witnesses[0], witnesses[1]))
        check(self.world.client("verify", "statement", "--policy", "policy", SUBSIDY_SERVER=""))
        thief = wire.WitnessKey(witnesses[1].name, b"f" * 32)
        thief.id = witnesses[1].id
        forged = self.cosigned(witnesses[0], thief)
        maker.write(self.world.path("statement"), forged)
        result = self.world.client("verify", "statement", "--policy", "policy", "--vkey", self.first_key.vkey())
        self.assertEqual(result.code, 6, result)
        self.assertIn("witness's signature", result.err)
        self.world.write("policy", "nonsense\n")
        result = self.world.client("verify", "statement", "--policy", "policy", "--vkey", self.first_key.vkey())
        self.assertNotEqual(result.code, 0)
        self.assertIn("policy: ", result.err)

    def cosigned(self, *witnesses):
        note = self.good["checkpoint"]
        text = wire.split_note(note)[0]
        longer = note + b"".join(witness.cosign(text) for witness in witnesses)
        return {name: data.replace(note, longer) for name, data in self.good.items()}


if __name__ == "__main__":
    unittest.main()
