"""Limits that only whole programs have: of the client's files, answers and pushes."""
import http.client
import os
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, Proxy, World, check, records, trade, write_csv

FILE_SIZE_MAX = 2 << 20         # CLIENT_FILE_SIZE_MAX
ANSWER_SIZE_MAX = 8 << 20       # CLIENT_ANSWER_SIZE_MAX
PUSH_RECORDS = 10000            # CLIENT_PUSH_RECORDS
PUSH_RECORDS_MAX = 65536
RELATE_TRADES_MAX = 100000
OPEN_BODY_MAX = 1 << 20         # HTTP_FEED_OPEN_BODY_MAX


class Bounds(FlowTest):
    settings = {"feed": {"open": "yes"}}

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.world.license("sddex")
        cls.world.grant("bureau", "venue:sddex")

    def test_files_of_the_client(self):
        """One more byte than it reads is refused as such; up to there it is looked at, and found to be no note."""
        for size in (FILE_SIZE_MAX - 1, FILE_SIZE_MAX, FILE_SIZE_MAX + 1):
            self.world.write("large.order", b"x" * size)
            result = self.world.client("order", "show", "large.order")
            self.assertNotEqual(result.code, 0, result)
            self.assertEqual("bytes" in result.err and str(FILE_SIZE_MAX) in result.err, size > FILE_SIZE_MAX, result)

    def test_answers_to_the_client(self):
        """JSON padded with blanks is JSON as long as the client takes it."""
        size = 0

        def pad(_method, path, answer):
            if path.startswith("/v1/policies"):
                answer.body += b" " * (size - len(answer.body))
            return answer
        with Proxy(self.world, self.world.addresses["public"], pad) as address:
            for size in (ANSWER_SIZE_MAX - 1, ANSWER_SIZE_MAX, ANSWER_SIZE_MAX + 1):
                result = self.world.client("policies", "--server", "https://" + address, token="bureau")
                self.assertEqual(result.code == 0, size <= ANSWER_SIZE_MAX, result)

    def test_bytes_of_one_push(self):
        """By itself the client makes pushes that a listener without client certificates takes."""
        rows = [trade(f"size-{i}", product_name="x" * 200) for i in range(4000)]
        write_csv(self.world.path("many.csv"), rows)
        before = self.world.size()
        self.assertGreater(sum(len(wire.encode_record(row)) for row in rows), OPEN_BODY_MAX)
        result = check(self.world.client("push", "sddex", "many.csv", "--key", "sddex.key", "--json", token="venue:sddex"))
        self.assertGreaterEqual(result.json()["new"], len(rows))
        self.assertGreaterEqual(self.world.size() - before - len(rows), 2)

    def test_a_body_of_an_open_feed_listener(self):
        new = records("open", 1)
        base = len(self.feed.body(new, checkpoint=b"x"))
        self.assertLess(base, OPEN_BODY_MAX)
        for size in (OPEN_BODY_MAX - 1, OPEN_BODY_MAX, OPEN_BODY_MAX + 1):
            try:
                status = self.world.feed.push("qddex", b"\xff" * size).status
            except OSError:
                status = "cut"
            self.assertIn(status, (413, "cut") if size > OPEN_BODY_MAX else (400,))


class Rows(unittest.TestCase):
    def test_rows_of_one_push(self):
        """Where bytes don't matter, for the client has a certificate, its pushes have so many records."""
        with World(start=False, feed={"client_ca": "ca.pem"}) as world:
            both = world.make_client_certificate()
            world.start()
            world.license("qddex")
            world.grant("venue:qddex")
            begun = 0
            for count, pushes in ((PUSH_RECORDS - 1, 1), (PUSH_RECORDS, 1), (PUSH_RECORDS + 1, 2)):
                write_csv(world.path("rows.csv"), [trade(f"r-{i}") for i in range(begun, begun + count)])
                begun += count
                before = world.size()
                check(world.client("push", "qddex", "rows.csv", "--key", "qddex.key", "--cert", both, token="venue:qddex"))
                self.assertEqual(world.size() - before - count, pushes)


class Relate(FlowTest):
    """What one order may file anew: trades by the hundred thousand."""

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")

    def push_trades(self, supplier, buyer, first, count):
        """Made from one that was encoded once: only the number differs, and has always as many digits."""
        pattern = wire.encode_record(trade("T-0000000", supplier, buyer))
        for begin in range(first, first + count, PUSH_RECORDS_MAX):
            self.feed.push([pattern.replace(b"T-0000000", b"T-%07d" % number)
                            for number in range(begin, min(begin + PUSH_RECORDS_MAX, first + count))])

    def test_past_trades_that_one_relation_files_anew(self):
        first, second, third = FIRMS[:3]
        self.world.register([(code, "甲", ["default"]) for code in (first, second, third)])
        self.push_trades(first, second, 0, RELATE_TRADES_MAX - 1)
        self.push_trades(first, third, RELATE_TRADES_MAX, 2)
        pairs = [wire.item_relate(first, code, "5a" * 16) for code in (second, third)]
        note = self.world.make_order("enterprise.relate", items=pairs)
        problem = self.assert_refused(self.world.public.order(note, pairs), 422, "refused")
        self.assertIn(str(RELATE_TRADES_MAX + 1), problem["detail"])
        self.push_trades(first, second, RELATE_TRADES_MAX * 2, 1)
        self.assertGreaterEqual(self.world.relate((first, second))["effects"], 1)


class Map(unittest.TestCase):
    def test_a_data_file_that_shrinks_under_the_daemon_ends_it(self):
        """Reading a page that is gone raises a signal; it ends the daemon with a line that says so, at once."""
        with World() as world:
            world.license("qddex").push(records("gone", 5))
            world.grant("bureau")
            os.truncate(world.path("data", "data.mdb"), 0)
            with self.assertRaises((OSError, http.client.HTTPException)):
                world.get("/v1/feeds/qddex", "bureau")
            world.finish(9)
            self.assertIn("SIGBUS", world.log().splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
