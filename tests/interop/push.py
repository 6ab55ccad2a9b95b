#!/usr/bin/env python3
"""Pushes a venue's trades and refunds to a subsidy ledger: an example for whoever writes a pusher of their own.

It was written from proto/FORMAT.md alone and shares no line with the programs of this project. It needs Python 3.9 and
the `openssl` program (3.0), nothing else, so that each step can be read and done again in any language.
forms.py, beside it, makes and reads the bytes; this file keeps the state and speaks to the ledger:

    rows → records → feed tree → signed feed checkpoint → push → receipt → push entry

Use:

    push.py VENUE FILE --server HOST:PORT --ca CA.pem --key VENUE.key --state FOLDER
            [--certificate BOTH.pem] [--ledger-key VKEY] [--generation N] [--batch N] [--attempts N]

FILE is CSV with the English column names, JSON Lines, or a JSON array of objects; values are texts, amounts in yuan.
VENUE.key holds the PRIVATE+KEY line (Ed25519 or SM2). --certificate is the venue's TLS certificate and its key in one
file. --ledger-key is the public key of the ledger as the bureau gave it on paper; without it the first answer is
believed, and every later one must name the same ledger.

The file may be pushed again and again: what the ledger holds already is skipped. Nothing is sent before it is on disk,
and nothing is forgotten before its receipt was verified; so a run that was killed is repaired by the next one, which
sends the same bytes first. The state folder:

    ledger.json   the ledger that all of this belongs to     records     what the feed holds: u32 size and bytes of each
    pending       the push under way, as it was sent         checkpoint  the newest checkpoint of the ledger
    receipts/     START-END.tlog-proof                       evidence-*  answers that did not verify: call the bureau

Exit codes: 0 everything is in the ledger; 1 refused, mend the rows (nothing of the push was stored); 2 wrong use or
a damaged state; 3 the ledger contradicts itself, evidence was kept; 4 not reached or too busy, run it again later.

Not here, but in FORMAT.md: reading the records back (GET /v1/feeds/VENUE/records) after the state folder was lost.
"""
import argparse
import collections
import fcntl
import http.client
import json
import os
import re
import ssl
import sys
import time

from forms import (ED25519, Frontier, PrivateKey, PublicKey, Stop, check_push_entry, checkpoint_text, choose_rows,
                   contradicted, field_always, field_bytes, field_number, field_text, misused, open_note,
                   open_receipt, read_message, read_rows, refused, require, unreached)

BATCH_SIZE_MAX = 512 * 1024  # an open feed listener takes bodies up to 1 MiB
ANSWER_SIZE_MAX = 16 * 1024 * 1024
RETRY_WAIT_MAX_S = 60
TIMEOUT_S = 120


# State


