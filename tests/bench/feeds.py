"""The feeds of the benchmark, and what they must come to: a second sum that shares nothing with the programs.

The reader below decodes a feed's records by itself; the arithmetic on its sums is that of tests/oracle.py. The oracle
itself keeps every trade and walks all of them for each enterprise, which takes hours at these sizes.
"""
import concurrent.futures
import os
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests import oracle     # pylint: disable=wrong-import-position

HEAD = struct.Struct(">II")     # size of the body, number of its records
SIZED = 2                       # a wire type
RECORDS_FIELD = 3               # of a push
TRADE = 2                       # of a record
SUPPLIER, BUYER, AMOUNT, TAX, RELATED = 8, 10, 13, 14, 20
DECLARED_YES = 2


def make(tool, ledger_id, feeds):
    """Makes and signs feeds, as many at a time as there are cores.

    A feed: (path, venue, key file, number, of how many, records, records a push).
    """
    def make_one(feed):
        path, venue, key, *numbers = feed
        subprocess.run([tool, path, ledger_id, venue, key, *map(str, numbers)], check=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(make_one, feeds))


def split(path, parts):
    """Cuts a feed into consecutive files of as many pushes each; their paths."""
    with open(path, "rb") as file:
        data = file.read()
    ends, at = [0], 0
    while at < len(data):
        at += HEAD.size + HEAD.unpack_from(data, at)[0]
        ends.append(at)
    each, paths = (len(ends) - 1) // parts, []
    for part in range(parts):
        paths.append(f"{path}.{part}")
        with open(paths[-1], "wb") as file:
            file.write(data[ends[part * each]:ends[(part + 1) * each]])
    return paths


def varint(data, at):
    value = data[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7f
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data, at, end):
    """Pairs of number and value; of sized fields the value is where it lies."""
    while at < end:
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == SIZED:
            yield tag >> 3, (at, at + value)
            at += value
        else:
            yield tag >> 3, value


def records(path):
    """The records of a feed file: each push's body, and from where to where one lies in it."""
    with open(path, "rb") as file:
        while head := file.read(HEAD.size):
            body = file.read(HEAD.unpack(head)[0])
            for number, span in fields(body, 0, len(body)):
                if number == RECORDS_FIELD:
                    yield body, *span


def trades(path):
    """The trades of a feed file: dicts of field number and value, texts as bytes."""
    for body, at, end in records(path):
        span = dict(fields(body, at, end))[TRADE]
        yield {number: body[value[0]:value[1]] if isinstance(value, tuple) else value
               for number, value in fields(body, *span)}


def look_at(body, at, end):
    """Supplier, buyer, net amount and whether they are related, of a record; in one loop, for there are millions."""
    supplier = buyer = b""
    amount = tax = related = 0
    while at < end:
        tag = body[at]
        at += 1
        if tag > 127:
            tag = tag & 127 | body[at] << 7     # no field's number needs a third byte
            at += 1
        value = body[at]
        at += 1
        if value > 127:
            value, at = varint(body, at - 1)
        if tag & 7 == SIZED:
            if tag >> 3 == SUPPLIER:
                supplier = body[at:at + value]
            elif tag >> 3 == BUYER:
                buyer = body[at:at + value]
            at += value
        elif tag >> 3 == AMOUNT:
            amount = value
        elif tag >> 3 == TAX:
            tax = value
        elif tag >> 3 == RELATED:
            related = value
    return supplier, buyer, amount - tax, related == DECLARED_YES


def sum_feed(path):
    """Net volume that is not between related parties: {(code, side): [fen, trades]}, and how many trades there are."""
    sums, count = {}, 0
    for body, at, end in records(path):
        count += 1
        supplier, buyer, net, is_related = look_at(body, *dict(fields(body, at, end))[TRADE])
        for key in ((supplier, oracle.SUPPLIER), (buyer, oracle.BUYER)):
            row = sums.get(key)
            if row is None:
                row = sums[key] = [0, 0]
            if not is_related:
                row[0] += net
                row[1] += 1
    return {(code.decode(), side): row for (code, side), row in sums.items()}, count


def awards(paths, policy):
    """What every enterprise of these feeds must be awarded, in fen, and how many trades there are."""
    policy = oracle.complete_policy(policy)
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        parts = list(pool.map(sum_feed, paths))
    totals = {}
    for sums, _ in parts:
        for (code, side), (fen, trade_count) in sums.items():
            total = totals.setdefault(code, oracle.Sums())
            total.volume_fen[side] += fen
            total.trades += trade_count
    return ({code: oracle.evaluate_period(policy, total)["award_fen"] for code, total in totals.items()},
            sum(count for _, count in parts))
