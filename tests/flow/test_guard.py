"""The guard: a ledger that was rolled back, swapped or left without its guard is never served."""
import os
import shutil
import subprocess
import unittest

from tests.flow import wire
from tests.flow.harness import World, check, records, wait_until


class Guard(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.feed = self.world.license("qddex")
        self.feed.push(records("first", 3))

    def save(self, name):
        """The data folder and the guard as they are, under a name."""
        subprocess.run(["cp", "-r", "--sparse=always", self.world.path("data"), self.world.path(f"data-{name}")],
                       check=True)
        shutil.copy(self.world.path("guard"), self.world.path(f"guard-{name}"))

    def bring_back_data(self, name):
        shutil.rmtree(self.world.path("data"))
        subprocess.run(["cp", "-r", "--sparse=always", self.world.path(f"data-{name}"), self.world.path("data")],
                       check=True)

    def bring_back_guard(self, name):
        shutil.copy(self.world.path(f"guard-{name}"), self.world.path("guard"))

    def assert_not_served(self, *words):
        """Neither served nor verified."""
        for result in (self.world.refuses_to_start(), self.world.daemon("verify", "-c", "subsidyd.conf")):
            self.assertEqual(result.code, 9, result)
            for word in words:
                self.assertIn(word, result.out + result.err)

    def test_an_older_data_file_is_refused(self):
        self.world.stop()
        self.save("old")
        self.world.start()
        self.feed.push(records("second", 3))
        self.world.stop()
        self.save("new")
        self.bring_back_data("old")
        self.assert_not_served("older copy")
        self.bring_back_data("new")
        self.world.start()
        self.feed.push(records("third", 1))
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def test_a_missing_guard_is_refused(self):
        self.world.stop()
        os.rename(self.world.path("guard"), self.world.path("guard-away"))
        self.assert_not_served("missing")
        self.assertFalse(os.path.exists(self.world.path("guard")), "a guard was made without being asked for")
        os.rename(self.world.path("guard-away"), self.world.path("guard"))
        self.world.start()
        self.world.stop()

    def test_a_spoilt_guard_is_refused(self):
        self.world.stop()
        good = self.world.read("guard")
        for spoilt in (b"", good[:-1], bytes(len(good)), good.replace(b"SUBGUARD", b"SUBGUARE")):
            self.world.write("guard", spoilt)
            self.assert_not_served()
        # One of its two slots may be lost to a cut write: the other one still guards.
        half = len(good) // 2
        self.world.write("guard", good)
        for spoilt in (bytes(half) + good[half:], good[:half] + bytes(half)):
            self.world.write("guard", spoilt)
            self.world.start()
            self.world.stop()
            self.world.write("guard", good)

    def test_a_crash_between_commit_and_guard_heals(self):
        """The commit is on disk, the guard is not: the ledger is ahead of it, signs again, and goes on."""
        self.world.stop()
        self.save("old")
        self.world.start()
        new = records("second", 3)
        receipt = self.feed.push(new)["receipt"]
        self.world.stop()
        self.bring_back_guard("old")
        self.world.start()
        checkpoint = self.world.public.get("/checkpoint").body
        self.assertTrue(wire.note_is_signed_by(checkpoint, self.world.ledger_key))
        self.assertEqual(int(checkpoint.split(b"\n")[1]), self.world.size())
        body = wire.push_body(3, new, wire.feed_note(self.feed.key, self.feed.origin, self.feed.tree))
        again = self.world.feed.push("qddex", body)
        self.assertEqual((again.status, again.json()["new"]), (200, 0))
        self.assertEqual(wire.verify_receipt(again.json()["receipt"], self.world.ledger_key)[:2],
                         wire.verify_receipt(receipt, self.world.ledger_key)[:2])
        self.world.stop()
        # The start alone has brought the guard up: the data of the crash's time are too old now.
        self.save("new")
        self.bring_back_data("old")
        self.assert_not_served("older copy")
        self.bring_back_data("new")
        self.world.start()
        self.feed.push(records("third", 2))
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def test_the_guard_of_another_ledger_is_refused(self):
        with World() as other:
            other.stop()
            self.world.stop()
            shutil.copy(other.path("guard"), self.world.path("guard"))
        self.assert_not_served()

    def test_the_data_of_another_ledger_are_refused(self):
        """Of the same origin, with the same key even: other genesis, other entries."""
        self.world.stop()
        self.world.make_config("twin.conf", ledger={"data": "data-twin", "guard": "guard-twin"})
        self.world.make_genesis("twin.note")
        check(self.world.daemon("init", "-c", "twin.conf", "--genesis", "twin.note"))
        self.bring_back_data("twin")
        self.assert_not_served()

    def test_another_key_is_refused(self):
        self.world.stop()
        self.world.new_key(self.world.origin, "other.key")
        os.rename(self.world.path("other.key"), self.world.path("ledger.key"))
        result = self.world.refuses_to_start()
        self.assertNotEqual(result.code, 0, result)
        self.assertIn("key", result.err)

    def test_a_second_process_is_locked_out(self):
        size = self.world.size()
        result = self.world.refuses_to_start()
        self.assertEqual(result.code, 1, result)
        self.assertIn("another process", result.err)
        self.world.make_config("copy.conf", ledger={"data": "data-copy"})
        self.save("copy")
        result = self.world.refuses_to_start("copy.conf")
        self.assertNotEqual(result.code, 0, "two ledgers hold one guard")
        self.assertEqual(self.world.daemon("verify", "-c", "subsidyd.conf").code, 1)
        self.assertNotEqual(self.world.daemon("init", "-c", "subsidyd.conf", "--genesis", "genesis.note").code, 0)
        self.assertEqual(self.world.size(), size)
        self.feed.push(records("still", 1))

    def test_a_whole_machine_rolled_back_stops_at_the_first_newer_checkpoint(self):
        """Data and guard came back together, so the start sees nothing; a venue holds a newer signed checkpoint."""
        self.world.stop()
        self.save("old")
        self.world.start()
        self.feed.push(records("second", 3))
        newest = self.world.public.get("/checkpoint").body
        self.world.stop()
        self.bring_back_data("old")
        self.bring_back_guard("old")
        self.world.start()
        answer = self.world.feed.push("qddex", self.feed.body(records("third", 1), checkpoint=newest))
        self.assert_rolled_back(answer)

    def test_a_second_history_is_noticed(self):
        """Rolled back and grown again to more entries than before: the checkpoints do not agree."""
        self.world.stop()
        self.save("old")
        self.world.start()
        self.feed.push(records("second", 1))
        newest = self.world.public.get("/checkpoint").body
        self.world.stop()
        self.bring_back_data("old")
        self.bring_back_guard("old")
        self.world.start()
        self.world.license("sddex").push(records("other", 9))
        self.assert_rolled_back(self.world.feed.push("qddex", self.feed.body(records("third", 1), start=3,
                                                                             checkpoint=newest)))

    def assert_rolled_back(self, answer):
        self.assertEqual((answer.status, answer.problem()), (503, "rolled_back"), answer)
        wait_until(lambda: self.world.process.poll() is not None, 30, "the daemon's end")
        self.world.finish(9)

    def test_a_killed_start_leaves_a_ledger_that_starts(self):
        for _ in range(5):
            self.world.kill()
            self.world.spawn()
            self.world.kill()
            self.world.start()
        self.feed.push(records("after", 1))


if __name__ == "__main__":
    unittest.main()
