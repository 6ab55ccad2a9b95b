"""A real daemon that waits for two of three witnesses, and real monitors that are the witnesses: what a user sees of them."""
import os
import threading
import unittest
import urllib.request

from tests.flow import wire
from tests.flow.harness import FIRMS, Proxy, World, check, records, wait_until
from tests.flow.monitored import TIMEOUT_S, Monitor
from tests.flow.test_metrics import Metrics

NAMES = ("bureau", "qddex", "sddex")
PUBLISH_TIMEOUT_S = 60
ENTERPRISE = FIRMS[0]


def size_of(note):
    return int(note.split(b"\n")[1])


class Watched(unittest.TestCase):
    """A ledger with a feed and a claim key, whose three witnesses are `subsidy monitor` with a key and a state folder each."""

    timeout_s = 3600

    def setUp(self):
        self.world = World(start=False, witness={"policy": "witnesses", "interval": 1, "timeout": self.timeout_s},
                           ledger={"next_key": "next.key", "heads_key": "heads.key"})
        self.addCleanup(self.world.close)
        self.world.new_key(self.world.origin, "next.key")
        self.world.new_key(self.world.origin + "/heads", "heads.key")
        lines = ""
        for name in NAMES:
            vkey = self.world.new_key(f"witness.{name}.example", f"witness-{name}.key", "--type", "cosignature")
            lines += f"witness {name} {vkey}\n"
        self.world.write("witnesses", lines + "group exchanges 2 bureau qddex sddex\nquorum exchanges\n")
        self.world.write("all-witnesses", lines + "group everybody all bureau qddex sddex\nquorum everybody\n")
        self.world.start()
        self.monitors = {}
        self.next = wire.Key.from_file(self.world.path("next.key"))
        self.heads = wire.Key.from_file(self.world.path("heads.key"))
        self.feed = self.world.license("qddex")
        self.serial = 0

    def push(self, count=1):
        self.serial += 1
        return self.feed.push(records(f"n{self.serial}", count))

    def watch(self, *names):
        for name in names:
            env = dict(self.world.env, SUBSIDY_STATE=self.world.path(f"state-{name}"))
            self.monitors[name] = Monitor(self.world, env, "--key", f"witness-{name}.key", "--interval", "1")
            self.addCleanup(self.monitors[name].process.kill)

    def unwatch(self, *names):
        for name in names:
            self.assertEqual(self.monitors.pop(name).end(), 0)

    def checkpoint(self):
        answer = self.world.public.get("/checkpoint")
        self.assertEqual(answer.status, 200)
        return answer.body

    def cosigners(self, note):
        """By the names of their lines; that they verify, the client says."""
        names = [line.split(b" ")[1].decode() for line in wire.split_note(note)[1]]
        return [name for name in NAMES if f"witness.{name}.example" in names]

    def published(self, size=None, count=2):
        """The published checkpoint, once it is of so many entries and cosigned by so many."""
        size = self.world.size() if size is None else size

        def look():
            for name, monitor in self.monitors.items():
                monitor.has_ended(name)
            note = self.checkpoint()
            return note if size_of(note) >= size and len(self.cosigners(note)) >= count else None
        return wait_until(look, PUBLISH_TIMEOUT_S, f"a checkpoint of {size} with {count} cosignatures")

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.world.addresses['metrics']}/metrics", timeout=30) as answer:
            return Metrics(answer.read().decode())

    def change(self, add=(), retire=()):
        return self.world.order("log.key", {"add": [key.vkey() for key in add], "retire": [key.vkey() for key in retire],
                                            "reason": "密钥轮换"})["index"]

    def statement(self, name, *options, **environment):
        return self.world.client("statement", ENTERPRISE, "-o", name, "--json", *options, token=ENTERPRISE, **environment)

    def ends_well(self):
        self.unwatch(*list(self.monitors))
        self.world.stop()
        check(self.world.daemon("verify", "-c", "subsidyd.conf"))


