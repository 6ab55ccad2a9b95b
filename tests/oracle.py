"""An independent oracle: every figure of the ledger, recomputed in the plainest way there is.

It shares no code with the programs and none of their tricks: no cells, no chains, no cache. It walks a list of
*events* in the order in which they entered the ledger, keeps whole trades, and evaluates a policy over them. What
a ledger said at an earlier size is asked by giving fewer events. Money is integer fen; what a rate gives is fen
times 10^6; there is no float in this file.

    python3 tests/oracle.py --sample tests/sample --policy tests/sample/policy-flat.json [--code CODE] [--json]

An event is one of
    ("register", code, name, lists)     lists: a sequence of names; a later one replaces an earlier one
    ("relate", first, second)
    ("trade", venue, row)               row: a dict by column of the sample's CSV
    ("refund", venue, row)
    ("push", venue, key)                whose signature is under the venue's records that follow, up to the next push
    ("hold", venue, trade_no), ("release", venue, trade_no), ("void", venue, trade_no)
    ("distrust", venue, key, start)     the key was stolen: what it signed from event `start` on is held
"""
import argparse
import csv
import json
import os
import re
import sys

PPM = 1000000
SUPPLIER, BUYER = "supplier", "buyer"
SIDES = (SUPPLIER, BUYER)


# Money and dates

def parse_fen(text):
    """Yuan with at most two decimals, as fen."""
    if not re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]{1,2})?", text):
        raise ValueError(f"{text!r} is not an amount in yuan")
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def format_fen(fen):
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def round_exact(exact, unit_fen, mode):
    """An exact value (fen x 10^6) as fen, rounded to a multiple of the unit."""
    unit = unit_fen * PPM
    if mode == "floor":
        return exact // unit * unit_fen
    if mode == "half_up":
        return (2 * exact + unit) // (2 * unit) * unit_fen
    raise ValueError(f"round mode {mode!r} is unknown")


# The world: what is in the sample's files

class World:
    """Register, relations, and the rows of each venue in the order of its feed."""

    def __init__(self, firms=(), relations=(), feeds=None):
        self.firms = list(firms)            # (code, name, [list])
        self.relations = list(relations)    # (first, second)
        self.feeds = dict(feeds or {})      # venue: [row]

    def events(self):
        """The plainest order: all enterprises, all relations, then one venue after the other by name."""
        events = [("register", code, name, lists) for code, name, lists in self.firms]
        events += [("relate", first, second) for first, second in self.relations]
        for venue in sorted(self.feeds):
            events += feed_events(venue, self.feeds[venue])
        return events


def feed_events(venue, rows):
    """The events of one push: rows of one venue."""
    return [(row["kind"], venue, row) for row in rows]


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_world(folder, venues=("qddex", "sddex")):
    """The world in a folder of CSV files; a venue's feed is in VENUE.csv."""
    firms = [(row["code"], row["name"], [name for name in row["lists"].split(";") if name])
             for row in read_rows(os.path.join(folder, "firms.csv"))]
    relations = [(row["first"], row["second"]) for row in read_rows(os.path.join(folder, "relations.csv"))]
    feeds = {venue: read_rows(os.path.join(folder, venue + ".csv")) for venue in venues}
    return World(firms, relations, feeds)


# The ledger: which record counts, and what was given back

class Trade:
    """One trade row with everything that later rows did to it."""

    def __init__(self, event_index, venue, row):
        self.event_index = event_index
        self.venue = venue
        self.row = row
        self.supplier, self.buyer = row["supplier"], row["buyer"]
        self.amount_fen, self.tax_fen = parse_fen(row["amount"]), parse_fen(row["tax"])
        self.refunded_fen = self.refunded_tax_fen = 0
        self.disposition = "counted"
        self.state = "counted"      # what orders made of it; of no importance where it never counted
        self.key = None             # whose signature is under its push, where that was told

    def counts(self):
        return self.disposition == "counted" and self.state == "counted"

    def month(self):
        """Month of settlement: where the trade and all its refunds stand in the monthly rows."""
        return self.row["settled_on"][:7]

    def base_fen(self, base):
        """What is left of it after refunds, with or without tax."""
        gross = self.amount_fen - self.refunded_fen
        return gross if base == "gross" else gross - (self.tax_fen - self.refunded_tax_fen)

    def can_give_back(self, amount_fen, tax_fen):
        """Neither amount nor tax nor their difference may go below zero."""
        amount = self.amount_fen - self.refunded_fen - amount_fen
        tax = self.tax_fen - self.refunded_tax_fen - tax_fen
        return amount >= 0 and tax >= 0 and amount - tax >= 0


