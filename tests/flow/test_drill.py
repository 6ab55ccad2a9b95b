"""The drill: a real ledger is damaged in every way, and each damage is found, named and located.

One world in which everything happens once is built, stopped, and copied. On copies, single bytes, rows and entries are
changed and `subsidyd verify` must say which; a forger with the program and every key rewrites the history, and what was
signed before must give it away. The tool tests/tools/corrupt.c runs many cases in one process; tests/tools/forge.c is the
forger. With DRILL_ALL=1 (`make soak`) every byte of every kind of entry and every row of every database have their turn.
"""
import json
import os
import random
import re
import secrets
import shutil
import struct
import subprocess
import unittest

from tests import formats
from tests.flow import wire
from tests.flow.harness import (BUILD, CORRUPT, FIRMS, Feed, FlowTest, check, is_sanitized, read_json, records, refund,
                                run, trade, wait_until, write_csv)
from tests.flow.test_crash import Sm2Key
from tests.flow.test_orders_more import item_delist, item_revoke, item_trade

ALL = os.environ.get("DRILL_ALL") == "1"
FORGE = os.path.join(BUILD, "tests", "tools", "forge")
ROOTS = os.path.join(BUILD, "tests", "tools", "roots")
SLOT_SIZE = 12288
ALL_PLACES = 2000           # of one entry or file; of longer ones so many are chosen
UNUSABLE, INVALID, MISSING, GAP, STATE = 9, 10, 11, 12, 13
NAMES = {UNUSABLE: "unusable", INVALID: "invalid", MISSING: "missing", GAP: "gap", STATE: "state differs"}
WHY = "演练"
PAGE = 4096
KINDS = ("genesis", "record", "push", "order", "effect", "evidence")


