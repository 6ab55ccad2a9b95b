"""`subsidyd verify`: a good ledger passes, and one wrong row anywhere is found and named."""
import os
import random
import re
import shutil
import subprocess
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, check, read_json, records, refund, trade

# What verify may call the row: where everything hangs on one, it is not the database that is named.
ALSO_NAMED = {"entries": ("entry ",), "meta": ("head", "identity", "entry ", "quorums")}


class Verify(FlowTest):
    """A small ledger with at least one row in every database, stopped."""

    @classmethod
    def prepare(cls):
        world = cls.world
        qddex, sddex = world.license("qddex"), world.license("sddex")
        world.register([(code, f"第{i}家", ["default"]) for i, code in enumerate(FIRMS[:5])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "venue:qddex", FIRMS[0])
        qddex.push(records("v", 600))
        sddex.push([wire.encode_record(row) for row in (
            trade("s1", FIRMS[2], FIRMS[3]), refund("r1", "s1"), trade("s1", FIRMS[2], FIRMS[3]),
            trade("s2", FIRMS[3], FIRMS[3]), refund("r2", "nothing"))])
        world.relate((FIRMS[0], FIRMS[1]), (FIRMS[2], FIRMS[3]))
        world.feed.push("qddex", qddex.body(records("other", 1), start=599))
        cls.size = world.size()
        world.stop()
        cls.good = world.path("good")
        cls.copy(world.path("data"), cls.good)

    @staticmethod
    def copy(source, target):
        """With its holes: the data file is kept longer than its pages."""
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-r", "--sparse=always", source, target], check=True)

    def setUp(self):
        self.addCleanup(self.copy, self.good, self.world.path("data"))

    def verify(self):
        return self.world.daemon("verify", "-c", "subsidyd.conf")

    def assert_found(self, database, what):
        result = self.verify()
        self.assertEqual(result.code, 6, (database, what, result))
        names = (f"database {database}:",) + ALSO_NAMED.get(database, ())
        self.assertTrue(any(name in result.out for name in names), (database, what, result))
        self.assertIn("FAILED", result.out)
        self.assertNotIn("verified", result.out)

    def restore(self):
        self.copy(self.good, self.world.path("data"))

    def test_a_good_ledger_passes_and_is_counted(self):
        result = check(self.verify())
        self.assertIn(str(self.size), result.out)
        self.assertEqual(result.out.splitlines()[-1], "verified")

    def test_a_changed_byte_in_any_entry(self):
        keys = self.world.corrupt("keys", "entries")
        self.assertEqual(len(keys), self.size)
        chosen = random.Random(3)
        for index in [0, 1, 2, self.size // 2, self.size - 2, self.size - 1] + chosen.sample(range(self.size), 10):
            value, = self.world.corrupt("get", "entries", keys[index])
            place = chosen.randrange(len(value) // 2)
            self.world.corrupt("flip", "entries", keys[index], str(place))
            result = self.verify()
            self.assertEqual(result.code, 6, (index, place, result))
            # Here, or where the next entry no longer follows.
            found = re.search(r"entry (\d+)", result.out)
            self.assertIn(int(found.group(1)), (index, index + 1), (place, result))
            self.world.corrupt("put", "entries", keys[index], value)
        check(self.verify())

    def test_a_changed_row_in_each_database(self):
        for database in self.databases():
            keys = self.world.corrupt("keys", database)
            for key in {keys[0], keys[len(keys) // 2], keys[-1]}:
                value, = self.world.corrupt("get", database, key)
                for place in {0, len(value) // 2 - 1}:
                    with self.subTest(database=database, key=key, place=place):
                        self.world.corrupt("flip", database, key, str(place))
                        self.assert_found(database, (key, place))
                        self.world.corrupt("put", database, key, value)
        check(self.verify())

    def test_a_missing_row_in_each_database(self):
        for database in self.databases():
            key = self.world.corrupt("keys", database)[-1]
            value, = self.world.corrupt("get", database, key)
            with self.subTest(database=database, key=key):
                self.world.corrupt("delete", database, key)
                self.assert_found(database, key)
            self.world.corrupt("put", database, key, value)
        check(self.verify())

    def test_an_added_row_in_each_database(self):
        for database in self.databases():
            key = self.world.corrupt("keys", database)[-1]
            value, = self.world.corrupt("get", database, key)
            added = key[:-2] + f"{(int(key[-2:], 16) + 1) % 256:02x}"
            with self.subTest(database=database, key=added):
                self.world.corrupt("put", database, added, value)
                self.assert_found(database, added)
            self.world.corrupt("delete", database, added)
        check(self.verify())

    def databases(self):
        names = self.world.corrupt("list")
        self.assertGreaterEqual(len(names), 19)
        for name in names:
            self.assertTrue(self.world.corrupt("keys", name), f"{name} has no row to change")
        return names

    def test_a_cut_data_file_is_refused(self):
        path = self.world.path("data", "data.mdb")
        os.truncate(path, 64 * 1024)
        for result in (self.verify(), self.world.refuses_to_start()):
            self.assertEqual(result.code, 9, result)

    def test_overwritten_pages_never_pass(self):
        """Whatever is written over the data file: verify ends with a word, not with a signal, or finds nothing wrong
        because the page was a free one."""
        path = self.world.path("data", "data.mdb")
        end = self.used_size()
        chosen = random.Random(11)
        found = 0
        for _ in range(12):
            with open(path, "r+b") as file:
                file.seek(chosen.randrange(2, end // 4096) * 4096)
                file.write(chosen.randbytes(4096))
            result = self.verify()
            self.assertIn(result.code, (0, 6, 9), result)
            found += result.code != 0
            self.restore()
        self.assertGreater(found, 6)

    def used_size(self):
        """Bytes of the data file up to the last page in use."""
        with open(self.world.path("data", "data.mdb"), "rb") as file:
            data = file.read()
        return (len(data.rstrip(b"\0")) + 4095) // 4096 * 4096

    def test_a_running_daemon_keeps_verify_out(self):
        self.world.start()
        result = self.verify()
        self.assertEqual(result.code, 1, result)
        self.world.stop()

    def test_a_damaged_ledger_is_not_served_without_its_genesis(self):
        self.world.corrupt("flip", "meta", b"head".hex(), "7")
        self.assertEqual(self.world.refuses_to_start().code, 9)


if __name__ == "__main__":
    unittest.main()
