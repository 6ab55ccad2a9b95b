"""Policies, and the awards that they give: whole fen, and whole millionths of a fen for exact values.

From proto/FORMAT.md, chapter "Policy".
"""
import datetime
import re

from forms import PRODUCT_KINDS, SUM_FEN_MAX, Refused, day_of_text, is_list_name, is_text, is_venue_id, require

SIDES = ("supplier", "buyer")
GATES = ("window", "side", "venue", "list", "related", "other_subsidy", "product_kind")
MILLION = 10 ** 6
OPTIONAL = {"date_basis": "settled", "sides": list(SIDES), "base": "net", "enterprises": "listed", "exclude_list": None,
            "related": "exclude", "other_subsidy": "exclude", "exclude_product_kinds": [], "threshold": None, "rate": None,
            "growth": None, "round": {"unit_fen": 100, "mode": "floor"}, "pool": None, "review": None, "instalments": None,
            "clawback": "recompute"}
NEEDED = ("policy", "version", "status", "title", "basis", "window", "venues", "cap")


def read_fen(value, place):
    require(isinstance(value, str) and re.fullmatch(r"(0|[1-9][0-9]{0,16})(\.[0-9]{1,2})?", value), place, "is no amount in yuan")
    yuan, _, decimals = value.partition(".")
    fen = int(yuan) * 100 + int(decimals.ljust(2, "0") or 0)
    require(fen <= SUM_FEN_MAX, place, "is too large")
    return fen


def format_fen(fen):
    return f"{fen // 100}.{fen % 100:02}"


def format_exact(exact):
    """Yuan with at least two decimals, and as many as there are."""
    yuan, rest = divmod(exact, 100 * MILLION)
    return f"{yuan}.{(f'{rest:08}').rstrip('0').ljust(2, '0')}"


def months_of(day):
    return day.year * 12 + day.month - 1


def check_keys(value, known, needed, place):
    require(isinstance(value, dict), place, "is no object")
    for key in value:
        require(key in known, f"{place}.{key}", "is not known")
    for key in needed:
        require(key in value, f"{place}.{key}", "is missing")


def is_whole(value, least, most):
    return type(value) is int and least <= value <= most


def is_list_of(value, rule, least, most):
    return (isinstance(value, list) and least <= len(value) <= most and all(isinstance(one, str) and rule(one) for one in value)
            and len(set(value)) == len(value))


class Window:
    """Whole months, from the first to the last."""

    def __init__(self, value, place, years_max=None):
        check_keys(value, ("from", "to"), ("from", "to"), place)
        first, last = (day_of_text(value[key], f"{place}.{key}") for key in ("from", "to"))
        require(first.day == 1 and (last + datetime.timedelta(1)).day == 1 and first < last, place, "is not whole months")
        self.first, self.last = months_of(first), months_of(last)
        self.years = range(first.year, last.year + 1)
        require(years_max is None or len(self.years) <= years_max, place, "touches too many years")

    def holds(self, month):
        return self.first <= month <= self.last


class Rate:
    """What one rate gives of a volume."""

    def __init__(self, value, place):
        require(isinstance(value, dict), place, "is no rate")
        self.type = value.get("type")
        if self.type == "flat":
            check_keys(value, ("type", "ppm"), ("ppm",), place)
            require(is_whole(value["ppm"], 1, 10 ** 7), f"{place}.ppm", "is no rate")
            self.ppm = value["ppm"]
        elif self.type == "fixed":
            check_keys(value, ("type", "amount"), ("amount",), place)
            self.amount = read_fen(value["amount"], f"{place}.amount")
            require(self.amount, f"{place}.amount", "is zero")
        else:
            require(self.type in ("marginal", "slab"), f"{place}.type", "is not known")
            check_keys(value, ("type", "tiers"), ("tiers",), place)
            self.tiers = self.read_tiers(value["tiers"], f"{place}.tiers")

    @staticmethod
    def read_tiers(tiers, place):
        require(isinstance(tiers, list) and 1 <= len(tiers) <= 32, place, "must be 1 to 32")
        result, above = [], 0
        for number, tier in enumerate(tiers):
            here = f"{place}[{number}]"
            check_keys(tier, ("up_to", "ppm"), ("up_to", "ppm"), here)
            is_last = number == len(tiers) - 1
            require((tier["up_to"] is None) == is_last, f"{here}.up_to", "null stands in the last tier and there alone")
            up_to = None if is_last else read_fen(tier["up_to"], f"{here}.up_to")
            require(is_last or up_to > above, f"{here}.up_to", "does not rise")
            require(is_whole(tier["ppm"], 0, 10 ** 7), f"{here}.ppm", "is no rate")
            result.append((above, up_to, tier["ppm"]))
            above = up_to
        return result

    def steps(self, volume):
        """The exact value, and the steps that lead to it."""
        if self.type == "flat":
            return volume * self.ppm, [{"step": "flat", "amount": volume, "rate_ppm": self.ppm, "exact": volume * self.ppm}]
        if self.type == "fixed":
            exact = self.amount * MILLION if volume else 0
            return exact, [{"step": "fixed", "amount": volume, "exact": exact}]
        parts = []
        for above, up_to, ppm in self.tiers:
            if self.type == "slab":
                if volume > above or not above:
                    parts = [(volume, above, up_to, ppm)]
            elif volume > above:
                parts.append((min(volume, volume if up_to is None else up_to) - above, above, up_to, ppm))
        return (sum(part[0] * part[3] for part in parts),
                [{"step": self.type, "amount": amount, "above": above, "up_to": up_to, "rate_ppm": ppm, "exact": amount * ppm}
                 for amount, above, up_to, ppm in parts])