class Quorum(Watched):
    def test_the_quorum_holds_with_two_of_three_and_while_pushes_go_on(self):
        self.watch(*NAMES)
        self.published(count=3)
        stop, errors = threading.Event(), []
        other = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))

        def push_on():
            number = 0
            try:
                while not stop.is_set():
                    new = records(f"load{number}", 3)
                    answer = other.push("qddex", self.feed.body(new))
                    assert answer.status == 200, answer
                    self.feed.accept(new)
                    number += 1
            except (AssertionError, OSError) as error:
                errors.append(error)
        thread = threading.Thread(target=push_on)
        thread.start()
        try:
            for _ in range(3):
                self.published(count=2)
            self.unwatch("sddex")
            for _ in range(2):
                note = self.published(self.world.size() + 1)
        finally:
            stop.set()
            thread.join(TIMEOUT_S)
            other.close()
        self.assertEqual(errors, [])
        self.assertEqual(self.cosigners(note), ["bureau", "qddex"])
        metrics = self.metrics()
        self.assertEqual(metrics.get("subsidy_published_quorum_met"), 1)
        self.ends_well()

    def test_a_quorum_is_seen_by_who_checks_proofs_and_statements(self):
        self.world.grant(ENTERPRISE, "auditor")
        receipt = self.push(3)["receipt"]
        self.change(add=[self.heads])
        self.watch(*NAMES)
        self.published()
        self.unwatch("sddex")
        self.push(1)
        self.published()
        self.assertEqual(self.cosigners(self.checkpoint()), ["bureau", "qddex"])
        made = check(self.statement("statement"))
        self.assertTrue(made.json()["has_claim"])
        vkey = self.world.ledger_key.vkey()
        entry = sorted(os.listdir(self.world.path("statement/entries")))[0]
        for what in ("statement", "statement/entries/" + entry):
            check(self.world.client("verify", what, "--policy", "witnesses", "--vkey", vkey))
            refused = self.world.client("verify", what, "--policy", "all-witnesses", "--vkey", vkey)
            self.assertEqual(refused.code, 6, refused)
            self.assertIn("everybody", refused.err)
        # A copy keeps the file that its checkpoint was held against.
        copied = ("export", "mirror", "--vkey", vkey, "--policy")
        self.assertEqual(self.world.client(*copied, "all-witnesses", token="auditor").code, 6)
        self.assertFalse(os.path.exists(self.world.path("mirror/policy")))
        check(self.world.client(*copied, "witnesses", token="auditor"))
        self.assertEqual(self.world.read("mirror/policy"), self.world.read("witnesses"))
        check(self.world.daemon("verify", "--export", "mirror", "--vkey", vkey))
        # A receipt waits for nobody, so nobody has cosigned it.
        self.world.write("receipt.tlog-proof", receipt)
        check(self.world.client("verify", "receipt.tlog-proof", "--vkey", vkey))
        self.assertEqual(self.world.client("verify", "receipt.tlog-proof", "--vkey", vkey, "--policy", "witnesses").code, 6)
        self.ends_well()


class Outage(Watched):
    timeout_s = 3

    def test_one_witness_is_too_few_until_the_others_come_back(self):
        self.watch(*NAMES)
        self.published(count=3)
        self.unwatch("qddex", "sddex")
        self.push(2)
        size = self.world.size()
        # Its time is up: published all the same, and said.
        note = self.published(size, count=1)
        self.assertEqual(self.cosigners(note), ["bureau"])
        wait_until(lambda: self.metrics().get("subsidy_published_quorum_met") == 0, TIMEOUT_S, "an outage in the metrics")
        self.push(1)
        self.watch("qddex")
        self.push(1)
        note = self.published(count=2)
        wait_until(lambda: self.metrics().get("subsidy_published_quorum_met") == 1, TIMEOUT_S, "the end of the outage")
        self.watch("sddex")
        self.published(count=3)
        self.ends_well()


