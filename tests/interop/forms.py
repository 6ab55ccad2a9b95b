"""What the example pusher sends and gets, as bytes: messages, rows, trees, keys, notes, receipts.

From proto/FORMAT.md alone; nothing here reads a state or speaks to a server. See push.py.
"""
import base64
import collections
import csv
import hashlib
import json
import os
import re
import subprocess

DIGEST_SIZE = 32


class Stop(Exception):
    """The end of the run, with its exit code and what to say."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def refused(text):
    return Stop(1, text)


def misused(text):
    return Stop(2, text)


def contradicted(text):
    return Stop(3, text)


def unreached(text):
    return Stop(4, text)


def require(condition, text):
    """What an answer must be; a broken one is a contradiction, never an assertion."""
    if not condition:
        raise contradicted(text)


# Protobuf: FORMAT.md, "Canonical encoding"


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field_number(number, value):
    """A default is absent."""
    return varint(number << 3) + varint(value) if value else b""


def field_always(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def field_bytes(number, value):
    return field_always(number, value) if value else b""


def field_text(number, value):
    return field_bytes(number, value.encode("utf-8"))


def read_varint(data, at):
    value = shift = 0
    while True:
        require(at < len(data) and shift < 64, "a number in the message is cut short or too long")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def read_fields(data):
    """The (number, value) of a message with wire types 0 and 2, which are all there are."""
    at, out = 0, []
    while at < len(data):
        tag, at = read_varint(data, at)
        value, at = read_varint(data, at)
        require(tag & 7 in (0, 2), "the message has a field of a wire type that is not used")
        if tag & 7 == 2:
            require(at + value <= len(data), "a field of the message is cut short")
            value, at = data[at:at + value], at + value
        out.append((tag >> 3, value))
    return out


def read_message(data, repeated=()):
    """Fields by number; those of `repeated` as lists."""
    out = {number: [] for number in repeated}
    for number, value in read_fields(data):
        if number in repeated:
            out[number].append(value)
        else:
            require(number not in out, f"field {number} stands twice")
            out[number] = value
    return out


# Rows: FORMAT.md, "CSV and JSON Lines" and "Records". Whether a value keeps the rules is for the ledger to say.

CONTRACT_KINDS = {"provide": 1, "process": 2, "fusion": 3, "intermediary": 4}
PRODUCT_KINDS = {"dataset": 1, "api": 2, "report": 3, "model": 4, "tool": 5, "compute": 6, "other": 7}
DECLARATIONS = {"no": 1, "yes": 2, "not_stated": 3}
TRADE_COLUMNS = ("trade_no contract_no contract_hash contract_kind product_code product_name product_kind "
                 "supplier supplier_name buyer buyer_name broker amount tax instalment signed_on settled_on voucher_no "
                 "invoice_no related_declared other_subsidy").split()
REFUND_COLUMNS = "adjust_no original_trade_no amount tax occurred_on reason_code reason red_invoice_no".split()


def to_fen(text):
    """Yuan to fen without a float in between."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?", text)
    if not match:
        raise ValueError("expected yuan with at most two decimals, such as 1200.50")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def to_date(text):
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("expected a date such as 2025-01-05")
    return int(text.replace("-", ""))


def to_choice(choices, default=None):
    def convert(text):
        if (text or default) not in choices:
            raise ValueError("expected one of " + ", ".join(choices))
        return choices[text or default]
    return convert


def to_instalment(text):
    if not re.fullmatch(r"[0-9]{0,4}", text):
        raise ValueError("expected 1 to 9999")
    return int(text or 1)


def to_hash(text):
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise ValueError("expected 64 hex digits")
    return bytes.fromhex(text)


CONVERTERS = {
    "amount": to_fen, "tax": to_fen, "signed_on": to_date, "settled_on": to_date, "occurred_on": to_date,
    "contract_kind": to_choice(CONTRACT_KINDS), "product_kind": to_choice(PRODUCT_KINDS),
    "related_declared": to_choice(DECLARATIONS, "not_stated"), "other_subsidy": to_choice(DECLARATIONS, "not_stated"),
    "instalment": to_instalment, "contract_hash": to_hash}


