"""The daemon is killed, again and again, at any moment, under load from several venues and readers.

Venues push without pause and send the very same bytes again where no answer came; one pushes with the real client.
Readers collect signed checkpoints. After each restart every feed holds exactly what was acknowledged, and perhaps the
one push that was under way. At the end every checkpoint ever seen is the root of the ledger's beginning: its history
has never forked.

CRASH_KILLS changes the number of kills (`make soak`: 1000), SEED repeats their moments.
"""
import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

from tests.flow import wire
from tests.flow.harness import BUILD, CLIENT, DAEMON, Feed, World, check, records, run, trade, wait_until, write_csv

ROOTS = os.path.join(BUILD, "tests", "tools", "roots")
SANITIZED = any(name in run(["ldd", DAEMON], "/").out for name in ("libasan", "libtsan"))
KILLS = int(os.environ.get("CRASH_KILLS", 10 if SANITIZED else 100))
LIFE_S = 0.3                # a life lasts up to so long, once it has begun
KILLED_STARTS = 0.2         # of the lives end before they have begun, about
PUSH_RECORDS = (1, 1, 5, 5, 40, 40, 300)
PAUSE_S = 0.03              # between two acts of an actor, at most: the load must leave the test itself some time
CLIENT_ROWS = 40
RETRY_S = 0.02
JOIN_TIMEOUT_S = 90

SM2_TYPE = b"\xffSM2-SM3-v1"
SM2_SIGNER = "distid:1234567812345678"


class Sm2Key:
    """A key like wire.Key, with the openssl program as its hand."""

    def __init__(self, name, world):
        self.name = name
        self.path = world.path(f"{name}.sm2.pem")
        check(run(["openssl", "genpkey", "-algorithm", "SM2", "-out", self.path], world.folder))
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout
        self.material = SM2_TYPE + der[-65:]
        self.id = wire.sha256(name.encode() + b"\n" + self.material)[:4]

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.material).decode()}"

    def line(self, text):
        text_path = self.path + ".text"
        with open(text_path, "wb") as file:
            file.write(text)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.path, "-rawin", "-digest", "sm3",
                                    "-pkeyopt", SM2_SIGNER, "-in", text_path], check=True,
                                   stdout=subprocess.PIPE).stdout
        return f"— {self.name} {base64.b64encode(self.id + signature).decode()}\n".encode()


class Actor(threading.Thread):
    """Acts on its own connection until told to end; what goes wrong is raised by finish()."""

    def __init__(self, world, listener, seed):
        super().__init__(daemon=True)
        self.world = world
        self.listener = listener
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self.connection = None
        self.error = None

    def run(self):
        try:
            while not self.ending.is_set():
                self.act()
                time.sleep(self.random.uniform(0, PAUSE_S))
        except Exception as error:      # whatever it is, the test is to show it
            self.error = error
        finally:
            self.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()

    def finish(self):
        self.ending.set()
        self.join(JOIN_TIMEOUT_S)
        if self.error is not None:
            raise self.error
        if self.is_alive():
            raise TimeoutError(f"{self!r} does not end")

    def ask(self, request):
        """The answer of the life there is; None where it ended first."""
        try:
            address = self.world.addresses[self.listener]
            if self.connection is None or not address.endswith(f":{self.connection.port}"):
                self.close()
                self.connection = wire.Connection(address, self.world.path("ca.pem"))
            return request(self.connection)
        except (OSError, http.client.HTTPException):
            time.sleep(RETRY_S)
            return None


