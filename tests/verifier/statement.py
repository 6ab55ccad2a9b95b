"""A statement: what an enterprise keeps so that it need believe nobody.

From proto/FORMAT.md, chapter "Statements". What it proves, and what it does not, is said there.
"""
import os
import re

from acts import EFFECT_OF, Acts, Order, check_line, check_signature_of_ledger
from book import Account, Book, check_links
from forms import (DUPLICATE_TRADE, HASH_SIZE, STATES, Entry, Refused, follow_path, from_base64, is_code, leaf_hash, read_json,
                   read_proof, read_spelled, require, require_keys, require_whole, spell, to_text)
from notes import Checkpoint, Claim
from policy import Award, Trade, compare_steps, format_fen

SUMMARY_KEYS = ("format", "origin", "ledger_id", "code", "size", "entries", "vkeys", "policies")
FOLDERS = {"entries": "tlog-proof", "withheld": "json", "feeds": "tlog-proof", "orders": "json", "acts": "tlog-proof"}
SINGLE = ("statement.json", "checkpoint", "head", "README.txt")


class Folder:
    """The files of a statement. What is read is ticked off; what is left over belongs to nothing."""

    def __init__(self, path):
        self.path, self.left = path, set()
        for parent, _, names in os.walk(path):
            self.left.update(os.path.relpath(os.path.join(parent, name), path) for name in names)

    def has(self, name):
        return os.path.isfile(os.path.join(self.path, name))

    def read(self, name):
        self.left.discard(name)
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                return file.read()
        except OSError as error:
            raise Refused(name, f"can't be read: {error.strerror}") from None

    def read_object(self, name, keys):
        value = read_json(to_text(self.read(name), name), name)
        if keys:
            require_keys(value, keys, name)
        return value

    def indexes(self, folder):
        """The ledger indexes that the names of a folder's files are."""
        result = []
        for name in sorted(name for name in self.left if name.startswith(folder + "/")):
            match = re.fullmatch(r"%s/([0-9]{16})\.%s" % (folder, re.escape(FOLDERS[folder])), name)
            require(match, name, "is no name of a file there")
            result.append(int(match[1]))
        return result


def file_name(folder, index):
    return f"{folder}/{index:016}.{FOLDERS[folder]}"