def encode_fields(row, columns):
    """The columns stand in the order of their field numbers, from 1."""
    out = b""
    for number, column in enumerate(columns, 1):
        value = row.get(column, "")
        try:
            if column == "invoice_no":
                numbers = value if isinstance(value, list) else re.split("[;；]", value) if value else []
                out += b"".join(field_always(number, item.strip().encode()) for item in numbers)
                continue
            value = CONVERTERS.get(column, str.encode)(value)
        except ValueError as error:
            raise ValueError(f"{column}: {value!r}: {error}") from None
        out += field_number(number, value) if isinstance(value, int) else field_bytes(number, value)
    return out


def encode_record(row):
    """The PbRecord of a row."""
    kind = row.get("kind") or "trade"
    if kind not in ("trade", "refund"):
        raise ValueError(f"kind: {kind!r}: expected trade or refund")
    columns, other = (TRADE_COLUMNS, REFUND_COLUMNS) if kind == "trade" else (REFUND_COLUMNS, TRADE_COLUMNS)
    for column, value in row.items():
        if column != "kind" and column not in columns and (column not in other or value):
            raise ValueError(f"{column}: no column of a {kind}")
    body = encode_fields(row, columns)
    return field_number(1, 1) + field_always(2 if kind == "trade" else 3, body)


def record_number(record):
    """(2 for trades or 3 for refunds, the venue's number): what a row and a record are laid beside each other by."""
    message = read_message(record)
    kind = 2 if 2 in message else 3
    return kind, dict(read_fields(message[kind])).get(1, b"")


