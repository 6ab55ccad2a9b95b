"""A whole ledger, from the copy that `subsidy export` makes: every entry is carried out again.

From proto/FORMAT.md: chapters "Entries", "Dispositions", "Genesis", "Orders", "Feeds and pushes" and "Tiles".
"""
import os

from acts import EFFECT_OF, Acts, Order, check_line, check_signature_of_ledger
from book import Account, Book, check_links
from forms import (COUNTED, DISPOSITIONS, STATES, SUM_FEN_MAX, Entry, Frontier, Refused, day_of_text, day_of_time, leaf_hash,
                   read_json, require, require_keys, sha256, to_text)
from notes import Checkpoint
from tiles import Tiles, check_leaf

ORDER_BYTES_MAX = 49152
SLICE_MAX = 10000
GRANT_YEARS_MAX = 5


class Feed:
    """One generation of a venue's feed."""

    def __init__(self):
        self.tree, self.leaves, self.pushes, self.contradicted = Frontier(), [], {}, set()

    def root_at(self, size):
        tree = Frontier()
        for leaf in self.leaves[:size]:
            tree.add(leaf)
        return tree.root()


class Pending:
    """A distrust that is carried out in slices."""

    def __init__(self, distrust, trades):
        self.distrust, self.trades, self.at = distrust, trades, 0

    def next_trade(self):
        """The first that is still to be held. What does not fit now never will again."""
        while self.at < len(self.trades):
            if Book.is_distrusted(self.trades[self.at], self.distrust):
                return self.trades[self.at]
            self.at += 1
        return None


