"""proto/FORMAT.md against itself: every example, table and vector in it, by a decoder that shares no code with ours.

Needs no daemon. A number changed in the text, or a rule that the text forgot to say, fails here.
"""
import base64
import copy
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from tests import formats, replay
from tests.flow import ed25519
from tests.formats import ENUMS, MESSAGES, Refused

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "proto", "FORMAT.md"), encoding="utf-8") as _file:
    # The last chapter is a ledger of its own.
    TEXT, _, ONE_PUSH = _file.read().partition("\n## One push in hex\n")
SECTIONS = [(part.partition("\n")[0].lstrip("# "), part.partition("\n")[2])
            for part in re.split(r"^(?=#+ )", TEXT, flags=re.M)]
BLOCKS = re.findall(r"^```\w*\n(.*?\n)```$", TEXT, re.M | re.S)
EIGHT_LEAVES = [bytes.fromhex(digits) for digits in
                ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
TEST_1_SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")    # RFC 8032


def section(title):
    return next(body for heading, body in SECTIONS if heading == title)


class Example:
    """A block of annotated hex: its bytes, and what stands at the right of each field."""

    def __init__(self, heading, block, size, leaf):
        self.rows, digits = [], ""
        for line in block.splitlines():
            found = re.fullmatch(r"([0-9a-f]+)(?: +([0-9]+) (\w+): (.*))?", line)
            digits += found[1]
            if found[2]:
                self.rows.append((int(found[2]), found[3], found[4], bytes.fromhex(digits)))
                digits = ""
        self.bytes = b"".join(row[3] for row in self.rows) + bytes.fromhex(digits)
        self.size, self.leaf = int(size), leaf
        self.kind = {"Example: a trade": "record", "Example: a refund": "record",
                     "Example: a push": "push_sent"}.get(heading, "entry")


EXAMPLES = [Example(heading, *found) for heading, body in SECTIONS for found in
            re.findall(r"^```\n(0801 .*?\n)```\n([0-9]+) bytes, leaf hash `([0-9a-f]{64})`", body, re.M | re.S)]
RECORDS = [example.bytes for example in EXAMPLES if example.kind == "record"]
LEDGER = sorted((example.bytes for example in EXAMPLES if example.kind == "entry"),
                key=lambda data: formats.decode("entry", data)["time_us"])
NOTES = [block.encode() for block in BLOCKS if "\n\n— " in block and not block.startswith("c2sp.org")]


def genesis():
    note = next(note for note in NOTES if note.startswith(b"subsidy.genesis/v1\n"))
    return note, formats.read_genesis(formats.split_note(note)[0])[1]


def known_keys():
    content = genesis()[1]
    return [content["ledger_key"]] + [key for officer in content["officers"] for key in officer["keys"]]


def orders():
    """(note, item lines) of every order in the text."""
    result = []
    for place, block in enumerate(BLOCKS):
        if block.startswith("subsidy.order/v1\n") and "\n\n— " in block:
            after = BLOCKS[place + 1]
            result.append((block.encode(), after.splitlines() if after.startswith('{"') and '"salt"' in after and
                           not after.startswith('{"note"') else []))
    return result


class Hex(unittest.TestCase):
    """The annotated hex."""

    def test_every_block_of_hex_is_an_example(self):
        self.assertEqual(len(EXAMPLES), sum(block.startswith("0801") for block in BLOCKS))
        self.assertEqual([len(RECORDS), len(LEDGER), len(EXAMPLES)], [2, 14, 17])

    def test_each_line_is_one_field_as_it_says(self):
        for example in EXAMPLES:
            rows = list(formats.rows_of(example.kind, example.bytes))
            self.assertEqual([(row[1], row[2], row[4]) for row in rows],
                             [(number, name, chunk) for number, name, _, chunk in example.rows])
            for (_, _, name, text, chunk), (_, _, note, _) in zip(rows, example.rows):
                if not re.fullmatch(r"[0-9a-f]{32,}|[0-9]+ bytes", text) or note.endswith(" bytes") and len(chunk) < 5:
                    self.assertTrue(note == text or note.startswith(text + " "), f"{name}: {note}, not {text}")

    def test_sizes_and_leaf_hashes_are_right(self):
        for example in EXAMPLES:
            self.assertEqual(len(example.bytes), example.size)
            self.assertEqual(formats.leaf_hash(example.bytes).hex(), example.leaf)

    def test_each_gives_the_same_bytes_again(self):
        for example in EXAMPLES:
            self.assertEqual(formats.encode(example.kind, formats.decode(example.kind, example.bytes)), example.bytes)

    def test_each_keeps_every_rule(self):
        for example in EXAMPLES:
            if example.kind == "push_sent":
                push = formats.decode("push_sent", example.bytes)
                self.assertEqual(push["records"], RECORDS)
            else:
                (formats.read_record if example.kind == "record" else formats.read_entry)(example.bytes)

    def test_no_bit_is_changed_unseen(self):
        for example in EXAMPLES:
            for bit in range(8 * len(example.bytes)):
                data = bytearray(example.bytes)
                data[bit // 8] ^= 1 << bit % 8
                try:
                    self.assertEqual(formats.encode(example.kind, formats.decode(example.kind, bytes(data))), data)
                except Refused:
                    pass

    def test_second_encodings_named_in_the_text_are_refused(self):
        good = RECORDS[0]
        body = formats.decode_any("record", good)["trade"]
        body = formats.encode("trade", body)
        named = re.findall(r"`([0-9a-f]+)`(?: \([^)]*\))? for `([0-9a-f]+)`", section("Canonical encoding"))
        self.assertEqual(len(named), 4)
        for other, own in named:
            self.assertEqual(body.count(bytes.fromhex(own)), 1)
            changed = body.replace(bytes.fromhex(own), bytes.fromhex(other))
            with self.assertRaisesRegex(Refused, "not_canonical"):
                formats.decode("record", b"\x08\x01\x12" + formats.put_varint(len(changed)) + changed)
        for size in range(len(good)):
            with self.assertRaises(Refused):
                formats.decode("record", good[:size])
        for byte in range(256):
            with self.assertRaises(Refused):
                formats.decode("record", good + bytes([byte]))
        with self.assertRaisesRegex(Refused, "malformed"):
            formats.decode("record", good + bytes.fromhex("f80101"))

    def test_rules_refuse_what_breaks_them(self):
        rows = {"trade_no": "a b", "contract_hash": bytes(31), "contract_kind": 5, "product_kind": 0, "buyer": "9" * 18,
                "amount": 10**13 + 1, "tax": 123456789, "instalment": 10000, "signed_on": 19891231,
                "settled_on": 20250109, "invoice_no": ["1" * 19], "related_declared": 4, "product_name": "数" * 67}
        for name, value in rows.items():
            values = formats.decode("record", RECORDS[0])
            values["trade"][name] = value
            with self.assertRaisesRegex(Refused, rf"\['{name}'\]"):
                formats.read_record(formats.encode("record", values))


class Tables(unittest.TestCase):
    """The fields' tables against the messages that the decoder knows."""

    TITLES = {"Trade (`PbTrade`)": "trade", "Refund (`PbRefund`)": "refund", "Genesis (7)": "genesis",
              "Record (8)": "record_entry", "Push (9)": "push", "Order (10)": "order", "Effect (11)": "effect",
              "Feeds and pushes": "push_sent", "Entries": "entry"}
    TYPES = {"repeated uint64, packed": "packed", "repeated string": "string*", "repeated bytes": "bytes*",
             "repeated message": "message*"}

    def test_fields_have_these_numbers_names_and_types(self):
        for title, name in self.TITLES.items():
            rows = re.findall(r"^\| ([0-9]+) \| `(\w+)` \| ([\w ,]+?) \|", section(title), re.M)
            known = [(str(field.number), field.name, field.type + "*" * (field.is_repeated and field.type != "packed"))
                     for field in MESSAGES[name]]
            if name == "entry":
                self.assertIn("7 `genesis`, 8 `record`, 9 `push`, 10 `order`, 11 `effect`", section(title))
                known = known[:6]
            self.assertEqual([(number, field, self.TYPES.get(kind, kind)) for number, field, kind in rows], known)

    def test_values_have_these_words(self):
        dispositions = re.findall(r"^\| ([0-9]) \| `(\w+)` \|", section("Dispositions"), re.M)
        self.assertEqual(dispositions, [(str(value), name) for value, name in enumerate(ENUMS["disposition"]) if value])
        rows = dict(re.findall(r"^\| [0-9]+ \| `(\w+)` \| enum \| (.*) \|$", section("Trade (`PbTrade`)"), re.M))
        for field in MESSAGES["trade"]:
            if field.type == "enum":
                self.assertEqual(re.findall(r"([0-9]) `(\w+)`", rows[field.name]),
                                 [(str(value), name) for value, name in enumerate(ENUMS[field.of]) if value])

    def test_every_code_in_the_text_has_its_check_character(self):
        codes = set(re.findall(r"\b9[0-9A-Z]{17}\b", TEXT))
        self.assertGreaterEqual(len(codes), 5)
        self.assertEqual([code for code in codes if not formats.is_code(code)], [])


class Ledger(unittest.TestCase):
    """The fourteen entries."""

    @staticmethod
    def play(entries):
        ledger = replay.Replay()
        for data in entries:
            ledger.add(data)
        return ledger

    def test_the_fourteen_are_a_ledger(self):
        ledger = self.play(LEDGER)
        self.assertEqual([entry["kind"] for entry in ledger.entries],
                         ["genesis", "order", "effect", "effect", "record", "record", "push", "order", "effect",
                          "order", "effect", "order", "effect", "evidence"])
        self.assertEqual(ledger.chains, {"91370200264574251E": 12, "91370202MA0XTE011C": 10})
        self.assertEqual((ledger.trades[4]["state"], ledger.lists["91370200264574251E"]), ("held", []))

    def test_none_can_be_left_out_or_come_twice(self):
        for place in range(len(LEDGER) - 1):
            with self.assertRaises(Refused):
                self.play(LEDGER[:place] + LEDGER[place + 1:])
        for place, data in enumerate(LEDGER):
            with self.assertRaises(Refused):
                self.play(LEDGER[:place + 1] + [data])

    def refuses(self, place, change):
        """The ledger with one entry changed, and all after it chained again."""
        entries, previous = [], bytes(32)
        for index, data in enumerate(LEDGER):
            values = formats.decode("entry", data)
            if index == place:
                change(values)
            if index > 0:
                values["previous"] = previous
            entries.append(formats.encode("entry", values))
            previous = formats.leaf_hash(entries[-1])
        with self.assertRaises(Refused):
            self.play(entries)

    def test_what_entries_say_of_each_other_is_checked(self):
        rows = [(2, "effect", "order_index", 2), (2, "effect", "item", 1), (3, "effect", "item", 0),
                (4, "record", "feed_index", 1), (4, "record", "disposition", 2), (4, "record", "refers", 2),
                (5, "record", "refers", 3), (5, "record", "disposition", 5), (5, "record", "feed_index", 0),
                (6, "push", "first_index", 5), (6, "push", "start", 1), (6, "push", "generation", 2),
                (6, "push", "dispositions_hash", bytes(32)), (6, "push", "tally", [{"disposition": 2, "count": 2}]),
                (10, "effect", "order_index", 7), (10, "effect", "item", 1), (12, "effect", "order_index", 9),
                (13, "evidence", "push_index", 5), (13, "evidence", "push_index", 14), (13, "evidence", "size", 3),
                (13, "evidence", "generation", 2), (13, "evidence", "note", formats.decode("entry", LEDGER[6])["push"]["note"])]
        for place, kind, name, value in rows:
            with self.subTest(place=place, name=name):
                self.refuses(place, lambda values, kind=kind, new={name: value}: values[kind].update(new))
        for place, links in ((2, [1]), (4, [3, 2]), (5, []), (5, [4, 3]), (8, [5, 6]), (1, [0]), (10, [8, 7]),
                             (12, [9]), (13, [10])):
            with self.subTest(place=place, links=links):
                self.refuses(place, lambda values, links=links: values.update(links=links))
        for place in (3, 5, 6, 8, 10, 12):
            with self.subTest(place=place, name="time_us"):
                self.refuses(place, lambda values: values.update(time_us=values["time_us"] + 1))

    def test_what_is_done_to_a_trade_or_to_lists_must_be_possible(self):
        change = {"venue": "qddex", "trade_no": "QD-2025-000123", "trade_index": 4}
        rows = [(10, "held", dict(change, trade_index=5)), (10, "held", dict(change, trade_no="other")),
                (10, "released", change), (12, "delisted", {"code": "91370200264574251E", "lists": ["other"]}),
                (12, "delisted", {"code": "91370202MA0XTE011C", "lists": ["default"]})]
        for place, kind, row in rows:
            with self.subTest(place=place, kind=kind, row=row):
                nothing = {field.name: None for field in MESSAGES["effect"] if field.is_choice}
                self.refuses(place, lambda values, new={**nothing, kind: row}: values["effect"].update(new))

    def test_what_a_second_push_would_be(self):
        """Duplicates, self-trades and refunds beyond the trade get what the text says, whatever is written."""
        trade, refund = (formats.decode("record", data) for data in RECORDS)
        self_trade = copy.deepcopy(trade)
        self_trade["trade"].update(trade_no="S-1", supplier=trade["trade"]["buyer"])
        of_self, unknown, exceeds = (copy.deepcopy(refund) for _ in range(3))
        of_self["refund"].update(adjust_no="R-2", original_trade_no="S-1")
        unknown["refund"].update(adjust_no="R-3", original_trade_no="none")
        exceeds["refund"].update(adjust_no="R-4", amount=trade["trade"]["amount"])
        rows = [(trade, "duplicate_trade", 4, [8, 8]), (self_trade, "self_trade", 0, [9, 9]),
                (of_self, "refund_unknown", 10, [10, 10]), (unknown, "refund_unknown", 0, []),
                (exceeds, "refund_exceeds", 4, [9, 11]), (refund, "duplicate_adjust", 5, [13, 13])]
        for wrong in ENUMS["disposition"]:
            ledger = self.play(LEDGER[:9])
            for place, (record, word, refers, links) in enumerate(rows):
                entry = formats.decode("entry", LEDGER[4])
                entry.update(previous=ledger.last_leaf, time_us=ledger.entries[-1]["time_us"] + 1)
                entry["record"].update(feed_index=2 + place, record=formats.encode("record", record), refers=refers)
                entry.update(links=links)
                entry["record"]["disposition"] = ENUMS["disposition"].index(word)
                if wrong != word:
                    bad = copy.deepcopy(entry)
                    bad["record"]["disposition"] = ENUMS["disposition"].index(wrong)
                    with self.assertRaises(Refused):
                        copy.deepcopy(ledger).add(formats.encode("entry", bad))
                ledger.add(formats.encode("entry", entry))


class Trees(unittest.TestCase):
    def test_eight_leaves_give_the_roots_of_the_text(self):
        leaves = re.search(r'eight leaves `""`, (.*) have the root', section("Trees"))[1]
        self.assertEqual(re.findall("`([0-9a-f]+)`", leaves), [leaf.hex() for leaf in EIGHT_LEAVES[1:]])
        roots = re.findall(r"`([0-9a-f]{64})`", section("Trees"))
        self.assertEqual(formats.Frontier(EIGHT_LEAVES).root().hex(), roots[0])
        self.assertEqual(formats.Frontier(EIGHT_LEAVES[:7]).root().hex(), roots[1])
        self.assertEqual([step.hex() for step in formats.path_of(5, EIGHT_LEAVES)], roots[2:])
        self.assertEqual(formats.Frontier().root(), formats.sha256())

    def test_every_path_leads_to_its_root_and_to_no_other(self):
        for size in range(1, 9):
            root = formats.Frontier(EIGHT_LEAVES[:size]).root()
            for index in range(size):
                path, leaf = formats.path_of(index, EIGHT_LEAVES[:size]), formats.leaf_hash(EIGHT_LEAVES[index])
                self.assertEqual(formats.root_of_path(index, size, leaf, path), root)
                for other in set(range(size)) - {index}:
                    try:
                        self.assertNotEqual(formats.root_of_path(other, size, leaf, path), root)
                    except Refused:
                        pass

    def test_a_frontier_has_a_hash_a_bit(self):
        for size in range(9):
            self.assertEqual(len(formats.Frontier(EIGHT_LEAVES[:size]).hashes), bin(size).count("1"))

    def test_the_feed_checkpoint_is_of_the_two_records(self):
        block = next(block for block in BLOCKS if block.startswith("qddex/"))
        origin, size, root = formats.parse_checkpoint(block.encode())
        self.assertEqual((origin, size, root), ("qddex/0123456789abcdef/1", 2, formats.Frontier(RECORDS).root()))
        self.assertEqual(root, formats.node(*(formats.leaf_hash(data) for data in RECORDS)))


class Notes(unittest.TestCase):
    def test_every_public_key_has_its_id(self):
        vkeys = set(re.findall(r"[^\s\"`|]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,}=*", TEXT))
        self.assertGreaterEqual(len(vkeys), 7)
        for vkey in vkeys:
            key = formats.parse_vkey(vkey)
            self.assertEqual(f"{key.name}+{key.id.hex()}+{base64.b64encode(key.type + key.material).decode()}", vkey)

    def test_the_key_of_the_note_specification_verifies(self):
        found = re.search(r"Vector: `(\S+)` verifies the text `(.*?)` and a\nnewline with `(— .*?)`", TEXT)
        note = f"{found[2]}\n\n{found[3]}\n".encode()
        key = formats.parse_vkey(found[1])
        self.assertEqual(formats.signers_of(note, [key]), [key])
        with self.assertRaises(Refused):
            formats.signers_of(note.replace(b"example message", b"exempla message"), [key])

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl program")
    def test_the_sm2_signature_of_the_standard_verifies(self):
        found = re.search(r"`(sm2\S+)`\nverifies the 14 bytes `(.*?)` with the DER signature\n`([0-9a-f]+)`", TEXT)
        key, signature = formats.parse_vkey(found[1]), bytes.fromhex(found[3])
        self.assertIn("SM2 with SM3, signer id `1234567812345678`", TEXT)
        self.assertTrue(formats.verify(key, found[2].encode(), signature))
        self.assertFalse(formats.verify(key, b"message digesu", signature))

    def test_a_witness_signs_below_the_checkpoint(self):
        note = next(note for note in NOTES if note.startswith(b"subsidy.example/ledger1\n8\n"))
        vkey, line = re.search(r"`(witness\.example/bureau\+\S+)`", TEXT), re.search(r"`(— witness\S* \S+)`", TEXT)
        keys = [genesis()[1]["ledger_key"], formats.parse_vkey(vkey[1])]
        self.assertEqual(formats.signers_of(note + line[1].encode() + b"\n", keys), keys)
        origin, size, root = formats.parse_checkpoint(formats.split_note(note)[0])
        self.assertEqual((origin, size, root), (keys[0].name, 8, formats.Frontier(EIGHT_LEAVES).root()))

    def test_a_claim_is_signed_by_a_key_of_its_own(self):
        note = next(note for note in NOTES if note.startswith(b"subsidy.head/v1\n"))
        key, text = formats.parse_vkey(re.search(r"`(\S+/heads\+\S+)`", TEXT)[1]), formats.split_note(note)[0]
        origin, _, code, last, size, root = formats.read_claim(text)
        self.assertEqual(key.name, origin + "/heads")
        self.assertEqual(formats.signers_of(note, [key]), [key])
        self.assertEqual((origin, size, root), (known_keys()[0].name, 8, formats.Frontier(EIGHT_LEAVES).root()))
        self.assertTrue(formats.is_code(code) and last < size)
        for wrong in (text + b"\n", text.replace(b"\n6\n", b"\n06\n"), text.replace(b"\n6\n", b"\n8\n"),
                      text.replace(b"\n6\n", b"\n0\n"), text.replace(b"00000015\n", b"00000016\n")):
            with self.assertRaises(Refused):
                formats.read_claim(wrong)

    def test_genesis_is_signed_by_all_it_names(self):
        note, content = genesis()
        self.assertEqual(set(formats.signers_of(note, known_keys())), set(known_keys()))
        self.assertEqual(len(formats.split_note(note)[1]), 1 + len(content["officers"]))

    def test_every_order_is_signed_by_its_quorum_and_spelled_right(self):
        content, kinds = genesis()[1], []
        for note, items in orders():
            _, _, order = formats.read_order(formats.split_note(note)[0], items)
            kinds.append(order["type"])
            signers = {key.name for key in formats.signers_of(note, known_keys())}
            roles = [officer["role"] for officer in content["officers"] if officer["name"] in signers]
            self.assertTrue(formats.quorum_is_met(content["quorums"]["default"], roles))
            self.assertFalse(formats.quorum_is_met(content["quorums"]["default"], roles[:1]))
        self.assertEqual(kinds, re.findall(r"`(\w+\.\w+)`", "".join(re.findall(r"^\| (`\w+\.\w+`.*) \| `\{", section("Orders"), re.M))))

    def test_no_item_can_be_changed_or_moved(self):
        for note, items in orders():
            for changed in (items[::-1], [item.replace("0", "1", 1) for item in items], items[1:]):
                if items and changed != items:
                    with self.assertRaises(Refused):
                        formats.read_order(formats.split_note(note)[0], changed)

    def test_items_of_the_text_are_right(self):
        read = [formats.read_order(formats.split_note(note)[0], items)[2] for note, items in orders()]
        rows = [row for order in read for row in order.get("lines", [])]
        grants = [row["token_hash"] for row in rows if "holder" in row]
        self.assertEqual(grants, [formats.sha256(bytes(32)).hex(), formats.sha256(b"\1" + bytes(31)).hex()])
        self.assertEqual(len(rows), 11)

    def test_the_request_hands_in_the_relation(self):
        request = json.loads(next(block for block in BLOCKS if block.startswith('{"note"')))
        self.assertIn((request["note"].encode(), request["items"]), orders())


class Receipts(unittest.TestCase):
    """The proof in the text, and the program on receipts of the nine entries."""

    @classmethod
    def setUpClass(cls):
        cls.ledger_key = genesis()[1]["ledger_key"]
        cls.proof = next(block for block in BLOCKS if block.startswith("c2sp.org/tlog-proof")).encode()

    def test_the_proof_of_the_text_proves_leaf_5(self):
        self.assertEqual(formats.verify_receipt(self.proof, self.ledger_key), (5, 8, EIGHT_LEAVES[5]))

    def test_no_other_index_leaf_or_path_is_proven(self):
        for old, new in ((b"index 5", b"index 4"), (b"index 5", b"index 05"), (b"QEFCQw==", b"QEFCRA=="),
                         (b"vBoG", b"vBoH"), (b"XcnaeacG", b"XcnaeacH"), (b"\n8\n", b"\n7\n"),
                         (b"proof@v1", b"proof@v2")):
            with self.subTest(new=new), self.assertRaises(Refused):
                formats.verify_receipt(self.proof.replace(old, new), self.ledger_key)

    def receipt(self, index):
        root = base64.b64encode(formats.Frontier(LEDGER).root()).decode()
        text = f"{self.ledger_key.name}\n{len(LEDGER)}\n{root}\n"
        signature = ed25519.sign(TEST_1_SECRET, self.ledger_key.material, text.encode())
        lines = ["c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(LEDGER[index]).decode(), f"index {index}"]
        lines += [base64.b64encode(step).decode() for step in formats.path_of(index, LEDGER)]
        line = f"— {self.ledger_key.name} {base64.b64encode(self.ledger_key.id + signature).decode()}\n"
        return ("\n".join(lines) + "\n\n" + text + "\n" + line).encode()

    def run_program(self, kind, data, *arguments):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            command = [sys.executable, os.path.join(ROOT, "tests", "formats.py"), kind, file.name, *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=dict(os.environ, PYTHONUTF8="1"))

    @staticmethod
    def vkey(key):
        return f"{key.name}+{key.id.hex()}+{base64.b64encode(key.type + key.material).decode()}"

    def test_the_program_shows_and_verifies(self):
        result = self.run_program("receipt", self.receipt(6), "--vkey", self.vkey(self.ledger_key))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("entry 6 of the ledger at size 14", result.stdout)
        self.assertIn("6 first_index: 4", result.stdout)
        other = genesis()[1]["officers"][0]["keys"][0]
        result = self.run_program("receipt", self.receipt(6), "--vkey", self.vkey(other))
        self.assertEqual(result.returncode, 1)
        self.assertIn("has not signed", result.stderr)
        for kind, data in (("record", RECORDS[0]), ("entry", LEDGER[0])):
            result = self.run_program(kind, data)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"{formats.leaf_hash(data).hex()}\nkeeps every rule", result.stdout)
            self.assertEqual(self.run_program(kind, data[:-1]).returncode, 1)


def fen(text):
    whole, _, rest = text.replace(",", "").partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def exact_of(rate, volume):
    """Fen times parts per million."""
    if rate["type"] == "flat":
        return volume * rate["ppm"]
    total = last = 0
    for tier in rate["tiers"]:
        bound = volume if tier["up_to"] is None else min(volume, fen(tier["up_to"]))
        if rate["type"] == "slab" and (tier["up_to"] is None or volume <= fen(tier["up_to"])):
            return volume * tier["ppm"]
        total, last = total + (bound - last) * tier["ppm"], bound
    return total


def award_of(policy, trades):
    """Fen, from (day, fen) pairs: window, periods, rate, rounding, cap."""
    window, unit = policy["window"], policy["round"]["unit_fen"]
    inside = [(day, amount) for day, amount in trades if window["from"] <= day <= window["to"]]
    periods = {"term": lambda day: "", "year": lambda day: day[:4]}[policy["cap"]["scope"]]
    total = 0
    for period in {periods(day) for day, _ in inside}:
        value = exact_of(policy["rate"], sum(amount for day, amount in inside if periods(day) == period))
        half = unit * 500000 if policy["round"]["mode"] == "half_up" else 0
        total += min((value + half) // (unit * 10**6) * unit, fen(policy["cap"]["amount"]))
    return total


def prorata(pool, claims):
    """What each code gets of a pool that is too small."""
    total = sum(claims.values())
    paid = {code: claim * pool // total for code, claim in claims.items()}
    order = sorted(claims, key=lambda code: (-(claims[code] * pool % total), code))
    for code in order[:pool - sum(paid.values())]:
        paid[code] += 1
    return paid


class Policy(unittest.TestCase):
    """The vectors' table, by an evaluator of a few lines, under the policy that the text adopts."""

    @classmethod
    def setUpClass(cls):
        rows = re.findall(r"^\| (.*?) \| (.*?) \|$", section("Vectors"), re.M)[1:]
        cls.rows = [(row, [fen(text) for text in re.findall(r"[0-9][0-9,]*\.[0-9]{2}\b", row[0])],
                     [fen(text) for text in re.findall(r"[0-9][0-9,]*\.[0-9]{2}\b", row[1])]) for row in rows]
        note, items = next(order for order in orders() if b'"policy.adopt"' in order[0])
        cls.policy = formats.read_order(formats.split_note(note)[0], items)[2]["body"]["policy"]

    def award(self, *amounts, days=None, **changes):
        days = days or ["2025-05-05"] * len(amounts)
        return award_of(dict(self.policy, **changes), list(zip(days, amounts)))

    def test_there_are_nine(self):
        self.assertEqual(len(self.rows), 9)
        self.assertIn("\n5 % flat and a term cap of 300,000.00 unless stated.", section("Vectors"))
        self.assertEqual((self.policy["rate"], self.policy["cap"]),
                         ({"type": "flat", "ppm": 50000}, {"amount": "300000.00", "scope": "term"}))

    def test_sums_and_the_cap(self):
        for row, amounts, awards in self.rows[:2]:
            self.assertEqual([self.award(*amounts)], awards, row)

    def test_refunds_after_payment(self):
        volume = self.rows[1][1][0]
        for row, (paid, refunded), awards in self.rows[2:4]:
            award = self.award(volume - refunded)
            self.assertEqual([award, paid - award], (awards + [0])[:2], row)

    def test_caps_of_the_term_and_of_the_year(self):
        row, (volume,), awards = self.rows[4]
        days = [f"{year}-05-05" for year in re.findall(r"\bin ([0-9]{4})\b", row[0])]
        found = [self.award(volume, volume, days=days, cap={"amount": "300000.00", "scope": scope})
                 for scope in ("term", "year")]
        self.assertEqual(found, awards, row)

    def test_tiers(self):
        row, (volume, first, second), awards = self.rows[5]
        rates = [int(rate) * 10000 for rate in re.findall(r"([0-9]+) %", row[0])]
        tiers = [{"up_to": bound, "ppm": rate} for bound, rate in
                 zip((f"{first // 100}.00", f"{second // 100}.00", None), rates)]
        marginal, slab = ({"type": kind, "tiers": tiers} for kind in ("marginal", "slab"))
        found = [exact_of(marginal, volume) // 10**6, self.award(volume, rate=marginal), self.award(volume, rate=slab)]
        self.assertEqual(found, awards, row)

    def test_rounding(self):
        row, amounts, awards = self.rows[6]
        rate = {"type": "flat", "ppm": 35000}
        self.assertIn("3.5 %", row[0])
        self.assertIn(f"{exact_of(rate, amounts[0]) / 10**8:,.4f}", row[0])
        found = [self.award(amounts[0], rate=rate, round={"unit_fen": unit, "mode": mode})
                 for unit, mode in ((100, "floor"), (1, "half_up"))]
        self.assertEqual(found, awards, row)

    def test_the_window_holds_its_first_and_last_day(self):
        row = self.rows[7][0]
        days = re.findall(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", row[0])
        self.assertEqual(["in" if self.award(10**6, days=[day]) else "out" for day in days], row[1].split(", "))

    def test_a_pool_is_shared_to_the_fen(self):
        row, (claim, pool), awards = self.rows[8]
        paid = prorata(pool, {"A": claim, "B": claim, "C": claim})
        self.assertEqual([paid[code] for code in "ABC"], awards, row)
        self.assertEqual(sum(awards), pool)


@unittest.skipUnless(re.search(r"^kind,", TEXT, re.M), "the text has no CSV example")
class Files(unittest.TestCase):
    """The CSV and JSON Lines examples become records that keep every rule."""

    COLUMNS = ["kind"] + [field.name for field in MESSAGES["trade"]] + [
        field.name for field in MESSAGES["refund"] if field.name not in ("amount", "tax")]

    def record_of(self, row):
        """The canonical bytes of a row; empty and absent cells alike."""
        kind = row.get("kind") or "trade"
        values = {"version": 1, "trade": None, "refund": None, kind: {}}
        for field in MESSAGES[kind]:
            text = row.get(field.name) or ""
            if field.name in ("amount", "tax"):
                value = fen(text)
            elif field.name.endswith("_on"):
                value = int(text.replace("-", ""))
            elif field.type == "enum":
                value = ENUMS[field.of].index(text or "not_stated")
            elif field.name == "instalment":
                value = int(text or 1)
            elif field.is_repeated:
                value = text.split(";") if text else []
            else:
                value = bytes.fromhex(text) if field.type == "bytes" else text
            values[kind][field.name] = value
        return formats.encode("record", values)

    def rows(self):
        result = []
        for block in BLOCKS:
            if block.startswith("kind,"):
                result += list(csv.DictReader(io.StringIO(block), strict=True))
            elif block.startswith('{"kind"'):
                result += [json.loads(line) for line in block.splitlines()]
        return result

    def test_heads_name_known_columns_once(self):
        for head in re.findall(r"^kind,.*$", TEXT, re.M):
            columns = head.split(",")
            self.assertEqual(len(set(columns)), len(columns))
            self.assertEqual([column for column in columns if column not in self.COLUMNS], [])

    def test_the_table_names_every_column(self):
        rows = re.findall(r"^\| `(\w+)` \| [\u4e00-\u9fff]+ \| (?:trade|refund|both)", TEXT, re.M)
        self.assertEqual(sorted(rows), sorted(self.COLUMNS))

    def test_rows_become_records(self):
        rows = self.rows()
        self.assertGreaterEqual(len(rows), 3)
        for row in rows:
            self.assertNotIn(None, row)
            self.assertNotIn(None, row.values())
            formats.read_record(self.record_of(row))

    def test_the_two_forms_say_the_same(self):
        refunds = {self.record_of(row) for row in self.rows() if row["kind"] == "refund"}
        self.assertEqual(len(refunds), 1)


if __name__ == "__main__":
    unittest.main()