def read_csv(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        # The head is row 1. A line break within quotes does not begin a row, so that rows are counted here.
        for number, row in enumerate(reader, 2):
            if None in row or None in row.values():
                raise misused(f"{path}: row {number} has not as many cells as the head")
            yield number, row


def read_json_rows(path):
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    if text.lstrip().startswith("["):
        yield from enumerate(json.loads(text), 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, json.loads(line)


def clean(row):
    """Texts without the white space around them; null is as good as nothing."""
    out = {}
    for column, value in row.items():
        if isinstance(value, int) and column == "instalment":
            value = str(value)
        if not isinstance(value, (str, list, type(None))):
            raise ValueError(f"{column}: expected a text")
        out[column] = value.strip() if isinstance(value, str) else value or ""
    return out


def read_rows(path):
    """[(row number, record)], or Stop with every fault of the file."""
    out, faults = [], []
    try:
        for number, row in read_csv(path) if path.endswith(".csv") else read_json_rows(path):
            try:
                out.append((number, encode_record(clean(row))))
            except (ValueError, AttributeError) as error:
                faults.append(f"row {number}: {error}")
    except (OSError, ValueError, csv.Error) as error:
        raise misused(f"{path}: {error}") from None
    if faults:
        raise refused("\n".join(faults))
    return out


def choose_rows(rows, held):
    """FORMAT.md, "What is pushed": (rows to push, how many are held already, warnings)."""
    held_by_number, rows_by_number = collections.defaultdict(list), collections.defaultdict(list)
    for record in held:
        held_by_number[record_number(record)].append(record)
    for number, record in rows:
        rows_by_number[record_number(record)].append((number, record))
    chosen, faults, warnings = [], [], []
    for key, same in rows_by_number.items():
        left = collections.Counter(held_by_number[key])
        rest, matched = [], None
        for number, record in same:
            if left[record] > 0:
                left[record] -= 1
                matched = matched or number
            else:
                rest.append((number, record))
        if held_by_number[key] and matched is None:
            faults += [f"row {number}: {key[1].decode()} is in the ledger with another content; refund it in full and "
                       "push it again under a new number" for number, _ in rest]
        warnings += [f"row {number} repeats the number of row {matched or same[0][0]} and will not count"
                     for number, _ in (rest if matched else rest[1:])]
        chosen += rest
    if faults:
        raise refused("\n".join(faults))
    chosen.sort(key=lambda pair: pair[0])
    return chosen, len(rows) - len(chosen), warnings


# Trees: FORMAT.md, "Trees"


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """The roots of the full subtrees, largest first: all that appending needs."""

    def __init__(self, leaves=()):
        self.size = 0
        self.roots = []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf):
        new, size = leaf_hash(leaf), self.size
        while size & 1:  # the last subtree is as large as the new one
            new = node_hash(self.roots.pop(), new)
            size >>= 1
        self.roots.append(new)
        self.size += 1

    def root(self):
        if not self.roots:
            return hashlib.sha256(b"").digest()
        out = self.roots[-1]
        for earlier in reversed(self.roots[:-1]):
            out = node_hash(earlier, out)
        return out


def root_of_path(leaf, index, size, path):
    """The root that an inclusion path leads to (RFC 9162, section 2.1.3.2); None for a path of the wrong length."""
    node, last, out = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            out = node_hash(sibling, out)
            while node and not node & 1:  # this node had no sibling on these levels
                node, last = node >> 1, last >> 1
        else:
            out = node_hash(out, sibling)
        node, last = node >> 1, last >> 1
    return out if last == 0 else None


# Keys: FORMAT.md, "Keys and signed notes". openssl reads them from memory files, so that no secret reaches a disk.

ED25519, SM2 = b"\x01", b"\xffSM2-SM3-v1"
# DER up to the secret or public bytes: PKCS #8 and SubjectPublicKeyInfo.
PRIVATE_DER = {ED25519: bytes.fromhex("302e020100300506032b657004220420"),
               SM2: bytes.fromhex("3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420")}
PUBLIC_DER = {ED25519: bytes.fromhex("302a300506032b6570032100"),
              SM2: bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")}
SIGN_OPTIONS = {ED25519: [], SM2: ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]}


def openssl(*words, **files):
    """Runs openssl; `files` are bytes that it reads under the words {name}. (Whether it succeeded, what it wrote)."""
    handles = {}
    try:
        for name, content in files.items():
            handles[name] = os.memfd_create(name)
            os.write(handles[name], content)
        command = ["openssl"] + [word.format(**{name: f"/dev/fd/{handle}" for name, handle in handles.items()})
                                 for word in words]
        done = subprocess.run(command, pass_fds=handles.values(), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, check=False)
    finally:
        for handle in handles.values():
            os.close(handle)
    return done.returncode == 0, done.stdout


def split_type(data):
    """(type, the key's bytes)"""
    for kind in (ED25519, SM2):
        if data.startswith(kind):
            return kind, data[len(kind):]
    raise misused("the key is of a type that is not known here")


class PublicKey:
    def __init__(self, name, kind, data):
        self.name, self.kind, self.data = name, kind, data
        self.id = hashlib.sha256(name.encode() + b"\n" + kind + data).digest()[:4]

    @classmethod
    def read(cls, text):
        try:
            name, key_id, data = text.split("+", 2)
            key = cls(name, *split_type(base64.b64decode(data, validate=True)))
        except ValueError:
            raise misused(f"{text!r} is no public key") from None
        if key.id.hex() != key_id or len(key.data) != {ED25519: 32, SM2: 65}[key.kind]:
            raise misused(f"the id of the public key {text!r} is another key's")
        return key

    def text(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.kind + self.data).decode()}"

    def verifies(self, text, signature):
        return openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-in", "{text}",
                       "-sigfile", "{signature}", *SIGN_OPTIONS[self.kind], key=PUBLIC_DER[self.kind] + self.data,
                       text=text.encode(), signature=signature)[0]


