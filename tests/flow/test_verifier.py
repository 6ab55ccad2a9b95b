"""A verifier that was written from FORMAT.md alone (tests/verifier) against what the real programs write, and against forgers."""
import base64
import json
import os
import re
import secrets
import shutil
import sys
import unittest

from tests.flow import verifiable, wire
from tests.flow.harness import OFFICERS, ROOT, Feed, check, in_days, refund, run, trade
from tests.flow.verifiable import ALICE, BOB, CAROL, DAVE, PARTIES, POLICIES, Copy, Verifiable, edit, flip, get, kind_of
from tests.flow.test_orders_more import item_revoke, item_trade

FOLDER = os.path.join(ROOT, "tests", "verifier")
PROGRAM = os.path.join(FOLDER, "verify.py")
GENESIS, RECORD, PUSH, ORDER, EFFECT, EVIDENCE = range(7, 13)
COUNTED, DUPLICATE_TRADE, REFUND_UNKNOWN = 1, 2, 5


def load():
    """The verifier's own modules; in one process, so that a signature is asked of openssl once."""
    sys.path.insert(0, FOLDER)
    try:
        import forms            # pylint: disable=import-outside-toplevel
        import verify           # pylint: disable=import-outside-toplevel
    finally:
        sys.path.remove(FOLDER)
    return verify.verify, forms.Refused