class Keys(Watched):
    def test_monitors_go_on_over_a_change_of_the_ledgers_key(self):
        world = self.world
        world.grant(ENTERPRISE)
        self.push(2)
        self.watch(*NAMES)
        self.published()
        old = check(self.statement("old")).json()
        # One that sleeps from now on, and a client that does.
        self.unwatch("sddex")
        added = self.change(add=[self.next])
        note = self.published()
        self.assertGreater(size_of(note), added)
        own = [line for line in wire.split_note(note)[1] if line.split(b" ")[1] == world.origin.encode()]
        self.assertEqual(len(own), 2)
        for key in (world.ledger_key, self.next):
            self.assertTrue(wire.note_is_signed_by(wire.split_note(note)[0] + b"\n" + b"".join(own), key))
        self.assertEqual(self.cosigners(note), ["bureau", "qddex"])
        self.push(1)
        self.published()
        check(self.statement("between"))
        for key in (world.ledger_key, self.next):
            check(world.client("verify", "between", "--policy", "witnesses", "--vkey", key.vkey()))
        self.change(retire=[world.ledger_key])
        self.published()
        self.push(1)
        self.published()
        check(self.statement("new"))
        for key in (world.ledger_key, self.next):
            check(world.client("verify", "new", "--policy", "witnesses", "--vkey", key.vkey()))
        check(world.client("verify", "old", "--policy", "witnesses", "--vkey", world.ledger_key.vkey()))
        # What is remembered takes all of them.
        for name in ("old", "between", "new"):
            check(world.client("verify", name, "--policy", "witnesses"))
            check(world.client("receipt", "check", name, token=ENTERPRISE))
        for name in ("bureau", "qddex"):
            self.assertTrue(any("changes its key" in line for line in self.monitors[name].errors))
        # Who slept through it is told what to do, and can.
        slept = world.client("monitor", "--once", "--key", "witness-sddex.key", SUBSIDY_STATE=world.path("state-sddex"))
        self.assertEqual(slept.code, 6, slept)
        for words in (self.next.vkey(), "on paper", "--vkey"):
            self.assertIn(words, slept.err)
        told = check(world.client("monitor", "--once", "--key", "witness-sddex.key", "--vkey", self.next.vkey(),
                                  SUBSIDY_STATE=world.path("state-sddex")))
        self.assertIn("cosigned", told.out)
        self.watch("sddex")
        self.push(1)
        self.published(count=3)
        self.ends_well()

    def once(self, name, *options, **environment):
        return self.world.client("monitor", "--once", "--json", "--key", f"witness-{name}.key", *options,
                                 SUBSIDY_STATE=self.world.path(f"state-{name}"), **environment)

    def test_a_candidate_of_before_the_next_key(self):
        """It waits for its quorum while the ledger announces the key: who follows that still cosigns it."""
        world = self.world
        self.push(1)
        check(self.once("bureau"))
        check(self.once("qddex"))
        self.push(1)

        def waits():
            note = world.public.get("/v1/candidate").body
            return note if note != self.checkpoint() else None
        candidate = wait_until(waits, TIMEOUT_S, "a candidate")
        added = self.change(add=[self.next])
        self.assertEqual(world.public.get("/v1/candidate").body, candidate)
        self.assertLessEqual(size_of(candidate), added)
        told = check(self.once("bureau"))
        self.assertIn("changes its key", told.err)
        self.assertEqual(told.json()["size"], size_of(candidate))
        # A first contact takes the next key, and believes it all the same.
        self.assertEqual(check(self.once("sddex")).json()["size"], size_of(candidate))
        self.published(size_of(candidate))
        check(self.once("qddex"))
        self.ends_well()

    def test_a_key_that_was_given_up_signs_nothing_larger(self):
        world = self.world
        receipt = self.push(1)["receipt"]
        world.write("receipt.tlog-proof", receipt)
        check(world.client("receipt", "check", "receipt.tlog-proof"))
        self.watch(*NAMES)
        self.change(add=[self.next])
        check(world.client("receipt", "check", "receipt.tlog-proof"))
        self.push(1)
        self.published()
        text = wire.split_note(self.checkpoint())[0]
        for key, code in ((world.ledger_key, 6), (self.next, 0)):
            note = wire.sign_note(text, key)

            def change(_method, path, answer, note=note):
                return wire.Answer(answer.status, answer.headers, note) if path == "/checkpoint" else answer

            with Proxy(world, world.addresses["public"], change) as address:
                name = "state/ledger-" + address
                world.write(name, world.read("state/ledger-" + world.addresses["public"]))
                result = world.client("receipt", "check", "receipt.tlog-proof", SUBSIDY_SERVER="https://" + address)
            self.assertEqual(result.code, code, result)
        self.ends_well()


if __name__ == "__main__":
    unittest.main()
