"""What the bureau did: genesis, and orders under the officers' signatures, in the order of their entries.

From proto/FORMAT.md: chapters "Genesis" and "Orders".
"""
import datetime
import itertools
import re

from forms import (HASH_SIZE, INDEX_END, Entry, day_of_text, day_of_time, from_base64, is_code, is_list_name, is_text,
                   is_venue_id, is_visible, read_spelled, require, require_keys, require_text, require_whole)
from notes import ED25519, SM2, Checkpoint, Key, Note, is_key_name
from policy import Policy

ROLES = ("clerk", "reviewer", "leader", "auditor")
TYPES = ("venue.license", "enterprise.register", "enterprise.relate", "policy.adopt", "grant.add", "venue.suspend",
         "venue.resume", "venue.key", "officer.add", "officer.remove", "quorum.set", "enterprise.delist", "grant.revoke",
         "rules.set", "trade.hold", "trade.release", "trade.void", "log.key", "venue.distrust")
QUORUM_KEYS = ("default", *TYPES, "grant.add:enterprise")
EFFECT_OF = {"enterprise.register": "registered", "enterprise.relate": "related", "enterprise.delist": "delisted",
             "trade.hold": "held", "trade.release": "released", "trade.void": "voided"}
ITEM_KEYS = {"enterprise.register": ("code", "name", "lists", "salt"), "enterprise.relate": ("codes", "salt"),
             "grant.add": ("token_hash", "subject", "holder", "scope", "expires", "salt"),
             "enterprise.delist": ("code", "lists", "reason", "salt"), "grant.revoke": ("token_hash", "reason", "salt"),
             "trade.hold": ("venue", "trade_no", "reason", "salt"), "trade.release": ("venue", "trade_no", "reason", "salt"),
             "trade.void": ("venue", "trade_no", "reason", "salt")}
BODY_KEYS = {"venue.license": ("venue", "name", "keys"), "policy.adopt": ("policy",), "venue.suspend": ("venue", "reason"),
             "venue.resume": ("venue", "reason"), "venue.key": ("venue", "add", "revoke", "new_generation", "reason"),
             "venue.distrust": ("venue", "key", "from", "reason"), "officer.add": ("name", "role", "keys"),
             "officer.remove": ("name", "reason"), "quorum.set": ("quorums",), "rules.set": ("rules",),
             "log.key": ("add", "retire", "reason")}
EXPIRES_DAYS_MAX = 30
LEDGERS_MAX, OLD_GENESIS_BYTES_MAX = 8, 32768
VENUES_MAX, POLICIES_MAX = 1023, 64


class ValidKey:
    """A key over its life: valid from the entry `since` to the entry `until`."""

    def __init__(self, key, since):
        self.key, self.since, self.until = key, since, None

    def is_valid_at(self, index):
        return self.since <= index and (self.until is None or index < self.until)

    def signs_at(self, size):
        """Of the ledger's: whether it signs a checkpoint of that size."""
        return self.since < size and (self.until is None or self.until >= size)


class Officer:
    def __init__(self, value, place):
        require_keys(value, ("name", "role", "keys"), place)
        self.name, self.role = value["name"], value["role"]
        require(isinstance(self.name, str) and is_key_name(self.name) and len(self.name.encode()) <= 64, place,
                "is no name of an officer")
        require(self.role in ROLES, place, f"{self.role!r} is no role")
        self.keys = read_keys(value["keys"], 1, 4, (ED25519, SM2), self.name, place)


class Venue:
    def __init__(self, name, keys, index):
        self.name, self.generation, self.is_suspended = name, 1, False
        self.keys = [ValidKey(key, index) for key in keys]

    def valid_keys(self, index):
        return [valid.key for valid in self.keys if valid.is_valid_at(index)]

    def find_key(self, key):
        return next((valid for valid in self.keys if valid.key.public == key.public), None)