class Driller:
    """One process that damages a folder, verifies it, and puts it back, case by case."""

    def __init__(self, world, folder, guard=None, threads=1):
        words = ["data", guard] if guard is not None else ["copy"]
        env = dict(world.env, DRILL_THREADS=str(threads))
        self.process = subprocess.Popen([CORRUPT, world.path(folder), "try", *words], cwd=world.folder, env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.count = 0

    def __call__(self, *calls):
        """Exit code and message of one case."""
        self.count += 1
        self.process.stdin.write(";".join(calls) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the drill ended at case {self.count}: {calls}"[:400]
        code, _, text = line.rstrip("\n").partition(" ")
        return int(code), text

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(60) == 0


def key_text(key):
    """A row's key as verify writes it."""
    is_visible = all(0x21 <= byte <= 0x7e for byte in key) and len(key) < 160
    return key.decode() if is_visible else key[:64].hex()


def index_key(index):
    return struct.pack(">Q", index).hex()


def flipped(data, place, bit=1):
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1:]


def kind_of(data):
    """"order venue.license", "record trade", "effect held", …: each kind of entry has its turn."""
    entry = formats.decode_any("entry", data)
    kind = next(kind for kind in KINDS if entry[kind] is not None)
    if kind == "order":
        text = entry["order"]["note"].decode()
        return "order " + re.search(r'"type":"([a-z._:]+)"', text)[1]
    if kind == "record":
        record = formats.decode_any("record", entry["record"]["record"])
        return f"record {'trade' if record['trade'] else 'refund'} {entry['record']['disposition']}"
    if kind == "effect":
        return "effect " + next(name for name in ("registered", "related", "delisted", "held", "released", "voided")
                                if entry["effect"][name] is not None)
    return kind


class Drill(FlowTest):
    """The world, as it was stopped: in `data` and `guard`, and once more in `good` and `good-guard`."""

    @classmethod
    def prepare(cls):
        world = cls.world
        cls.chosen = random.Random(20250105)
        cls.next_key = cls.make_next_key()
        cls.qddex = world.license("qddex")
        cls.sddex = Feed(world, "sddex", Sm2Key("sddex", world))
        world.order("venue.license", {"venue": "sddex", "name": "山东数据交易中心", "keys": [cls.sddex.key.vkey()]})
        world.register([(code, f"第{i}家", ["default", "listed"][:1 + i % 2]) for i, code in enumerate(FIRMS[:6])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "auditor", "venue:qddex", FIRMS[0])
        cls.push_rows()
        cls.act()
        cls.change_keys()
        cls.keep_what_was_signed()
        cls.later()
        check(world.client("export", "copy", token="auditor"))
        cls.size = world.size()
        world.stop()
        cls.copy("data", "good")
        shutil.copy(world.path("guard"), world.path("good-guard"))
        cls.dump = {name: cls.rows(name) for name in world.corrupt("list")}
        cls.entries = [cls.dump["entries"][struct.pack(">Q", index)] for index in range(cls.size)]
        cls.kinds = [kind_of(data) for data in cls.entries]

    @classmethod
    def make_next_key(cls):
        world = cls.world
        world.new_key(world.origin, "next.key")
        world.stop()
        world.make_config(ledger={"next_key": "next.key"})
        world.start()
        return wire.Key.from_file(world.path("next.key"))

    @classmethod
    def push_rows(cls):
        world = cls.world
        cls.first_push = cls.qddex.push(records("v", 300))["push"]["index"]
        cls.sddex.push([wire.encode_record(row) for row in (
            trade("s1", FIRMS[2], FIRMS[3]), refund("r1", "s1", "10.00", "0.00"), trade("s1", FIRMS[2], FIRMS[3]),
            trade("s2", FIRMS[3], FIRMS[3]), refund("r2", "nothing"), refund("r1", "s1", "1.00", "0.00"),
            refund("r3", "s1", "900.00", "0.00"), trade("s3", FIRMS[4], FIRMS[5]), trade("s4", FIRMS[4], FIRMS[0]))])
        answer = world.feed.push("qddex", cls.qddex.body(records("other", 1), start=299))
        assert answer.problem() == "feed_conflict", answer

    @classmethod
    def act(cls):
        world = cls.world
        world.relate((FIRMS[0], FIRMS[1]), (FIRMS[2], FIRMS[3]))
        for kind, number in (("hold", "v-1"), ("hold", "v-2"), ("release", "v-1"), ("void", "v-3")):
            world.order(f"trade.{kind}", items=[item_trade("qddex", number)])
        world.order("enterprise.delist", items=[item_delist(FIRMS[1], ["listed"])])
        world.order("venue.suspend", {"venue": "sddex", "reason": WHY})
        world.order("venue.resume", {"venue": "sddex", "reason": WHY})
        world.adopt(dict(read_json("policy-flat.json"), policy="second", version=1))
        world.grant("venue:sddex")
        world.order("grant.revoke", items=[item_revoke(world.tokens["venue:sddex"])])
        sun = wire.Key("sun", b"\3" * 32)
        world.order("officer.add", {"name": "sun", "role": "clerk", "keys": [sun.vkey()]})
        world.order("officer.remove", {"name": "sun", "reason": WHY})

    @classmethod
    def change_keys(cls):
        """A new generation, a stolen key, and the ledger's own next key; an export from before that one."""
        world = cls.world
        cls.old_key, cls.new_key = cls.qddex.key, wire.Key("qddex", secrets.token_bytes(32))
        cls.key_order = world.order("venue.key", {
            "venue": "qddex", "add": [cls.new_key.vkey()], "revoke": [cls.old_key.vkey()], "new_generation": True,
            "reason": WHY})["index"]
        cls.qddex = Feed(world, "qddex", cls.new_key, generation=2)
        cls.second_push = cls.qddex.push(records("w", 200))["push"]["index"]
        jnex = world.license("jnex")
        start = jnex.push(records("j", 5))["push"]["index"]
        world.order("venue.distrust", {"venue": "jnex", "key": jnex.key.vkey(), "from": start, "reason": WHY},
                    made_at_size=world.size())
        wait_until(lambda: world.get_json("/v1/feeds/jnex", "bureau")["distrusted"][0]["is_done"], 60, "the slices")
        check(world.client("export", "early", token="auditor"))
        cls.log_key_order = world.order("log.key", {"add": [cls.next_key.vkey()], "retire": [], "reason": WHY})["index"]

    @classmethod
    def keep_what_was_signed(cls):
        """Yesterday: what others hold of it, and a copy of the ledger."""
        world = cls.world
        cls.yesterday = world.size()
        cls.old_checkpoint = world.public.get("/checkpoint").body
        world.stop()
        cls.copy("data", "yesterday")
        shutil.copy(world.path("guard"), world.path("yesterday-guard"))
        world.start()

    @classmethod
    def later(cls):
        """Today: pushes with a receipt, orders, a statement, and a monitor that has seen it all."""
        world = cls.world
        write_csv(world.path("late.csv"), [trade(f"t{i}", FIRMS[i % 3], FIRMS[3 + i % 3]) for i in range(120)])
        world.write("qddex.key", cls.new_key.private_text())
        check(world.client("push", "qddex", "late.csv", "--key", "qddex.key", "--receipts", "receipts",
                           token="venue:qddex"))
        name, = os.listdir(world.path("receipts"))
        cls.receipt = f"receipts/{name}"
        world.order("trade.hold", items=[item_trade("qddex", "t4")])
        cls.sddex.push([wire.encode_record(row) for row in (
            trade("s9", FIRMS[2], FIRMS[3]), refund("r9", "s9", "1.00", "0.00"))])
        cls.newest = world.public.get("/checkpoint").body
        check(world.client("statement", FIRMS[0], "-o", "statement", token=FIRMS[0]))
        cls.proof_of_statement = "statement/entries/" + max(os.listdir(world.path("statement", "entries")))
        check(world.client("monitor", "--once"))

    @classmethod
    def copy(cls, source, target):
        """With its holes: the data file is kept longer than its pages."""
        shutil.rmtree(cls.world.path(target), ignore_errors=True)
        subprocess.run(["cp", "-r", "--sparse=always", cls.world.path(source), cls.world.path(target)], check=True)

    @classmethod
    def rows(cls, database):
        lines = (line.split(" ") for line in cls.world.corrupt("dump", database))
        return {bytes.fromhex(key): bytes.fromhex(value) for key, value in lines}

    def setUp(self):
        self.drills = []

    def tearDown(self):
        for drill in self.drills:
            drill.close()

    def drill(self, folder="data", guard="guard", threads=1):
        """Damage and a verdict; the guard is left out for a copy."""
        drill = Driller(self.world, folder, guard and self.world.path(guard), threads)
        self.drills.append(drill)
        return drill

    def assert_found(self, answer, code, where, what=""):
        """The exit code, its word, the place first, and then the rest."""
        self.assertEqual(answer[0], code, (where, what, answer))
        start = f"FAILED ({NAMES[code]}): {where}"
        self.assertEqual(answer[1][:len(start)], start, what)
        self.assertIn(what, answer[1][len(start):])

    def put_entry(self, index, data):
        return f"put entries {index_key(index)} {data.hex()}"

    # Bytes of entries

    def places(self, size, count, most=ALL_PLACES):
        """With DRILL_ALL every byte, or `most` of them; else the first, the last, and `count` others."""
        if ALL and size <= most:
            return range(size)
        return sorted({0, size - 1} | {self.chosen.randrange(size) for _ in range(most if ALL else count)})

    def test_bytes_of_every_kind_of_entry(self):
        drill = self.drill()
        whole = {self.kinds.index(kind) for kind in ("effect held", "record refund 1")}
        for index in sorted({self.kinds.index(kind) for kind in self.kinds}):
            data = self.entries[index]
            for place in range(len(data)) if index in whole else self.places(len(data), 2):
                wrong = flipped(data, place, self.chosen.randrange(1, 256))
                self.assert_found(drill(self.put_entry(index, wrong)), INVALID, f"entry {index}: ", "")

    def test_bytes_of_any_entry(self):
        drill = self.drill(threads=3)
        for _ in range(2000 if ALL else 40):
            index = self.chosen.randrange(self.size)
            data = self.entries[index]
            wrong = flipped(data, self.chosen.randrange(len(data)), self.chosen.randrange(1, 256))
            self.assert_found(drill(self.put_entry(index, wrong)), INVALID, f"entry {index}: ", "")

    # Rows of derived databases

    def some_rows(self, rows):
        keys = sorted(rows)
        if ALL or len(keys) <= 3:
            return keys
        return sorted({keys[0], keys[-1]} | set(self.chosen.sample(keys, 2)))

    def test_rows_of_every_derived_database(self):
        drill = self.drill()
        for name, rows in self.dump.items():
            if name == "entries":
                continue
            for key in self.some_rows(rows):
                self.rows_of(drill, name, rows, key)

    def rows_of(self, drill, name, rows, key):
        """A row taken away, changed, cut, moved, and one more beside it."""
        value = rows[key]
        place = self.chosen.randrange(len(value))
        beside = flipped(key, len(key) - 1)
        while beside in rows:
            beside = flipped(beside, len(beside) - 1, self.chosen.randrange(1, 256))
        put = f"put {name} {key.hex()} "
        for what, changed, calls in (
                ("is missing", key, [f"delete {name} {key.hex()}"]),
                ("differs", key, [put + flipped(value, place, self.chosen.randrange(1, 256)).hex()]),
                ("differs", key, [put + value.hex() + "00"]),
                ("differs", key, [put + value[:-1].hex()] if len(value) > 1 else [put + flipped(value, 0).hex()]),
                ("", min(key, beside), [f"delete {name} {key.hex()}", f"put {name} {beside.hex()} {value.hex()}"]),
                ("no entry accounts for it", beside, [f"put {name} {beside.hex()} {value.hex()}"])):
            self.assert_found(drill(*calls), STATE, f"database {name}: row {key_text(changed)} ", what)

    def test_bytes_of_the_head(self):
        """Whatever it then says of the size: its row is named."""
        drill, head = self.drill(), self.dump["meta"][b"head"]
        for place in sorted({6, 7} | set(self.places(len(head), 12))):
            for bit in (1, 128):
                answer = drill(f"put meta {b'head'.hex()} {flipped(head, place, bit).hex()}")
                self.assert_found(answer, STATE, "database meta: row head ", "differs")

    # Entries dropped, swapped, cut off

    def test_entries_that_are_dropped(self):
        drill = self.drill()
        for index in (0, 1, self.size // 2, self.size - 2):
            self.assert_found(drill("delete entries " + index_key(index)), GAP, f"entry {index}: it is missing")
        last = self.size - 1
        self.assert_found(drill("delete entries " + index_key(last)), MISSING, f"entry {last}: it is missing")
        self.assert_found(drill(f"put entries {index_key(self.size)} {self.entries[last].hex()}"), INVALID,
                          f"entry {self.size}: it is there, but")
        # Closed up behind it: the entry that took its place.
        for index in (1, self.size // 2):
            answer = drill("close " + index_key(index))
            self.assertEqual(answer[0], INVALID, answer)
            self.assertRegex(answer[1], rf"entry ({index - 1}|{index}): ")

    def test_neighbours_that_are_swapped(self):
        """Also where every hash behind them is made to fit: times, links or roots tell."""
        drill = self.drill()
        for index in (1, 5, self.first_push - 1, self.first_push, self.size // 2, self.size - 2):
            swap = f"swap {index_key(index)} {index_key(index + 1)}"
            self.assert_found(drill(swap), INVALID, f"entry {index}: ")
            answer = drill(swap, "chain " + index_key(index - 1))
            self.assertEqual(answer[0], INVALID, answer)
            self.assertRegex(answer[1], rf"entry ({index}|{index + 1}): ", answer)
        self.assert_found(drill(f"swap {index_key(0)} {index_key(1)}"), INVALID, "entry 0: ")

    def head_row(self, size):
        frontier = formats.Frontier(self.entries[:size])
        time_us = formats.decode_any("entry", self.entries[size - 1])["time_us"]
        row = struct.pack(">QQQ", size, size, time_us) + formats.leaf_hash(self.entries[size - 1])
        return row + struct.pack(">Q", size) + b"".join(frontier.hashes)

    def test_an_end_that_is_cut_off(self):
        self.assertEqual(self.head_row(self.size), self.dump["meta"][b"head"])
        drill = self.drill()
        ends = {"between commands": self.kinds.index("order log.key"), "within a push": self.second_push,
                "before an effect": self.kinds.index("effect voided")}
        for what, size in ends.items():
            cut = ["delete entries " + index_key(index) for index in range(size, self.size)]
            with self.subTest(what):
                self.assert_found(drill(*cut), MISSING, f"entry {size}: it is missing")
                adapted = f"put meta {b'head'.hex()} {self.head_row(size).hex()}"
                # With the head made to fit, the guard alone knows that there was more, where a command ends there.
                code = UNUSABLE if what == "between commands" else MISSING
                self.assert_found(drill(*cut, adapted), code, f"entry {size}: it is missing")

    # Signatures by keys that were not valid there

    def resigned(self, index, *keys):
        entry = formats.decode_any("entry", self.entries[index])
        body = entry["push"] or entry["order"]
        body["note"] = wire.sign_note(wire.split_note(body["note"])[0], *keys)
        return self.put_entry(index, formats.encode("entry", entry))

    def test_signatures_of_keys_that_were_not_valid_then(self):
        """With every hash behind them made to fit, as if the ledger itself had taken them."""
        drill, officers = self.drill(), self.world.officers
        sun = wire.Key("sun", b"\3" * 32)
        first_hold = self.kinds.index("order trade.hold")
        last_hold = self.size - 1 - self.kinds[::-1].index("order trade.hold")
        for index, keys, code, what in (
                (self.first_push, (self.old_key,), 0, ""),
                (self.first_push, (self.new_key,), INVALID, "no signature by a key of qddex"),
                (self.second_push, (self.old_key,), INVALID, "was revoked"),
                (first_hold, (officers["zhang"], officers["li"]), 0, ""),
                (first_hold, (sun, officers["li"]), INVALID, "not enough of the right officers"),
                (last_hold, (sun, officers["li"]), INVALID, "not enough of the right officers"),
                (first_hold, (officers["zhang"],), INVALID, "not enough of the right officers")):
            answer = drill(self.resigned(index, *keys), "chain " + index_key(index))
            if code == INVALID:
                self.assert_found(answer, code, f"entry {index}: ", what)
            else:
                self.assertEqual(answer, (0, "verified"))

    def test_a_checkpoint_of_a_key_that_was_not_valid_then(self):
        """The next key signs a size at which it was not the ledger's yet; ledger.json has been taught its name."""
        world = self.world
        self.copy("early", "forged")
        drill = self.drill("forged", None)
        self.assertEqual(drill()[0], 0)
        text = wire.split_note(world.read("forged/checkpoint"))[0]
        good = world.read("forged/ledger.json").decode()
        world.write("forged/ledger.json", good.replace(world.ledger_key.vkey(), self.next_key.vkey()))
        world.write("forged/checkpoint", wire.sign_note(text, self.next_key))
        self.assert_found(drill(), INVALID, "ledger.json: it names a key that is none of the ledger's")
        # And where one of two lines is missing.
        self.copy("copy", "forged")
        text = wire.split_note(world.read("forged/checkpoint"))[0]
        drill = self.drill("forged", None)
        for key, missing in ((self.next_key, world.ledger_key), (world.ledger_key, self.next_key)):
            world.write("forged/checkpoint", wire.sign_note(text, key))
            self.assert_found(drill(), INVALID, f"checkpoint: the line of {missing.vkey()} is missing")
        # The first key was retired, and signs once more.
        self.copy("good", "forged")
        shutil.copy(world.path("good-guard"), world.path("forged-guard"))
        self.forged_config("forged-guard")
        world.start("forged.conf")
        self.addCleanup(self.end)
        world.order("log.key", {"add": [], "retire": [world.ledger_key.vkey()], "reason": WHY})
        check(world.client("export", "retired", token="auditor"))
        world.stop()
        drill = self.drill("retired", None)
        self.assertEqual(drill()[0], 0)
        text = wire.split_note(world.read("retired/checkpoint"))[0]
        world.write("retired/checkpoint", wire.sign_note(text, world.ledger_key))
        world.write("retired/ledger.json", world.read("retired/ledger.json").replace(
            self.next_key.vkey().encode(), world.ledger_key.vkey().encode()))
        self.assert_found(drill(), INVALID, "checkpoint: it is not signed by a key that was the ledger's at size")

    # Bytes of the data file and of an export

    def newest_meta(self):
        """The page, and where the next older one is."""
        with open(self.world.path("forged", "data.mdb"), "rb") as file:
            pages = [file.read(PAGE), file.read(PAGE)]
        numbers = [int.from_bytes(page[144:152], "little") for page in pages]
        newest = numbers.index(max(numbers))
        return newest, pages

    def test_meta_pages(self):
        self.copy("good", "forged")
        drill = self.drill("forged", "good-guard")
        newest, pages = self.newest_meta()
        # Whatever is of no meaning may change: magic, version, roots, the last page and the number of the commit may not.
        meant = [(page, at) for page in (0, 1) for at in list(range(16, 24)) + ([] if page != newest else (
            list(range(40, 44)) + list(range(128, 136)) + list(range(144, 152))))]
        for page, at in meant if ALL else self.chosen.sample(meant, 12) + [(newest, at) for at in range(136, 144)]:
            mask = self.chosen.randrange(1, 256)
            code, text = drill(f"byte data.mdb {page * PAGE + at} {mask}")
            # A higher number of the last page or of the commit is as good; a lower one brings back what was overwritten.
            if code == 1 and 136 <= at < 144 and is_sanitized():
                continue        # so large a map is more than the sanitizer leaves
            self.assertIn(code, tuple(NAMES) + ((0,) if 136 <= at < 152 else ()), (page, at, mask, text))
            self.assertNotIn("contradict each other", text)
        # Fewer pages than there are: whatever is read first lies behind the last one.
        last = pages[newest][136]
        for fewer in sorted({last * part // 16 for part in range(16)}):
            answer = drill(f"byte data.mdb {newest * PAGE + 136} {last ^ fewer}")
            if answer[0] != 0:
                self.assertEqual(answer[0], UNUSABLE, answer)
                self.assertRegex(answer[1], "can't be read|can't open", answer)
        # The commit before comes back: three entries less.
        answer = drill(*(f"byte data.mdb {newest * PAGE + at} {pages[newest][at] ^ pages[1 - newest][at]}"
                         for at in range(16, 152) if pages[newest][at] != pages[1 - newest][at]))
        self.assert_found(answer, UNUSABLE, f"entry {self.size - 3}: it is missing: the ledger has signed a checkpoint")

    def files(self):
        folder = self.world.path("copy")
        return sorted(os.path.relpath(os.path.join(path, name), folder)
                      for path, _, names in os.walk(folder) for name in names)

    def test_bytes_of_an_export(self):
        drill = self.drill("copy", None)
        for name in self.files():
            data = self.world.read(os.path.join("copy", name))
            for place in self.places(len(data), 10 if len(data) < 2000 else 4):
                mask = self.chosen.randrange(1, 256)
                if name == "ledger.json" and place == len(data) - 1 and data[place] ^ mask in b" \t\r":
                    mask = 1        # another blank behind JSON says the same
                if name == "policy" and data[place] ^ mask == ord("#"):
                    mask = 1        # a line that is a remark asks for nothing
                answer = drill(f"byte {name} {place} {mask}")
                if name.startswith("tile/entries/"):
                    self.assert_found(answer, INVALID, f"entry {self.entry_at(name, data, place)}: ")
                else:
                    code = STATE if name.startswith("tile/") else INVALID
                    self.assert_found(answer, code, f"{name}: ")

    def test_an_entry_of_no_bytes_in_an_export(self):
        drill, at = self.drill("copy", None), 0
        for index, entry in enumerate(self.entries[:256]):
            if len(entry) < 256:
                answer = drill(f"byte tile/entries/000 {at + 1} {len(entry)}")
                self.assert_found(answer, INVALID, f"entry {index}: ", "holds nothing of it")
                break
            at += 2 + len(entry)
        else:
            self.fail("no entry is that short")

    @staticmethod
    def entry_at(name, data, place):
        index, at = int(name.split("/")[2][:3]) * 256, 0
        while at + 2 + int.from_bytes(data[at:at + 2], "big") <= place:
            at += 2 + int.from_bytes(data[at:at + 2], "big")
            index += 1
        return index

    # Other histories, made with every key

    def forge(self, *words):
        """The new size, and how many commands were left out. In `forged`."""
        shutil.rmtree(self.world.path("forged"), ignore_errors=True)
        os.mkdir(self.world.path("forged"))
        result = check(run([FORGE, "good", "forged", *map(str, words)], self.world.folder))
        return [int(word) for word in result.out.split()]

    def make_guard(self, size):
        """A guard of the forged ledger, signed with the keys that are valid there."""
        root = check(run([ROOTS, "forged"], self.world.folder, stdin=f"{size}\n".encode())).out.split()[1]
        text = wire.checkpoint_text(self.world.origin, size, bytes.fromhex(root))
        note = wire.sign_note(text, self.world.ledger_key, self.next_key)
        slots = b""
        for sequence in (2, 1):
            slot = b"SUBGUARD" + struct.pack(">QI", sequence, len(note)) + note
            slots += (slot + wire.sha256(slot)).ljust(SLOT_SIZE, b"\0")
        self.world.write("forged-guard", slots)

    def forged_config(self, guard):
        return self.world.make_config("forged.conf", ledger={"data": "forged", "guard": guard, "next_key": "next.key"})

    def assert_guarded(self, *words):
        """The true guard beside it: neither verified nor served."""
        self.forged_config("guard")
        result = self.assert_code(self.world.daemon("verify", "-c", "forged.conf"), UNUSABLE)
        for word in words:
            self.assertIn(word, result.out)
        self.assert_code(self.world.refuses_to_start("forged.conf"), UNUSABLE)

    def assert_given_away(self, guard, alarm):
        """With a guard that fits, the file is in order, and is served; what was signed before tells."""
        world = self.world
        self.forged_config(guard)
        self.assertEqual(check(world.daemon("verify", "-c", "forged.conf")).out.splitlines()[-1], "verified")
        world.start("forged.conf")
        self.addCleanup(self.end)
        for proof in (self.receipt, self.proof_of_statement):
            self.assert_code(world.client("receipt", "check", proof), 6)
            evidence = proof + ".evidence.json"
            self.assertIn(world.read(proof).decode().partition("\n\n")[2], json.loads(world.read(evidence))["held"])
            os.unlink(world.path(evidence))
        self.assert_code(world.client("verify", "statement"), 0)
        result = self.assert_code(world.client("monitor", "--once", "--json", "--evidence", "evidence"), 6)
        self.assertEqual(json.loads(result.out.splitlines()[-1])["alarm"], alarm)
        shutil.rmtree(world.path("evidence"))
        if alarm == "rollback":     # the monitor has shown the ledger what it signed, which stopped it
            self.assert_stops()
            world.start("forged.conf")
        answer = world.feed.push("sddex", self.sddex.body(records("next", 1), checkpoint=self.newest))
        self.assert_refused(answer, 503, "rolled_back")
        self.assert_stops()

    def assert_stops(self):
        wait_until(lambda: self.world.process.poll() is not None, 30, "the daemon's end")
        self.world.finish(UNUSABLE)

    def end(self):
        if self.world.process is not None:
            self.world.kill()

    def test_yesterdays_copy(self):
        self.copy("yesterday", "forged")
        self.assert_guarded(f"FAILED (unusable): entry {self.yesterday}: it is missing: the ledger has signed")
        self.assert_given_away("yesterday-guard", "rollback")

    def test_yesterday_made_anew(self):
        """Truncated, with everything that is derived made to fit."""
        self.forge("until", self.yesterday)
        self.assert_guarded(f"FAILED (unusable): entry {self.yesterday}: it is missing: the ledger has signed")
        shutil.copy(self.world.path("yesterday-guard"), self.world.path("forged-guard"))
        self.assert_given_away("forged-guard", "rollback")

    def test_an_order_that_never_was(self):
        index = self.kinds.index("order trade.void")
        size, left_out = self.forge("without", index)
        self.assertLess(size, self.size - 1)
        self.assertEqual(left_out, 2)       # and the distrust, which names an entry that is another one now
        self.make_guard(size)
        self.assert_guarded(f"FAILED (unusable): entry {size}: it is missing")
        self.assert_given_away("forged-guard", "rollback")

    def test_a_dearer_trade(self):
        """The venue's key helped: the same size, other money."""
        self.world.write("old.key", self.old_key.private_text())
        os.chmod(self.world.path("old.key"), 0o600)
        index = self.kinds.index("record trade 1")
        size, left_out = self.forge("amount", index, "old.key")
        self.assertEqual((size, left_out), (self.size, 0))
        self.make_guard(size)
        self.assert_guarded("FAILED (unusable): ", "guard")
        self.assert_given_away("forged-guard", "fork")


if __name__ == "__main__":
    unittest.main()