class PrivateKey:
    def __init__(self, name, kind, secret):
        self.der = PRIVATE_DER[kind] + secret
        is_done, public = openssl("pkey", "-inform", "DER", "-in", "{key}", "-pubout", "-outform", "DER", key=self.der)
        if not is_done or len(secret) != 32:
            raise misused("openssl does not take the private key")
        self.public = PublicKey(name, kind, public[len(PUBLIC_DER[kind]):])

    @classmethod
    def read(cls, line):
        try:
            private, key, name, key_id, data = line.strip().split("+", 4)
            out = cls(name, *split_type(base64.b64decode(data, validate=True)))
        except ValueError:
            raise misused("the key file holds no PRIVATE+KEY line") from None
        if (private, key) != ("PRIVATE", "KEY") or out.public.id.hex() != key_id:
            raise misused("the id in the key file is another key's")
        return out

    def sign(self, text):
        """The signed note of a text that ends in a newline."""
        is_done, signature = openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", "{key}", "-in",
                                     "{text}", *SIGN_OPTIONS[self.public.kind], key=self.der, text=text.encode())
        if not is_done:
            raise misused("openssl could not sign")
        return f"{text}\n— {self.public.name} {base64.b64encode(self.public.id + signature).decode()}\n"


def open_note(note, key):
    """The text of a note that carries a signature by `key`."""
    text, separator, signatures = note.rpartition("\n\n")
    require(separator and note.endswith("\n"), "the text is no signed note")
    text += "\n"
    found = False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"— ([^ ]+) ([A-Za-z0-9+/]+=*)", line)
        require(match, "a line under the note is no signature")
        try:
            data = base64.b64decode(match[2], validate=True)
        except ValueError:
            raise contradicted("a signature under the note is no base64") from None
        if match[1] == key.name and data[:4] == key.id:
            require(key.verifies(text, data[4:]), f"the signature by {key.name} does not verify")
            found = True
    require(found, f"the note carries no signature by {key.name}")
    return text


def checkpoint_text(origin, size, root):
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(text):
    """(origin, size, root)"""
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n", text)
    require(match, "the text is no checkpoint")
    return match[1], int(match[2]), base64.b64decode(match[3])


# Receipts: FORMAT.md, "Receipts", and "Entries"


def open_receipt(receipt, ledger_key):
    """(entry bytes, index, checkpoint note), all proven by the ledger's key."""
    head, separator, note = receipt.partition("\n\n")
    lines = head.split("\n")
    require(separator and len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("extra ")
            and re.fullmatch(r"index (0|[1-9][0-9]*)", lines[2]), "the receipt is no tlog-proof")
    try:
        entry = base64.b64decode(lines[1][6:], validate=True)
        path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    except ValueError:
        raise contradicted("the receipt has a line that is no base64") from None
    index = int(lines[2][6:])
    origin, size, root = read_checkpoint(open_note(note, ledger_key))
    require(origin == ledger_key.name, "the receipt's checkpoint is of another log")
    require(index < size and all(len(item) == DIGEST_SIZE for item in path)
            and root_of_path(entry, index, size, path) == root, "the receipt's path does not lead to its checkpoint")
    return entry, index, note


def check_push_entry(entry, index, venue, generation, key, text):
    """That an entry is the push entry of the feed checkpoint `text`, which `key` signed. Its tally of dispositions."""
    push = read_message(entry).get(9)
    require(isinstance(push, bytes), "the receipt is of an entry that is no push")
    push = read_message(push, repeated=(8,))
    start, count, first = push.get(4, 0), push.get(5, 0), push.get(6, 0)
    require((push.get(1), push.get(2), push.get(3)) == (1, venue.encode(), generation),
            "the push entry is of another feed")
    note = push.get(7, b"").decode("utf-8", "replace")
    require(open_note(note, key) == text, "the push entry holds another checkpoint than the one that was signed")
    require(start + count == read_checkpoint(text)[1] and first + count == index,
            "the push entry's range does not end where its checkpoint does")
    tally = [read_message(item) for item in push[8]]
    tally = {item.get(1, 0): item.get(2, 0) for item in tally}
    require(sum(tally.values()) == count, "the push entry's tally does not add up")
    if len(tally) == 1:
        require(push.get(9) == hashlib.sha256(bytes(tally) * count).digest(),
                "the push entry's dispositions are not those of its tally")
    return tally