class Distrust:
    """What an order about a stolen key covers: push entries from `begin` on and before `end`."""

    def __init__(self, index, venue, key, begin, end):
        self.index, self.venue, self.key, self.begin, self.end = index, venue, key, begin, end


def read_keys(values, least, most, types, name, place):
    require(isinstance(values, list) and least <= len(values) <= most, place, f"must have {least} to {most} keys")
    keys = [Key(value, place) for value in values]
    for key in keys:
        require(key.type in types and (name is None or key.name == name), place, f"{key.vkey} is no key for it")
    require(len({key.public for key in keys}) == len(keys), place, "names a key twice")
    return keys


def check_quorums(value, place):
    require(isinstance(value, dict) and list(value) == [key for key in QUORUM_KEYS if key in value] and "default" in value,
            place, "the quorums are not known keys in their order")
    for name, slots in value.items():
        require(isinstance(slots, list) and 1 <= len(slots) <= 8, place, f"the quorum {name} is none")
        require(len(slots) >= 2 or name == "grant.add:enterprise", place, f"the quorum {name} asks for one officer alone")
        for roles in slots:
            require(isinstance(roles, list) and roles and roles == [role for role in ROLES if role in roles], place,
                    f"the quorum {name} has a slot of other roles")
    return value


def is_met(slots, officers):
    """For each set of slots, as many officers fit into one of them as there are."""
    return all(sum(any(officer.role in roles for roles in some) for officer in officers) >= len(some)
               for count in range(1, len(slots) + 1) for some in itertools.combinations(slots, count))


class Order:
    """An order as its officers signed it. What it does is for those who carry it out."""

    def __init__(self, note_bytes, place):
        self.place = place
        self.note = Note(note_bytes, place)
        form, self.origin, self.ledger_id, text = self.note.text_lines(4)
        require(form == "subsidy.order/v1", place, "is no order")
        value = read_spelled(text, place)
        self.type = value.get("type")
        require(self.type in TYPES, place, f"{self.type!r} is no type of orders")
        self.has_items = self.type in ITEM_KEYS
        require_keys(value, ("id", "type", "expires", "made_at_size", "body") + (("items",) if self.has_items else ()), place)
        self.id, self.body, self.made_at_size = value["id"], value["body"], value["made_at_size"]
        require(isinstance(self.id, str) and is_visible(self.id, 64), place, "has an impossible id")
        self.expires = day_of_text(value["expires"], place)
        require_whole(self.made_at_size, 1, INDEX_END, f"{place}, made_at_size")
        require_keys(self.body, BODY_KEYS.get(self.type, ()), f"{place}, body")
        if "reason" in self.body:
            require_text(self.body["reason"], 1, 500, f"{place}, reason")
        self.count = self.root = None
        if self.has_items:
            require_keys(value["items"], ("count", "root"), f"{place}, items")
            self.count = value["items"]["count"]
            require_whole(self.count, 1, 1000, f"{place}, count")
            self.root = from_base64(value["items"]["root"], f"{place}, root", HASH_SIZE)

    def read_item(self, line, place):
        """One of its lines."""
        item = read_spelled(line, place)
        require_keys(item, ITEM_KEYS[self.type], place)
        require(isinstance(item["salt"], str) and re.fullmatch("[0-9a-f]{32}", item["salt"]), place, "has no salt")
        for name, rule in ITEM_RULES.items():
            require(name not in item or rule(item[name]), place, f"{name} breaks its rule")
        return item


def is_string(rule):
    return lambda value: isinstance(value, str) and rule(value)


def is_lists(value):
    return (isinstance(value, list) and len(value) <= 16 and all(isinstance(name, str) and is_list_name(name) for name in value)
            and value == sorted(set(value)))


def is_pair(value):
    return (isinstance(value, list) and len(value) == 2 and all(isinstance(code, str) and is_code(code) for code in value)
            and value[0] < value[1])