class Ledger:
    """The state after some events, and the disposition of each record among them."""

    def __init__(self, events):
        self.register = {}          # code: (name, frozenset of lists)
        self.relations = set()      # frozenset of two codes
        self.trades = []            # all, in ledger order
        self.by_number = {}         # (venue, trade_no): the first of that number
        self.adjust_numbers = set()
        self.keys = {}              # venue: the key under its newest push
        self.dispositions = []      # one an event; None where the event is not a record
        for event_index, event in enumerate(events):
            self.dispositions.append(self.apply(event_index, event))

    def apply(self, event_index, event):
        kind = event[0]
        if kind == "register":
            self.register[event[1]] = (event[2], frozenset(event[3]))
            return None
        if kind == "relate":
            self.relations.add(frozenset(event[1:3]))
            return None
        if kind == "push":
            self.keys[event[1]] = event[2]
            return None
        if kind in ("hold", "release", "void"):
            self.by_number[event[1], event[2]].state = {"hold": "held", "release": "counted", "void": "voided"}[kind]
            return None
        if kind == "distrust":
            self.distrust(*event[1:4])
            return None
        if kind == "trade":
            return self.apply_trade(Trade(event_index, event[1], event[2]))
        if kind == "refund":
            return self.apply_refund(event[1], event[2])
        raise ValueError(f"event {event_index} has the unknown kind {kind!r}")

    def distrust(self, venue, key, start):
        """At once, here: what counts and was pushed under that key. The programs take longer, and hold the same."""
        for trade in self.trades:
            if (trade.venue, trade.key) == (venue, key) and trade.event_index >= start and trade.counts():
                trade.state = "held"

    def apply_trade(self, trade):
        trade.key = self.keys.get(trade.venue)
        key = (trade.venue, trade.row["trade_no"])
        if key in self.by_number:
            # Whatever it says of its parties: it concerns those of the number's first trade.
            first = self.by_number[key]
            trade.supplier, trade.buyer = first.supplier, first.buyer
            trade.disposition = "duplicate_trade"
        else:
            self.by_number[key] = trade
            if trade.supplier == trade.buyer:
                trade.disposition = "self_trade"
        self.trades.append(trade)
        return trade.disposition

    def apply_refund(self, venue, row):
        """A number is used up by whatever came with it first, counted or not."""
        key = (venue, row["adjust_no"])
        if key in self.adjust_numbers:
            return "duplicate_adjust"
        self.adjust_numbers.add(key)
        trade = self.by_number.get((venue, row["original_trade_no"]))
        if trade is None or trade.disposition != "counted" or trade.state == "voided":
            return "refund_unknown"     # what never counted has nothing to give back
        amount_fen, tax_fen = parse_fen(row["amount"]), parse_fen(row["tax"])
        if not trade.can_give_back(amount_fen, tax_fen):
            return "refund_exceeds"
        trade.refunded_fen += amount_fen
        trade.refunded_tax_fen += tax_fen
        return "counted"

    def codes(self):
        """Everyone on the register or party to a trade."""
        codes = set(self.register)
        for trade in self.trades:
            codes.update((trade.supplier, trade.buyer))
        return sorted(codes)

    def is_related(self, trade):
        """Declared, or listed whenever it became known."""
        return trade.row["related_declared"] == "yes" or frozenset((trade.supplier, trade.buyer)) in self.relations


# The policy

POLICY_DEFAULTS = {
    "title": "", "basis": "", "date_basis": "settled", "sides": list(SIDES), "base": "net", "enterprises": "listed",
    "list": "default", "exclude_list": None, "related": "exclude", "other_subsidy": "exclude",
    "exclude_product_kinds": [], "threshold": None, "rate": None, "round": {"unit_fen": 100, "mode": "floor"},
    "growth": None, "pool": None, "review": None, "instalments": None, "clawback": "recompute"}
POLICY_NEEDED = ("policy", "version", "status", "window", "venues", "cap")
RATE_KEYS = {"flat": ("type", "ppm"), "marginal": ("type", "tiers"), "slab": ("type", "tiers"),
             "fixed": ("type", "amount")}