class Verifier(unittest.TestCase):
    """One world, made once; its daemon has ended when the tests begin."""

    @classmethod
    def setUpClass(cls):
        cls.verify, cls.refused = map(staticmethod, load())
        cls.world = Verifiable()
        cls.addClassCleanup(cls.world.close)
        cls.world.live()
        cls.statements = {code: cls.world.path(f"statement-{code}") for code in PARTIES}
        for code, folder in cls.statements.items():
            cls.world.write_statement(code, folder)
        cls.export = cls.world.path("export")
        cls.world.write_export(cls.export)
        cls.size = cls.world.size()
        cls.figures = {code: cls.world.enterprise(code)["policies"] for code in PARTIES}
        cls.world.stop()
        check(cls.world.daemon("verify", "-c", "subsidyd.conf"))
        cls.entries = verifiable.read_export(cls.export)
        cls.copies = 0

    # Making copies

    def copy(self, source):
        type(self).copies += 1
        return Copy(source, self.world.path(f"copy-{self.copies}"))

    def checkpoint(self, entries, *keys):
        root = verifiable.root_of([wire.leaf_hash(data) for data in entries])
        return wire.sign_note(wire.checkpoint_text(self.world.origin, len(entries), root), *(keys or (self.world.next_key,)))

    def sealed_export(self, entries, note=None):
        """A copy of these entries, under the ledger's own signature."""
        type(self).copies += 1
        folder = self.world.path(f"copy-{self.copies}")
        verifiable.write_export(folder, entries, note or self.checkpoint(entries))
        verifiable.write(folder, "ledger.json", verifiable.read(self.export, "ledger.json"))
        return folder

    def sealed_statement(self, code, entries, leave_out=()):
        """A statement whose every proof leads to these entries, under the ledger's own signatures."""
        copy, note = self.copy(self.statements[code]), self.checkpoint(entries)
        hashes = [wire.leaf_hash(data) for data in entries]
        copy.write("checkpoint", note)
        for folder in ("entries", "acts"):
            for name in copy.names(folder):
                index = int(name[:16])
                copy.write(f"{folder}/{name}", verifiable.proof_text(
                    entries[index], index, verifiable.path_of(hashes, index), note))
        for name in copy.names("withheld"):
            index = int(name[:16])
            copy.write(f"withheld/{name}", wire.compact({
                "index": index, "leaf": verifiable.to_base64(hashes[index]),
                "hashes": [verifiable.to_base64(step) for step in verifiable.path_of(hashes, index)]}))
        for name in leave_out:
            copy.remove(name)
        lines = wire.split_note(copy.read("head"))[0].decode().split("\n")
        lines[6] = verifiable.to_base64(verifiable.root_of(hashes))
        copy.write("head", wire.sign_note("\n".join(lines).encode(), self.world.heads_key))
        return copy

    # Finding entries

    def find(self, kind, rule=lambda data: True, last=False):
        """The index of the first (or last) entry of a kind that keeps the rule."""
        found = [index for index, data in enumerate(self.entries) if kind_of(data) == kind and rule(data)]
        return found[-1 if last else 0]

    def find_order(self, words, last=False):
        return self.find(ORDER, lambda data: words.encode() in get(data, ORDER, 1), last)

    def find_effect(self, number, last=False):
        return self.find(EFFECT, lambda data: number in wire.message_dict(get(data, EFFECT)), last)

    def find_record(self, kind=2, disposition=COUNTED, last=False, rule=lambda data: True):
        return self.find(RECORD, lambda data: get(data, RECORD, 5) == disposition and rule(data)
                         and kind in wire.message_dict(get(data, RECORD, 4)), last)

    def find_trade(self, venue, number):
        return self.find(RECORD, lambda data: get(data, RECORD, 1) == venue.encode() and 2 in wire.message_dict(
            get(data, RECORD, 4)) and get(data, RECORD, 4, 2, 1) == number.encode())

    def changed(self, index, path, value):
        """The entries with one field changed, and every `previous` right again."""
        entries = list(self.entries)
        entries[index] = edit(entries[index], path, value)
        return verifiable.chain(entries)

    def appended(self, *bodies, gap=10):
        """The entries and one more command behind them: (kind, body, links)."""
        entries = list(self.entries)
        time_us = get(entries[-1], 2) + gap
        for kind, body, links in bodies:
            salt = b"" if kind == RECORD else bytes(range(16))
            entries.append(wire.field(1, 1) + wire.field(2, time_us) + wire.field(3, wire.leaf_hash(entries[-1]))
                           + wire.field(4, salt) + wire.field(6, b"".join(map(wire.varint, links)))
                           + wire.element(kind, body))
            time_us += 1
        return entries

    def order_body(self, kind, body=None, items=None, signers=("sun", "li"), **changes):
        note = self.world.make_order(kind, body, items, signers=signers, made_at_size=changes.pop("made_at_size", self.size),
                                     **changes)
        return wire.field(1, note) + b"".join(wire.element(2, item.encode()) for item in items or ())

    def with_order(self, *args, **changes):
        return self.appended((ORDER, self.order_body(*args, **changes), ()))

    def with_push(self, feed, key, venue=None, generation=None):
        """One more push, signed with a key, and its venue or generation."""
        record = wire.encode_record(trade("appended", CAROL, DAVE))
        tree = feed.tree.copy()
        tree.add(record)
        venue, generation = (venue or feed.venue).encode(), generation or int(feed.origin.rsplit("/", 1)[1])
        note = wire.feed_note(key, feed.origin, tree)
        start = wire.field(3, len(feed.records))
        links = [self.last_of(CAROL), self.last_of(DAVE)]
        body = wire.field(1, venue) + wire.field(2, generation) + start + wire.field(4, record) + wire.field(5, COUNTED)
        push = (wire.field(1, 1) + wire.field(2, venue) + wire.field(3, generation) + wire.field(4, len(feed.records))
                + wire.field(5, 1) + wire.field(6, self.size) + wire.field(7, note)
                + wire.element(8, wire.field(1, COUNTED) + wire.field(2, 1)) + wire.field(9, wire.sha256(b"\1")))
        return self.appended((RECORD, body, links), (PUSH, push, ()))

    def last_of(self, code):
        """Where an enterprise's chain ends."""
        return int(wire.split_note(verifiable.read(self.statements[code], "head"))[0].split(b"\n")[4])

    # What must be taken

    def test_every_statement_is_proven_and_awards_agree_with_the_daemon(self):
        for code, folder in self.statements.items():
            with self.subTest(code):
                report = self.verify("statement", folder, self.world.next_key.vkey())
                self.assertEqual(report["policies"], {row["policy"]: row["award"] for row in self.figures[code]})
                self.assertEqual(len(report["policies"]), len(POLICIES))
                self.assertTrue(report["claim"])
        awards = {row["award"] for rows in self.figures.values() for row in rows}
        self.assertGreater(len(awards), 30, "policies that give much the same show nothing")

    def test_the_export_is_proven(self):
        report = self.verify("export", self.export, self.world.ledger_key.vkey())
        self.assertEqual((report["size"], report["venues"], report["enterprises"]), (self.size, 3, len(PARTIES)))
        self.assertEqual(set(report["dispositions"]), {"counted", "duplicate_trade", "duplicate_adjust", "self_trade",
                                                       "refund_unknown", "refund_exceeds"})
        self.assertEqual((report["evidence"], report["pushes"]), (
            1, sum(kind_of(data) == PUSH for data in self.entries)))

    def test_the_program_says_what_it_found(self):
        def program(*words):
            return run([sys.executable, PROGRAM, *words], self.world.folder, self.world.env)
        good = check(program("statement", self.statements[DAVE], "--vkey", self.world.ledger_key.vkey()))
        self.assertEqual((good.json()["code"], good.err), (DAVE, ""))
        self.assertIn("no --vkey", check(program("export", self.export)).err)
        copy = self.copy(self.statements[DAVE])
        copy.change_json("statement.json", lambda value: value["policies"][0].update(award="1.00"))
        self.assertIn("statement.json, policies: say", check(program("statement", copy.folder), 1).err)
        for words in ((), ("statement",), ("export", self.world.path("nowhere")), ("other", self.export)):
            check(program(*words), 2)
        check(program("export", self.export, "--policy", self.world.path("nowhere")), 2)

    def test_keys_from_elsewhere(self):
        """The first key signed genesis, the second one the checkpoint; no other is worth anything."""
        for vkey in (self.world.ledger_key.vkey(), self.world.next_key.vkey()):
            self.verify("statement", self.statements[ALICE], vkey)
        stranger = wire.Key(self.world.origin, secrets.token_bytes(32)).vkey()
        for kind, folder in (("statement", self.statements[ALICE]), ("export", self.export)):
            for vkey in (stranger, self.world.heads_key.vkey()):
                self.assert_refused(kind, folder, "--vkey: .* no key of this ledger", vkey)
            self.assert_refused(kind, folder, "--vkey: .*id of the key", re.sub(r"\+[0-9a-f]{8}\+", "+00000000+", stranger))

    def test_cosignatures_as_a_policy_asks(self):
        witnesses = [wire.WitnessKey(f"witness.example/{name}", secrets.token_bytes(32)) for name in "abc"]
        text = f"# who watches\nlog {self.world.next_key.vkey()}\n\n"
        text += "".join(f"witness {name} {key.vkey()} https://w.example\n" for name, key in zip("abc", witnesses))
        two = self.world.write("two.policy", text + "group\ttwo 2 a b c\nquorum two\n")
        nobody = self.world.write("nobody.policy", text + "quorum none\n")
        for kind, source in (("statement", self.statements[BOB]), ("export", self.export)):
            self.verify(kind, source, policy=nobody)
            self.assert_refused(kind, source, "checkpoint: is not cosigned .* nobody", policy=two)
            copy = self.copy(source)
            old = copy.read("checkpoint")
            body = wire.split_note(old)[0]
            self.put_checkpoint(copy, old, old + witnesses[0].cosign(body, 1700000000))
            self.assert_refused(kind, copy.folder, "only by a", policy=two)
            held = copy.read("checkpoint")
            self.put_checkpoint(copy, held, held + witnesses[1].cosign(body, 1700000000))
            self.assertEqual(self.verify(kind, copy.folder, policy=two)["cosigned_by"], ["a", "b"])
            spoilt = old + witnesses[0].cosign(body + b"x", 1700000000)
            self.put_checkpoint(copy, copy.read("checkpoint"), spoilt)
            self.assert_refused(kind, copy.folder, "witness.example/a", policy=two)
        for line in ("quorum two", "quorum four\n", "witness a x\nquorum none\n", "group g 4 a b c\nquorum g\n",
                     "group g all a a\nquorum g\n", "quorum none\nquorum none\n", "other\n", ""):
            path = self.world.write("bad.policy", text + line)
            self.assert_refused("export", self.export, "bad.policy", policy=path)

    @staticmethod
    def put_checkpoint(copy, old, note):
        for path, _, names in os.walk(copy.folder):
            for name in names:
                full = os.path.relpath(os.path.join(path, name), copy.folder)
                if full == "checkpoint" or full.startswith(("entries/", "acts/")):
                    copy.change(full, lambda data: data.replace(old, note))

    # What must be refused

    def assert_refused(self, kind, folder, pattern, vkey=None, policy=None):
        with self.assertRaises(self.refused) as caught:
            self.verify(kind, folder, vkey, policy)
        self.assertRegex(str(caught.exception), pattern)

    def refuse_all(self, kind, cases):
        for name, (folder, pattern) in cases.items():
            with self.subTest(name):
                self.assert_refused(kind, folder if isinstance(folder, str) else folder.folder, pattern)

    def test_forged_entries(self):
        """Everything behind the forgery is repaired, and the ledger has signed it."""
        world, entries = self.world, self.entries
        trade_at, push_at = self.find_trade("qddex", "b1"), self.find(PUSH)
        effect_at, distrust_at = self.find_effect(6), self.find_order("venue.distrust")
        void_at = self.find_order("trade.void")
        record = get(entries[trade_at], RECORD, 4)
        swapped = list(entries)
        first, second = entries[trade_at], entries[trade_at + 1]
        swapped[trade_at:trade_at + 2] = edit(second, (2,), get(first, 2)), edit(first, (2,), get(second, 2))
        unknown_at = self.find_record(3, REFUND_UNKNOWN)
        unknown_push = self.find(PUSH, lambda data: get(data, PUSH, 6) <= unknown_at < get(data, PUSH, 6) + get(data, PUSH, 5))
        late_push = self.find(PUSH, lambda data: get(data, PUSH, 2) == b"qddex" and get(data, PUSH, 3) == 2)
        text = wire.split_note(get(entries[late_push], PUSH, 7))[0]
        note = get(entries[void_at], ORDER, 1)
        signed = wire.split_note(note)
        cases = {
            "left out": (entries[:trade_at] + entries[trade_at + 1:], rf"entry {trade_at}: "),
            "a changed amount": (self.changed(trade_at, (RECORD, 4), edit(record, (2, 13), 77776)),
                                 rf"entry {push_at}: the venue signed another root"),
            "an impossible amount": (self.changed(trade_at, (RECORD, 4), edit(record, (2, 13), 10**13 + 1)),
                                     rf"entry {trade_at}, amount: breaks its rule"),
            "swapped": (verifiable.chain(swapped), rf"entry {trade_at}: feed_index"),
            "another disposition": (self.changed(unknown_at, (RECORD, 5), COUNTED), rf"entry {unknown_at}: has the disposition 1"),
            "a link that skips": (self.changed(trade_at, (6,), bytes([get(entries[trade_at], 6)[0] - 1, *get(
                entries[trade_at], 6)[1:]])), rf"entry {trade_at}: the link of {BOB}"),
            "a missing link": (self.changed(effect_at, (6,), None), rf"entry {effect_at}: has 0 links"),
            "refers to another": (self.changed(self.find_record(3), (RECORD, 6), trade_at),
                                  rf"entry {self.find_record(3)}: refers to entry {trade_at}"),
            "another generation": (self.changed(trade_at, (RECORD, 2), 2), rf"entry {trade_at}: generation 1 is the open one"),
            "another venue's": (self.changed(trade_at, (RECORD, 1), "smdex"), rf"entry {trade_at}: "),
            "a missing effect": (entries[:effect_at] + entries[effect_at + 1:], rf"entry {effect_at}: "),
            "another effect": (self.changed(effect_at, (EFFECT, 6, 2), "b1"), rf"entry {effect_at}: entry .* is not the trade b1"),
            "another kind of effect": (self.changed(self.find_effect(7), (EFFECT,), edit(edit(get(
                entries[self.find_effect(7)], EFFECT), (7,), None), (8,), get(entries[self.find_effect(7)], EFFECT, 7))),
                rf"entry {self.find_effect(7)}: an order of the type trade.release has no such effect"),
            "a changed name": (self.changed(self.find_effect(3), (EFFECT, 3, 2), "别的企业"),
                               rf"entry {self.find_effect(3)}: the effect is not what the officers signed"),
            "a changed line": (self.changed(void_at, (ORDER, 2), item_trade("qddex", "b1")),
                               rf"entry {void_at}: its items are not those"),
            "a slice that passes over": (entries[:distrust_at + 1] + entries[distrust_at + 2:],
                                         rf"entry {distrust_at + 1}: "),
            "a slice that holds another": (self.changed(distrust_at + 1, (EFFECT, 6), wire.field(1, "stolen") + wire.field(
                2, "k1a") + wire.field(3, self.find_trade("stolen", "k1a"))), rf"entry {distrust_at + 1}: holds trade"),
            "a tally": (self.changed(push_at, (PUSH, 8), wire.field(1, 1) + wire.field(2, get(entries[push_at], PUSH, 5))),
                        rf"entry {push_at}: its tally"),
            "a hash of dispositions": (self.changed(push_at, (PUSH, 9), bytes(32)), rf"entry {push_at}: dispositions_hash"),
            "a count": (self.changed(push_at, (PUSH, 5), get(entries[push_at], PUSH, 5) - 1), rf"entry {push_at}: first_index"),
            "a venue's signature": (self.changed(late_push, (PUSH, 7), text + b"\n" + world.qddex.key.line(text + b"x")),
                                    rf"entry {late_push}: the signature of qddex does not verify"),
            "a key out of its time": (self.changed(late_push, (PUSH, 7), wire.sign_note(text, world.old["qddex"])),
                                      rf"entry {late_push}: is signed by no key that is valid then"),
            "an officer's signature": (self.changed(void_at, (ORDER, 1), signed[0] + b"\n" + signed[1][0]
                                                    + world.officers["li"].line(b"x")), rf"entry {void_at}: the signature of li"),
            "one officer alone": (self.changed(void_at, (ORDER, 1), signed[0] + b"\n" + signed[1][0]),
                                  rf"entry {void_at}: the quorum default is not met by zhang"),
            "evidence of nothing": (self.changed(self.find(EVIDENCE), (EVIDENCE, 4), get(entries[push_at], PUSH, 7)),
                                    rf"entry {self.find(EVIDENCE)}: "),
            "a time that falls": (self.changed(push_at + 1, (2,), get(entries[push_at], 2)), rf"entry {push_at + 1}: its time"),
            "a command with a gap": (self.changed(push_at, (2,), get(entries[push_at], 2) + 1),
                                     rf"entry {push_at}: is not one microsecond"),
            "a flag within a command": (self.changed(push_at, (5,), 1), rf"entry {push_at}: is not one microsecond"),
            "no salt": (self.changed(push_at, (4,), None), rf"entry {push_at}: has a salt"),
            "an unknown field": (self.changed(push_at, (31,), 1), rf"entry {push_at}: malformed"),
        }
        unknown = verifiable.chain([edit(data, (RECORD, 5), COUNTED) if index == unknown_at else data
                                    for index, data in enumerate(entries)])
        numbers = [get(unknown[index], RECORD, 5) for index in range(get(entries[unknown_push], PUSH, 6), unknown_push)]
        tally = b"".join(wire.element(8, wire.field(1, number) + wire.field(2, numbers.count(number)))
                         for number in sorted(set(numbers)))
        push = [(n, v) for n, v in wire.fields(get(entries[unknown_push], PUSH)) if n < 8]
        unknown[unknown_push] = edit(unknown[unknown_push], (PUSH,), verifiable.pack(push) + tally + wire.field(
            9, wire.sha256(bytes(numbers))))
        cases["another disposition, with its push"] = (verifiable.chain(unknown), rf"entry {unknown_at}: has the disposition 1")
        self.refuse_all("export", {name: (self.sealed_export(forged), pattern) for name, (forged, pattern) in cases.items()})

    def test_forged_commands_behind_the_last(self):
        """What the ledger took though it must not."""
        world = self.world
        first = json.loads(wire.split_note(get(self.entries[1], ORDER, 1))[0].split(b"\n")[3])
        body = {"venue": "qddex", "reason": "检查"}
        held = wire.field(1, self.find_order("trade.hold")) + wire.element(6, wire.field(1, "qddex") + wire.field(
            2, "b1") + wire.field(3, self.find_trade("qddex", "b1")))
        cases = {
            "one officer": (self.with_order("venue.suspend", body, signers=("sun",)), "the quorum default is not met by sun"),
            "an officer who left": (self.with_order("venue.suspend", body, signers=("zhang", "li")), "not met by li"),
            "a quorum of its own": (self.with_order("trade.void", items=[item_trade("qddex", "b1")]), "quorum trade.void"),
            "an id that was taken": (self.with_order("venue.suspend", body, id=first["id"]), "the id .* is that of entry 1"),
            "expired": (self.with_order("venue.suspend", body, expires="2025-01-01"), "expires on 2025-01-01"),
            "too far ahead": (self.with_order("venue.suspend", body, expires=in_days(40)), "expires on"),
            "another ledger's": (self.with_order("venue.suspend", body, ledger_id="0" * 16), "for another ledger"),
            "made in the future": (self.with_order("venue.suspend", body, made_at_size=self.size + 1), "lies behind"),
            "a key too many": (self.with_order("venue.suspend", dict(body, more=1)), "body: must have the keys"),
            "a venue that is none": (self.with_order("venue.suspend", dict(body, venue="x")), "no venue 'x'"),
            "not suspended": (self.with_order("venue.resume", body), "is not suspended"),
            "licensed already": (self.with_order("venue.license", {
                "venue": "qddex", "name": "x", "keys": [world.qddex.key.vkey()]}), "licensed already"),
            "a policy of before": (self.with_order("policy.adopt", {"policy": POLICIES[0]}, signers=("sun", "li")),
                                   "version is not higher"),
            "a policy of other conditions": (self.with_order("policy.adopt", {"policy": dict(
                POLICIES[0], version=9, cap_per_trade="1.00")}), "cap_per_trade: is not known"),
            "a key that comes back": (self.with_order("venue.key", {
                "venue": "qddex", "add": [world.old["qddex"].vkey()], "revoke": [], "new_generation": False, "reason": "x"}),
                "is or was the venue's"),
            "the last key": (self.with_order("venue.key", {
                "venue": "qddex", "add": [], "revoke": [world.qddex.key.vkey()], "new_generation": False, "reason": "x"}),
                "impossible number of keys"),
            "a retired ledger key": (self.with_order("log.key", {"add": [world.ledger_key.vkey()], "retire": [], "reason": "x"}),
                                     "is or was somebody's"),
            "an officer with another's key": (self.with_order("officer.add", {"name": "ma", "role": "clerk", "keys": [wire.Key(
                "ma", world.officers["li"].seed).vkey()]}), "another officer's"),
            "a quorum that nobody can meet": (self.with_order("officer.remove", {"name": "wang", "reason": "x"}), "nobody could"),
            "rules of tomorrow": (self.with_order("rules.set", {"rules": 2}), "not known"),
            "a grant that is none": (self.with_order("grant.revoke", items=[item_revoke("00" * 32)]), "is not granted"),
            "a grant revoked twice": (self.with_order("grant.revoke", items=[item_revoke(world.tokens["auditor"])]),
                                      "is not granted"),
            "a grant for too long": (self.with_order("grant.add", items=[wire.item_grant(
                "11" * 32, ALICE, "x", in_days(6 * 366), "00" * 16)]), "grants access for too long"),
            "a grant of nobody": (self.with_order("grant.add", items=[wire.item_grant(
                "11" * 32, "venue:nowhere", "x", in_days(9), "00" * 16)]), "venue:nowhere is not licensed"),
            "a policy of a venue that is none": (self.with_order("policy.adopt", {"policy": dict(
                POLICIES[0], version=9, venues=["nowhere"])}), "nowhere, which is not licensed"),
            "related twice": (self.appended(
                (ORDER, self.order_body("enterprise.relate", items=[wire.item_relate(ALICE, DAVE, "00" * 16)]), ()),
                (EFFECT, wire.field(1, self.size) + wire.element(4, wire.field(1, min(ALICE, DAVE)) + wire.field(2, max(
                    ALICE, DAVE))), [self.last_of(code) for code in sorted((ALICE, DAVE))])), "are related already"),
            "an order without its effects": (self.with_order("trade.hold", items=[item_trade("qddex", "b1")]),
                                             "is not there: an order's effects"),
            "an effect without its order": (self.appended((EFFECT, held, (self.last_of(BOB), self.last_of(CAROL)))),
                                            "is the effect of no order"),
            "distrusted twice": (self.with_order("venue.distrust", {
                "venue": "stolen", "key": world.old["stolen"].vkey(), "from": self.find_order("venue.distrust") - 6,
                "reason": "x"}), "distrusted already"),
            "records without their push": (self.with_push(world.qddex, world.qddex.key)[:-1], "records wait for their push"),
        }
        cases = {name: (forged, rf"entry ({self.size}|{self.size + 1}).*{pattern}") for name, (forged, pattern) in cases.items()}
        for name, forged, pattern in (
                ("a revoked key", self.with_push(world.qddex, world.old["qddex"]), "no key that is valid then"),
                ("a stolen key", self.with_push(world.stolen, world.old["stolen"]), "no key that is valid then"),
                ("another venue's key", self.with_push(world.stolen, world.qddex.key), "no key that is valid then"),
                ("a feed of before", self.with_push(world.qddex, world.qddex.key, generation=1), "generation 2 is the open one")):
            cases[name] = (forged, rf"entry ({self.size}|{self.size + 1}): .*{pattern}")
        self.refuse_all("export", {name: (self.sealed_export(forged), pattern) for name, (forged, pattern) in cases.items()})
        good = self.sealed_export(self.with_push(world.qddex, world.qddex.key))
        self.assertEqual(self.verify("export", good)["size"], self.size + 2, "the forger's push is not wrong in itself")
        self.assertEqual(self.verify("export", self.sealed_export(self.with_order("venue.suspend", body)))["size"], self.size + 1)

    def test_copies_that_are_not_whole(self):
        world, entries = self.world, self.entries
        text = wire.split_note(verifiable.read(self.export, "checkpoint"))[0]
        partial = f"tile/0/001.p/{self.size - 256}"

        def copy(change):
            other = self.copy(self.export)
            change(other)
            return other
        bundle = f"tile/entries/001.p/{self.size - 256}"
        cases = {
            "a byte of an entry": (copy(lambda one: one.change("tile/entries/000", lambda data: flip(data, 30000))), r"entry \d+: "),
            "a hash of level 0": (copy(lambda one: one.change(partial, lambda data: flip(data, 64))),
                                  "entry 258: its hash is not the one in the tile"),
            "a hash of level 1": (copy(lambda one: one.change("tile/1/000.p/1", flip)), r"tile/1/000\.p/1: hash 0 "),
            "no tile": (copy(lambda one: one.remove("tile/1/000.p/1")), r"tile/1/000\.p/1: can't be read"),
            "no bundle": (copy(lambda one: one.remove(bundle)), r"tile/entries/001\.p.*: can't be read"),
            "a bundle that is too long": (copy(lambda one: one.change(bundle, lambda data: data + b"\0\1x")), "more than its"),
            "an earlier partial tile": (copy(lambda one: one.write("tile/0/001.p/1", bytes(32))), r"tile/0/001\.p/1: is not what"),
            "a tile behind the end": (copy(lambda one: one.write("tile/0/002", bytes(8192))), "tile/0/002: lies behind"),
            "a name that is none": (copy(lambda one: one.write("tile/0/1", bytes(32))), "tile/0/1: is no name"),
            "another root": (self.sealed_export(entries, wire.sign_note(wire.checkpoint_text(
                world.origin, self.size, bytes(32)), world.next_key)), "checkpoint: is of another root"),
            "a wrong signature": (self.sealed_export(entries, text + b"\n" + world.next_key.line(b"x")),
                                  "checkpoint: the signature of"),
            "the key of before": (self.sealed_export(entries, wire.sign_note(text, world.ledger_key)), "checkpoint: is not signed by"),
            "the key of claims": (self.sealed_export(entries, wire.sign_note(text, world.heads_key)), "checkpoint: is not signed by"),
            "fewer than signed": (self.sealed_export(entries[:-1], self.checkpoint(entries)), r"tile/entries/001\.p"),
            "another id": (copy(lambda one: one.change_json("ledger.json", lambda value: value.update(ledger_id="0" * 16))),
                           "ledger.json: is of another ledger"),
            "another key": (copy(lambda one: one.change_json("ledger.json", lambda value: value.update(
                vkeys=[world.ledger_key.vkey()]))), "ledger.json, vkeys: are not"),
            "no ledger.json": (copy(lambda one: one.remove("ledger.json")), "ledger.json: can't be read"),
        }
        earlier = copy(lambda one: one.write("tile/0/001.p/1", one.read(partial)[:32]))
        self.verify("export", earlier.folder)
        self.refuse_all("export", cases)

    def test_spoilt_statements(self):
        source, world = self.statements[ALICE], self.world
        names = {folder: self.copy(source).names(folder) for folder in ("entries", "orders", "acts", "feeds", "withheld")}
        adopted = self.find_order('"policy":"slab"')
        licence = self.find_order('"venue":"smdex","name"')
        distrust = self.find_order("venue.distrust")
        feed = f"feeds/{self.find_trade('qddex', 'a1'):016}.tlog-proof"
        late = f"feeds/{self.find_trade('qddex', 'a2'):016}.tlog-proof"
        order = f"orders/{names['orders'][-1]}"
        middle = f"entries/{names['entries'][9]}"
        claim = wire.split_note(verifiable.read(source, "head"))[0]

        def copy(change):
            other = self.copy(source)
            change(other)
            return other

        def without(name, count=0):
            def change(one):
                one.remove(name)
                one.change_json("statement.json", lambda value: value.update(entries=value["entries"] - count))
            return copy(change)

        def figure(change):
            return copy(lambda one: one.change_json("statement.json", change))

        def set_line(value):
            value["line"] = value["line"].replace(ALICE, BOB) if ALICE in value["line"] else value["line"] + " "

        def one_signature(value):
            text, lines = wire.split_note(value["note"].encode())
            value["note"] = (text + b"\n" + lines[0]).decode()

        def other_award(name):
            return copy(lambda one: one.change_json(f"policies/{name}.json", lambda value: value.update(award="999.00")))

        def resign(one):
            note = verifiable.read_proof(one.folder, late)[1]
            one.change(late, lambda proof: proof.replace(note, wire.sign_note(wire.split_note(note)[0], world.old["qddex"])))
        cases = {
            "an entry left out": (without(middle, 1), r"entry \d+: the link of"),
            "an entry left out, and not in the count": (without(middle), "statement.json, entries: says"),
            "the newest left out": (without(f"entries/{names['entries'][-1]}", 1), "head: says that the chain ends|feeds/|orders/"),
            "a withheld one left out": (without(f"withheld/{names['withheld'][0]}", 1), r"entry \d+: the link of"),
            "a hash of a path": (copy(lambda one: one.change(middle, lambda data: data.replace(
                data.split(b"\n")[4], verifiable.to_base64(bytes(32)).encode()))), f"{middle}: does not lead"),
            "an entry under another name": (copy(lambda one: one.write(middle, one.read(f"entries/{names['entries'][8]}"))),
                                            f"{middle}: is the proof of entry"),
            "a leaf that is withheld": (copy(lambda one: one.change_json(
                f"withheld/{names['withheld'][0]}", lambda value: value.update(leaf=verifiable.to_base64(bytes(32))))),
                "withheld/.*: does not lead"),
            "an award": (figure(lambda value: value["policies"][2].update(award="1.00")), "statement.json, policies: say"),
            "a volume": (figure(lambda value: value["policies"][2].update(eligible_volume="1.00")), "policies: say"),
            "a version": (figure(lambda value: value["policies"][2].update(version=7)), "policies: say"),
            "a policy left out": (figure(lambda value: value["policies"].pop()), "statement.json, policies: are"),
            "a policy too many": (figure(lambda value: value["policies"].append(dict(value["policies"][0], policy="x"))),
                                  "policies: are"),
            "a key": (figure(lambda value: value["vkeys"].append(world.ledger_key.vkey())), "vkeys: are not the keys"),
            "a code": (figure(lambda value: value.update(code=BOB)), "entry"),
            "a size": (figure(lambda value: value.update(size=value["size"] - 1)), "checkpoint: is not of the origin and size"),
            "an explained award": (other_award("slab"), "policies/slab.json, award: says '999.00'"),
            "an explained step": (copy(lambda one: one.change_json("policies/slab.json", lambda value: value["steps"][8].update(
                trades=99))), "policies/slab.json, steps, step 9: says"),
            "a step left out": (copy(lambda one: one.change_json("policies/slab.json", lambda value: value["steps"].pop())),
                                "policies/slab.json, steps: has"),
            "an explained policy": (copy(lambda one: one.change_json("policies/slab.json", lambda value: value[
                "policy_text"].update(title="x"))), "policies/slab.json, policy_text"),
            "no adoption": (without(f"acts/{adopted:016}.tlog-proof"), "statement.json, policies: are .* in force"),
            "no licence": (without(f"acts/{licence:016}.tlog-proof"), r"entry \d+.*(smdex.*licensed|not licensed)"),
            "no distrust": (without(f"acts/{distrust:016}.tlog-proof"), r"orders/\d+.json: is not there"),
            "no genesis": (without("acts/0000000000000000.tlog-proof"), "acts/0000000000000000.tlog-proof: is not there"),
            "a line": (copy(lambda one: one.change_json(order, set_line)), f"{order}: the line does not lead"),
            "a place of a line": (copy(lambda one: one.change_json(order, lambda value: value.update(item=1))),
                                  f"{order}: is of another effect"),
            "one officer": (copy(lambda one: one.change_json(order, one_signature)), f"{order}: (the quorum|has another note)"),
            "no order": (without(order), f"{order}: is not there"),
            "a feed's root": (copy(lambda one: one.change(feed, lambda data: data.replace(
                verifiable.read_proof(source, feed)[1].split(b"\n")[2], verifiable.to_base64(bytes(32)).encode()))), f"{feed}: "),
            "a feed's record": (copy(lambda one: one.write(feed, one.read(f"feeds/{names['feeds'][1]}"))),
                                f"{feed}: is the proof of another record"),
            "no feed": (without(feed), f"{feed}: can't be read"),
            "a venue's key out of its time": (copy(resign), f"{late}: is signed by no key"),
            "no claim": (without("head"), "head: is not there"),
            "a claim of another entry": (copy(lambda one: one.write("head", wire.sign_note(claim.replace(
                f"\n{self.last_of(ALICE)}\n".encode(), f"\n{self.last_of(ALICE) - 1}\n".encode()), world.heads_key))),
                "head: says that the chain ends"),
            "a claim of the checkpoint key": (copy(lambda one: one.write("head", wire.sign_note(claim, world.next_key))),
                                              "head: is signed by no claim key"),
            "another's claim": (copy(lambda one: one.write("head", verifiable.read(self.statements[BOB], "head"))),
                                "head: is a claim about another"),
            "a file of nothing": (copy(lambda one: one.write("more", b"x")), "more: belongs to nothing"),
            "a feed of nothing": (copy(lambda one: one.write("feeds/0000000000000001.tlog-proof", one.read(feed))),
                                  "feeds/0000000000000001.tlog-proof: belongs to nothing"),
        }
        self.refuse_all("statement", cases)

    def test_statements_of_a_ledger_that_forged_its_entries(self):
        """Every proof is repaired, and the ledger's keys have signed it."""
        self.verify("statement", self.sealed_statement(ALICE, self.entries).folder, self.world.next_key.vkey())
        at = self.find_trade("qddex", "w1")
        record = get(self.entries[at], RECORD, 4)
        exceeds = self.find_record(3, 6)
        held = self.find_effect(6)
        links = get(self.entries[at], 6)
        adopted = self.find_order('"policy":"slab"')
        note = get(self.entries[adopted], ORDER, 1).replace(b"100000", b"100001", 1)
        cases = {
            "a changed amount": (self.changed(at, (RECORD, 4), edit(record, (2, 13), 5)), rf"entry {at}"),
            "a changed amount that is possible": (self.changed(at, (RECORD, 4), edit(record, (2, 13), 9999998)),
                                                  rf"feeds/{at:016}.tlog-proof: is the proof of another record"),
            "another disposition": (self.changed(exceeds, (RECORD, 5), COUNTED), rf"entry {exceeds}: has the disposition 1"),
            "a trade that does not count": (self.changed(at, (RECORD, 5), DUPLICATE_TRADE), rf"entry {at}: has the disposition 2"),
            "a link that skips": (self.changed(at, (6,), bytes([links[0] - 1]) + links[1:]), rf"entry {at}: the link of {ALICE}"),
            "another feed index": (self.changed(at, (RECORD, 3), 1), rf"feeds/{at:016}.tlog-proof: is the proof of another"),
            "another venue": (self.changed(at, (RECORD, 1), "stolen"), rf"feeds/{at:016}.tlog-proof: is of another feed"),
            "another trade held": (self.changed(held, (EFFECT, 6, 2), "w1"), rf"entry {held}: entry"),
            "another effect": (self.changed(held, (EFFECT, 1), get(self.entries[held], EFFECT, 1) - 1), "orders/"),
            "a changed policy": (self.changed(adopted, (ORDER, 1), note), rf"entry {adopted}: the signature of"),
            "a time that falls": (self.changed(at, (2,), 1), rf"entry {at}: "),
        }
        self.refuse_all("statement", {name: (self.sealed_statement(ALICE, forged), pattern)
                                      for name, (forged, pattern) in cases.items()})