ITEM_RULES = {
    "code": is_string(is_code), "codes": is_pair, "lists": is_lists, "venue": is_string(is_venue_id),
    "name": is_string(lambda text: is_text(text, 1, 200)), "reason": is_string(lambda text: is_text(text, 1, 500)),
    "trade_no": is_string(lambda text: is_visible(text, 64)), "holder": is_string(lambda text: is_text(text, 1, 128)),
    "token_hash": is_string(lambda text: re.fullmatch("[0-9a-f]{64}", text)), "scope": lambda value: value == "read",
    "subject": is_string(lambda text: text in ("bureau", "auditor") or is_code(text)
                         or text.startswith("venue:") and is_venue_id(text[6:])),
    "expires": lambda value: day_of_text(value, "expires")}


class Genesis:
    """The first entry of a ledger, read; who signed it is for those who follow the acts."""

    def __init__(self, entry):
        self.entry, self.place, self.note = entry, entry.place, Note(entry.body["note"], entry.place)
        form, self.origin, text = self.note.text_lines(3)
        self.check(form == "subsidy.genesis/v1" and len(self.note.text) <= 60000, "is no genesis note")
        self.check(re.fullmatch(r"[^\s+]{1,128}", self.origin) and "://" not in self.origin
                   and len(self.origin.encode()) <= 128, "has an impossible origin")
        self.check(entry.previous == bytes(HASH_SIZE) and not entry.links and not entry.stepped_back,
                   "previous must be zeros, and there are no links")
        value = read_spelled(text, self.place)
        keys = ("rules", "random", "ledger_key", "officers", "quorums")
        require_keys(value, keys + (("continues",) if "continues" in value else ()), self.place)
        self.check(value["rules"] == 1 and type(value["rules"]) is int, "is of rules that are not known")
        self.check(isinstance(value["random"], str) and re.fullmatch("[0-9a-f]{64}", value["random"]), "has no random")
        self.key = read_keys([value["ledger_key"]], 1, 1, (ED25519,), self.origin, self.place)[0]
        officers = value["officers"]
        self.check(isinstance(officers, list) and 1 <= len(officers) <= 31, "must have 1 to 31 officers")
        self.officers = [Officer(officer, self.place) for officer in officers]
        self.quorums = check_quorums(value["quorums"], self.place)
        self.ledger_id, self.continues = entry.leaf[:8].hex(), value.get("continues")
        if self.continues is not None:
            self.read_continues(self.continues)

    def check(self, condition, text):
        require(condition, self.place, text)

    def read_continues(self, value):
        place = f"{self.place}, continues"
        require_keys(value, ("origin", "ledger_id", "checkpoint", "size", "root", "genesis"), place)
        require(isinstance(value["checkpoint"], str), place, "has no checkpoint")
        require_whole(value["size"], 1, INDEX_END, f"{place}, size")
        self.checkpoint = Checkpoint(value["checkpoint"].encode(), f"{place}, checkpoint")
        self.root = from_base64(value["root"], f"{place}, root", HASH_SIZE)
        data = from_base64(value["genesis"], f"{place}, genesis")
        require(len(data) <= OLD_GENESIS_BYTES_MAX, place, "has too large a genesis")
        self.old_entry = Entry(0, data)
        self.old_entry.place = f"{place}, genesis"

    def check_continues(self, older):
        """That it names the ledger whose genesis it holds."""
        value = self.continues
        self.check((value["origin"], value["ledger_id"], self.checkpoint.origin) == (
            older.origin, older.ledger_id, older.origin), "names another ledger than that whose genesis it holds")
        self.check(self.checkpoint.size >= value["size"] and (
            self.checkpoint.size > value["size"] or self.checkpoint.root == self.root), "its checkpoint is not of what it continues")
        self.check(older.continues is None or older.continues["size"] <= value["size"], "its sizes fall")
        self.check(self.entry.time_us == older.entry.time_us, "is not at the time of the old genesis")