class History:
    """Every checkpoint anyone has seen. Its lock makes 'seen before it was asked' a plain order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.roots = {}
        self.largest = 0

    def add(self, note, key, least):
        """Of a note signed by the ledger: never smaller than one seen before it was asked for, never another root."""
        assert wire.note_is_signed_by(note, key), note
        _, size, root = wire.split_note(note)[0].decode().splitlines()
        with self.lock:
            assert int(size) >= least, f"a checkpoint of {size}, where {least} had been shown"
            assert self.roots.setdefault(int(size), root) == root, f"two roots of size {size}"
            self.largest = max(self.largest, int(size))


class Reader(Actor):
    def __init__(self, world, listener, seed, history):
        super().__init__(world, listener, seed)
        self.history = history
        self.read_count = 0

    def act(self):
        least = self.history.largest
        answer = self.ask(lambda connection: connection.get("/checkpoint"))
        if answer is not None:
            assert answer.status == 200, answer
            self.history.add(answer.body, self.world.ledger_key, least)
            self.read_count += 1


class Venue(Actor):
    """What it pushed, as trees at each size that it has signed."""

    def __init__(self, world, name, key, seed, history):
        super().__init__(world, "feed", seed)
        self.name = name
        self.history = history
        self.feed = Feed(world, name, key)
        self.signed = {0: wire.Tree()}      # by size
        self.acknowledged = 0               # records
        self.receipts = []                  # (index, ledger size) of each push
        self.retries = 0

    def act(self):
        new = records(f"{self.name}-{len(self.feed.records)}", self.random.choice(PUSH_RECORDS))
        body = self.feed.body(new)
        tree = self.feed.tree.copy()
        for record in new:
            tree.add(record)
        self.signed[tree.size] = tree
        while not self.ending.is_set():
            least = self.history.largest
            answer = self.ask(lambda connection: connection.push(self.name, body))
            if answer is None:
                self.retries += 1
                continue
            assert answer.status == 200, answer
            self.take(answer.json(), new, least)
            return

    def take(self, answer, new, least):
        assert (answer["new"], answer["held"]) in ((len(new), 0), (0, len(new))), answer
        leaf, index, size = wire.verify_receipt(answer["receipt"], self.world.ledger_key)
        push = wire.message_dict(wire.message_dict(leaf)[9])
        assert (push.get(4, 0), push[5]) == (len(self.feed.records), len(new)), answer
        self.history.add(answer["receipt"].encode().partition(b"\n\n")[2], self.world.ledger_key, least)
        self.receipts.append((index, size))
        self.feed.accept(new)
        self.acknowledged = len(self.feed.records)


class Client(Actor):
    """A venue with the real client and an SM2 key of its making, killed with the daemon: the file again until it is done."""

    def __init__(self, world, name, seed):
        super().__init__(world, "feed", seed)
        self.name = name
        self.process = None
        self.acknowledged = 0
        self.push_count = 0
        self.retries = 0

    def act(self):
        write_csv(self.world.path(f"{self.name}.csv"),
                  [trade(f"{self.name}-{self.push_count}-{i}") for i in range(CLIENT_ROWS)])
        while not self.ending.is_set():
            code, out, err = self.push()
            if code == 0:
                self.push_count += 1
                self.acknowledged += CLIENT_ROWS
                assert json.loads(out)["feed_size"] == self.acknowledged, out
                return
            # Killed, unreachable, or the outcome is unknown; never a refusal.
            assert code in (-signal.SIGKILL, 7), (code, out, err)
            self.retries += 1
            time.sleep(RETRY_S)

    def push(self):
        command = [CLIENT, "push", self.name, f"{self.name}.csv", "--key", f"{self.name}.key", "--json"]
        with subprocess.Popen(command, cwd=self.world.folder, env=self.world.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as self.process:
            out, err = self.process.communicate()
        return self.process.returncode, out, err

    def kill(self):
        """It would go on asking at the address of the life before."""
        if self.process is not None:
            self.process.kill()


class Crash(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        print(f"SEED={self.seed} CRASH_KILLS={KILLS}", file=sys.stderr)
        self.random = random.Random(self.seed)
        self.world = World()
        self.addCleanup(self.world.close)
        self.history = History()
        self.actors = []

    def make_actors(self):
        world = self.world
        keys = [wire.Key(name, wire.sha256(name.encode())) for name in ("ed-a", "ed-b")]
        keys += [Sm2Key(name, world) for name in ("sm-a", "sm-b")]
        names = [key.name for key in keys] + ["real"]
        vkeys = [key.vkey() for key in keys] + [world.new_key("real", "real.key", "--type", "sm2")]
        for name, vkey in zip(names, vkeys):
            world.order("venue.license", {"venue": name, "name": name, "keys": [vkey]})
        world.grant(*(f"venue:{name}" for name in names))
        self.venues = [Venue(world, key.name, key, self.random.random(), self.history) for key in keys]
        self.client = Client(world, "real", self.random.random())
        self.readers = [Reader(world, listener, self.random.random(), self.history) for listener in ("public", "feed")]
        self.actors = self.venues + self.readers + [self.client]

    def kill_and_restart(self):
        """One life: mostly lived a while, now and then killed as it begins."""
        time.sleep(self.random.uniform(0, LIFE_S))
        self.world.kill()
        while self.random.random() < KILLED_STARTS:
            self.world.spawn()
            time.sleep(self.random.uniform(0, 0.05))
            assert self.world.process.poll() is None, self.world.log()[-2000:]
            self.world.kill()
        self.world.start()
        self.client.kill()

    def check_feeds(self):
        """Each holds what was acknowledged, whole, and nothing but what was signed."""
        for actor in self.venues:
            acknowledged = actor.acknowledged
            held = self.world.get_json(f"/v1/feeds/{actor.name}", f"venue:{actor.name}")
            self.assertGreaterEqual(held["size"], acknowledged, actor.name)
            self.assertIn(held["size"], actor.signed, actor.name)
            self.assertEqual(base64.b64decode(held["root"]), actor.signed[held["size"]].root(), actor.name)
        acknowledged = self.client.acknowledged
        held = self.world.get_json("/v1/feeds/real", "venue:real")
        self.assertGreaterEqual(held["size"], acknowledged)
        self.assertEqual(held["size"] % CLIENT_ROWS, 0)

    def check_history(self):
        """Of the stopped ledger: every root that was shown, and every receipt, is of its one history."""
        sizes = sorted(self.history.roots)
        printed = check(run([ROOTS, self.world.path("data")], self.world.folder,
                            stdin="".join(f"{size}\n" for size in sizes).encode())).out
        roots = dict(line.split() for line in printed.splitlines())
        self.assertEqual(len(roots), len(sizes))
        for size in sizes:
            self.assertEqual(bytes.fromhex(roots[str(size)]), base64.b64decode(self.history.roots[size]), size)
        for venue in self.venues:
            for _, size in venue.receipts:
                self.assertIn(size, self.history.roots)

    def settle(self):
        """Every push that was begun is answered; the ledger holds each record and each push once."""
        for actor in self.actors:
            actor.finish()
        for venue in self.venues:
            held = self.world.get_json(f"/v1/feeds/{venue.name}", f"venue:{venue.name}")["size"]
            self.assertIn(held, venue.signed)
        entries = sum(venue.acknowledged + len(venue.receipts) for venue in self.venues)
        entries += self.client.acknowledged + self.client.push_count
        pending = self.pending()
        self.assertEqual(self.world.size(), self.size_before + entries + pending)
        for venue in self.venues:
            indexes = [index for index, _ in venue.receipts]
            self.assertEqual(len(set(indexes)), len(indexes), "one push entry stands for two pushes")

    def pending(self):
        """Entries of pushes that entered without an answer as the load ended."""
        entries = 0
        for actor in self.venues + [self.client]:
            held = self.world.get_json(f"/v1/feeds/{actor.name}", f"venue:{actor.name}")["size"]
            if held > actor.acknowledged:
                entries += held - actor.acknowledged + 1
        return entries

    def test_a_killed_daemon_keeps_its_word(self):
        self.make_actors()
        self.size_before = self.world.size()
        for actor in self.actors:
            actor.start()
        try:
            for _ in range(KILLS):
                self.kill_and_restart()
                self.check_feeds()
                for actor in self.actors:
                    if actor.error is not None:
                        raise actor.error
            pushes = [len(venue.receipts) for venue in self.venues]
            wait_until(lambda: all(len(venue.receipts) > before for venue, before in zip(self.venues, pushes)),
                       JOIN_TIMEOUT_S, "a push of each venue in the last life")
        finally:
            for actor in self.actors:
                actor.ending.set()
        self.settle()
        print(f"{self.world.size()} entries, {sum(len(venue.receipts) for venue in self.venues)} pushes and "
              f"{sum(venue.retries for venue in self.venues)} retries, {self.client.push_count} pushes of the client and "
              f"{self.client.retries} retries, {len(self.history.roots)} checkpoints", file=sys.stderr)
        self.world.stop()
        self.check_history()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))


if __name__ == "__main__":
    unittest.main()
