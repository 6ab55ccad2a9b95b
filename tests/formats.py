"""The published formats a second time: a decoder written from proto/FORMAT.md alone, in Python's standard library.

It shares no code with the programs, so that the text, and not the C code, is what defines the formats. By hand:
    python3 tests/formats.py record FILE
    python3 tests/formats.py entry FILE
    python3 tests/formats.py receipt FILE --vkey VKEY
show a file field by field, as the text does, and say whether it keeps the rules; a receipt is verified before.
Ed25519 is plain Python (tests/flow/ed25519.py); SM2 signatures are checked by the openssl program.
"""
import argparse
import base64
import binascii
import collections
import datetime
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tests.flow import ed25519  # noqa: E402  (the path above makes it importable when this file is the program)

INDEX_MAX = 2**53
ENTRY_SIZE_MAX, RECORD_SIZE_MAX, NOTE_SIZE_MAX = 65535, 8192, 65000
TIME_US_END = int((datetime.datetime(2099, 12, 30, 16) - datetime.datetime(1970, 1, 1)).total_seconds()) * 10**6


class Refused(Exception):
    """What is wrong: `kind` is malformed, not_canonical, invalid or signature."""

    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def need(condition, text, kind="invalid"):
    if not condition:
        raise Refused(kind, text)


# ---- messages

ENUMS = {
    "contract_kind": ("", "provide", "process", "fusion", "intermediary"),
    "product_kind": ("", "dataset", "api", "report", "model", "tool", "compute", "other"),
    "declaration": ("", "no", "yes", "not_stated"),
    "disposition": ("", "counted", "duplicate_trade", "duplicate_adjust", "self_trade", "refund_unknown",
                    "refund_exceeds", "overflow"),
}
Field = collections.namedtuple("Field", "number name type of is_repeated is_choice")


def message(text):
    """Fields from lines `number name type`; the type of an enum or message names it, `*` repeats, `|` is of a oneof."""
    rows = []
    for line in text.strip().splitlines():
        number, name, kind = line.split()
        base, _, of = kind.rstrip("*|").partition(":")
        rows.append(Field(int(number), name, base, of, kind.endswith("*") or base == "packed", kind.endswith("|")))
    return rows


MESSAGES = {
    "trade": message("""
        1 trade_no string\n2 contract_no string\n3 contract_hash bytes\n4 contract_kind enum:contract_kind
        5 product_code string\n6 product_name string\n7 product_kind enum:product_kind\n8 supplier string
        9 supplier_name string\n10 buyer string\n11 buyer_name string\n12 broker string\n13 amount uint64\n14 tax uint64
        15 instalment uint32\n16 signed_on uint32\n17 settled_on uint32\n18 voucher_no string\n19 invoice_no string*
        20 related_declared enum:declaration\n21 other_subsidy enum:declaration"""),
    "refund": message("""
        1 adjust_no string\n2 original_trade_no string\n3 amount uint64\n4 tax uint64\n5 occurred_on uint32
        6 reason_code string\n7 reason string\n8 red_invoice_no string"""),
    "record": message("1 version uint32\n2 trade message:trade|\n3 refund message:refund|"),
    "push_sent": message("""
        1 version uint32\n2 start uint64\n3 records bytes*\n4 note bytes\n5 ledger_checkpoint bytes"""),
    "genesis": message("1 note bytes"),
    "record_entry": message("""
        1 venue string\n2 generation uint32\n3 feed_index uint64\n4 record bytes\n5 disposition enum:disposition
        6 refers uint64"""),
    "tally": message("1 disposition enum:disposition\n2 count uint64"),
    "push": message("""
        1 version uint32\n2 venue string\n3 generation uint32\n4 start uint64\n5 count uint64\n6 first_index uint64
        7 note bytes\n8 tally message:tally*\n9 dispositions_hash bytes"""),
    "order": message("1 note bytes\n2 items string*"),
    "registered": message("1 code string\n2 name string\n3 lists string*"),
    "related": message("1 first string\n2 second string"),
    "delisted": message("1 code string\n2 lists string*"),
    "trade_change": message("1 venue string\n2 trade_no string\n3 trade_index uint64"),
    "effect": message("""
        1 order_index uint64\n2 item uint32\n3 registered message:registered|\n4 related message:related|
        5 delisted message:delisted|\n6 held message:trade_change|\n7 released message:trade_change|
        8 voided message:trade_change|"""),
    "evidence": message("1 venue string\n2 generation uint32\n3 size uint64\n4 note bytes\n5 push_index uint64"),
    "entry": message("""
        1 version uint32\n2 time_us uint64\n3 previous bytes\n4 salt bytes\n5 flags uint32\n6 links packed
        7 genesis message:genesis|\n8 record message:record_entry|\n9 push message:push|\n10 order message:order|
        11 effect message:effect|\n12 evidence message:evidence|"""),
}


