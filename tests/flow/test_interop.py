"""A pusher that was written from FORMAT.md alone (tests/interop/push.py) against the real daemon."""
import base64
import json
import os
import re
import sys

from tests.flow import wire
from tests.flow.harness import ROOT, FlowTest, Proxy, check, in_days, refund, run, trade, write_csv

PUSHER = os.path.join(ROOT, "tests", "interop", "push.py")
REFUSED, MISUSED, CONTRADICTED, UNREACHED = 1, 2, 3, 4


class Venue(FlowTest):
    """One venue with its key, and the pusher."""

    venue = None
    key_options = ()

    @classmethod
    def prepare(cls):
        cls.serial = 0
        vkey = cls.world.new_key(cls.venue, f"{cls.venue}.key", *cls.key_options)
        cls.world.order("venue.license", {"venue": cls.venue, "name": "示例", "keys": [vkey]})
        cls.world.grant(f"venue:{cls.venue}")
        cls.push_ok([trade("first-1"), refund("back-1", "first-1"), trade("first-2", broker="91370202000000019Q")])

    @classmethod
    def push(cls, rows, *options, server=None, state="state-push", name="rows.csv"):
        """One run of the pusher."""
        path = cls.world.path(name)
        if name.endswith(".csv"):
            write_csv(path, rows)
        else:
            cls.world.write(name, json.dumps(rows, ensure_ascii=False) if name.endswith(".json") else
                             "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return run([sys.executable, PUSHER, cls.venue, path, "--server", server or cls.world.addresses["feed"],
                    "--ca", cls.world.path("ca.pem"), "--key", cls.world.path(f"{cls.venue}.key"),
                    "--state", cls.world.path(state), "--attempts", "3", *options], cls.world.folder, cls.world.env)

    @classmethod
    def push_ok(cls, rows, *options, **places):
        return check(cls.push(rows, *options, **places)).json()

    def next_trade(self, **changes):
        type(self).serial += 1
        return trade(f"next-{self.serial}", **changes)

    def feed(self):
        return self.world.get_json(f"/v1/feeds/{self.venue}", f"venue:{self.venue}")

    @classmethod
    def state(cls, *names, folder="state-push"):
        return cls.world.path(folder, *names)

    def through(self, change):
        """A proxy that changes answers to pushes."""
        def change_push(method, path, answer):
            return change(answer) if method == "POST" else answer
        return Proxy(self.world, self.world.addresses["feed"], change_push)


