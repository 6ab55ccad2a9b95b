"""The chapter "One push in hex" of proto/FORMAT.md: each of its bytes made again, from the keys of RFC 8032 on."""
import base64
import datetime
import hashlib
import re
import unittest

from tests import formats
from tests.flow import ed25519
from tests.flow.test_formats import ONE_PUSH, RECORDS, TEST_1_SECRET, genesis, known_keys
from tests.interop import forms


class OnePush(unittest.TestCase):
    """The chapter "One push in hex", from the secret keys on: each step by this decoder and by the example pusher."""

    SECRETS = {"subsidy.example/ledger1": TEST_1_SECRET,    # RFC 8032: TEST 1, 2, 3 and SHA(abc)
               "wang": bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
               "li": bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
               "qddex": bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")}

    @classmethod
    def setUpClass(cls):
        cls.blocks = re.findall(r"^```\w*\n(.*?\n)```$", ONE_PUSH, re.M | re.S)
        cls.hex_blocks = [bytes.fromhex("".join(re.findall(r"^[0-9a-f]+", block, re.M))) for block in cls.blocks
                          if re.match(r"[0-9a-f]+[ \n]", block)]
        cls.keys = {name: forms.PrivateKey(name, forms.ED25519, secret) for name, secret in cls.SECRETS.items()}
        cls.entries = []
        cls.add_entry("2026-01-01T00:00:00", 0xa0, genesis={"note": genesis()[0]})
        cls.ledger_id = formats.leaf_hash(cls.entries[0]).hex()[:16]
        cls.order = cls.block("subsidy.order/v1").encode()
        cls.add_entry("2026-01-01T00:01:00", 0xa1, order={"note": cls.order, "items": []})
        root = formats.Frontier(RECORDS).root()
        cls.text = f"qddex/{cls.ledger_id}/1\n2\n{base64.b64encode(root).decode()}\n"
        cls.signature = ed25519.sign(cls.SECRETS["qddex"], cls.keys["qddex"].public.data, cls.text.encode())
        line = base64.b64encode(cls.keys["qddex"].public.id + cls.signature).decode()
        cls.note = f"{cls.text}\n— qddex {line}\n".encode()
        cls.body = formats.encode("push_sent", {"version": 1, "start": 0, "records": RECORDS, "note": cls.note,
                                                "ledger_checkpoint": b""})
        for place, (record, links) in enumerate(zip(RECORDS, ([0, 0], [2, 2]))):
            cls.add_entry(f"2026-01-01T00:02:00.{place:06}", None, links=links, record={
                "venue": "qddex", "generation": 1, "feed_index": place, "record": record, "disposition": 1,
                "refers": 2 * place})
        cls.add_entry("2026-01-01T00:02:00.000002", 0xa6, push={
            "version": 1, "venue": "qddex", "generation": 1, "start": 0, "count": 2, "first_index": 2, "note": cls.note,
            "tally": [{"disposition": 1, "count": 2}], "dispositions_hash": formats.sha256(b"\1\1")})

    @classmethod
    def block(cls, begin):
        return next(block for block in cls.blocks if block.startswith(begin))

    @classmethod
    def add_entry(cls, time, salt, links=(), **body):
        time_us = round(datetime.datetime.fromisoformat(time + "+00:00").timestamp() * 10**6)
        entry = {"version": 1, "time_us": time_us, "flags": 0, "links": list(links), "genesis": None, "record": None,
                 "push": None, "order": None, "effect": None, "salt": b"" if salt is None else bytes([salt]) * 16,
                 "previous": formats.leaf_hash(cls.entries[-1]) if cls.entries else bytes(32)}
        entry.update(body)
        cls.entries.append(formats.encode("entry", entry))

    def test_entries_keep_every_rule_and_have_these_hashes(self):
        for entry in self.entries:
            formats.read_entry(entry)
        said = re.findall(r"^\| ([0-9]) \| .* \| ([0-9]+) \| `([0-9a-f]{64})` \|$", ONE_PUSH, re.M)
        self.assertEqual(said, [(str(place), str(len(entry)), formats.leaf_hash(entry).hex())
                                for place, entry in enumerate(self.entries)])
        self.assertIn(f"ledger id is `{self.ledger_id}`", ONE_PUSH)

    def test_the_keys_are_those_of_the_rfc(self):
        key = self.keys["qddex"]
        line = base64.b64encode(forms.ED25519 + self.SECRETS["qddex"]).decode()
        self.assertIn(f"`PRIVATE+KEY+qddex+{key.public.id.hex()}+{line}`", ONE_PUSH)
        self.assertIn(f"`{key.public.text()}`", ONE_PUSH)
        self.assertEqual(ed25519.public_key(self.SECRETS["qddex"]), key.public.data)

    def test_the_licence_is_an_order_of_that_ledger(self):
        text, _ = formats.split_note(self.order)
        _, ledger_id, order = formats.read_order(text, [])
        self.assertEqual((ledger_id, order["type"]), (self.ledger_id, "venue.license"))
        self.assertEqual(order["body"]["keys"], [self.keys["qddex"].public.text()])
        self.assertEqual([key.name for key in formats.signers_of(self.order, known_keys())], ["wang", "li"])

    def test_the_checkpoint_and_its_signature(self):
        self.assertEqual(self.block("qddex/"), self.text)
        self.assertEqual(self.hex_blocks[0], self.text.encode())
        self.assertEqual(self.hex_blocks[1], self.signature)
        self.assertEqual(self.block("— qddex"), self.note.decode().rpartition("\n\n")[2])
        for record in RECORDS:
            self.assertIn(f"`{formats.leaf_hash(record).hex()}`", ONE_PUSH)
        self.assertIn(f"`{formats.Frontier(RECORDS).root().hex()}`", ONE_PUSH)
        self.assertIn(f"key id `{self.keys['qddex'].public.id.hex()}`", ONE_PUSH)

    def test_the_push_and_its_request(self):
        self.assertEqual(self.hex_blocks[2], self.body)
        self.assertIn(f"\n{len(self.body)} bytes, SHA-256 `{hashlib.sha256(self.body).hexdigest()}`", ONE_PUSH)
        self.assertIn(f"Content-Length: {len(self.body)}\n", self.block("POST /v1/feeds/qddex HTTP/1.1\n"))
        self.assertEqual(forms.read_message(self.body, repeated=(3,)),
                         {1: 1, 3: RECORDS, 4: self.note})

    def test_the_example_pusher_gives_the_same_bytes(self):
        self.assertEqual(forms.Frontier(RECORDS).root(), formats.Frontier(RECORDS).root())
        self.assertEqual(self.keys["qddex"].sign(self.text).encode(), self.note)
        body = forms.field_number(1, 1) + b"".join(forms.field_always(3, record) for record in RECORDS)
        self.assertEqual(body + forms.field_bytes(4, self.note), self.body)

    def test_the_receipt_proves_the_push_entry(self):
        receipt = self.block("c2sp.org/tlog-proof")
        key = genesis()[1]["ledger_key"]
        self.assertEqual(formats.verify_receipt(receipt.encode(), key), (4, 5, self.entries[4]))
        self.assertEqual(self.hex_blocks[3], self.entries[4])
        entry, index, note = forms.open_receipt(receipt, self.keys[key.name].public)
        self.assertEqual(note.split("\n")[2], base64.b64encode(formats.Frontier(self.entries).root()).decode())
        tally = forms.check_push_entry(entry, index, "qddex", 1, self.keys["qddex"].public, self.text)
        self.assertEqual(tally, {1: 2})
        for place in range(len(entry)):
            changed = entry[:place] + bytes([entry[place] ^ 1]) + entry[place + 1:]
            with self.assertRaises(forms.Stop):
                forged = receipt.replace(base64.b64encode(entry).decode(), base64.b64encode(changed).decode())
                forms.open_receipt(forged, self.keys[key.name].public)

    def test_nothing_in_the_chapter_is_left_unchecked(self):
        """Each long word of hex is one of those above."""
        hashes = [formats.leaf_hash(leaf) for leaf in [*self.entries, *RECORDS]]
        known = [data.hex() for data in [*self.hex_blocks, *RECORDS, *hashes, hashlib.sha256(self.body).digest(),
                                         formats.Frontier(RECORDS).root(), self.SECRETS["qddex"]]]
        known += [self.ledger_id, str(formats.decode("entry", self.entries[4])["time_us"])]
        for word in re.findall(r"\b[0-9a-f]{16,}\b", ONE_PUSH):
            self.assertTrue(any(word in digits for digits in known), word)
        self.assertEqual(len(self.hex_blocks), 4)
        self.assertEqual(len(self.blocks), 4 + 5)


if __name__ == "__main__":
    unittest.main()