def put_varint(value):
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(data) + bytes([value])


def take_varint(data, at):
    value = 0
    for count in range(10):
        need(at < len(data), "it ends within a number", "malformed")
        value |= (data[at] & 0x7f) << 7 * count
        at += 1
        if data[at - 1] < 0x80:
            need(value < 2**64, "a number of more than 64 bits", "malformed")
            return value, at
    raise Refused("malformed", "a number of more than ten bytes")


def parts(name, data):
    """The fields as they stand: (field, value, where it begins, where its value begins, where it ends)."""
    known, at = {field.number: field for field in MESSAGES[name]}, 0
    while at < len(data):
        begin = at
        tag, at = take_varint(data, at)
        field = known.get(tag >> 3)
        need(field is not None and tag < 2**32, f"unknown field {tag >> 3} of {name}", "malformed")
        is_sized = field.type in ("string", "bytes", "message", "packed")
        need(tag & 7 == (2 if is_sized else 0), f"wire type {tag & 7} of {name}.{field.name}", "malformed")
        value, at = take_varint(data, at)
        inner = at
        if is_sized:
            need(value <= len(data) - at, f"{name}.{field.name} is cut", "malformed")
            value, at = bytes(data[at:at + value]), at + value
        yield field, value, begin, inner, at


def numbers_of(data):
    numbers, at = [], 0
    while at < len(data):
        number, at = take_varint(data, at)
        numbers.append(number)
    return numbers


def decode_any(name, data):
    """Values by name; takes second encodings, as lax decoders do: the last of a doubled field, any order."""
    values = {field.name: [] if field.is_repeated else None if field.is_choice else
              "" if field.type == "string" else b"" if field.type == "bytes" else 0 for field in MESSAGES[name]}
    for field, value, *_ in parts(name, data):
        if field.type == "message":
            value = decode_any(field.of, value)
        elif field.type == "packed":
            values[field.name] += numbers_of(value)
            continue
        elif field.type == "string":
            need(0 not in value, f"{name}.{field.name} holds U+0000", "not_canonical")
            try:
                value = value.decode()
            except UnicodeDecodeError as error:
                raise Refused("invalid", f"{name}.{field.name} is not UTF-8") from error
        elif field.type in ("uint32", "enum"):
            value &= 2**32 - 1
        if field.is_choice:
            values.update({other.name: None for other in MESSAGES[name] if other.is_choice})
        if field.is_repeated:
            values[field.name].append(value)
        else:
            values[field.name] = value
    choices = [field.name for field in MESSAGES[name] if field.is_choice]
    need(not choices or any(values[choice] is not None for choice in choices), f"{name} without a body", "malformed")
    return values


def encode(name, values):
    """The canonical encoding."""
    data = b""
    for field in MESSAGES[name]:
        value = values.get(field.name) if field.is_choice else values[field.name]
        if field.type == "packed":
            elements = [b"".join(put_varint(number) for number in value)] if value else []
        elif field.is_repeated:
            elements = value
        else:
            elements = [] if value is None or not field.is_choice and not value else [value]
        for element in elements:
            if field.type == "message":
                element = encode(field.of, element)
            if isinstance(element, int):
                data += put_varint(field.number << 3) + put_varint(element)
            else:
                element = element.encode() if isinstance(element, str) else element
                data += put_varint(field.number << 3 | 2) + put_varint(len(element)) + element
    return data


def decode(name, data):
    """Values of the one canonical encoding."""
    values = decode_any(name, data)
    need(encode(name, values) == data, f"the canonical encoding of this {name} is another", "not_canonical")
    return values