class Policy:
    """A policy as officers signed it, refused where anything in it is not understood."""

    def __init__(self, value, index, place):
        self.index, self.place, self.text = index, place, value
        check_keys(value, (*NEEDED, *OPTIONAL, "list"), NEEDED, place)
        full = dict(OPTIONAL, **value)
        self.name, self.version, self.status = full["policy"], full["version"], full["status"]
        self.check(isinstance(self.name, str) and re.fullmatch("[A-Za-z0-9._-]{1,64}", self.name), "policy")
        self.check(is_whole(self.version, 1, 2 ** 32 - 1), "version")
        self.check(self.status in ("assumed", "published"), "status")
        for key in ("title", "basis"):
            self.check(isinstance(full[key], str) and is_text(full[key], 1, 200), key)
        self.window = Window(full["window"], f"{place}.window", 20)
        self.read_gates(full)
        self.threshold = self.read_threshold(full["threshold"])
        self.read_rate(full["rate"])
        check_keys(full["cap"], ("amount", "scope"), ("amount",), f"{place}.cap")
        self.cap, self.scope = read_fen(full["cap"]["amount"], f"{place}.cap.amount"), full["cap"].get("scope", "term")
        self.check(self.cap > 0 and self.scope in ("term", "year"), "cap")
        self.growth = None if full["growth"] is None else Window(full["growth"], f"{place}.growth")
        self.check(not self.growth or self.growth.last < self.window.first and self.scope == "term", "growth")
        self.read_rounding(full["round"])
        self.read_payment(full)

    def check(self, condition, key):
        require(condition, f"{self.place}.{key}", "is not understood")

    def read_gates(self, full):
        self.date_basis, self.sides, self.base, self.venues = (full[key] for key in ("date_basis", "sides", "base", "venues"))
        self.check(self.date_basis in ("settled", "signed"), "date_basis")
        self.check(is_list_of(self.sides, lambda side: side in SIDES, 1, 2), "sides")
        self.check(self.base in ("gross", "net"), "base")
        self.check(is_list_of(self.venues, is_venue_id, 1, 64), "venues")
        self.check(full["enterprises"] in ("all", "listed"), "enterprises")
        self.list, self.exclude_list = full.get("list"), full["exclude_list"]
        if full["enterprises"] == "all":
            self.check(self.list is None, "list")
        else:
            self.list = "default" if "list" not in full else self.list
            self.check(isinstance(self.list, str) and is_list_name(self.list), "list")
        self.check(self.exclude_list is None or isinstance(self.exclude_list, str) and is_list_name(self.exclude_list)
                   and self.exclude_list != self.list, "exclude_list")
        self.related, self.other_subsidy = full["related"], full["other_subsidy"]
        self.check(self.related in ("exclude", "flag", "allow"), "related")
        self.check(self.other_subsidy in ("exclude", "allow"), "other_subsidy")
        self.excluded_kinds = full["exclude_product_kinds"]
        self.check(is_list_of(self.excluded_kinds, lambda kind: kind in PRODUCT_KINDS.values(), 0, 7), "exclude_product_kinds")

    def read_threshold(self, value):
        if value is None:
            return None
        place = f"{self.place}.threshold"
        check_keys(value, ("trades", "contracts", "amount"), (), place)
        least = (value.get("trades", 0), value.get("contracts", 0),
                 read_fen(value["amount"], f"{place}.amount") if "amount" in value else 0)
        self.check(all(is_whole(number, 0, SUM_FEN_MAX) for number in least) and any(least), "threshold")
        return least

    def read_rate(self, value):
        self.rate, self.by_side = None, None
        if isinstance(value, dict) and "by_side" in value:
            check_keys(value, ("by_side",), (), f"{self.place}.rate")
            check_keys(value["by_side"], SIDES, SIDES, f"{self.place}.rate.by_side")
            self.check(len(self.sides) == 2, "rate.by_side")
            self.by_side = {side: Rate(value["by_side"][side], f"{self.place}.rate.by_side.{side}") for side in SIDES}
        elif value is not None:
            self.rate = Rate(value, f"{self.place}.rate")

    def read_rounding(self, value):
        check_keys(value, ("unit_fen", "mode"), ("unit_fen", "mode"), f"{self.place}.round")
        self.unit, self.mode = value["unit_fen"], value["mode"]
        self.check(is_whole(self.unit, 1, self.cap) and self.mode in ("floor", "half_up"), "round")

    def read_payment(self, full):
        self.pool, self.instalments = full["pool"], full["instalments"]
        if self.pool is not None:
            check_keys(self.pool, ("amount", "method"), ("amount", "method"), f"{self.place}.pool")
            self.check(read_fen(self.pool["amount"], f"{self.place}.pool.amount") > 0
                       and self.pool["method"] in ("prorata", "first_come", "rank"), "pool")
        self.check(full["review"] in (None, "lower") and full["clawback"] == "recompute", "review")
        parts = self.instalments
        self.check(parts is None or isinstance(parts, list) and 1 <= len(parts) <= 12 and all(
            is_whole(part, 1, MILLION) for part in parts) and sum(parts) == MILLION, "instalments")