def write_durably(path, content):
    """In full or not at all, whatever happens to the machine."""
    with open(path + ".new", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    sync_folder(os.path.dirname(path))


def sync_folder(path):
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class State:
    """The folder described above. One run at a time."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(self.path("receipts"), mode=0o700, exist_ok=True)
        self.lock = open(self.path("lock"), "wb")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise misused(f"{folder}: another run holds the lock") from None
        self.records = self.load_records()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def read(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def load_records(self):
        data, at, out = self.read("records") or b"", 0, []
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at:at + 4], "big")
            if end > len(data) or at + 4 > len(data):
                # Only an acknowledgement that was cut off explains this, and then its push is still pending.
                if self.read("pending") is None:
                    raise misused(f"{self.path('records')} is cut short: restore it")
                os.truncate(self.path("records"), at)
                break
            out.append(data[at + 4:end])
            at = end
        return out

    def receipted_size(self):
        """How much of the feed receipts prove."""
        names = os.listdir(self.path("receipts"))
        found = [re.fullmatch(r"([0-9]{10})-([0-9]{10})\.tlog-proof", name) for name in names]
        return max((int(match[2]) for match in found if match), default=0)

    def acknowledge(self, start, records, receipt, checkpoint):
        """Each step may be the last of this run: the next one sends the pending push again and comes here again."""
        write_durably(self.path("receipts", f"{start:010}-{start + len(records):010}.tlog-proof"), receipt.encode())
        write_durably(self.path("checkpoint"), checkpoint.encode())
        new = records[len(self.records) - start:]
        with open(self.path("records"), "ab") as file:
            for record in new:
                file.write(len(record).to_bytes(4, "big") + record)
            file.flush()
            os.fsync(file.fileno())
        self.records += new
        self.drop_pending()

    def drop_pending(self):
        os.unlink(self.path("pending"))
        sync_folder(self.folder)

    def keep_evidence(self, content):
        path = self.path(f"evidence-{int(time.time())}")
        write_durably(path, content)
        return path


# Sending


class Server:
    def __init__(self, address, ca, certificate):
        self.address = address
        self.context = ssl.create_default_context(cafile=ca)
        if certificate:
            self.context.load_cert_chain(certificate)

    def request(self, method, path, body=None):
        """(status, Retry-After in seconds or None, JSON, bytes); OSError or HTTPException where none came."""
        connection = http.client.HTTPSConnection(self.address, context=self.context, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/protobuf"} if body else {})
            answer = connection.getresponse()
            data = answer.read(ANSWER_SIZE_MAX)
        finally:
            connection.close()
        after = answer.headers.get("Retry-After", "")
        try:
            content = json.loads(data)
        except ValueError:
            content = None
        content = content if isinstance(content, dict) else {}
        return answer.status, int(after) if after.isdigit() else None, content, data


class Pusher:
    def __init__(self, options, state, server, key):
        self.options, self.state, self.server, self.key = options, state, server, key
        self.venue, self.generation = options.venue, options.generation
        self.rows = []  # row numbers of the push under way, where they are known
        self.ledger_key = self.meet_ledger()

    def meet_ledger(self):
        """The ledger's key; pins it at the first meeting, and the ledger id with it."""
        status, _, ledger, _ = self.patiently("GET", "/v1/ledger", None)
        if status != 200 or not all(isinstance(ledger.get(key), str) for key in ("origin", "ledger_id", "vkey")):
            raise unreached(f"/v1/ledger answered {status}")
        ledger = {key: ledger[key] for key in ("origin", "ledger_id", "vkey")}
        known = self.state.read("ledger.json")
        require(known is None or json.loads(known) == ledger, "this is another ledger than the state folder's")
        require(self.options.ledger_key in (None, ledger["vkey"]), "the ledger's key is not the one given")
        key = PublicKey.read(ledger["vkey"])
        require(key.name == ledger["origin"] and key.kind == ED25519, "the ledger's key does not bear its name")
        if known is None:
            write_durably(self.state.path("ledger.json"), json.dumps(ledger).encode())
        self.origin = f"{self.venue}/{ledger['ledger_id']}/{self.generation}"
        return key

    def patiently(self, method, path, body):
        """Sends until there is an answer that waiting can't change. The same bytes each time."""
        for attempt in range(self.options.attempts):
            try:
                status, after, content, data = self.server.request(method, path, body)
                if status not in (429, 503) or content.get("type") == "urn:subsidy:error:rolled_back":
                    return status, after, content, data
                why = content.get("title", f"status {status}")
            except ssl.SSLCertVerificationError as error:
                raise unreached(f"{self.server.address}: {error}") from None
            except (OSError, http.client.HTTPException) as error:
                after, why = None, str(error)
            if attempt + 1 < self.options.attempts:
                wait_s = min(after if after is not None else 2 ** attempt, RETRY_WAIT_MAX_S)
                print(f"waiting {wait_s} s: {why}", file=sys.stderr)
                time.sleep(wait_s)
        raise unreached(f"{self.server.address}: {why}; what was to be sent is kept, run this again")

    def prepare(self, records):
        """Puts the next push on disk."""
        start = len(self.state.records)
        tree = Frontier(self.state.records)
        for record in records:
            tree.append(record)
        note = self.key.sign(checkpoint_text(self.origin, tree.size, tree.root()))
        self.put_pending(start, records, note)

    def put_pending(self, start, records, note):
        body = field_number(1, 1) + field_number(2, start)
        body += b"".join(field_always(3, record) for record in records)
        body += field_text(4, note) + field_bytes(5, self.state.read("checkpoint") or b"")
        write_durably(self.state.path("pending"), body)

    def send_pending(self):
        """Sends what is pending, until it is acknowledged or refused. How many records were new, and the tally."""
        while True:
            body = self.state.read("pending")
            push = read_message(body, repeated=(3,))
            start, records, note = push.get(2, 0), push[3], push[4].decode()
            status, _, answer, data = self.patiently("POST", f"/v1/feeds/{self.venue}", body)
            if status == 200:
                return self.take_receipt(start, records, note, answer, data)
            name = str(answer.get("type", "")).rpartition(":")[2]
            if name == "feed_gap" and self.go_back(start, records, note, answer, data):
                continue
            if name in ("feed_gap", "feed_conflict", "root_mismatch", "rolled_back"):
                path = self.state.keep_evidence(data)
                raise contradicted(f"{answer.get('detail', name)}; the answer is in {path}. Nothing more is signed "
                                   "until the difference is understood: call the bureau")
            # Nothing of it was stored, no place in the feed is used up.
            self.state.drop_pending()
            raise refused(self.explain(start, answer, status, data))

    def go_back(self, start, records, note, answer, data):
        """The ledger holds less than this folder. Where no receipt says otherwise, sends from where it ends."""
        held_to = answer.get("next")
        if not isinstance(held_to, int) or not 0 <= held_to < start or held_to < self.state.receipted_size():
            return False
        self.put_pending(held_to, self.state.records[held_to:start] + records, note)
        self.rows = [None] * (start - held_to) + self.rows
        return True

    def take_receipt(self, start, records, note, answer, data):
        text = open_note(note, self.key.public)
        receipt = answer.get("receipt")
        try:
            require(isinstance(receipt, str), "the answer has no receipt")
            entry, index, checkpoint = open_receipt(receipt, self.ledger_key)
            tally = check_push_entry(entry, index, self.venue, self.generation, self.key.public, text)
        except Stop as stop:
            path = self.state.keep_evidence(data)
            raise contradicted(f"{stop}; the answer is in {path} and the push stays pending: call the bureau") from None
        self.state.acknowledge(start, records, receipt, checkpoint)
        return answer.get("new", 0), tally

    def explain(self, start, answer, status, data):
        lines = [f"refused ({status}): {answer.get('detail') or data[:200]!r}"]
        for fault in answer.get("errors", ()):
            index = fault.get("index", 0)  # a place in the feed, not in the push
            row = self.rows[index - start] if 0 <= index - start < len(self.rows) else None
            place = f"row {row}" if row else f"record {index}"
            lines.append(f"{place}: {fault.get('field')}: {fault.get('reason')}")
        return "\n".join(lines)


def batches(rows, count_max):
    """Pushes of a size that any listener takes."""
    batch, size = [], 0
    for row in rows:
        if batch and (len(batch) == count_max or size + len(row[1]) > BATCH_SIZE_MAX):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row[1]) + 8
    if batch:
        yield batch


