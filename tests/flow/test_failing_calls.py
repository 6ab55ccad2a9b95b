"""Every call to the system fails once: each write, each sync, each allocation that a start and a push make.

A library loaded ahead of the daemon's (tests/tools/fail.c) makes call number n fail, for every n in turn. Whatever n,
nothing is acknowledged that is not stored, the daemon answers an error or ends by itself, and afterwards the ledger
starts, verifies, and takes the same push again. SEED changes which calls are tried where there are too many for all.
"""
import errno
import http.client
import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from tests.flow import wire
from tests.flow.harness import BUILD, DAEMON, FIRMS, World, check, is_sanitized, read_json, records, run, wait_until

FAIL = os.path.join(BUILD, "tests", "tools", "fail.so")
WRITE, SYNC, ALLOCATION = 1, 2, 3
HALF = 0                    # a write that fails without an error writes half
KILL = 0xffffffff           # no failure: there the whole process group ends
DISK_FAILURES = ((WRITE, errno.ENOSPC), (WRITE, errno.EIO), (WRITE, HALF), (SYNC, errno.EIO), (SYNC, errno.ENOSPC))
START_ALLOCATIONS = 40      # tried of those a start makes
HANDSHAKE_ALLOCATIONS = 40  # of a push with its connection, most of which are OpenSSL's
REQUEST_ALLOCATIONS = 70    # of a request by itself
VERIFY_WRITES = 6           # of a verify that keeps its state, nearly all of which are of its scratch store
VERIFY_ALLOCATIONS = 60
PUSH_RECORDS = 20
POLICY = read_json("policy-tiered.json")
READINGS = (f"/v1/enterprises/{FIRMS[0]}", f"/v1/enterprises/{FIRMS[0]}/trades?limit=20", "/v1/enterprises?limit=5",
            f"/v1/enterprises/{FIRMS[0]}/explain?policy={POLICY['policy']}", "/v1/overview", "/v1/policies",
            "/v1/feeds/qddex/records?from=3&limit=20", "/v1/ledger")
END_TIMEOUT_S = 20


class Control:
    """The shim's control file, see fail.c."""

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.map = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def arm(self, kind=0, at=0, error=0):
        """From now on calls are counted, and number `at` of the kind fails."""
        self.map[:36] = struct.pack("9I", 0, kind, at, error, 0, 0, 0, 0, 0)
        self.map[:4] = struct.pack("I", 1)

    def disarm(self):
        """The counts by kind, and whether the call has failed."""
        self.map[:4] = struct.pack("I", 0)
        values = struct.unpack("9I", self.map[:36])
        return values[5:], values[4] > 0


class FailingWorld(World):
    """Its daemon runs with the shim; nothing else does."""

    def shim_env(self):
        return dict(self.env, LD_PRELOAD=FAIL, FAIL_CONTROL=self.control.path)

    def spawn(self, config="subsidyd.conf"):
        plain, self.env = self.env, self.shim_env()
        try:
            super().spawn(config)
        finally:
            self.env = plain


