"""A world in which everything happens that a verifier must follow; and what a forger makes of its copies.

The forger has every private key of the world: the ledger's, the officers', the venues'. Used by test_verifier.py.
"""
import base64
import json
import os
import secrets
import shutil

from tests.flow import wire
from tests.flow.harness import FIRMS, Feed, World, check, read_json, records, refund, trade
from tests.flow.test_crash import Sm2Key
from tests.flow.test_orders_more import item_delist, item_revoke, item_trade

ALICE, BOB, CAROL, DAVE, EVE, FRANK, GRACE = PARTIES = FIRMS[:7]
WHY = "核查"
BULK = 260


def policy(name, version=1, **changes):
    value = {"policy": name, "version": version, "status": "assumed", "title": "数据交易奖补", "basis": "样例",
             "window": {"from": "2025-01-01", "to": "2026-12-31"}, "venues": ["qddex", "smdex", "stolen"],
             "rate": {"type": "flat", "ppm": 50000}, "cap": {"amount": "300000.00"}}
    value.update(changes)
    return {key: one for key, one in value.items() if one is not Ellipsis}


def tiers(kind, *rows):
    return {"type": kind, "tiers": [{"up_to": up_to, "ppm": ppm} for up_to, ppm in rows]}


STEPS = (("1000.00", 100000), ("6000.00", 50000), (None, 12345))
POLICIES = (
    policy("flat"), policy("flat-gross", base="gross", sides=["supplier"], related="allow", cap={"amount": "150.00"}),
    policy("marginal", rate=tiers("marginal", *STEPS), round={"unit_fen": 1, "mode": "half_up"}, related="flag"),
    policy("slab", rate=tiers("slab", *STEPS), round={"unit_fen": 7, "mode": "floor"}, other_subsidy="allow", enterprises="all"),
    policy("slab-edge", rate=tiers("slab", ("10000.00", 70000), (None, 10000)), venues=["smdex"], status="published"),
    policy("fixed", rate={"type": "fixed", "amount": "777.77"}, threshold={"trades": 2, "contracts": 1},
           round={"unit_fen": 1, "mode": "floor"}),
    policy("fixed-high", rate={"type": "fixed", "amount": "100000.00"}, threshold={"amount": "5000000.00"}),
    policy("by-side", rate={"by_side": {"supplier": tiers("marginal", *STEPS), "buyer": tiers("slab", *STEPS)}},
           cap={"amount": "400.00", "scope": "year"}, window={"from": "2024-07-01", "to": "2026-03-31"},
           date_basis="signed", exclude_product_kinds=["compute", "model"], round={"unit_fen": 1, "mode": "half_up"}),
    policy("by-side-fixed", rate={"by_side": {"supplier": {"type": "fixed", "amount": "10.00"},
                                              "buyer": {"type": "flat", "ppm": 33333}}}, list="pilot"),
    policy("growth", growth={"from": "2024-01-01", "to": "2024-12-31"}, related="allow", round={"unit_fen": 100, "mode": "half_up"}),
    policy("growth-threshold", growth={"from": "2024-06-01", "to": "2024-12-31"}, rate=tiers("marginal", *STEPS),
           threshold={"trades": 1, "contracts": 0, "amount": "100.00"}, sides=["buyer"]),
    policy("growth-fixed", growth={"from": "2024-01-01", "to": "2024-12-31"}, rate={"type": "fixed", "amount": "5.00"}),
    policy("unset", rate=None, pool={"amount": "700000.00", "method": "prorata"}, exclude_list="barred"),
    policy("parts", instalments=[500000, 300000, 200000], pool={"amount": "1.00", "method": "rank"}, review="lower",
           exclude_list="pilot"),
    policy("yearly", cap={"amount": "90.00", "scope": "year"}, threshold={"trades": 2}, list="pilot"),
    dict(read_json("policy-tiered.json"), venues=["qddex", "smdex"]))