class Statement:
    def __init__(self, path, given_key, trust):
        self.folder, self.given_key, self.trust = Folder(path), given_key, trust
        self.acts, self.book, self.account = Acts(), Book(), Account()
        self.act_orders, self.orders, self.feeds = {}, {}, {}
        self.waiting, self.act_indexes, self.slices = [], [], {}
        self.report = {}

    def verify(self):
        self.read_summary()
        self.checkpoint = Checkpoint(self.folder.read("checkpoint"), "checkpoint")
        require((self.checkpoint.origin, self.checkpoint.size) == (self.summary["origin"], self.summary["size"]), "checkpoint",
                "is not of the origin and size in statement.json")
        self.read_entries()
        self.follow_entries()
        self.carry_out_acts(self.checkpoint.size)
        check_signature_of_ledger(self.checkpoint, self.acts, self.given_key, "--vkey")
        if self.trust:
            self.report["cosigned_by"] = self.trust.check(self.checkpoint)
        valid = [row.key.vkey for row in self.acts.ledger_keys if row.signs_at(self.checkpoint.size)]
        require(self.summary["vkeys"] == valid, "statement.json, vkeys", "are not the keys that the acts give")
        self.check_claim()
        self.check_policies()
        self.folder.left -= set(SINGLE)
        require(not self.folder.left, min(self.folder.left, default=""), "belongs to nothing in the statement")
        self.report.update(code=self.code, size=self.checkpoint.size, entries=len(self.chain), withheld=len(self.withheld),
                           acts=len(self.act_indexes), orders=len(self.orders), feeds=len(self.feeds))
        return self.report

    # Reading

    def read_summary(self):
        text = to_text(self.folder.read("statement.json"), "statement.json")
        require(text.endswith("\n"), "statement.json", "is not one line")
        summary = self.summary = read_spelled(text[:-1], "statement.json")
        require_keys(summary, SUMMARY_KEYS, "statement.json")
        require(summary["format"] == "subsidy.statement/v1", "statement.json", "is of an unknown format")
        self.code = summary["code"]
        require(isinstance(self.code, str) and is_code(self.code), "statement.json, code", "is no code")
        for key in ("size", "entries"):
            require_whole(summary[key], 1, 2 ** 53, f"statement.json, {key}")

    def read_proven(self, folder, index):
        """An entry, under the checkpoint."""
        name = file_name(folder, index)
        data, at, path, note = read_proof(self.folder.read(name), name)
        require(at == index, name, f"is the proof of entry {at}")
        require(note == self.checkpoint.data, name, "is under another checkpoint")
        self.follow(name, index, leaf_hash(data), path)
        return Entry(index, data)

    def follow(self, name, index, leaf, path):
        require(follow_path(index, self.checkpoint.size, leaf, path) == self.checkpoint.root, name,
                "does not lead to the checkpoint's root")

    def read_entries(self):
        self.withheld, leaves = {}, {}
        for index in self.folder.indexes("withheld"):
            name = file_name("withheld", index)
            value = self.folder.read_object(name, ("index", "leaf", "hashes"))
            require(value["index"] == index, name, "is of another entry")
            self.withheld[index] = leaves[index] = from_base64(value["leaf"], name, HASH_SIZE)
            self.follow(name, index, leaves[index], [from_base64(text, name, HASH_SIZE) for text in value["hashes"]])
        self.entries = {index: self.read_proven("entries", index) for index in self.folder.indexes("entries")}
        self.act_entries = {index: self.read_proven("acts", index) for index in self.folder.indexes("acts")}
        self.chain = sorted([*self.entries, *self.withheld])
        require(self.entries and len(self.chain) == len(set(self.chain)) == self.summary["entries"], "statement.json, entries",
                f"says {self.summary['entries']} where there are {len(self.chain)}")
        require(not set(self.chain) & set(self.act_entries), "acts", "hold an entry of the chain")
        self.begin()
        self.check_neighbours(leaves)

    def check_neighbours(self, leaves):
        """What entries that follow each other say of each other, and the times of all."""
        known = sorted([*self.entries.values(), *self.act_entries.values()], key=lambda entry: entry.index)
        leaves.update((entry.index, entry.leaf) for entry in known)
        leaves[0] = self.acts.first.leaf
        for entry in known:
            entry.check(entry.index - 1 not in leaves or entry.previous == leaves[entry.index - 1],
                        "previous is not the leaf hash of the entry before")
        for before, entry in zip(known, known[1:]):
            entry.check(entry.time_us - before.time_us >= entry.index - before.index,
                        f"its time does not rise from that of entry {before.index}")

    def begin(self):
        require(0 in self.act_entries, file_name("acts", 0), "is not there")
        self.acts.begin(self.act_entries[0])
        newest = self.acts.newest
        require((newest.origin, newest.ledger_id) == (self.summary["origin"], self.summary["ledger_id"]), "entry 0",
                "is the genesis of another ledger than statement.json names")
        self.act_indexes = sorted(self.act_entries)
        self.waiting = self.act_indexes[1:]

    # Following

    def carry_out_acts(self, below):
        while self.waiting and self.waiting[0] < below:
            entry = self.act_entries[self.waiting.pop(0)]
            self.acts.advance(entry.index)
            entry.check(entry.kind == "order" and not entry.body["items"] and not entry.links, "is no order without items")
            order = Order(entry.body["note"], entry.place)
            entry.check(not order.has_items, "is an order with items, and holds none")
            self.acts.check_order(order, entry.index, entry.time_us)
            self.acts.carry_out(order, entry.index)
            self.act_orders[entry.index] = order
        self.acts.advance(below)

    def follow_entries(self):
        for place, index in enumerate(self.chain):
            if index in self.withheld:
                continue
            entry = self.entries[index]
            self.carry_out_acts(index)
            entry.check(entry.kind in ("record", "effect"), "is no record and no effect")
            parties = self.book.parties(entry)
            entry.check(self.code in parties, f"does not concern {self.code}")
            before = self.chain[place - 1] if place else 0
            check_links(entry, parties, lambda code, before=before: before if code == self.code else None)
            getattr(self, "follow_" + entry.kind)(entry)

    def follow_record(self, entry):
        push_index, note = self.check_feed(entry)
        if entry.record_kind == "refund":
            self.book.add_refund(entry, is_whole=False)
            return
        entry.check(entry.body["disposition"] == DUPLICATE_TRADE
                    or self.code in (entry.record["supplier"], entry.record["buyer"]), "is a trade of others")
        self.book.add_trade(entry)
        trade = self.book.trades.get(entry.index)
        if trade:
            trade.push_index, trade.push_note = push_index, note

    def check_feed(self, entry):
        """The record in its feed, under a note of a key that was valid for the push; the push entry's index, and the note."""
        name, body = file_name("feeds", entry.index), entry.body
        record, at, path, data = read_proof(self.folder.read(name), name)
        require((record, at) == (body["record"], body["feed_index"]), name, "is the proof of another record")
        checkpoint = Checkpoint(data, name)
        venue = self.acts.venues.get(body["venue"])
        entry.check(venue, f"no venue {body['venue']} is licensed then")
        entry.check(not venue.is_suspended, f"{body['venue']} is suspended then")
        entry.check(body["generation"] == venue.generation, f"generation {venue.generation} is the open one then")
        require(checkpoint.origin == f"{body['venue']}/{self.acts.ledger_id}/{body['generation']}", name, "is of another feed")
        require(follow_path(at, checkpoint.size, leaf_hash(record), path) == checkpoint.root, name,
                "does not lead to the root that the venue signed")
        push_index = entry.index + checkpoint.size - at
        entry.check(not self.waiting or self.waiting[0] > push_index, f"an act stands within the push that ends at {push_index}")
        entry.check(push_index < self.checkpoint.size, "its push ends behind the checkpoint")
        require(checkpoint.note.signers(venue.valid_keys(push_index)), name,
                f"is signed by no key that {body['venue']} has at entry {push_index}")
        self.check_feed_order(entry, checkpoint, push_index, name)
        self.feeds[entry.index] = checkpoint
        return push_index, checkpoint.note

    def check_feed_order(self, entry, checkpoint, push_index, name):
        """Records of one feed stand in its order, and each size has one root and one push."""
        feed = (entry.body["venue"], entry.body["generation"])
        for index, held in self.feeds.items():
            other = self.entries[index]
            if (other.body["venue"], other.body["generation"]) != feed:
                continue
            if held.size == checkpoint.size:
                require(held.root == checkpoint.root, name, f"is under another root than entry {index} at the same size")
                is_right = index + held.size - other.body["feed_index"] == push_index
            else:
                is_right = held.size <= entry.body["feed_index"] and index + held.size - other.body["feed_index"] < entry.index
            entry.check(is_right, f"its place in the feed contradicts that of entry {index}")

    def follow_effect(self, entry):
        if self.folder.has(file_name("orders", entry.index)):
            self.check_item(entry)
        else:
            self.check_distrusted(entry)
        if entry.effect in STATES:
            self.book.change_state(entry)
        else:
            self.account.apply(entry, self.code)

    def check_item(self, entry):
        """An effect under the officers' signatures."""
        name, body = file_name("orders", entry.index), entry.body
        value = self.folder.read_object(name, ("order_index", "item", "note", "line", "count", "hashes"))
        require((value["order_index"], value["item"]) == (body["order_index"], body["item"]), name, "is of another effect")
        order_index, item = body["order_index"], body["item"]
        entry.check(entry.index == order_index + 1 + item, "does not stand behind its order in the place of its item")
        entry.check(self.act_indexes[-len(self.waiting) - 1] < order_index, "an act stands between the order and its effect")
        data = value["note"].encode()
        if order_index not in self.orders:
            order = Order(data, name)
            require(order.type in EFFECT_OF, name, "is an order that has no effects")
            self.acts.check_order(order, order_index, entry.time_us - item - 1)
            self.orders[order_index] = (order, data)
        order, held = self.orders[order_index]
        require(held == data, name, f"has another note than another effect of order {order_index}")
        require(EFFECT_OF[order.type] == entry.effect, name, f"an order of the type {order.type} has no such effect")
        require(order.count == value["count"] and item < order.count, name, "has another count than the officers signed")
        hashes = [from_base64(text, name, HASH_SIZE) for text in value["hashes"]]
        require(follow_path(item, order.count, leaf_hash(value["line"].encode()), hashes) == order.root, name,
                "the line does not lead to the root that the officers signed")
        line = order.read_item(value["line"], name)
        check_line(order, name, line, body[entry.effect], entry.effect, self.account.lists)

    def check_distrusted(self, entry):
        body = entry.body
        order = self.act_orders.get(body["order_index"])
        name = file_name("orders", entry.index)
        require(order and order.type == "venue.distrust" and entry.effect == "held" and body["item"] == 0, name,
                f"is not there, and entry {body['order_index']} is no act that explains the effect")
        distrust = next(row for row in self.acts.distrusts if row.index == body["order_index"])
        trade = self.book.trade_of(entry)
        entry.check(self.book.is_distrusted(trade, distrust), f"order {distrust.index} does not hold trade {trade.index}")
        last = self.slices.get(distrust.index, 0)
        entry.check(last < trade.index, f"order {distrust.index} has held a trade behind {trade.index} already")
        skipped = [index for index, other in self.book.trades.items()
                   if last < index < trade.index and self.book.is_distrusted(other, distrust)]
        entry.check(not skipped, f"order {distrust.index} has passed over trade {skipped[:1]}")
        self.slices[distrust.index] = trade.index

    # Claim and figures

    def check_claim(self):
        keys = [row.key for row in self.acts.claim_keys if row.signs_at(self.checkpoint.size)]
        self.report["claim"] = self.folder.has("head")
        if not self.report["claim"]:
            require(not keys, "head", "is not there, though the ledger has a key for claims")
            return
        claim = Claim(self.folder.read("head"), "head")
        require((claim.origin, claim.ledger_id, claim.code) == (self.acts.origin, self.acts.ledger_id, self.code), "head",
                "is a claim about another ledger or enterprise")
        require((claim.size, claim.root) == (self.checkpoint.size, self.checkpoint.root), "head", "is of another checkpoint")
        require(claim.index == self.chain[-1], "head", f"says that the chain ends at entry {claim.index}, not {self.chain[-1]}")
        require(claim.note.signers(keys), "head", "is signed by no claim key that the acts give")

    def check_policies(self):
        trades = [Trade(trade.venue, trade.fields, trade.refunded, trade.refunded_tax)
                  for trade in self.book.trades.values() if trade.counts()]
        rows = self.summary["policies"]
        place = "statement.json, policies"
        require(isinstance(rows, list), place, "are no list")
        for row in rows:
            require_keys(row, ("policy", "version", "index", "eligible_volume", "award"), place)
        named = [row["policy"] for row in rows]
        require(sorted(named) == sorted(self.acts.policies), place,
                f"are {', '.join(named) or 'none'} where {', '.join(sorted(self.acts.policies)) or 'none'} are in force")
        self.report["policies"] = {}
        for row in rows:
            policy = self.acts.policies[row["policy"]]
            award = Award(policy, self.code, trades, self.account.lists, self.account.related)
            figures = {"policy": policy.name, "version": policy.version, "index": policy.index,
                       "eligible_volume": format_fen(award.eligible),
                       "award": None if award.amount is None else format_fen(award.amount)}
            require(row == figures, place, f"say {row} where acts and entries give {figures}")
            self.check_explanation(policy, award, figures)
            self.report["policies"][policy.name] = figures["award"]

    def check_explanation(self, policy, award, figures):
        name = f"policies/{policy.name}.json"
        value = self.folder.read_object(name, None)
        require(isinstance(value, dict), name, "is no object")
        for key, wanted in (("code", self.code), ("ledger_size", self.checkpoint.size), ("policy", policy.name),
                            ("version", policy.version), ("status", policy.status), ("policy_index", policy.index),
                            ("award", figures["award"])):
            require(value.get(key) == wanted, f"{name}, {key}", f"says {value.get(key)!r} where it must be {wanted!r}")
        require(spell(value.get("policy_text")) == spell(policy.text), f"{name}, policy_text", "is not what the officers signed")
        compare_steps(award.written_steps(), value.get("steps"), f"{name}, steps")
