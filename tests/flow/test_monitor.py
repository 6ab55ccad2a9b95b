"""subsidy monitor: what it believes, what it cosigns, and what alarms it."""
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest
from http.server import ThreadingHTTPServer

from tests.flow import tlog, wire
from tests.flow.fake_ledger import FakeLedger
from tests.flow.fake_witness import Witness
from tests.flow.harness import World, records, wait_until
from tests.flow.monitored import TIMEOUT_S, Monitor, MonitorTest
from tests.flow.test_tiles import QuietHandler


class Following(MonitorTest):
    def test_each_new_size_is_told_until_it_is_ended(self):
        monitor = self.start("--interval", "1")
        monitor.wait(lambda m: m.sizes() == [3], "the first size")
        for size in (4, 11):
            self.ledger.grow(size - len(self.ledger.leaves))
            monitor.wait(lambda m, size=size: m.sizes()[-1] == size, f"size {size}")
        self.assertEqual(monitor.end(), 0)
        self.assertEqual(monitor.sizes(), [3, 4, 11])
        self.assertEqual(self.stored_size(), 11)
        self.assertEqual(monitor.events[0]["ledger_id"], self.ledger.ledger_id)
        self.assertEqual(self.ledger.cosigned, [])

    def test_an_interrupt_ends_it_too_and_at_once(self):
        monitor = self.start("--interval", "3600")
        monitor.wait(lambda m: m.sizes(), "the first size")
        start = time.monotonic()
        self.assertEqual(monitor.end(signal.SIGINT), 0)
        self.assertLess(time.monotonic() - start, 30)

    def test_people_read_lines_in_their_language(self):
        env = dict(SUBSIDY_SERVER=self.ledger.url, SUBSIDY_STATE=self.state)
        result = self.world.client("monitor", "--once", **env)
        self.assertEqual(result.code, 0, result)
        self.assertRegex(result.out, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d +3  consistent\n$")
        self.assertIn("first contact", result.err)
        chinese = self.world.client("monitor", "--once", "--key", "witness.key", LC_ALL="zh_CN.UTF-8", **env)
        self.assertRegex(chinese.out, r" 3  一致，已见证签名\n$")

    def test_without_candidates_the_published_checkpoint_is_followed(self):
        self.ledger.changes["/v1/candidate"] = lambda _: self.ledger.problem(404, "not_found")
        self.assertEqual(self.once(0).json()["size"], 3)
        self.ledger.grow(2)
        self.assertEqual(self.once(0).json()["size"], 5)

    def test_a_second_monitor_of_the_same_folder_is_refused(self):
        monitor = self.start("--interval", "1")
        monitor.wait(lambda m: m.sizes(), "the first size")
        self.assertIn("another monitor", self.once(1).err)
        self.assertEqual(monitor.end(), 0)
        self.once(0)

    def test_a_spoilt_state_is_not_taken_for_none(self):
        self.once(0)
        path = os.path.join(self.state, f"monitor-{self.ledger.ledger_id}", "state")
        good = self.stored()
        for spoilt in (b"", b"{}", json.dumps(dict(good, version=2)).encode(),
                       json.dumps(dict(good, checkpoint="")).encode(), json.dumps(dict(good, seen=-1)).encode(),
                       json.dumps(dict(good, witnesses={"a": "b"})).encode(),
                       json.dumps(dict(good, witnesses={"a": -1})).encode(),
                       json.dumps(dict(good, witnesses={"a": 2 ** 53 + 1})).encode(),
                       json.dumps(dict(good, more=1)).encode(),
                       json.dumps(dict(good, witnesses={str(i): 1 for i in range(33)})).encode()):
            with open(path, "wb") as file:
                file.write(spoilt)
            self.assertIn("not what was written there", self.once(1).err)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(good, witnesses={str(i): 2 ** 53 for i in range(32)}), file)
        self.once(0)

    def test_what_can_not_be_meant_is_a_usage_error(self):
        for args in (["--interval", "0"], ["--interval", "86401"], ["--stale", "0"], ["--stale", str(30 * 86400 + 1)]):
            self.once(2, *args)
        self.once(0, "--interval", "86400", "--stale", str(30 * 86400))
        self.once(1, "--key", "ledger.key")
        self.once(1, "--key", "no-such-file")
        self.world.write("bad.policy", "quorum nobody\n")
        self.assertIn("line 1", self.once(4, "--feed-witnesses", "bad.policy").err)

    def test_a_copy_in_plain_files_is_followed(self):
        """`subsidy export` behind a web server that knows nothing of ledgers."""
        with World() as world:
            feed = world.license("qddex")
            world.grant("auditor")
            feed.push(records("a", 300))
            token = world.token_file("auditor")
            self.assertEqual(world.client("export", "copy", "--token", token).code, 0)
            server = ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler(world.path("copy")))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(world.path("server.pem"), world.path("server.key"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
            env = {"SUBSIDY_SERVER": f"https://127.0.0.1:{server.server_address[1]}",
                   "SUBSIDY_CA": world.path("ca.pem")}
            first = self.once(0, **env).json()
            self.assertEqual((first["size"], first["ledger_id"]), (world.size(), world.ledger_id))
            # From a proof made of tiles, on three levels of a tree that is not full.
            for count in (1, 250, 40):
                feed.push(records(f"b{count}", count))
                self.assertEqual(world.client("export", "copy", "--token", token).code, 0)
                self.assertEqual(self.once(0, **env).json()["size"], world.size())
            # A wrong tile proves nothing.
            feed.push(records("c", 30))
            self.assertEqual(world.client("export", "copy", "--token", token).code, 0)
            self.assertIn("takes no cosignatures", self.once(3, "--key", "witness.key", **env).err)
            feed.push(records("d", 30))
            self.assertEqual(world.client("export", "copy", "--token", token).code, 0)
            for level, _, names in os.walk(world.path("copy", "tile", "0")):
                for name in names:
                    with open(os.path.join(level, name), "r+b") as file:
                        data = bytearray(file.read())
                        data[-1] ^= 1
                        file.seek(0)
                        file.write(data)
            result = self.once(6, "--evidence", self.evidence, **env)
            self.assertEqual(result.json()["alarm"], "fork")
            # Nor does one that is too short.
            for level, _, names in os.walk(world.path("copy", "tile", "0")):
                for name in names:
                    os.truncate(os.path.join(level, name), 0)
            result = self.once(6, "--evidence", self.evidence, **env)
            self.assertEqual(result.json()["alarm"], "fork")


class Knowing(MonitorTest):
    """What is said and remembered of the ledger's keys."""

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.state, "ledger-" + self.ledger.url.removeprefix("https://"))
        self.older = [wire.Key(self.world.origin, bytes([i + 1]) * 32) for i in range(9)]

    def told(self, **more):
        self.ledger.changes["/v1/ledger"] = lambda answer: self.ledger.json(dict(answer.json(), **more))

    def remember(self, key, *older):
        os.makedirs(self.state, exist_ok=True)
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(f"{key.vkey()}\n{self.ledger.ledger_id}\n" + "".join(f"{key.vkey()} 3\n" for key in older))

    def remembered(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_what_is_out_of_bounds_says_of_no_ledger_which_it_is(self):
        key = self.ledger.key.vkey()
        past = [{"ledger_id": f"{i:016x}"} for i in range(8)]
        for more in ({"continues": past}, {"continues": [{}]}, {"continues": {}}, {"vkeys": []}, {"vkeys": [key] * 3},
                     {"vkeys": [key, self.witness.vkey()]}, {"size": -1}, {"ledger_id": "0"}):
            self.told(**more)
            self.assertIn("does not say which ledger this is", self.once(4, "--key", "witness.key").err, more)
        self.assertEqual(self.ledger.cosigned, [])
        self.told(continues=past[:7], vkeys=[key])
        self.once(0)
        self.assertEqual(self.remembered(), [key, self.ledger.ledger_id])

    def test_so_many_keys_are_remembered_and_no_more(self):
        self.remember(*self.older)
        self.once(0, "--vkey", self.ledger.key.vkey())
        self.assertEqual(self.remembered(), [self.ledger.key.vkey(), self.ledger.ledger_id] +
                         [f"{key.vkey()} 3" for key in self.older[:8]])
        self.once(0)
        self.remember(self.ledger.key, *self.older)
        self.assertIn("not the lines that were remembered", self.once(4).err)

    def test_a_key_that_was_given_up_does_not_come_back(self):
        self.remember(self.ledger.key, self.older[0])
        before = self.remembered()
        self.told(vkeys=[self.ledger.key.vkey(), self.older[0].vkey()])
        self.ledger.changes["/v1/keys"] = lambda _: self.ledger.json({"keys": []})
        self.once(0)
        self.assertEqual(self.remembered(), before)
        # Any other must be proven.
        self.told(vkeys=[self.ledger.key.vkey(), self.older[1].vkey()])
        self.assertIn("does not prove it", self.once(6).err)
        self.assertEqual(self.remembered(), before)
        # Whoever found it does not become the ledger of those who still name it.
        self.ledger.changes.clear()
        self.remember(self.older[0], self.ledger.key)
        before = self.remembered()
        for option in ((), ("--vkey", self.ledger.key.vkey())):
            result = self.once(6, *option)
            self.assertEqual(result.json()["alarm"], "another_ledger")
            self.assertIn("given up for the next one", result.err)
            self.assertEqual(self.remembered(), before)

    def test_of_two_keys_at_the_first_contact_the_older_vouches_for_the_next(self):
        """What is remembered as an older key is believed later, so it must have vouched for what came after it."""
        self.told(vkeys=[self.ledger.key.vkey(), self.older[0].vkey()])
        self.ledger.changes["/v1/keys"] = lambda _: self.ledger.json({"keys": []})
        for option in ((), ("--vkey", self.ledger.key.vkey())):
            self.assertIn("does not prove it", self.once(6, *option).err)
            self.assertEqual(self.remembered(), [self.ledger.key.vkey(), self.ledger.ledger_id])
            os.unlink(self.file)
        # A copy in plain files proves nothing, and the older one signs as before.
        del self.ledger.changes["/v1/keys"]
        self.once(0)
        self.assertEqual(self.remembered(), [self.ledger.key.vkey(), self.ledger.ledger_id])


class Alarms(MonitorTest):
    def setUp(self):
        super().setUp()
        self.once(0)

    def test_a_smaller_size_is_a_rollback_and_the_ledger_is_shown_what_it_signed(self):
        held = self.stored()["checkpoint"].encode()
        self.ledger.leaves.pop()
        found = self.alarm("rollback")
        self.assertEqual((found["newest"].encode(), found["vkey"]), (self.ledger.note(), self.ledger.key.vkey()))
        self.assertEqual(self.ledger.cosigned, [held])
        # With a witness's key it comes as the ledger takes it: with a cosignature.
        self.alarm("rollback", "--key", "witness.key")
        self.assertEqual(wire.split_note(self.ledger.cosigned[-1])[0], wire.split_note(held)[0])
        self.assertIsNotNone(self.witness.cosigned_at(self.ledger.cosigned[-1]))

    def test_another_root_at_the_same_size_is_a_fork(self):
        self.ledger.rewrite(3)
        found = self.alarm("fork", "--key", "witness.key")
        self.assertEqual(found["newest"].encode(), self.ledger.note())
        self.assertEqual(self.ledger.cosigned, [])

    def test_a_larger_size_that_does_not_contain_the_last_is_a_fork(self):
        self.ledger.rewrite(9)
        found = self.alarm("fork", "--key", "witness.key")
        self.assertEqual(found["answer"]["from"], 3)
        self.assertEqual(self.ledger.cosigned, [])
        # Nor does a proof of something else help, or none.
        for answer in ({"hashes": []}, {"hashes": "none"}, []):
            self.ledger.changes["/v1/consistency"] = lambda _, answer=answer: self.ledger.json(answer)
            self.alarm("fork", "--key", "witness.key")
        self.assertEqual(self.ledger.cosigned, [])

    def test_what_the_key_did_not_sign_is_not_believed(self):
        other = wire.Key(self.world.origin, b"\7" * 32)
        text = wire.split_note(self.ledger.note())[0]
        renamed = text.replace(b"ledger.example/flow\n", b"ledger.example/else\n")
        for note in (wire.sign_note(text, other), wire.sign_note(renamed, self.ledger.key), self.ledger.note()[:-9],
                     b"<html>", text + b"\n", wire.sign_note(text + b"extension\n", self.ledger.key)):
            self.ledger.changes["/v1/candidate"] = lambda answer, note=note: wire.Answer(200, answer.headers, note)
            found = self.alarm("bad_signature", "--key", "witness.key")
            self.assertEqual(found["newest"].encode(), note)
        self.assertEqual(self.ledger.cosigned, [])

    def test_another_ledger_behind_the_address(self):
        for ledger in (FakeLedger(self.world, wire.Key(self.world.origin, b"\7" * 32)),
                       FakeLedger(self.world, wire.Key("other.example", b"\7" * 32)),
                       FakeLedger(self.world, self.world.ledger_key, ledger_id="ffffffffffffffff")):
            self.ledger.key, self.ledger.ledger_id, before = ledger.key, ledger.ledger_id, (
                self.ledger.key, self.ledger.ledger_id)
            ledger.server.server_close()
            result = self.once(6, "--evidence", self.evidence, "--hook", self.hook, "--key", "witness.key")
            self.assertEqual(result.json()["alarm"], "another_ledger")
            _, found = self.found()
            self.assertEqual((found["vkey"], found["newest"].encode()),
                             (self.world.ledger_key.vkey(), self.ledger.note()))
            self.ledger.key, self.ledger.ledger_id = before
            self.assertEqual(found["held"], self.stored()["checkpoint"])
        self.assertEqual(self.ledger.cosigned, [])

    def test_a_key_that_was_given_is_asked_of_the_first_contact_too(self):
        fresh = {"SUBSIDY_STATE": self.world.path("state-fresh")}
        vkey = wire.Key(self.world.origin, b"\7" * 32).vkey()
        result = self.once(6, "--vkey", vkey, "--evidence", self.evidence, **fresh)
        self.assertEqual(result.json()["alarm"], "another_ledger")
        self.assertEqual(self.found()[1]["held"], None)
        # Where nothing is remembered yet there is a place for the evidence all the same.
        nowhere = self.world.path("state-of-nobody")
        path = self.once(6, "--vkey", vkey, SUBSIDY_STATE=nowhere).json()["evidence"]
        self.assertEqual([os.path.join(nowhere, name) for name in os.listdir(nowhere)], [path])
        # The address names the key, and what is signed is by another.
        self.ledger.changes["/v1/candidate"] = lambda answer: wire.Answer(200, answer.headers, b"x\n\n")
        result = self.once(6, "--evidence", self.evidence, **fresh)
        self.assertEqual(result.json()["alarm"], "bad_signature")
        self.assertEqual((self.found()[1]["held"], self.ledger.cosigned), (None, []))

    def test_one_that_goes_on_ends_with_an_alarm(self):
        monitor = self.start("--interval", "1", "--evidence", self.evidence, "--hook", self.hook, "--key", "witness.key")
        monitor.wait(lambda m: m.sizes(), "the first size")
        self.ledger.rewrite(8)
        self.assertEqual(monitor.finish(), 6)
        self.assertEqual([event.get("alarm") for event in monitor.events][-1], "fork")
        self.assertEqual(set(self.ledger.sizes_cosigned()), {3})
        self.assertEqual(self.found()[1]["newest"].encode(), self.ledger.note())

    def test_a_hook_that_fails_or_is_missing_changes_nothing(self):
        self.ledger.rewrite(3)
        for hook, words in (("exit 3", "ended with 3"), ("kill -TERM $$", "ended by signal 15"),
                            ("no-such-command", "ended with 127")):
            self.assertIn(words, self.once(6, "--hook", hook).err)
        # What it prints is not among the data.
        self.assertEqual(self.once(6, "--hook", "echo hello").json()["alarm"], "fork")

    def test_no_answer_is_no_accusation_until_it_is_stale(self):
        self.ledger.changes["/v1/candidate"] = lambda _: None
        self.once(7, "--hook", self.hook)
        self.assertFalse(os.path.exists(self.world.path(self.hook_file)))
        # The last valid answer is what counts, over starts.
        path = os.path.join(self.state, f"monitor-{self.ledger.ledger_id}", "state")
        stored = self.stored()
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(stored, seen=int(time.time()) - 290), file)
        self.once(7, "--hook", self.hook)
        self.assertFalse(os.path.exists(self.world.path(self.hook_file)))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(stored, seen=int(time.time()) - 300), file)
        self.once(7, "--hook", self.hook, "--stale", "3000")
        self.assertFalse(os.path.exists(self.world.path(self.hook_file)))
        result = self.once(7, "--hook", self.hook)
        self.assertIn("SUBSIDY_ALARM=stale\nSUBSIDY_CA", self.world.read(self.hook_file).decode())
        self.assertIn("SUBSIDY_EVIDENCE=\n", self.world.read(self.hook_file).decode())
        self.assertEqual((result.json()["alarm"], result.json()["evidence"]), ("stale", None))
        os.unlink(self.world.path(self.hook_file))
        # A clock that was set back says nothing.
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(stored, seen=int(time.time()) + 3000), file)
        self.once(7, "--hook", self.hook)
        self.assertFalse(os.path.exists(self.world.path(self.hook_file)))
        # An answer that is none of a ledger is no answer.
        self.ledger.changes["/v1/candidate"] = lambda _: wire.Answer(502, {"Content-Type": "text/html"}, b"")
        self.once(1)
        del self.ledger.changes["/v1/candidate"]
        self.once(0)

    def test_a_ledger_that_is_away_is_waited_for_and_told_of_once(self):
        monitor = self.start("--interval", "1", "--stale", "2", "--hook", "echo x >> stale.txt")
        monitor.wait(lambda m: m.sizes(), "the first size")
        self.ledger.changes["/v1/candidate"] = lambda _: None
        monitor.wait(lambda m: m.events[-1].get("alarm") == "stale", "the alarm")
        time.sleep(2.5)
        self.ledger.grow(5)
        del self.ledger.changes["/v1/candidate"]
        monitor.wait(lambda m: m.sizes()[-1] == 8, "the size after it")
        time.sleep(1.5)
        self.assertEqual(self.world.read("stale.txt"), b"x\n")
        self.assertEqual(len([line for line in monitor.errors if "could not be reached" in line]), 1, monitor.errors)
        # Another time is another alarm.
        self.ledger.changes["/v1/candidate"] = lambda _: None
        monitor.wait(lambda m: m.events[-1].get("alarm") == "stale", "the second alarm")
        self.assertEqual(monitor.end(), 0)
        self.assertEqual([event.get("alarm") or event["event"] for event in monitor.events],
                         ["head", "stale", "head", "back", "stale"])
        self.assertEqual(self.world.read("stale.txt"), b"x\nx\n")


