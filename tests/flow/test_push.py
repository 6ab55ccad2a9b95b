"""Pushes by a hostile or unlucky hand: each is refused with its reason and changes nothing; an honest venue goes on."""
import base64
import http.client
import os
import random
import subprocess
import threading
import unittest

from tests.flow import wire
from tests.flow.harness import (CLIENT, FIRMS, FlowTest, Proxy, World, check, in_days, records, refund, trade,
                                wait_until, write_csv)

PUSH_RECORDS_MAX = 65536
FLIPS = 120


class Hostile(FlowTest):
    """One venue is honest throughout; whatever else comes to its feed, its next push is taken."""

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.other = cls.world.license("sddex")
        cls.feed.push(records("begin", 5))
        cls.serial = 0

    def new(self, count=1):
        """Records nobody has pushed yet."""
        type(self).serial += 1
        return records(f"n{self.serial}", count)

    def setUp(self):
        self.size = self.world.size()

    def tearDown(self):
        """After whatever a test sent, an honest push enters."""
        self.assertEqual(self.feed.push(self.new())["new"], 1)

    def refused(self, body, status, problem, venue="qddex", query=""):
        answer = self.world.feed.push(venue, body, query)
        self.assert_refused(answer, status, problem)
        self.assertEqual(self.world.size(), self.size, "a refused push has changed the ledger")
        return answer.json()

    def conflict(self, body):
        """Refused, and kept by one entry: the next of the ledger."""
        answer = self.world.feed.push("qddex", body)
        self.assert_refused(answer, 409, "feed_conflict")
        self.assertEqual(answer.json()["evidence"], self.size)
        self.assertEqual(self.world.size(), self.size + 1)
        return answer.json()

    def test_a_receipt_proves_the_push_entry(self):
        new = self.new(3)
        answer = self.feed.push(new)
        leaf, index, size = wire.verify_receipt(answer["receipt"], self.world.ledger_key)
        entry = wire.message_dict(leaf)
        push = wire.message_dict(entry[9])
        self.assertEqual(index, answer["push"]["index"])
        self.assertEqual(size, answer["ledger_size"])
        self.assertEqual((push[2], push[3], push[5]), (b"qddex", 1, 3))
        self.assertEqual(push[4], len(self.feed.records) - 3)
        self.assertEqual(push[6], index - 3)
        text, _ = wire.split_note(push[7])
        self.assertEqual(text, wire.checkpoint_text(self.feed.origin, self.feed.tree.size, self.feed.tree.root()))
        self.assertEqual([wire.message_dict(value) for number, value in wire.fields(entry[9]) if number == 8],
                         [{1: 1, 2: 3}])
        self.assertEqual(push[9], wire.sha256(b"\1\1\1"))
        self.assertEqual(answer["push"]["dispositions"], {"counted": 3})

    def test_a_retry_is_the_same_receipt(self):
        new = self.new(4)
        body = self.feed.body(new)
        first = self.world.feed.push("qddex", body)
        self.feed.accept(new)
        size = self.world.size()
        for _ in range(3):
            again = self.world.feed.push("qddex", body)
            self.assertEqual(again.status, 200, again)
            self.assertEqual((again.json()["new"], again.json()["held"]), (0, 4))
            self.assertEqual(again.json()["push"], first.json()["push"])
            self.assertEqual(again.json()["receipt"], first.json()["receipt"])
        self.assertEqual(self.world.size(), size)

    def test_a_retry_signed_by_another_text_of_the_same_note_is_a_retry(self):
        """Equality means note text: whoever signs again gets the receipt of the first."""
        new = self.new(2)
        start = len(self.feed.records)
        first = self.feed.push(new)
        tree = self.feed.tree
        text = wire.checkpoint_text(self.feed.origin, tree.size, tree.root())
        note = wire.sign_note(text, self.feed.key, wire.Key("stranger", bytes(32)))
        again = self.world.feed.push("qddex", wire.push_body(start, new, note))
        self.assertEqual(again.status, 200, again)
        self.assertEqual(again.json()["push"], first["push"])

    def test_overlaps_are_compared_and_the_rest_is_appended(self):
        held = len(self.feed.records)
        new = self.new(3)
        whole = self.world.feed.push("qddex", self.feed.body(self.feed.records[1:], start=1))
        self.assertEqual(whole.status, 200, whole)
        self.assertEqual((whole.json()["new"], whole.json()["held"]), (0, held - 1))
        part = self.world.feed.push("qddex", self.feed.body(self.feed.records[2:] + new, start=2))
        self.assertEqual(part.status, 200, part)
        self.assertEqual((part.json()["new"], part.json()["held"]), (3, held - 2))
        self.assertEqual((part.json()["push"]["start"], part.json()["push"]["count"]), (held, 3))
        self.feed.accept(new)
        self.assertEqual(self.world.size(), self.size + 4)

    def test_a_gap_names_the_next_record(self):
        held = len(self.feed.records)
        skipped, new = self.new(2), self.new(2)
        body = self.feed.body(new, start=held + 2, held=self.feed.records + skipped)
        self.assertEqual(self.refused(body, 409, "feed_gap")["next"], held)

    def test_another_past_is_a_conflict_and_what_is_held_stays(self):
        other = self.new(2)
        body = self.feed.body(other, start=len(self.feed.records) - 2)
        answer = self.conflict(body)
        self.assertEqual(answer["size"], len(self.feed.records))
        self.assertEqual(base64.b64decode(answer["root"]), self.feed.tree.root())
        self.assertEqual([base64.b64decode(digest) for digest in answer["frontier"]], self.feed.tree.hashes)

    def test_a_conflict_may_hide_behind_an_equal_beginning(self):
        held = self.feed.records
        body = self.feed.body(held[-3:-1] + self.new(1) + self.new(2), start=len(held) - 3)
        self.conflict(body)

    def test_a_genuine_note_over_other_records_is_a_root_mismatch(self):
        signed, sent = self.new(2), self.new(2)
        tree = self.feed.tree.copy()
        for record in signed:
            tree.add(record)
        note = wire.feed_note(self.feed.key, self.feed.origin, tree)
        answer = self.refused(wire.push_body(len(self.feed.records), sent, note), 422, "root_mismatch")
        self.assertEqual(base64.b64decode(answer["root"]), self.feed.tree.root())
        self.assertEqual(answer["size"], len(self.feed.records))

    def test_an_old_genuine_note_over_old_other_records_is_a_root_mismatch(self):
        """Someone who holds a genuine note can't stop the venue with it."""
        tree = wire.Tree(self.feed.records[:3])
        note = wire.feed_note(self.feed.key, self.feed.origin, tree)
        self.refused(wire.push_body(2, self.new(1), note), 422, "root_mismatch")

    def test_a_size_that_is_not_start_plus_records(self):
        new = self.new(2)
        tree = self.feed.tree.copy()
        for record in new:
            tree.add(record)
        for size in (0, len(self.feed.records), tree.size - 1, tree.size + 1):
            note = wire.sign_note(wire.checkpoint_text(self.feed.origin, size, tree.root()), self.feed.key)
            self.refused(wire.push_body(len(self.feed.records), new, note), 422, "size_mismatch")

    def test_the_same_records_in_another_order(self):
        new = self.new(3)
        tree = self.feed.tree.copy()
        for record in new:
            tree.add(record)
        note = wire.feed_note(self.feed.key, self.feed.origin, tree)
        self.refused(wire.push_body(len(self.feed.records), new[::-1], note), 422, "root_mismatch")

    def test_keys_that_are_not_the_venues(self):
        new = self.new()
        stranger = wire.Key("qddex", b"\7" * 32)
        self.refused(self.feed.body(new, key=stranger), 403, "unknown_key")
        self.refused(self.feed.body(new, key=self.other.key), 403, "unknown_key")
        self.refused(self.feed.body(new, key=self.world.officers["zhang"]), 403, "unknown_key")
        self.refused(self.feed.body(new, key=self.world.ledger_key), 403, "unknown_key")

    def test_a_forged_signature_under_the_right_name_and_id(self):
        new = self.new()
        tree = self.feed.tree.copy()
        tree.add(new[0])
        text = wire.checkpoint_text(self.feed.origin, tree.size, tree.root())
        forger = wire.Key("qddex", b"\7" * 32)
        note = text + b"\n" + forger.line(text, key_id=self.feed.key.id)
        self.refused(wire.push_body(len(self.feed.records), new, note), 403, "bad_signature")

    def test_a_signature_over_another_text(self):
        new = self.new()
        tree = self.feed.tree.copy()
        tree.add(new[0])
        text = wire.checkpoint_text(self.feed.origin, tree.size, tree.root())
        line = self.feed.key.line(wire.checkpoint_text(self.feed.origin, tree.size - 1, tree.root()))
        self.refused(wire.push_body(len(self.feed.records), new, text + b"\n" + line), 403, "bad_signature")

    def test_notes_that_are_none(self):
        new = self.new()
        for note in (b"hello", b"\n", b"a\n\n", self.feed.origin.encode() + b"\n1\n\n"):
            self.refused(wire.push_body(len(self.feed.records), new, note), 422, "bad_note")

    def test_pushes_of_other_venues_and_other_feeds(self):
        new = self.new()
        self.refused(self.feed.body(new, origin=self.other.origin), 422, "wrong_origin")
        for generation in (0, 2):
            origin = f"qddex/{self.world.ledger_id}/{generation}"
            self.refused(self.feed.body(new, origin=origin), 422, "wrong_origin")
        self.refused(self.feed.body(new, key=self.other.key), 422, "wrong_origin", venue="sddex")
        self.refused(self.feed.body(new), 403, "unknown_key", venue="sddex")
        self.refused(self.feed.body(new), 403, "unknown_venue", venue="nobody")

    def test_a_push_of_another_ledger(self):
        """The same venue, the same key, a ledger made from other random bytes: its pushes are not for here."""
        new = self.new()
        body = self.feed.body(new, origin="qddex/0123456789abcdef/1")
        self.refused(body, 422, "wrong_origin")

    def test_a_second_pusher_with_the_same_key(self):
        """Two machines with one key: the first push wins, the other learns what is held and goes on from there."""
        mine, theirs = self.new(2), self.new(2)
        losing = self.feed.body(theirs)
        self.feed.push(mine)
        self.size = self.world.size()
        answer = self.conflict(losing)
        self.assertEqual(answer["size"], len(self.feed.records))
        self.feed.push(theirs)

    def test_empty_and_broken_messages(self):
        new = self.new()
        self.refused(self.feed.body([]), 422, "empty_push")
        body = self.feed.body(new)
        for broken in (b"", body[:-1], body[:40], b"\xff" * 64, body + b"\x01", b"\0" * 100, b"{}",
                       body + wire.field(2, len(self.feed.records)), body + wire.field(9, 1),
                       wire.push_body(len(self.feed.records), new, self.feed.body(new), version=2)):
            self.refused(broken, 400, "malformed")

    def test_records_that_are_not_canonical(self):
        row = trade(f"canonical-{self.serial}")
        good = wire.encode_record(row)
        inner = wire.encode_trade(row)
        bad = {
            "an unknown field": good + wire.field(31, 1),
            "the version twice": wire.field(1, 1) + good,
            "a field twice": wire.field(1, 1) + wire.element(2, inner + wire.field(21, 1)),
            "a long varint": b"\x08\x81\x00" + wire.element(2, inner),
            "descending fields": wire.element(2, inner) + wire.field(1, 1),
            "a cut message": good[:-1],
            "an empty record": b""}
        for what, record in bad.items():
            with self.subTest(what):
                answer = self.refused(self.feed.body([good, record]), 422, "invalid_records")
                self.assertEqual({error["index"] for error in answer["errors"]}, {len(self.feed.records) + 1})

    def test_every_wrong_record_is_named(self):
        """Nothing is stored, and every fault of every record is told by its place in the feed."""
        start = len(self.feed.records)
        rows = [trade("ok-1"), trade("bad-1", tax="106.00"), trade("bad-2", settled_on="2025-05-04"),
                trade("bad-3", supplier=FIRMS[0][:-1] + "0", voucher_no="a b"), trade("bad-4", settled_on=in_days(2)),
                refund("bad-5", "x", occurred_on="2025-02-30")]
        answer = self.refused(self.feed.body([wire.encode_record(row) for row in rows]), 422, "invalid_records")
        named = {(error["index"] - start, error["field"]) for error in answer["errors"]}
        self.assertEqual(named, {(1, "tax"), (2, "settled_on"), (3, "supplier"), (3, "voucher_no"),
                                 (5, "occurred_on")})
        self.assertEqual(answer["error_count"], 5)
        future = self.refused(self.feed.body([wire.encode_record(trade("ahead", settled_on=in_days(2)))]), 422,
                              "invalid_records")
        self.assertEqual([error["field"] for error in future["errors"]], ["settled_on"])

    def test_a_check_stores_nothing(self):
        new = self.new(2)
        start = len(self.feed.records)
        tree = self.feed.tree.copy()
        for record in new:
            tree.add(record)
        answer = self.world.feed.push("qddex", wire.push_body(start, new, b""), "?check=1")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["checked"], 2)
        self.assertEqual(answer.json()["size"], tree.size)
        self.assertEqual(base64.b64decode(answer.json()["root"]), tree.root())
        self.assertEqual(self.world.size(), self.size)
        self.refused(wire.push_body(start + 1, new, b""), 409, "feed_gap", query="?check=1")
        self.refused(wire.push_body(start - 1, new, b""), 409, "feed_conflict", query="?check=1")

    def test_a_flipped_bit_anywhere_is_refused(self):
        """Of a push that would be taken, any one bit is changed: nothing of it ever enters."""
        new = self.new(2)
        body = self.feed.body(new)
        chosen = random.Random(20250505).sample(range(len(body) * 8), FLIPS)
        # Bits that only the signature's own form decides are always among them: the note's last bytes.
        chosen += [(len(body) - 1 - i) * 8 for i in range(8)]
        for bit in chosen:
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            answer = self.world.feed.push("qddex", bytes(flipped))
            self.assertIn(answer.status, (400, 403, 409, 413, 422), (bit, answer))
            self.assertNotEqual(answer.problem(), "", (bit, answer))
        self.assertEqual(self.world.size(), self.size)
        self.assertEqual(self.world.feed.push("qddex", body).status, 200)
        self.feed.accept(new)

    def test_what_does_not_count_still_enters(self):
        rows = [trade("twin"), trade("twin", amount="212.00"), trade("self", buyer=FIRMS[0]),
                refund("early", "nothing"), refund("back", "twin", amount="53.00", tax="3.00"),
                refund("back", "twin", amount="1.00", tax="0.00"),
                refund("too-much", "twin", amount="54.00", tax="3.00")]
        answer = self.feed.push([wire.encode_record(row) for row in rows])
        self.assertEqual(answer["push"]["dispositions"], {
            "counted": 2, "duplicate_trade": 1, "self_trade": 1, "refund_unknown": 1, "duplicate_adjust": 1,
            "refund_exceeds": 1})

    def test_a_ledger_checkpoint_that_goes_along_is_compared_and_a_foreign_one_passed_over(self):
        old = self.world.public.get("/checkpoint").body
        forged = wire.checkpoint_text(self.world.origin, 10**6, bytes(32))
        stranger = wire.sign_note(forged, wire.Key(self.world.origin, bytes(32)))
        for checkpoint in (old, self.world.public.get("/checkpoint").body, b"junk", stranger):
            new = self.new()
            answer = self.world.feed.push("qddex", self.feed.body(new, checkpoint=checkpoint))
            self.assertEqual(answer.status, 200, answer)
            self.feed.accept(new)


