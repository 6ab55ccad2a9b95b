"""Measures the real daemon over TLS, each figure beside its floor from the same run and the same folder.

    python3 tests/bench/run.py --build build [--size full|quick|smoke] [--folder build/bench]

Feeds are made and signed beforehand by another process, and the load comes from a client in C (tests/tools/bench_load.c):
this program only starts one after the other. Nothing that weakens durability is switched on. Every ledger that was
measured is verified in full afterwards, and the awards of the largest are compared with a second sum over its feeds.
Prints a table, the same as result.json in the folder. README.md beside this file says what the keys mean.
"""
import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, ROOT)
import feeds        # pylint: disable=wrong-import-position
import machine      # pylint: disable=wrong-import-position

VENUES = 4
DESKS = 32                  # venues that push one record at a time
ENTERPRISES = 5000
PUSH_RECORDS = 10000
SOLO_PUSH_RECORDS = 50000
LANES = 2                   # one push in work and one that waits behind it: what the protocol allows
WINDOW = 1000000            # records: what growth is measured over, at the beginning and at the end
READERS = 8                 # connections that read
READ_CODES = 500            # enterprises they read
FLOOR_READS = 10            # times as many reads of the floor's server, which is that much faster
PROOFS = 300
EVALUATIONS = 15
RATE_PPM = 50000
MEAN_AMOUNT_FEN = 2510000   # of the trades that bench_feed makes
SIZES = {   # singles: pushes of each desk; smoke only shows that everything works
    "full": {"records": 2000000, "growth": 20000000, "singles": 500, "reads": 6000, "repeats": 3, "floor_s": 3},
    "quick": {"records": 400000, "growth": 3000000, "singles": 100, "reads": 1500, "repeats": 3, "floor_s": 2},
    "smoke": {"records": 4000, "growth": 20000, "singles": 2, "reads": 50, "repeats": 1, "floor_s": 1}}

# In the order in which they are shown.
KEYS = ("ingest_rps", "ingest_one_venue_rps", "ingest_floor_rps", "ingest_ratio", "ingest_one_venue_ratio",
        "single_rps", "single_floor_rps", "single_ratio", "single_p50_ms", "single_p99_ms",
        "query_rps", "query_floor_rps", "query_ratio", "query_p99_ms",
        "query_rps_under_ingest", "query_p99_ms_under_ingest", "ingest_rps_under_reads",
        "growth_entries", "ingest_first_rps", "ingest_last_rps", "growth_ratio",
        "verify_eps", "proof_ms", "evaluate_ms", "start_ms", "bytes_per_record_ratio", "rss_anon_mib", "took_s")