class Cosigning(MonitorTest):
    def test_it_cosigns_what_it_has_stored_and_the_same_size_afresh(self):
        event = self.once(0, "--key", "witness.key").json()
        self.assertTrue(event["cosigned"])
        first, = self.ledger.cosigned
        self.assertEqual(wire.split_note(first)[0], wire.split_note(self.ledger.note())[0])
        self.assertTrue(wire.note_is_signed_by(first, self.ledger.key))
        self.assertAlmostEqual(self.witness.cosigned_at(first), time.time(), delta=60)
        time.sleep(1.1)
        self.once(0, "--key", "witness.key")
        self.assertGreater(self.witness.cosigned_at(self.ledger.cosigned[1]), self.witness.cosigned_at(first))
        self.ledger.grow(20)
        self.once(0, "--key", "witness.key")
        self.assertEqual(self.ledger.sizes_cosigned(), [3, 3, 23])

    def test_lines_of_others_are_not_handed_in_again(self):
        others = [wire.WitnessKey(f"w{i}.example", wire.sha256(b"%d" % i)) for i in range(20)]
        text = wire.split_note(self.ledger.note())[0]
        self.ledger.lines[3] = b"".join(key.cosign(text) for key in others)
        self.once(0, "--key", "witness.key")
        self.assertEqual(len(wire.split_note(self.ledger.cosigned[0])[1]), 2)
        self.assertIn(others[3].name, self.stored()["checkpoint"])

    def test_a_kill_between_storing_and_cosigning_keeps_the_promise(self):
        """The cosignature is under way when the power goes, and the ledger takes the chance to tell another story."""
        arrived, go = threading.Event(), threading.Event()

        def hold(_):
            arrived.set()
            go.wait(TIMEOUT_S)
        self.addCleanup(go.set)
        self.ledger.grow(7)
        self.ledger.changes["/v1/cosignatures"] = hold
        monitor = self.start("--interval", "1", "--key", "witness.key")
        self.assertTrue(arrived.wait(TIMEOUT_S))
        monitor.process.kill()
        self.assertEqual(monitor.finish(), -signal.SIGKILL)
        go.set()
        del self.ledger.changes["/v1/cosignatures"]
        self.assertEqual(self.stored_size(), 10)
        honest = list(self.ledger.leaves)
        for size in (10, 12):
            self.ledger.rewrite(size)
            self.alarm("fork", "--key", "witness.key")
        self.ledger.leaves = honest
        self.once(0, "--key", "witness.key")
        self.assertEqual(len({wire.split_note(note)[0] for note in self.ledger.cosigned}), 1)

    def test_nothing_is_cosigned_that_can_not_be_stored(self):
        self.once(0, "--key", "witness.key")
        # A folder where the new file is written before it is renamed: not even root can write it.
        blocked = os.path.join(self.state, f"monitor-{self.ledger.ledger_id}", "state.new")
        os.mkdir(blocked)
        self.ledger.grow(2)
        self.assertIn("nothing was cosigned", self.once(1, "--key", "witness.key").err)
        self.assertEqual(self.ledger.sizes_cosigned(), [3])
        os.rmdir(blocked)
        self.once(0, "--key", "witness.key")
        self.assertEqual(self.ledger.sizes_cosigned(), [3, 5])

    def test_a_server_of_files_takes_none_whatever_it_says(self):
        for status in (404, 405, 501):
            self.ledger.changes["/v1/cosignatures"] = lambda _, status=status: wire.Answer(status, {}, b"")
            self.assertIn("takes no cosignatures", self.once(3, "--key", "witness.key").err)

    def test_a_ledger_that_does_not_take_it_is_told_of_once(self):
        self.ledger.changes["/v1/cosignatures"] = lambda _: self.ledger.problem(403, "unknown_key")
        self.once(5, "--key", "witness.key")
        monitor = self.start("--interval", "1", "--key", "witness.key")
        monitor.wait(lambda m: m.sizes() == [3], "the first size")
        self.ledger.grow(1)
        monitor.wait(lambda m: m.sizes() == [3, 4], "the second size")
        self.assertFalse(monitor.events[-1]["cosigned"])
        self.assertEqual(monitor.end(), 0)
        self.assertEqual(len([line for line in monitor.errors if "no signature by a known key" in line]), 1)


