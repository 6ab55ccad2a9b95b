"""The oracle against the published vectors, and the sample world against what its README promises.

Needs no daemon: what the other flow tests compare the programs with must be right first.
"""
import csv
import datetime
import json
import os
import re
import subprocess
import sys
import unittest

from tests import oracle
from tests.sample import make

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLE = os.path.join(TESTS, "sample")
FIRM, OTHER, THIRD = "91370202MA0XTE011C", "91370202MA0XTE02X4", "91370202MA0XTE0384"
REAL_CODES = ("91370200264574251E", "914403001922038216", "9144030071526726XG", "91330100799655058B",
              "91110108551385082Q", "91350100M000100Y43")
TIERS = [{"up_to": "1000000.00", "ppm": 100000}, {"up_to": "5000000.00", "ppm": 50000}, {"up_to": None, "ppm": 20000}]


def policy(**changes):
    """The flat sample policy, changed."""
    return dict(make.policy_flat(), **changes)


def trade(number, amount, settled="2025-05-05", venue="qddex", **changes):
    """A trade event without tax: FIRM sells to OTHER."""
    row = {"kind": "trade", "trade_no": number, "supplier": FIRM, "buyer": OTHER, "amount": amount, "tax": "0",
           "signed_on": settled, "settled_on": settled, "instalment": "1", "product_kind": "dataset",
           "related_declared": "no", "other_subsidy": "no"}
    row.update(changes)
    return ("trade", venue, row)


def refund(number, of, amount, tax="0", venue="qddex"):
    row = {"kind": "refund", "adjust_no": number, "original_trade_no": of, "amount": amount, "tax": tax,
           "occurred_on": "2026-02-02"}
    return ("refund", venue, row)


def ask(events, code=FIRM, rules=None, lists=("default",)):
    """The result of one enterprise that is registered first."""
    return oracle.oracle(None, rules or policy(), [("register", FIRM, "甲", lists)] + events)["enterprises"][code]


def dispositions(events):
    return oracle.oracle(None, policy(), events)["dispositions"]