def check_keys(value, known, where):
    unknown = set(value) - set(known)
    if unknown:
        raise ValueError(f"{where} has the unknown key {min(unknown)!r}")


def check_rate(rate):
    if rate is None:
        return
    if "by_side" in rate:
        check_keys(rate, {"by_side"}, "rate")
        check_keys(rate["by_side"], SIDES, "rate.by_side")
        for side in SIDES:
            check_rate(rate["by_side"][side])
        return
    check_keys(rate, RATE_KEYS[rate["type"]], "rate")
    for tier in rate.get("tiers", ()):
        check_keys(tier, {"up_to", "ppm"}, "rate.tiers")


def complete_policy(given):
    """The policy with its defaults. A key it does not know is an error: a condition ignored is money."""
    check_keys(given, set(POLICY_DEFAULTS) | set(POLICY_NEEDED), "policy")
    for key in POLICY_NEEDED:
        if key not in given:
            raise ValueError(f"policy has no {key!r}")
    if given.get("growth") is not None:
        raise ValueError("growth over a baseline is not recomputed here")
    policy = dict(POLICY_DEFAULTS, **given)
    check_keys(policy["window"], {"from", "to"}, "window")
    check_keys(policy["cap"], {"amount", "scope"}, "cap")
    check_keys(policy["round"], {"unit_fen", "mode"}, "round")
    check_keys(policy["threshold"] or {}, {"trades", "contracts", "amount"}, "threshold")
    check_rate(policy["rate"])
    return policy


def read_policy(path):
    with open(path, encoding="utf-8") as file:
        return complete_policy(json.load(file))


def periods_of(policy):
    """Cap periods: one for the term (year 0), or one for each calendar year the window touches."""
    if policy["cap"]["scope"] == "term":
        return [0]
    return list(range(int(policy["window"]["from"][:4]), int(policy["window"]["to"][:4]) + 1))


def basis_date(policy, trade):
    return trade.row["settled_on" if policy["date_basis"] == "settled" else "signed_on"]


def is_on_list(policy, ledger, code):
    lists = ledger.register[code][1] if code in ledger.register else frozenset()
    if policy["exclude_list"] and policy["exclude_list"] in lists:
        return False
    return policy["enterprises"] == "all" or policy["list"] in lists


def gate(policy, ledger, trade, code, side):
    """The first rule that keeps a counted trade out of that enterprise's volume, or "eligible"."""
    if not policy["window"]["from"] <= basis_date(policy, trade) <= policy["window"]["to"]:
        return "window"
    if side not in policy["sides"]:
        return "side"
    if trade.venue not in policy["venues"]:
        return "venue"
    if not is_on_list(policy, ledger, code):
        return "list"
    if policy["related"] == "exclude" and ledger.is_related(trade):
        return "related"
    if policy["other_subsidy"] == "exclude" and trade.row["other_subsidy"] == "yes":
        return "other_subsidy"
    if trade.row["product_kind"] in policy["exclude_product_kinds"]:
        return "product_kind"
    return "eligible"


# The arithmetic

class Sums:
    """What a rate and a threshold look at, for one cap period."""

    def __init__(self):
        self.volume_fen = {SUPPLIER: 0, BUYER: 0}
        self.trades = self.contracts = 0

    def add(self, side, base_fen, is_first_instalment):
        self.volume_fen[side] += base_fen
        if base_fen > 0:
            self.trades += 1
            self.contracts += 1 if is_first_instalment else 0

    def total_fen(self):
        return self.volume_fen[SUPPLIER] + self.volume_fen[BUYER]


def rate_exact(rate, volume_fen):
    """One rate over one volume, in fen x 10^6. Bounds of tiers are inclusive."""
    if rate["type"] == "flat":
        return volume_fen * rate["ppm"]
    if rate["type"] == "fixed":
        return parse_fen(rate["amount"]) * PPM if volume_fen > 0 else 0
    exact = below = 0
    for tier in rate["tiers"]:
        up_to = volume_fen if tier["up_to"] is None else min(volume_fen, parse_fen(tier["up_to"]))
        if rate["type"] == "slab" and up_to == volume_fen:
            return volume_fen * tier["ppm"]
        if rate["type"] == "marginal" and up_to > below:
            exact += (up_to - below) * tier["ppm"]
            below = up_to
    return exact


