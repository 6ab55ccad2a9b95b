"""What an enterprise keeps as its own proof: complete, proven, and of nobody else.

A world in which everything that can happen to an enterprise happens; after each step the statements of all are read, in
pages of several sizes, and compared with the ledger that the bureau reads, by code that shares nothing with the programs.
"""
import base64
import json
import os
import secrets
import unittest

from tests.flow import tlog, wire
from tests.flow.harness import FIRMS, Feed, FlowTest, Proxy, check, read_json, refund, trade
from tests.sample import make

ALICE, BOB, CAROL, DAVE, EVE, FRANK = FIRMS[:6]
NAMES = {ALICE: "甲方数据公司", BOB: "乙方数据公司", CAROL: "丙方数据公司", DAVE: "丁方数据公司", FRANK: "己方数据公司"}
EVE_CLAIMED = "戊方自称公司"
UNSEEN = make.usci("370202", "MA0XX001")
LIMITS = (1, 7, 1000)
RECORD, ORDER, EFFECT = 8, 10, 11
TRADE_EFFECTS = (6, 7, 8)
DUPLICATE_TRADE = 2
SALT = "5a" * 16


def numbers(packed):
    """A packed list of varints."""
    values, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            values.append(value)
            value = shift = 0
    return values


class Entry:
    """An entry of the ledger, as far as chains are concerned."""

    def __init__(self, index, data):
        self.index, self.data = index, data
        message = wire.message_dict(data)
        self.links = numbers(message.get(6, b""))
        self.kind = next(number for number in message if number >= 7)
        self.body = message[self.kind]
        self.fields = wire.message_dict(self.body)

    def items(self):
        return [value for number, value in wire.fields(self.body) if number == 2]

    def record(self):
        """("trade" or "refund", its fields)."""
        record = wire.message_dict(self.fields[4])
        return ("trade", wire.message_dict(record[2])) if 2 in record else ("refund", wire.message_dict(record[3]))

    def trade_parties(self):
        kind, fields = self.record()
        assert kind == "trade"
        return fields[8].decode(), fields[10].decode()

    def parties(self, entries):
        """Whose links these are, by the rules of FORMAT.md; `entries` by index hold at least what it is about."""
        if not self.links:
            return ()
        if self.kind == EFFECT:
            for number in TRADE_EFFECTS:
                if number in self.fields:
                    return entries[wire.message_dict(self.fields[number])[3]].trade_parties()
            if 4 in self.fields:
                related = wire.message_dict(self.fields[4])
                return related[1].decode(), related[2].decode()
            return (wire.message_dict(self.fields[3] if 3 in self.fields else self.fields[5])[1].decode(),)
        kind, fields = self.record()
        if kind == "trade" and self.fields[5] != DUPLICATE_TRADE:
            return self.trade_parties()
        if kind == "refund":
            return first_trade(entries, self.fields[1], fields[2], self.index).trade_parties()
        return entries[self.fields[6]].trade_parties()

    def is_withheld_from(self, code):
        return (self.kind == RECORD and self.record()[0] == "trade" and self.fields[5] == DUPLICATE_TRADE
                and code not in self.trade_parties())


def first_trade(entries, venue, trade_no, below):
    for index in sorted(entries):
        entry = entries[index]
        if index < below and entry.kind == RECORD and entry.fields[1] == venue:
            kind, fields = entry.record()
            if kind == "trade" and fields[1] == trade_no:
                return entry
    raise KeyError(trade_no)


def hashes_of(row):
    return [base64.b64decode(text) for text in row["hashes"]]


def read_note(note):
    """Origin, size and root of a checkpoint."""
    origin, size, root = wire.split_note(note.encode())[0].decode().splitlines()
    return origin, int(size), base64.b64decode(root)


