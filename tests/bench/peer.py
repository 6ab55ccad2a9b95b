"""The same job in PostgreSQL, without any cryptography: what the ledger's figures may be laid beside.

    python3 tests/bench/peer.py --build build [--quick]

The records of the benchmark are stored, unique by venue and trade number, and the totals of both enterprises are kept
up to date, in transactions of 10,000 records with synchronous commit, over 1 and over 2 connections. The server is
Debian's, on a cluster of its own in the bench folder, reached through a socket of its own. The rows are written as
text beforehand, and psql only passes them on. In the end the totals are compared with a sum over the feeds.
Prints a table, the same as build/bench-peer/result.json.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import feeds        # pylint: disable=wrong-import-position
import machine      # pylint: disable=wrong-import-position

VENUES = 4
BATCH_RECORDS = 10000
REPEATS = 3
# Chosen in the server's favour: memory for all it holds, and no checkpoint in the middle of a measurement.
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "1GB",
            "max_wal_size": "16GB", "checkpoint_timeout": "1h", "listen_addresses": ""}
COLUMNS = (("trade_no", 1), ("contract_no", 2), ("contract_hash", 3), ("contract_kind", 4), ("product_code", 5),
           ("product_name", 6), ("product_kind", 7), ("supplier", 8), ("buyer", 10), ("amount", 13), ("tax", 14),
           ("instalment", 15), ("signed_on", 16), ("settled_on", 17), ("voucher_no", 18), ("related_declared", 20),
           ("other_subsidy", 21))
TYPES = {"contract_hash": "bytea", "amount": "bigint", "tax": "bigint", "instalment": "int", "signed_on": "int",
         "settled_on": "int", "contract_kind": "smallint", "product_kind": "smallint", "related_declared": "smallint",
         "other_subsidy": "smallint"}
TABLE = "venue smallint NOT NULL, " + ", ".join(f"{name} {TYPES.get(name, 'text')} NOT NULL" for name, _ in COLUMNS)
SCHEMA = f"""
CREATE TABLE trades ({TABLE}, PRIMARY KEY (venue, trade_no));
CREATE TABLE totals (code text NOT NULL, side smallint NOT NULL, fen bigint NOT NULL, trades bigint NOT NULL,
	PRIMARY KEY (code, side));
"""
STAGE = f"CREATE TEMPORARY TABLE stage ({TABLE}) ON COMMIT DELETE ROWS;\n"
# Totals are changed in one order, so that two connections never wait for each other in a ring.
FOLD = """WITH added AS (INSERT INTO trades SELECT * FROM stage ON CONFLICT DO NOTHING
	RETURNING supplier, buyer, amount - tax AS net, related_declared <> 2 AS counts),
sides AS (SELECT supplier AS code, 0 AS side, net, counts FROM added
	UNION ALL SELECT buyer, 1, net, counts FROM added)
INSERT INTO totals SELECT code, side, coalesce(sum(net) FILTER (WHERE counts), 0), count(*) FILTER (WHERE counts)
	FROM sides GROUP BY code, side ORDER BY code, side
