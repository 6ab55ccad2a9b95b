"""A machine's clock that is wrong: ahead, behind, at a start, and while the daemon runs."""
import datetime
import os
import signal
import struct
import unittest

from tests.flow.harness import BUILD, World, check, is_sanitized, records, wait_until

SKEW = os.path.join(BUILD, "tests", "tools", "skew.so")
HOUR_S = 3600
DAY_S = 24 * HOUR_S
YEAR_S = 365 * DAY_S
LOOK_TIMEOUT_S = 30


class SkewedWorld(World):
    """Its daemon's clock is set by the test, before a start or while it runs."""

    def set_clock(self, ahead_s):
        """Without a moment in which the file is empty: the daemon has it mapped."""
        mode = "r+b" if os.path.exists(self.path("skew")) else "w+b"
        with open(self.path("skew"), mode) as file:
            file.write(struct.pack("q", ahead_s))

    def spawn(self, config="subsidyd.conf"):
        if not os.path.exists(self.path("skew")):
            self.set_clock(0)
        plain, self.env = self.env, dict(self.env, LD_PRELOAD=SKEW, SKEW_CONTROL=self.path("skew"))
        try:
            super().spawn(config)
        finally:
            self.env = plain


@unittest.skipIf(is_sanitized(), "the build is sanitized: nothing can be loaded ahead of the sanitizer")
class Clock(unittest.TestCase):
    def setUp(self):
        self.world = SkewedWorld()
        self.addCleanup(self.world.close)
        self.feed = self.world.license("qddex")
        self.world.grant("bureau", "auditor")
        self.serial = 0

    def push(self):
        """The answer; what was taken is the feed's."""
        self.serial += 1
        new = records(f"n{self.serial}", 3)
        answer = self.world.feed.push("qddex", self.feed.body(new))
        if answer.status == 200:
            self.feed.accept(new)
        return answer

    def refused(self):
        """A push is; an order would be too, where it has not expired by such a clock."""
        answer = self.push()
        self.assertEqual((answer.status, answer.problem()), (503, "clock_suspect"), answer)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)

    def is_ready(self):
        answer = self.world.public.get("/readyz")
        self.assertIn((answer.status, answer.body), ((200, b"ok\n"), (503, b"clock_suspect\n")))
        return answer.status == 200

    def wait_ready(self, is_ready):
        wait_until(lambda: self.is_ready() == is_ready, LOOK_TIMEOUT_S, f"/readyz to say {is_ready}")

    def reads_go_on(self):
        self.assertEqual(self.world.get_json("/v1/feeds/qddex", "bureau")["size"], len(self.feed.records))
        self.assertEqual(self.world.public.get("/checkpoint").status, 200)

    def entry(self, index):
        """When it was made, and whether it is flagged."""
        entry = self.world.get_json(f"/v1/entries/{index}", "auditor")
        return datetime.datetime.fromisoformat(entry["time"]), entry["clock_stepped_back"]

    def verify(self):
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def test_a_jump_ahead_closes_the_ledger_until_the_clock_is_right(self):
        world = self.world
        self.assertEqual(self.push().status, 200)
        size = world.size()
        world.set_clock(DAY_S + HOUR_S)
        self.wait_ready(False)
        self.refused()
        self.refused()
        order = world.public.order(world.make_order("venue.suspend", {"venue": "qddex", "reason": "x"}), ())
        self.assertEqual((order.status, order.problem()), (503, "clock_suspect"), order)
        self.reads_go_on()
        self.assertEqual(world.size(), size)
        self.assertEqual(world.log().count("read-only: "), 1)
        world.set_clock(0)
        self.wait_ready(True)
        self.assertEqual(self.push().status, 200)
        self.assertIn("takes new entries again", world.log())
        world.set_clock(DAY_S - HOUR_S)  # within a day it is believed
        self.assertEqual(self.push().status, 200)
        self.verify()

    def test_no_order_has_expired_while_the_clock_is_in_doubt(self):
        world = self.world
        order = world.make_order("venue.suspend", {"venue": "qddex", "reason": "x"})
        world.set_clock(40 * DAY_S)
        self.wait_ready(False)
        answer = world.public.order(order, ())
        self.assertEqual((answer.status, answer.problem()), (503, "clock_suspect"), answer)
        world.set_clock(0)
        self.wait_ready(True)
        answer = world.public.order(order, ())
        self.assertEqual(answer.status, 200, answer)

    def test_the_operators_word_opens_it(self):
        world = self.world
        world.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "was not in doubt" in world.log(), LOOK_TIMEOUT_S, "the answer in the log")
        world.set_clock(3 * DAY_S)
        self.wait_ready(False)
        self.refused()
        self.assertIn("kill -USR1", world.log())
        world.process.send_signal(signal.SIGUSR1)
        self.wait_ready(True)
        self.assertEqual(self.push().status, 200)
        self.assertIn("on the operator's word", world.log())
        world.set_clock(6 * DAY_S)  # this one was not meant
        self.wait_ready(False)
        self.refused()
        self.verify()

    def test_a_clock_far_ahead_at_a_start(self):
        world = self.world
        self.assertEqual(self.push().status, 200)
        world.stop()
        world.set_clock(10 * DAY_S)
        world.start()
        self.assertEqual(self.push().status, 200, "a ledger rests over a holiday")
        world.stop()
        world.set_clock(YEAR_S)
        with self.assertRaises(TimeoutError):
            world.start(timeout_s=3)
        self.assertFalse(self.is_ready())
        self.refused()
        world.process.send_signal(signal.SIGUSR1)
        self.wait_ready(True)

    def test_a_clock_behind_flags_entries_and_times_rise(self):
        world = self.world
        for is_start in (False, True):
            self.assertEqual(self.push().status, 200)
            before = world.size()
            time, is_flagged = self.entry(before - 1)
            self.assertFalse(is_flagged)
            self.assertEqual(world.log().count("behind the last entry"), 1 if is_start else 0)
            if is_start:
                world.stop()
                world.set_clock(-YEAR_S)
                world.start()
            else:
                world.set_clock(-HOUR_S)
            self.assertTrue(self.is_ready())
            self.assertEqual(self.push().status, 200)
            self.assertEqual(world.log().count("behind the last entry"), 2 if is_start else 1)
            self.assertTrue(self.entry(before)[1], "the first entry of a command is flagged")
            for index in range(before, world.size()):
                earlier, time = time, self.entry(index)[0]
                self.assertGreater(time, earlier)
            world.set_clock(0)
        self.verify()


if __name__ == "__main__":
    unittest.main()
