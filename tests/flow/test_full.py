"""A map and a disk that fill up: warned of, refused in time, read all the while, and mended without a lost record."""
import http.client
import re
import resource
import unittest

from tests.flow.harness import World, check, records, wait_until

PUSH_RECORDS = 3000
PUSHES_MAX = 100
MIB = 1 << 20
LOOK_TIMEOUT_S = 30


class Full(unittest.TestCase):
    def open_world(self, map_size):
        self.world = World(ledger={"map_size": map_size})
        self.addCleanup(self.world.close)
        self.feed = self.world.license("qddex")
        self.world.grant("bureau", "venue:qddex")
        self.serial = 0

    def new(self, count):
        self.serial += 1
        return records(f"n{self.serial}", count)

    def push(self, count):
        """The answer; what was taken is the feed's."""
        new = self.new(count)
        answer = self.world.feed.push("qddex", self.feed.body(new))
        if answer.status == 200:
            self.feed.accept(new)
        return answer

    def push_until_refused(self, count):
        for _ in range(PUSHES_MAX):
            answer = self.push(count)
            if answer.status != 200:
                self.assertEqual((answer.status, answer.problem()), (503, "disk_full"), answer)
                self.assertGreater(int(answer.headers["Retry-After"]), 0)
                return
        self.fail("nothing is full")

    def metric(self, name):
        text = self.metrics()
        return float(re.search(r"^" + re.escape(name) + r" (\S+)$", text, re.M).group(1))

    def metrics(self):
        host, port = self.world.addresses["metrics"].split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def readiness(self):
        answer = self.world.public.get("/readyz")
        return answer.status, answer.body

    def reads_go_on(self):
        """And nothing of what was refused is there."""
        self.assertEqual(self.world.get_json("/v1/feeds/qddex", "venue:qddex")["size"], len(self.feed.records))
        self.assertEqual(self.world.public.get("/checkpoint").status, 200)
        self.assertEqual(self.world.get("/v1/overview", "bureau").status, 200)

    def verify(self):
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def test_a_map_that_fills_and_is_made_larger(self):
        self.open_world("64M")
        self.push_until_refused(PUSH_RECORDS)
        self.assertEqual(self.readiness(), (503, b"disk_full\n"))
        self.assertEqual(self.push(1).status, 200, "what fits is taken")
        self.assertEqual(self.readiness(), (200, b"ok\n"))
        self.push_until_refused(PUSH_RECORDS // 2)
        self.assertEqual(self.readiness(), (503, b"disk_full\n"))
        self.assertEqual(self.metric('subsidy_read_only{cause="disk_full"}'), 1)
        self.reads_go_on()
        self.verify()
        self.world.make_config(ledger={"map_size": "256M"})
        self.world.start()
        self.assertEqual(self.readiness(), (200, b"ok\n"))
        self.assertEqual(self.push(PUSH_RECORDS).status, 200)
        self.assertEqual(self.metric("subsidy_store_room_short"), 0)
        self.reads_go_on()
        self.verify()

    def set_file_limit(self, size):
        """The longest file the daemon may write: a disk that the test can fill and empty while it runs."""
        pid = self.world.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if size is not None else hard, hard))

    def test_a_disk_that_fills_and_is_given_room_again(self):
        self.open_world("1G")
        self.assertEqual(self.push(PUSH_RECORDS).status, 200)
        self.assertEqual(self.metric("subsidy_store_room_short"), 0)
        used = int(self.metric("subsidy_store_used_bytes"))
        self.set_file_limit(used + 60 * MIB)
        wait_until(lambda: self.metric("subsidy_store_room_short") == 1, LOOK_TIMEOUT_S, "the warning")
        self.assertEqual(self.readiness(), (200, b"ok\n"))
        self.push_until_refused(PUSH_RECORDS)
        self.assertEqual(self.readiness(), (503, b"disk_full\n"))
        self.assertEqual(self.world.log().count("room is short"), 1)
        self.reads_go_on()
        self.set_file_limit(int(self.metric("subsidy_store_used_bytes")) + 15 * MIB)
        self.push_until_refused(1)
        self.reads_go_on()
        # Nobody pushes, and yet it is seen that there is room again.
        self.set_file_limit(None)
        wait_until(lambda: self.readiness() == (200, b"ok\n"), LOOK_TIMEOUT_S, "the ledger to open again")
        self.assertEqual(self.push(PUSH_RECORDS).status, 200)
        self.assertEqual(self.metric("subsidy_store_room_short"), 0)
        log = self.world.log()
        self.assertIn("read-only: ", log)
        self.assertIn("takes new entries again", log)
        self.assertIn("ample room again", log)
        self.reads_go_on()
        self.verify()

    def test_a_reserve_that_is_gone_is_seen_before_anybody_pushes(self):
        self.open_world("1G")
        self.set_file_limit(int(self.metric("subsidy_store_used_bytes")) + MIB)
        wait_until(lambda: self.readiness() == (503, b"disk_full\n"), LOOK_TIMEOUT_S, "the ledger to close")
        self.push_until_refused(1)
        self.reads_go_on()
        self.set_file_limit(None)
        wait_until(lambda: self.readiness() == (200, b"ok\n"), LOOK_TIMEOUT_S, "the ledger to open again")
        self.assertEqual(self.push(1).status, 200)
        self.verify()


if __name__ == "__main__":
    unittest.main()