def read_proof(text):
    """extra, index, path and note of a tlog-proof."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1", lines[0]
    assert lines[1].startswith("extra ") and lines[2].startswith("index "), lines[:3]
    return (base64.b64decode(lines[1][6:]), int(lines[2][6:]), [base64.b64decode(line) for line in lines[3:]], note)


def check_line(order):
    """The line is one of the items whose root the note gives."""
    items = json.loads(wire.split_note(order["note"].encode())[0].decode().splitlines()[3])["items"]
    assert items["count"] == order["count"]
    root = wire.root_from_path(order["item"], order["count"], wire.leaf_hash(order["line"].encode()), hashes_of(order))
    assert root == base64.b64decode(items["root"]), order


def change_answer(wanted, change):
    """For Proxy: lets `change(json)` edit the answers to paths that hold `wanted`."""
    def apply(_, path, answer):
        if wanted in path and answer.status == 200:
            value = answer.json()
            change(value)
            answer.body = wire.compact(value).encode()
        return answer
    return apply


class SmallPages(Proxy):
    """The client asks for pages of a thousand; here they have two rows."""

    def pass_on(self, handler, method):
        handler.path = handler.path.replace("limit=1000", "limit=2")
        super().pass_on(handler, method)


class Statement(FlowTest):
    maxDiff = 4000

    @classmethod
    def prepare(cls):
        cls.folders = cls.held_by_acts = 0
        cls.snapshots = []          # (size, {(code, limit): (pages, acts)})
        for step in (cls.begin, cls.trade, cls.refund_and_repeat, cls.act, cls.rotate):
            step()
            cls.snapshots.append((cls.world.size(), {
                (code, limit): (cls.pages(code, limit), cls.acts(code, limit))
                for code in FIRMS[:6] for limit in LIMITS if cls.is_known(code)}))
        cls.entries = cls.read_entries()

    # The world

    @classmethod
    def begin(cls):
        world = cls.world
        cls.qddex, cls.sddex, cls.stolen = world.license("qddex"), world.license("sddex"), world.license("stolen")
        world.register([(code, name, ["default", "pilot"]) for code, name in NAMES.items()])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "auditor", *FIRMS[:6], UNSEEN)

    @classmethod
    def push(cls, feed, *rows):
        feed.push([wire.encode_record(row) for row in rows])

    @classmethod
    def trade(cls):
        cls.push(cls.qddex, trade("a1", ALICE, BOB, "10600.00", "600.00"), trade("b1", BOB, CAROL, "777.77", "7.00"),
                 trade("s1", ALICE, ALICE), trade("e1", ALICE, EVE, buyer_name=EVE_CLAIMED), trade("d1", CAROL, DAVE))
        cls.push(cls.sddex, trade("a1", DAVE, ALICE, "21200.00", "1200.00"))
        cls.push(cls.stolen, trade("x1", ALICE, BOB, "318.00", "18.00"), trade("x2", BOB, CAROL), trade("x3", DAVE, ALICE))

    @classmethod
    def refund_and_repeat(cls):
        cls.push(cls.qddex, refund("r1", "a1"), refund("r0", "nothing"), refund("r1", "a1"),
                 refund("r2", "a1", "99999.00", "0.00"), refund("r1", "d1"))
        # A number of Alice's and Bob's, used by others; one of Bob's and Carol's, used by Alice and Carol.
        cls.push(cls.qddex, trade("a1", CAROL, DAVE, "4321.00", "1.00"), trade("b1", ALICE, CAROL, "8765.00", "5.00"))

    @classmethod
    def act(cls):
        world = cls.world
        world.relate((ALICE, DAVE), (ALICE, BOB), (BOB, CAROL))
        for kind, number in (("hold", "a1"), ("release", "a1"), ("hold", "e1"), ("void", "e1"), ("hold", "d1")):
            cls.world.order(f"trade.{kind}", items=[wire.compact(
                {"venue": "qddex", "trade_no": number, "reason": "核查", "salt": SALT})])
        world.order("enterprise.delist", items=[wire.compact(
            {"code": code, "lists": ["pilot"], "reason": "企业申请", "salt": SALT}) for code in (ALICE, CAROL)])
        world.order("venue.distrust", {"venue": "stolen", "key": cls.stolen.key.vkey(),
                                       "from": world.get_json("/v1/feeds/stolen", "bureau")["last_push"]["index"],
                                       "reason": "密钥被盗用"}, made_at_size=world.size())
        world.order("venue.suspend", {"venue": "sddex", "reason": "年检"})
        world.order("venue.resume", {"venue": "sddex", "reason": "年检通过"})

    @classmethod
    def rotate(cls):
        world, key = cls.world, wire.Key("qddex", secrets.token_bytes(32))
        world.order("venue.key", {"venue": "qddex", "add": [key.vkey()], "revoke": [cls.qddex.key.vkey()],
                                  "new_generation": True, "reason": "换机"})
        cls.qddex = Feed(world, "qddex", key, 2)
        cls.push(cls.qddex, trade("a2", BOB, ALICE, "530.00", "30.00"), trade("a1", ALICE, BOB, "10600.00", "600.00"))

    # Reading it

    @classmethod
    def is_known(cls, code):
        return cls.world.get(f"/v1/enterprises/{code}/statement", code).status == 200

    @classmethod
    def read_pages(cls, path, viewer, cursor=""):
        pages = []
        while cursor is not None:
            pages.append(cls.world.get_json(path + (f"&cursor={cursor}" if cursor else ""), viewer))
            cursor = pages[-1]["cursor"]
        return pages

    @classmethod
    def pages(cls, code, limit=1000, viewer=None):
        return cls.read_pages(f"/v1/enterprises/{code}/statement?limit={limit}", viewer or code)

    @classmethod
    def acts(cls, code, limit=1000):
        size = cls.world.size()
        return cls.read_pages(f"/v1/enterprises/{code}/acts?size={size}&limit={limit}", code)

    @classmethod
    def read_entries(cls):
        reader = tlog.of_connection(cls.world.public, cls.world.tokens["bureau"])
        return {index: Entry(index, data) for index, data in enumerate(reader.entries(cls.world.size()))}

    def chain(self, code, size):
        """By the ledger itself: the entries below a size that concern the enterprise, newest first."""
        return [index for index in sorted(self.entries, reverse=True)
                if index < size and code in self.entries[index].parties(self.entries)]

    # Checking it

    def check_pages(self, pages, code, limit, size):
        """Every proof of a statement, from its pages alone; the indexes of its rows."""
        note = pages[0]["checkpoint"]
        self.assertTrue(wire.note_is_signed_by(note.encode(), self.world.ledger_key))
        origin, signed_size, root = read_note(note)
        self.assertEqual((origin, signed_size), (self.world.origin, size))
        rows = []
        for i, page in enumerate(pages):
            self.assertEqual((page["origin"], page["ledger_id"], page["code"], page["size"]),
                             (origin, self.world.ledger_id, code, size))
            self.assertEqual(page["checkpoint"] is None, i > 0)
            self.assertLessEqual(len(page["entries"]), limit)
            self.assertTrue(page["entries"])
            rows += page["entries"]
        for row in rows:
            self.check_row(row, size, root, code)
        self.check_links(rows, code)
        return [row["index"] for row in rows]

    def check_row(self, row, size, root, code):
        self.assertEqual(set(row), {"index", "entry", "hashes", "feed", "order"} | ({"leaf"} if row["entry"] is None else set()))
        if row["entry"] is None:
            leaf = base64.b64decode(row["leaf"])
            self.assertEqual((row["feed"], row["order"]), (None, None))
            self.assertTrue(self.entries[row["index"]].is_withheld_from(code))
        else:
            data = base64.b64decode(row["entry"])
            leaf = wire.leaf_hash(data)
            self.check_companions(row, Entry(row["index"], data))
        self.assertEqual(leaf, wire.leaf_hash(self.entries[row["index"]].data))
        self.assertEqual(wire.root_from_path(row["index"], size, leaf, hashes_of(row)), root)

    def check_companions(self, row, entry):
        has_item = entry.kind == EFFECT and bool(self.entries[entry.fields[1]].items())
        self.assertEqual((row["feed"] is not None, row["order"] is not None), (entry.kind == RECORD, has_item))
        type(self).held_by_acts += entry.kind == EFFECT and not has_item
        if entry.kind == RECORD:
            record, index, path, note = read_proof(row["feed"])
            origin, size, root = read_note(note)
            venue, generation = entry.fields[1].decode(), entry.fields[2]
            self.assertEqual((record, index), (entry.fields[4], entry.fields.get(3, 0)))
            self.assertEqual(origin, f"{venue}/{self.world.ledger_id}/{generation}")
            self.assertEqual(wire.root_from_path(index, size, wire.leaf_hash(record), path), root)
            key = self.qddex.key if (venue, generation) == ("qddex", 2) else self.world.feeds[venue].key
            self.assertTrue(wire.note_is_signed_by(note.encode(), key))
        elif has_item:
            order = row["order"]
            self.assertEqual((order["index"], order["item"]), (entry.fields[1], entry.fields.get(2, 0)))
            check_line(order)
            for signer in ("zhang", "li"):
                self.assertTrue(wire.note_is_signed_by(order["note"].encode(), self.world.officers[signer]))
            self.assertEqual(order["line"].encode(), self.entries[order["index"]].items()[order["item"]])

    def check_links(self, rows, code):
        """Each entry leads to the next, and the last to none, by what the rows themselves hold."""
        own = {row["index"]: Entry(row["index"], base64.b64decode(row["entry"])) for row in rows if row["entry"]}
        for row, following in zip(rows, [row["index"] for row in rows[1:]] + [0]):
            if row["entry"] is not None:
                entry = own[row["index"]]
                self.assertIn(following, [link for link, party in zip(entry.links, entry.parties(own)) if party == code])

    def test_chains_are_complete_and_proven_at_every_size_and_page(self):
        seen = set()
        for size, statements in self.snapshots:
            for (code, limit), (pages, _) in statements.items():
                with self.subTest(size=size, code=code, limit=limit):
                    self.assertEqual(self.check_pages(pages, code, limit, size), self.chain(code, size))
                    seen.update(self.entries[index].fields.get(5) for index in self.chain(code, size)
                                if self.entries[index].kind == RECORD)
        self.assertEqual(len(self.snapshots[-1][1]), 6 * len(LIMITS))
        self.assertGreater(self.held_by_acts, 0)
        self.assertEqual(seen, {1, 2, 3, 4, 6})     # every disposition that a chain can hold but an overflow

    def test_acts_are_genesis_and_every_order_without_items(self):
        for size, statements in self.snapshots:
            wanted = [index for index in sorted(self.entries, reverse=True) if index < size and (
                index == 0 or self.entries[index].kind == ORDER and not self.entries[index].items())]
            for (code, limit), (_, pages) in statements.items():
                with self.subTest(size=size, code=code, limit=limit):
                    rows = [row for page in pages for row in page["acts"]]
                    self.assertEqual([row["index"] for row in rows], wanted)
                    root = read_note(statements[code, limit][0][0]["checkpoint"])[2]
                    for row in rows:
                        data = base64.b64decode(row["entry"])
                        self.assertEqual(data, self.entries[row["index"]].data)
                        self.assertEqual(
                            wire.root_from_path(row["index"], size, wire.leaf_hash(data), hashes_of(row)), root)
                    self.assertTrue(all(page["size"] == size and len(page["acts"]) <= limit for page in pages))
            self.assertIn(0, wanted)
        self.assertGreater(len(wanted), 6)

    def test_acts_of_an_earlier_size_are_those_below_it(self):
        size, statements = self.snapshots[1]
        rows = self.world.get_json(f"/v1/enterprises/{ALICE}/acts?size={size}", ALICE)["acts"]
        self.assertEqual(rows, [row for page in statements[ALICE, 1000][1] for row in page["acts"]])

    def test_bureau_and_auditor_read_the_same(self):
        for viewer in ("bureau", "auditor"):
            self.assertEqual(self.pages(ALICE, viewer=viewer)[0]["entries"], self.pages(ALICE)[0]["entries"])

    def test_a_code_that_no_entry_concerns(self):
        for path in ("statement", "acts"):
            self.assert_refused(self.world.get(f"/v1/enterprises/{UNSEEN}/{path}", UNSEEN), 404, "not_found")

    def test_a_ledger_that_grows_between_pages(self):
        size = self.world.size()
        first = self.world.get_json(f"/v1/enterprises/{BOB}/statement?limit=2", BOB)
        self.push(self.sddex, trade(f"g{size}", BOB, CAROL))
        pages = [first] + self.read_pages(f"/v1/enterprises/{BOB}/statement?limit=2", BOB, first["cursor"])
        type(self).entries = self.read_entries()
        self.assertEqual(self.check_pages(pages, BOB, 2, size), self.chain(BOB, size))
        newest = self.pages(BOB)
        self.assertEqual(self.check_pages(newest, BOB, 1000, self.world.size())[1:], self.chain(BOB, size))

    def test_a_cursor_dies_with_the_daemon(self):
        first = self.world.get_json(f"/v1/enterprises/{BOB}/statement?limit=2", BOB)
        acts = self.world.get_json(f"/v1/enterprises/{BOB}/acts?limit=2", BOB)
        self.world.restart()
        for path, page in (("statement", first), ("acts", acts)):
            answer = self.world.get(f"/v1/enterprises/{BOB}/{path}?limit=2&cursor={page['cursor']}", BOB)
            self.assert_refused(answer, 400, "bad_request")

    # The client

    def fetch(self, code, *options, server=None, folder=None, exit_code=0):
        """The folder that `subsidy statement` makes, and what it said."""
        type(self).folders += 1
        folder = folder or self.world.path(f"statement-{self.folders}")
        options = (*options, *(("--server", f"https://{server}") if server else ()))
        result = self.world.client("statement", code, "-o", folder, *options, token=code)
        self.assert_code(result, exit_code)
        parent, name = os.path.split(folder)
        self.assertEqual([other for other in os.listdir(parent) if other.startswith(name + ".partial")], [])
        return folder, result

    @staticmethod
    def read_folder(folder):
        """Bytes by name."""
        files = {}
        for path, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    files[os.path.relpath(os.path.join(path, name), folder)] = file.read()
        return files

    def check_folder(self, folder, code):
        """The folder holds what the pages do, each under the name that FORMAT.md gives it; its files."""
        files = self.read_folder(folder)
        pages = self.pages(code)
        size, rows = pages[0]["size"], [row for page in pages for row in page["entries"]]
        note = files.pop("checkpoint").decode()
        self.assertEqual(read_note(note)[1:], read_note(pages[0]["checkpoint"])[1:])
        summary = json.loads(files.pop("statement.json"))
        figures = self.world.enterprise(code, f"?as_of={size}")["policies"]
        self.assertEqual([summary[key] for key in ("format", "origin", "ledger_id", "code", "size", "entries", "vkeys")],
                         ["subsidy.statement/v1", self.world.origin, self.world.ledger_id, code, size, len(rows),
                          [self.world.ledger_key.vkey()]])
        self.assertEqual([(row["policy"], row["version"], row["eligible_volume"], row["award"])
                          for row in summary["policies"]],
                         [(row["policy"], row["version"], row["eligible_volume"], row["award"]) for row in figures])
        for row in summary["policies"]:
            self.assertEqual(self.entries[row["index"]].kind, ORDER)
            explained = json.loads(files.pop(f"policies/{row['policy']}.json"))
            self.assertEqual((explained["ledger_size"], explained["award"], explained["policy_index"]),
                             (size, row["award"], row["index"]))
        for row in rows:
            self.check_files(files, f"{row['index']:016}", row, note)
        for page in self.acts(code):
            for row in page["acts"]:
                proof = read_proof(files.pop(f"acts/{row['index']:016}.tlog-proof").decode())
                self.assertEqual(proof, (base64.b64decode(row["entry"]), row["index"], hashes_of(row), note))
        self.assertIn("subsidy verify", files.pop("README.txt").decode())
        files.pop("head", None)
        self.assertEqual(files, {})

    def check_files(self, files, name, row, note):
        if row["entry"] is None:
            self.assertEqual(json.loads(files.pop(f"withheld/{name}.json")),
                             {key: row[key] for key in ("index", "leaf", "hashes")})
            return
        proof = read_proof(files.pop(f"entries/{name}.tlog-proof").decode())
        self.assertEqual(proof, (base64.b64decode(row["entry"]), row["index"], hashes_of(row), note))
        if row["feed"] is not None:
            self.assertEqual(files.pop(f"feeds/{name}.tlog-proof").decode(), row["feed"])
        if row["order"] is not None:
            wanted = dict(row["order"], order_index=row["order"]["index"])
            del wanted["index"]
            self.assertEqual(json.loads(files.pop(f"orders/{name}.json")), wanted)

    def test_the_client_writes_what_the_pages_hold(self):
        for code in FIRMS[:6]:
            with self.subTest(code=code):
                folder, result = self.fetch(code)
                self.check_folder(folder, code)
                self.assertIn("every one proven", result.err)

    def test_pages_of_two_give_the_same_folder(self):
        whole, _ = self.fetch(ALICE)
        with SmallPages(self.world, self.world.addresses["public"], lambda *asked: asked[2]) as server:
            folder, _ = self.fetch(ALICE, server=server)
        self.assertEqual(self.read_folder(folder), self.read_folder(whole))

    def test_nothing_of_others_in_any_byte(self):
        counterparties = {ALICE: {BOB, DAVE, EVE}, BOB: {ALICE, CAROL}, CAROL: {BOB, DAVE, ALICE},
                          DAVE: {CAROL, ALICE, BOB}, EVE: {ALICE}, FRANK: set()}
        for code, known in counterparties.items():
            folder, _ = self.fetch(code)
            files = self.read_folder(folder)
            data = b"\0".join(files.values())
            data += b"\0".join(read_proof(text.decode())[0] for name, text in files.items()
                               if name.endswith(".tlog-proof"))
            self.assertTrue(code.encode() in data)
            for other in set(FIRMS[:6]) - known - {code}:
                self.assertFalse(other.encode() in data, (code, other))
            for other, name in [*NAMES.items(), (EVE, EVE_CLAIMED)]:
                # A counterparty is named by its trades, not by the register.
                is_named = other == code or (other == EVE and code == ALICE)
                self.assertEqual(name.encode() in data, is_named, (code, name))
            # Amounts of the duplicates that were withheld, and of trades between others.
            for number, sides in (("4321", {CAROL, DAVE}), ("8765", {ALICE, CAROL})):
                amount = wire.field(13, int(number) * 100)
                if code not in sides:
                    self.assertFalse(amount in data, (code, number))

    def test_what_is_withheld_is_said(self):
        _, result = self.fetch(ALICE)
        self.assertIn("withheld entries, which name others: 1.", result.err)
        self.assertNotIn("\\x", result.err)
        folder, result = self.fetch(BOB, "--json")
        self.assertEqual(result.json()["withheld"], 2)
        self.assertEqual(len(os.listdir(os.path.join(folder, "withheld"))), 2)
        _, result = self.fetch(FRANK, "--json")
        self.assertEqual((result.json()["withheld"], result.json()["entries"]), (0, 1))
        self.assertNotIn("withheld", result.err)

    def test_where_it_may_be_written(self):
        empty = self.world.path("empty")
        os.mkdir(empty)
        self.fetch(FRANK, folder=empty)
        self.check_folder(empty, FRANK)
        before = self.read_folder(empty)
        _, result = self.fetch(FRANK, folder=empty, exit_code=1)
        self.assertIn("is not empty", result.err)
        self.assertEqual(self.read_folder(empty), before)
        _, result = self.fetch(FRANK, folder=self.world.path("draft.json"), exit_code=1)
        self.fetch(FRANK, folder=self.world.path("made", "on", "the", "way"))
        self.assert_code(self.world.client("statement", FRANK, token=FRANK), 2)
        self.assert_code(self.world.client("statement", FRANK[:-1], "-o", self.world.path("x"), token=FRANK), 2)
        self.assert_code(self.world.client("statement", BOB, "-o", self.world.path("x"), token=ALICE), 3)
        self.assertFalse(os.path.exists(self.world.path("x")))

    def test_the_client_begins_anew_after_a_restart_and_gives_up_in_the_end(self):
        refusal = wire.compact({"type": "urn:subsidy:error:bad_request", "title": "", "status": 400, "detail": ""})
        for deaths, exit_code in ((1, 0), (2, 0), (3, 7)):
            left = [deaths]

            def change(_, path, answer):
                if "cursor=" in path and left[0] > 0:
                    left[0] -= 1
                    return wire.Answer(400, {"Content-Type": "application/problem+json"}, refusal.encode())
                return answer
            with SmallPages(self.world, self.world.addresses["public"], change) as server:
                folder, result = self.fetch(ALICE, server=server, exit_code=exit_code)
            self.assertEqual(result.err.count("beginning anew"), deaths)
            if exit_code == 0:
                self.check_folder(folder, ALICE)
            self.assertEqual(os.path.exists(folder), exit_code == 0)

    def test_the_client_while_the_ledger_grows(self):
        size, count = self.world.size(), [0]

        def change(_, path, answer):
            if "/statement" in path:
                count[0] += 1
                self.push(self.sddex, trade(f"c{size}-{count[0]}", ALICE, DAVE))
            return answer
        with SmallPages(self.world, self.world.addresses["public"], change) as server:
            folder, result = self.fetch(ALICE, "--json", server=server)
        type(self).entries = self.read_entries()
        self.assertGreater(count[0], 3)
        self.assertEqual(result.json()["size"], size)
        files = self.read_folder(folder)
        names = sorted(name for name in files if name.startswith(("entries/", "withheld/")))
        self.assertEqual(sorted(int(name.split("/")[1][:16]) for name in names), sorted(self.chain(ALICE, size)))

    def spoil(self, wanted, change, text=None):
        """Where an answer is changed so, nothing is kept and the exit code is 6."""
        with Proxy(self.world, self.world.addresses["public"], change_answer(wanted, change)) as server:
            folder, result = self.fetch(ALICE, server=server, exit_code=6)
        self.assertFalse(os.path.exists(folder))
        if text:
            self.assertIn(text, result.err)

    def test_what_is_not_proven_is_not_kept(self):
        def entries(page):
            return page["entries"]

        def row_with(page, key):
            return next(row for row in page["entries"] if row[key] is not None)

        def other(text):
            return text[:-5] + ("B" if text[-5] != "B" else "C") + text[-4:]

        def edit(pick, key, make_value):
            def change(page):
                target = pick(page)
                target[key] = make_value(target[key])
            return change
        def exchange(key, pick):
            """Two rows' proofs of the same form, each good for the other one."""
            def change(page):
                first, second = [row for row in page["entries"] if row[key] is not None and pick(row[key])][:2]
                first[key], second[key] = second[key], first[key]
            return change

        def swap(rows):
            rows[0], rows[1] = rows[1], rows[0]
        cases = {
            "feeds of two generations, both their first records": exchange(
                "feed", lambda text: "\nindex 0\n" in text and "qddex/" in text),
            "two items of one order": exchange("order", lambda order: "enterprise.relate" in order["note"]),
            "a hash": edit(lambda page: entries(page)[3]["hashes"], 0, other),
            "a hash too many": edit(lambda page: entries(page)[2], "hashes", lambda hashes: hashes + hashes[:1]),
            "an index": edit(lambda page: entries(page)[0], "index", lambda index: index - 1),
            "bytes of an entry": edit(lambda page: entries(page)[1], "entry", other),
            "a leaf": edit(lambda page: next(row for row in entries(page) if row["entry"] is None), "leaf", other),
            "an entry left out": lambda page: entries(page).pop(2),
            "the newest left out, and the rest in another order": lambda page: entries(page).reverse(),
            "the oldest left out": lambda page: entries(page).pop(),
            "no entries": lambda page: entries(page).clear(),
            "the checkpoint": edit(lambda page: page, "checkpoint", lambda note: note.replace("\n", "\n1", 1)),
            "the size": edit(lambda page: page, "size", lambda size: size - 1),
            "the code": edit(lambda page: page, "code", lambda _: BOB),
            "no feed": edit(lambda page: row_with(page, "feed"), "feed", lambda _: None),
            "a feed's index": edit(lambda page: row_with(page, "feed"), "feed",
                                   lambda text: text.replace("\nindex ", "\nindex 1", 1)),
            "a feed's root": edit(lambda page: row_with(page, "feed"), "feed", lambda text: text.replace(
                read_proof(text)[3].split("\n")[2], base64.b64encode(bytes(32)).decode())),
            "no order": edit(lambda page: row_with(page, "order"), "order", lambda _: None),
            "a line": edit(lambda page: row_with(page, "order")["order"], "line", lambda line: line + " "),
            "a line's place": edit(lambda page: row_with(page, "order")["order"], "item", lambda item: item + 1),
            "an order's index": edit(lambda page: row_with(page, "order")["order"], "index", lambda index: index - 1),
            "the count of lines": edit(lambda page: row_with(page, "order")["order"], "count", lambda count: count + 1),
        }
        for name, change in cases.items():
            with self.subTest(name):
                self.spoil("/statement", change)
        acts = {
            "an act's hash": edit(lambda page: page["acts"][1]["hashes"], 0, other),
            "genesis left out": lambda page: page["acts"].pop(),
            "another order": lambda page: page["acts"].reverse(),
            "two acts exchanged": lambda page: swap(page["acts"]),
            "no acts": lambda page: page["acts"].clear(),
            "the order that holds a trade left out": lambda page: page["acts"].remove(next(
                row for row in page["acts"] if b'"venue.distrust"' in base64.b64decode(row["entry"]))),
            "another size": edit(lambda page: page, "size", lambda size: size + 1),
        }
        for name, change in acts.items():
            with self.subTest(name):
                self.spoil("/acts", change)

    def test_a_checkpoint_of_another_key_is_not_believed(self):
        stranger = wire.Key(self.world.origin, secrets.token_bytes(32))

        def change(page):
            text = wire.split_note(page["checkpoint"].encode())[0]
            page["checkpoint"] = wire.sign_note(text, stranger).decode()
        self.spoil("/statement", change)