class Verifiable(World):
    """Its ledger, once live() has been called."""

    def live(self):
        self.old, self.extra = {}, {}
        for step in (self.begin, self.trade, self.adjust, self.act, self.contradict, self.distrust, self.rotate,
                     self.change_officers, self.rotate_ledger, self.go_on):
            step()

    def begin(self):
        self.qddex, self.stolen = self.license("qddex"), self.license("stolen")
        key = Sm2Key("smdex", self)
        self.order("venue.license", {"venue": "smdex", "name": "示例交易所", "keys": [key.vkey()]})
        self.smdex = Feed(self, "smdex", key)
        self.sound = wire.Key("stolen", secrets.token_bytes(32))
        self.change_keys("stolen", add=[self.sound])
        self.register([(code, f"企业{code[-4:]}", ["default", "pilot"]) for code in (ALICE, BOB, CAROL)]
                      + [(DAVE, "丁", ["default"]), (FRANK, "己", ["barred", "default"]), (GRACE, "庚", [])])
        for value in POLICIES:
            self.adopt(value)
        self.grant("bureau", "auditor", *PARTIES)
        self.grant("venue:qddex")

    def change_keys(self, venue, add=(), revoke=(), new_generation=False):
        return self.order("venue.key", {"venue": venue, "add": [key.vkey() for key in add],
                                        "revoke": [key.vkey() for key in revoke], "new_generation": new_generation,
                                        "reason": WHY})["index"]

    @staticmethod
    def push(feed, *rows):
        return feed.push([wire.encode_record(row) for row in rows])["push"]["index"]

    def trade(self):
        self.push(self.qddex, trade("a1", ALICE, BOB, "10600.00", "600.00"), trade("b1", BOB, CAROL, "777.77", "7.00"),
                  trade("s1", ALICE, ALICE), trade("e1", ALICE, EVE, "212.00", "12.00", buyer_name="戊方自称"),
                  trade("c1", CAROL, ALICE, "500.00", "0.01", product_kind="compute", instalment="2"),
                  trade("p1", ALICE, CAROL, "1060.00", "60.00", related_declared="yes", invoice_no="25372000000012345678"),
                  trade("o1", BOB, ALICE, "2120.00", "120.00", other_subsidy="yes", product_kind="model"),
                  trade("w0", ALICE, BOB, "3000.00", "1.00", signed_on="2024-06-30", settled_on="2024-12-31"),
                  trade("w1", ALICE, DAVE, "9999.99", "99.99", signed_on="2024-12-31", settled_on="2025-01-01"),
                  trade("w2", BOB, ALICE, "1234.56", "34.56", signed_on="2026-01-01", settled_on="2026-02-28"))
        self.push(self.smdex, trade("a1", DAVE, ALICE, "10600.00", "600.00", broker="91370202000000019Q"),
                  trade("d1", DAVE, BOB, "10700.00", "700.00", signed_on="2024-08-01", settled_on="2024-08-02"),
                  trade("f1", FRANK, GRACE, "100000.00", "0.00"))

    def adjust(self):
        self.push(self.qddex, refund("r1", "a1"), refund("r0", "nothing"), refund("r1", "a1"),
                  refund("r2", "a1", "99999.00", "0.00"), refund("r3", "e1", "212.00", "12.00"), refund("r4", "s1"),
                  refund("r5", "b1", "1.00", "0.00", reason="部分", red_invoice_no="25372000000087654321"))
        self.push(self.qddex, trade("a1", CAROL, DAVE, "4321.00", "1.00"), trade("b1", ALICE, CAROL, "8765.00", "5.00"),
                  refund("r1", "c1", "1.00", "0.00"))

    def order_trades(self, kind, *numbers, venue="qddex"):
        return self.order(f"trade.{kind}", items=[item_trade(venue, number) for number in numbers])["index"]

    def act(self):
        self.relate((BOB, CAROL), (ALICE, DAVE))
        self.order_trades("hold", "a1", "c1", "o1")
        self.push(self.qddex, refund("r6", "a1", "10.00", "0.50"))
        self.order_trades("release", "a1", "c1")
        self.order_trades("void", "o1", "p1")
        self.push(self.qddex, refund("r7", "o1", "10.00", "0.50"))
        self.order("enterprise.delist", items=[item_delist(CAROL, ["pilot"]), item_delist(FRANK, [])])
        self.order("grant.revoke", items=[item_revoke(self.tokens["auditor"])])
        self.register([(BOB, "乙方新名", ["default", "pilot", "third"])])
        self.adopt(policy("flat", 2, rate={"type": "flat", "ppm": 40000}))
        self.order("venue.suspend", {"venue": "smdex", "reason": WHY})
        self.order("venue.resume", {"venue": "smdex", "reason": WHY})

    def contradict(self):
        """Evidence: another past under the venue's own key."""
        other = [*self.qddex.records[:2], wire.encode_record(trade("x9")), *self.qddex.records[3:]]
        answer = self.feed.push("qddex", self.qddex.body([wire.encode_record(trade("x9"))], start=2, held=other[:2]))
        assert answer.status == 409, answer

    def distrust(self):
        """Two keys of one venue; what the stolen one signed from its second push on is held."""
        for number, key in enumerate((self.stolen.key, self.sound, self.stolen.key, self.stolen.key)):
            self.stolen.key = key
            index = self.push(self.stolen, trade(f"k{number}a", ALICE, BOB, "424.00", "24.00"),
                              trade(f"k{number}b", CAROL, DAVE, "848.00", "48.00"))
            begin = index if number == 2 else 0 if number < 2 else begin
        self.order_trades("void", "k3b", venue="stolen")
        self.order("venue.distrust", {"venue": "stolen", "key": self.stolen.key.vkey(), "from": begin, "reason": WHY},
                   made_at_size=self.size())
        self.old["stolen"], self.stolen.key = self.stolen.key, self.sound
        self.order_trades("release", "k2a", venue="stolen")

    def rotate(self):
        key = wire.Key("qddex", secrets.token_bytes(32))
        self.old["qddex"] = self.qddex.key
        self.change_keys("qddex", [key], [self.qddex.key], True)
        self.qddex = Feed(self, "qddex", key, 2)
        self.push(self.qddex, trade("a2", BOB, ALICE, "530.00", "30.00"), trade("a1", ALICE, BOB, "10600.00", "600.00"),
                  refund("r8", "a1", "5.00", "0.00"))
        second = wire.Key("smdex", secrets.token_bytes(32))
        self.change_keys("smdex", [second])
        self.push(self.smdex, trade("a2", BOB, GRACE, "1590.00", "90.00"))
        self.smdex.key = second
        self.push(self.smdex, trade("a3", GRACE, BOB, "1590.00", "90.00"))

    def change_officers(self):
        self.officers["sun"] = Sm2Key("sun", self)
        self.order("officer.add", {"name": "sun", "role": "clerk", "keys": [self.officers["sun"].vkey()]})
        self.order("officer.remove", {"name": "zhang", "reason": "调离"})
        quorums = {"default": [["clerk"], ["reviewer", "leader"]], "trade.void": [["clerk"], ["reviewer"], ["leader"]]}
        self.order("quorum.set", {"quorums": quorums}, signers=("zhao", "li"))
        self.order("trade.void", items=[item_trade("smdex", "d1")], signers=("sun", "li", "wang"))

    def rotate_ledger(self):
        """A second checkpoint key, and one for claims; the first one goes."""
        self.new_key(self.origin, "next.key")
        self.new_key(self.origin + "/heads", "heads.key")
        self.next_key = wire.Key.from_file(self.path("next.key"))
        self.heads_key = wire.Key.from_file(self.path("heads.key"))
        self.stop()
        self.make_config(ledger={"next_key": "next.key", "heads_key": "heads.key"})
        self.start()
        self.order("log.key", {"add": [self.next_key.vkey(), self.heads_key.vkey()], "retire": [], "reason": WHY},
                   signers=("sun", "li"))
        self.order("log.key", {"add": [], "retire": [self.ledger_key.vkey()], "reason": WHY}, signers=("sun", "li"))
        self.stop()
        self.make_config(ledger={"key": "next.key", "heads_key": "heads.key"})
        self.start()

    def go_on(self):
        self.smdex.push(records("bulk", BULK, supplier=FRANK, buyer=GRACE, amount="1.00", tax="0.01"))
        self.push(self.qddex, trade("z1", ALICE, GRACE, "318.00", "18.00"), refund("z2", "z1", "318.00", "18.00"),
                  trade("z3", EVE, BOB, "636.00", "36.00"))
        self.register([(EVE, "戊", ["default"])], signers=("zhao", "li"))

    def register(self, firms, **changes):
        return self.order("enterprise.register", items=[
            wire.item_register(code, name, lists, secrets.token_hex(16)) for code, name, lists in firms], **changes)

    def write_statement(self, code, folder):
        return check(self.client("statement", code, "-o", folder, token=code))

    def write_export(self, folder):
        return check(self.client("export", folder, token="bureau"))