class Acts:
    """What the acts so far put in force. Give them in the order of their entries."""

    def __init__(self):
        self.officers, self.quorums, self.venues, self.policies, self.ids = {}, {}, {}, {}, {}
        self.ledger_keys, self.claim_keys, self.distrusts = [], [], []
        self.officer_keys = {}      # material -> name of whoever has or had it
        self.retired = []           # keys of ledgers that this one continues
        self.origin = self.ledger_id = self.genesis_note = None

    # Genesis

    def begin(self, entry):
        """Entry 0. Where it continues another ledger, the oldest one's genesis comes first; advance() goes on from there."""
        chain = [Genesis(entry)]
        while chain[0].continues:
            chain.insert(0, Genesis(chain[0].old_entry))
            chain[0].check(len(chain) <= LEDGERS_MAX, "continues too many ledgers")
        for older, newer in zip(chain, chain[1:]):
            newer.check_continues(older)
        newer = chain[-1]
        newer.check(len({one.origin for one in chain}) == len(chain), "continues a ledger of the same origin")
        newer.check(len({one.key.public for one in chain}) == len(chain), "continues a ledger of the same key")
        self.first, self.waiting = chain[0].entry, chain[1:]
        self.genesis, self.newest = chain, newer
        self.take_office(chain[0], 0)

    def advance(self, index):
        """Before the entry `index`: whoever takes the ledger over there."""
        while self.waiting and index >= self.waiting[0].continues["size"]:
            newer = self.waiting.pop(0)
            checkpoint = newer.checkpoint
            keys = [valid.key for valid in self.ledger_keys if valid.signs_at(newer.continues["size"])]
            require(checkpoint.note.signers(keys), checkpoint.place, "is not signed by the ledger that is continued")
            old = [officer for officer in self.officers.values() if newer.note.signers(officer.keys)]
            slots = self.quorums.get("officer.add", self.quorums["default"])
            newer.check(is_met(slots, old), "is not signed by those who could add officers to the ledger that it continues")
            self.officers = {}
            self.take_office(newer, newer.continues["size"])

    def take_office(self, genesis, index):
        genesis.check(not self.is_ledger_key(genesis.key) and genesis.key.public not in self.officer_keys,
                      "its key is or was somebody's")
        self.retired += self.ledger_keys + self.claim_keys
        self.origin, self.ledger_id, self.genesis_note = genesis.origin, genesis.ledger_id, genesis.note
        self.ledger_keys, self.claim_keys = [ValidKey(genesis.key, 0)], []
        for officer in genesis.officers:
            self.add_officer(officer, genesis.place)
        self.quorums = genesis.quorums
        self.check_reachable(genesis.place)
        genesis.check(genesis.note.signers([genesis.key]), "is not signed by the ledger's key")
        for officer in genesis.officers:
            genesis.check(genesis.note.signers(officer.keys), f"is not signed by {officer.name}")

    def check_reachable(self, place):
        for name, slots in self.quorums.items():
            require(is_met(slots, self.officers.values()), place, f"nobody could meet the quorum {name} any more")

    def add_officer(self, officer, place):
        require(officer.name not in self.officers and len(self.officers) < 64, place, f"{officer.name} is in office, or too many")
        for key in officer.keys:
            require(self.officer_keys.get(key.public, officer.name) == officer.name, place,
                    f"{key.vkey} is or was another officer's key")
            require(not self.is_ledger_key(key), place, f"{key.vkey} is or was the ledger's key")
            self.officer_keys[key.public] = officer.name
        self.officers[officer.name] = officer

    def is_ledger_key(self, key):
        return any(valid.key.public == key.public for valid in self.ledger_keys + self.claim_keys + self.retired)

    # Orders

    def check_order(self, order, index, time_us, lines=None):
        """That an order could be carried out as entry `index`; its lines where they are known."""
        place = order.place
        require((order.origin, order.ledger_id) == (self.origin, self.ledger_id), place, "an order for another ledger")
        require(order.made_at_size <= index, place, "was made at a size that lies behind it")
        day = day_of_time(time_us)
        require(day <= order.expires <= day + datetime.timedelta(EXPIRES_DAYS_MAX), place,
                f"expires on {order.expires}, and was carried out on {day}")
        require(order.id not in self.ids, place, f"the id {order.id!r} is that of entry {self.ids.get(order.id)}")
        self.ids[order.id] = index
        signed = [officer for officer in self.officers.values() if order.note.signers(officer.keys)]
        name = order.type if order.type in self.quorums else "default"
        if order.type == "grant.add" and lines and all(is_code(line["subject"]) for line in lines):
            name = "grant.add:enterprise" if "grant.add:enterprise" in self.quorums else name
        require(is_met(self.quorums[name], signed), place,
                f"the quorum {name} is not met by {', '.join(officer.name for officer in signed) or 'nobody'}")

    def carry_out(self, order, index):
        """An order without items."""
        apply = getattr(self, "apply_" + order.type.replace(".", "_"))
        apply(order.body, index, order)

    def venue_of(self, body, place):
        require(body["venue"] in self.venues, place, f"no venue {body['venue']!r} is licensed")
        return self.venues[body["venue"]]

    def apply_venue_license(self, body, index, order):
        require(isinstance(body["venue"], str) and is_venue_id(body["venue"]), order.place, "is no venue id")
        require(body["venue"] not in self.venues, order.place, f"{body['venue']} is licensed already")
        require_text(body["name"], 1, 200, f"{order.place}, name")
        keys = read_keys(body["keys"], 1, 8, (ED25519, SM2), body["venue"], order.place)
        require(len(self.venues) < VENUES_MAX, order.place, "a venue too many")
        self.venues[body["venue"]] = Venue(body["name"], keys, index)

    def apply_venue_suspend(self, body, index, order):
        venue = self.venue_of(body, order.place)
        require(not venue.is_suspended, order.place, "the venue is suspended already")
        venue.is_suspended = True

    def apply_venue_resume(self, body, index, order):
        venue = self.venue_of(body, order.place)
        require(venue.is_suspended, order.place, "the venue is not suspended")
        venue.is_suspended = False

    def apply_venue_key(self, body, index, order):
        venue, place = self.venue_of(body, order.place), order.place
        add = read_keys(body["add"], 0, 8, (ED25519, SM2), body["venue"], place)
        revoke = read_keys(body["revoke"], 0, 8, (ED25519, SM2), body["venue"], place)
        require(type(body["new_generation"]) is bool, place, "new_generation must be true or false")
        require(add or revoke or body["new_generation"], place, "changes nothing")
        for key in revoke:
            held = venue.find_key(key)
            require(held and held.is_valid_at(index), place, f"{key.vkey} is not valid, and is revoked")
            held.until = index
        for key in add:
            require(not venue.find_key(key), place, f"{key.vkey} is or was the venue's")
            venue.keys.append(ValidKey(key, index))
        require(1 <= len(venue.valid_keys(index)) <= 8 and len(venue.keys) <= 64, place, "leaves an impossible number of keys")
        venue.generation += body["new_generation"]
        require(venue.generation <= 1000, place, "a generation beyond 1000")

    def apply_venue_distrust(self, body, index, order):
        venue, place = self.venue_of(body, order.place), order.place
        held = venue.find_key(read_keys([body["key"]], 1, 1, (ED25519, SM2), body["venue"], place)[0])
        require(held, place, "the venue never had that key")
        require_whole(body["from"], 1, order.made_at_size, f"{place}, from")
        require(held.since <= body["from"] and (held.until is None or body["from"] < held.until), place,
                f"the key was not valid at entry {body['from']}")
        earlier = [row.begin for row in self.distrusts if row.key is held.key]
        require(not earlier or body["from"] < min(earlier), place, "the key is distrusted already, from there on or earlier")
        held.until = index if held.until is None else held.until
        end = min([index, held.until, *earlier])
        self.distrusts.append(Distrust(index, body["venue"], held.key, body["from"], end))

    def apply_officer_add(self, body, index, order):
        self.add_officer(Officer(body, order.place), order.place)

    def apply_officer_remove(self, body, index, order):
        require(body["name"] in self.officers, order.place, f"{body['name']} is not in office")
        del self.officers[body["name"]]
        self.check_reachable(order.place)

    def apply_quorum_set(self, body, index, order):
        self.quorums = check_quorums(body["quorums"], order.place)
        self.check_reachable(order.place)

    def apply_rules_set(self, body, index, order):
        require(False, order.place, "rules of a version that is not known")

    def apply_log_key(self, body, index, order):
        place, heads = order.place, self.origin + "/heads"
        add, retire = (read_keys(body[name], 0, 4, (ED25519,), None, place) for name in ("add", "retire"))
        require(add or retire, place, "changes nothing")
        for key in retire:
            held = next((valid for valid in self.ledger_keys + self.claim_keys if valid.key.vkey == key.vkey), None)
            require(held and held.is_valid_at(index), place, f"{key.vkey} is not valid, and is retired")
            held.until = index
        for key in add:
            require(key.name in (self.origin, heads), place, f"{key.vkey} is named as neither kind of key")
            require(key.public not in self.officer_keys and not self.is_ledger_key(key) and not any(
                venue.find_key(key) for venue in self.venues.values()), place, f"{key.vkey} is or was somebody's key")
            (self.ledger_keys if key.name == self.origin else self.claim_keys).append(ValidKey(key, index))
        valid = [sum(row.is_valid_at(index) for row in rows) for rows in (self.ledger_keys, self.claim_keys)]
        require(1 <= valid[0] <= 2 and valid[1] <= 2 and len(self.ledger_keys) + len(self.claim_keys) <= 64, place,
                "leaves an impossible number of keys")

    def apply_policy_adopt(self, body, index, order):
        policy = Policy(body["policy"], index, f"{order.place}, policy")
        require(len({*self.policies, policy.name}) <= POLICIES_MAX, order.place, "a policy too many")
        for venue in policy.venues:
            require(venue in self.venues, order.place, f"the policy names the venue {venue}, which is not licensed")
        held = self.policies.get(policy.name)
        require(held is None or policy.version > held.version, order.place, "the version is not higher than that in force")
        self.policies[policy.name] = policy


