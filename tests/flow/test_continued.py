"""A ledger that lost what it had signed goes on as a new one: nothing is signed twice, nothing that is left is lost."""
import fcntl
import json
import os
import shutil
import subprocess
import unittest

from tests import formats, replay
from tests.flow import tlog, wire
from tests.flow.harness import DAEMON, FIRMS, OFFICERS, Feed, World, check, read_json, records, refund, trade, write_csv

NEW_ORIGIN = "ledger.example/flow-2"
THIRD_ORIGIN = "ledger.example/flow-3"


class Continued(unittest.TestCase):
    """The world's data file is lost after a backup; what was pushed and ordered since is lost with it."""

    def setUp(self):
        self.world = world = World()
        self.addCleanup(world.close)
        world.license("qddex")
        self.other = world.license("sddex")
        world.register([(code, f"企业{i}", ["default"]) for i, code in enumerate(FIRMS[:4])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "auditor", "venue:qddex", "venue:sddex")
        self.rows = [trade(f"Q-{i}", FIRMS[i % 3], FIRMS[3], f"{1000 + i}.00", "6.00") for i in range(20)]
        self.rows.append(refund("R-1", "Q-3"))
        write_csv(world.path("before.csv"), self.rows[:12])
        write_csv(world.path("all.csv"), self.rows)
        self.push("before.csv")
        self.other.push(records("early", 5))
        check(world.daemon("backup", "-c", "subsidyd.conf", "b1"))
        self.size = world.size()

    def push(self, name):
        return check(self.world.client("push", "qddex", name, "--key", "qddex.key", "--json", token="venue:qddex"))

    def lose(self):
        """More is signed, and then the data file is gone."""
        self.push("all.csv")
        self.late = records("late", 4)
        self.receipt = self.other.push(self.late)["receipt"]
        self.whole = self.answers()
        self.signed = self.world.size()
        self.old_id = self.world.ledger_id
        self.world.stop()
        shutil.rmtree(self.world.path("data"))

    def answers(self):
        return [{key: value for key, value in self.world.enterprise(code).items()
                 if key not in ("size", "as_of", "checkpoint")} for code in FIRMS[:4]]

    def describe(self, config="subsidyd.conf", backup="b1", *options):
        return self.world.daemon("restore", "-c", config, backup, "--accept-loss", "--describe", *options)

    def make_genesis(self, name, origin, continues="continues.json", signers=OFFICERS, officers=None):
        """A new key of the new origin, a draft and a note; what the client gave."""
        world = self.world
        if not os.path.exists(world.path(f"{name}.key")):
            world.new_key(origin, f"{name}.key")
        draft = dict(world.genesis_draft(), origin=origin,
                     ledger_key=wire.Key.from_file(world.path(f"{name}.key")).vkey())
        if officers is not None:
            draft["officers"] = [officer for officer in draft["officers"] if officer["name"] in officers]
        world.write(f"{name}.json", wire.compact(draft))
        keys = [word for signer, _ in signers for word in ("--key", f"{signer}.key")]
        return world.client("order", "genesis", "--file", f"{name}.json", "--continues", continues, *keys,
                            "-o", f"{name}.note")

    def configure(self, name):
        self.world.make_config(f"{name}.conf", ledger={"data": f"data-{name}", "guard": f"guard-{name}",
                                                       "key": f"{name}.key"})

    def take_over(self, name, backup="b1", *options):
        return self.world.daemon("restore", "-c", f"{name}.conf", backup, "--accept-loss", "--genesis",
                                 f"{name}.note", *options)

    def go_on(self, name, origin, old="subsidyd.conf", backup="b1", officers=None):
        """The whole way, from what is left to a new ledger that runs."""
        self.world.write("continues.json", check(self.describe(old, backup)).out)
        signers = [pair for pair in OFFICERS if officers is None or pair[0] in officers]
        check(self.make_genesis(name, origin, signers=signers, officers=officers))
        self.configure(name)
        check(self.take_over(name, backup))
        self.world.origin = origin
        self.world.start(f"{name}.conf")
        self.world.ledger_key = wire.Key.from_file(self.world.path(f"{name}.key"))

    def verify(self, config):
        self.world.stop()
        check(self.world.daemon("verify", "-c", config))
        self.world.start(config)

    def test_a_ledger_goes_on_as_another(self):
        self.lose()
        self.assertIn("--accept-loss", check(self.world.daemon("restore", "-c", "subsidyd.conf", "b1"), 9).err)
        self.go_on("new", NEW_ORIGIN)
        self.assertNotEqual(self.world.ledger_id, self.old_id)
        told = self.world.get_json("/v1/ledger")
        self.assertEqual((told["origin"], told["size"]), (NEW_ORIGIN, self.size))
        self.assertEqual(told["continues"],
                         [{"origin": "ledger.example/flow", "ledger_id": self.old_id, "size": self.size}])
        checkpoint = self.world.public.get("/checkpoint").body
        self.assertTrue(wire.note_is_signed_by(checkpoint, self.world.ledger_key))
        self.verify("new.conf")
        # The venue with the client, which fetches what is left, and sends what is missing.
        result = self.push("all.csv")
        self.assertIn(self.old_id, result.err)
        self.assertEqual((result.json()["new"], result.json()["skipped"]), (9, 12), result)
        # The other one with a program of its own: from where the ledger says it stands, under the new origin.
        held = self.world.get_json("/v1/feeds/sddex", "venue:sddex")
        self.assertEqual(held["size"], 5)
        feed = Feed(self.world, "sddex", self.other.key)
        for record in self.other.records[:held["size"]]:
            feed.tree.add(record)
            feed.records.append(record)
        feed.push(self.late)
        self.assertEqual(self.answers(), self.whole)
        self.verify("new.conf")

    def test_officers_and_orders_go_on(self):
        """Grants, officers and policies are those of before; orders name the new ledger; old orders stay carried out."""
        self.lose()
        old_order = self.world.make_order("officer.add", {"name": "wu", "role": "clerk", "keys": [wire.Key("wu", bytes(32)).vkey()]})
        self.go_on("new", NEW_ORIGIN, officers=["zhang", "li", "wang", "qian"])
        self.assertEqual(self.world.public.order(old_order, ()).problem(), "other_ledger")
        # Whom the new genesis does not name is in office no more.
        body = {"venue": "sddex", "reason": "核查"}
        left_out = self.world.make_order("venue.suspend", body, signers=("zhao", "li"))
        self.assertEqual(self.world.public.order(left_out, ()).problem(), "quorum_not_met")
        self.world.order("venue.suspend", {"venue": "sddex", "reason": "核查"})
        self.world.order("venue.resume", {"venue": "sddex", "reason": "核查完毕"})
        self.world.register([(FIRMS[4], "新企业", [])])
        self.assertEqual(self.world.get_json("/v1/entries/0", "auditor")["kind"], "genesis")
        self.verify("new.conf")

    def test_a_ledger_whose_key_had_changed(self):
        """The keys of the old ledger, whichever they were at last, are none of the new one's."""
        world = self.world
        world.new_key(world.origin, "next.key")
        world.stop()
        world.make_config(ledger={"next_key": "next.key"})
        world.start()
        world.order("log.key", {"add": [wire.Key.from_file(world.path("next.key")).vkey()], "retire": [], "reason": "密钥轮换"})
        check(world.daemon("backup", "-c", "subsidyd.conf", "b2"))
        self.other.push(records("late", 4))
        world.stop()
        shutil.rmtree(world.path("data"))
        self.go_on("new", NEW_ORIGIN, backup="b2")
        self.assertEqual(world.get_json("/v1/ledger")["vkeys"], [world.ledger_key.vkey()])
        self.assertEqual([key["vkey"] for key in world.get_json("/v1/keys")["keys"]], [world.ledger_key.vkey()])
        world.order("venue.suspend", {"venue": "sddex", "reason": "核查"})
        self.verify("new.conf")

    def test_old_receipts_prove_the_old_ledger_alone(self):
        self.lose()
        self.go_on("new", NEW_ORIGIN)
        old_key = wire.Key.from_file(self.world.path("ledger.key"))
        wire.verify_receipt(self.receipt, old_key)
        with self.assertRaises(ValueError):
            wire.verify_receipt(self.receipt, self.world.ledger_key)
        # The push from before, proven anew: the same entry at the same place, with the note of then.
        proof = self.world.get("/v1/proof?index=7", "auditor").body
        self.assertIn(self.world.origin.encode(), proof)

    def test_a_checkpoint_or_push_of_the_old_ledger(self):
        self.lose()
        stale = self.other.body(records("more", 1))
        self.go_on("new", NEW_ORIGIN)
        answer = self.world.feed.push("sddex", stale)
        self.assertEqual((answer.status, answer.problem()), (422, "wrong_origin"), answer)

    def test_lost_again(self):
        """A ledger that continues one is backed up, restored and continued as any other."""
        self.lose()
        self.go_on("new", NEW_ORIGIN)
        self.push("all.csv")
        check(self.world.daemon("backup", "-c", "new.conf", "b2"))
        held = self.world.size()
        self.world.stop()
        shutil.rmtree(self.world.path("data-new"))
        check(self.world.daemon("restore", "-c", "new.conf", "b2"))
        self.world.start("new.conf")
        self.assertEqual(self.world.size(), held)
        feed = Feed(self.world, "sddex", self.other.key)
        for record in self.other.records[:5]:
            feed.tree.add(record)
            feed.records.append(record)
        feed.push(self.late)
        second_id = self.world.ledger_id
        self.world.stop()
        shutil.rmtree(self.world.path("data-new"))
        self.go_on("third", THIRD_ORIGIN, "new.conf", "b2")
        self.assertEqual([row["ledger_id"] for row in self.world.get_json("/v1/ledger")["continues"]],
                         [self.old_id, second_id])
        again = Feed(self.world, "sddex", self.other.key)
        for record in self.other.records[:5]:
            again.tree.add(record)
            again.records.append(record)
        again.push(self.late)
        self.assertEqual(self.answers(), self.whole)
        self.verify("third.conf")
        # Read by the tests' own code, from the formats alone: which ledger's each entry is, and that each tree was taken over.
        check(self.world.client("export", "copy", token="auditor"))
        copy = tlog.of_folder(self.world.path("copy"))
        size, _ = copy.checkpoint(self.world.ledger_key)
        entries = [data for data in copy.entries(size)]
        ledger = replay.Replay()
        for data in entries:
            ledger.add(data)
        self.assertEqual((len(ledger.eras), len(ledger.entries)), (1, self.world.size()))
        changed = bytearray(entries[0])
        place = entries[0].index(b',"root":"') + 9
        changed[place] = changed[place] % 50 + 65
        with self.assertRaises(formats.Refused):
            ledger = replay.Replay()
            for data in [bytes(changed)] + entries[1:]:
                ledger.add(data)

    def test_what_no_new_ledger_may_begin_with(self):
        self.lose()
        # Nothing is lost by a backup that is current; without a guard somebody must say what was signed.
        os.rename(self.world.path("guard"), self.world.path("guard-away"))
        self.assertIn("--last-known", check(self.describe(), 9).err)
        self.assertIn("nothing is lost", check(self.describe("subsidyd.conf", "b1", "--last-known",
                                                             "b1/checkpoint"), 1).err)
        os.rename(self.world.path("guard-away"), self.world.path("guard"))
        self.world.write("continues.json", check(self.describe()).out)
        # The same origin; another genesis than one that continues; officers who may not.
        refused = self.make_genesis("same", self.world.origin)
        self.assertNotEqual(refused.code, 0)
        self.assertIn("another one", refused.err)
        check(self.make_genesis("new", NEW_ORIGIN))
        self.configure("new")
        self.assertIn("--accept-loss", check(self.world.daemon("init", "-c", "new.conf", "--genesis", "new.note"), 1).err)
        shutil.copy(self.world.path("genesis.note"), self.world.path("plain.note"))
        shutil.copy(self.world.path("new.key"), self.world.path("plain.key"))
        self.configure("plain")
        self.assertNotEqual(self.take_over("plain").code, 0)
        few = [pair for pair in OFFICERS if pair[1] in ("clerk", "auditor")]
        result = self.make_genesis("few", NEW_ORIGIN + "-few", signers=few, officers=[name for name, _ in few])
        if result.code == 0:
            self.configure("few")
            self.assertNotEqual(self.take_over("few").code, 0)
        self.assertFalse(os.path.exists(self.world.path("data-few", "data.mdb")))
        # A guard that is there, a data file that is there, a backup of another size.
        self.world.write("guard-new", b"")
        self.assertIn("guard", check(self.take_over("new"), 9).err)
        os.unlink(self.world.path("guard-new"))
        os.makedirs(self.world.path("data-new"), exist_ok=True)
        self.world.write("data-new/data.mdb", b"")
        self.assertIn("data file", check(self.take_over("new"), 1).err)
        os.unlink(self.world.path("data-new", "data.mdb"))
        shutil.copytree(self.world.path("b1"), self.world.path("b3"))
        self.world.write("b3/checkpoint", b"")
        check(self.take_over("new", "b3"), 1)
        # What can't be guarded is not put in place.
        self.world.make_config("unguarded.conf", ledger={"data": "data-new", "guard": "nowhere/guard", "key": "new.key"})
        self.assertIn("nowhere", check(self.world.daemon("restore", "-c", "unguarded.conf", "b1", "--accept-loss", "--genesis",
                                                         "new.note"), 1).err)
        self.assertEqual(os.listdir(self.world.path("data-new")), ["lock"])
        check(self.take_over("new"))
        # And never twice: the guard of the new ledger knows.
        os.rename(self.world.path("data-new"), self.world.path("data-first"))
        self.assertIn("guard", check(self.take_over("new"), 9).err)

    def test_a_draft_and_a_describe_that_fail(self):
        world = self.world
        self.lose()
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([DAEMON, "restore", "-c", "subsidyd.conf", "b1", "--accept-loss", "--describe"],
                                    cwd=world.folder, env=world.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("full", result.stderr)
        world.write("continues.json", check(self.describe()).out)
        world.write("list.json", "[]")
        result = world.client("order", "genesis", "--file", "list.json", "--continues", "continues.json", "--key", "zhang.key",
                              "-o", "list.note")
        self.assertEqual(result.code, 4, result)
        self.assertIn("not a JSON object", result.err)

    def test_a_backup_of_another_size(self):
        """The genesis says which entries it takes over: a backup that holds more, or others, is not those."""
        check(self.world.daemon("backup", "-c", "subsidyd.conf", "b0"))
        self.push("all.csv")
        check(self.world.daemon("backup", "-c", "subsidyd.conf", "b2"))
        self.lose()
        self.world.write("continues.json", check(self.describe()).out)
        check(self.make_genesis("new", NEW_ORIGIN))
        self.configure("new")
        self.assertIn("the backup holds", check(self.take_over("new", "b2"), 1).err)
        with World(origin=NEW_ORIGIN + "-0") as other:
            other.stop()
            check(other.daemon("backup", "-c", "subsidyd.conf", "b"))
            shutil.copytree(other.path("b"), self.world.path("b3"))
        self.assertIn("the backup is of ledger", check(self.take_over("new", "b3"), 1).err)
        self.assertEqual(os.listdir(self.world.path("data-new")), ["lock"])
        check(self.take_over("new", "b0"))

    def test_the_officers_in_office_must_agree(self):
        """Those who signed the new genesis were all in office once: what counts is who is at the size taken over."""
        self.lose()
        self.world.write("continues.json", check(self.describe()).out)
        names = ["zhang", "zhao", "qian"]
        draft_quorums = {"default": [["clerk"], ["clerk"]]}
        signers = [(name, role) for name, role in OFFICERS if name in names]
        self.world.genesis_draft = (lambda plain: lambda: dict(plain(), quorums=draft_quorums))(self.world.genesis_draft)
        check(self.make_genesis("new", NEW_ORIGIN, signers=signers, officers=names))
        self.configure("new")
        result = self.take_over("new")
        self.assertEqual(result.code, 9, result)
        self.assertIn("officer.add needs the signatures of", result.err)
        self.assertEqual(os.listdir(self.world.path("data-new")), ["lock"])
        self.assertFalse(os.path.exists(self.world.path("guard-new")))

    def ledger_key_of(self, name, suffix=""):
        self.world.new_key(self.world.origin + suffix, name)
        return wire.Key.from_file(self.world.path(name))

    def add_next_key(self):
        """The ledger's next key and one for claims, both valid beside the first."""
        world = self.world
        self.first, self.next, self.heads = world.ledger_key, self.ledger_key_of("next.key"), self.ledger_key_of("heads.key", "/heads")
        world.stop()
        world.make_config(ledger={"next_key": "next.key", "heads_key": "heads.key"})
        world.start()
        world.order("log.key", {"add": [self.next.vkey(), self.heads.vkey()], "retire": [], "reason": "密钥轮换"})

    def retire_first_key(self):
        world = self.world
        world.order("log.key", {"add": [], "retire": [self.first.vkey()], "reason": "密钥轮换"})
        world.stop()
        world.make_config(ledger={"key": "next.key", "heads_key": "heads.key"})
        world.start()

    def test_a_ledger_that_had_changed_its_key(self):
        """What was signed last is the next key's; and no key of the old ledger, first or next, becomes the new one's."""
        world = self.world
        self.add_next_key()
        self.retire_first_key()
        check(world.daemon("backup", "-c", "subsidyd.conf", "b2"))
        self.size = world.size()
        self.lose()
        told = json.loads(check(self.describe(backup="b2")).out)
        self.assertEqual(told["size"], self.size)
        self.assertTrue(wire.note_is_signed_by(told["checkpoint"].encode(), self.next))
        self.assertFalse(wire.note_is_signed_by(told["checkpoint"].encode(), self.first))
        world.write("continues.json", wire.compact(told))
        for name, key, words in (("first", self.first, "the origin or the key of ledger"),
                                 ("next", self.next, "was a key of the ledger that is continued"),
                                 ("heads", self.heads, "was a key of the ledger that is continued"),
                                 ("venue", self.other.key, "is a key of venue sddex")):
            world.write(f"used-{name}.key", wire.Key(NEW_ORIGIN, key.seed).private_text())
            os.chmod(world.path(f"used-{name}.key"), 0o600)
            check(self.make_genesis(f"used-{name}", NEW_ORIGIN))
            self.configure(f"used-{name}")
            refused = check(self.take_over(f"used-{name}", "b2"), 9)
            self.assertIn(words, refused.err)
            self.assertEqual(os.listdir(world.path(f"data-used-{name}")), ["lock"])
            self.assertFalse(os.path.exists(world.path(f"guard-used-{name}")))
        self.go_on("new", NEW_ORIGIN, backup="b2")
        # The keys of the new ledger are its own alone, and change as any other's.
        self.assertEqual([row["vkey"] for row in world.get_json("/v1/keys")["keys"]], [world.ledger_key.vkey()])
        for key in (self.first, self.next):
            self.assertFalse(wire.note_is_signed_by(world.public.get("/checkpoint").body, key))
        self.push("all.csv")
        world.stop()
        last = self.ledger_key_of("last.key")
        world.make_config("new.conf", ledger={"data": "data-new", "guard": "guard-new", "key": "new.key", "next_key": "last.key",
                                              "heads_key": None})
        world.start("new.conf")
        world.order("log.key", {"add": [last.vkey()], "retire": [world.ledger_key.vkey()], "reason": "密钥轮换"})
        self.assertTrue(wire.note_is_signed_by(world.public.get("/checkpoint").body, last))
        world.stop()
        check(world.daemon("verify", "-c", "new.conf"))

    def test_a_key_that_was_changed_after_the_backup(self):
        """The backup can't judge what the next key alone signed; what both signed says how much was signed till then."""
        world = self.world
        self.add_next_key()
        world.write("both", world.public.get("/checkpoint").body)
        signed = world.size()
        self.retire_first_key()
        self.lose()
        refused = check(self.describe(), 1).err
        for words in (f"checkpoint of {self.signed} entries", "was changed later", "--last-known"):
            self.assertIn(words, refused)
        told = json.loads(check(self.describe("subsidyd.conf", "b1", "--last-known", "both")).out)
        self.assertEqual((told["size"], int(told["checkpoint"].split("\n")[1])), (self.size, signed))
        world.write("continues.json", wire.compact(told))
        check(self.make_genesis("new", NEW_ORIGIN))
        self.configure("new")
        check(self.take_over("new"))
        # A guard of another ledger is not set aside so.
        with World(origin="ledger.example/other") as other:
            other.stop()
            world.write("guard", other.read("guard"))
        self.assertIn("no checkpoint of ledger", self.describe("subsidyd.conf", "b1", "--last-known", "both").err)

    def test_a_guard_that_cannot_be_read_is_named(self):
        self.lose()
        guard = self.world.read("guard")
        for spoilt in (b"", guard[:-20], b"spoilt"):
            self.world.write("guard", spoilt)
            said = self.describe()
            self.assertNotEqual(said.code, 0)
            self.assertRegex(said.err, r"guard\b.*: *[a-z]")
            self.assertNotRegex(said.err, r": *$")
        self.world.write("guard", guard)
        with open(self.world.path("guard"), "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertIn("another process", check(self.describe(), 1).err)

    def test_a_checkpoint_that_somebody_else_holds(self):
        """The guard is gone with the machine: a venue's newest receipt says how much was signed."""
        self.lose()
        # An older one says nothing that the guard does not know better.
        told = json.loads(check(self.describe("subsidyd.conf", "b1", "--last-known", "b1/checkpoint")).out)
        self.assertEqual(int(told["checkpoint"].split("\n")[1]), self.signed)
        os.unlink(self.world.path("guard"))
        note = self.receipt[self.receipt.index("\n\n") + 2:]
        self.world.write("known", note[note.index("\n\n") + 2:] if note.count("\n\n") > 1 else note)
        told = json.loads(check(self.describe("subsidyd.conf", "b1", "--last-known", "known")).out)
        self.assertEqual((told["size"], told["origin"]), (self.size, self.world.origin))
        self.assertEqual(int(told["checkpoint"].split("\n")[1]), self.signed)
        with World(origin=self.world.origin) as other:
            self.world.write("foreign", other.public.get("/checkpoint").body)
        self.assertNotEqual(self.describe("subsidyd.conf", "b1", "--last-known", "foreign").code, 0)


if __name__ == "__main__":
    unittest.main()