def meets_threshold(policy, sums):
    wanted = policy["threshold"]
    if wanted is None:
        return True
    return (sums.trades >= wanted.get("trades", 0) and sums.contracts >= wanted.get("contracts", 0)
            and sums.total_fen() >= parse_fen(wanted.get("amount", "0")))


def evaluate_period(policy, sums):
    """Threshold, rate, one rounding, then the cap."""
    rate = policy["rate"]
    is_met = meets_threshold(policy, sums)
    if rate is None or not is_met:
        exact = 0
    elif "by_side" in rate:
        exact = sum(rate_exact(rate["by_side"][side], sums.volume_fen[side]) for side in SIDES)
    else:
        exact = rate_exact(rate, sums.total_fen())
    cap_fen = parse_fen(policy["cap"]["amount"])
    rounded_fen = round_exact(exact, policy["round"]["unit_fen"], policy["round"]["mode"])
    return {
        "supplier_fen": sums.volume_fen[SUPPLIER], "buyer_fen": sums.volume_fen[BUYER],
        "volume_fen": sums.total_fen(), "trades": sums.trades, "contracts": sums.contracts, "exact": exact,
        "rounded_fen": rounded_fen, "award_fen": min(rounded_fen, cap_fen),
        "capped": rate is not None and rounded_fen >= cap_fen, "below_threshold": not is_met}


def running_award(policy, periods):
    return sum(evaluate_period(policy, sums)["award_fen"] for sums in periods.values())


def reason_of(policy, is_listed, award_fen, periods):
    """Why there is no award, the widest reason first; None where there is one, or where rounding leaves nothing."""
    if not is_listed:
        return "not_listed"
    if policy["rate"] is None:
        return "rate_not_set"
    if award_fen > 0:
        return None
    if all(period["trades"] == 0 for period in periods):
        return "no_eligible_trade"
    if all(period["below_threshold"] for period in periods if period["trades"]):
        return "below_threshold"
    return None


def monthly_rows(ledger, code):
    """Per month of settlement, side and venue: what counted, what was given back, how many trades did not count."""
    rows = {}
    for trade in ledger.trades:
        for side, party in ((SUPPLIER, trade.supplier), (BUYER, trade.buyer)):
            if party != code:
                continue
            row = rows.setdefault((trade.month(), side, trade.venue), {
                "month": trade.month(), "side": side, "venue": trade.venue, "trades": 0, "amount_fen": 0, "tax_fen": 0,
                "refunded_fen": 0, "refunded_tax_fen": 0, "not_counted": 0})
            if not trade.counts():
                row["not_counted"] += 1
                continue
            row["trades"] += 1
            row["amount_fen"] += trade.amount_fen
            row["tax_fen"] += trade.tax_fen
            row["refunded_fen"] += trade.refunded_fen
            row["refunded_tax_fen"] += trade.refunded_tax_fen
    return [rows[key] for key in sorted(rows)]


def evaluate_enterprise(policy, ledger, code):
    """Everything about one enterprise under one policy, as amounts in fen."""
    periods = {year: Sums() for year in periods_of(policy)}
    total_cap_fen = parse_fen(policy["cap"]["amount"]) * len(periods)
    gates, eligible, capped_at = {}, [], None
    for trade in ledger.trades:
        if not trade.counts() or code not in (trade.supplier, trade.buyer):
            continue
        side = SUPPLIER if code == trade.supplier else BUYER
        why = gate(policy, ledger, trade, code, side)
        base_fen = trade.base_fen(policy["base"])
        gates.setdefault(why, {"trades": 0, "amount_fen": 0})
        gates[why]["trades"] += 1
        gates[why]["amount_fen"] += base_fen
        if why != "eligible":
            continue
        eligible.append((trade.venue, trade.row["trade_no"]))
        year = int(basis_date(policy, trade)[:4]) if policy["cap"]["scope"] == "year" else 0
        periods[year].add(side, base_fen, trade.row["instalment"] == "1")
        if policy["rate"] is not None and capped_at is None and running_award(policy, periods) == total_cap_fen:
            capped_at = {"event_index": trade.event_index, "venue": trade.venue, "trade_no": trade.row["trade_no"]}
    results = [dict(evaluate_period(policy, sums), year=year) for year, sums in periods.items()]
    has_rate = policy["rate"] is not None
    award_fen = sum(result["award_fen"] for result in results)
    is_capped = has_rate and award_fen == total_cap_fen
    return {
        "code": code, "name": ledger.register[code][0] if code in ledger.register else None,
        "lists": sorted(ledger.register[code][1]) if code in ledger.register else [],
        "supplier_fen": sum(result["supplier_fen"] for result in results),
        "buyer_fen": sum(result["buyer_fen"] for result in results),
        "volume_fen": sum(result["volume_fen"] for result in results),
        "award_fen": award_fen if has_rate else None, "cap_fen": total_cap_fen,
        "remaining_fen": total_cap_fen - award_fen if has_rate else None, "capped": is_capped,
        # With slab tiers an award can touch the cap and fall again: then it is not capped at the end, and nowhere.
        "capped_at": capped_at if is_capped else None,
        "reason": reason_of(policy, is_on_list(policy, ledger, code), award_fen, results),
        "periods": results, "gates": gates, "eligible": eligible, "months": monthly_rows(ledger, code)}