def rows_of(name, data, depth=0):
    """What the text shows of a message: (depth, number, name, value as text, bytes), nested fields after their own."""
    for field, value, begin, inner, end in parts(name, data):
        if field.type == "message":
            yield depth, field.number, field.name, f"{len(value)} bytes", data[begin:inner]
            yield from rows_of(field.of, value, depth + 1)
            continue
        if field.type == "string":
            text = f'"{value.decode()}"'
        elif field.type == "bytes":
            text = value.hex() if len(value) <= 32 else f"{len(value)} bytes"
        elif field.type == "packed":
            text = ", ".join(str(number) for number in numbers_of(value))
        elif field.type == "enum":
            names = ENUMS[field.of]
            text = f"{value} {names[value] if value < len(names) else '?'}"
        else:
            text = str(value)
        yield depth, field.number, field.name, text, data[begin:end]


def show(name, data):
    lines = []
    for _, number, field, text, chunk in rows_of(name, data):
        digits = chunk.hex()
        lines += [digits[at:at + 64] for at in range(0, len(digits), 64)]
        lines[-1] = f"{lines[-1]:<66}{number} {field}: {text}"
    return "\n".join(lines) + f"\n{len(data)} bytes, leaf hash {leaf_hash(data).hex()}"


# ---- rules

CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_code(text):
    if len(text) != 18 or any(letter not in CODE_ALPHABET for letter in text):
        return False
    total = sum(CODE_ALPHABET.index(letter) * 3**place for place, letter in enumerate(text[:17]))
    return CODE_ALPHABET.index(text[17]) == (31 - total) % 31


def is_date(number):
    try:
        day = datetime.date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return 1990 <= day.year <= 2099


def is_visible(text, most):
    return 1 <= len(text) <= most and all("!" <= letter <= "~" for letter in text)


def is_text(text, least, most):
    return least <= len(text.encode()) <= most and all(letter >= " " and letter != "\x7f" for letter in text)


def is_invoice(text):
    return re.fullmatch(r"[0-9]{18}|[0-9]{20}", text) is not None


def is_enum(value, name):
    return 1 <= value < len(ENUMS[name])


def is_venue(text):
    return re.fullmatch(r"[a-z][a-z0-9-]{0,31}", text) is not None


def money_faults(values):
    rows = [("amount", 1 <= values["amount"] <= 10**13), ("tax", 0 <= values["tax"] < values["amount"])]
    return [name for name, is_right in rows if not is_right]


def record_faults(values):
    """The names of the fields that break a rule; "" for the version."""
    faults = [] if values["version"] == 1 else [""]
    trade, refund = values["trade"], values["refund"]
    if refund is not None:
        rows = [("adjust_no", is_visible(refund["adjust_no"], 64)),
                ("original_trade_no", is_visible(refund["original_trade_no"], 64)),
                ("occurred_on", is_date(refund["occurred_on"])), ("reason_code", is_visible(refund["reason_code"], 32)),
                ("reason", is_text(refund["reason"], 0, 500)),
                ("red_invoice_no", not refund["red_invoice_no"] or is_invoice(refund["red_invoice_no"]))]
        return faults + money_faults(refund) + [name for name, is_right in rows if not is_right]
    rows = [("trade_no", is_visible(trade["trade_no"], 64)), ("contract_no", is_text(trade["contract_no"], 1, 128)),
            ("contract_hash", len(trade["contract_hash"]) == 32),
            ("contract_kind", is_enum(trade["contract_kind"], "contract_kind")),
            ("product_code", is_text(trade["product_code"], 1, 64)),
            ("product_name", is_text(trade["product_name"], 1, 200)),
            ("product_kind", is_enum(trade["product_kind"], "product_kind")), ("supplier", is_code(trade["supplier"])),
            ("supplier_name", is_text(trade["supplier_name"], 0, 200)), ("buyer", is_code(trade["buyer"])),
            ("buyer_name", is_text(trade["buyer_name"], 0, 200)),
            ("broker", not trade["broker"] or is_code(trade["broker"])),
            ("instalment", 1 <= trade["instalment"] <= 9999),
            ("signed_on", is_date(trade["signed_on"])),
            ("settled_on", is_date(trade["settled_on"]) and trade["settled_on"] >= trade["signed_on"]),
            ("voucher_no", is_visible(trade["voucher_no"], 64)),
            ("invoice_no", len(trade["invoice_no"]) <= 8 and all(map(is_invoice, trade["invoice_no"]))),
            ("related_declared", is_enum(trade["related_declared"], "declaration")),
            ("other_subsidy", is_enum(trade["other_subsidy"], "declaration"))]
    return faults + money_faults(trade) + [name for name, is_right in rows if not is_right]


