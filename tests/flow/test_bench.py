"""The benchmark itself: that it runs from end to end, measures what its README says, and adds up right."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from tests import oracle
from tests.flow import harness

BENCH = os.path.join(harness.ROOT, "tests", "bench")
sys.path.insert(0, BENCH)
import feeds    # pylint: disable=wrong-import-position,wrong-import-order

TRADES = 240


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="subsidy-bench-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def documented_keys(self):
        with open(os.path.join(BENCH, "README.md"), encoding="utf-8") as file:
            table = re.search(r"^\| key \|.*?\n\n", file.read(), re.M | re.S).group(0)
        return {key for line in table.split("\n")[2:] for key in re.findall(r"`(\w+)`", line.split("|")[1] if line else "")}

    def test_runs_and_measures_what_is_documented(self):
        """At a size that says nothing: verify and the comparison of the awards are part of each run."""
        done = subprocess.run([sys.executable, os.path.join(BENCH, "run.py"), "--build", harness.BUILD, "--size", "smoke",
                               "--folder", self.folder], capture_output=True, text=True, timeout=400, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertIn("awards agree with the sum over 20000 trades of the feeds", done.stderr)
        self.assertEqual(len(re.findall(r"verified \d+ entries", done.stderr)), 2)
        with open(os.path.join(self.folder, "result.json"), encoding="utf-8") as file:
            result = json.load(file)
        self.assertEqual(set(result) - {"machine"}, self.documented_keys())
        for key, value in result.items():
            if key != "machine":
                self.assertGreater(value, 0, key)

    def test_second_sum_is_the_oracles(self):
        """The sum over a feed's bytes gives each enterprise what the oracle gives it for the same trades as rows."""
        key, path = os.path.join(self.folder, "key"), os.path.join(self.folder, "feed")
        harness.check(harness.run([harness.CLIENT, "key", "new", "venue", "-o", key], self.folder))
        feeds.make(os.path.join(harness.BUILD, "tests", "tools", "bench_feed"), "0" * 16,
                   [(path, "venue", key, 0, 1, TRADES, 100)])
        policy = dict(harness.read_json("policy-flat.json"), venues=["venue"], enterprises="all",
                      window={"from": "2020-01-01", "to": "2039-12-31"}, cap={"amount": "1000.00", "scope": "term"})
        del policy["list"]
        rows = []
        for trade in feeds.trades(path):
            settled = str(trade[17])
            rows.append({"kind": "trade", "trade_no": trade[1].decode(), "supplier": trade[8].decode(),
                         "buyer": trade[10].decode(), "amount": oracle.format_fen(trade[13]),
                         "tax": oracle.format_fen(trade[14]), "product_kind": "dataset", "instalment": str(trade[15]),
                         "settled_on": f"{settled[:4]}-{settled[4:6]}-{settled[6:]}", "other_subsidy": "no",
                         "related_declared": "yes" if trade[20] == 2 else "no"})
        due = {code: row["award_fen"] for code, row in
               oracle.oracle(oracle.World(feeds={"venue": rows}), policy)["enterprises"].items()}
        self.assertEqual(feeds.awards([path], policy), (due, TRADES))
        self.assertGreater(len([award for award in due.values() if 0 < award < 100000]), 10)
        self.assertIn(100000, due.values())
        self.assertIn(0, due.values())


if __name__ == "__main__":
    unittest.main()