class Bench:
    """One ledger with its venues, put back to its beginning before each measurement."""

    def __init__(self, build, folder, sizes):
        os.environ["SUBSIDY_BUILD"] = build
        from tests.flow import harness      # pylint: disable=import-outside-toplevel  (it reads SUBSIDY_BUILD)
        self.harness = harness
        self.build = build
        self.sizes = sizes
        self.began = time.monotonic()
        self.folder = folder
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        tempfile.tempdir = self.folder      # on the disk that is measured
        harness.COMMAND_TIMEOUT_S = 3600    # a verify of the largest ledger
        harness.STOP_TIMEOUT_S = 600
        self.samples = {}
        self.world = harness.World(ledger={"map_size": "64G"}, run={"log": "warn"})
        self.venues = [f"venue-{i}" for i in range(VENUES)]
        self.late = [f"late-{i}" for i in range(VENUES)]
        self.desks = [f"desk-{i}" for i in range(DESKS)]
        self.policy = self.make_policy()

    def make_policy(self):
        """A cap that about half of the enterprises reach at the largest size, so that awards depend on every trade."""
        volume = 2 * MEAN_AMOUNT_FEN * 100 // 106 * self.sizes["growth"] // ENTERPRISES     # without 6 % of tax
        cap = volume * RATE_PPM // 1000000 * 95 // 100      # one trade in twenty is excluded
        policy = self.harness.read_json("policy-flat.json")
        del policy["list"]
        return dict(policy, venues=self.venues, enterprises="all",
                    window={"from": "2020-01-01", "to": "2039-12-31"}, rate={"type": "flat", "ppm": RATE_PPM},
                    cap={"amount": f"{cap // 100}.{cap % 100:02d}", "scope": "term"})

    def prepare(self):
        """Licences, policy, an access code; and a copy of the ledger as it is then."""
        for venue in self.venues + self.late + self.desks + ["solo"]:
            self.world.license(venue)
        self.world.adopt(self.policy)
        self.world.grant("bureau")
        self.stop()
        for name in ("data", "guard"):
            self.copy(self.world.path(name), self.world.path(name + ".base"))

    @staticmethod
    def copy(source, target):
        subprocess.run(["cp", "-a", "--sparse=always", source, target], check=True)

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def add(self, key, value):
        self.samples.setdefault(key, []).append(value)

    # The daemon

    def start(self):
        """How long it takes until it listens, in milliseconds."""
        addresses = self.world.path("addresses")
        if os.path.exists(addresses):
            os.unlink(addresses)
        start = time.monotonic()
        self.world.spawn()
        while self.world.is_alive() and not os.path.exists(addresses):
            time.sleep(0.0005)
        took_ms = (time.monotonic() - start) * 1000
        self.world.addresses = dict(line.split("=", 1) for line in self.world.read("addresses").decode().split())
        self.world.public = self.harness.wire.Connection(self.world.addresses["public"], self.world.path("ca.pem"))
        return took_ms

    def stop(self):
        if self.world.process is not None:
            self.world.stop()

    def begin_again(self):
        """The ledger as it was before any push, and a running daemon."""
        self.stop()
        for name in ("data", "guard"):
            path = self.world.path(name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            self.copy(path + ".base", path)
        self.start()

    def verify(self, what):
        """The whole ledger, replayed: seconds it took and entries it has."""
        entries = self.world.size()
        self.stop()
        start = time.monotonic()
        done = self.world.daemon("verify", "-c", "subsidyd.conf")
        took = time.monotonic() - start
        if done.code != 0:
            raise RuntimeError(f"the ledger of {what} does not verify: {done.out} {done.err}")
        self.say(f"verified {entries} entries of {what}")
        return took, entries

    # The tools

    def tool(self, name):
        return os.path.join(self.build, "tests", "tools", name)

    def run_tool(self, name, *args):
        done = subprocess.run([self.tool(name), *map(str, args)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr}")
        return json.loads(done.stdout)

    def make_feeds(self, venues, records, push_records, of=None):
        """One feed for each venue, of so many records together; by venue."""
        each = records // len(venues)
        paths = {venue: self.world.path(f"feed-{venue}") for venue in venues}
        feeds.make(self.tool("bench_feed"), self.world.ledger_id,
                   [(paths[venue], venue, self.world.path(f"{venue}.key"), number, of or len(venues), each, push_records)
                    for number, venue in enumerate(venues)])
        return paths

    def push(self, paths, lanes=LANES):
        return self.run_tool("bench_load", "push", self.world.addresses["feed"], self.world.path("ca.pem"), lanes,
                             WINDOW, *(f"{venue}={path}" for venue, path in paths.items()))

    def get_command(self, address, connections, count, paths_file):
        return [self.tool("bench_load"), "get", address, self.world.path("ca.pem"), self.world.tokens["bureau"],
                str(connections), str(count), paths_file]

    def get(self, paths_file, connections, count, address=None):
        return self.run_tool(*["bench_load"] + self.get_command(
            address or self.world.addresses["public"], connections, count, paths_file)[1:])

    def floor_ingest(self, paths):
        scratch = self.world.path("floor")
        rate = self.run_tool("bench_floor", "ingest", scratch, *paths.values())
        shutil.rmtree(scratch)
        return rate

    def floor_verify(self):
        """Signatures a second that all cores together can check."""
        running = [subprocess.Popen([self.tool("bench_floor"), "verify", str(self.sizes["floor_s"])],
                                    stdout=subprocess.PIPE, text=True)
                   for _ in range(os.cpu_count() or 1)]
        return sum(int(process.communicate()[0]) for process in running)

    # What is measured

    def measure_ingest(self):
        """Floor, four venues, one venue, again and again; the floor is run alone, before and after each."""
        records = self.sizes["records"]
        many = self.make_feeds(self.venues, records, PUSH_RECORDS)
        solo = self.make_feeds(["solo"], records, SOLO_PUSH_RECORDS)
        self.say(f"feeds of {records} records are made")
        self.add("ingest_floor_rps", self.floor_ingest(many))
        for _ in range(self.sizes["repeats"]):
            self.begin_again()
            self.add("ingest_rps", self.push(many)["record_rps"])
            self.stop()
            self.add("ingest_floor_rps", self.floor_ingest(many))
            self.begin_again()
            self.add("ingest_one_venue_rps", self.push(solo)["record_rps"])
            self.stop()
        for path in list(many.values()) + list(solo.values()):
            os.unlink(path)
        self.say("ingest is measured")

    def measure_singles(self):
        """On the ledger that one venue has filled."""
        self.start()
        count = self.sizes["singles"] * self.sizes["repeats"]
        paths = self.make_feeds(self.desks, count * DESKS, 1)
        parts = {venue: feeds.split(path, self.sizes["repeats"]) for venue, path in paths.items()}
        self.add("single_floor_rps", self.floor_verify())
        for part in range(self.sizes["repeats"]):
            done = self.push({venue: paths[part] for venue, paths in parts.items()}, lanes=1)
            self.add("single_rps", done["request_rps"])
            self.add("single_p50_ms", done["p50_ms"])
            self.add("single_p99_ms", done["p99_ms"])
            self.add("single_floor_rps", self.floor_verify())
        self.say("single pushes are measured")
        self.verify("one venue and of single pushes")

    def measure_growth(self):
        records = self.sizes["growth"]
        paths = self.make_feeds(self.venues, records, PUSH_RECORDS)
        self.say(f"feeds of {records} records are made")
        self.begin_again()
        data, size = self.world.path("data", "data.mdb"), sum(map(os.path.getsize, paths.values()))
        before = os.stat(data).st_blocks * 512
        done = self.push(paths)
        self.add("ingest_first_rps", done["first_rps"])
        self.add("ingest_last_rps", done["last_rps"])
        self.add("growth_ratio", done["last_rps"] / done["first_rps"])
        self.add("growth_entries", self.world.size())
        self.add("bytes_per_record_ratio", (os.stat(data).st_blocks * 512 - before) / size)
        with open(f"/proc/{self.world.process.pid}/status", encoding="ascii") as file:
            self.add("rss_anon_mib", int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) / 1024)
        self.say(f"{records} records are pushed")
        return paths

    def list_all(self):
        """Every enterprise with its award, as the bureau's list has them."""
        rows, cursor = [], ""
        while cursor is not None:
            answer = self.world.get_json("/v1/enterprises?sort=code&limit=1000" + cursor, "bureau")
            rows += answer["enterprises"]
            cursor = f"&cursor={answer['cursor']}" if answer["cursor"] else None
        return rows

    def measure_reads(self):
        rows = self.list_all()
        drawn = random.Random(1)
        codes = [row["code"] for row in drawn.sample(rows, READ_CODES)]
        paths = ["/v1/enterprises/" + code for code in codes]
        paths_file = self.world.write("paths", "\n".join(paths) + "\n")
        answers = b""
        for path in paths:
            body = self.world.get(path, "bureau").body
            for piece in (path.encode(), body):
                answers += len(piece).to_bytes(4, "big") + piece
        command = [self.tool("bench_server"), self.world.path("server.pem"), self.world.path("server.key"),
                   self.world.write("answers", answers)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                address = server.stdout.readline().strip()
                for _ in range(self.sizes["repeats"]):
                    floor = self.get(paths_file, READERS, FLOOR_READS * self.sizes["reads"], address)
                    self.add("query_floor_rps", floor["request_rps"])
                    done = self.get(paths_file, READERS, self.sizes["reads"])
                    self.add("query_rps", done["request_rps"])
                    self.add("query_p99_ms", done["p99_ms"])
            finally:
                server.kill()
        size = self.world.size()
        indices = [str(drawn.randrange(1, size)) for _ in range(PROOFS)]
        proofs = self.world.write("proofs", "".join(f"/v1/proof?index={index}\n" for index in indices))
        self.add("proof_ms", self.get(proofs, 1, PROOFS)["p50_ms"])
        ranking = self.world.write("ranking", "/v1/enterprises?sort=award&limit=1\n")
        self.add("evaluate_ms", self.get(ranking, 1, EVALUATIONS)["p50_ms"])
        self.say("reads are measured")
        return paths_file

    def measure_reads_under_ingest(self, paths_file):
        """While four venues push as fast as they can."""
        paths = self.make_feeds(self.late, self.sizes["records"], PUSH_RECORDS)
        command = self.get_command(self.world.addresses["public"], READERS, 0, paths_file)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            done = self.push(paths)
            output, _ = reader.communicate("")
        self.add("query_p99_ms_under_ingest", json.loads(output)["p99_ms"])
        self.add("query_rps_under_ingest", json.loads(output)["request_rps"])
        self.add("ingest_rps_under_reads", done["record_rps"])

    def check_awards(self, paths):
        """Against a second sum over the feeds' own bytes."""
        due, trades = feeds.awards(list(paths.values()), self.policy)
        rows = self.list_all()
        given = {row["code"]: feeds.oracle.parse_fen(row["policies"][0]["award"]) for row in rows}
        wrong = [code for code in due.keys() | given.keys() if due.get(code, 0) != given.get(code)]
        if wrong or trades != self.sizes["growth"]:
            raise RuntimeError(f"{len(wrong)} awards differ from the sum over the feeds, the first {min(wrong, default='')}")
        capped = sum(row["policies"][0]["capped"] for row in rows)
        self.say(f"{len(given)} awards agree with the sum over {trades} trades of the feeds ({capped} are capped)")

    def measure_ends(self):
        took, entries = self.verify("the largest size")
        self.add("verify_eps", entries / took)
        for _ in range(self.sizes["repeats"]):
            self.add("start_ms", self.start())
            self.stop()

    def run(self):
        about = machine.describe(self.folder)
        self.measure_ingest()
        self.measure_singles()
        paths = self.measure_growth()
        paths_file = self.measure_reads()
        self.check_awards(paths)
        self.measure_reads_under_ingest(paths_file)
        self.measure_ends()
        found = {key: statistics.median(values) for key, values in self.samples.items()}
        for key in ("ingest", "single", "query"):
            found[f"{key}_ratio"] = found[f"{key}_rps"] / found[f"{key}_floor_rps"]
        found["ingest_one_venue_ratio"] = found["ingest_one_venue_rps"] / found["ingest_floor_rps"]
        found["took_s"] = time.monotonic() - self.began
        about["load_after"] = round(os.getloadavg()[0], 2)
        return {"machine": about, **{key: found[key] for key in KEYS}}


def show(result, samples):
    for key, value in result["machine"].items():
        print(f"{key:28} {value}")
    print(f"\n{'key':28} {'median':>14} {'least':>14} {'most':>14}")
    for key in KEYS:
        value = result[key]
        values = [value, min(samples.get(key, [value])), max(samples.get(key, [value]))]
        print(f"{key:28} " + " ".join(f"{v:14,.3f}" if v < 100 else f"{v:14,.0f}" for v in values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--folder")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    bench = Bench(build, os.path.abspath(args.folder or os.path.join(build, "bench")), SIZES[args.size])
    try:
        bench.prepare()
        result = bench.run()
    finally:
        bench.world.close()
    with open(os.path.join(bench.folder, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    show(result, bench.samples)


if __name__ == "__main__":
    main()