def run(options):
    rows = read_rows(options.file)
    try:
        with open(options.key, encoding="ascii") as file:
            key = PrivateKey.read(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise misused(f"{options.key}: {error}") from None
    if key.public.name != options.venue:
        raise misused(f"{options.key} is a key of {key.public.name}")
    state = State(options.state)
    pusher = Pusher(options, state, Server(options.server, options.ca, options.certificate), key)
    new, tally = 0, collections.Counter()

    def send():
        nonlocal new
        added, dispositions = pusher.send_pending()
        new += added
        tally.update(dispositions)

    if state.read("pending") is not None:
        print("the last run was interrupted: sending its push again", file=sys.stderr)
        send()
    chosen, held, warnings = choose_rows(rows, state.records)
    for warning in warnings:
        print("warning: " + warning, file=sys.stderr)
    for batch in batches(chosen, options.batch):
        pusher.rows = [number for number, _ in batch]
        pusher.prepare([record for _, record in batch])
        send()
    print(json.dumps({"new": new, "held": held, "feed_size": len(state.records),
                      "dispositions": {str(number): count for number, count in sorted(tally.items())}}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("venue")
    parser.add_argument("file")
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--ledger-key")
    parser.add_argument("--generation", type=int, default=1)
    parser.add_argument("--batch", type=int, default=5000)
    parser.add_argument("--attempts", type=int, default=8)
    try:
        run(parser.parse_args())
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