def read_record(data):
    """A record that keeps every rule."""
    need(len(data) <= RECORD_SIZE_MAX, f"a record of {len(data)} bytes")
    values = decode("record", data)
    faults = record_faults(values)
    need(not faults, f"fields {faults}")
    return values


def check_push_entry(push, links):
    counts = [row["count"] for row in push["tally"]]
    kinds = [row["disposition"] for row in push["tally"]]
    need(push["version"] == 1 and is_venue(push["venue"]), "version or venue")
    need(1 <= push["generation"] <= 1000, "generation")
    need(1 <= push["count"] <= 65536 and push["start"] + push["count"] <= INDEX_MAX, "start and count")
    need(push["first_index"] >= 1 and push["first_index"] + push["count"] <= INDEX_MAX, "first_index")
    need(1 <= len(push["note"]) <= NOTE_SIZE_MAX and len(push["dispositions_hash"]) == 32, "note or hash")
    need(kinds == sorted(set(kinds)) and all(is_enum(kind, "disposition") for kind in kinds), "the tally's order")
    need(0 not in counts and sum(counts) == push["count"] and not links, "the tally's sum, or links")


def check_record_entry(record, links):
    kind = record["disposition"]
    need(is_venue(record["venue"]) and 1 <= record["generation"] <= 1000, "venue or generation")
    need(record["feed_index"] < INDEX_MAX and record["refers"] < INDEX_MAX, "feed_index or refers")
    need(1 <= len(record["record"]) <= RECORD_SIZE_MAX and is_enum(kind, "disposition"), "record or disposition")
    may_be_unknown = ENUMS["disposition"][kind] in ("duplicate_adjust", "refund_unknown")
    need(len(links) == 2 or may_be_unknown and not links, "links")


TRADE_CHANGES = ("held", "released", "voided")


def are_lists(names, least):
    return least <= len(names) <= 16 and names == sorted(set(names)) and all(
        re.fullmatch(r"[a-z0-9_-]{1,32}", name) for name in names)


def check_effect(effect, links):
    need(1 <= effect["order_index"] < INDEX_MAX and effect["item"] <= 999, "order_index or item")
    kind = next(field.name for field in MESSAGES["effect"] if field.is_choice and effect[field.name] is not None)
    row = effect[kind]
    if kind == "related":
        need(is_code(row["first"]) and is_code(row["second"]) and row["first"] < row["second"] and len(links) == 2,
             "related")
    elif kind in TRADE_CHANGES:
        need(is_venue(row["venue"]) and is_visible(row["trade_no"], 64) and len(links) == 2, kind)
        need(1 <= row["trade_index"] < INDEX_MAX, "trade_index")
    else:
        need(is_code(row["code"]) and len(links) == 1, kind)
        need(kind == "delisted" or is_text(row["name"], 1, 200), "name")
        need(are_lists(row["lists"], 1 if kind == "delisted" else 0), "lists")


def check_evidence(evidence, links):
    need(is_venue(evidence["venue"]) and 1 <= evidence["generation"] <= 1000, "venue or generation")
    need(1 <= evidence["size"] <= INDEX_MAX and 1 <= evidence["push_index"] < INDEX_MAX, "size or push_index")
    need(1 <= len(evidence["note"]) <= NOTE_SIZE_MAX and not links, "note or links")


def read_entry(data):
    """An entry that keeps every rule that needs no other entry; its kind is in "kind"."""
    need(len(data) <= ENTRY_SIZE_MAX, f"an entry of {len(data)} bytes")
    values = decode("entry", data)
    kind = next(field.name for field in MESSAGES["entry"] if field.is_choice and values[field.name] is not None)
    links, body = values["links"], values[kind]
    need(values["version"] == 1 and 1 <= values["time_us"] < TIME_US_END, "version or time")
    need(len(values["previous"]) == 32 and (values["previous"] == bytes(32)) == (kind == "genesis"), "previous")
    need(len(values["salt"]) == (0 if kind == "record" else 16) and values["flags"] <= 1, "salt or flags")
    need(all(link < INDEX_MAX for link in links), "links")
    if kind == "record":
        check_record_entry(body, links)
    elif kind == "push":
        check_push_entry(body, links)
    elif kind == "effect":
        check_effect(body, links)
    elif kind == "evidence":
        check_evidence(body, links)
    else:
        need(1 <= len(body["note"]) <= NOTE_SIZE_MAX and not links, "note or links")
        items = body.get("items", [])
        need(len(items) <= 1000 and all(is_text(item, 1, ENTRY_SIZE_MAX) for item in items), "items")
    return dict(values, kind=kind)