def oracle(world, policy, events=None):
    """Dispositions of the events and every enterprise's result; without events, the whole world in its plain order."""
    ledger = Ledger(world.events() if events is None else events)
    policy = complete_policy(policy)
    return {"policy": policy["policy"], "status": policy["status"], "dispositions": ledger.dispositions,
            "enterprises": {code: evaluate_enterprise(policy, ledger, code) for code in ledger.codes()}}


def pool_divide(claims, pool_fen, method, first_index=None):
    """Awards out of a limited pool, {code: fen}: never more than the claim, never more than the pool.

    prorata: in proportion, the fen left over to the largest remainders, ties by code. first_come (by `first_index`,
    {code: ledger index}) and rank (largest claim first, ties by code): in full while it lasts, the last one the rest.
    """
    total_fen = sum(claims.values())
    if total_fen <= pool_fen:
        return dict(claims)
    if method == "prorata":
        shares = {code: divmod(claim * pool_fen, total_fen) for code, claim in claims.items()}
        awards = {code: share[0] for code, share in shares.items()}
        order = sorted(claims, key=lambda code: (-shares[code][1], code))
        for code in order[:pool_fen - sum(awards.values())]:
            awards[code] += 1
        return awards
    if method == "first_come":
        order = sorted(claims, key=lambda code: (first_index[code], code))
    elif method == "rank":
        order = sorted(claims, key=lambda code: (-claims[code], code))
    else:
        raise ValueError(f"pool method {method!r} is unknown")
    awards, left = {}, pool_fen
    for code in order:
        awards[code] = min(claims[code], left)
        left -= awards[code]
    return awards


# The command

def printable(value):
    """Fen as decimal strings, `award_fen` as `award`: what a person compares with the programs' answers."""
    if isinstance(value, list):
        return [printable(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key.endswith("_fen"):
            result[key[:-4]] = None if item is None else format_fen(item)
        elif key == "exact":
            result[key] = f"{item // (100 * PPM)}.{item % (100 * PPM):08d}"
        else:
            result[key] = printable(item)
    return result


def print_table(enterprises):
    print(f"{'code':18}  {'supplier':>15}  {'buyer':>15}  {'award':>12}  {'remaining':>12}  capped at, or reason")
    for result in enterprises:
        at = result["capped_at"]
        note = f"{at['venue']} {at['trade_no']}" if at else result["reason"] or ""
        amounts = ["-" if result[key] is None else format_fen(result[key])
                   for key in ("supplier_fen", "buyer_fen", "award_fen", "remaining_fen")]
        print(f"{result['code']:18}  {amounts[0]:>15}  {amounts[1]:>15}  {amounts[2]:>12}  {amounts[3]:>12}  {note}")


def main():
    parser = argparse.ArgumentParser(description="Recomputes every award of a sample world.")
    parser.add_argument("--sample", required=True, help="folder with firms.csv, relations.csv and the venues' CSV")
    parser.add_argument("--policy", required=True, help="policy JSON")
    parser.add_argument("--code", help="one enterprise, in full")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    args = parser.parse_args()
    enterprises = oracle(read_world(args.sample), read_policy(args.policy))["enterprises"]
    if args.code and args.code not in enterprises:
        print(f"{args.code} is not in the sample", file=sys.stderr)
        return 3
    chosen = [enterprises[args.code]] if args.code else list(enterprises.values())
    if args.json or args.code:
        print(json.dumps(printable(chosen[0] if args.code else chosen), ensure_ascii=False, indent=1))
    else:
        print_table(chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