class Ledger:
    """The entries in their order, and everything that follows from them."""

    def __init__(self):
        self.acts, self.book = Acts(), Book()
        self.accounts, self.last, self.sums, self.feeds, self.grants = {}, {}, {}, {}, {}
        self.before = None          # the entry before
        self.records = []           # of a push whose push entry is still to come
        self.effects = []           # (order, index, item, line) still to come
        self.pending = []           # distrusts, the oldest first
        self.slice_index = self.slice_count = None
        self.counts = {"records": 0, "pushes": 0, "orders": 0, "effects": 0, "evidence": 0}
        self.tally = {}

    def add(self, entry):
        if entry.index == 0:
            self.acts.begin(entry)
            self.trees = [Frontier() for _ in self.acts.genesis]
            entry = self.acts.first
            for tree, genesis in zip(self.trees, self.acts.genesis):
                tree.add(genesis.entry.leaf)
        else:
            self.take_over(entry.index)
            self.check_chain(entry)
            self.check_turn(entry)
            getattr(self, "add_" + entry.kind)(entry)
            for tree in self.trees:
                tree.add(entry.leaf)
        self.before = entry

    def take_over(self, size):
        """Where ledgers that this one continues end: whole commands, under the root that it names."""
        while self.acts.waiting and size >= self.acts.waiting[0].continues["size"]:
            newer = self.acts.waiting[0]
            require(size == newer.continues["size"] and not self.records and not self.effects, f"entry {size}",
                    "the ledger that is continued does not end here, with a command")
            tree = self.trees[self.acts.genesis.index(newer) - 1]
            newer.check(tree.root() == newer.root, "the root of what it continues is not that of the entries")
            self.acts.advance(size)

    def check_chain(self, entry):
        entry.check(entry.previous == self.before.leaf, f"previous is not the leaf hash of entry {self.before.index}")
        gap = entry.time_us - self.before.time_us
        entry.check(gap >= 1, "its time does not rise")
        if self.goes_on(entry):
            entry.check(gap == 1 and not entry.stepped_back,
                        "is not one microsecond behind the entry before, of the same command")
        elif entry.kind == "effect":
            entry.check(gap >= 2 and (not entry.stepped_back or gap == 2), "is no slice of its own, nor part of a command")
        else:
            entry.check(not entry.stepped_back or gap == 1, "a clock that stepped back gives the next microsecond")

    def goes_on(self, entry):
        """Whether an entry belongs to the command of the one before."""
        if self.records or self.effects:
            return True
        return (entry.kind == "effect" and entry.body["order_index"] == self.slice_index
                and entry.time_us == self.before.time_us + 1)

    def check_turn(self, entry):
        entry.check(not self.records or entry.kind in ("record", "push"), "stands where records wait for their push entry")
        entry.check(not self.effects or entry.kind == "effect", "stands where an order's effects are still to come")
        if entry.kind != "effect":
            self.slice_index = None

    def check_links(self, entry):
        parties = self.book.parties(entry)
        check_links(entry, parties, lambda code: self.last.get(code, 0))
        for code in parties:
            self.last[code] = entry.index

    # Pushes

    def feed(self, body):
        return self.feeds.setdefault((body["venue"], body["generation"]), Feed())

    def check_feed(self, entry):
        """The venue, whose feed of that generation is open."""
        body = entry.body
        venue = self.acts.venues.get(body["venue"])
        entry.check(venue, f"no venue {body['venue']} is licensed")
        entry.check(body["generation"] == venue.generation, f"generation {venue.generation} is the open one")
        return venue

    def add_record(self, entry):
        body = entry.body
        entry.check(not self.check_feed(entry).is_suspended, f"{body['venue']} is suspended")
        if self.records:
            first = self.records[0].body
            entry.check((body["venue"], body["generation"]) == (first["venue"], first["generation"]), "is of another push")
        feed = self.feed(body)
        entry.check(body["feed_index"] == feed.tree.size, f"feed_index must be {feed.tree.size}")
        parties = self.book.parties(entry)
        if entry.record_kind == "trade":
            codes = {entry.record["supplier"], entry.record["buyer"]}
            overflows = any(self.sums.get(code, 0) + entry.record["amount"] > SUM_FEN_MAX for code in codes)
            self.book.add_trade(entry, overflows)
            if body["disposition"] == COUNTED:
                for code in codes:
                    self.sums[code] = self.sums.get(code, 0) + entry.record["amount"]
        else:
            self.book.add_refund(entry)
        check_links(entry, parties, lambda code: self.last.get(code, 0))
        for code in parties:
            self.last[code] = entry.index
        feed.leaves.append(leaf_hash(body["record"]))
        feed.tree.add(feed.leaves[-1])
        self.records.append(entry)
        self.counts["records"] += 1
        name = DISPOSITIONS[body["disposition"]]
        self.tally[name] = self.tally.get(name, 0) + 1

    def add_push(self, entry):
        body, records, venue = entry.body, self.records, self.check_feed(entry)
        entry.check(len(records) == body["count"], f"says {body['count']} records where {len(records)} stand before it")
        entry.check(records and records[0].body["feed_index"] == body["start"]
                    and all((record.body["venue"], record.body["generation"]) == (body["venue"], body["generation"])
                            for record in records), "is of another feed than the records before it")
        self.check_links(entry)
        numbers = [record.body["disposition"] for record in records]
        tally = [{"disposition": number, "count": numbers.count(number)} for number in sorted(set(numbers))]
        entry.check(body["tally"] == tally, f"its tally says {body['tally']} where the records give {tally}")
        entry.check(body["dispositions_hash"] == sha256(bytes(numbers)), "dispositions_hash is not that of the records")
        feed, note = self.feed(body), self.read_feed_note(entry, venue)
        entry.check(note.size == feed.tree.size, f"the venue signed the size {note.size} where {feed.tree.size} are held")
        entry.check(note.root == feed.tree.root(), "the venue signed another root than that of its records")
        feed.pushes[entry.index] = (body["start"], note.size)
        for record in records:
            trade = self.book.trades.get(record.index)
            if trade:
                trade.push_index, trade.push_note = entry.index, note.note
        self.records = []
        self.counts["pushes"] += 1

    def read_feed_note(self, entry, venue):
        note = Checkpoint(entry.body["note"], entry.place)
        origin = f"{entry.body['venue']}/{self.acts.ledger_id}/{entry.body['generation']}"
        entry.check(note.origin == origin, f"the venue signed for {note.origin}, and the feed is {origin}")
        entry.check(note.note.signers(venue.valid_keys(entry.index)), "is signed by no key that is valid then")
        return note

    def add_evidence(self, entry):
        body, venue = entry.body, self.check_feed(entry)
        self.check_links(entry)
        feed, note = self.feed(body), self.read_feed_note(entry, venue)
        entry.check(note.size == body["size"], "says another size than the checkpoint in it")
        entry.check(note.size > feed.tree.size or feed.root_at(note.size) != note.root, "proves nothing: the root is the held one")
        start, _ = feed.pushes.get(body["push_index"], (None, None))
        entry.check(start is not None and start < note.size, f"entry {body['push_index']} is no push that it could contradict")
        entry.check(note.size not in feed.contradicted, "is kept a second time")
        feed.contradicted.add(note.size)
        self.counts["evidence"] += 1

    # Orders

    def add_order(self, entry):
        self.check_links(entry)
        order, lines = Order(entry.body["note"], entry.place), entry.body["items"]
        entry.check(order.has_items == bool(lines), "has items, or has none, where its type says otherwise")
        entry.check(len(entry.body["note"]) + sum(len(line.encode()) for line in lines) <= ORDER_BYTES_MAX, "is too large")
        items = []
        if order.has_items:
            items = self.read_items(entry, order, lines)
        self.acts.check_order(order, entry.index, entry.time_us, items)
        self.counts["orders"] += 1
        if not order.has_items:
            self.acts.carry_out(order, entry.index)
            if order.type == "venue.distrust":
                trades = [trade for trade in self.book.trades.values() if trade.venue == order.body["venue"]]
                self.pending.append(Pending(self.acts.distrusts[-1], trades))
                self.slice_index, self.slice_count = entry.index, 0
        elif order.type in EFFECT_OF:
            self.effects = [(order, entry.index, number, item) for number, item in enumerate(items)]
        else:
            self.change_grants(entry, order, items)

    def read_items(self, entry, order, lines):
        tree = Frontier()
        for line in lines:
            tree.add(leaf_hash(line.encode()))
        entry.check((order.count, order.root) == (len(lines), tree.root()), "its items are not those that the officers signed")
        items = [order.read_item(line, f"{entry.place}, item {number}") for number, line in enumerate(lines)]
        named = [tuple(item.get(key) if key != "codes" else tuple(item.get(key, ())) for key in
                       ("code", "codes", "token_hash", "trade_no")) + ((item["venue"],) if "trade_no" in item else ())
                 for item in items]
        entry.check(len(set(named)) == len(named), "names something twice")
        return items

    def change_grants(self, entry, order, items):
        for item in items:
            token = item["token_hash"]
            if order.type == "grant.add":
                today, last = (int(day.strftime("%Y%m%d")) for day in (
                    day_of_time(entry.time_us), day_of_text(item["expires"], entry.place)))
                entry.check(today <= last <= today + GRANT_YEARS_MAX * 10000, "grants access for too long, or for no day")
                subject = item["subject"]
                entry.check(not subject.startswith("venue:") or subject[6:] in self.acts.venues, f"{subject} is not licensed")
                entry.check(token not in self.grants, f"grants {token} a second time")
                self.grants[token] = True
            else:
                entry.check(self.grants.get(token), f"revokes {token}, which is not granted")
                self.grants[token] = False

    def add_effect(self, entry):
        self.check_links(entry)
        if self.effects:
            self.check_item(entry, *self.effects.pop(0))
        else:
            self.check_slice(entry)
        what = entry.body[entry.effect]
        if entry.effect in STATES:
            self.book.change_state(entry)
        else:
            for code in [what["first"], what["second"]] if entry.effect == "related" else [what["code"]]:
                self.accounts.setdefault(code, Account()).apply(entry, code)
        self.counts["effects"] += 1

    def check_item(self, entry, order, order_index, number, item):
        body = entry.body
        entry.check((body["order_index"], body["item"]) == (order_index, number),
                    f"must be the effect of item {number} of order {order_index}")
        entry.check(entry.effect == EFFECT_OF[order.type], f"an order of the type {order.type} has no such effect")
        account = self.accounts.get(item.get("code"), Account())
        check_line(order, entry.place, item, body[entry.effect], entry.effect, account.lists)

    def check_slice(self, entry):
        body = entry.body
        pending = next((row for row in self.pending if row.distrust.index == body["order_index"]), None)
        entry.check(pending and entry.effect == "held" and body["item"] == 0, "is the effect of no order")
        if not (self.slice_index == body["order_index"] and entry.time_us == self.before.time_us + 1):
            older = [row.distrust.index for row in self.pending
                     if row.distrust.index < body["order_index"] and row.next_trade()]
            entry.check(not older, f"begins a slice, though order {older[:1]} is not carried out to its end")
            self.slice_index, self.slice_count = body["order_index"], 0
        self.slice_count += 1
        entry.check(self.slice_count <= SLICE_MAX, "is one too many for a slice")
        trade = pending.next_trade()
        entry.check(trade and trade.index == body["held"]["trade_index"],
                    f"holds trade {body['held']['trade_index']} where order {body['order_index']} comes to "
                    f"{trade.index if trade else 'its end'}")

    def finish(self, size):
        place = f"entry {size}"
        self.take_over(size)
        require(not self.records, place, "is not there: records wait for their push entry")
        require(not self.effects, place, "is not there: an order's effects are still to come")


