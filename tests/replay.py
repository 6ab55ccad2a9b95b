"""A ledger entry by entry, as proto/FORMAT.md tells it: what must hold between entries, decided a second time.

Not decided here: `overflow` (it is taken as written), and signatures, for which see tests/formats.py.
"""
import collections
import json

from tests import formats
from tests.formats import ENUMS, need

FEED_BODIES = ("record", "push")
SLICE_MAX = 10000                                        # effects of a venue.distrust in one command
EFFECTS = ("registered", "related", "delisted", "held", "released", "voided")


def read_continues(continues):
    """What a genesis says of the ledger that lost entries; root and genesis entry as bytes."""
    need(list(continues) == ["origin", "ledger_id", "checkpoint", "size", "root", "genesis"], "keys of continues")
    continues["root"], continues["genesis"] = formats.unbase64(continues["root"]), formats.unbase64(continues["genesis"])
    origin, size, root = formats.parse_checkpoint(formats.split_note(continues["checkpoint"].encode())[0])
    need(origin == continues["origin"] and 1 <= continues["size"] <= size, "another checkpoint")
    need(size > continues["size"] or root == continues["root"], "the checkpoint of that size has another root")
    need(formats.leaf_hash(continues["genesis"]).hex()[:16] == continues["ledger_id"], "the ledger id")
    return continues


def read_eras(entry):
    """Of entry 0: the ledgers that were continued and the ledger itself, oldest first. Each is its genesis, its entry 0,
    its ledger id, and the first entry that is not its own any more (None: all are)."""
    eras, end = [], None
    while True:
        origin, genesis = formats.read_genesis(formats.split_note(formats.read_entry(entry)["genesis"]["note"])[0])
        if "continues" in genesis:
            read_continues(genesis["continues"])
        eras.insert(0, {"origin": origin, "genesis": genesis, "entry": entry, "ledger_id": formats.leaf_hash(entry).hex()[:16],
                        "end": end})
        if "continues" not in genesis:
            break
        end, entry = genesis["continues"]["size"], genesis["continues"]["genesis"]
    need(len({era["origin"] for era in eras}) == len(eras) <= 8, "an origin twice, or too many ledgers")
    need(len({era["genesis"]["ledger_key"].material for era in eras}) == len(eras), "a ledger's key twice")
    need(len({formats.read_entry(era["entry"])["time_us"] for era in eras}) == 1, "geneses of other times")
    return eras