# ---- trees

def sha256(*data):
    return hashlib.sha256(b"".join(data)).digest()


def leaf_hash(data):
    return sha256(b"\0", data)


def node(left, right):
    return sha256(b"\1", left, right)


class Frontier:
    """The roots of a tree's full subtrees, largest first."""

    def __init__(self, leaves=()):
        self.size, self.hashes = 0, []
        for leaf in leaves:
            self.add(leaf)

    def add(self, data):
        digest, size = leaf_hash(data), self.size
        while size & 1:
            digest, size = node(self.hashes.pop(), digest), size >> 1
        self.hashes.append(digest)
        self.size += 1

    def root(self):
        if not self.hashes:
            return sha256()
        digest = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            digest = node(left, digest)
        return digest


def split(size):
    return 1 << (size - 1).bit_length() - 1


def path_of(index, leaves):
    """The inclusion path of a leaf, its sibling first (RFC 6962 section 2.1.1)."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return path_of(index, leaves[:half]) + [Frontier(leaves[half:]).root()]
    return path_of(index - half, leaves[half:]) + [Frontier(leaves[:half]).root()]


def root_of_path(index, size, digest, path):
    """The root that a path leads to: at each level down from the root, the side the leaf is on and its half's size."""
    sides = []
    while size > 1:
        half = split(size)
        sides.append(index >= half)
        index, size = (index - half, size - half) if index >= half else (index, half)
    need(len(sides) == len(path), "a path of another length")
    for is_right, step in zip(reversed(sides), path):
        digest = node(step, digest) if is_right else node(digest, step)
    return digest


# ---- keys and notes

SM2_TYPE = b"\xffSM2-SM3-v1"
SM2_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")    # DER before 04 || X || Y
Key = collections.namedtuple("Key", "name type id material")


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("malformed", f"not base64: {text}") from error
    need(base64.b64encode(data).decode() == text, f"not the one base64: {text}", "malformed")
    return data


def is_key_name(name):
    return 1 <= len(name.encode()) <= 128 and "+" not in name and not any(
        letter.isspace() or letter < " " or letter == "\x7f" for letter in name)


def parse_vkey(text):
    name, digits, material = (text.split("+", 2) + ["", ""])[:3]
    data = unbase64(material)
    size = len(SM2_TYPE) if data.startswith(SM2_TYPE) else 1
    kind, point = data[:size], data[size:]
    need(is_key_name(name) and kind in (b"\1", b"\4", SM2_TYPE), f"name or type of {text}")
    need(len(point) == (65 if kind == SM2_TYPE else 32), f"size of {text}", "malformed")
    need(sha256(name.encode(), b"\n", kind, point)[:4].hex() == digits, f"the id of {text} is another's")
    return Key(name, kind, bytes.fromhex(digits), point)


def verify_sm2(point, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key.der", "text", "signature")]
        for path, data in zip(paths, (SM2_SPKI + point, text, signature)):
            with open(path, "wb") as file:
                file.write(data)
        result = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0],
                                 "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-in", paths[1],
                                 "-sigfile", paths[2]], capture_output=True, check=False)
    return result.returncode == 0


def verify(key, text, signature):
    if key.type == SM2_TYPE:
        return verify_sm2(key.material, text, signature)
    if key.type == b"\4":
        need(len(signature) == 72, "a cosignature of another size")
        seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        text = f"cosignature/v1\ntime {seconds}\n".encode() + text
    return len(signature) == 64 and ed25519.verify(key.material, text, signature)


def split_note(note):
    """Text, and (name, key id, signature) of each line."""
    text, separator, tail = note.rpartition(b"\n\n")
    need(separator and tail.endswith(b"\n"), "no signature lines", "malformed")
    rows = []
    for line in tail.decode().splitlines():
        found = re.fullmatch(r"— (\S+) (\S+)", line)
        need(found, f"not a signature line: {line}", "malformed")
        data = unbase64(found[2])
        need(len(data) >= 4, f"no key id: {line}", "malformed")
        rows.append((found[1], data[:4], data[4:]))
    need(len(rows) <= 32, "more than 32 signature lines")
    return text + b"\n", rows


