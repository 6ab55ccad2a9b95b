"""Bytes: base64, JSON of one spelling, trees, proofs, canonical messages, records and entries.

From proto/FORMAT.md alone, as everything in this folder: chapters "Conventions", "Trees", "Receipts", "Canonical encoding",
"Records" and "Entries".
"""
import base64
import binascii
import datetime
import hashlib
import json
import re

HASH_SIZE = 32
RECORD_BYTES_MAX = 8192
ENTRY_BYTES_MAX = 65535
INDEX_END = 2 ** 53
SUM_FEN_MAX = 2 ** 63 - 1
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Refused(Exception):
    """What is not as it must be: the place, then what is wrong there."""

    def __init__(self, place, text):
        super().__init__(f"{place}: {text}" if place else text)
        self.place, self.text = place, text


def require(condition, place, text):
    if not condition:
        raise Refused(place, text)


# Texts


def from_base64(text, place, size=None):
    """The bytes of the one base64 that means them."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Refused(place, "is not base64") from None
    require(base64.b64encode(data).decode() == text, place, "is not base64 of one spelling")
    require(size is None or len(data) == size, place, f"has {len(data)} bytes where there must be {size}")
    return data


def to_base64(data):
    return base64.b64encode(data).decode()


def to_text(data, place):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(place, "is not UTF-8") from None


def is_text(text, least, most):
    """Without U+0000 to U+001F and U+007F; sizes are in bytes."""
    return least <= len(text.encode()) <= most and not re.search("[\0-\x1f\x7f]", text)


def is_visible(text, most):
    return re.fullmatch(r"[\x21-\x7e]{1,%d}" % most, text) is not None


def is_venue_id(text):
    return re.fullmatch("[a-z][a-z0-9-]{0,31}", text) is not None


def is_list_name(text):
    return re.fullmatch("[a-z0-9_-]{1,32}", text) is not None


CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_code(text):
    """A unified social credit code with its right check character."""
    if len(text) != 18 or any(letter not in CODE_ALPHABET for letter in text):
        return False
    values = [CODE_ALPHABET.index(letter) for letter in text]
    return values[17] == (31 - sum(value * 3 ** i for i, value in enumerate(values[:17]))) % 31


def is_invoice(text):
    return re.fullmatch("[0-9]{18}|[0-9]{20}", text) is not None


def read_number(text, place):
    """Decimal without leading zeros."""
    require(re.fullmatch("0|[1-9][0-9]{0,18}", text), place, f"{text!r} is no number")
    return int(text)


def day_of_number(number):
    """A day for YYYYMMDD of 1990 to 2099, else None."""
    try:
        day = datetime.date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return None
    return day if 1990 <= day.year <= 2099 else None


def day_of_text(text, place):
    require(isinstance(text, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text), place, "is no day")
    day = day_of_number(int(text.replace("-", "")))
    require(day, place, f"{text} is no day of the calendar")
    return day


def day_of_time(time_us):
    """The day in Shanghai."""
    return (EPOCH + datetime.timedelta(microseconds=time_us)).astimezone(SHANGHAI).date()


# JSON


def no_doubles(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def read_json(text, place):
    """JSON without doubled keys and without fractions."""
    def no_fraction(number):
        raise ValueError(f"{number} has a fraction")
    try:
        return json.loads(text, object_pairs_hook=no_doubles, parse_float=no_fraction, parse_constant=no_fraction)
    except (ValueError, RecursionError) as error:
        raise Refused(place, f"is not the JSON it must be: {error}") from None


def spell(value):
    """The one spelling: compact, and only the quote and the backslash are written with a backslash."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_spelled(text, place):
    value = read_json(text, place)
    require(not re.search("[\0-\x1f\x7f]", text), place, "has control characters")
    require(spell(value) == text, place, "is not in the one spelling of signed JSON")
    require(isinstance(value, dict), place, "is no object")
    depth = deepest = 0
    for letter in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    require(deepest <= 16, place, "is nested deeper than 16")
    return value


def require_keys(value, keys, place):
    """Exactly these keys, in this order."""
    require(isinstance(value, dict) and list(value) == list(keys), place, f"must have the keys {', '.join(keys)}")


def require_text(value, least, most, place):
    require(isinstance(value, str) and is_text(value, least, most), place, f"must be a text of {least} to {most} bytes")


def require_whole(value, least, most, place):
    require(type(value) is int and least <= value <= most, place, f"must be a whole number from {least} to {most}")


# Trees


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(data):
    return sha256(b"\0", data)


def node(left, right):
    return sha256(b"\1", left, right)


class Frontier:
    """The roots of the full subtrees of a growing tree, the largest first."""

    def __init__(self):
        self.size, self.hashes = 0, []

    def add(self, digest):
        size = self.size
        while size & 1:
            digest = node(self.hashes.pop(), digest)
            size >>= 1
        self.hashes.append(digest)
        self.size += 1

    def root(self):
        if not self.hashes:
            return sha256()
        digest = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            digest = node(left, digest)
        return digest