class Large(FlowTest):
    """The largest push there is, and one more."""

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")

    def test_the_limit_of_records(self):
        many = records("m", PUSH_RECORDS_MAX)
        answer = self.feed.push(many)
        self.assertEqual((answer["new"], answer["feed_size"]), (PUSH_RECORDS_MAX, PUSH_RECORDS_MAX))
        size = self.world.size()
        new = records("t", PUSH_RECORDS_MAX + 1)
        refused = self.world.feed.push("qddex", wire.push_body(PUSH_RECORDS_MAX, new, b"x"))
        self.assert_refused(refused, 413, "too_many_records")
        self.assertEqual(self.world.size(), size)
        self.feed.push(records("after", 1))


class Crash(unittest.TestCase):
    """A daemon that is killed while it works, and a client that is killed while it waits."""

    def receipts_are_kept(self, world, feed, acknowledged):
        """Everything that was answered is there, once; what was not, entered whole or not at all."""
        held = world.get_json("/v1/feeds/qddex", "bureau")
        self.assertGreaterEqual(held["size"], acknowledged)
        stored, start = [], 0
        while start is not None:
            page = world.get_json(f"/v1/feeds/qddex/records?from={start}&limit=1000", "bureau")
            stored += [base64.b64decode(row["record"]) for row in page["records"]]
            start = page["next"]
        self.assertEqual(len(stored), held["size"])
        self.assertEqual(stored, feed.records[:len(stored)])
        self.assertEqual(base64.b64decode(held["root"]), wire.Tree(stored).root())

    def test_a_killed_daemon_keeps_what_it_acknowledged(self):
        with World() as world:
            feed = world.license("qddex")
            world.grant("bureau")
            acknowledged = 0
            for turn in range(4):
                stop = threading.Timer(0.15 + 0.1 * turn, world.process.kill)
                stop.start()
                try:
                    while True:
                        new = records(f"k{turn}-{len(feed.records)}", 40)
                        body = feed.body(new)
                        feed.accept(new)
                        answer = world.feed.push("qddex", body)
                        self.assertEqual(answer.status, 200, answer)
                        acknowledged = len(feed.records)
                except (OSError, http.client.HTTPException):
                    pass
                finally:
                    stop.cancel()
                world.kill()
                world.start()
                self.receipts_are_kept(world, feed, acknowledged)
                # The venue sends its last, unanswered push again.
                last = feed.records[-40:]
                again = wire.push_body(len(feed.records) - 40, last, wire.feed_note(feed.key, feed.origin, feed.tree))
                answer = world.feed.push("qddex", again)
                self.assertEqual(answer.status, 200, answer)
                wire.verify_receipt(answer.json()["receipt"], world.ledger_key)
                acknowledged = len(feed.records)
                self.receipts_are_kept(world, feed, acknowledged)
            self.assertGreater(acknowledged, 160)
            world.stop()
            check(world.daemon("verify", "-c", "subsidyd.conf"))

    def test_a_client_resumes_the_push_it_left_pending(self):
        with World() as world:
            world.license("qddex")
            world.grant("venue:qddex")
            rows = [trade(f"r-{i}") for i in range(60)]
            write_csv(world.path("rows.csv"), rows)
            pending = world.path("state", world.ledger_id, "qddex", "pending")
            # The push enters, its answer is lost, and the client is killed while it tries again.
            with Proxy(world, world.addresses["feed"], lambda method, path, answer: (
                    None if method == "POST" and "check" not in path else answer)) as address:
                client = subprocess.Popen(
                    [CLIENT, "push", "qddex", "rows.csv", "--key", "qddex.key"], cwd=world.folder,
                    env=dict(world.env, SUBSIDY_FEED="https://" + address), stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    wait_until(lambda: world.size() > 60, 30, "the push in the ledger")
                finally:
                    client.kill()
                    client.wait()
            self.assertTrue(os.path.exists(pending))
            size = world.size()
            result = check(world.client("push", "qddex", "rows.csv", "--key", "qddex.key", "--json"))
            self.assertEqual(world.size(), size, "the resumed push entered twice")
            self.assertEqual(result.json()["feed_size"], 60)
            self.assertFalse(os.path.exists(pending))
            again = check(world.client("push", "qddex", "rows.csv", "--key", "qddex.key", "--json")).json()
            self.assertEqual((again["new"], again["skipped"]), (0, 60))
            world.stop()
            check(world.daemon("verify", "-c", "subsidyd.conf"))


if __name__ == "__main__":
    unittest.main()