def signers_of(note, keys):
    """The keys that signed; a line of a known key must verify."""
    text, rows = split_note(note)
    signers = []
    for name, key_id, signature in rows:
        key = next((key for key in keys if (key.name, key.id) == (name, key_id)), None)
        if key is not None:
            need(verify(key, text, signature), f"the signature of {name} does not verify", "signature")
            signers.append(key)
    return signers


def parse_checkpoint(text):
    """Origin, size, root."""
    lines = text.decode().split("\n")
    need(len(lines) == 4 and lines[0] and not lines[3], "a checkpoint has three lines", "malformed")
    need(re.fullmatch(r"0|[1-9][0-9]*", lines[1]), f"size {lines[1]}", "malformed")
    root = unbase64(lines[2])
    need(len(root) == 32, "a root of another size", "malformed")
    return lines[0], int(lines[1]), root


def read_claim(text):
    """Origin, ledger id, code, index of the newest entry, size, root."""
    lines = text.decode().split("\n")
    need(len(lines) == 8 and lines[0] == "subsidy.head/v1" and lines[1] and not lines[7], "a claim has seven lines", "malformed")
    need(re.fullmatch("[0-9a-f]{16}", lines[2]) and is_code(lines[3]), "ledger id or code", "malformed")
    need(all(re.fullmatch("[1-9][0-9]*", line) for line in lines[4:6]) and int(lines[4]) < int(lines[5]), "index or size",
         "malformed")
    root = unbase64(lines[6])
    need(len(root) == 32, "a root of another size", "malformed")
    return lines[1], lines[2], lines[3], int(lines[4]), int(lines[5]), root


def verify_receipt(data, key):
    """Index, size of the ledger, and the leaf that the receipt proves."""
    head, separator, note = data.partition(b"\n\n")
    lines = head.decode().split("\n")
    need(separator and len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "not a tlog-proof", "malformed")
    need(lines[1].startswith("extra "), "no extra line", "malformed")
    need(re.fullmatch(r"index (0|[1-9][0-9]*)", lines[2]), "no index line", "malformed")
    leaf, index = unbase64(lines[1][len("extra "):]), int(lines[2][len("index "):])
    need(key in signers_of(note, [key]), "the ledger's key has not signed", "signature")
    origin, size, root = parse_checkpoint(split_note(note)[0])
    need(origin == key.name and index < size, "origin or index")
    path = [unbase64(line) for line in lines[3:]]
    need(root_of_path(index, size, leaf_hash(leaf), path) == root, "the path does not lead to the root")
    return index, size, leaf


# ---- genesis and orders

def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_json(line, keys):
    """One compact line of JSON with exactly these keys, in this order."""
    value = json.loads(line)
    need(compact(value) == line, "another spelling", "not_canonical")
    need(list(value) == keys, f"keys {list(value)}, not {keys}")
    return value


def quorum_is_met(slots, roles):
    """Whether the signing officers' roles fill the slots, one officer each."""
    return any(all(role in slot for slot, role in zip(slots, chosen))
               for chosen in itertools.permutations(roles, len(slots)))


def read_genesis(text):
    """Origin, and the line's content; officers' keys become Key."""
    first, origin, line, end = text.decode().split("\n")
    need(first == "subsidy.genesis/v1" and end == "" and len(text) <= 60000, "not a genesis", "malformed")
    keys = ["rules", "random", "ledger_key", "officers", "quorums"]
    genesis = read_json(line, keys + ["continues"] * (',"continues":{' in line))
    genesis["ledger_key"] = parse_vkey(genesis["ledger_key"])
    need(genesis["rules"] == 1 and re.fullmatch("[0-9a-f]{64}", genesis["random"]), "rules or random")
    need(genesis["ledger_key"].name == origin and genesis["ledger_key"].type == b"\1", "the ledger's key")
    for officer in genesis["officers"]:
        need(list(officer) == ["name", "role", "keys"] and 1 <= len(officer["keys"]) <= 4, "an officer")
        officer["keys"] = [parse_vkey(vkey) for vkey in officer["keys"]]
        need(all(key.name == officer["name"] and key.type != b"\4" for key in officer["keys"]), "an officer's keys")
    materials = [key.material for officer in genesis["officers"] for key in officer["keys"]]
    materials.append(genesis["ledger_key"].material)
    need(len(set(materials)) == len(materials), "a key twice")
    roles = [officer["role"] for officer in genesis["officers"]]
    need(all(quorum_is_met(slots, roles) for slots in genesis["quorums"].values()), "a quorum nobody can meet")
    if "continues" in genesis:
        need(genesis["continues"]["origin"] != origin, "the origin of the ledger that is continued")
    return origin, genesis


