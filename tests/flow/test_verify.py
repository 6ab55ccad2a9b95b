"""`subsidyd verify`: a good ledger or copy passes, and one wrong row, entry or file anywhere is found and named."""
import base64
import contextlib
import hashlib
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import unittest

from tests.flow import wire
from tests.flow.harness import BUILD, FIRMS, FlowTest, check, is_sanitized, read_json, records, refund, trade

INVALID, MISSING, GAP, STATE = 10, 11, 12, 13
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
        world.grant("bureau", "auditor", "venue:qddex", FIRMS[0])
        qddex.push(records("v", 600))
        sddex.push([wire.encode_record(row) for row in (
            trade("s1", FIRMS[2], FIRMS[3]), refund("r1", "s1"), trade("s1", FIRMS[2], FIRMS[3]),
            trade("s2", FIRMS[3], FIRMS[3]), refund("r2", "nothing"))])
        world.relate((FIRMS[0], FIRMS[1]), (FIRMS[2], FIRMS[3]))
        world.feed.push("qddex", qddex.body(records("other", 1), start=599))
        cls.size = world.size()
        check(world.client("export", "copy", token="auditor"))
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

    def verify(self, *options):
        return self.world.daemon("verify", "-c", "subsidyd.conf", *options)

    def assert_found(self, database, what, code_of_entries):
        result = self.verify()
        self.assertEqual(result.code, code_of_entries if database == "entries" else STATE, (database, what, result))
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
            self.assertEqual(result.code, INVALID, (index, place, result))
            self.assertIn(f"FAILED (invalid): entry {index}: ", result.out, place)
            self.assertEqual(self.verify("--threads", "1").out, result.out)
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
                        self.assert_found(database, (key, place), INVALID)
                        self.world.corrupt("put", database, key, value)
        check(self.verify())

    def test_a_missing_row_in_each_database(self):
        for database in self.databases():
            key = self.world.corrupt("keys", database)[-1]
            value, = self.world.corrupt("get", database, key)
            with self.subTest(database=database, key=key):
                self.world.corrupt("delete", database, key)
                self.assert_found(database, key, MISSING)
            self.world.corrupt("put", database, key, value)
        check(self.verify())

    def test_an_added_row_in_each_database(self):
        for database in self.databases():
            key = self.world.corrupt("keys", database)[-1]
            value, = self.world.corrupt("get", database, key)
            added = key[:-2] + f"{(int(key[-2:], 16) + 1) % 256:02x}"
            with self.subTest(database=database, key=added):
                self.world.corrupt("put", database, added, value)
                self.assert_found(database, added, INVALID)
            self.world.corrupt("delete", database, added)
        check(self.verify())

    def test_missing_entries(self):
        keys = self.world.corrupt("keys", "entries")
        for index in (0, 3, self.size // 2, self.size - 2):
            value, = self.world.corrupt("get", "entries", keys[index])
            self.world.corrupt("delete", "entries", keys[index])
            result = self.verify()
            self.assertEqual(result.code, GAP, result)
            self.assertIn(f"FAILED (gap): entry {index}: it is missing", result.out)
            self.world.corrupt("put", "entries", keys[index], value)
        for index in range(self.size - 3, self.size):
            self.world.corrupt("delete", "entries", keys[index])
        result = self.verify()
        self.assertEqual(result.code, MISSING, result)
        self.assertIn(f"FAILED (missing): entry {self.size - 3}: it is missing", result.out)

    def test_the_first_bad_entry_decides(self):
        """Of several wrongs the chain's first one is told; what hangs on no entry comes after all of them."""
        keys = self.world.corrupt("keys", "entries")
        cell = self.world.corrupt("keys", "cells")[0]
        self.world.corrupt("flip", "cells", cell, "3")
        self.assertEqual(self.verify().code, STATE)
        self.world.corrupt("delete", "entries", keys[-1])
        self.assertEqual(self.verify().code, MISSING)
        self.world.corrupt("delete", "entries", keys[500])
        self.assertEqual(self.verify().code, GAP)
        self.world.corrupt("flip", "entries", keys[499], "40")
        result = self.verify()
        self.assertEqual((result.code, "entry 499: " in result.out), (INVALID, True), result)

    def test_an_older_copy_is_missing_its_end(self):
        """The data file of yesterday beside the guard of today."""
        self.world.start()
        self.addCleanup(self.restore_guard, self.world.read("guard"))
        self.world.grant("bureau")
        self.world.stop()
        self.restore()
        result = self.verify()
        self.assertEqual(result.code, 9, result)
        self.assertIn(f"FAILED (unusable): entry {self.size}: it is missing: ", result.out)

    def restore_guard(self, content):
        with open(self.world.path("guard"), "r+b") as file:
            file.write(content)

    def test_progress_on_a_terminal_only(self):
        """With its rate and what is left; nothing of it where standard error is a file."""
        self.assertEqual(check(self.verify()).err, "")
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        done = subprocess.run([os.path.join(BUILD, "subsidyd"), "verify", "-c", "subsidyd.conf"], cwd=self.world.folder,
                              env=self.world.env, stdout=subprocess.PIPE, stderr=follower, check=True, timeout=60)
        os.close(follower)
        self.assertIn(b"verified", done.stdout)
        self.assertRegex(os.read(leader, 65536).decode(), r"\d+ of \d+ entries")

    def test_wrong_usage(self):
        for words in (("--threads", "0"), ("--threads", "65"), ("--threads", "x"), ("--export", "copy"),
                      ("--vkey", self.world.ledger_key.vkey())):
            self.assertEqual(self.verify(*words).code, 2, words)
        for words in (("--threads", "63"), ("--threads", "64"), ("--threads", "1")):
            check(self.verify(*words))
        self.assertEqual(self.world.daemon("check", "-c", "subsidyd.conf", "--threads", "2").code, 2)
        self.assertEqual(self.world.daemon("verify").code, 2)
        self.assertEqual(self.world.daemon("verify", "--export", "copy", "--vkey", "x").code, 2)

    def test_a_kept_state(self):
        """A run from it tells the same; after growth it replays what is new alone; damage of either is told apart."""
        kept = self.world.path("kept")
        self.addCleanup(shutil.rmtree, kept, True)
        self.assertEqual(self.verify("--from", kept).code, 1)
        check(self.verify("--keep", kept))
        result = check(self.verify("--from", kept, "--threads", "3"))
        self.assertIn(f"kept         {self.size} entries", result.out)
        self.assertIn("entries      0: ", result.out)
        guard = self.world.read("guard")
        self.addCleanup(self.restore_guard, guard)
        self.world.start()
        for _ in range(3):
            self.world.grant("bureau")
        grown = self.world.size()
        self.world.stop()
        result = check(self.verify("--from", kept, "--keep", kept))
        self.assertIn(f"entries      {grown - self.size}: ", result.out)
        self.assertIn(f"kept         {grown} entries", check(self.verify("--from", kept)).out)
        keys = self.world.corrupt("keys", "entries")
        for index in (7, self.size + 1):
            value, = self.world.corrupt("get", "entries", keys[index])
            self.world.corrupt("flip", "entries", keys[index], "30")
            result = self.verify("--from", kept)
            self.assertEqual((result.code, f"entry {index}: " in result.out), (INVALID, True), result)
            self.world.corrupt("put", "entries", keys[index], value)
        # The ledger of before: shorter than what is kept of it.
        self.restore()
        self.restore_guard(guard)
        result = self.verify("--from", kept)
        self.assertEqual(result.code, MISSING, result)
        self.assertIn(f"FAILED (missing): entry {self.size}: ", result.out)

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
            # A sanitizer takes the signal, and ends with a code of its own.
            codes = (0, 9, INVALID, MISSING, GAP, STATE) + ((1, 66) if is_sanitized() else ())
            self.assertIn(result.code, codes, result)
            found += result.code != 0
            self.restore()
        self.assertGreater(found, 6)

    def used_size(self):
        """Bytes of the data file up to the last page in use."""
        with open(self.world.path("data", "data.mdb"), "rb") as file:
            data = file.read()
        return (len(data.rstrip(b"\0")) + 4095) // 4096 * 4096

    def interrupted(self, send):
        """A verify that was under way when `send` took its process and its child's id; what it left behind with TMPDIR."""
        folder = self.world.path("scratch")
        os.makedirs(folder, exist_ok=True)
        process = subprocess.Popen([os.path.join(BUILD, "subsidyd"), "verify", "-c", "subsidyd.conf"],
                                   cwd=self.world.folder, env=dict(self.world.env, TMPDIR=folder),
                                   stdout=subprocess.PIPE, text=True)
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        while process.poll() is None:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):    # one of the two is done
                with open(children, encoding="ascii") as file:
                    child = file.read().split()
                if child and os.listdir(folder):
                    send(process, int(child[0]))
                    break
        out, _ = process.communicate(timeout=60)
        self.assertEqual(os.listdir(folder), [])
        return process.returncode, out

    def interrupted_in_time(self, send):
        """It may have been done before; some time it is not."""
        for _ in range(50):
            code, out = self.interrupted(send)
            if code != 0:
                return code, out
        return self.fail("verify is never interrupted")

    def test_a_stop_leaves_nothing_behind(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            code, _ = self.interrupted_in_time(lambda process, _, number=number: process.send_signal(number))
            self.assertEqual(code, -number)

    def test_a_killed_child_is_no_damage(self):
        """As by a system that is short of memory; what broken pages bring about is another signal."""
        code, out = self.interrupted_in_time(lambda _, child: os.kill(child, signal.SIGKILL))
        self.assertEqual((code, "NOT VERIFIED: it was ended with signal 9" in out), (1, True), out)
        if not is_sanitized():
            code, out = self.interrupted_in_time(lambda _, child: os.kill(child, signal.SIGSEGV))
            self.assertEqual((code, "FAILED (unusable): the pages of the data file" in out), (9, True), out)

    def test_a_running_daemon_keeps_verify_out(self):
        self.world.start()
        result = self.verify()
        self.assertEqual(result.code, 1, result)
        self.world.stop()

    def test_a_damaged_ledger_is_not_served_without_its_genesis(self):
        self.world.corrupt("flip", "meta", b"head".hex(), "7")
        self.assertEqual(self.world.refuses_to_start().code, 9)


class Copies(FlowTest):
    """What `subsidy export` made, without any daemon or configuration."""

    @classmethod
    def prepare(cls):
        world = cls.world
        qddex = world.license("qddex")
        world.license("sddex")
        world.register([(code, f"第{i}家", ["default"]) for i, code in enumerate(FIRMS[:5])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "auditor")
        qddex.push(records("v", 600))
        check(world.client("export", "small", token="auditor"))
        cls.small_size = world.size()
        qddex.push(records("w", 700))
        cls.size = world.size()
        check(world.client("export", "good", token="auditor"))
        cls.overview = world.get_json("/v1/overview", "bureau")
        world.stop()
        cls.vkey = world.ledger_key.vkey()

    def setUp(self):
        shutil.rmtree(self.path(), ignore_errors=True)
        shutil.copytree(self.world.path("good"), self.path())

    def path(self, *names):
        return self.world.path("copy", *names)

    def verify(self, *options, folder="copy"):
        return self.world.daemon("verify", "--export", folder, *options)

    def found(self, code, where, *options):
        results = [self.verify("--threads", threads, *options) for threads in ("1", "2", "5")]
        for result in results:
            self.assertEqual(result.code, code, (where, result))
            self.assertIn(f"): {where}: ", result.out)
            self.assertEqual(result.out, results[0].out)
        self.setUp()

    def flip(self, name, place, by=1):
        with open(self.path(name), "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ by]))

    def entries(self, number):
        """The entries of a bundle and where each begins."""
        name = os.path.join("tile", "entries", f"{number:03}")
        if number == self.size // 256:
            name += f".p/{self.size % 256}"
        with open(self.path(name), "rb") as file:
            data = file.read()
        starts, at = [], 0
        while at < len(data):
            starts.append(at)
            at += 2 + int.from_bytes(data[at:at + 2], "big")
        return name, data, starts

    def test_good_copies_pass(self):
        result = check(self.verify("--vkey", self.vkey))
        self.assertIn(f"checkpoint   of size {self.size} ", result.out)
        self.assertIn(f"entries      {self.size}: ", result.out)
        award, = (policy["award"] for policy in self.overview["policies"])
        self.assertEqual(award, "13000.00")
        self.assertIn(f"enterprises under 1 policies: {award} yuan", result.out)
        self.assertIn(f" {award} yuan", check(self.world.daemon("verify", "-c", "subsidyd.conf")).out)
        self.assertEqual(result.out.splitlines()[-1], "verified")
        self.assertEqual(check(self.verify("--threads", "1", "--vkey", self.vkey)).out, result.out)
        check(self.verify(folder="small"))

    def test_a_byte_of_an_entry(self):
        for number in (0, 2, self.size // 256):
            name, _, starts = self.entries(number)
            for i in {1, len(starts) // 2, len(starts) - 1}:
                self.flip(name, starts[i] + 2 + 40)
                self.found(INVALID, f"entry {number * 256 + i}")
        name, _, starts = self.entries(1)
        self.flip(name, starts[7] + 1)      # its size
        self.found(INVALID, "entry 263")

    def test_swapped_entries(self):
        name, data, starts = self.entries(3)
        with open(self.path(name), "wb") as file:
            file.write(data[:starts[10]] + data[starts[11]:starts[12]] + data[starts[10]:starts[11]] + data[starts[12]:])
        self.found(INVALID, f"entry {3 * 256 + 10}")

    def test_missing_bundles(self):
        os.unlink(self.path("tile", "entries", "002"))
        self.found(GAP, "entry 512")
        os.unlink(self.path(self.entries(self.size // 256)[0]))
        self.found(MISSING, f"entry {self.size // 256 * 256}")
        name, data, starts = self.entries(self.size // 256)
        with open(self.path(name), "wb") as file:
            file.write(data[:starts[-1]])
        self.found(INVALID, f"entry {self.size - 1}")

    def test_a_bundle_that_is_too_long(self):
        os.truncate(self.path("tile", "entries", "001"), 1 << 25)
        self.assertIn("is longer than a bundle can be", self.verify().out)
        self.found(INVALID, "entry 256")

    def test_entries_that_are_too_many(self):
        name, data, starts = self.entries(self.size // 256)
        with open(self.path(name), "ab") as file:
            file.write(data[starts[-1]:])
        self.found(INVALID, f"entry {self.size}")
        # Bundles and tiles that the checkpoint does not cover: a copy that is being brought up to date.
        shutil.copy(self.world.path("small", "checkpoint"), self.path("checkpoint"))
        shutil.copytree(self.world.path("small", "tile"), self.path("tile"), dirs_exist_ok=True)
        result = check(self.verify())
        self.assertIn(f"checkpoint   of size {self.small_size} ", result.out)

    def test_tiles_of_hashes(self):
        partial = f"tile/0/{self.size // 256:03}.p/{self.size % 256}"
        for name in ("tile/0/000", "tile/0/003", f"tile/1/000.p/{self.size // 256}", partial):
            self.flip(name, 33)
            self.found(STATE, name)
            with open(self.path(name), "ab") as file:
                file.write(bytes(32))
            self.found(STATE, name)
        os.unlink(self.path("tile/0/001"))
        self.found(GAP, "tile/0/001")
        os.unlink(self.path(partial))
        self.found(MISSING, partial)
        os.unlink(self.path(f"tile/1/000.p/{self.size // 256}"))
        self.flip("tile/0/002", 5)
        self.found(STATE, "tile/0/002")     # the first of both

    def test_a_tile_that_can_not_be_read(self):
        """No fault of the copy: it is told before a wrong tile behind it, and after one before it, by any threads."""
        os.unlink(self.path("tile/0/001"))
        os.mkdir(self.path("tile/0/001"))
        self.flip("tile/0/002", 5)
        for _ in range(20):
            for threads in ("1", "2", "5"):
                result = self.verify("--threads", threads)
                self.assertEqual(result.code, 1, result)
                self.assertRegex(result.out, r"NOT VERIFIED: .*tile/0/001: Is a directory")
        self.flip("tile/0/000", 5)
        self.found(STATE, "tile/0/000")

    def test_checkpoints_and_ledger_json(self):
        other = self.world.new_key("exchange.example/other", "other.key")
        for name in ("checkpoint", "ledger.json"):
            os.unlink(self.path(name))
            self.found(MISSING, name)
        self.flip("checkpoint", len(self.world.origin) + 1)
        self.found(INVALID, "checkpoint")
        self.found(INVALID, "checkpoint", "--vkey", other)
        with open(self.path("ledger.json"), encoding="utf-8") as file:
            text = file.read()
        for what, by, where in ((self.vkey, other, "ledger.json"), ('"ledger_id":"', '"ledger_id":"0', "ledger.json"),
                                ("{", "[", "ledger.json")):
            with open(self.path("ledger.json"), "w", encoding="utf-8") as file:
                file.write(text.replace(what, by))
            self.found(INVALID, where)
        ledger_id = re.search(r'"ledger_id": ?"([0-9a-f]{16})"', text).group(1)
        with open(self.path("ledger.json"), "w", encoding="utf-8") as file:
            file.write(text.replace(ledger_id, "0123456789abcdef"))
        self.found(INVALID, "ledger.json")
        self.assertEqual(self.verify(folder="nothing").code, 1)

    def test_a_checkpoint_of_another_history(self):
        """Signed rightly, of a root that these entries don't give: a ledger that shows each reader another past."""
        text = f"{self.world.origin}\n{self.size}\n{base64.b64encode(bytes(32)).decode()}\n".encode()
        with open(self.path("checkpoint"), "wb") as file:
            file.write(wire.sign_note(text, self.world.ledger_key))
        self.found(INVALID, "checkpoint")
        empty = base64.b64encode(hashlib.sha256().digest()).decode()
        with open(self.path("checkpoint"), "wb") as file:
            file.write(wire.sign_note(f"{self.world.origin}\n0\n{empty}\n".encode(), self.world.ledger_key))
        self.assertIn("the checkpoint is of no entries", self.verify().out)
        self.found(MISSING, "entry 0")

    def test_a_kept_state(self):
        self.addCleanup(shutil.rmtree, self.world.path("kept-copy"), True)
        check(self.verify("--keep", "kept-copy", folder="small"))
        result = check(self.verify("--from", "kept-copy", "--keep", "kept-copy"))
        self.assertIn(f"kept         {self.small_size} entries", result.out)
        self.assertIn(f"entries      {self.size - self.small_size}: ", result.out)
        result = self.verify("--from", "kept-copy", folder="small")
        self.assertEqual(result.code, MISSING, result)
        self.assertIn(f"entry {self.small_size}: ", result.out)
        name, _, starts = self.entries(1)
        self.flip(name, starts[3] + 50)
        self.found(INVALID, "entry 259", "--from", "kept-copy")


if __name__ == "__main__":
    unittest.main()