def follow_path(index, size, digest, path):
    """The root that an inclusion path leads to, or None where it has another length."""
    at, last = index, size - 1
    if not 0 <= index < size:
        return None
    for step in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            digest = node(step, digest)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            digest = node(digest, step)
        at, last = at >> 1, last >> 1
    return digest if last == 0 else None


def read_proof(data, place):
    """A tlog-proof: its extra bytes, index, path, and the note beneath it."""
    head, separator, note = data.partition(b"\n\n")
    require(separator, place, "is no proof: there is no empty line")
    lines = to_text(head, place).split("\n")
    require(len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("extra ")
            and lines[2].startswith("index "), place, "does not begin as a proof")
    return (from_base64(lines[1][6:], place), read_number(lines[2][6:], place),
            [from_base64(line, place, HASH_SIZE) for line in lines[3:]], note)


# Canonical messages. A schema is a dict of number to (name, kind): kind is "u32", "u64", "text", "bytes", "packed", a dict
# for a message, or a list of one of these for a repeated field.


def read_varint(data, at, place):
    value = shift = 0
    while True:
        require(at < len(data) and shift < 70, place, "malformed: a number is cut short or too long")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    require(value < 2 ** 64, place, "malformed: a number is beyond 64 bits")
    require(byte or shift == 7, place, "not canonical: a number has more bytes than it needs")
    return value, at


def read_message(data, schema, place):
    """The fields by name; refused unless the bytes are the canonical encoding. Absent numbers and texts are 0 and empty."""
    result = {}
    for name, kind in schema.values():
        if isinstance(kind, list) or kind == "packed":
            result[name] = []
        elif isinstance(kind, dict):
            result[name] = None
        else:
            result[name] = {"text": "", "bytes": b""}.get(kind, 0)
    at = before = 0
    while at < len(data):
        tag, at = read_varint(data, at, place)
        value, at = read_varint(data, at, place)
        number, wire_type = tag >> 3, tag & 7
        require(number in schema and wire_type in (0, 2), place, f"malformed: unknown field {number}")
        name, kind = schema[number]
        here = f"{place}, {name}"
        is_list = isinstance(kind, list)
        require(number > before or (is_list and number == before), here, "not canonical: fields do not ascend")
        before = number
        kind = kind[0] if is_list else kind
        if wire_type == 2:
            require(at + value <= len(data), here, "malformed: cut short")
            value, at = data[at:at + value], at + value
        require((wire_type == 0) == (kind in ("u32", "u64")), here, "malformed: of another wire type")
        value = read_value(value, kind, here)
        require(is_list or isinstance(kind, dict) or value, here, "not canonical: a default is written out")
        if is_list:
            result[name].append(value)
        else:
            result[name] = value
    return result


def read_value(value, kind, place):
    if kind == "u32":
        require(value < 2 ** 32, place, "malformed: beyond 32 bits")
    elif kind == "text":
        return to_text(value, place)
    elif kind == "packed":
        at, values = 0, []
        while at < len(value):
            element, at = read_varint(value, at, place)
            values.append(element)
        return values
    elif isinstance(kind, dict):
        return read_message(value, kind, place)
    return value


def require_one_of(message, names, place):
    """The one of these members that is there."""
    there = [name for name in names if message[name] is not None]
    require(len(there) == 1, place, f"must have exactly one of {', '.join(names)}")
    return there[0]


# Records

TRADE = {1: ("trade_no", "text"), 2: ("contract_no", "text"), 3: ("contract_hash", "bytes"), 4: ("contract_kind", "u32"),
         5: ("product_code", "text"), 6: ("product_name", "text"), 7: ("product_kind", "u32"), 8: ("supplier", "text"),
         9: ("supplier_name", "text"), 10: ("buyer", "text"), 11: ("buyer_name", "text"), 12: ("broker", "text"),
         13: ("amount", "u64"), 14: ("tax", "u64"), 15: ("instalment", "u32"), 16: ("signed_on", "u32"),
         17: ("settled_on", "u32"), 18: ("voucher_no", "text"), 19: ("invoice_no", ["text"]),
         20: ("related_declared", "u32"), 21: ("other_subsidy", "u32")}
REFUND = {1: ("adjust_no", "text"), 2: ("original_trade_no", "text"), 3: ("amount", "u64"), 4: ("tax", "u64"),
          5: ("occurred_on", "u32"), 6: ("reason_code", "text"), 7: ("reason", "text"), 8: ("red_invoice_no", "text")}