ITEM_KEYS = {"enterprise.register": ["code", "name", "lists", "salt"], "enterprise.relate": ["codes", "salt"],
             "grant.add": ["token_hash", "subject", "holder", "scope", "expires", "salt"],
             "enterprise.delist": ["code", "lists", "reason", "salt"], "grant.revoke": ["token_hash", "reason", "salt"]}
ITEM_KEYS.update({kind: ["venue", "trade_no", "reason", "salt"] for kind in ("trade.hold", "trade.release", "trade.void")})
BODY_KEYS = {"venue.license": ["venue", "name", "keys"], "policy.adopt": ["policy"],
             "venue.suspend": ["venue", "reason"], "venue.resume": ["venue", "reason"],
             "venue.key": ["venue", "add", "revoke", "new_generation", "reason"],
             "venue.distrust": ["venue", "key", "from", "reason"],
             "officer.add": ["name", "role", "keys"], "officer.remove": ["name", "reason"],
             "quorum.set": ["quorums"], "log.key": ["add", "retire", "reason"], "rules.set": ["rules"]}


def read_order(text, items):
    """Origin, ledger id, and the line's content with the items' as "lines"."""
    first, origin, ledger_id, line, end = text.decode().split("\n")
    need(first == "subsidy.order/v1" and end == "", "not an order", "malformed")
    need(re.fullmatch("[0-9a-f]{16}", ledger_id), "not a ledger id", "malformed")
    kind = json.loads(line)["type"]
    has_items = kind in ITEM_KEYS
    order = read_json(line, ["id", "type", "expires", "made_at_size", "body"] + ["items"] * has_items)
    need(list(order["body"]) == BODY_KEYS.get(kind, []) and is_visible(order["id"], 64), "body or id")
    need(is_date(int(order["expires"].replace("-", ""))) and 1 <= order["made_at_size"] <= INDEX_MAX, "expires or size")
    need(has_items == bool(items), "items")
    if kind == "venue.distrust":
        need(type(order["body"]["from"]) is int and 1 <= order["body"]["from"] <= order["made_at_size"], "from")
        need(parse_vkey(order["body"]["key"]).name == order["body"]["venue"], "a key of another name")
    need(all(is_text(row["reason"], 1, 500) for row in [order["body"]] + list(map(json.loads, items)) if "reason" in row),
         "reason")
    if has_items:
        root = Frontier([item.encode() for item in items]).root()
        need(order["items"] == {"count": len(items), "root": base64.b64encode(root).decode()}, "items_mismatch")
        order["lines"] = [read_json(item, ITEM_KEYS[kind]) for item in items]
        need(all(re.fullmatch("[0-9a-f]{32}", row["salt"]) for row in order["lines"]), "salt")
    return origin, ledger_id, order


# ---- by hand

def main():
    parser = argparse.ArgumentParser(description="Shows a record, an entry or a receipt, and whether it is right.")
    commands = parser.add_subparsers(dest="kind", required=True)
    for kind in ("record", "entry", "receipt"):
        command = commands.add_parser(kind)
        command.add_argument("file")
        if kind == "receipt":
            command.add_argument("--vkey", required=True, help="the ledger's public key")
    args = parser.parse_args()
    with open(args.file, "rb") as file:
        data = file.read()
    try:
        if args.kind == "receipt":
            index, size, data = verify_receipt(data, parse_vkey(args.vkey))
            print(f"entry {index} of the ledger at size {size}; signature and path verify")
        print(show("record" if args.kind == "record" else "entry", data))
        (read_record if args.kind == "record" else read_entry)(data)
    except (Refused, UnicodeDecodeError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    print("keeps every rule")
    return 0


if __name__ == "__main__":
    sys.exit(main())
