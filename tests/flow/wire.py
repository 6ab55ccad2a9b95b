"""An independent client: the published formats written a second time, from FORMAT.md and the RFCs alone.

It shares no code with the programs. What it makes may be right or wrong in any way a test likes, byte by byte:
protobuf messages, RFC 6962 trees, signed notes, orders, receipts, and plain HTTPS requests.
"""
import base64
import hashlib
import http.client
import json
import ssl
import time

from tests import oracle
from tests.flow import ed25519

CONTRACT_KINDS = ("", "provide", "process", "fusion", "intermediary")
PRODUCT_KINDS = ("", "dataset", "api", "report", "model", "tool", "compute", "other")
DECLARATIONS = ("", "no", "yes", "not_stated")
DISPOSITIONS = ("", "counted", "duplicate_trade", "duplicate_adjust", "self_trade", "refund_unknown",
                "refund_exceeds", "overflow")
REQUEST_TIMEOUT_S = 60
KEPT_CONNECTION_S = 15      # the daemon closes idle connections after twice that


# Protobuf

def varint(value):
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7f | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def field(number, value):
    """One field: a number, or bytes or text; nothing for a default."""
    if isinstance(value, str):
        value = value.encode()
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return element(number, value)


def element(number, data):
    """A sized field, written even if empty."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(message):
    """The fields of a message in their order: (number, value)."""
    result, at = [], 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(message):
        tag = take()
        if tag & 7 == 0:
            result.append((tag >> 3, take()))
        elif tag & 7 == 2:
            size = take()
            result.append((tag >> 3, bytes(message[at:at + size])))
            at += size
        else:
            raise ValueError(f"wire type {tag & 7}")
    return result


def message_dict(message):
    """Fields by number; repeated ones as the last."""
    return dict(fields(message))


def number_of_date(text):
    return int(text.replace("-", ""))


def encode_trade(row):
    data = field(1, row["trade_no"]) + field(2, row["contract_no"]) + field(3, bytes.fromhex(row["contract_hash"]))
    data += field(4, CONTRACT_KINDS.index(row["contract_kind"])) + field(5, row["product_code"])
    data += field(6, row["product_name"]) + field(7, PRODUCT_KINDS.index(row["product_kind"]))
    data += field(8, row["supplier"]) + field(9, row.get("supplier_name", ""))
    data += field(10, row["buyer"]) + field(11, row.get("buyer_name", "")) + field(12, row.get("broker", ""))
    data += field(13, oracle.parse_fen(row["amount"])) + field(14, oracle.parse_fen(row["tax"]))
    data += field(15, int(row["instalment"])) + field(16, number_of_date(row["signed_on"]))
    data += field(17, number_of_date(row["settled_on"])) + field(18, row["voucher_no"])
    for number in row.get("invoice_no", "").split(";"):
        data += field(19, number)
    return data + field(20, DECLARATIONS.index(row["related_declared"])) + field(
        21, DECLARATIONS.index(row["other_subsidy"]))


def encode_refund(row):
    data = field(1, row["adjust_no"]) + field(2, row["original_trade_no"])
    data += field(3, oracle.parse_fen(row["amount"])) + field(4, oracle.parse_fen(row["tax"]))
    data += field(5, number_of_date(row["occurred_on"])) + field(6, row["reason_code"])
    return data + field(7, row.get("reason", "")) + field(8, row.get("red_invoice_no", ""))


def encode_record(row):
    """The canonical bytes of a row of the sample's CSV."""
    if row["kind"] == "trade":
        return field(1, 1) + element(2, encode_trade(row))
    return field(1, 1) + element(3, encode_refund(row))


def push_body(start, records, note, checkpoint=b"", version=1):
    data = field(1, version) + field(2, start) + b"".join(element(3, record) for record in records)
    return data + field(4, note) + field(5, checkpoint)


# Trees (RFC 6962)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(data):
    return sha256(b"\0", data)