class Export:
    def __init__(self, path, given_key, trust):
        self.path, self.given_key, self.trust = path, given_key, trust

    def read(self, name):
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                return file.read()
        except OSError as error:
            raise Refused(name, f"can't be read: {error.strerror}") from None

    def verify(self):
        about = read_json(to_text(self.read("ledger.json"), "ledger.json"), "ledger.json")
        require_keys(about, ("origin", "ledger_id", "vkey", "vkeys"), "ledger.json")
        checkpoint = Checkpoint(self.read("checkpoint"), "checkpoint")
        require(checkpoint.size >= 1 and checkpoint.origin == about["origin"], "checkpoint", "is of another ledger, or empty")
        tiles, ledger = Tiles(self.path, checkpoint.size), Ledger()
        entries, leaves, tree = [], [], Frontier()
        for index, (data, digest) in enumerate(tiles.entries()):
            check_leaf(index, data, digest)
            entry = Entry(index, data)
            ledger.add(entry)
            entries.append(data)
            leaves.append(entry.leaf)
            tree.add(entry.leaf)
        ledger.finish(checkpoint.size)
        tile_count = tiles.check(leaves, entries)
        require(tree.root() == checkpoint.root, "checkpoint", "is of another root than that of the entries")
        acts = ledger.acts
        require((acts.origin, acts.ledger_id) == (about["origin"], about["ledger_id"]), "ledger.json", "is of another ledger")
        check_signature_of_ledger(checkpoint, acts, self.given_key, "--vkey")
        valid = [row.key.vkey for row in acts.ledger_keys if row.signs_at(checkpoint.size)]
        require((about["vkey"], about["vkeys"]) == (valid[0], valid), "ledger.json, vkeys", "are not the keys that sign at its size")
        report = {"origin": acts.origin, "ledger_id": acts.ledger_id, "size": checkpoint.size, **ledger.counts,
                  "dispositions": ledger.tally, "tiles": tile_count, "venues": len(acts.venues),
                  "enterprises": len(ledger.last), "policies": sorted(acts.policies)}
        if self.trust:
            report["cosigned_by"] = self.trust.check(checkpoint)
        return report