class Claims(FlowTest):
    """A ledger that signs where a chain ends, and has a second key for checkpoints."""

    @classmethod
    def prepare(cls):
        world = cls.world
        cls.keys = []
        for name, file in ((world.origin, "next.key"), (world.origin + "/heads", "heads.key")):
            world.new_key(name, file)
            cls.keys.append(wire.Key.from_file(world.path(file)))
        world.stop()
        world.make_config(ledger={"next_key": "next.key", "heads_key": "heads.key"})
        world.start()
        world.order("log.key", {"add": [key.vkey() for key in cls.keys], "retire": [], "reason": "密钥轮换"})
        world.grant(ALICE)
        world.license("qddex").push([wire.encode_record(trade("t1", ALICE, BOB)), wire.encode_record(trade("t2", BOB, CAROL))])

    def fetch(self, folder, exit_code=0, server=None):
        options = ("--server", f"https://{server}") if server else ()
        return self.assert_code(
            self.world.client("statement", ALICE, "-o", folder, "--json", *options, token=ALICE), exit_code)

    def test_the_claim_is_kept_with_the_keys_that_are_valid(self):
        result = self.fetch("claimed")
        self.assertTrue(result.json()["has_claim"])
        self.assertNotIn("announced no key", result.err)
        note = self.world.read("claimed/head")
        self.assertTrue(wire.note_is_signed_by(note, self.keys[1]))
        lines = wire.split_note(note)[0].decode().splitlines()
        checkpoint = self.world.read("claimed/checkpoint")
        for key in (self.world.ledger_key, self.keys[0]):
            self.assertTrue(wire.note_is_signed_by(checkpoint, key))
        newest = max(int(name[:16]) for name in os.listdir(self.world.path("claimed", "entries")))
        self.assertEqual(lines, ["subsidy.head/v1", self.world.origin, self.world.ledger_id, ALICE, str(newest),
                                 *wire.split_note(checkpoint)[0].decode().splitlines()[1:]])
        summary = json.loads(self.world.read("claimed/statement.json"))
        self.assertEqual(summary["vkeys"], [self.world.ledger_key.vkey(), self.keys[0].vkey()])

    def test_a_claim_that_says_something_else(self):
        """Of a later entry, so that one was left out; of another size, root, code or ledger; or no claim."""
        def with_line(number, text):
            def change(_, path, answer):
                if "/head" in path and answer.status == 200:
                    lines = wire.split_note(answer.body)[0].decode().splitlines()
                    lines[number] = text(lines)
                    answer.body = wire.sign_note(("\n".join(lines) + "\n").encode(), self.keys[1])
                return answer
            return change
        for number, text in ((4, lambda lines: str(int(lines[5]) - 1)), (4, lambda lines: "1"),
                             (5, lambda lines: str(int(lines[5]) + 1)), (3, lambda lines: BOB), (2, lambda lines: "0" * 16),
                             (1, lambda lines: lines[1] + "x"), (0, lambda lines: "subsidy.head/v2"),
                             (6, lambda lines: base64.b64encode(bytes(32)).decode())):
            with self.subTest(number=number):
                with Proxy(self.world, self.world.addresses["public"], with_line(number, text)) as server:
                    self.fetch("spoilt", 6, server)
                self.assertFalse(os.path.exists(self.world.path("spoilt")))


if __name__ == "__main__":
    unittest.main()