class Tree:
    """A growing tree: the roots of its full subtrees, largest first."""

    def __init__(self, leaves=()):
        self.size = 0
        self.hashes = []
        for leaf in leaves:
            self.add(leaf)

    def add(self, data):
        digest, size = leaf_hash(data), self.size
        while size & 1:
            digest = sha256(b"\1", self.hashes.pop(), digest)
            size >>= 1
        self.hashes.append(digest)
        self.size += 1

    def root(self):
        if not self.hashes:
            return sha256()
        digest = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            digest = sha256(b"\1", left, digest)
        return digest

    def copy(self):
        other = Tree()
        other.size, other.hashes = self.size, list(self.hashes)
        return other


def root_from_path(index, size, digest, path):
    """The root that an inclusion path leads to (RFC 9162 section 2.1.3.2); None if it has another length."""
    last = size - 1
    for step in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            digest = sha256(b"\1", step, digest)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            digest = sha256(b"\1", digest, step)
        index, last = index >> 1, last >> 1
    return digest if last == 0 else None


# Keys and notes (C2SP signed-note)

class Key:
    """An Ed25519 key by name; without a seed it only verifies."""

    type = 1

    def __init__(self, name, seed=None, public=None):
        self.name = name
        self.seed = seed
        self.public = public if seed is None else ed25519.public_key(seed)
        self.id = sha256(name.encode() + b"\n" + bytes([self.type]) + self.public)[:4]

    @classmethod
    def from_file(cls, path):
        with open(path, encoding="utf-8") as file:
            name, _, material = file.read().strip()[len("PRIVATE+KEY+"):].split("+", 2)
        material = base64.b64decode(material)
        if material[0] != cls.type:
            raise ValueError(f"{path} is not a key of type {cls.type}")
        return cls(name, seed=material[1:])

    @classmethod
    def from_vkey(cls, vkey):
        name, _, material = vkey.split("+", 2)
        return cls(name, public=base64.b64decode(material)[1:])

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    def private_text(self):
        return f"PRIVATE+KEY+{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.seed).decode()}\n"

    def line(self, text, name=None, key_id=None):
        """The signature line over a text."""
        signature = ed25519.sign(self.seed, self.public, text)
        body = base64.b64encode((key_id or self.id) + signature).decode()
        return f"— {name or self.name} {body}\n".encode()


class WitnessKey(Key):
    """A cosigning key: its lines say when."""

    type = 4

    @staticmethod
    def message(text, time_s):
        return f"cosignature/v1\ntime {time_s}\n".encode() + text

    def cosign(self, text, time_s=None):
        """The cosignature line over a checkpoint's text; made now where no time is given."""
        time_s = int(time.time()) if time_s is None else time_s
        signature = time_s.to_bytes(8, "big") + ed25519.sign(self.seed, self.public, self.message(text, time_s))
        return f"— {self.name} {base64.b64encode(self.id + signature).decode()}\n".encode()

    def cosigned_at(self, note):
        """The time of this witness's line in a note, once it is verified; None where there is none."""
        text, lines = split_note(note)
        for line in lines:
            mark, name, body = line.decode().rstrip("\n").split(" ")
            data = base64.b64decode(body)
            if mark == "—" and name == self.name and data[:4] == self.id:
                time_s = int.from_bytes(data[4:12], "big")
                assert ed25519.verify(self.public, self.message(text, time_s), data[12:]), line
                return time_s
        return None


def sign_note(text, *keys):
    return text + b"\n" + b"".join(key.line(text) for key in keys)


def split_note(note):
    """Text and signature lines."""
    text, _, signatures = note.rpartition(b"\n\n")
    return text + b"\n", signatures.splitlines(keepends=True)


def note_is_signed_by(note, key):
    text, lines = split_note(note)
    for line in lines:
        mark, name, body = line.decode().rstrip("\n").split(" ")
        data = base64.b64decode(body)
        if mark == "—" and name == key.name and data[:4] == key.id:
            return ed25519.verify(key.public, text, data[4:])
    return False


