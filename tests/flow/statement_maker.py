"""Makes a statement's folder from a ledger's entries, as FORMAT.md describes it, right or wrong in any way a test likes.

It shares no code with the programs. It holds all entries of a ledger and, like a ledger that lies, the ledger's own
key: so it can change or leave out entries, sign a root over what is left, and hand out proofs that hold.
"""
import base64
import json
import os
import shutil

from tests import formats
from tests.flow import tlog, wire

RECORD, ORDER, EFFECT = 8, 10, 11
REGISTERED, RELATED, DELISTED = 3, 4, 5
TRADE_EFFECTS = (6, 7, 8)
DUPLICATE_TRADE = 2


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


def b64(data):
    return base64.b64encode(data).decode()


class Entry:
    """An entry, field by field; `data` gives the bytes of what the fields say."""

    def __init__(self, data):
        self.fields = wire.fields(data)
        self.kind = next(number for number, _ in self.fields if number >= 7)
        self.body = wire.fields(dict(self.fields)[self.kind])

    @property
    def data(self):
        body = b"".join(self.encode(number, value) for number, value in self.body)
        return b"".join(self.encode(number, body if number == self.kind else value) for number, value in self.fields)

    @staticmethod
    def encode(number, value):
        return wire.field(number, value) if isinstance(value, int) else wire.element(number, value)

    def get(self, number, default=None):
        return dict(self.body).get(number, default)

    def set(self, number, value):
        """Replaces a field of the body."""
        self.body = sorted([row for row in self.body if row[0] != number] + [(number, value)], key=lambda row: row[0])

    @property
    def links(self):
        return numbers(dict(self.fields).get(6, b""))

    def set_link(self, place, index):
        links = self.links
        links[place] = index
        self.fields = [(6, b"".join(wire.varint(link) for link in links)) if number == 6 else (number, value)
                       for number, value in self.fields]

    def record(self):
        """("trade" or "refund", its fields)."""
        record = wire.message_dict(self.get(4))
        return ("trade", wire.message_dict(record[2])) if 2 in record else ("refund", wire.message_dict(record[3]))

    def items(self):
        return [value for number, value in self.body if number == 2]


