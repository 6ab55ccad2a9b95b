"""Measures the real daemon over TLS, each figure beside its floor from the same run and the same folder.

    python3 tests/bench/run.py --build build [--quick]
A table on the terminal, the same as build/bench/result.json. Feeds are made and signed beforehand by another process;
nothing that weakens durability is switched on. README.md beside this file says what the figures mean and keeps those
that were obtained.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import platform
import re
import shutil
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

VENUES = 4
SINGLE_VENUES = 32
PUSH_RECORDS = 10000
ONE_VENUE_PUSH_RECORDS = 50000


def tool(build, name):
    return os.path.join(build, "tests", "tools", name)


def read_feed(path):
    """The push bodies of a file that bench_feed wrote."""
    with open(path, "rb") as file:
        while head := file.read(4):
            yield file.read(struct.unpack(">I", head)[0])


class Connection:
    """A keep-alive connection to one of the daemon's listeners."""

    def __init__(self, world, address):
        context = ssl.create_default_context(cafile=world.path("ca.pem"))
        host, port = address.rsplit(":", 1)
        self.http = http.client.HTTPSConnection(host, int(port), context=context, timeout=600)

    def post(self, path, body):
        """Sends until the daemon has taken it; being told to come again is no failure."""
        while True:
            self.http.request("POST", path, body, {"Content-Type": "application/protobuf"})
            answer = self.http.getresponse()
            text = answer.read()
            if answer.status == 200:
                return
            if answer.status not in (429, 503):
                raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
            time.sleep(0.02)

    def get(self, path, token):
        self.http.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
        return text


def addresses(world):
    return dict(line.split("=", 1) for line in world.read("addresses").decode().split())


def new_world(harness, folder, venues):
    """A running daemon with licensed venues, and an access code of the bureau."""
    tempfile.tempdir = folder       # on the disk that is measured
    world = harness.World(ledger={"map_size": "64G"}, run={"log": "warn"})
    for number in range(venues):
        vkey = world.new_key(f"venue-{number}", f"venue-{number}.key")
        harness.check(world.client("order", "venue.license", "--set", f"venue=venue-{number}", "--set", "name=V",
                                   "--set", f"key={vkey}", "--key", "zhang.key", "--key", "li.key", "--submit"))
    harness.check(world.client("order", "grant.add", "--set", "subject=bureau", "--set", "holder=bench", "--token-out",
                               "bureau.token", "--key", "zhang.key", "--key", "li.key", "--submit"))
    world.bureau = world.read("bureau.token").decode().strip()
    return world