class Pushes:
    """What one venue does from its first push on; the kind of key is the only difference."""

    def test_the_records_are_the_bytes_of_the_other_encoders(self):
        row = self.next_trade(supplier_name="甲", buyer_name="乙", related_declared="yes", other_subsidy="not_stated",
                              instalment="12", invoice_no="25372000000012345678;370020013012345678")
        size = self.push_ok([row])["feed_size"]
        held = self.world.get_json(f"/v1/feeds/{self.venue}/records?from={size - 1}", f"venue:{self.venue}")
        self.assertEqual(base64.b64decode(held["records"][0]["record"]), wire.encode_record(row))

    def test_what_is_held_is_skipped_and_the_next_push_is_taken(self):
        rows = [self.next_trade(), self.next_trade()]
        before = self.feed()["size"]
        self.assertEqual(self.push_ok(rows), {"new": 2, "held": 0, "feed_size": before + 2, "dispositions": {"1": 2}})
        self.assertEqual(self.push_ok(rows), {"new": 0, "held": 2, "feed_size": before + 2, "dispositions": {}})
        rows.append(self.next_trade())
        self.assertEqual(self.push_ok(rows, name="rows.jsonl")["new"], 1)
        rows.append(self.next_trade())
        self.assertEqual(self.push_ok(rows, name="rows.json")["new"], 1)
        self.assertEqual(self.feed()["size"], before + 4)

    def test_the_kept_receipts_verify_by_another_verifier(self):
        names = sorted(os.listdir(self.state("receipts")))
        self.assertTrue(names)
        for name in names:
            with open(self.state("receipts", name), encoding="utf-8") as file:
                leaf, _, _ = wire.verify_receipt(file.read(), self.world.ledger_key)
            push = wire.message_dict(wire.message_dict(leaf)[9])
            self.assertEqual(push[2], self.venue.encode())
            self.assertEqual(name, f"{push.get(4, 0):010}-{push.get(4, 0) + push[5]:010}.tlog-proof")

    def test_a_lost_answer_is_mended_by_the_same_bytes(self):
        before = self.feed()["size"]
        row = self.next_trade()
        with self.through(lambda answer: None) as server:
            self.assert_code(self.push([row], "--attempts", "1", server=server), UNREACHED)
        with open(self.state("pending"), "rb") as file:
            body = file.read()
        self.assertEqual(self.feed()["size"], before + 1, "the push had reached the ledger")
        self.assertIn(wire.encode_record(row), body)
        result = check(self.push([row]))
        self.assertEqual(result.json(), {"new": 0, "held": 1, "feed_size": before + 1, "dispositions": {"1": 1}})
        self.assertIn("interrupted", result.err)
        self.assertFalse(os.path.exists(self.state("pending")))

    def test_a_busy_ledger_is_waited_for(self):
        answers = []

        def busy_twice(answer):
            answers.append(answer.status)
            if len(answers) > 2:
                return answer
            answer.status = (429, 503)[len(answers) - 1]
            answer.headers = {"Content-Type": "application/problem+json", "Retry-After": "0"}
            answer.body = b'{"type":"urn:subsidy:error:feed_busy","title":"busy","status":429}'
            return answer

        with self.through(busy_twice) as server:
            result = check(self.push([self.next_trade()], server=server))
        self.assertEqual((answers, result.json()["new"]), ([200, 200, 200], 0))
        self.assertEqual(result.err.count("waiting 0 s: busy"), 2)

    def test_a_refused_record_names_its_row_and_uses_nothing_up(self):
        before = self.feed()["size"]
        bad = self.next_trade(settled_on=in_days(2))
        result = self.push([self.next_trade(), bad])
        self.assert_code(result, REFUSED)
        self.assertIn("row 3: settled_on: ", result.err)
        self.assertEqual(self.feed()["size"], before)
        self.assertFalse(os.path.exists(self.state("pending")))
        self.assertEqual(self.push_ok([dict(bad, settled_on="2025-06-01")])["feed_size"], before + 1)

    def test_faults_of_the_file_come_at_once_and_nothing_is_sent(self):
        before = self.feed()["size"]
        result = self.push([self.next_trade(amount="1,200"), self.next_trade(product_kind="film"), self.next_trade()])
        self.assert_code(result, REFUSED)
        self.assertIn("row 2: amount: '1,200'", result.err)
        self.assertIn("row 3: product_kind: 'film'", result.err)
        self.assertEqual(self.feed()["size"], before)

    def test_a_changed_row_is_never_signed(self):
        row = self.next_trade()
        before = self.push_ok([row])["feed_size"]
        result = self.push([dict(row, amount="107.00")])
        self.assert_code(result, REFUSED)
        self.assertIn("refund it in full", result.err)
        self.assertEqual(self.feed()["size"], before)

    def test_a_repeated_number_is_pushed_with_a_warning(self):
        row = self.next_trade()
        result = check(self.push([row, dict(row, amount="107.00")]))
        self.assertEqual(result.json()["dispositions"], {"1": 1, "2": 1})
        self.assertIn("row 3 repeats the number of row 2", result.err)

    def test_many_rows_go_in_several_pushes(self):
        rows = [self.next_trade() for _ in range(7)]
        receipts = len(os.listdir(self.state("receipts")))
        self.assertEqual(self.push_ok(rows, "--batch", "3")["new"], 7)
        self.assertEqual(len(os.listdir(self.state("receipts"))), receipts + 3)

    def test_another_ledger_is_noticed_at_the_door(self):
        other = wire.Key("ledger.example/flow", bytes(range(32))).vkey()
        self.assert_code(self.push([self.next_trade()], "--ledger-key", other), CONTRADICTED)
        self.push_ok([self.next_trade()], "--ledger-key", self.world.ledger_key.vkey())
        with open(self.state("ledger.json"), encoding="utf-8") as file:
            pinned = file.read()
        self.world.write("state-push/ledger.json", pinned.replace(self.world.ledger_id, "0123456789abcdef"))
        try:
            self.assert_code(self.push([self.next_trade()]), CONTRADICTED)
        finally:
            self.world.write("state-push/ledger.json", pinned)


