"""The metrics listener: a format that a strict parser takes, and numbers that move as what happened."""
import os
import re
import unittest
import urllib.request

from tests.flow.harness import FlowTest, ROOT, World, in_days, records, refund, trade
from tests.flow import wire

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\+Inf|[0-9]+(?:\.[0-9]+)?)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Metrics:
    """One answer, parsed: every line is HELP, then TYPE, then samples of that family, each once."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line has no newline"
        self.types, self.values, family = {}, {}, None
        lines = iter(text[:-1].split("\n"))
        for line in lines:
            if line.startswith("# HELP "):
                family, help_text = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line).groups()
                kind = re.fullmatch(rf"# TYPE {family} (counter|gauge|histogram)", next(lines))[1]
                assert family not in self.types, f"{family} twice"
                self.types[family] = kind
                assert (kind == "counter") == family.endswith("_total"), f"{family} is a {kind}"
                assert help_text.endswith("."), help_text
                continue
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            name, labels, value = match.groups()
            assert name in [family + suffix for suffix in SUFFIXES[self.types[family]]], f"{name} under {family}"
            key = (name, *sorted(re.findall(LABEL, labels or "")))
            assert key not in self.values, f"{key} twice"
            self.values[key] = float(value)
        for family in (name for name, kind in self.types.items() if kind == "histogram"):
            self.check_histogram(family)

    def check_histogram(self, family):
        buckets = [(key[1][4:-1], value) for key, value in self.values.items() if key[0] == family + "_bucket"]
        bounds, counts = [float(bound) for bound, _ in buckets], [count for _, count in buckets]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), bounds
        assert counts == sorted(counts) and counts[-1] == self.values[family + "_count",], counts

    def get(self, name, **labels):
        return self.values[(name, *sorted(f'{label}="{value}"' for label, value in labels.items()))]


class Numbers(FlowTest):
    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.serial = 0

    def new(self, count=1, **changes):
        type(self).serial += 1
        return records(f"n{self.serial}", count, **changes)

    def read(self):
        with urllib.request.urlopen(f"http://{self.world.addresses['metrics']}/metrics", timeout=30) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            return Metrics(answer.read().decode())

    def moved(self, act, name, **labels):
        """By how much `act` moves a number."""
        before = self.read().get(name, **labels)
        act()
        return self.read().get(name, **labels) - before

    def test_a_push_moves_records_groups_and_commands(self):
        self.feed.push(self.new())
        before = self.read()
        self.feed.push(self.new(12))
        after = self.read()
        for name, labels, change in (
                ("subsidy_venue_records_total", {"venue": "qddex", "disposition": "counted"}, 12),
                ("subsidy_records_total", {}, 12), ("subsidy_commands_total", {}, 1),
                ("subsidy_commands_refused_total", {}, 0), ("subsidy_group_seconds_count", {}, 1),
                ("subsidy_group_records_sum", {}, 12), ("subsidy_group_records_bucket", {"le": "10"}, 0),
                ("subsidy_group_records_bucket", {"le": "50"}, 1), ("subsidy_ledger_entries", {}, 13)):
            self.assertEqual(after.get(name, **labels) - before.get(name, **labels), change, name)
        self.assertGreater(after.get("subsidy_group_seconds_sum"), before.get("subsidy_group_seconds_sum"))

    def test_each_disposition_is_counted_for_itself(self):
        number = f"d{id(self)}"
        new = [trade(number), trade(number), refund(number, number), refund(number, number),
               refund(number + "-2", "nothing"), trade(number + "-s", buyer="91370202MA0XTE011C",
                                                       supplier="91370202MA0XTE011C")]
        self.feed.push(self.new())
        before = self.read()
        tally = self.feed.push([wire.encode_record(row) for row in new])["push"]["dispositions"]
        after = self.read()
        self.assertEqual(set(tally), {"counted", "duplicate_trade", "duplicate_adjust", "refund_unknown", "self_trade"})
        for disposition in (*tally, "refund_exceeds", "overflow"):
            labels = {"venue": "qddex", "disposition": disposition}
            self.assertEqual(after.get("subsidy_venue_records_total", **labels) -
                             before.get("subsidy_venue_records_total", **labels), tally.get(disposition, 0))

    def test_a_repeated_push_counts_no_record_twice(self):
        new = self.new(3)
        body = self.feed.body(new)
        self.feed.push(new)
        labels = {"venue": "qddex", "disposition": "counted"}
        again = self.moved(lambda: self.world.feed.push("qddex", body), "subsidy_venue_records_total", **labels)
        self.assertEqual(again, 0)

    def test_refusals_are_counted_by_error(self):
        future = self.new(settled_on=in_days(3))
        other = wire.Key("qddex", bytes(range(32)))
        for error, body in (("invalid_records", self.feed.body(future)), ("malformed", b"\x08"),
                            ("unknown_key", self.feed.body(self.new(), key=other)),
                            ("feed_gap", self.feed.body(self.new(), start=len(self.feed.records) + 1,
                                                        held=self.feed.records + self.new()))):
            act = lambda body=body: self.assertGreaterEqual(self.world.feed.push("qddex", body).status, 400)
            self.assertEqual(self.moved(act, "subsidy_refusals_total", error=error), 1, error)

    def test_an_order_makes_the_checkpoint_young_and_moves_no_record(self):
        before = self.read()
        self.world.license(f"venue-{os.getpid()}")
        after = self.read()
        self.assertEqual(after.get("subsidy_records_total"), before.get("subsidy_records_total"))
        self.assertEqual(after.get("subsidy_commands_total"), before.get("subsidy_commands_total") + 1)
        self.assertLess(after.get("subsidy_checkpoint_age_seconds"), 30)
        self.assertGreater(after.get("subsidy_ledger_time_seconds"), before.get("subsidy_ledger_time_seconds"))
        self.assertNotIn(("subsidy_venue_push_age_seconds", f'venue="venue-{os.getpid()}"'), after.values)

    def test_the_program_tells_of_itself(self):
        metrics = self.read()
        info = next(key for key in metrics.values if key[0] == "subsidy_build_info")
        self.assertRegex(" ".join(info), r'openssl="OpenSSL .*" rules="1" version="[0-9.]+"')
        self.assertGreater(metrics.get("subsidy_rss_anon_bytes"), 100000)
        self.assertGreater(metrics.get("subsidy_store_disk_free_bytes"), 0)
        self.assertGreater(metrics.get("subsidy_store_map_bytes"), metrics.get("subsidy_store_used_bytes"))
        self.assertGreaterEqual(metrics.get("subsidy_http_connections"), 1)
        self.assertIn(("subsidy_http_body_bytes",), metrics.values)
        for cause in ("disk_full", "clock_suspect"):
            self.assertEqual(metrics.get("subsidy_read_only", cause=cause), 0)

    def test_a_restart_keeps_freshness_and_begins_the_counts_anew(self):
        self.feed.push(self.new())
        age = self.read().get("subsidy_venue_push_age_seconds", venue="qddex")
        self.world.restart()
        metrics = self.read()
        self.assertGreater(metrics.get("subsidy_venue_push_age_seconds", venue="qddex"), age)
        self.assertEqual(metrics.get("subsidy_venue_records_total", venue="qddex", disposition="counted"), 0)
        self.assertGreater(metrics.get("subsidy_start_time_seconds"), metrics.get("subsidy_ledger_time_seconds") - 60)


class Alerts(FlowTest):
    """The example rules ask for numbers that there are."""

    @classmethod
    def setUpClass(cls):
        cls.world = World(start=False)
        cls.addClassCleanup(cls.world.close)
        witness = wire.WitnessKey("w.example", bytes(32))
        cls.world.write("witnesses", f"witness bureau {witness.vkey()}\nquorum bureau\n")
        cls.world.make_config(witness={"policy": "witnesses"})
        cls.world.start()

    def test_every_name_and_error_in_the_rules_exists(self):
        world = self.world
        feed = world.license("qddex")
        feed.push(records("a", 1))
        with urllib.request.urlopen(f"http://{world.addresses['metrics']}/metrics", timeout=30) as answer:
            metrics = Metrics(answer.read().decode())
        with open(os.path.join(ROOT, "systemd", "alerts.example.yml"), encoding="utf-8") as file:
            text = file.read()
        rules = re.split(r"^      - alert: ", text, flags=re.M)[1:]
        self.assertGreaterEqual(len(rules), 8)
        names, labels = {key[0] for key in metrics.values}, {label for key in metrics.values for label in key[1:]}
        for rule in rules:
            expression = re.search(r"expr: (.*?)\n        (?:for|labels):", rule, re.S)[1]
            self.assertRegex(rule, r'summary: "[^"]{40,}"')
            for name in re.findall(r"\bsubsidy_\w+", expression):
                self.assertIn(name, names)
            for label, _, value in re.findall(r'(\w+)(=|=~|!=)"([^"]*)"', expression):
                for one in value.split("|"):
                    self.assertTrue(label == "job" or f'{label}="{one}"' in labels, f"{label} {one}")


if __name__ == "__main__":
    unittest.main()
