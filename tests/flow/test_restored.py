"""Backups, losses and new ledgers, as those see them who watch, push, keep receipts and keep statements."""
import json
import os
import shutil
import unittest

from tests.flow import test_continued as continued
from tests.flow.harness import FIRMS, check
from tests.flow.monitored import Monitor

ALICE = FIRMS[0]


class Restored(unittest.TestCase):
    setUp = continued.Continued.setUp
    push = continued.Continued.push
    answers = continued.Continued.answers
    lose = continued.Continued.lose
    describe = continued.Continued.describe
    make_genesis = continued.Continued.make_genesis
    configure = continued.Continued.configure
    take_over = continued.Continued.take_over
    go_on = continued.Continued.go_on
    verify = continued.Continued.verify

    def state(self, name):
        """What the client remembers for the address of now, for it moves with every start."""
        return {"SUBSIDY_STATE": self.world.path(name)}

    def remember(self, old, *states):
        """The addresses stay what they were, as far as the clients see."""
        for state in states or ("state",):
            for door in ("public", "feed"):
                name = self.world.path(state, "ledger-" + old[door])
                if os.path.exists(name):
                    shutil.copy(name, self.world.path(state, "ledger-" + self.world.addresses[door]))

    def forget(self, *states):
        for state in states:
            for door in ("public", "feed"):
                if os.path.exists(self.world.path(state, "ledger-" + self.world.addresses[door])):
                    os.unlink(self.world.path(state, "ledger-" + self.world.addresses[door]))

    def watch(self, name, *options):
        return self.world.client("monitor", "--once", "--json", "--evidence", f"evidence-{name}", *options,
                                 **self.state("state-" + name))

    def test_a_backup_while_monitors_run_is_put_back_and_they_go_on(self):
        world = self.world
        monitor = Monitor(world, dict(world.env, **self.state("state-watch")), "--interval", "1")
        self.addCleanup(monitor.process.kill)
        monitor.wait(lambda m: m.sizes(), "a first size")
        self.push("all.csv")
        check(world.daemon("backup", "-c", "subsidyd.conf", "b2"))
        size = world.size()
        monitor.wait(lambda m: m.sizes()[-1] == size, "the size of the backup")
        self.assertEqual(monitor.end(), 0)
        old = world.addresses
        world.grant(ALICE)
        whole = self.answers()
        check(world.daemon("backup", "-c", "subsidyd.conf", "b3"))
        world.stop()
        shutil.rmtree(world.path("data"))
        check(world.daemon("restore", "-c", "subsidyd.conf", "b3"))
        world.start()
        self.remember(old, "state-watch", "state")
        self.assertEqual(self.watch("watch").code, 0)
        self.assertEqual(self.answers(), whole)
        self.assertEqual(self.push("all.csv").json()["new"], 0)
        self.verify("subsidyd.conf")

    def test_a_new_ledger_as_others_see_it(self):
        world = self.world
        world.grant(ALICE)
        check(world.client("statement", ALICE, "-o", "old-statement", token=ALICE))
        check(self.watch("watch"))
        check(world.daemon("backup", "-c", "subsidyd.conf", "b2"))
        self.size = world.size()
        self.lose()
        world.write("old-receipt.tlog-proof", self.receipt)
        old_vkey, old = world.ledger_key.vkey(), world.addresses
        self.go_on("new", continued.NEW_ORIGIN, backup="b2")
        new_vkey = world.ledger_key.vkey()
        # A monitor of the old one says plainly that this is another ledger, and what to do; so does every command.
        self.remember(old, "state-watch", "state")
        alarm = self.watch("watch")
        self.assertEqual(alarm.code, 6, alarm)
        self.assertEqual(json.loads(alarm.out.splitlines()[-1])["alarm"], "another_ledger")
        for words in (continued.NEW_ORIGIN, "ledger-", "continues"):
            self.assertIn(words, alarm.err)
        refused = world.client("push", "qddex", "all.csv", "--key", "qddex.key", token="venue:qddex")
        self.assertEqual(refused.code, 6, refused)
        self.assertIn("continues", refused.err)
        # A new pin works: the monitor begins anew, with both ledgers in one state folder.
        self.forget("state-watch", "state")
        self.assertEqual(check(self.watch("watch", "--vkey", new_vkey)).json()["ledger_id"], world.ledger_id)
        # The venue whose state is of the old ledger: what is left is skipped, what is missing is sent.
        pushed = self.push("all.csv").json()
        self.assertEqual((pushed["new"], pushed["skipped"]), (9, 12))
        self.assertEqual(self.push("all.csv").json()["new"], 0)
        # Statements under the new ledger begin with the genesis that continues.
        made = check(world.client("statement", ALICE, "-o", "statement", "--json", token=ALICE)).json()
        self.assertEqual(made["ledger_id"], world.ledger_id)
        check(world.client("verify", "statement", "--vkey", new_vkey))
        check(world.client("receipt", "check", "statement", token=ALICE))
        self.assertEqual(world.client("verify", "statement", "--vkey", old_vkey).code, 6)
        # What the old ledger signed stays provable by file; the new one is not accused of it.
        for what in ("old-receipt.tlog-proof", "old-statement"):
            check(world.client("verify", what, "--vkey", old_vkey))
            asked = world.client("receipt", "check", what, token=ALICE)
            self.assertEqual(asked.code, 6, asked)
            self.assertFalse(os.path.exists(world.path(what + ".evidence.json")))
            self.assertIn("--vkey", asked.err)
        # A copy of the new ledger replays by itself.
        check(world.client("export", "copy", token="auditor"))
        check(world.daemon("verify", "--export", "copy", "--vkey", new_vkey))
        self.assertEqual(world.daemon("verify", "--export", "copy", "--vkey", old_vkey).code, 10)
        self.verify("new.conf")


if __name__ == "__main__":
    unittest.main()