class Real(unittest.TestCase):
    """The daemon itself, set back and forked as a thief of backups would."""

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.new_key("witness.example/bureau", "witness.key", "--type", "cosignature")
        self.feed = self.world.license("qddex")
        self.feed.push(records("first", 3))

    def save(self):
        self.world.stop()
        subprocess.run(["cp", "-r", "--sparse=always", self.world.path("data"), self.world.path("data-old")], check=True)
        shutil.copy(self.world.path("guard"), self.world.path("guard-old"))
        self.world.start()

    def bring_back(self):
        """The whole machine, guard and all, as it was."""
        self.world.stop()
        shutil.rmtree(self.world.path("data"))
        os.rename(self.world.path("data-old"), self.world.path("data"))
        os.rename(self.world.path("guard-old"), self.world.path("guard"))
        self.world.start()

    def monitor(self, code, *args):
        result = self.world.client("monitor", "--once", "--json", "--evidence", "evidence", *args,
                                   SUBSIDY_SERVER="https://" + self.world.addresses["public"])
        self.assertEqual(result.code, code, result)
        return result

    def evidence(self):
        name, = os.listdir(self.world.path("evidence"))
        with open(self.world.path("evidence", name), encoding="utf-8") as file:
            return json.load(file)

    def test_an_older_copy_with_its_guard_is_a_rollback(self):
        self.save()
        self.feed.push(records("second", 3))
        size = self.monitor(0).json()["size"]
        self.assertEqual(size, self.world.size())
        self.bring_back()
        result = self.monitor(6)
        self.assertEqual(result.json()["alarm"], "rollback")
        self.assertEqual(int(self.evidence()["held"].split("\n")[1]), size)
        # The daemon was shown what it had signed, and would rather stop than sign a second history.
        self.assertIn("older than a checkpoint it has signed", result.err)
        self.world.finish(9)

    def test_another_tail_is_a_fork(self):
        self.save()
        self.feed.push(records("second", 3))
        held = self.monitor(0).json()["size"]
        self.bring_back()
        feed = self.world.feeds["qddex"]
        feed.records, feed.tree = feed.records[:3], wire.Tree(feed.records[:3])
        feed.push(records("another", 9))
        self.assertGreater(self.world.size(), held)
        self.assertEqual(self.monitor(6).json()["alarm"], "fork")
        self.assertTrue(wire.note_is_signed_by(self.evidence()["newest"].encode(), self.world.ledger_key))

    def test_it_grows_with_the_daemon(self):
        for count in (1, 30, 300):
            self.feed.push(records(f"grow{count}", count))
            size, root = tlog.of_connection(self.world.public).checkpoint(self.world.ledger_key)
            self.assertEqual(self.monitor(0).json()["size"], size)
            self.assertGreater(len(root), 0)