class Trade:
    """What a policy asks of one counted trade of an enterprise, after its refunds."""

    def __init__(self, venue, fields, refunded, refunded_tax):
        self.venue, self.fields = venue, fields
        self.gross = fields["amount"] - refunded
        self.net = self.gross - (fields["tax"] - refunded_tax)


class Award:
    """What a policy gives an enterprise, with the steps that lead there."""

    def __init__(self, policy, code, trades, lists, related):
        """`lists`: those the enterprise is on; `related`: the codes it is related to by the register."""
        self.policy, self.code, self.lists, self.related = policy, code, lists, related
        self.steps = [{"step": "policy", "policy": policy.name, "version": policy.version, "status": policy.status}]
        self.is_listed = (policy.list is None or policy.list in lists) and policy.exclude_list not in lists
        passed = self.pass_gates(trades)
        self.amount, self.met, self.exact = 0, False, 0
        years = policy.window.years if policy.scope == "year" else [None]
        for year in years:
            self.award_period(year, [row for row in passed if year is None or row[2] // 12 == year])
        self.cap = policy.cap * len(years)
        self.finish()

    def base(self, trade):
        return trade.gross if self.policy.base == "gross" else trade.net

    def gate(self, trade, side, month, has_window=True):
        """The first gate that turns a trade away, or None."""
        policy, fields = self.policy, trade.fields
        other = fields["buyer" if side == "supplier" else "supplier"]
        is_related = fields["related_declared"] == 2 or other in self.related
        reasons = (has_window and not policy.window.holds(month), side not in policy.sides, trade.venue not in policy.venues,
                   not self.is_listed, policy.related == "exclude" and is_related,
                   policy.other_subsidy == "exclude" and fields["other_subsidy"] == 2,
                   PRODUCT_KINDS[fields["product_kind"]] in policy.excluded_kinds)
        return next((name for name, turns_away in zip(GATES, reasons) if turns_away), None)

    def pass_gates(self, trades):
        """The eligible ones as (trade, side, month); what the gates turned away goes into the steps."""
        sums = {name: [0, 0] for name in (*GATES, "eligible")}
        passed, self.baseline = [], {side: 0 for side in SIDES}
        for trade in trades:
            side = "supplier" if trade.fields["supplier"] == self.code else "buyer"
            number = trade.fields["settled_on" if self.policy.date_basis == "settled" else "signed_on"]
            month = number // 10000 * 12 + number // 100 % 100 - 1
            gate = self.gate(trade, side, month)
            row = sums[gate or "eligible"]
            row[0], row[1] = row[0] + 1, row[1] + self.base(trade)
            if gate is None:
                passed.append((trade, side, month))
            if self.policy.growth and self.policy.growth.holds(month) and not self.gate(trade, side, month, False):
                self.baseline[side] += self.base(trade)
        self.eligible = sums["eligible"][1]
        self.steps += [{"step": name, "trades": count, "amount": amount} for name, (count, amount) in sums.items()]
        return passed

    def add_step(self, year, **step):
        self.steps.append(dict(step, year=year) if year is not None else step)

    def award_period(self, year, rows):
        policy = self.policy
        volumes = {side: sum(self.base(trade) for trade, of, _ in rows if of == side) for side in policy.sides}
        eligible = sum(volumes.values())
        for side in SIDES:
            if side not in volumes:
                continue
            self.add_step(year, step="volume", side=side, amount=volumes[side])
            if policy.growth:
                volumes[side] = max(volumes[side] - self.baseline[side], 0)
                self.add_step(year, step="growth", side=side, baseline=self.baseline[side], amount=volumes[side])
        is_met = self.meets_threshold(year, rows, eligible)
        if not is_met or (policy.rate is None and policy.by_side is None):
            return
        exact = 0
        for side, rate, volume in ([(None, policy.rate, sum(volumes.values()))] if policy.rate
                                   else [(side, policy.by_side[side], volumes[side]) for side in SIDES]):
            part, steps = rate.steps(volume) if volume else (0, [])
            exact += part
            for step in steps:
                self.add_step(year, **step, **({"side": side} if side else {}))
        self.add_step(year, step="exact", exact=exact)
        unit = policy.unit * MILLION
        rounded = (exact // unit if policy.mode == "floor" else (2 * exact + unit) // (2 * unit)) * policy.unit
        self.add_step(year, step="round", unit_fen=policy.unit, mode=policy.mode, amount=rounded)
        amount = min(rounded, policy.cap)
        self.add_step(year, step="cap", cap=policy.cap, is_capped=rounded >= policy.cap, amount=amount)
        self.amount, self.exact = self.amount + amount, self.exact + exact

    def meets_threshold(self, year, rows, volume):
        least = self.policy.threshold
        counted = [trade for trade, _, _ in rows if self.base(trade)]
        found = (len(counted), sum(trade.fields["instalment"] == 1 for trade in counted), volume)
        is_met = least is None or all(have >= want for have, want in zip(found, least))
        if least is not None:
            self.add_step(year, step="threshold", trades=found[0], contracts=found[1], amount=found[2], least_trades=least[0],
                          least_contracts=least[1], least_amount=least[2], is_met=is_met)
        self.met = self.met or (is_met and volume > 0)
        return is_met

    def finish(self):
        policy = self.policy
        if not self.is_listed:
            reason = "not_listed"
        elif policy.rate is None and policy.by_side is None:
            reason = "rate_not_set"
        elif not self.eligible:
            reason = "no_eligible_trade"
        else:
            reason = None if self.met else "below_threshold"
        has_rate = policy.rate is not None or policy.by_side is not None
        self.reason = reason if self.amount == 0 else None
        self.steps.append({"step": "award", "amount": self.amount if has_rate else None, "cap": self.cap,
                           "remaining": self.cap - self.amount, "reason": self.reason})
        if policy.pool is not None:
            self.steps.append({"step": "pool", "amount": read_fen(policy.pool["amount"], ""), "method": policy.pool["method"]})
        if policy.instalments is not None:
            self.steps.append({"step": "instalments"})
        self.steps.append({"step": "caveat"})
        if not has_rate:
            self.amount = None

    def written_steps(self):
        """The steps as texts have them."""
        def write(key, value):
            if value is None or isinstance(value, (str, bool)):
                return value
            if key == "exact":
                return format_exact(value)
            return format_fen(value) if key in AMOUNTS else value
        return [{key: write(key, value) for key, value in step.items()} for step in self.steps]


AMOUNTS = ("amount", "baseline", "least_amount", "above", "up_to", "cap", "remaining")


def compare_steps(wanted, found, place):
    """Each step of an explanation but its text for people."""
    require(isinstance(found, list), place, "has no steps")
    for number, (mine, theirs) in enumerate(zip(wanted, found)):
        here = f"{place}, step {number + 1}"
        require(isinstance(theirs, dict), here, "is none")
        theirs = {key: value for key, value in theirs.items() if key != "text"}
        require(theirs == mine, here, f"says {theirs} where the entries give {mine}")
    if len(wanted) != len(found):
        raise Refused(place, f"has {len(found)} steps where the rules give {len(wanted)}")