class Replay:
    """Add entries in their order; formats.Refused says which rule one breaks."""

    def __init__(self):
        self.entries = []                                # as formats.read_entry gives them
        self.last_leaf = bytes(32)
        self.chains = collections.defaultdict(int)       # code: index of the last entry that concerned it
        self.first = {}                                  # (venue, "trade" or "refund", number): index of the first
        self.trades = {}                                 # index: what is known of the trade there
        self.feeds = collections.defaultdict(formats.Frontier)
        self.lists = {}                                  # code: the lists that the register has it on
        self.evidence = set()                            # (venue, generation, size) of conflicts that are kept
        self.roots = {}                                  # (venue, generation, size): root of the feed at that size
        self.eras = []                                   # as read_eras gives them; of a continued ledger alone
        self.trees = []                                  # of each era's own entries, while they are being added
        self.data = b""                                  # of the entry that is being added
        self.pending = []                                # record entries that no push entry has closed yet
        self.until = {}                                  # vkey of a venue: the order that revoked it
        self.distrusts = {}                              # index of the order: what it is about and has still to hold
        self.is_slice = False                            # a later slice of one begins here
        self.slice_size = 0

    def add(self, data):
        self.data = data
        entry, index = formats.read_entry(data), len(self.entries)
        self.pass_eras(index)
        need((entry["kind"] == "genesis") == (index == 0), "genesis is entry 0 alone")
        need(entry["previous"] == self.last_leaf, "previous is not the leaf hash of the entry before")
        if self.entries:
            gap = entry["time_us"] - self.entries[-1]["time_us"]
            need(gap > 0, "time stands still or runs back")
            self.is_slice = self.begins_slice(entry, gap)
            follows = (entry["kind"] == "effect" and not self.is_slice) or entry["kind"] in FEED_BODIES and self.pending
            need(not follows or gap == 1, "entries of one command are a microsecond apart")
        need(not self.pending or entry["kind"] in FEED_BODIES, "records without their push entry")
        concerned = getattr(self, "add_" + entry["kind"])(index, entry, entry[entry["kind"]])
        need(entry["links"] == [self.chains[code] for code in concerned], f"links are not those of {concerned}")
        for code in concerned:
            self.chains[code] = index
        self.entries.append(entry)
        if index > 0 or not self.eras:
            self.last_leaf = formats.leaf_hash(data)
            for tree in self.trees:
                tree.add(data)

    def add_genesis(self, _, __, body):
        if b',"continues":{' in body["note"]:
            self.eras = read_eras(self.data)
            self.last_leaf = formats.leaf_hash(self.eras[0]["entry"])
            for era in self.eras[:-1]:
                self.trees.append(formats.Frontier())
                self.trees[-1].add(era["entry"])
        return []

    def pass_eras(self, index):
        """Before entry `index`: where a ledger was taken over, its tree is the one that the next genesis names."""
        while len(self.eras) > 1 and self.eras[0]["end"] == index:
            need(not self.pending, "taken over within a push")
            need(self.trees[0].root() == self.eras[1]["genesis"]["continues"]["root"], "another tree was taken over")
            del self.eras[0], self.trees[0]

    def add_order(self, index, _, body):
        lines = body["note"].partition(b"\n\n")[0].split(b"\n")
        order = json.loads(lines[3]) if len(lines) == 4 else {"type": None}
        if order["type"] == "venue.key":
            self.until.update({vkey: index for vkey in order["body"]["revoke"]})
        if order["type"] == "venue.distrust":
            self.add_distrust(index, order["body"])
        return []

    def add_distrust(self, index, body):
        """Every trade it is about, as it stands here. While a key was valid no push named it that it had not signed."""
        key, earlier = formats.parse_vkey(body["key"]), [row["from"] for row in self.distrusts.values()
                                                         if row["key"] == body["key"]]
        end = min([self.until.setdefault(body["key"], index)] + earlier)
        need(body["from"] < end, "nothing is left for it")
        left = {}
        for place in range(body["from"], end):
            push = self.entries[place]["push"]
            if push is None or push["venue"] != body["venue"] or \
                    (key.name, key.id) not in [row[:2] for row in formats.split_note(push["note"])[1]]:
                continue
            for trade in range(push["first_index"], place):
                if trade in self.trades and self.trades[trade]["counts"] and self.trades[trade]["state"] == "counted":
                    left[trade] = True
        self.distrusts[index] = {"key": body["key"], "from": body["from"], "left": left}
        self.slice_size = 0

    def begins_slice(self, entry, gap):
        return entry["kind"] == "effect" and entry["effect"]["order_index"] in self.distrusts and gap >= 2

    def add_record(self, index, entry, body):
        venue, feed = body["venue"], self.feeds[body["venue"], body["generation"]]
        need(body["feed_index"] == feed.size, "feed_index is not the next")
        feed.add(body["record"])
        self.roots[body["venue"], body["generation"], feed.size] = feed.root()
        self.pending.append((index, entry))
        record = formats.read_record(body["record"])
        decide = self.decide_trade if record["trade"] is not None else self.decide_refund
        disposition, refers, concerned = decide(index, venue, record)
        written = ENUMS["disposition"][body["disposition"]]
        if written == "overflow" and disposition == "counted" and index in self.trades:
            self.trades[index]["counts"] = False
        else:
            need(written == disposition, f"{written} should be {disposition}")
        need(body["refers"] == refers, f"refers should be {refers}")
        return concerned

    def decide_trade(self, index, venue, record):
        trade, key = record["trade"], (venue, "trade", record["trade"]["trade_no"])
        if key in self.first:
            return "duplicate_trade", self.first[key], self.trades[self.first[key]]["parties"]
        parties = [trade["supplier"], trade["buyer"]]
        is_self = parties[0] == parties[1]
        self.first[key] = index
        self.trades[index] = {"parties": parties, "counts": not is_self, "state": "counted",
                              "left": (trade["amount"], trade["tax"])}
        return "self_trade" if is_self else "counted", 0, parties

    def decide_refund(self, index, venue, record):
        refund, key = record["refund"], (venue, "refund", record["refund"]["adjust_no"])
        original = self.first.get((venue, "trade", refund["original_trade_no"]))
        trade = self.trades.get(original)
        parties = trade["parties"] if trade else []
        if key in self.first:
            return "duplicate_adjust", self.first[key], parties
        self.first[key] = index
        if trade is None or not trade["counts"] or trade["state"] == "voided":
            return "refund_unknown", original or 0, parties
        amount, tax = trade["left"][0] - refund["amount"], trade["left"][1] - refund["tax"]
        if min(amount, tax, amount - tax) < 0:
            return "refund_exceeds", original, parties
        trade["left"] = (amount, tax)
        return "counted", original, parties

    def add_push(self, index, _, body):
        kinds = [entry["record"]["disposition"] for _, entry in self.pending]
        need(self.pending and body["count"] == len(kinds), "count is not that of the records before")
        first, entry = self.pending[0]
        need(body["first_index"] == first and first + body["count"] == index, "first_index")
        need(body["start"] == entry["record"]["feed_index"], "start is not the first record's feed_index")
        need({(row["record"]["venue"], row["record"]["generation"]) for _, row in self.pending} ==
             {(body["venue"], body["generation"])}, "records of another feed")
        tally = [{"disposition": kind, "count": count} for kind, count in sorted(collections.Counter(kinds).items())]
        need(body["tally"] == tally, f"the tally is {tally}")
        need(body["dispositions_hash"] == formats.sha256(bytes(kinds)), "dispositions_hash")
        origin, size, root = formats.parse_checkpoint(formats.split_note(body["note"])[0])
        feed = self.feeds[body["venue"], body["generation"]]
        venue, ledger_id, generation = origin.split("/")
        need(not self.eras or ledger_id == self.eras[0]["ledger_id"], "the note is for another ledger")
        need((venue, generation) == (body["venue"], str(body["generation"])), "the note is of another feed")
        need((size, root) == (feed.size, feed.root()), "the note is of other records")
        self.pending = []
        return []

    def add_effect(self, index, _, body):
        need(body["order_index"] < index, "the order comes after its effect")
        if body["order_index"] in self.distrusts:
            return self.add_distrusted(index, body)
        order, before = self.entries[body["order_index"]], self.entries[body["order_index"] + 1:]
        need(order["kind"] == "order" and body["item"] < len(order["order"]["items"]), "no such order or item")
        item = json.loads(order["order"]["items"][body["item"]])
        need(all(entry["kind"] == "effect" for entry in before), "an effect stands right after its order")
        need(body["item"] == len(before), "effects are in the order of the items")
        kind = next(kind for kind in EFFECTS if body[kind] is not None)
        return getattr(self, "add_" + kind, self.add_trade_change)(body[kind], item, kind)

    def add_distrusted(self, index, body):
        left, before = self.distrusts[body["order_index"]]["left"], self.entries[index - 1]
        if self.is_slice:
            need(not any(row["left"] for order, row in self.distrusts.items() if order < body["order_index"]),
                 "an older order is not done")
            self.slice_size = 0
        else:
            need(index - 1 == body["order_index"] or before["kind"] == "effect" and
                 before["effect"]["order_index"] == body["order_index"], "no slice begins here")
        self.slice_size += 1
        need(self.slice_size <= SLICE_MAX, "a slice that is too long")
        need(body["item"] == 0 and body["held"] is not None, "a distrust holds, and has no items")
        row = body["held"]
        need(left and row["trade_index"] == next(iter(left)), "not the next trade of the key")
        return self.add_trade_change(row, row, "held")

    def add_registered(self, row, item, _):
        need([row[name] for name in ("code", "name", "lists")] == [item[name] for name in ("code", "name", "lists")],
             "another code, name or lists than the item's")
        self.lists[row["code"]] = list(row["lists"])
        return [row["code"]]

    def add_related(self, row, item, _):
        need([row["first"], row["second"]] == item["codes"], "the effect is of another pair than its item")
        return item["codes"]

    def add_delisted(self, row, item, _):
        held = self.lists.get(row["code"], [])
        need(row["code"] == item["code"] and row["lists"] == (item["lists"] or held), "other lists than the item's")
        need(set(row["lists"]) <= set(held), "it was not on these lists")
        self.lists[row["code"]] = [name for name in held if name not in row["lists"]]
        return [row["code"]]

    def add_trade_change(self, row, item, kind):
        need((row["venue"], row["trade_no"]) == (item["venue"], item["trade_no"]), "another trade than the item's")
        need(row["trade_index"] == self.first.get((row["venue"], "trade", row["trade_no"])), "trade_index")
        trade = self.trades[row["trade_index"]]
        need(trade["counts"] and trade["state"] in {"held": ("counted",), "released": ("held",),
                                                    "voided": ("counted", "held")}[kind], f"{kind} as it is")
        trade["state"] = "counted" if kind == "released" else kind
        for distrust in self.distrusts.values():
            distrust["left"].pop(row["trade_index"], None)
        return trade["parties"]

    def add_evidence(self, index, _, body):
        push = self.entries[body["push_index"]] if body["push_index"] < index else None
        need(push is not None and push["kind"] == "push", "push_index")
        need((push["push"]["venue"], push["push"]["generation"]) == (body["venue"], body["generation"]) and
             push["push"]["start"] < body["size"], "a push of another feed, or beyond its size")
        key = (body["venue"], body["generation"], body["size"])
        need(key not in self.evidence, "kept before")
        self.evidence.add(key)
        origin, size, root = formats.parse_checkpoint(formats.split_note(body["note"])[0])
        need(origin.split("/")[::2] == [body["venue"], str(body["generation"])] and size == body["size"],
             "the note is of another feed or size")
        need(root != self.roots.get(key), "the root is the one held")
        return []