def checkpoint_text(origin, size, root):
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def feed_note(key, origin, tree):
    return sign_note(checkpoint_text(origin, tree.size, tree.root()), key)


def verify_receipt(text, ledger):
    """The leaf's bytes, its index and the checkpoint's size, of a tlog-proof; ValueError if it proves nothing."""
    head, _, note = text.encode().partition(b"\n\n")
    lines = head.decode().split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ValueError(f"not a receipt: {lines[:3]}")
    leaf, index = base64.b64decode(lines[1][len("extra "):]), int(lines[2][len("index "):])
    if not note_is_signed_by(note, ledger):
        raise ValueError("the checkpoint is not signed by the ledger")
    origin, size, root = split_note(note)[0].decode().splitlines()
    if origin != ledger.name:
        raise ValueError(f"the checkpoint is of {origin}")
    path = [base64.b64decode(line) for line in lines[3:]]
    if root_from_path(index, int(size), leaf_hash(leaf), path) != base64.b64decode(root):
        raise ValueError("the path does not lead to the root")
    return leaf, index, int(size)


# Orders

def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def item_register(code, name, lists, salt):
    return compact({"code": code, "name": name, "lists": sorted(lists), "salt": salt})


def item_relate(first, second, salt):
    return compact({"codes": sorted((first, second)), "salt": salt})


def item_grant(token, subject, holder, expires, salt):
    return compact({"token_hash": sha256(bytes.fromhex(token)).hex(), "subject": subject, "holder": holder,
                    "scope": "read", "expires": expires, "salt": salt})


def order_text(origin, ledger_id, order, items=None):
    """The four lines. `order` has id, type, expires, made_at_size and body, in this order."""
    order = dict(order)
    if items is not None:
        root = Tree([item.encode() for item in items]).root()
        order["items"] = {"count": len(items), "root": base64.b64encode(root).decode()}
    return f"subsidy.order/v1\n{origin}\n{ledger_id}\n{compact(order)}\n".encode()


# HTTPS

class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """The error's name; "" where the answer is no problem document."""
        try:
            return self.json()["type"].rpartition(":")[2]
        except (ValueError, KeyError, TypeError):
            return ""

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Connection:
    """One kept HTTPS connection to a listener ("127.0.0.1:8443"), made anew where the other side has closed it."""

    def __init__(self, address, ca, certificate=None):
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            self.context.load_cert_chain(certificate)
        self.http = None
        self.used_at = 0

    def open(self):
        self.close()
        self.http = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=REQUEST_TIMEOUT_S)
        self.http.connect()
        return self.http

    def close(self):
        if self.http is not None:
            self.http.close()
            self.http = None

    def request(self, method, path, body=None, headers=None, token=None):
        """An answer, or the OSError of a connection that was cut."""
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        if self.http is None or time.monotonic() - self.used_at > KEPT_CONNECTION_S:
            self.open()
        http_ = self.http
        try:
            http_.request(method, path, body, headers)
            response = http_.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), response.read())
            self.used_at = time.monotonic()
            if response.will_close:
                self.close()
            return answer
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def get(self, path, token=None):
        return self.request("GET", path, token=token)

    def push(self, venue, body, query=""):
        return self.request("POST", f"/v1/feeds/{venue}{query}", body, {"Content-Type": "application/protobuf"})

    def order(self, note, items):
        body = json.dumps({"note": note.decode(), "items": list(items)}, ensure_ascii=False).encode()
        return self.request("POST", "/v1/orders", body, {"Content-Type": "application/json"})


def read_answer(sock):
    """The answer that comes over a connection on which a request was sent by hand; OSError where it was cut."""
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(repr(error)) from error
    finally:
        response.close()


def read_metrics(address):
    """The numbers of the metrics listener, by name and labels."""
    connection = http.client.HTTPConnection(address, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
