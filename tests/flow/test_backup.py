"""Backups made under load, and what may be put back: never less than what was signed."""
import base64
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import threading
import time
import unittest

from tests.flow import tlog, wire
from tests.flow.harness import DAEMON, World, check, records, wait_until

BACKUPS_UNDER_LOAD = 5
KILLS = 6
LOOK_TIMEOUT_S = 30


class Load:
    """Pushes of one venue without a pause, in a thread and over a connection of its own."""

    def __init__(self, world, feed, count=200):
        self.world, self.feed, self.count = world, feed, count
        self.is_ending, self.serial, self.error = threading.Event(), 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
        try:
            while not self.is_ending.is_set():
                self.serial += 1
                new = records(f"{self.feed.venue}-{self.serial}", self.count)
                answer = connection.push(self.feed.venue, self.feed.body(new))
                assert answer.status == 200, answer
                self.feed.accept(new)
        except BaseException as error:  # told by the test's own thread
            self.error = error
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_ending.set()
        self.thread.join()

    def end(self):
        self.__exit__()
        if self.error is not None:
            raise self.error


class Backup(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.feed = self.world.license("qddex")
        self.feed.push(records("first", 3))

    def backup(self, name, *options):
        return self.world.daemon("backup", "-c", "subsidyd.conf", *options, name)

    def restore(self, name, *options):
        return self.world.daemon("restore", "-c", "subsidyd.conf", *options, name)

    def folder(self):
        """Names in the world's folder that a backup may have made."""
        return sorted(name for name in os.listdir(self.world.folder) if name.startswith("b"))

    def checkpoint(self, name):
        """Size and root, after looking at the signature and at ledger.json."""
        note = self.world.read(f"{name}/checkpoint")
        self.assertTrue(wire.note_is_signed_by(note, self.world.ledger_key))
        origin, size, root = note.split(b"\n")[:3]
        told = json.loads(self.world.read(f"{name}/ledger.json"))
        self.assertEqual(told, {"origin": self.world.origin, "ledger_id": self.world.ledger_id,
                                "vkey": self.world.ledger_key.vkey(),
                                "vkeys": [self.world.ledger_key.vkey()], "size": int(size)})
        self.assertEqual(origin.decode(), self.world.origin)
        self.assertEqual(sorted(os.listdir(self.world.path(name))), ["checkpoint", "data.mdb", "ledger.json"])
        return int(size), root

    def false_notes(self, note):
        """Of another root, of more entries, and signed by a stranger."""
        origin, size, root = note.split(b"\n")[:3]
        right, size, root = origin.decode(), int(size), base64.b64decode(root)
        return [wire.sign_note(wire.checkpoint_text(right, *rest), key) for *rest, key in (
            (size, bytes(32), self.world.ledger_key), (size + 1, root, self.world.ledger_key),
            (size, root, wire.Key(right, bytes(32))))]

    def lose_data(self):
        os.unlink(self.world.path("data", "data.mdb"))
        self.assertIn("lock.mdb", os.listdir(self.world.path("data")))

    def wait_for_partial(self, name):
        wait_until(lambda: os.path.exists(self.world.path(f"{name}.partial", "data.mdb")), LOOK_TIMEOUT_S, "a copy")

    def spawn(self, name, **options):
        return subprocess.Popen([DAEMON, "backup", "-c", "subsidyd.conf", name], cwd=self.world.folder,
                                env=self.world.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, **options)

    def roots_agree(self, checkpoints):
        """Each is the beginning of all later ones: the ledger's own proofs, checked by the tests' own code."""
        checkpoints = sorted(checkpoints)
        for (old, old_root), (new, new_root) in zip(checkpoints, checkpoints[1:]):
            path = self.world.public.get(f"/v1/consistency?from={old}&to={new}").json()["hashes"]
            self.assertTrue(tlog.consistency_is_proven(
                (old, new), (base64.b64decode(old_root), base64.b64decode(new_root)),
                [base64.b64decode(node) for node in path]), (old, new))

    # ---- backups

    def test_with_the_daemon_and_without(self):
        check(self.backup("b1"))
        size = self.checkpoint("b1")[0]
        self.assertEqual(size, self.world.size())
        self.assertEqual(os.stat(self.world.path("data", "control")).st_mode & 0o7777, 0o600)
        self.world.stop()
        self.assertFalse(os.path.exists(self.world.path("data", "control")))
        check(self.backup("b2/"))
        self.assertEqual(self.checkpoint("b2"), self.checkpoint("b1"))
        self.assertEqual(self.folder(), ["b1", "b2"])

    def test_under_load_from_two_venues(self):
        """The ledger grows all the while, and each copy verifies at its own size, signed."""
        other, checkpoints = self.world.license("sddex"), []
        with Load(self.world, self.feed) as first, Load(self.world, other) as second:
            for i in range(BACKUPS_UNDER_LOAD):
                check(self.backup(f"b{i}"))
                checkpoints.append(self.checkpoint(f"b{i}"))
            first.end()
            second.end()
        self.assertEqual(len(set(checkpoints)), BACKUPS_UNDER_LOAD, "nothing was pushed between two backups")
        final = self.world.public.get("/checkpoint").body.split(b"\n")
        self.roots_agree(checkpoints + [(int(final[1]), final[2])])

    def test_a_name_that_is_taken(self):
        for make in (os.mkdir, lambda path: open(path, "w").close(), lambda path: os.symlink("/nowhere", path)):
            make(self.world.path("b1"))
            self.assertIn("exists already", check(self.backup("b1"), 1).err)
            self.assertEqual(self.folder(), ["b1"])
            shutil.rmtree(self.world.path("b1"), ignore_errors=True)
            if os.path.lexists(self.world.path("b1")):
                os.unlink(self.world.path("b1"))

    def test_two_at_a_time(self):
        """One of them is made; the other one is sent away, or follows. Of one name there is one."""
        self.feed.push(records("more", 5000))
        with Load(self.world, self.feed):
            for names in (("b1", "b2"), ("b3", "b3")):
                made = [self.spawn(name) for name in names]
                said = [process.communicate(timeout=LOOK_TIMEOUT_S)[0] for process in made]
                codes = [process.returncode for process in made]
                self.assertIn(0, codes, said)
                for code, text in zip(codes, said):
                    if code != 0:
                        self.assertEqual(code, 1, text)
                        self.assertRegex(text, "another (backup|process)|exists already")
                for name, code in zip(names, codes):
                    if code == 0:
                        self.checkpoint(name)
        self.assertFalse([name for name in self.folder() if name.endswith(".partial")])

    def test_a_killed_backup(self):
        """It leaves its partial folder, which the next of the name takes away, and a daemon that serves on."""
        self.feed.push(records("more", 20000))
        moment = random.Random(7)
        with Load(self.world, self.feed) as load:
            for _ in range(KILLS):
                process = self.spawn("b1")
                self.wait_for_partial("b1")
                time.sleep(moment.uniform(0, 0.1))
                process.kill()
                process.communicate()
                # Or none: the daemon was still at the one before, and sent this one away.
                self.assertIn(self.folder(), ([], ["b1.partial"], ["b1"]))
                if self.folder() == ["b1"]:
                    self.checkpoint("b1")
                    shutil.rmtree(self.world.path("b1"))
            wait_until(lambda: self.backup("b1").code == 0, LOOK_TIMEOUT_S, "the daemon to be done with the last one")
            self.checkpoint("b1")
            load.end()
        self.assertEqual(self.folder(), ["b1"])

    def test_a_killed_daemon(self):
        """The backup says so and leaves nothing; the ledger goes on."""
        self.feed.push(records("more", 20000))
        moment = random.Random(8)
        for i in range(KILLS):
            process = self.spawn(f"b{i}")
            self.wait_for_partial(f"b{i}")
            time.sleep(moment.uniform(0, 0.05))
            self.world.kill()
            text = process.communicate(timeout=LOOK_TIMEOUT_S)[0]
            if process.returncode == 0:
                self.checkpoint(f"b{i}")
                shutil.rmtree(self.world.path(f"b{i}"))
            else:
                self.assertEqual(process.returncode, 1, text)
                self.assertIn("daemon", text)
            self.assertEqual(self.folder(), [])
            self.world.start()
        self.feed.push(records("after", 1))

    def test_a_daemon_that_stops_meanwhile(self):
        """The copy is given up, or was made; nothing half is left."""
        self.feed.push(records("more", 20000))
        process = self.spawn("b1")
        self.wait_for_partial("b1")
        self.world.stop()
        text = process.communicate(timeout=LOOK_TIMEOUT_S)[0]
        if process.returncode != 0:
            self.assertEqual(process.returncode, 1, text)
            self.assertEqual(self.folder(), [])

    def test_a_full_disk(self):
        """Of the backup, not of the ledger: the daemon writes the copy, so its longest file is what is bounded here."""
        self.feed.push(records("more", 5000))
        self.assertGreater(os.stat(self.world.path("data", "data.mdb")).st_size, 1 << 21)
        pid = self.world.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, hard))
        result = check(self.backup("b1"), 1)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.assertIn("full", result.err)
        self.assertEqual(self.folder(), [])
        self.feed.push(records("after", 1))
        check(self.backup("b1"))
        self.world.stop()
        limited = subprocess.run([DAEMON, "backup", "-c", "subsidyd.conf", "b2"], cwd=self.world.folder,
                                 env=self.world.env, capture_output=True, text=True, timeout=LOOK_TIMEOUT_S,
                                 check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard)))
        self.assertEqual(limited.returncode, 1, limited)
        self.assertIn("full", limited.stderr)
        self.assertEqual(self.folder(), ["b1"])

    def test_a_ledger_behind_its_guard_is_not_backed_up(self):
        self.world.stop()
        shutil.copytree(self.world.path("data"), self.world.path("old"))
        self.world.start()
        self.feed.push(records("second", 3))
        self.world.stop()
        shutil.rmtree(self.world.path("data"))
        os.rename(self.world.path("old"), self.world.path("data"))
        self.assertIn("older copy", check(self.backup("b1"), 9).err)
        self.assertEqual(self.folder(), [])

    def test_a_damaged_ledger_is_not_a_backup(self):
        """A changed row passes every look but the replay."""
        self.world.stop()
        self.world.corrupt("flip", "trades.1", self.world.corrupt("keys", "trades.1")[0], "7")
        check(self.backup("b1", "--no-replay"))
        shutil.rmtree(self.world.path("b1"))
        self.assertIn("does not verify", check(self.backup("b1"), 9).err)
        self.assertEqual(self.folder(), [])

    def test_a_daemon_that_says_something_else(self):
        """What it signed is compared with what it copied; a commit that is not signed yet is asked for again."""
        check(self.backup("b1"))
        note, data = self.world.read("b1/checkpoint"), self.world.read("b1/data.mdb")
        self.world.stop()
        late, copied = b"refused overloaded\nlater", b"copied %d\n" % len(data)
        for said, code, words in (([copied, b"checkpoint\n" + note], 0, "entries of"),
                                  ([copied, late, late, b"checkpoint\n" + note], 0, "entries of"),
                                  ([copied, b"refused damaged_ledger\nbroken"], 9, "broken"),
                                  ([copied, b"nonsense"], 1, "one release"),
                                  ([b"refused overloaded\nanother"], 1, "another"),
                                  ([b"copied much\n"], 1, ""),
                                  ([], 1, "ended before it had answered"),
                                  *(([copied, b"checkpoint\n" + false], 9, "checkpoint")
                                    for false in self.false_notes(note))):
            with self.subTest(said=said):
                result = self.backup_by(said, data)
                self.assertEqual(result.code, code, result)
                self.assertIn(words, result.out + result.err)
                self.assertEqual(self.folder(), ["b1"] if code != 0 else ["b1", "b2"])
                if code == 0:
                    self.checkpoint("b2")
                    shutil.rmtree(self.world.path("b2"))

    def backup_by(self, said, data):
        """A backup by a daemon that writes these bytes, and says what it is told to."""
        path = self.world.path("data", "control")

        def serve():
            peer, _ = server.accept()
            with peer:
                for answer in said or [None]:
                    _, descriptors, _, _ = socket.recv_fds(peer, 4096, 1)
                    for descriptor in descriptors:
                        os.write(descriptor, data)
                        os.close(descriptor)
                    if answer is not None:
                        peer.send(answer)

        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.bind(path)
            server.listen(1)
            server.settimeout(LOOK_TIMEOUT_S)
            thread = threading.Thread(target=serve)
            thread.start()
            result = self.backup("b2")
            thread.join()
        os.unlink(path)
        return result

    # ---- restores

    def test_a_lost_data_file(self):
        self.feed.push(records("second", 3))
        check(self.backup("b1"))
        size = self.checkpoint("b1")[0]
        self.world.stop()
        self.lose_data()
        check(self.restore("b1"))
        self.assertEqual(sorted(os.listdir(self.world.path("data"))), ["data.mdb", "lock"])
        self.world.start()
        self.assertEqual(self.world.size(), size)
        self.feed.push(records("third", 3))
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))

    def test_a_damaged_data_file_is_moved_aside(self):
        check(self.backup("b1"))
        self.world.stop()
        spoilt = b"spoilt" * 1000
        self.world.write("data/data.mdb", spoilt)
        for options in (("--no-replay",), ()):
            check(self.restore("b1", *options))
            aside = [name for name in os.listdir(self.world.path("data")) if ".aside-" in name]
            self.assertEqual(len(aside), 1)
            self.assertEqual(self.world.read(f"data/{aside[0]}"), spoilt)
            os.rename(self.world.path("data", aside[0]), self.world.path("data", "data.mdb"))
        check(self.restore("b1"))
        self.world.start()
        self.feed.push(records("second", 3))

    def test_a_whole_ledger_is_left_alone(self):
        check(self.backup("b1"))
        for options in (("--no-replay",), ()):
            self.assertIn("another process", (lambda done: done.out + done.err)(check(self.restore("b1", *options), 1)))
        self.world.stop()
        before = self.world.read("data/data.mdb")
        for options in (("--no-replay",), ()):
            self.assertIn("nothing to restore", check(self.restore("b1", *options), 1).err)
        self.assertEqual(self.world.read("data/data.mdb"), before)
        self.world.start()

    def test_yesterday_s_backup(self):
        check(self.backup("b1"))
        old = self.checkpoint("b1")[0]
        self.feed.push(records("second", 3))
        check(self.backup("b2"))
        new = self.checkpoint("b2")[0]
        self.world.stop()
        self.lose_data()
        # By its checkpoint's word, and by the file's own where that is another one's.
        said = check(self.restore("b1"), 9).err
        shutil.copy(self.world.path("b2/checkpoint"), self.world.path("b1/checkpoint"))
        for text in (said, check(self.restore("b1"), 9).err):
            for word in (f"holds {old} entries", f"checkpoint of {new}", f"{old} to {new - 1} would be lost"):
                self.assertIn(word, text)
        self.assertEqual(os.listdir(self.world.path("data")), ["lock"])
        check(self.restore("b2"))
        self.world.start()
        self.assertEqual(self.world.size(), new)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_what_root_restores_is_the_daemon_s(self):
        check(self.backup("b1"))
        self.world.stop()
        self.lose_data()
        for path, _, names in os.walk(self.world.path("data")):
            for name in [path] + [os.path.join(path, name) for name in names]:
                os.chown(name, 65534, 65533)
        os.unlink(self.world.path("data", "lock"))
        check(self.restore("b1"))
        for name in ("data.mdb", "lock"):
            status = os.stat(self.world.path("data", name))
            self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o7777), (65534, 65533, 0o600), name)

    def test_without_its_guard(self):
        check(self.backup("b1"))
        self.world.stop()
        self.lose_data()
        os.rename(self.world.path("guard"), self.world.path("guard-away"))
        self.assertIn("missing", check(self.restore("b1"), 9).err)
        self.assertEqual(os.listdir(self.world.path("data")), ["lock"])
        self.assertFalse(os.path.exists(self.world.path("guard")))

    def test_backups_that_are_not_one(self):
        check(self.backup("b1"))
        self.world.stop()
        self.lose_data()
        data, note = self.world.read("b1/data.mdb"), self.world.read("b1/checkpoint")
        with World() as other:
            other.stop()
            check(other.daemon("backup", "-c", "subsidyd.conf", "b1"))
            foreign = other.read("b1/data.mdb"), other.read("b1/checkpoint")
        half, changed = data[:len(data) // 2], bytearray(data)
        place = data.rindex(b"voucher" if b"voucher" in data else b"V-first-2")
        changed[place + 2] ^= 1
        for bad_data, bad_note in ((half, note), (bytes(changed), note), (data, foreign[1]), (data, note[:-9]),
                                   foreign, (b"", note), (bytes(len(data)), note),
                                   *((data, bad) for bad in self.false_notes(note))):
            self.world.write("b1/data.mdb", bad_data)
            self.world.write("b1/checkpoint", bad_note)
            result = self.restore("b1")
            self.assertIn(result.code, (1, 9), result)
            self.assertEqual(os.listdir(self.world.path("data")), ["lock"], result)
        # A row that no entry accounts for is found by the replay alone.
        self.world.write("b1/data.mdb", data)
        self.world.write("b1/checkpoint", note)
        self.world.corrupt("flip", "trades.1", self.world.corrupt("keys", "trades.1", folder="b1")[0], "7", folder="b1")
        self.assertIn("does not verify", check(self.restore("b1"), 9).err)
        self.assertEqual(os.listdir(self.world.path("data")), ["lock"])
        os.unlink(self.world.path("b1/data.mdb"))
        check(self.restore("b1"), 1)
        self.world.write("b1/data.mdb", data)
        self.world.write("b1/checkpoint", note)
        check(self.restore("b1"))

    def test_wrong_usage(self):
        for words in (("backup",), ("restore",), ("backup", "b1", "b2"), ("verify", "b1"), ("check", "--no-replay")):
            check(self.world.daemon(words[0], "-c", "subsidyd.conf", *words[1:]), 2)
        check(self.backup(""), 1)
        self.assertEqual(self.folder(), [])


if __name__ == "__main__":
    unittest.main()