def check_line(order, lines_place, item, effect, effect_kind, lists_before):
    """That an effect is what the officers' line says; `lists_before` are those that the enterprise was on."""
    if effect_kind == "registered":
        wanted = {"code": item["code"], "name": item["name"], "lists": item["lists"]}
    elif effect_kind == "related":
        wanted = {"first": item["codes"][0], "second": item["codes"][1]}
    elif effect_kind == "delisted":
        wanted = {"code": item["code"], "lists": item["lists"] or sorted(lists_before)}
    else:
        wanted = {"venue": item["venue"], "trade_no": item["trade_no"], "trade_index": effect["trade_index"]}
    require(effect == wanted, lines_place, f"the effect is not what the officers signed in entry {order.place}")


def check_signature_of_ledger(checkpoint, acts, given, place_of_key):
    """That a checkpoint is signed by the ledger's keys at its size, and that a key from elsewhere leads to them."""
    keys = [valid.key for valid in acts.ledger_keys if valid.signs_at(checkpoint.size)]
    signed = checkpoint.note.signers(keys)
    for key in keys:
        require(key in signed, checkpoint.place, f"is not signed by {key.vkey}, which is valid at size {checkpoint.size}")
    if given is None:
        return
    held = next((valid for valid in acts.ledger_keys if valid.key.vkey == given.vkey), None)
    require(held, place_of_key, f"{given.vkey} is and was no key of this ledger")
    if given.vkey not in [key.vkey for key in keys]:
        require(held.since == 0 and acts.genesis_note.signers([held.key]), place_of_key,
                f"{given.vkey} signed neither the checkpoint nor genesis: take a key that is valid at size {checkpoint.size}")