ON CONFLICT (code, side) DO UPDATE SET fen = totals.fen + excluded.fen, trades = totals.trades + excluded.trades;
COMMIT;
"""


class Cluster:
    """A server of its own, run by the user postgres where we are root, for it refuses to be."""

    def __init__(self, folder):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            sys.exit("peer.py: PostgreSQL is not installed: apt-get install postgresql")
        self.programs = programs[-1]
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.data = os.path.join(folder, "cluster")
        self.sockets = tempfile.mkdtemp(prefix="peer-")     # a socket's path must be short
        self.server = None
        if self.prefix:
            shutil.chown(self.sockets, "postgres")
            shutil.chown(folder, "postgres")

    def start(self):
        subprocess.run([*self.prefix, os.path.join(self.programs, "initdb"), "-D", self.data, "-A", "trust", "-U", "bench",
                        "--locale=C.UTF-8"], cwd="/", check=True, stdout=subprocess.DEVNULL)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with open(os.path.join(os.path.dirname(self.data), "log"), "wb") as log:
            self.server = subprocess.Popen(
                [*self.prefix, os.path.join(self.programs, "postgres"), "-D", self.data, "-k", self.sockets, *settings],
                cwd="/", stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while subprocess.run(self.psql("-c", "SELECT 1"), capture_output=True, check=False).returncode != 0:
            if time.monotonic() > deadline or self.server.poll() is not None:
                raise RuntimeError("the server does not start: see its log")
            time.sleep(0.1)

    def psql(self, *args):
        return [os.path.join(self.programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.sockets,
                "-U", "bench", "-d", "postgres", *args]

    def ask(self, text):
        return subprocess.run(self.psql("-c", text), check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        if self.server is not None:
            pid_file = os.path.join(self.data, "postmaster.pid")
            with open(pid_file, encoding="ascii") as file:
                os.kill(int(file.readline()), 2)    # SIGINT: end at once, in order
            self.server.wait(120)
        shutil.rmtree(self.sockets, ignore_errors=True)


def row_of(number, trade):
    values = [str(number)]
    for name, field in COLUMNS:
        value = trade.get(field, 0)
        if name == "contract_hash":
            value = "\\\\x" + value.hex()
        elif isinstance(value, bytes):
            value = value.decode()
        values.append(str(value))
    return "\t".join(values) + "\n"


def write_batch(script, rows):
    script.write("BEGIN;\nCOPY stage FROM STDIN;\n" + "".join(rows) + "\\.\n" + FOLD)


def write_scripts(folder, paths, connections):
    """What each connection says: the batches of its venues in turn."""
    scripts = []
    for connection in range(connections):
        scripts.append(os.path.join(folder, f"script-{connections}-{connection}.sql"))
        with open(scripts[-1], "w", encoding="utf-8") as script:
            script.write(STAGE)
            for number in range(connection, len(paths), connections):
                rows = []
                for trade in feeds.trades(paths[number]):
                    rows.append(row_of(number, trade))
                    if len(rows) == BATCH_RECORDS:
                        write_batch(script, rows)
                        rows = []
                if rows:
                    write_batch(script, rows)
    return scripts


def measure(cluster, scripts, records):
    cluster.ask("DROP TABLE IF EXISTS trades, totals;" + SCHEMA)
    cluster.ask("CHECKPOINT")
    start = time.monotonic()
    running = [subprocess.Popen(cluster.psql("-f", script)) for script in scripts]
    codes = [process.wait() for process in running]
    took = time.monotonic() - start
    if any(codes):
        raise RuntimeError("psql failed")
    return records / took


def check_totals(cluster, paths):
    due = {}
    for path in paths:
        for (code, side), (fen, count) in feeds.sum_feed(path)[0].items():
            row = due.setdefault((code, side), [0, 0])
            row[0] += fen
            row[1] += count
    sides = (feeds.oracle.SUPPLIER, feeds.oracle.BUYER)
    rows = [line.split("|") for line in cluster.ask("SELECT code, side, fen, trades FROM totals").split("\n")]
    held = {(code, sides[int(side)]): [int(fen), int(count)] for code, side, fen, count in rows}
    if held != due:
        raise RuntimeError("the totals are not the sums over the feeds")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    records = 400000 if args.quick else 2000000
    folder = os.path.join(build, "bench-peer")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    key = os.path.join(folder, "key")
    subprocess.run([os.path.join(build, "subsidy"), "key", "new", "venue", "-o", key], check=True, stdout=subprocess.DEVNULL)
    paths = [os.path.join(folder, f"feed-{number}") for number in range(VENUES)]
    feeds.make(os.path.join(build, "tests", "tools", "bench_feed"), "0" * 16,
               [(path, "venue", key, number, VENUES, records // VENUES, BATCH_RECORDS) for number, path in enumerate(paths)])
    scripts = {connections: write_scripts(folder, paths, connections) for connections in (1, 2)}
    cluster = Cluster(folder)
    samples = {1: [], 2: []}
    try:
        cluster.start()
        about = dict(machine.describe(folder), peer=cluster.ask("SELECT version()"))
        for _ in range(REPEATS):
            for connections in (1, 2):
                samples[connections].append(measure(cluster, scripts[connections], records))
                check_totals(cluster, paths)
        size = int(cluster.ask("SELECT pg_total_relation_size('trades') + pg_total_relation_size('totals')"))
    finally:
        cluster.stop()
    result = {"machine": about, "records": records, "peer_rps": statistics.median(samples[1]),
              "peer_two_rps": statistics.median(samples[2]),
              "peer_bytes_per_record_ratio": size / sum(map(os.path.getsize, paths))}
    for path in glob.glob(os.path.join(folder, "script-*")) + paths:
        os.unlink(path)
    shutil.rmtree(cluster.data)
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    for name, value in about.items():
        print(f"{name:28} {value}")
    for name, value in list(result.items())[1:]:
        print(f"{name:28} {value:14,.3f}" if value < 100 else f"{name:28} {value:14,.0f}")


if __name__ == "__main__":
    main()