class Receipts:
    """Receipts that are not what they should be: found, kept as evidence, and the push stays pending."""

    def tampered(self, change, problem):
        """`change` gets and gives the JSON of the answer."""
        def change_answer(answer):
            answer.body = json.dumps(change(answer.json())).encode()
            return answer

        row = self.next_trade()
        with self.through(change_answer) as server:
            result = self.push([row], server=server)
        self.assert_code(result, CONTRADICTED)
        self.assertIn(problem, result.err)
        evidence = re.search(r"the answer is in (\S+) ", result.err)[1]
        self.assertTrue(os.path.exists(evidence) and os.path.exists(self.state("pending")))
        # The true answer to the same bytes mends it.
        self.assertEqual(self.push_ok([row])["held"], 1)

    def lines(self, place, change):
        """Changes one line of the receipt."""
        def change_answer(answer):
            lines = answer["receipt"].split("\n")
            lines[place] = change(lines[place])
            return dict(answer, receipt="\n".join(lines))
        return change_answer

    def test_a_flipped_entry(self):
        def flip(line):
            data = bytearray(base64.b64decode(line[6:]))
            data[-1] ^= 1
            return "extra " + base64.b64encode(data).decode()
        self.tampered(self.lines(1, flip), "does not lead to its checkpoint")

    def test_another_index(self):
        self.tampered(self.lines(2, lambda line: "index 0"), "does not lead to its checkpoint")

    def test_a_missing_hash(self):
        def cut(answer):
            head, note = answer["receipt"].split("\n\n", 1)
            lines = head.split("\n")
            return dict(answer, receipt="\n".join(lines[:-1]) + "\n\n" + note)
        self.tampered(cut, "does not lead to its checkpoint")

    def test_a_checkpoint_of_another_size(self):
        def grow(answer):
            head, note = answer["receipt"].split("\n\n", 1)
            lines = note.split("\n")
            lines[1] = str(int(lines[1]) + 1)
            return dict(answer, receipt=head + "\n\n" + "\n".join(lines))
        self.tampered(grow, "does not verify")

    def test_a_signature_by_another_key(self):
        def sign(answer):
            head, note = answer["receipt"].split("\n\n", 1)
            text, _ = wire.split_note(note.encode())
            forged = wire.sign_note(text, wire.Key(self.world.origin, bytes(range(32))))
            return dict(answer, receipt=head + "\n\n" + forged.decode())
        self.tampered(sign, "no signature by")

    def test_a_true_receipt_of_another_push(self):
        first = sorted(os.listdir(self.state("receipts")))[0]
        with open(self.state("receipts", first), encoding="utf-8") as file:
            receipt = file.read()
        self.tampered(lambda answer: dict(answer, receipt=receipt), "another checkpoint than the one that was signed")

    def test_no_receipt(self):
        self.tampered(lambda answer: {key: value for key, value in answer.items() if key != "receipt"}, "no receipt")

    def test_a_gap_below_what_receipts_prove(self):
        def lose(answer):
            answer.status = 409
            answer.body = json.dumps({"type": "urn:subsidy:error:feed_gap", "title": "gap", "status": 409,
                                      "detail": "start lies beyond", "next": 0}).encode()
            return answer

        row = self.next_trade()
        with self.through(lose) as server:
            self.assert_code(self.push([row], server=server), CONTRADICTED)
        self.assertEqual(self.push_ok([row])["held"], 1)


class FromTheBooks(Venue):
    venue = "gapdex"

    def test_pushes_from_where_the_ledger_ends(self):
        """A folder made again from the venue's own books holds more than the ledger, and no receipts."""
        os.makedirs(self.state(folder="state-books"))
        own = self.world.get_json(f"/v1/feeds/{self.venue}/records?from=0", f"venue:{self.venue}")["records"]
        held = [base64.b64decode(record["record"]) for record in own]
        more = [self.next_trade(), self.next_trade()]
        records = held + [wire.encode_record(row) for row in more]
        self.world.write("state-books/records",
                         b"".join(len(record).to_bytes(4, "big") + record for record in records))
        last = self.next_trade()
        answer = self.push_ok(more + [last], state="state-books")
        self.assertEqual((answer["new"], answer["held"], answer["feed_size"]), (3, 2, len(records) + 1))
        receipts = os.listdir(self.state("receipts", folder="state-books"))
        self.assertEqual(receipts, [f"{len(held):010}-{len(records) + 1:010}.tlog-proof"])


class Ed25519(Pushes, Receipts, Venue):
    venue = "qddex"


class Sm2(Pushes, Receipts, Venue):
    venue = "sddex"
    key_options = ("--type", "sm2")
