"""Keys, signed notes, checkpoints, claims, and whose cosignatures are asked for.

From proto/FORMAT.md: chapters "Keys and signed notes", "Checkpoints", "Claims" and "Trust policies". Signatures are verified by
the openssl program, a process each, and each one only once.
"""
import os
import re
import subprocess
import tempfile

from forms import HASH_SIZE, from_base64, read_number, require, sha256, to_text

ED25519, COSIGNATURE, SM2 = b"\x01", b"\x04", b"\xffSM2-SM3-v1"
TYPES = {ED25519: 32, COSIGNATURE: 32, SM2: 65}
NOTE_LINES_MAX = 32
SPKI = {ED25519: "302a300506032b6570032100", SM2: "3059301306072a8648ce3d020106082a811ccf5501822d034200"}
SM2_OPTIONS = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
OPENSSL_TIMEOUT_S = 60
verified = {}       # (key, text, signature) -> bool


def is_key_name(name):
    return (1 <= len(name.encode()) <= 128 and "+" not in name and not re.search(r"\s|[\0-\x1f\x7f]", name))


class Key:
    """A public key, from its line."""

    def __init__(self, vkey, place):
        require(isinstance(vkey, str), place, "is no public key")
        parts = vkey.split("+", 2)
        require(len(parts) == 3 and is_key_name(parts[0]), place, f"{vkey!r} is no public key")
        data = from_base64(parts[2], place)
        self.vkey, self.name = vkey, parts[0]
        self.type = next((kind for kind in TYPES if data.startswith(kind)), None)
        require(self.type and len(data) == len(self.type) + TYPES[self.type], place, f"{vkey!r} is of no known type")
        self.public = data[len(self.type):]
        self.id = sha256(self.name.encode(), b"\n", data)[:4]
        require(self.id.hex() == parts[1], place, f"the id of the key {vkey!r} is not its own")

    def verifies(self, text, signature):
        if self.type == COSIGNATURE:
            if len(signature) != 72:
                return False
            time_s = int.from_bytes(signature[:8], "big")
            return verify(ED25519, self.public, f"cosignature/v1\ntime {time_s}\n".encode() + text, signature[8:])
        return verify(self.type, self.public, text, signature)


def is_shortest_der(signature):
    """One encoding of an SM2 signature: a sequence of two positive integers with the fewest bytes."""
    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2 or signature[1] > 0x7F:
        return False
    at = 2
    for _ in range(2):
        if at + 2 > len(signature) or signature[at] != 2:
            return False
        number = signature[at + 2:at + 2 + signature[at + 1]]
        if not number or len(number) != signature[at + 1] or number[0] & 0x80:
            return False
        if len(number) > 1 and number[0] == 0 and not number[1] & 0x80:
            return False
        at += 2 + len(number)
    return at == len(signature)


def verify(kind, public, text, signature):
    if kind == ED25519 and len(signature) != 64 or kind == SM2 and not is_shortest_der(signature):
        return False
    known = (kind, public, text, signature)
    if known not in verified:
        verified[known] = ask_openssl(kind, public, text, signature)
    return verified[known]


def ask_openssl(kind, public, text, signature):
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        names = {}
        for name, data in (("key", bytes.fromhex(SPKI[kind]) + public), ("text", text), ("signature", signature)):
            names[name] = os.path.join(folder, name)
            with open(names[name], "wb") as file:
                file.write(data)
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", names["key"],
                   "-in", names["text"], "-sigfile", names["signature"]]
        done = subprocess.run(command + (SM2_OPTIONS if kind == SM2 else []), stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=OPENSSL_TIMEOUT_S)
    return done.returncode == 0


class Note:
    """A text with its signature lines."""

    def __init__(self, data, place):
        self.place = place
        text, separator, lines = data.rpartition(b"\n\n")
        require(separator and lines.endswith(b"\n"), place, "is no signed note")
        self.text = text + b"\n"
        self.lines = []
        require(not re.search("[\0-\x09\x0b-\x1f\x7f]", to_text(self.text, place)), place, "a note with control characters")
        for line in to_text(lines, place)[:-1].split("\n"):
            match = re.fullmatch(r"— (\S+) (\S+)", line)
            require(match and is_key_name(match[1]), place, "a line beneath the note is no signature")
            data = from_base64(match[2], place)
            require(len(data) >= 5, place, "a signature line is too short")
            self.lines.append((match[1], data[:4], data[4:]))
        require(1 <= len(self.lines) <= NOTE_LINES_MAX, place, f"a note with {len(self.lines)} signature lines")

    def signers(self, keys):
        """Those of the keys that signed; a line of one of them that does not verify spoils the note."""
        signed = []
        for name, key_id, signature in self.lines:
            for key in keys:
                if (key.name, key.id) == (name, key_id):
                    require(key.verifies(self.text, signature), self.place, f"the signature of {name} does not verify")
                    if key not in signed:
                        signed.append(key)
        return signed

    def text_lines(self, count):
        lines = to_text(self.text, self.place).split("\n")
        require(len(lines) == count + 1 and not lines[-1], self.place, f"a text that has not {count} lines")
        return lines[:-1]


