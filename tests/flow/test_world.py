"""The sample world through the real programs, every figure compared with the oracle, fen for fen.

Two venues (one signs with Ed25519, one with SM2), the register, the relations, both policies; each venue's file goes
in by the client in several pushes, in turns with the other's. The oracle is given the same events in the order in
which they entered the ledger.
"""
import base64
import collections
import unittest

from tests import oracle
from tests.flow import wire
from tests.flow.harness import FIRMS, SAMPLE, FlowTest, check, in_days, read_csv, read_json, write_csv
from tests.oracle import format_fen

VENUES = ("qddex", "sddex")
POLICIES = ("policy-flat.json", "policy-tiered.json")
PARTS = 3           # files a venue's feed comes in
PUSH_ROWS = 300


class Sample(FlowTest):
    maxDiff = 4000

    @classmethod
    def prepare(cls):
        world = cls.world
        world.new_key("qddex", "qddex.key")
        world.new_key("sddex", "sddex.key", "--type", "sm2")
        for venue, name in (("qddex", "青岛数据交易所（样例）"), ("sddex", "山东数据交易有限公司（样例）")):
            vkey = check(world.client("key", "show", f"{venue}.key")).out.strip()
            cls.submit("venue.license", "--set", f"venue={venue}", "--set", f"name={name}", "--set", f"key={vkey}")
        cls.register_index = world.size()
        cls.submit("enterprise.register", "--file", f"{SAMPLE}/firms.csv")
        cls.relate_index = world.size()
        cls.submit("enterprise.relate", "--file", f"{SAMPLE}/relations.csv")
        for policy in POLICIES:
            cls.submit("policy.adopt", "--file", f"{SAMPLE}/{policy}", signers=("li", "wang"))
        world.grant("bureau", *(f"venue:{venue}" for venue in VENUES))
        cls.rows = {venue: read_csv(f"{venue}.csv") for venue in VENUES}
        cls.sizes = [world.size()]
        cls.push_all()
        cls.policies = [oracle.read_policy(f"{SAMPLE}/{name}") for name in POLICIES]
        cls.events = cls.ledger_events()

    @classmethod
    def submit(cls, *args, signers=("zhang", "li")):
        keys = [word for name in signers for word in ("--key", f"{name}.key")]
        check(cls.world.client("order", *args, *keys, "--submit"))

    @classmethod
    def push_all(cls):
        """Part by part, the venues in turns; the first part of qddex is pushed a second time for nothing."""
        cls.summaries = []
        for part in range(PARTS):
            for venue in VENUES:
                rows = cls.rows[venue]
                begin, end = len(rows) * part // PARTS, len(rows) * (part + 1) // PARTS
                write_csv(cls.world.path("part.csv"), rows[begin:end])
                for _ in range(2 if part == 0 and venue == "qddex" else 1):
                    result = check(cls.world.client("push", venue, "part.csv", "--key", f"{venue}.key", "--rows",
                                                    str(PUSH_ROWS), "--json"))
                    cls.summaries.append((venue, end - begin, result.json()))
                cls.sizes.append(cls.world.size())

    @classmethod
    def ledger_events(cls):
        """(ledger index, event) in the ledger's order; what the oracle takes, and where it stands."""
        world = oracle.read_world(SAMPLE)
        firms = sorted(world.firms)
        events = [(cls.register_index + 1 + i, ("register", *firm)) for i, firm in enumerate(firms)]
        events += [(cls.relate_index + 1 + i, ("relate", *pair)) for i, pair in enumerate(sorted(world.relations))]
        cls.stored = {}
        for venue in VENUES:
            cls.stored[venue] = cls.read_feed(venue)
            for row, stored in zip(cls.rows[venue], cls.stored[venue]):
                events.append((stored["index"], (row["kind"], venue, row)))
        return sorted(events, key=lambda event: event[0])

    @classmethod
    def read_feed(cls, venue):
        rows, start = [], 0
        while start is not None:
            page = cls.world.get_json(f"/v1/feeds/{venue}/records?from={start}&limit=1000", f"venue:{venue}")
            rows += page["records"]
            start = page["next"]
        return rows

    def events_at(self, size):
        return [event for index, event in self.events if index < size]

    def traders(self):
        """Every code that is party to a trade, by now."""
        return {event[2][side] for _, event in self.events if event[0] == "trade" for side in oracle.SIDES}

    def results_at(self, size):
        """The oracle's results by policy and code, after the first `size` entries."""
        ledger = oracle.Ledger(self.events_at(size))
        return [{code: oracle.evaluate_enterprise(policy, ledger, code) for code in ledger.codes()}
                for policy in self.policies]

    # The oracle's results in the ledger's words

    def expected_policy(self, policy, result, size):
        capped_at = None
        if result["capped_at"] is not None:
            index = [index for index, _ in self.events if index < size][result["capped_at"]["event_index"]]
            capped_at = {"index": index, "trade_no": result["capped_at"]["trade_no"]}
        years = None
        if policy["cap"]["scope"] == "year":
            years = [{"year": period["year"], "eligible_volume": format_fen(period["volume_fen"]),
                      "award": format_fen(period["award_fen"]), "capped": period["capped"]}
                     for period in result["periods"]]
        return {"policy": policy["policy"], "version": policy["version"], "status": policy["status"],
                "title": policy["title"], "eligible_volume": format_fen(result["volume_fen"]),
                "supplier_volume": format_fen(result["supplier_fen"]), "buyer_volume": format_fen(result["buyer_fen"]),
                "award": format_fen(result["award_fen"]), "cap": format_fen(result["cap_fen"]),
                "remaining": format_fen(result["remaining_fen"]), "capped": result["capped"], "capped_at": capped_at,
                "years": years, "reasons": [result["reason"]] if result["reason"] else []}

    def expected_months(self, result):
        return [{"month": row["month"], "side": row["side"], "venue": row["venue"], "trades": row["trades"],
                 "amount": format_fen(row["amount_fen"]), "tax": format_fen(row["tax_fen"]),
                 "refunded": format_fen(row["refunded_fen"]), "not_counted": row["not_counted"]}
                for row in result["months"]]

    def assert_enterprise(self, answer, results, code, size):
        found = {policy["policy"]: policy for policy in answer["policies"]}
        self.assertEqual(len(found), len(self.policies))
        for policy, by_code in zip(self.policies, results):
            self.assertEqual(found[policy["policy"]], self.expected_policy(policy, by_code[code], size), code)
        result = results[0][code]
        self.assertEqual(sorted(answer["months"], key=lambda row: (row["month"], row["side"], row["venue"])),
                         self.expected_months(result), code)
        self.assertEqual(answer["registered"], result["name"] is not None, code)
        self.assertEqual(answer["lists"], result["lists"], code)
        if result["name"] is not None:
            self.assertEqual(answer["name"], result["name"])
        self.assertEqual((answer["code"], answer["ledger_size"]), (code, size))

    # Tests

    def test_pushes_count_what_they_sent(self):
        again = 0
        for venue, count, summary in self.summaries:
            self.assertEqual((summary["venue"], summary["rows"]), (venue, count))
            self.assertEqual(summary["new"] + summary["skipped"], count)
            self.assertEqual(len(summary["receipts"]), -(-summary["new"] // PUSH_ROWS))
            again += summary["skipped"] == count
            for path in summary["receipts"]:
                self.assertIn(b"tlog-proof", self.world.read(path))
        self.assertEqual(again, 1)

    def test_the_feeds_hold_the_rows_byte_for_byte(self):
        for venue in VENUES:
            self.assertEqual([base64.b64decode(stored["record"]) for stored in self.stored[venue]],
                             [wire.encode_record(row) for row in self.rows[venue]])
            feed = self.world.get_json(f"/v1/feeds/{venue}", f"venue:{venue}")
            tree = wire.Tree(wire.encode_record(row) for row in self.rows[venue])
            self.assertEqual((feed["size"], base64.b64decode(feed["root"])), (tree.size, tree.root()))

    def test_every_disposition(self):
        dispositions = oracle.Ledger(self.events_at(self.sizes[-1])).dispositions
        expected = {index: disposition for (index, _), disposition in zip(self.events, dispositions)}
        for venue in VENUES:
            for stored in self.stored[venue]:
                self.assertEqual(stored["disposition"], expected[stored["index"]], stored)

    def test_every_enterprise_now_by_the_client(self):
        size = self.world.size()
        results = self.results_at(size)
        self.assertGreater(len(results[0]), 50)
        for code in results[0]:
            answer = check(self.world.client("show", code, "--json", token="bureau")).json()
            self.assert_enterprise(answer, results, code, size)

    def test_every_enterprise_at_earlier_sizes(self):
        for size in (self.sizes[1] - 7, self.sizes[3], self.sizes[5] - 150):
            results = self.results_at(size)
            for code in results[0]:
                self.assert_enterprise(self.world.enterprise(code, f"?as_of={size}"), results, code, size)
            for code in self.traders() - set(results[0]):
                self.assertEqual(self.world.get(f"/v1/enterprises/{code}?as_of={size}", "bureau").status, 404, code)

    def test_as_of_by_the_client_with_a_size_and_a_date(self):
        code = FIRMS[2]
        size = self.sizes[4]
        answer = check(self.world.client("show", code, "--as-of", str(size), "--json", token="bureau")).json()
        self.assert_enterprise(answer, self.results_at(size), code, size)
        answer = check(self.world.client("show", code, "--as-of", in_days(0), "--json", token="bureau")).json()
        self.assert_enterprise(answer, self.results_at(self.world.size()), code, self.world.size())
        self.assertNotEqual(self.world.client("show", code, "--as-of", in_days(-3), token="bureau").code, 0)

    def test_the_list_says_what_each_says(self):
        size = self.world.size()
        results = self.results_at(size)
        answer = check(self.world.client("list", "--all", "--json", token="bureau")).json()
        rows = {row["code"]: row for row in answer["enterprises"]}
        self.assertEqual(list(rows), sorted(results[0]))
        for code, row in rows.items():
            found = {policy["policy"]: policy for policy in row["policies"]}
            for policy, by_code in zip(self.policies, results):
                expected = self.expected_policy(policy, by_code[code], size)
                for key in ("eligible_volume", "award", "remaining", "capped", "reasons", "status"):
                    self.assertEqual(found[policy["policy"]][key], expected[key], (code, key))
        by_award = self.world.get_json("/v1/enterprises?limit=1000&sort=award&policy=" + self.policies[1]["policy"],
                                       "bureau")["enterprises"]
        self.assertEqual([row["code"] for row in by_award],
                         sorted(results[1], key=lambda code: (-results[1][code]["award_fen"], code)))
        earlier = self.world.get_json(f"/v1/enterprises?limit=1000&as_of={self.sizes[2]}", "bureau")["enterprises"]
        past = self.results_at(self.sizes[2])
        self.assertEqual([(row["code"], [policy["award"] for policy in row["policies"]]) for row in earlier],
                         [(code, [format_fen(by_code[code]["award_fen"]) for by_code in past])
                          for code in sorted(past[0])])

    def test_explanations_lead_to_the_award(self):
        results = self.results_at(self.world.size())
        for policy, by_code in zip(self.policies, results):
            for code in list(by_code)[::5]:
                answer = check(self.world.client("explain", code, "--policy", policy["policy"], "--json",
                                                 token="bureau")).json()
                result = by_code[code]
                self.assertEqual(answer["award"], format_fen(result["award_fen"]))
                gates = {step["step"]: step for step in answer["steps"] if step["step"] in
                         ("window", "side", "venue", "list", "related", "other_subsidy", "product_kind", "eligible")}
                for name, step in gates.items():
                    expected = result["gates"].get(name, {"trades": 0, "amount_fen": 0})
                    self.assertEqual((step["trades"], step["amount"]),
                                     (expected["trades"], format_fen(expected["amount_fen"])), (code, name))
                self.assertTrue(set(result["gates"]) <= set(gates), (code, result["gates"]))
                self.assertEqual(answer["policy_text"], policy_as_signed(policy["policy"]))

    def test_trades_of_an_enterprise_are_all_there(self):
        for code in FIRMS[:36:3]:
            answer = check(self.world.client("trades", code, "--all", "--json", token="bureau")).json()
            listed = [(row["index"], row["venue"], row["number"]) for row in answer["trades"]
                      if row["kind"] in ("trade", "refund")]
            firsts, expected = {}, []
            for index, (kind, *event) in self.events:
                if kind not in ("trade", "refund"):
                    continue
                venue, row = event
                number = row["trade_no" if kind == "trade" else "original_trade_no"]
                first = firsts.setdefault((venue, number), row) if kind == "trade" else firsts.get((venue, number), {})
                if code in (first.get("supplier"), first.get("buyer")):
                    expected.append((index, venue, row["trade_no" if kind == "trade" else "adjust_no"]))
            self.assertEqual(listed, sorted(expected, reverse=True))

    def test_the_overview_reconciles(self):
        size = self.world.size()
        results = self.results_at(size)
        answer = check(self.world.client("overview", "--json", token="bureau")).json()
        sums = self.sums()
        for row in answer["venues"]:
            venue = row["venue"]
            own = [(key, value) for key, value in sums.items() if key[0] == venue]
            self.assertEqual(row["feed_size"], len(self.rows[venue]))
            self.assertEqual(row["records"], sum(value[0] for _, value in own))
            self.assertEqual(row["counted"], sum(value[0] for key, value in own if key[3] == "counted"))
            self.assertEqual(row["amount"], format_fen(sum(
                value[1] for key, value in own if key[2:] == ("trade", "counted"))))
            not_counted = collections.Counter()
            for key, value in own:
                if key[3] != "counted":
                    not_counted[key[3]] += value[0]
            self.assertEqual(row["not_counted"], dict(not_counted))
            self.assertEqual(row["days_silent"], 0)
        self.assertEqual(answer["totals"]["records"], sum(len(rows) for rows in self.rows.values()))
        for key, kind in (("amount", "trade"), ("refunded", "refund")):
            self.assertEqual(answer["totals"][key], format_fen(sum(
                value[1] for of, value in sums.items() if of[2:] == (kind, "counted"))))
        self.assertEqual(answer["enterprises"]["registered"], len(read_csv("firms.csv")))
        self.assertEqual(answer["enterprises"]["trading"], len(self.traders()))
        for policy, by_code, row in zip(self.policies, results, answer["policies"]):
            self.assertEqual(row, {
                "policy": policy["policy"], "status": policy["status"],
                "award": format_fen(sum(result["award_fen"] for result in by_code.values())),
                "enterprises": sum(result["award_fen"] > 0 for result in by_code.values()),
                "capped": sum(result["capped"] for result in by_code.values())})
        shared = [{(trade["venue"], trade["trade_no"]) for trade in contract["trades"]}
                  for contract in answer["shared_contracts"]]
        self.assertEqual(shared, [{("qddex", "QD-T-000417"), ("sddex", "SD-T-000263")}])

    def test_the_feeds_reconcile_month_by_month(self):
        sums = self.sums()
        for venue in VENUES:
            answer = check(self.world.client("feed", venue, "--json", token=f"venue:{venue}")).json()
            found = {(venue, row["month"], row["kind"], row["disposition"]): (row["records"], row["amount"], row["tax"])
                     for row in answer["months"]}
            self.assertEqual(found, {key: (count, format_fen(amount), format_fen(tax))
                                     for key, (count, amount, tax) in sums.items() if key[0] == venue})

    def sums(self):
        """(venue, month, kind, disposition): records, amount, tax; trades by settled month, refunds by their own."""
        sums = {}
        dispositions = oracle.Ledger([event for _, event in self.events]).dispositions
        for (_, event), disposition in zip(self.events, dispositions):
            if disposition is None:
                continue
            kind, venue, row = event
            key = (venue, row["settled_on" if kind == "trade" else "occurred_on"][:7], kind, disposition)
            count, amount, tax = sums.get(key, (0, 0, 0))
            sums[key] = (count + 1, amount + oracle.parse_fen(row["amount"]), tax + oracle.parse_fen(row["tax"]))
        return sums

    def test_not_counted_records_are_listed_with_their_reason(self):
        for venue in VENUES:
            page = self.world.get_json(f"/v1/feeds/{venue}/records?from=0&not_counted=1&limit=1000", f"venue:{venue}")
            self.assertEqual([row["feed_index"] for row in page["records"]],
                             [row["feed_index"] for row in self.stored[venue] if row["disposition"] != "counted"])
            self.assertTrue(all(row["reason"] for row in page["records"]))
            listed = check(self.world.client("feed", venue, "--not-counted", token=f"venue:{venue}")).out
            for row in page["records"]:
                self.assertIn(row["number"], listed)

    def test_what_people_read(self):
        code = FIRMS[0]
        for args in (("list",), ("show", code), ("trades", code), ("explain", code), ("overview",), ("policies",),
                     ("feed", "qddex")):
            result = check(self.world.client(*args, token="bureau"))
            self.assertGreater(len(result.out.splitlines()), 3, args)
            self.assertNotIn("\x1b", result.out)
            self.assertNotIn("(null)", result.out)
        self.assertIn("300000.00", check(self.world.client("show", code, token="bureau")).out.replace(",", ""))

    def test_a_restart_changes_no_answer(self):
        code = FIRMS[4]
        paths = (f"/v1/enterprises/{code}", "/v1/enterprises?sort=volume", f"/v1/enterprises/{code}/trades",
                 "/v1/policies", f"/v1/enterprises/{code}?as_of={self.sizes[2]}", "/v1/feeds/sddex/records?from=100")

        def answers():
            bodies = []
            for path in paths:
                body = self.world.get_json(path, "bureau")
                body.pop("cursor", None)
                bodies.append(body)
            return bodies
        before, checkpoint = answers(), self.world.public.get("/checkpoint").body
        self.world.restart()
        self.assertEqual(answers(), before)
        self.assertEqual(wire.split_note(self.world.public.get("/checkpoint").body)[0], wire.split_note(checkpoint)[0])


def policy_as_signed(name):
    """The JSON of the file that has this policy."""
    return next(text for text in map(read_json, POLICIES) if text["policy"] == name)


if __name__ == "__main__":
    unittest.main()