@unittest.skipIf(is_sanitized(), "the build is sanitized: its allocator and a preloaded one exclude each other")
class FailingCalls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        print(f"SEED={cls.seed}", file=sys.stderr)
        cls.world = FailingWorld(start=False)
        cls.addClassCleanup(cls.world.close)
        cls.world.control = Control(cls.world.path("control"))
        cls.world.start()
        cls.feed = cls.world.license("qddex")
        cls.world.license("sddex")
        cls.world.grant("bureau", "venue:qddex")
        cls.world.adopt(POLICY)
        cls.feed.push(records("begin", 300))
        cls.serial = 0

    def setUp(self):
        self.random = random.Random(self.seed)
        if self.world.process is None:
            self.world.start()

    def tearDown(self):
        """Whatever failed: what is stored is whole."""
        self.world.control.disarm()
        if self.world.process is not None:
            self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def sample(self, count, limit):
        """The numbers 1 to count, or `limit` of them."""
        self.assertGreater(count, 0, "nothing was counted: is the shim in place?")
        return range(1, count + 1) if count <= limit else sorted(self.random.sample(range(1, count + 1), limit))

    def new_push(self):
        type(self).serial += 1
        new = records(f"n{self.serial}", PUSH_RECORDS)
        return new, self.feed.body(new)

    def send(self, request, arm=None, listener="feed", with_handshake=False):
        """The answer to request(connection), in which the armed call fails; None where the connection was cut."""
        connection = wire.Connection(self.world.addresses[listener], self.world.path("ca.pem"))
        try:
            if not with_handshake:
                connection.open()
            if arm is not None:
                self.world.control.arm(*arm)
            return request(connection)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def try_push(self, body, arm=None, with_handshake=False):
        return self.send(lambda connection: connection.push("qddex", body), arm, with_handshake=with_handshake)

    def feed_size(self):
        return self.world.get_json("/v1/feeds/qddex", "venue:qddex")["size"]

    def end_of(self, what, codes=(1,)):
        """The daemon ended by itself: orderly, and saying why."""
        code = self.world.process.wait(END_TIMEOUT_S)
        self.world.process = None
        self.world.log_file.close()
        self.assertIn(code, codes, f"{what}: {self.world.log()[-2000:]}")
        self.assertIn("error: ", self.world.log().splitlines()[-1], what)

    def count_push(self, with_handshake=False):
        new, body = self.new_push()
        answer = self.try_push(body, (), with_handshake)
        counts, _ = self.world.control.disarm()
        self.assertEqual(answer.status, 200, answer)
        self.feed.accept(new)
        return counts

    def revive(self, what):
        """Where the daemon has ended: it must have ended by itself, and is started again."""
        try:
            self.world.process.wait(0.05)
        except subprocess.TimeoutExpired:
            return
        self.end_of(what)
        self.world.start()

    def push_and_fail(self, kind, at, error, with_handshake=False):
        """One push in which one call fails, and the same push again; whether the call was made at all."""
        what = f"kind {kind}, call {at}, error {error}, SEED={self.seed}"
        before = len(self.feed.records)
        new, body = self.new_push()
        answer = self.try_push(body, (kind, at, error), with_handshake)
        if answer is None:
            self.revive(what)
        _, has_failed = self.world.control.disarm()
        if kind != ALLOCATION and error != HALF:
            # What is to be on disk is on disk, or there is no answer.
            self.assertEqual(answer is None, has_failed, what)
        if answer is not None:
            self.assertIn(answer.status, (200, 503), f"{what}: {answer}")
        stored = self.try_size(what)
        self.assertIn(stored, (before, before + len(new)), what)
        if answer is not None and answer.status == 200:
            self.assertEqual(stored, before + len(new), f"{what}: acknowledged, but not stored")
        again = self.try_push(body)
        self.assertIsNotNone(again, what)
        self.assertEqual((again.status, again.json()["held"]), (200, stored - before), f"{what}: {again}")
        self.feed.accept(new)
        self.assertEqual(self.feed_size(), len(self.feed.records), what)
        return has_failed

    def try_size(self, what):
        """The failure may come a moment after the answer."""
        try:
            return self.feed_size()
        except (OSError, http.client.HTTPException):
            self.revive(what)
            return self.feed_size()

    def test_a_write_or_a_sync_of_a_push(self):
        counts = self.count_push()
        self.assertGreaterEqual(counts[SYNC], 2, "one sync of the data, one of the guard")
        for kind, error in DISK_FAILURES:
            self.assertGreater(counts[kind], 0)
            at = 1
            while self.push_and_fail(kind, at, error):
                at += 1
            self.assertGreater(at, 1)

    def test_an_allocation_of_a_push(self):
        for with_handshake, limit in ((False, REQUEST_ALLOCATIONS), (True, HANDSHAKE_ALLOCATIONS)):
            self.count_push(with_handshake)
            count = self.count_push(with_handshake)[ALLOCATION]
            tried = [self.push_and_fail(ALLOCATION, at, errno.ENOMEM, with_handshake)
                     for at in self.sample(count, limit)]
            self.assertGreater(tried.count(True), len(tried) // 2)

    def try_order(self, note, items, arm=None):
        return self.send(lambda connection: connection.order(note, items), arm, "public")

    def test_an_allocation_of_an_order(self):
        def make():
            items = [wire.item_register(code, "公司", ["startup"], "0" * 32) for code in FIRMS[:2]]
            return self.world.make_order("enterprise.register", items=items), items
        self.assertEqual(self.try_order(*make(), ()).status, 200)
        count = self.world.control.disarm()[0][ALLOCATION]
        for at in self.sample(count, REQUEST_ALLOCATIONS):
            what = f"order, allocation {at}, SEED={self.seed}"
            order = make()
            size = self.world.size()
            answer = self.try_order(*order, (ALLOCATION, at, errno.ENOMEM))
            self.world.control.disarm()
            if answer is None:
                self.revive(what)
            else:
                self.assertIn(answer.status, (200, 503), f"{what}: {answer}")
            self.try_size(what)
            again = self.try_order(*order)
            self.assertIsNotNone(again, what)
            self.assertEqual(again.status, 200, f"{what}: {again}")
            self.assertEqual(self.world.size(), size + 1 + len(order[1]), f"{what}: carried out other than once")

    def test_an_allocation_of_a_reading(self):
        """What can't be read is not taken as absent: the answer is the same, or none."""
        for path in READINGS:
            token = self.world.tokens["venue:qddex" if "feeds" in path else "bureau"]
            listener = "feed" if "feeds" in path else "public"

            def content(answer):
                """Without the cursor, whose MAC is a new start's own, and the time it is."""
                return {key: value for key, value in answer.json().items() if key not in ("cursor", "time")}

            def get(arm):
                return self.send(lambda connection: connection.get(path, token), arm, listener)
            wanted = get(())
            count = self.world.control.disarm()[0][ALLOCATION]
            self.assertEqual(wanted.status, 200, wanted)
            for at in self.sample(count, REQUEST_ALLOCATIONS):
                what = f"{path}, allocation {at}, SEED={self.seed}"
                answer = get((ALLOCATION, at, errno.ENOMEM))
                self.world.control.disarm()
                if answer is None:
                    self.revive(what)
                elif answer.status == 200:
                    self.assertEqual(content(answer), content(wanted), what)
                else:
                    self.assertEqual(answer.status, 503, f"{what}: {answer}")
                self.try_size(what)

    def start_and_fail(self, kind, at, error):
        """One start in which one call fails; whether it was made."""
        what = f"start, kind {kind}, call {at}, error {error}, SEED={self.seed}"
        if os.path.exists(self.world.path("addresses")):
            os.unlink(self.world.path("addresses"))
        self.world.control.arm(kind, at, error)
        self.world.spawn()
        wait_until(lambda: self.world.process.poll() is not None or os.path.exists(self.world.path("addresses")),
                   END_TIMEOUT_S, what)
        _, has_failed = self.world.control.disarm()
        if self.world.process.poll() is not None:
            # Never 9: nothing is wrong with the ledger.
            self.end_of(what)
        else:
            # Only of memory and of a write's second half it may be taken that it comes in another way.
            self.assertTrue(kind == ALLOCATION or error == HALF or not has_failed, f"{what}: it goes on")
            self.world.stop()
        return has_failed

    def count_start(self):
        self.world.control.arm()
        self.world.start()
        counts, _ = self.world.control.disarm()
        self.world.stop()
        return counts

    def leave_guard_behind(self):
        """As after a crash between commit and guard: the next start signs and guards again."""
        shutil.copy(self.world.path("guard-old"), self.world.path("guard"))

    def test_a_start(self):
        self.world.stop()
        count = self.count_start()[ALLOCATION]
        tried = [self.start_and_fail(ALLOCATION, at, errno.ENOMEM) for at in self.sample(count, START_ALLOCATIONS)]
        self.assertGreater(tried.count(True), len(tried) // 2)

    def test_a_start_that_finds_the_guard_behind(self):
        self.world.stop()
        shutil.copy(self.world.path("guard"), self.world.path("guard-old"))
        self.world.start()
        new, body = self.new_push()
        self.assertEqual(self.try_push(body).status, 200)
        self.feed.accept(new)
        self.world.stop()
        self.leave_guard_behind()
        counts = self.count_start()
        for kind, error in DISK_FAILURES:
            self.assertGreater(counts[kind], 0)
            for at in range(1, counts[kind] + 1):
                self.leave_guard_behind()
                self.assertTrue(self.start_and_fail(kind, at, error))
        self.world.start()
        self.assertEqual(self.feed_size(), len(self.feed.records))

    def test_making_a_ledger(self):
        """A failed init leaves nothing that a second one stumbles over."""
        config = self.world.make_config("new.conf", ledger={"data": "data-new", "guard": "guard-new"})
        command = [DAEMON, "init", "-c", config, "--genesis", "genesis.note"]
        self.world.control.arm()
        check(run(command, self.world.folder, self.world.shim_env()))
        counts, _ = self.world.control.disarm()
        cases = [(kind, at, error) for kind, error in DISK_FAILURES for at in range(1, counts[kind] + 1)]
        cases += [(ALLOCATION, at, errno.ENOMEM) for at in self.sample(counts[ALLOCATION], START_ALLOCATIONS)]
        for case in cases:
            what = f"init, {case}, SEED={self.seed}"
            self.remove_new_ledger()
            self.world.control.arm(*case)
            result = run(command, self.world.folder, self.world.shim_env())
            _, has_failed = self.world.control.disarm()
            self.assertIn(result.code, (0, 1), f"{what}: {result}")
            if case[0] != ALLOCATION and case[2] != HALF:
                self.assertEqual(has_failed, result.code == 1, f"{what}: {result}")
            if result.code == 1:
                self.assertIn("error: ", result.err, what)
                if case[0] == ALLOCATION:
                    self.remove_new_ledger()    # it may have ended in the middle
                check(run(command, self.world.folder, self.world.env))
            check(self.world.daemon("verify", "-c", config))

    def verify(self, *options):
        """Run with the shim, in a process group of its own, which ends with it."""
        command = [DAEMON, "verify", "-c", "subsidyd.conf", *options]
        return subprocess.run(command, cwd=self.world.folder, env=self.world.shim_env(), capture_output=True, text=True,
                              encoding="utf-8", timeout=END_TIMEOUT_S, start_new_session=True, check=False)

    def kept_size(self):
        with open(self.world.path("kept", "kept.json"), encoding="utf-8") as file:
            return int(json.load(file)["size"])

    def renew_and_fail(self, case, old_size, new_size):
        """One renewal of the kept state in which a call fails; the size of what is kept then, which is whole."""
        what = f"--keep, {case}, SEED={self.seed}"
        shutil.rmtree(self.world.path("kept"))
        shutil.copytree(self.world.path("kept-old"), self.world.path("kept"))
        self.world.control.arm(*case)
        result = self.verify("--from", "kept", "--keep", "kept")
        _, has_failed = self.world.control.disarm()
        self.assertTrue(has_failed, what)
        self.assertEqual(result.returncode, -signal.SIGKILL if case[2] == KILL else 1, f"{what}: {result}")
        size = self.kept_size()
        self.assertIn(size, (old_size, new_size), what)
        told = check(self.world.daemon("verify", "-c", "subsidyd.conf", "--from", "kept")).out
        self.assertIn(f"kept         {size} entries", told, what)
        # What the crash left is gone with the next renewal.
        check(self.world.daemon("verify", "-c", "subsidyd.conf", "--from", "kept", "--keep", "kept"))
        self.assertEqual(self.kept_size(), new_size, what)
        names = sorted(os.listdir(self.world.path("kept")))
        self.assertEqual([name.split("-")[0] for name in names], ["kept.json", "lock", "state"], f"{what}: {names}")
        return size

    def test_a_verify_that_renews_what_it_keeps(self):
        """Whatever fails, and wherever it is killed: the state that was kept before is whole, or the new one is."""
        old_size = self.world.size()
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf", "--keep", "kept"))
        shutil.copytree(self.world.path("kept"), self.world.path("kept-old"))
        for name in ("kept", "kept-old"):
            self.addCleanup(shutil.rmtree, self.world.path(name), True)
        self.world.start()
        new, body = self.new_push()
        self.assertEqual(self.try_push(body).status, 200)
        self.feed.accept(new)
        new_size = self.world.size()
        self.world.stop()
        self.world.control.arm()
        self.assertEqual(self.verify("--from", "kept", "--keep", "kept").returncode, 0)
        counts, _ = self.world.control.disarm()
        cases = [(SYNC, at, error) for at in range(1, counts[SYNC] + 1) for error in (errno.EIO, errno.ENOSPC, KILL)]
        cases += [(WRITE, at, error) for at in self.sample(counts[WRITE], VERIFY_WRITES)
                  for error in (errno.ENOSPC, HALF, KILL)]
        sizes = {self.renew_and_fail(case, old_size, new_size) for case in cases}
        self.assertEqual(sizes, {old_size, new_size}, "calls before and after the renewal were tried")

    def test_an_allocation_of_a_verify(self):
        """A lack of memory is none of the ledger's faults."""
        self.world.stop()
        for threads in ("1", "3"):
            self.world.control.arm()
            self.assertEqual(self.verify("--threads", threads).returncode, 0)
            count = self.world.control.disarm()[0][ALLOCATION]
            for at in self.sample(count, VERIFY_ALLOCATIONS):
                what = f"verify, allocation {at}, {threads} threads, SEED={self.seed}"
                self.world.control.arm(ALLOCATION, at, errno.ENOMEM)
                result = self.verify("--threads", threads)
                self.world.control.disarm()
                self.assertIn(result.returncode, (0, 1), f"{what}: {result}")
                if result.returncode == 1:
                    self.assertNotIn("FAILED", result.stdout, what)

    def remove_new_ledger(self):
        shutil.rmtree(self.world.path("data-new"), ignore_errors=True)
        if os.path.exists(self.world.path("guard-new")):
            os.unlink(self.world.path("guard-new"))


if __name__ == "__main__":
    unittest.main()