RECORD = {1: ("version", "u32"), 2: ("trade", TRADE), 3: ("refund", REFUND)}
AMOUNT_FEN_MAX = 10 ** 13
DECLARED_YES = 2
PRODUCT_KINDS = {1: "dataset", 2: "api", 3: "report", 4: "model", 5: "tool", 6: "compute", 7: "other"}

TRADE_RULES = (
    ("trade_no", lambda value: is_visible(value, 64)), ("contract_no", lambda value: is_text(value, 1, 128)),
    ("contract_hash", lambda value: len(value) == HASH_SIZE), ("contract_kind", lambda value: 1 <= value <= 4),
    ("product_code", lambda value: is_text(value, 1, 64)), ("product_name", lambda value: is_text(value, 1, 200)),
    ("product_kind", lambda value: value in PRODUCT_KINDS), ("supplier", is_code),
    ("supplier_name", lambda value: is_text(value, 0, 200)), ("buyer", is_code),
    ("buyer_name", lambda value: is_text(value, 0, 200)), ("broker", lambda value: not value or is_code(value)),
    ("amount", lambda value: 1 <= value <= AMOUNT_FEN_MAX), ("instalment", lambda value: 1 <= value <= 9999),
    ("signed_on", day_of_number), ("settled_on", day_of_number), ("voucher_no", lambda value: is_visible(value, 64)),
    ("invoice_no", lambda value: len(value) <= 8 and all(map(is_invoice, value))),
    ("related_declared", lambda value: 1 <= value <= 3), ("other_subsidy", lambda value: 1 <= value <= 3))
REFUND_RULES = (
    ("adjust_no", lambda value: is_visible(value, 64)), ("original_trade_no", lambda value: is_visible(value, 64)),
    ("amount", lambda value: 1 <= value <= AMOUNT_FEN_MAX), ("occurred_on", day_of_number),
    ("reason_code", lambda value: is_visible(value, 32)), ("reason", lambda value: is_text(value, 0, 500)),
    ("red_invoice_no", lambda value: not value or is_invoice(value)))


def read_record(data, time_us, place):
    """("trade" or "refund", its fields) of a record that was taken at that time."""
    require(1 <= len(data) <= RECORD_BYTES_MAX, place, f"a record of {len(data)} bytes")
    record = read_message(data, RECORD, place)
    require(record["version"] == 1, place, "a record of an unknown version")
    kind = require_one_of(record, ("trade", "refund"), place)
    fields = record[kind]
    for name, rule in TRADE_RULES if kind == "trade" else REFUND_RULES:
        require(rule(fields[name]), f"{place}, {name}", f"breaks its rule: {fields[name]!r}")
    require(fields["tax"] < fields["amount"], f"{place}, tax", "is not less than the amount")
    last_day = int(day_of_time(time_us).strftime("%Y%m%d"))
    if kind == "trade":
        require(fields["signed_on"] <= fields["settled_on"], f"{place}, settled_on", "lies before signed_on")
    require(fields["settled_on" if kind == "trade" else "occurred_on"] <= last_day, place, "is dated after the day of ingest")
    return kind, fields


# Entries

NAMED_TRADE = {1: ("venue", "text"), 2: ("trade_no", "text"), 3: ("trade_index", "u64")}
TALLY = {1: ("disposition", "u32"), 2: ("count", "u64")}
BODIES = {
    7: ("genesis", {1: ("note", "bytes")}),
    8: ("record", {1: ("venue", "text"), 2: ("generation", "u32"), 3: ("feed_index", "u64"), 4: ("record", "bytes"),
                   5: ("disposition", "u32"), 6: ("refers", "u64")}),
    9: ("push", {1: ("version", "u32"), 2: ("venue", "text"), 3: ("generation", "u32"), 4: ("start", "u64"),
                 5: ("count", "u64"), 6: ("first_index", "u64"), 7: ("note", "bytes"), 8: ("tally", [TALLY]),
                 9: ("dispositions_hash", "bytes")}),
    10: ("order", {1: ("note", "bytes"), 2: ("items", ["text"])}),
    11: ("effect", {1: ("order_index", "u64"), 2: ("item", "u32"),
                    3: ("registered", {1: ("code", "text"), 2: ("name", "text"), 3: ("lists", ["text"])}),
                    4: ("related", {1: ("first", "text"), 2: ("second", "text")}),
                    5: ("delisted", {1: ("code", "text"), 2: ("lists", ["text"])}),
                    6: ("held", NAMED_TRADE), 7: ("released", NAMED_TRADE), 8: ("voided", NAMED_TRADE)}),
    12: ("evidence", {1: ("venue", "text"), 2: ("generation", "u32"), 3: ("size", "u64"), 4: ("note", "bytes"),
                      5: ("push_index", "u64")})}
ENTRY = {1: ("version", "u32"), 2: ("time_us", "u64"), 3: ("previous", "bytes"), 4: ("salt", "bytes"), 5: ("flags", "u32"),
         6: ("links", "packed"), **BODIES}