# Forging


def pack(fields):
    """A message of its fields in their order."""
    return b"".join(wire.varint(number << 3) + wire.varint(value) if isinstance(value, int) else wire.element(number, value)
                    for number, value in fields)


def edit(data, path, value):
    """A message with one field, at a path of numbers, replaced; put in or taken out where the value is None or zero."""
    fields, number = wire.fields(data), path[0]
    if len(path) > 1:
        return pack([(n, edit(old, path[1:], value) if n == number else old) for n, old in fields])
    if isinstance(value, str):
        value = value.encode()
    kept = [(n, old) for n, old in fields if n != number]
    if value:
        kept.append((number, value))
    return pack(sorted(kept, key=lambda field: field[0]))


def get(data, *path):
    for number in path:
        data = wire.message_dict(data)[number]
    return data


def kind_of(data):
    return next(number for number in wire.message_dict(data) if number >= 7)


def chain(entries):
    """Every `previous` is right again."""
    fixed = []
    for data in entries:
        fixed.append(edit(data, (3,), wire.leaf_hash(fixed[-1])) if fixed else data)
    return fixed


def read_export(folder):
    """The entries of a copy."""
    entries, number, size = [], 0, int(read(folder, "checkpoint").split(b"\n")[1])
    while len(entries) < size:
        width = min(256, size - len(entries))
        data = read(folder, f"tile/entries/{number:03}" + (f".p/{width}" if width < 256 else ""))
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2:2 + length])
            data = data[2 + length:]
        number += 1
    return entries


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def flip(data, at=-1):
    """Bytes with one bit turned."""
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def write_export(folder, entries, note):
    """A copy of these entries, with all its tiles."""
    hashes = [wire.leaf_hash(data) for data in entries]
    put_tiles(folder, "entries", [len(data).to_bytes(2, "big") + data for data in entries])
    put_tiles(folder, 0, hashes)
    above = [root_of(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
    if above:
        put_tiles(folder, 1, above)
    write(folder, "checkpoint", note)


def put_tiles(folder, level, rows):
    for number in range(0, len(rows), 256):
        some = rows[number:number + 256]
        write(folder, f"tile/{level}/{number // 256:03}" + (f".p/{len(some)}" if len(some) < 256 else ""), b"".join(some))


def root_of(hashes):
    """RFC 6962."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return wire.sha256(b"\1", root_of(hashes[:split]), root_of(hashes[split:]))


def path_of(hashes, index):
    """The inclusion path of a leaf, its sibling first."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return path_of(hashes[:split], index) + [root_of(hashes[split:])]
    return path_of(hashes[split:], index - split) + [root_of(hashes[:split])]


def to_base64(data):
    return base64.b64encode(data).decode()


def proof_text(data, index, path, note):
    lines = ["c2sp.org/tlog-proof@v1", f"extra {to_base64(data)}", f"index {index}", *map(to_base64, path), "", ""]
    return "\n".join(lines).encode() + note


def read_proof(folder, name):
    """Bytes and note of a proof."""
    head, _, note = read(folder, name).partition(b"\n\n")
    return base64.b64decode(head.split(b"\n")[1][6:]), note


class Copy:
    """A statement or an export in a folder of its own, to be spoilt."""

    def __init__(self, source, folder):
        shutil.copytree(source, folder)
        self.folder = folder

    def read(self, name):
        return read(self.folder, name)

    def write(self, name, data):
        write(self.folder, name, data)

    def remove(self, name):
        os.unlink(os.path.join(self.folder, name))

    def change(self, name, change):
        self.write(name, change(self.read(name)))

    def change_json(self, name, change):
        value = json.loads(self.read(name))
        change(value)
        self.write(name, wire.compact(value) + ("\n" if name == "statement.json" else ""))

    def names(self, folder):
        return sorted(os.listdir(os.path.join(self.folder, folder)))