class Vectors(unittest.TestCase):
    """The arithmetic, at the sample rate of 5 % and a cap of 300,000.00 unless a test says otherwise."""

    def award(self, events, **changes):
        return oracle.format_fen(ask(events, rules=policy(**changes))["award_fen"])

    def test_two_trades_add_up(self):
        self.assertEqual(self.award([trade("1", "1000000"), trade("2", "2500000")]), "175000.00")

    def test_the_cap_bounds_the_award(self):
        result = ask([trade("1", "7000000")])
        self.assertEqual((result["award_fen"], result["periods"][0]["rounded_fen"]), (30000000, 35000000))
        self.assertTrue(result["capped"])
        self.assertEqual(result["remaining_fen"], 0)

    def test_a_refund_is_recomputed_from_net_totals(self):
        for given_back, award in (("500000", "300000.00"), ("2000000", "250000.00")):
            with self.subTest(given_back):
                self.assertEqual(self.award([trade("1", "7000000"), refund("a", "1", given_back)]), award)

    def test_a_yearly_cap_starts_afresh(self):
        events = [trade("1", "7000000"), trade("2", "7000000", settled="2026-05-05")]
        self.assertEqual(self.award(events), "300000.00")
        self.assertEqual(self.award(events, cap={"amount": "300000.00", "scope": "year"}), "600000.00")

    def test_tiers_are_marginal_or_slab(self):
        for kind, exact, award in (("marginal", 32000000, "300000.00"), ("slab", 12000000, "120000.00")):
            with self.subTest(kind):
                rate = {"type": kind, "tiers": TIERS}
                self.assertEqual(self.award([trade("1", "6000000")], rate=rate), award)
                self.assertEqual(oracle.rate_exact(rate, 600000000), exact * oracle.PPM)

    def test_bounds_of_tiers_are_inclusive(self):
        slab = {"type": "slab", "tiers": TIERS}
        for volume, ppm in ((100000000, 100000), (100000001, 50000), (500000000, 50000), (500000001, 20000)):
            with self.subTest(volume):
                self.assertEqual(oracle.rate_exact(slab, volume), volume * ppm)
        self.assertEqual(oracle.rate_exact({"type": "marginal", "tiers": TIERS}, 100000001), 100000000 * 100000 + 50000)

    def test_a_pool_is_shared_to_the_last_fen(self):
        claims = {FIRM: 30000000, OTHER: 30000000, THIRD: 30000000}
        self.assertEqual(oracle.pool_divide(claims, 70000000, "prorata"),
                         {FIRM: 23333334, OTHER: 23333333, THIRD: 23333333})
        self.assertEqual(oracle.pool_divide(claims, 90000000, "prorata"), claims)

    def test_the_largest_remainder_gets_the_fen(self):
        # 0.5 and 1.5 of 2: remainders are equal, the lower code wins; 1/3 and 8/3 of 3: the larger remainder wins.
        self.assertEqual(oracle.pool_divide({FIRM: 1, OTHER: 3}, 2, "prorata"), {FIRM: 1, OTHER: 1})
        self.assertEqual(oracle.pool_divide({FIRM: 1, OTHER: 8}, 3, "prorata"), {FIRM: 0, OTHER: 3})

    def test_a_pool_may_go_by_order_or_by_rank(self):
        claims = {FIRM: 40, OTHER: 50, THIRD: 60}
        self.assertEqual(oracle.pool_divide(claims, 100, "rank"), {FIRM: 0, OTHER: 40, THIRD: 60})
        self.assertEqual(oracle.pool_divide(claims, 100, "first_come", {FIRM: 9, OTHER: 4, THIRD: 5}),
                         {FIRM: 0, OTHER: 50, THIRD: 50})

    def test_rounding_is_by_unit_and_mode(self):
        rate = {"type": "flat", "ppm": 35000}
        for unit, mode, award in ((100, "floor", "4320.00"), (1, "half_up", "4320.99"), (1, "floor", "4320.98"),
                                  (100, "half_up", "4321.00"), (10000, "floor", "4300.00")):
            with self.subTest((unit, mode)):
                rules = {"unit_fen": unit, "mode": mode}
                self.assertEqual(self.award([trade("1", "123456.78")], rate=rate, round=rules), award)
        self.assertEqual(oracle.round_exact(500000, 1, "half_up"), 1)
        self.assertEqual(oracle.round_exact(499999, 1, "half_up"), 0)

    def test_the_window_has_both_its_days(self):
        for day, volume in (("2024-12-31", 0), ("2025-01-01", 100), ("2026-12-31", 100), ("2027-01-01", 0)):
            with self.subTest(day):
                self.assertEqual(ask([trade("1", "1", settled=day)])["volume_fen"], volume)

    def test_credit_codes_of_the_sample_are_computed_as_the_real_ones_are(self):
        for code in (FIRM, OTHER, THIRD):
            self.assertEqual(make.usci(code[2:8], code[8:16]), code)
        for code in REAL_CODES:
            total = sum(make.USCI_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
            self.assertEqual(make.USCI_ALPHABET[-total % 31], code[17], code)


class Evaluation(unittest.TestCase):
    """The order of evaluation, rule by rule."""

    def test_each_gate_turns_away(self):
        cases = (
            ("window", {}, {"settled": "2024-12-31"}), ("side", {"sides": ["buyer"]}, {}),
            ("venue", {"venues": ["sddex"]}, {}), ("list", {"list": "pilot"}, {}),
            ("related", {}, {"related_declared": "yes"}), ("other_subsidy", {}, {"other_subsidy": "yes"}),
            ("product_kind", {"exclude_product_kinds": ["dataset"]}, {}), ("eligible", {}, {}),
            ("eligible", {"related": "flag"}, {"related_declared": "yes"}),
            ("eligible", {"related": "allow"}, {"related_declared": "yes"}),
            ("eligible", {"other_subsidy": "allow"}, {"other_subsidy": "yes"}),
            ("eligible", {"enterprises": "all", "list": "pilot"}, {}),
            ("list", {"enterprises": "all", "exclude_list": "default"}, {}),
            ("eligible", {}, {"related_declared": "not_stated", "other_subsidy": "not_stated"}),
            ("eligible", {"date_basis": "signed"}, {"settled": "2027-01-04", "signed_on": "2026-12-30"}))
        for wanted, rules, row in cases:
            with self.subTest((wanted, rules, row)):
                result = ask([trade("1", "1000", **row)], rules=policy(**rules))
                self.assertEqual(set(result["gates"]), {wanted})
                self.assertEqual(result["volume_fen"], 100000 if wanted == "eligible" else 0)

    def test_a_relation_reaches_past_trades_but_not_past_answers(self):
        events = [trade("1", "1000"), ("relate", OTHER, FIRM)]
        self.assertEqual(ask(events[:1])["volume_fen"], 100000)
        self.assertEqual(ask(events)["volume_fen"], 0)

    def test_the_base_is_with_or_without_tax_and_after_refunds(self):
        events = [trade("1", "106", tax="6"), refund("a", "1", "53", "3")]
        self.assertEqual(ask(events)["volume_fen"], 5000)
        self.assertEqual(ask(events, rules=policy(base="gross"))["volume_fen"], 5300)

    def test_thresholds_are_inclusive_and_count_what_is_left(self):
        rules = policy(threshold={"trades": 2, "contracts": 1, "amount": "1000.00"})
        enough = [trade("1", "600"), trade("2", "400", instalment="2")]
        self.assertEqual(ask(enough, rules=rules)["award_fen"], 5000)
        for events in (enough[:1], [trade("1", "600"), trade("2", "399.99")], enough + [refund("a", "2", "0.01")],
                       [trade("1", "600", instalment="3"), enough[1]],
                       [trade("1", "1000"), trade("2", "10"), refund("a", "2", "10")]):
            result = ask(events, rules=rules)
            self.assertEqual((result["award_fen"], result["reason"]), (0, "below_threshold"))

    def test_by_side_adds_exact_values_under_one_cap(self):
        rate = {"by_side": {"supplier": {"type": "flat", "ppm": 5}, "buyer": {"type": "flat", "ppm": 5}}}
        rules = policy(rate=rate, round={"unit_fen": 1, "mode": "floor"})
        # Each side alone gives half a fen, which would be lost if sides were rounded.
        events = [trade("1", "1000"), trade("2", "1000", supplier=OTHER, buyer=FIRM)]
        self.assertEqual(ask(events[:1], rules=rules)["award_fen"], 0)
        self.assertEqual(ask(events, rules=rules)["award_fen"], 1)

    def test_one_rate_takes_both_sides_together(self):
        events = [trade("1", "1000000"), trade("2", "1000000", supplier=OTHER, buyer=FIRM)]
        result = ask(events, rules=policy(rate={"type": "slab", "tiers": TIERS}))
        self.assertEqual((result["supplier_fen"], result["buyer_fen"]), (100000000, 100000000))
        self.assertEqual(result["award_fen"], 10000000)

    def test_a_fixed_sum_needs_volume(self):
        rules = policy(rate={"type": "fixed", "amount": "100000.00"})
        self.assertEqual(ask([trade("1", "0.01")], rules=rules)["award_fen"], 10000000)
        self.assertEqual(ask([trade("1", "1"), refund("a", "1", "1")], rules=rules)["award_fen"], 0)

    def test_capped_at_is_found_with_the_net_amounts_of_the_asked_size(self):
        events = [trade("1", "4000000"), trade("2", "3000000"), trade("3", "1000000"), refund("a", "1", "2000000")]
        self.assertEqual(ask(events[:3])["capped_at"]["trade_no"], "2")
        self.assertEqual(ask(events)["capped_at"]["trade_no"], "3")
        self.assertIsNone(ask(events[:2] + events[3:])["capped_at"])

    def test_years_are_capped_each_and_all(self):
        rules = policy(cap={"amount": "300000.00", "scope": "year"})
        events = [trade("1", "9000000"), trade("2", "6000000", settled="2026-01-01")]
        first, both = ask(events[:1], rules=rules), ask(events, rules=rules)
        self.assertEqual([period["capped"] for period in first["periods"]], [True, False])
        self.assertEqual((first["capped"], first["remaining_fen"]), (False, 30000000))
        self.assertEqual((both["capped"], both["capped_at"]["trade_no"]), (True, "2"))
        self.assertEqual([period["capped"] for period in both["periods"]], [True, True])

    def test_the_year_is_that_of_the_day_the_policy_goes_by(self):
        events = [trade("1", "1000", settled="2026-01-04", signed_on="2025-12-30")]
        for basis, volumes in (("settled", [0, 100000]), ("signed", [100000, 0])):
            with self.subTest(basis):
                rules = policy(cap={"amount": "300000.00", "scope": "year"}, date_basis=basis)
                self.assertEqual([period["volume_fen"] for period in ask(events, rules=rules)["periods"]], volumes)

    def test_a_cap_touched_on_the_way_is_not_reached(self):
        rules = policy(rate={"type": "slab", "tiers": TIERS}, cap={"amount": "100000.00", "scope": "term"})
        events = [trade("1", "1000000"), trade("2", "500000"), trade("3", "500000")]
        self.assertEqual([ask(events[:count], rules=rules)["capped_at"] is None for count in (1, 2, 3)],
                         [False, True, False])
        self.assertEqual(ask(events, rules=rules)["capped_at"]["trade_no"], "1")

    def test_a_refund_can_raise_a_slab_award(self):
        rules = policy(rate={"type": "slab", "tiers": TIERS})
        events = [trade("1", "1000000.01"), refund("a", "1", "0.01")]
        self.assertLess(ask(events[:1], rules=rules)["award_fen"], ask(events, rules=rules)["award_fen"])

    def test_an_answer_without_an_award_says_why(self):
        sold = trade("1", "1000")
        self.assertEqual(ask([sold], rules=policy(list="pilot"))["reason"], "not_listed")
        self.assertEqual(ask([sold], code=OTHER)["reason"], "not_listed")
        self.assertEqual(ask([sold], rules=policy(rate=None))["reason"], "rate_not_set")
        self.assertIsNone(ask([sold], rules=policy(rate=None))["award_fen"])
        self.assertEqual(ask([])["reason"], "no_eligible_trade")
        self.assertEqual(ask([sold, refund("a", "1", "1000")])["reason"], "no_eligible_trade")
        self.assertIsNone(ask([sold])["reason"])

    def test_a_key_it_does_not_know_is_an_error(self):
        for wrong in (policy(bonus=1), policy(cap={"amount": "1.00", "scope": "term", "each": 1}),
                      policy(threshold={"trade": 1}), policy(rate={"type": "flat", "ppm": 1, "tiers": []}),
                      policy(growth={"from": "2024-01-01", "to": "2024-12-31"})):
            with self.assertRaises(ValueError):
                oracle.complete_policy(wrong)

    def test_amounts_are_read_strictly(self):
        for text, wanted in (("0.01", 1), ("12", 1200), ("12.5", 1250), ("1234567.89", 123456789)):
            self.assertEqual(oracle.parse_fen(text), wanted)
        for text in ("", "-1", "1.", ".5", "1.005", "01", "1,000", "1e3", " 1"):
            with self.assertRaises(ValueError):
                oracle.parse_fen(text)


class Dispositions(unittest.TestCase):
    """Which records count."""

    def test_numbers_are_unique_within_a_venue(self):
        self.assertEqual(dispositions([trade("1", "5"), trade("1", "6"), trade("1", "5", venue="sddex")]),
                         ["counted", "duplicate_trade", "counted"])
        refunds = [refund("a", "1", "1"), refund("a", "1", "1", venue="sddex"), refund("a", "1", "1")]
        self.assertEqual(dispositions([trade("1", "5"), trade("1", "5", venue="sddex")] + refunds)[2:],
                         ["counted", "counted", "duplicate_adjust"])

    def test_a_self_trade_takes_its_number(self):
        self.assertEqual(dispositions([trade("1", "5", buyer=FIRM), trade("1", "5")]),
                         ["self_trade", "duplicate_trade"])

    def test_a_trade_that_does_not_count_has_nothing_to_give_back(self):
        self.assertEqual(dispositions([trade("1", "5", buyer=FIRM), refund("a", "1", "1")]),
                         ["self_trade", "refund_unknown"])

    def test_refunds_are_bounded_in_amount_tax_and_net(self):
        for amount, tax, wanted in (("106", "6", "counted"), ("106.01", "6", "refund_exceeds"),
                                    ("53", "6.01", "refund_exceeds"), ("106", "5.99", "refund_exceeds")):
            with self.subTest((amount, tax)):
                self.assertEqual(dispositions([trade("1", "106", tax="6"), refund("a", "1", amount, tax)])[1], wanted)

    def test_refunds_of_one_trade_add_up(self):
        events = [trade("1", "10"), refund("a", "1", "6"), refund("b", "1", "4.01"), refund("c", "1", "4")]
        self.assertEqual(dispositions(events), ["counted", "counted", "refund_exceeds", "counted"])

    def test_a_refund_needs_its_trade_before_it_and_at_its_venue(self):
        events = [refund("a", "1", "1"), trade("1", "10"), refund("b", "1", "1", venue="sddex"), refund("a", "1", "1"),
                  refund("c", "1", "1")]
        self.assertEqual(dispositions(events),
                         ["refund_unknown", "counted", "refund_unknown", "duplicate_adjust", "counted"])

    def test_a_refund_stands_in_its_trade_s_month(self):
        events = [trade("1", "106", tax="6"), refund("a", "1", "53", "3"), trade("1", "9"),
                  trade("2", "7", venue="sddex", supplier=OTHER, buyer=FIRM, settled="2025-06-01")]
        self.assertEqual(ask(events)["months"], [
            {"month": "2025-05", "side": "supplier", "venue": "qddex", "trades": 1, "amount_fen": 10600, "tax_fen": 600,
             "refunded_fen": 5300, "refunded_tax_fen": 300, "not_counted": 1},
            {"month": "2025-06", "side": "buyer", "venue": "sddex", "trades": 1, "amount_fen": 700, "tax_fen": 0,
             "refunded_fen": 0, "refunded_tax_fen": 0, "not_counted": 0}])


class Sample(unittest.TestCase):
    """The committed world is the generated one, and has in it what its README says."""

    @classmethod
    def setUpClass(cls):
        cls.made = make.build()
        cls.world = oracle.read_world(SAMPLE)
        cls.events = cls.world.events()
        cls.flat = oracle.oracle(cls.world, oracle.read_policy(os.path.join(SAMPLE, "policy-flat.json")))
        cls.tiered = oracle.oracle(cls.world, oracle.read_policy(os.path.join(SAMPLE, "policy-tiered.json")))
        cls.rows = [row for feed in cls.world.feeds.values() for row in feed]
        cls.trades = [row for row in cls.rows if row["kind"] == "trade"]

    def of(self, role, results=None):
        return (results or self.flat)["enterprises"][self.made.roles[role]]

    def disposition(self, case):
        item = self.made.cases[case]
        places = [place for place, event in enumerate(self.events)
                  if event[0] in ("trade", "refund") and event[1] == item.venue and event[2] == item.row]
        self.assertEqual(len(places), 1, case)
        return self.flat["dispositions"][places[0]]

    def test_the_committed_files_are_the_generated_ones(self):
        self.assertEqual(make.stale_files(), [])

    def test_a_second_build_is_the_same(self):
        self.assertEqual(make.files(make.build()), make.files(self.made))

    def test_it_is_as_large_as_promised(self):
        settled = sorted(row["settled_on"] for row in self.trades)
        self.assertGreaterEqual(len(settled), 3000)
        self.assertEqual((settled[0], settled[-1]), ("2024-12-31", "2026-10-31"))
        self.assertGreaterEqual(len(self.flat["enterprises"]), 40)
        self.assertGreater(min(sum(1 for row in feed if row["kind"] == "trade")
                               for feed in self.world.feeds.values()), 1000)

    def test_every_row_keeps_the_rules_of_its_fields(self):
        for row in self.rows:
            with self.subTest(row["trade_no"] or row["adjust_no"]):
                self.check_trade(row) if row["kind"] == "trade" else self.check_refund(row)

    def check_amounts(self, row):
        amount, tax = oracle.parse_fen(row["amount"]), oracle.parse_fen(row["tax"])
        self.assertTrue(0 < amount <= 10**13 and 0 <= tax < amount)
        self.assertTrue(all(re.fullmatch("[0-9]{18}|[0-9]{20}", number)
                            for number in (row["invoice_no"] + ";" + row["red_invoice_no"]).split(";") if number))

    def check_trade(self, row):
        self.check_amounts(row)
        for column in ("supplier", "buyer", "broker"):
            if row[column] or column != "broker":
                code = row[column]
                self.assertRegex(code, "^91[0-9]{6}MA0XT[EF][0-9]{2}[0-9X].$")
                self.assertEqual(make.usci(code[2:8], code[8:16]), code)
        self.assertLessEqual(datetime.date.fromisoformat(row["signed_on"]),
                             datetime.date.fromisoformat(row["settled_on"]))
        self.assertLessEqual(len([number for number in row["invoice_no"].split(";") if number]), 8)
        self.assertRegex(row["contract_hash"], "^[0-9a-f]{64}$")
        self.assertTrue(row["contract_no"] and row["product_code"] and row["product_name"] and row["voucher_no"])
        self.assertIn(row["contract_kind"], make.CONTRACT_KINDS)
        self.assertIn(row["product_kind"], make.PRODUCT_KINDS)
        self.assertTrue(1 <= int(row["instalment"]) <= 9999)
        for column in ("related_declared", "other_subsidy"):
            self.assertIn(row[column], ("no", "yes", "not_stated"))
        self.assertFalse(row["adjust_no"] + row["original_trade_no"] + row["occurred_on"] + row["reason_code"])

    def check_refund(self, row):
        self.check_amounts(row)
        self.assertTrue(row["adjust_no"] and row["original_trade_no"] and row["reason_code"])
        self.assertLessEqual(datetime.date.fromisoformat(row["occurred_on"]), make.LAST_DAY)
        used = {"kind", "amount", "tax", "adjust_no", "original_trade_no", "occurred_on", "reason_code", "reason",
                "red_invoice_no"}
        self.assertFalse([column for column, value in row.items() if value and column not in used])

    def test_every_choice_occurs(self):
        for column, words in (("contract_kind", make.CONTRACT_KINDS), ("product_kind", make.PRODUCT_KINDS),
                              ("related_declared", ("no", "yes", "not_stated")),
                              ("other_subsidy", ("no", "yes", "not_stated"))):
            self.assertEqual({row[column] for row in self.trades}, set(words))
        invoices = {len([number for number in row["invoice_no"].split(";") if number]) for row in self.trades}
        self.assertTrue({0, 1, 2, 3, 8} <= invoices)
        lengths = {len(number) for row in self.trades for number in row["invoice_no"].split(";")}
        self.assertEqual(lengths, {0, 18, 20})
        self.assertTrue(any(row["broker"] for row in self.trades))
        self.assertTrue(any(not row["supplier_name"] for row in self.trades))
        self.assertTrue(any("." not in row["amount"] for row in self.trades))
        self.assertTrue(any(re.search(r"\.[0-9]$", row["amount"]) for row in self.trades))

    def test_special_rows_have_their_dispositions(self):
        wanted = {"duplicate_trade": "duplicate_trade", "self_trade": "self_trade",
                  "duplicate_adjust": "duplicate_adjust", "refund_before_trade": "refund_unknown",
                  "other_venue": "refund_unknown",
                  "exceeds_amount": "refund_exceeds", "exceeds_tax_only": "refund_exceeds",
                  "exceeds_net_only": "refund_exceeds", "exceeds_after_parts": "refund_exceeds"}
        for case in self.made.cases:
            with self.subTest(case):
                self.assertEqual(self.disposition(case), wanted.get(case, "counted"))
        not_counted = [d for d in self.flat["dispositions"] if d not in (None, "counted")]
        self.assertEqual(len(not_counted), len(wanted))

    def test_feeds_rise_and_are_nearly_chronological(self):
        for feed in self.world.feeds.values():
            trades = [row for row in feed if row["kind"] == "trade"]
            firsts = list(dict.fromkeys(row["trade_no"] for row in trades))
            self.assertEqual(firsts, sorted(firsts))
            days = [datetime.date.fromisoformat(row["settled_on"]) for row in trades]
            behind = [(earlier - later).days for earlier, later in zip(days, days[1:])]
            self.assertTrue(0 < max(behind) <= 3)

    def test_contracts_settle_in_instalments(self):
        contracts = {}
        for row in self.trades:
            contracts.setdefault(row["contract_no"], []).append(int(row["instalment"]))
        periodic = [numbers for numbers in contracts.values() if len(numbers) > 2]
        self.assertEqual(len(periodic), make.PERIODIC_CONTRACTS)
        for numbers in periodic:
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_refunds_act_on_months_before_their_own(self):
        trades = {(venue, row["trade_no"]): row for venue, feed in self.world.feeds.items() for row in reversed(feed)
                  if row["kind"] == "trade"}
        later = whole = partial = 0
        for event, disposition in zip(self.events, self.flat["dispositions"]):
            if event[0] == "refund" and disposition == "counted":
                of = trades[event[1], event[2]["original_trade_no"]]
                later += event[2]["occurred_on"][:7] > of["settled_on"][:7]
                whole += event[2]["amount"] == of["amount"]
                partial += event[2]["amount"] != of["amount"]
        self.assertTrue(later > 50 and whole > 10 and partial > 50, (later, whole, partial))

    def test_the_register_and_the_traders_differ(self):
        listed = {code for code, _, lists in self.world.firms if "default" in lists}
        registered = {code for code, _, _ in self.world.firms}
        trading = {row[side] for row in self.trades for side in ("supplier", "buyer")}
        self.assertEqual(sorted(trading - registered), sorted(self.made.not_registered))
        self.assertEqual(sorted(registered - listed), sorted(self.made.not_on_default))
        self.assertEqual(sorted(registered - trading), sorted(self.made.without_trade))
        self.assertEqual([lists for code, _, lists in self.world.firms if code == self.made.not_on_default[-1]], [[]])
        for code in self.made.not_registered + self.made.not_on_default:
            self.assertIn(code, trading)
            self.assertEqual(self.flat["enterprises"][code]["reason"], "not_listed")
            self.assertGreater(self.tiered["enterprises"][code]["volume_fen"], 0)

    def test_awards_at_the_cap_and_around_it(self):
        for role, volume, award, is_capped in (
                ("exact", 600000000, 30000000, True), ("fen_below", 599999999, 29999900, False),
                ("far_beyond", 2000000000, 30000000, True), ("falls_back", 500000000, 25000000, False),
                ("stays_capped", 650000000, 30000000, True), ("two_years", 1400000000, 30000000, True),
                ("small", 100019, 5000, False)):
            with self.subTest(role):
                result = self.of(role)
                self.assertEqual((result["volume_fen"], result["award_fen"]), (volume, award))
                self.assertEqual(result["capped"], is_capped)
                self.assertEqual(result["capped_at"] is not None, is_capped)
        self.assertEqual(self.of("exact")["eligible"][-1][1], self.of("exact")["capped_at"]["trade_no"])
        self.assertNotEqual(self.of("far_beyond")["eligible"][-1][1], self.of("far_beyond")["capped_at"]["trade_no"])
        by_year = oracle.oracle(self.world, policy(cap={"amount": "300000.00", "scope": "year"}))
        self.assertEqual(self.of("two_years", by_year)["award_fen"], 60000000)

    def test_one_falls_back_below_the_cap_by_its_refund(self):
        item = self.made.cases["falls_back"]
        place = next(place for place, event in enumerate(self.events) if event[0] == "refund" and event[2] == item.row)
        before = self.of("falls_back", oracle.oracle(self.world, make.policy_flat(), self.events[:place]))
        after = self.of("falls_back", oracle.oracle(self.world, make.policy_flat(), self.events[:place + 1]))
        self.assertEqual((before["award_fen"], before["capped"]), (30000000, True))
        self.assertEqual((after["award_fen"], after["capped"]), (25000000, False))

    def test_parties_are_turned_away_for_their_reasons(self):
        for role, reason in (("declared", "related"), ("subsidised", "other_subsidy")):
            self.assertEqual(set(self.of(role)["gates"]), {reason})
            self.assertEqual(self.of(role)["reason"], "no_eligible_trade")
            self.assertGreater(self.of(role, self.tiered)["award_fen"], 0)
        self.assertEqual({gate: sums["trades"] for gate, sums in self.of("kin_first")["gates"].items()},
                         {"related": 7, "eligible": 7})
        self.assertEqual(set(self.of("compute_only", self.tiered)["gates"]), {"product_kind"})
        self.assertGreater(self.of("compute_only")["award_fen"], 0)
        self.assertEqual(self.of("all_refunded")["reason"], "no_eligible_trade")
        self.assertEqual(self.of("small", self.tiered)["reason"], "below_threshold")
        self.assertEqual(sum(row["not_counted"] for row in self.of("self_dealer")["months"]), 2)
        for first, second in self.world.relations:
            self.assertLess(first, second)
            self.assertTrue(any({row["supplier"], row["buyer"]} == {first, second} for row in self.trades))

    def test_dates_on_the_edges_are_in_or_out(self):
        self.assertEqual({gate: sums["trades"] for gate, sums in self.of("dates")["gates"].items()},
                         {"window": 2, "eligible": 4})
        self.assertEqual({gate: sums["trades"] for gate, sums in self.of("dates", self.tiered)["gates"].items()
                          if gate == "window"}, {"window": 3})

    def test_one_contract_stands_at_two_venues(self):
        venues = {}
        for venue, feed in self.world.feeds.items():
            for row in feed:
                if row["kind"] == "trade":
                    venues.setdefault(row["contract_hash"], set()).add(venue)
        self.assertEqual([digest for digest, where in venues.items() if len(where) > 1],
                         [self.made.cases["shared_contract"].row["contract_hash"]])

    def test_the_tiered_policy_uses_all_its_parts(self):
        results = self.tiered["enterprises"].values()
        self.assertTrue(any(result["capped"] for result in results))
        self.assertTrue(any(0 < result["award_fen"] < result["cap_fen"] and any(p["capped"] for p in result["periods"])
                            for result in results))
        self.assertTrue(any(result["award_fen"] % 100 for result in results))
        self.assertEqual({result["reason"] for result in results}, {None, "below_threshold", "no_eligible_trade"})

    def test_the_order_of_venues_changes_no_award(self):
        firms = self.events[:len(self.world.firms) + len(self.world.relations)]
        turned = firms + oracle.feed_events("sddex", self.world.feeds["sddex"])
        turned += oracle.feed_events("qddex", self.world.feeds["qddex"])
        for code, result in oracle.oracle(self.world, make.policy_flat(), turned)["enterprises"].items():
            self.assertEqual(result["award_fen"], self.flat["enterprises"][code]["award_fen"])

    def test_sides_balance(self):
        """Every counted trade stands once on each side, so both sides' months have the same sums."""
        for column in ("trades", "amount_fen", "tax_fen", "refunded_fen", "refunded_tax_fen"):
            sums = {side: sum(row[column] for result in self.flat["enterprises"].values() for row in result["months"]
                              if row["side"] == side) for side in oracle.SIDES}
            self.assertEqual(sums["supplier"], sums["buyer"])
        self.assertEqual(sums["supplier"] > 0, True)

    def test_csv_cells_need_their_quotes(self):
        with open(os.path.join(SAMPLE, "qddex.csv"), encoding="utf-8", newline="") as file:
            text = file.read()
        self.assertEqual(text.splitlines()[0], ",".join(make.COLUMNS))
        self.assertIn('"港口""集疏运""数据,周报"', text)
        self.assertTrue(all(len(row) == len(make.COLUMNS) for row in csv.reader(text.splitlines())))

    def test_the_command_prints_one_enterprise(self):
        command = [sys.executable, os.path.join(TESTS, "oracle.py"), "--sample", SAMPLE, "--policy",
                   os.path.join(SAMPLE, "policy-flat.json")]
        result = json.loads(subprocess.run(command + ["--code", self.made.roles["exact"]], check=True,
                                           stdout=subprocess.PIPE).stdout)
        self.assertEqual((result["award"], result["remaining"], result["capped"]), ("300000.00", "0.00", True))
        absent = subprocess.run(command + ["--code", REAL_CODES[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(absent.returncode, 3)


if __name__ == "__main__":
    unittest.main()