class Continued(unittest.TestCase):
    """What is left of a lost ledger, taken over by a new one."""

    NEW_ORIGIN = "ledger.example/new"

    def setUp(self):
        self.verify, self.refused = load()
        self.world = world = Verifiable()
        self.addCleanup(world.close)
        feed = world.license("qddex")
        world.register([(code, code, ["default"]) for code in (ALICE, BOB)])
        world.adopt(verifiable.policy("flat", venues=["qddex"]))
        world.grant("bureau", ALICE)
        world.push(feed, trade("a1", ALICE, BOB, "10600.00", "600.00"), trade("a2", BOB, ALICE))
        check(world.daemon("backup", "-c", "subsidyd.conf", "b1"))
        self.size, kept = world.size(), list(feed.records)
        world.push(feed, trade("a3", ALICE, BOB))
        world.stop()
        shutil.rmtree(world.path("data"))
        world.write("continues.json", check(world.daemon("restore", "-c", "subsidyd.conf", "b1", "--accept-loss", "--describe")).out)
        world.new_key(self.NEW_ORIGIN, "new.key")
        self.key = wire.Key.from_file(world.path("new.key"))
        world.write("new.json", wire.compact(dict(world.genesis_draft(), origin=self.NEW_ORIGIN, ledger_key=self.key.vkey())))
        signers = [word for name, _ in OFFICERS for word in ("--key", f"{name}.key")]
        check(world.client("order", "genesis", "--file", "new.json", "--continues", "continues.json", *signers, "-o", "new.note"))
        world.make_config("new.conf", ledger={"data": "data-new", "guard": "guard-new", "key": "new.key"})
        check(world.daemon("restore", "-c", "new.conf", "b1", "--accept-loss", "--genesis", "new.note"))
        self.old_key, world.origin = world.ledger_key, self.NEW_ORIGIN
        world.start("new.conf")
        feed = Feed(world, "qddex", feed.key)
        feed.accept(kept)
        world.push(feed, trade("a3", ALICE, BOB, "212.00", "12.00"), refund("r1", "a1"))
        self.order = world.order("venue.suspend", {"venue": "qddex", "reason": "核查"})["index"]
        world.write_export(world.path("export"))
        self.write_statement(ALICE, world.path("statement"))
        self.award = world.enterprise(ALICE)["policies"][0]["award"]
        self.entries = verifiable.read_export(world.path("export"))

    def write_statement(self, code, folder):
        """The folder of FORMAT.md, from the pages: whoever asks with other code than the client makes it so."""
        page = self.world.get_json(f"/v1/enterprises/{code}/statement?limit=1000", code)
        size, note = page["size"], page["checkpoint"].encode()
        acts = self.world.get_json(f"/v1/enterprises/{code}/acts?limit=1000&size={size}", code)["acts"]
        self.assertEqual((page["cursor"], len(acts) > 3), (None, True))
        verifiable.write(folder, "checkpoint", note)
        for kind, rows in (("entries", page["entries"]), ("acts", acts)):
            for row in rows:
                data, path = (base64.b64decode(row["entry"]), [base64.b64decode(step) for step in row["hashes"]])
                verifiable.write(folder, f"{kind}/{row['index']:016}.tlog-proof",
                                 verifiable.proof_text(data, row["index"], path, note))
                if row.get("feed"):
                    verifiable.write(folder, f"feeds/{row['index']:016}.tlog-proof", row["feed"])
                if row.get("order"):
                    order = {"order_index": row["order"].pop("index"), **row["order"]}
                    verifiable.write(folder, f"orders/{row['index']:016}.json", wire.compact(order))
        answer = self.world.get_json(f"/v1/enterprises/{code}/explain?policy=flat&as_of={size}", code)
        verifiable.write(folder, "policies/flat.json", wire.compact(answer))
        volume = next(step["amount"] for step in answer["steps"] if step["step"] == "eligible")
        verifiable.write(folder, "statement.json", wire.compact({
            "format": "subsidy.statement/v1", "origin": page["origin"], "ledger_id": page["ledger_id"], "code": code,
            "size": size, "entries": len(page["entries"]), "vkeys": [self.key.vkey()], "policies": [
                {"policy": "flat", "version": 1, "index": answer["policy_index"], "eligible_volume": volume,
                 "award": answer["award"]}]}) + "\n")

    def refuse(self, entries, pattern):
        folder = self.world.path(f"copy-{secrets.token_hex(4)}")
        root = verifiable.root_of([wire.leaf_hash(data) for data in entries])
        verifiable.write_export(folder, entries, wire.sign_note(
            wire.checkpoint_text(self.NEW_ORIGIN, len(entries), root), self.key))
        verifiable.write(folder, "ledger.json", verifiable.read(self.world.path("export"), "ledger.json"))
        with self.assertRaises(self.refused) as caught:
            self.verify("export", folder)
        self.assertRegex(str(caught.exception), pattern)

    def test_a_continued_ledger(self):
        world = self.world
        report = self.verify("export", world.path("export"), self.key.vkey())
        self.assertEqual((report["size"], report["origin"]), (self.size + 4, self.NEW_ORIGIN))
        report = self.verify("statement", world.path("statement"), self.key.vkey())
        self.assertEqual(report["policies"], {"flat": self.award})
        self.assertGreater(float(self.award), 0)
        with self.assertRaises(self.refused):
            self.verify("export", world.path("export"), self.old_key.vkey())
        # An entry of the old ledger; a genesis that is not at the old one's time; the old ledger's officers in the new one's name.
        at = self.size - 1
        self.refuse([*self.entries[:at], edit(self.entries[at], (4,), bytes(16)), *self.entries[at + 1:]], r"entry \d+: ")
        self.refuse([edit(self.entries[0], (2,), get(self.entries[0], 2) + 1), *self.entries[1:]],
                    "entry 0: is not at the time of the old genesis")
        forged = list(self.entries)
        forged[at] = edit(forged[at], (4,), b"\1" * 16)
        for index in range(self.size, len(forged)):
            forged[index] = edit(forged[index], (3,), wire.leaf_hash(forged[index - 1]))
        self.refuse(forged, "entry 0: the root of what it continues")
        note = get(self.entries[self.order], ORDER, 1)
        old_id = json.loads(wire.split_note(get(self.entries[0], GENESIS, 1))[0].split(b"\n")[2])["continues"]["ledger_id"]
        text = wire.split_note(note)[0].replace(world.ledger_id.encode(), old_id.encode())
        signed = wire.sign_note(text, world.officers["zhang"], world.officers["li"])
        self.refuse([*self.entries[:-1], edit(self.entries[-1], (ORDER, 1), signed)], rf"entry {self.order}: an order for another")


class Independence(unittest.TestCase):
    def test_the_verifier_imports_the_standard_library_and_itself(self):
        own = {name[:-3] for name in os.listdir(FOLDER) if name.endswith(".py")}
        standard = {"argparse", "base64", "binascii", "datetime", "hashlib", "itertools", "json", "os", "re", "subprocess", "sys",
                    "tempfile"}
        for name in sorted(own):
            with open(os.path.join(FOLDER, name + ".py"), encoding="utf-8") as file:
                found = set(re.findall(r"^\s*(?:from|import) ([a-z_0-9.]+)", file.read(), re.M))
            self.assertLessEqual(found, own | standard, name)


if __name__ == "__main__":
    unittest.main()