class Ledger:
    """Every entry of a ledger. `keys` sign its checkpoints, `claim_key` its claims."""

    def __init__(self, origin, entries, keys, claim_key=None):
        self.origin = origin
        self.entries = [Entry(data) for data in entries]
        self.keys, self.claim_key = keys, claim_key
        self.ledger_id = wire.leaf_hash(entries[0]).hex()[:16]

    @classmethod
    def of_world(cls, world, subject="bureau", claim_key=None):
        """All that a running daemon has."""
        size = world.size()
        return cls(world.origin, list(tlog.of_connection(world.public, world.tokens[subject]).entries(size)),
                   [world.ledger_key], claim_key)

    def parties(self, index):
        """Whose links these are."""
        entry = self.entries[index]
        if not entry.links:
            return ()
        if entry.kind == EFFECT:
            for number in TRADE_EFFECTS:
                if entry.get(number):
                    return self.parties(wire.message_dict(entry.get(number))[3])
            if entry.get(RELATED):
                related = wire.message_dict(entry.get(RELATED))
                return related[1].decode(), related[2].decode()
            return (wire.message_dict(entry.get(REGISTERED) or entry.get(DELISTED))[1].decode(),)
        kind, fields = entry.record()
        if kind == "refund":
            return self.parties(self.first_trade(entry.get(1), fields[2], index))
        if entry.get(5) == DUPLICATE_TRADE:
            return self.parties(entry.get(6))
        return fields[8].decode(), fields[10].decode()

    def first_trade(self, venue, trade_no, below):
        for index, entry in enumerate(self.entries[:below]):
            if entry.kind == RECORD and entry.get(1) == venue:
                kind, fields = entry.record()
                if kind == "trade" and fields[1] == trade_no:
                    return index
        raise KeyError(trade_no)

    def chain(self, code):
        """The indexes of what concerns the enterprise, oldest first."""
        return [index for index in range(len(self.entries)) if code in self.parties(index)]

    def is_withheld(self, index, code):
        entry = self.entries[index]
        if entry.kind != RECORD or entry.get(5) != DUPLICATE_TRADE:
            return False
        _, fields = entry.record()
        return code.encode() not in (fields[8], fields[10])

    def acts(self):
        return [index for index, entry in enumerate(self.entries)
                if index == 0 or entry.kind == ORDER and not entry.items()]

    # Proofs

    def leaves(self):
        return [entry.data for entry in self.entries]

    def checkpoint(self):
        root = wire.Tree(self.leaves()).root()
        return wire.sign_note(wire.checkpoint_text(self.origin, len(self.entries), root), *self.keys)

    def proof(self, index, leaves, note, extra=None):
        """A tlog-proof of one of the leaves under a note."""
        lines = ["c2sp.org/tlog-proof@v1", "extra " + b64(leaves[index] if extra is None else extra), f"index {index}"]
        lines += [b64(step) for step in formats.path_of(index, leaves)]
        return "\n".join(lines).encode() + b"\n\n" + note

    def feed_proof(self, index):
        """The record in its venue's feed, under the note of the push that brought it."""
        entry = self.entries[index]
        venue, generation, feed_index = entry.get(1), entry.get(2), entry.get(3, 0)
        records, push = [], None
        for other in self.entries:
            if other.kind == RECORD and (other.get(1), other.get(2)) == (venue, generation):
                records.append(other.get(4))
            elif other.kind == 9 and (other.get(2), other.get(3)) == (venue, generation) and push is None and \
                    other.get(4, 0) <= feed_index < other.get(4, 0) + other.get(5):
                push = other
        return self.proof(feed_index, records[:push.get(4, 0) + push.get(5)], push.get(7))

    def order(self, index):
        """The line that an effect carries out, under the officers' note."""
        effect = self.entries[index]
        order_index, item = effect.get(1), effect.get(2, 0)
        order = self.entries[order_index]
        items = order.items()
        return {"order_index": order_index, "item": item, "note": order.get(1).decode(),
                "line": items[item].decode(), "count": len(items),
                "hashes": [b64(step) for step in formats.path_of(item, items)]}

    def claim(self, code, last_index, size=None, root=None, key=None):
        size = len(self.entries) if size is None else size
        root = wire.Tree(self.leaves()).root() if root is None else root
        text = f"subsidy.head/v1\n{self.origin}\n{self.ledger_id}\n{code}\n{last_index}\n{size}\n{b64(root)}\n"
        return wire.sign_note(text.encode(), key or self.claim_key)

    # The folder

    def statement(self, code, explanations):
        """The files by name. `explanations`: the answers of …/explain for each policy in force, as bytes."""
        note, leaves, chain = self.checkpoint(), self.leaves(), self.chain(code)
        files = {"checkpoint": note}
        for index in chain:
            entry = self.entries[index]
            name = f"{index:016}"
            if self.is_withheld(index, code):
                files[f"withheld/{name}.json"] = wire.compact({
                    "index": index, "leaf": b64(wire.leaf_hash(entry.data)),
                    "hashes": [b64(step) for step in formats.path_of(index, leaves)]}).encode()
                continue
            files[f"entries/{name}.tlog-proof"] = self.proof(index, leaves, note)
            if entry.kind == RECORD:
                files[f"feeds/{name}.tlog-proof"] = self.feed_proof(index)
            elif self.entries[entry.get(1)].items():
                files[f"orders/{name}.json"] = wire.compact(self.order(index)).encode()
        for index in self.acts():
            files[f"acts/{index:016}.tlog-proof"] = self.proof(index, leaves, note)
        policies = []
        for text in explanations:
            answer = json.loads(text)
            files[f"policies/{answer['policy']}.json"] = text
            # Of every explanation the step that says which volume takes part.
            policies.append({"policy": answer["policy"], "version": answer["version"], "index": answer["policy_index"],
                             "eligible_volume": None, "award": answer["award"]})
        if self.claim_key is not None:
            files["head"] = self.claim(code, chain[-1])
        files["statement.json"] = wire.compact({
            "format": "subsidy.statement/v1", "origin": self.origin, "ledger_id": self.ledger_id, "code": code,
            "size": len(self.entries), "entries": len(chain), "vkeys": [key.vkey() for key in self.keys],
            "policies": policies}).encode()
        files["README.txt"] = b"a statement\n"
        return files


def explanations(world, code, size, subject="bureau"):
    """The answers of …/explain for every policy in force at a size, and the volumes that …/enterprises names."""
    answer = world.get_json(f"/v1/enterprises/{code}?as_of={size}", subject)
    texts = []
    for policy in answer["policies"]:
        explained = world.get(f"/v1/enterprises/{code}/explain?policy={policy['policy']}&as_of={size}", subject)
        assert explained.status == 200, explained
        texts.append(explained.body)
    return texts, {policy["policy"]: policy["eligible_volume"] for policy in answer["policies"]}


def of_world(world, code, ledger=None):
    """The files of a good statement of what the daemon has now."""
    ledger = ledger or Ledger.of_world(world)
    texts, volumes = explanations(world, code, len(ledger.entries))
    files = ledger.statement(code, texts)
    head = json.loads(files["statement.json"])
    for row in head["policies"]:
        row["eligible_volume"] = volumes[row["policy"]]
    files["statement.json"] = wire.compact(head).encode()
    return files


def write(folder, files):
    """The folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    return folder