class WitnessedWorld(World):
    """A daemon that publishes what a monitor of ours and a witness of somebody else's have cosigned."""

    def __init__(self, other):
        self.other = other
        super().__init__(witness={"policy": "witnesses", "interval": 1, "timeout": 3600})

    def make_config(self, name="subsidyd.conf", **settings):
        vkey = self.new_key("witness.example/bureau", "witness.key", "--type", "cosignature")
        self.other.logs[self.origin] = self.ledger_key
        self.write("witnesses", f"witness bureau {vkey}\n" + self.other.line() + "group both all bureau qddex\nquorum both\n")
        return super().make_config(name, **settings)

    def published(self):
        return int(self.public.get("/checkpoint").body.split(b"\n")[1])


class Witnessed(unittest.TestCase):
    def test_a_head_is_published_once_both_have_cosigned_it(self):
        with Witness("qddex") as other, WitnessedWorld(other) as world:
            feed = world.license("qddex")
            alone = [world, dict(world.env, SUBSIDY_STATE=world.path("state-m")), "--interval", "1", "--key", "witness.key"]
            monitor = Monitor(*alone)
            self.addCleanup(monitor.process.kill)
            monitor.wait(lambda m: m.sizes(), "a candidate")
            before = world.published()
            feed.push(records("a", 20))
            monitor.wait(lambda m: any(event.get("cosigned") for event in m.events), "a cosignature")
            self.assertEqual(world.published(), before)
            self.assertEqual(monitor.end(), 0)

            monitor = Monitor(*alone, "--feed-witnesses", "witnesses")
            self.addCleanup(monitor.process.kill)
            wait_until(lambda: world.published() == world.size(), TIMEOUT_S, "the newest head")
            for count in (1, 300):
                feed.push(records(f"b{count}", count))
                wait_until(lambda: world.published() == world.size(), TIMEOUT_S, "the newest head")
            # What is published carries both lines, and they verify.
            note = world.public.get("/checkpoint").body
            for key in (other.key, wire.WitnessKey.from_file(world.path("witness.key"))):
                self.assertIsNotNone(key.cosigned_at(note))
            self.assertEqual(monitor.end(), 0)
            self.assertEqual([line for line in monitor.errors if "first contact" not in line], [])


if __name__ == "__main__":
    unittest.main()
