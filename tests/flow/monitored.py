"""A ledger that can be told to lie, and monitors of it: what the tests of `subsidy monitor` share."""
import json
import os
import signal
import subprocess
import threading
import unittest

from tests.flow import wire
from tests.flow.fake_ledger import FakeLedger
from tests.flow.harness import CLIENT, World, wait_until

TIMEOUT_S = 60
HOOK = "env | grep ^SUBSIDY_ | sort > hook-{}.txt"


class Monitor:
    """A monitor that goes on, and what it has told so far."""

    def __init__(self, world, env, *args):
        self.process = subprocess.Popen([CLIENT, "monitor", "--json", *args], cwd=world.folder, env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events, self.errors = [], []
        self.threads = [threading.Thread(target=self.read, args=call, daemon=True) for call in (
            (self.process.stdout, lambda line: self.events.append(json.loads(line))),
            (self.process.stderr, lambda line: self.errors.append(line.decode())))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def read(file, take):
        with file:
            for line in file:
                take(line)

    def sizes(self):
        return [event["size"] for event in self.events if event["event"] == "head"]

    def wait(self, condition, what):
        return wait_until(lambda: condition(self) or self.has_ended(what), TIMEOUT_S, f"{what}: {self.events} {self.errors}")

    def has_ended(self, what):
        assert self.process.poll() is None, (what, self.process.returncode, self.events, self.errors)

    def finish(self):
        try:
            code = self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()
        for thread in self.threads:
            thread.join(TIMEOUT_S)
        return code

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.finish()


class MonitorTest(unittest.TestCase):
    """A ledger that can be told to lie, and a monitor of it with a state folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.world = World(start=False)
        cls.addClassCleanup(cls.world.close)
        cls.world.new_key("witness.example/bureau", "witness.key", "--type", "cosignature")
        cls.witness = wire.WitnessKey.from_file(cls.world.path("witness.key"))

    def setUp(self):
        name = self.id().rpartition(".")[2]
        self.state = self.world.path("state-" + name)
        self.evidence = self.world.path("evidence-" + name)
        self.hook = HOOK.format(name)
        self.hook_file = f"hook-{name}.txt"
        self.ledger = FakeLedger(self.world, self.world.ledger_key, size=3)
        self.env = dict(self.world.env, SUBSIDY_SERVER=self.ledger.url, SUBSIDY_STATE=self.state)
        self.ledger.__enter__()
        self.addCleanup(self.ledger.__exit__)

    def once(self, code, *args, **environment):
        env = dict(SUBSIDY_SERVER=self.ledger.url, SUBSIDY_STATE=self.state)
        env.update(environment)
        result = self.world.client("monitor", "--once", "--json", *args, **env)
        self.assertEqual(result.code, code, result)
        return result

    def start(self, *args):
        monitor = Monitor(self.world, self.env, *args)
        self.addCleanup(monitor.process.kill)
        return monitor

    def stored(self, ledger_id=None):
        path = os.path.join(self.state, f"monitor-{ledger_id or self.ledger.ledger_id}", "state")
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def stored_size(self):
        return int(self.stored()["checkpoint"].split("\n")[1])

    def found(self):
        """The one evidence file, taken away."""
        name, = os.listdir(self.evidence)
        path = os.path.join(self.evidence, name)
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        os.unlink(path)
        return path, found

    def alarm(self, kind, *args, held=True):
        """One round that ends in this alarm: its evidence. The hook has run, and what is stored has not changed."""
        before = self.stored() if held else None
        result = self.once(6, "--evidence", self.evidence, "--hook", self.hook, *args)
        path, found = self.found()
        lines = dict(line.split("=", 1) for line in self.world.read(self.hook_file).decode().splitlines())
        self.assertEqual((lines["SUBSIDY_ALARM"], lines["SUBSIDY_EVIDENCE"]), (kind, path))
        self.assertEqual(lines["SUBSIDY_ORIGIN"], self.world.origin if held else lines["SUBSIDY_ORIGIN"])
        event = json.loads(result.out.splitlines()[-1])
        self.assertEqual((event["event"], event["alarm"], event["evidence"]), ("alarm", kind, path))
        self.assertEqual(found["held"], before["checkpoint"] if held else None)
        if held:
            self.assertEqual(self.stored(), before)
        return found
