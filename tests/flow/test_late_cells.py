"""Cells are stored later than the single pushes they follow from: nobody who reads sees it, and neither does a crash.

The daemon is killed before it was idle for long enough to store them; figures, replays and backups are those of the
entries all the same, each award fen for fen the oracle's.
"""
import os
import unittest

from tests import oracle
from tests.flow import wire
from tests.flow.harness import FIRMS, World, check, read_json, refund, trade

SINGLES = 12
ATTEMPTS = 10       # to look, or to kill, before the daemon is idle: a second
STATE = 13
FIRMS_USED = FIRMS[:4]


class Lagging:
    """A world whose venue pushes one record at a time, and the same as events for the oracle."""

    def __init__(self):
        self.world = World()
        try:
            self.prepare()
        except BaseException:
            self.world.close()
            raise

    def prepare(self):
        world = self.world
        self.feed = world.license("qddex")
        self.policy = dict(read_json("policy-flat.json"), venues=["qddex"], threshold=None)
        world.adopt(self.policy)
        world.register([(code, code, ["default"]) for code in FIRMS_USED])
        world.relate(sorted((FIRMS[0], FIRMS[3])))
        world.grant("bureau")
        self.events = [("register", code, code, ["default"]) for code in FIRMS_USED]
        self.events.append(("relate", *sorted((FIRMS[0], FIRMS[3]))))
        self.serial = 0
        self.push(*(self.trade() for _ in range(5)))

    def trade(self):
        i = self.serial
        self.serial += 1
        return trade(f"S-{i}", FIRMS_USED[i % 4], FIRMS_USED[(i + 1 + i // 4 % 3) % 4], amount=f"{1000 + 37 * i}.50",
                     tax="6.00", settled_on=f"2025-{5 + i % 4:02}-07",
                     related_declared="yes" if i % 5 == 0 else "no")

    def push(self, *rows):
        self.feed.push([wire.encode_record(row) for row in rows])
        self.events += oracle.feed_events("qddex", rows)

    def push_singles(self, count=SINGLES):
        for _ in range(count):
            self.push(self.trade())

    def head_row(self, folder="data"):
        row, = self.world.corrupt("get", "meta", b"head".hex(), folder=folder)
        return row

    def head(self, folder="data"):
        """Size, and how far the stored cells reach; of a stopped ledger."""
        row = bytes.fromhex(self.head_row(folder))
        return int.from_bytes(row[:8], "big"), int.from_bytes(row[8:16], "big")

    def kill_lagging(self):
        """Pushes and kills, until cells were lacking at the end of it; the head."""
        for _ in range(ATTEMPTS):
            self.push_singles()
            self.world.kill()
            size, folded = self.head()
            if folded < size:
                return size, folded
            self.world.start()
        raise AssertionError("the daemon was idle each time before it was killed, or room is short")

    def assert_figures(self, test):
        """Of each enterprise by itself, of the bureau's list, and of its overview."""
        wanted = oracle.oracle(None, self.policy, self.events)["enterprises"]
        listed = self.world.get_json("/v1/enterprises?limit=1000&sort=award&policy=" + self.policy["policy"], "bureau")
        test.assertEqual([row["code"] for row in listed["enterprises"]],
                         sorted(wanted, key=lambda code: (-wanted[code]["award_fen"], code)))
        overview, = self.world.get_json("/v1/overview", "bureau")["policies"]
        test.assertEqual(overview["award"], oracle.format_fen(sum(row["award_fen"] for row in wanted.values())))
        rows = {row["code"]: row["policies"][0] for row in listed["enterprises"]}
        for code in FIRMS_USED:
            figures = tuple(oracle.format_fen(wanted[code][key]) for key in ("volume_fen", "award_fen"))
            answer = self.world.enterprise(code)
            row = next(row for row in answer["policies"] if row["policy"] == self.policy["policy"])
            test.assertEqual((row["eligible_volume"], row["award"]), figures)
            test.assertEqual(rows[code]["award"], figures[1], rows[code])
            test.assertEqual(sum(month["not_counted"] for month in answer["months"]),
                             sum(month["not_counted"] for month in wanted[code]["months"]))

    def verify(self, *options):
        return self.world.daemon("verify", "-c", "subsidyd.conf", *options)


class LateCells(unittest.TestCase):
    def setUp(self):
        self.ledger = Lagging()
        self.world = self.ledger.world
        self.addCleanup(self.world.close)

    def test_a_crash_before_cells_are_stored(self):
        ledger, world = self.ledger, self.world
        for _ in range(3):
            ledger.kill_lagging()
            self.assertIn("verified", check(ledger.verify()).out)
            world.start()
            ledger.assert_figures(self)
        ledger.push(ledger.trade())
        ledger.push(refund("R-1", "S-1", amount="10.00", tax="1.00"))
        ledger.assert_figures(self)
        ledger.kill_lagging()
        check(ledger.verify())
        world.start()
        world.stop()
        check(ledger.verify())

    def test_a_clean_stop_stores_them(self):
        self.ledger.push_singles()
        self.ledger.assert_figures(self)
        self.world.stop()
        size, folded = self.ledger.head()
        self.assertEqual(folded, size)
        check(self.ledger.verify())
        self.world.start()
        self.ledger.assert_figures(self)

    def test_a_state_kept_of_a_lagging_ledger(self):
        """Goes on to one that lags more, to one that lags no more, and to one that lags again."""
        ledger, world = self.ledger, self.world
        size, _ = ledger.kill_lagging()
        check(ledger.verify("--keep", "kept"))
        self.assertIn(f"kept         {size} entries", check(ledger.verify("--from", "kept")).out)
        world.start()
        ledger.kill_lagging()
        check(ledger.verify("--from", "kept", "--keep", "kept"))
        world.start()
        ledger.push_singles()
        world.stop()
        check(ledger.verify("--from", "kept", "--keep", "kept"))
        world.start()
        ledger.kill_lagging()
        check(ledger.verify("--from", "kept"))

    def test_a_backup_of_a_lagging_ledger(self):
        ledger, world = self.ledger, self.world
        for i in range(ATTEMPTS):
            ledger.push_singles()
            name = f"b{i}"
            check(world.daemon("backup", "-c", "subsidyd.conf", name))
            size, folded = ledger.head(name)
            if folded < size:
                break
        self.assertLess(folded, size, "the daemon was idle each time before it was copied")
        for made in os.listdir(world.path(name)):
            self.assertIn(made, ("data.mdb", "checkpoint", "ledger.json", "lock.mdb"))
        self.assertEqual(size, world.size())
        world.kill()
        os.unlink(world.path("data", "data.mdb"))
        check(world.daemon("restore", "-c", "subsidyd.conf", name))
        self.assertEqual(ledger.head(), (size, folded))
        check(ledger.verify())
        world.start()
        ledger.assert_figures(self)
        ledger.push_singles()
        world.stop()
        check(ledger.verify())

    def test_a_wrong_word_of_what_cells_hold(self):
        """The head row says how far cells reach; one that was changed by hand is found."""
        ledger = self.ledger
        ledger.push(refund("R-1", "S-1", amount="10.00", tax="1.00"))
        size, folded = ledger.kill_lagging()
        row = ledger.head_row()
        check(ledger.verify())
        for wrong, text in ((folded + 2, "database cells: "), (size - 2, "database cells: "),
                            (size, "database cells: "), (folded - 2, "row head says that cells hold"),
                            (1, "row head says that cells hold"), (0, "row head says that cells hold")):
            with self.subTest(wrong=wrong):
                ledger.world.corrupt("put", "meta", b"head".hex(), row[:16] + wrong.to_bytes(8, "big").hex() + row[32:])
                self.assertEqual(ledger.head(), (size, wrong))
                result = ledger.verify()
                self.assertEqual(result.code, STATE, result)
                self.assertIn(text, result.out)
        ledger.world.corrupt("put", "meta", b"head".hex(), row[:16] + (size + 1).to_bytes(8, "big").hex() + row[32:])
        result = ledger.verify()
        self.assertEqual(result.code, STATE, result)
        self.assertIn("head", result.out)
        ledger.world.corrupt("put", "meta", b"head".hex(), row)
        check(ledger.verify())


if __name__ == "__main__":
    unittest.main()