class Checkpoint:
    """The note of a checkpoint, whose lines are still to be verified."""

    def __init__(self, data, place):
        self.data, self.place, self.note = data, place, Note(data, place)
        self.origin, size, root = self.note.text_lines(3)
        self.size, self.root = read_number(size, place), from_base64(root, place, HASH_SIZE)


class Claim:
    """Where the ledger says that an enterprise's chain ends."""

    def __init__(self, data, place):
        self.note = Note(data, place)
        form, self.origin, self.ledger_id, self.code, index, size, root = self.note.text_lines(7)
        require(form == "subsidy.head/v1", place, "is no claim")
        self.index, self.size = read_number(index, place), read_number(size, place)
        self.root = from_base64(root, place, HASH_SIZE)
        require(1 <= self.index < self.size, place, "a claim about an impossible entry")


class TrustPolicy:
    """A tlog-policy: whose cosignatures a checkpoint must have."""

    def __init__(self, data, place):
        require(len(data) <= 65536 and data.endswith(b"\n"), place, "is no policy of cosignatures")
        self.place, self.logs, self.witnesses, self.groups, self.quorum = place, [], {}, {}, None
        self.grouped = set()
        for number, line in enumerate(to_text(data, place)[:-1].split("\n"), 1):
            words = [word for word in re.split("[ \t]", line) if word]
            if words and not words[0].startswith("#"):
                self.read_line(words, f"{place}, line {number}")
        require(self.quorum, place, "names no quorum")
        for keys in (self.logs, list(self.witnesses.values())):
            require(len(keys) <= 32 and len({key.public for key in keys}) == len(keys), place, "too many keys, or one twice")
        require(len(self.groups) <= 32, place, "too many groups")

    def read_line(self, words, place):
        kind, rest = words[0], words[1:]
        if kind == "log" and 1 <= len(rest) <= 2:
            self.logs.append(Key(rest[0], place))
            require(self.logs[-1].type == ED25519, place, "a log has a key of type 01")
        elif kind == "witness" and 2 <= len(rest) <= 3:
            self.new_name(rest[0], place)
            self.witnesses[rest[0]] = Key(rest[1], place)
            require(self.witnesses[rest[0]].type == COSIGNATURE, place, "a witness has a key of type 04")
        elif kind == "group" and len(rest) >= 3:
            self.new_name(rest[0], place)
            members = rest[2:]
            for name in members:
                require(name in self.witnesses or name in self.groups, place, f"{name} is not above")
                require(name not in self.grouped, place, f"{name} is a member of two groups, or twice of one")
                self.grouped.add(name)
            least = {"all": len(members), "any": 1}.get(rest[1]) or read_number(rest[1], place)
            require(1 <= least <= len(members), place, "asks for more members than there are, or for none")
            self.groups[rest[0]] = (least, members)
        elif kind == "quorum" and len(rest) == 1:
            require(self.quorum is None, place, "a second quorum")
            require(rest[0] == "none" or rest[0] in self.witnesses or rest[0] in self.groups, place, f"{rest[0]} is not above")
            self.quorum = rest[0]
        else:
            require(False, place, "is not understood")

    def new_name(self, name, place):
        require(name != "none" and name not in self.witnesses and name not in self.groups and len(name.encode()) <= 128,
                place, f"{name} is no new name")

    def check(self, checkpoint):
        """The names of those who cosigned."""
        note = checkpoint.note
        require(not self.logs or note.signers(self.logs), checkpoint.place, "is signed by no log of the policy")
        met = {name for name, key in self.witnesses.items() if note.signers([key])}
        cosigned = sorted(met)
        for name, (least, members) in self.groups.items():
            if sum(member in met for member in members) >= least:
                met.add(name)
        require(self.quorum == "none" or self.quorum in met, checkpoint.place,
                f"is not cosigned as the policy asks: only by {', '.join(cosigned) or 'nobody'}")
        return cosigned