KINDS = tuple(name for name, _ in BODIES.values())
EFFECTS = ("registered", "related", "delisted", "held", "released", "voided")
STATES = ("held", "released", "voided")
(COUNTED, DUPLICATE_TRADE, DUPLICATE_ADJUST, SELF_TRADE, REFUND_UNKNOWN, REFUND_EXCEEDS, OVERFLOW) = range(1, 8)
DISPOSITIONS = ("", "counted", "duplicate_trade", "duplicate_adjust", "self_trade", "refund_unknown", "refund_exceeds",
                "overflow")
TIME_END_US = int((datetime.datetime(2099, 12, 31, tzinfo=SHANGHAI) - EPOCH) / datetime.timedelta(microseconds=1))


class Entry:
    """One entry, read and checked as far as it can be by itself."""

    def __init__(self, index, data):
        self.index, self.data, self.place = index, data, f"entry {index}"
        require(len(data) <= ENTRY_BYTES_MAX, self.place, f"has {len(data)} bytes")
        message = read_message(data, ENTRY, self.place)
        self.leaf = leaf_hash(data)
        self.time_us, self.previous, self.links = message["time_us"], message["previous"], message["links"]
        self.stepped_back = message["flags"] == 1
        self.kind = require_one_of(message, KINDS, self.place)
        self.body = message[self.kind]
        self.check(message["version"] == 1, "is of an unknown version")
        self.check(1 <= self.time_us < TIME_END_US, "has an impossible time")
        self.check(len(self.previous) == HASH_SIZE, "previous must have 32 bytes")
        self.check(len(message["salt"]) == (0 if self.kind == "record" else 16), "has a salt of another size")
        self.check(message["flags"] <= 1, "has unknown flags")
        self.check(all(link < INDEX_END and (link < index or link == 0) for link in self.links), "a link leads forward")
        self.check((self.kind == "genesis") == (index == 0), "genesis is entry 0 and no other")
        self.effect = self.record = self.record_kind = None
        getattr(self, f"check_{self.kind}")(self.body)

    def check(self, condition, text):
        require(condition, self.place, text)

    def check_note(self, body):
        self.check(1 <= len(body["note"]) <= 65000, "a note of an impossible size")

    check_genesis = check_note

    def check_feed(self, body):
        self.check(is_venue_id(body["venue"]), f"{body['venue']!r} is no venue id")
        self.check(1 <= body["generation"] <= 1000, "generation must be 1 to 1000")

    def check_record(self, body):
        self.check_feed(body)
        self.check(body["feed_index"] < INDEX_END, "feed_index is too large")
        self.check(1 <= body["disposition"] <= 7, f"disposition {body['disposition']} is unknown")
        self.check(body["refers"] < max(self.index, 1), "refers leads forward")
        self.record_kind, self.record = read_record(body["record"], self.time_us, self.place)

    def check_push(self, body):
        self.check_feed(body)
        self.check_note(body)
        self.check(body["version"] == 1, "a push of an unknown version")
        self.check(1 <= body["count"] <= 65536 and body["start"] + body["count"] <= INDEX_END, "an impossible count")
        self.check(body["first_index"] >= 1 and body["first_index"] + body["count"] == self.index,
                   "first_index and count do not lead to the push entry")
        self.check(len(body["dispositions_hash"]) == HASH_SIZE, "dispositions_hash must have 32 bytes")

    def check_order(self, body):
        self.check_note(body)
        self.check(len(body["items"]) <= 1000 and all(is_text(line, 1, ENTRY_BYTES_MAX) for line in body["items"]),
                   "impossible items")

    def check_effect(self, body):
        self.effect = require_one_of(body, EFFECTS, self.place)
        what = body[self.effect]
        self.check(1 <= body["order_index"] < self.index and body["item"] < 1000, "an effect of an impossible order")
        if self.effect in STATES:
            self.check(is_venue_id(what["venue"]) and is_visible(what["trade_no"], 64)
                       and 1 <= what["trade_index"] < self.index, "an effect on an impossible trade")
        elif self.effect == "related":
            self.check(is_code(what["first"]) and is_code(what["second"]) and what["first"] < what["second"],
                       "an impossible pair")
        else:
            lists = what["lists"]
            self.check(is_code(what["code"]) and len(lists) <= 16 and all(map(is_list_name, lists))
                       and lists == sorted(set(lists)), "an impossible code or list")
            self.check(is_text(what["name"], 1, 200) if self.effect == "registered" else lists, "no name, or no lists")

    def check_evidence(self, body):
        self.check_feed(body)
        self.check_note(body)
        self.check(1 <= body["size"] <= INDEX_END and 1 <= body["push_index"] < self.index, "impossible evidence")