def make_feeds(build, world, venues, records, push_records):
    ledger_id = world.public.get("/v1/ledger").json()["ledger_id"]
    paths = []
    for number in range(venues):
        path = world.path(f"feed-{number}")
        subprocess.run([tool(build, "bench_feed"), path, ledger_id, f"venue-{number}", world.path(f"venue-{number}.key"),
                        str(number), str(venues), str(records // venues), str(push_records)], check=True)
        paths.append(path)
    return paths


def push_all(world, paths):
    """Pushes every feed, each on a connection of its own, two pushes ahead; gives the seconds it took."""
    feed = addresses(world)["feed"]
    bodies = [list(read_feed(path)) for path in paths]

    def push_one(number):
        connection = Connection(world, feed)
        for body in bodies[number]:
            connection.post(f"/v1/feeds/venue-{number}", body)

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(push_one, range(len(paths))))
    return time.monotonic() - start


def floor_ingest(build, folder, paths):
    scratch = os.path.join(folder, "floor")
    shutil.rmtree(scratch, ignore_errors=True)
    done = subprocess.run([tool(build, "bench_floor"), "ingest", scratch, *paths], check=True, capture_output=True, text=True)
    shutil.rmtree(scratch)
    return int(done.stdout)


def allocated(path):
    return os.stat(path).st_blocks * 512


def rss_anon_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) / 1024


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_ingest(build, folder, harness, records, result):
    """Four venues at a time, then the reading side on what they pushed, and the replay of it."""
    world = new_world(harness, folder, VENUES)
    try:
        paths = make_feeds(build, world, VENUES, records, PUSH_RECORDS)
        size = sum(os.path.getsize(path) for path in paths)
        floors = [floor_ingest(build, folder, paths)]
        before = allocated(world.path("data", "data.mdb"))
        took = push_all(world, paths)
        floors.append(floor_ingest(build, folder, paths))
        result["ingest_rps"] = records / took
        result["ingest_floor_rps"] = statistics.median(floors)
        result["ingest_ratio"] = result["ingest_rps"] / result["ingest_floor_rps"]
        result["bytes_per_record_ratio"] = (allocated(world.path("data", "data.mdb")) - before) / size
        result["rss_anon_mib"] = rss_anon_mib(world.process.pid)
        measure_queries(world, result)
        measure_restart(world, records, result)
    finally:
        world.close()


def measure_queries(world, result):
    """Reads of single enterprises on two keep-alive connections."""
    codes = [row["code"] for row in world_list(world)]
    public = addresses(world)["public"]

    def read_many(offset):
        connection, times = Connection(world, public), []
        for i in range(1500):
            start = time.monotonic()
            connection.get("/v1/enterprises/" + codes[(offset + i * 7) % len(codes)], world.bureau)
            times.append(time.monotonic() - start)
        return times

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        times = [t for part in pool.map(read_many, (0, 3)) for t in part]
    result["query_rps"] = len(times) / (time.monotonic() - start)
    result["query_p99_ms"] = percentile(times, 0.99) * 1000
    connection, times = Connection(world, public), []
    for _ in range(3000):
        connection.get("/checkpoint", world.bureau)
    start = time.monotonic()
    for _ in range(3000):
        connection.get("/checkpoint", world.bureau)
    result["query_floor_rps"] = 3000 / (time.monotonic() - start)
    result["query_ratio"] = result["query_rps"] / result["query_floor_rps"]


def world_list(world):
    connection = Connection(world, addresses(world)["public"])
    return json.loads(connection.get("/v1/enterprises?limit=1000", world.bureau))["enterprises"]


def measure_restart(world, records, result):
    world.stop()
    start = time.monotonic()
    done = world.daemon("verify", "-c", "subsidyd.conf")
    took = time.monotonic() - start
    if done.code != 0:
        raise RuntimeError(f"the ledger does not verify: {done.out}")
    result["verify_eps"] = records / took
    start = time.monotonic()
    world.start()
    result["start_ms"] = (time.monotonic() - start) * 1000


def measure_one_venue(build, folder, harness, records, result):
    world = new_world(harness, folder, 1)
    try:
        paths = make_feeds(build, world, 1, records, ONE_VENUE_PUSH_RECORDS)
        took = push_all(world, paths)
        result["ingest_one_venue_rps"] = records / took
        result["ingest_one_venue_ratio"] = result["ingest_one_venue_rps"] / result["ingest_floor_rps"]
    finally:
        world.close()


def measure_single(build, folder, harness, records, result):
    """Pushes of one record from 32 venues on 32 connections."""
    world = new_world(harness, folder, SINGLE_VENUES)
    try:
        paths = make_feeds(build, world, SINGLE_VENUES, records, 1)
        feed = addresses(world)["feed"]
        bodies = [list(read_feed(path)) for path in paths]

        def push_one(number):
            connection, times = Connection(world, feed), []
            for body in bodies[number]:
                start = time.monotonic()
                connection.post(f"/v1/feeds/venue-{number}", body)
                times.append(time.monotonic() - start)
            return times

        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(SINGLE_VENUES) as pool:
            times = [t for part in pool.map(push_one, range(SINGLE_VENUES)) for t in part]
        result["single_rps"] = len(times) / (time.monotonic() - start)
        result["single_p50_ms"] = percentile(times, 0.5) * 1000
        result["single_p99_ms"] = percentile(times, 0.99) * 1000
    finally:
        world.close()
    cores = os.cpu_count() or 1
    verifiers = [subprocess.Popen([tool(build, "bench_floor"), "verify", "2"], stdout=subprocess.PIPE, text=True)
                 for _ in range(cores)]
    result["single_floor_rps"] = sum(int(process.communicate()[0]) for process in verifiers)
    result["single_ratio"] = result["single_rps"] / result["single_floor_rps"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    os.environ["SUBSIDY_BUILD"] = build
    from tests.flow import harness  # pylint: disable=import-outside-toplevel  (it reads SUBSIDY_BUILD)
    folder = os.path.join(build, "bench")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    result = {}
    records = 400000 if args.quick else 2000000
    measure_ingest(build, folder, harness, records, result)
    measure_one_venue(build, folder, harness, records, result)
    measure_single(build, folder, harness, 3200 if args.quick else 16000, result)
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.release()}, {records} records")
    for key, value in result.items():
        print(f"{key:24} {value:14,.3f}" if value < 100 else f"{key:24} {value:14,.0f}")


if __name__ == "__main__":
    main()
