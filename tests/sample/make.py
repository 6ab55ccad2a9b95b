"""Writes the sample world: a register, relations, two venues' feeds and two policies, with every special case in it.

The files are committed beside this program. The program stays, so that a reader can see that nothing in them is
taken from a real register, and so that a change of the world is a change of code that can be reviewed. Everything
is drawn from one small generator of our own: the same bytes come out on every machine and every Python.

    python3 -m tests.sample.make            writes the files
    python3 -m tests.sample.make --check    says which committed file differs, and writes nothing
"""
import csv
import datetime
import hashlib
import io
import json
import os
import sys

from tests.sample import readme

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20250101
FIRST_DAY = datetime.date(2024, 12, 31)
LAST_DAY = datetime.date(2026, 10, 31)
SINGLE_TRADES = 2000
PERIODIC_CONTRACTS = 75
RANDOM_REFUNDS = 90

VENUES = {"qddex": "QD", "sddex": "SD"}
COLUMNS = ("kind,trade_no,contract_no,contract_hash,contract_kind,product_code,product_name,product_kind,supplier,"
           "supplier_name,buyer,buyer_name,broker,amount,tax,signed_on,settled_on,voucher_no,invoice_no,instalment,"
           "related_declared,other_subsidy,adjust_no,original_trade_no,occurred_on,reason_code,reason,"
           "red_invoice_no").split(",")

CONTRACT_KINDS = ("provide", "process", "fusion", "intermediary")
PRODUCT_NAMES = {
    "dataset": ("海洋牧场水质观测数据集", "沿街商铺客流数据集", '港口"集疏运"数据,周报'),
    "api": ("企业信用查询接口", "船舶动态查询接口", "气象实况接口"),
    "report": ("冷链行情月报", "跨境电商选品报告", "园区用能分析报告"),
    "model": ("设备故障预测模型", "信贷风险评分模型", "海雾识别模型"),
    "tool": ("数据标注工具", "数据脱敏工具", "质量核验工具"),
    "compute": ("训练算力服务", "推理算力服务", "渲染算力服务"),
    "other": ("数据治理咨询", "数据合规评估", "语料清洗服务"),
}
PRODUCT_KINDS = tuple(PRODUCT_NAMES)
REASONS = (("quality", "数据质量不符合约定"), ("price", "价格调整"), ("cancel", "合同解除"), ("mistake", ""))

REGIONS = (("370202", "青岛"), ("370203", "青岛"), ("370211", "青岛"), ("370212", "青岛"), ("370213", "青岛"),
           ("370214", "青岛"), ("370102", "济南"), ("370602", "烟台"))
BRANDS = "海纹 数澜 云栈 星槎 潮信 石帆 松岬 蓝屿 麦浪 晨汐 墨渠 风篁 青梧 鲸歌 雁序 禾穗 溪桥 岱云 砚北 沐川".split()
TRADES = "数据科技 信息技术 智能科技".split()

# The enterprises with a part to play, in the order of their codes; the role names stand in README.md.
ROLES = ("exact", "fen_below", "far_beyond", "falls_back", "stays_capped", "two_years", "dates", "compute_only",
         "declared", "kin_first", "kin_second", "subsidised", "self_dealer", "all_refunded", "small")
ORDINARY = 30
NOT_DEFAULT_LISTS = ("pilot;watch", "pilot", "")
NOT_REGISTERED = 4
WITHOUT_TRADE = 3

USCI_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class Draw:
    """A 64-bit linear congruential generator (Knuth's MMIX constants): high bits only, integers only."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        """An integer in 0..limit-1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def percent(self, chance):
        return self.below(100) < chance


def usci(region, body):
    """A credit code whose two check characters are right (GB 11714 for the inner nine, GB 32100 for all)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    value = 11 - sum(int(c, 36) * w for c, w in zip(body, weights)) % 11
    code = "91" + region + body + {10: "X", 11: "0"}.get(value, str(value))
    total = sum(USCI_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(code))
    return code + USCI_ALPHABET[-total % 31]


def yuan(fen):
    """Fen as yuan; whole yuan and whole tenths are written short, as venues' programs do."""
    whole, rest = divmod(fen, 100)
    if rest == 0:
        return str(whole)
    return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"


def month_later(day, count):
    """The same day of the month `count` months later, at most the 28th."""
    months = day.year * 12 + day.month - 1 + count
    return datetime.date(months // 12, months % 12 + 1, min(day.day, 28))


class Item:
    """One row of a feed before it has its number: feeds are numbered after they have been put in order."""

    def __init__(self, venue, day, sequence, row):
        self.venue = venue
        self.day = day
        self.sequence = sequence
        self.row = row
        self.target = None          # refunds: the trade given back
        self.same_number_as = None  # the row whose number this one repeats

    def number(self):
        return self.row["adjust_no"] if self.row["kind"] == "refund" else self.row["trade_no"]


class World:
    """Everything that is made: enterprises, their roles, rows, and the special rows by name."""

    def __init__(self):
        self.draw = Draw(SEED)
        self.firms = []         # (code, name, lists) of the register
        self.names = {}         # code: name, for all who trade
        self.roles = {}         # role: code
        self.relations = []
        self.items = []
        self.cases = {}         # case: Item
        self.products = {}      # code: [(product code, name, kind)]
        self.contract_count = 0
        self.invoice_count = 0

    # Enterprises

    def add_enterprise(self, lists):
        """A new enterprise; `lists` is None for one that never comes on the register."""
        number = len(self.names)
        # The first three keep one region, so that their codes are the published synthetic test codes.
        region, city = REGIONS[0] if number < 3 else REGIONS[number % len(REGIONS)]
        code = usci(region, f"MA0XTE{number + 1:02d}")
        brand = BRANDS[number % len(BRANDS)]
        self.names[code] = f"{city}{brand}{TRADES[number // len(BRANDS)]}有限公司（样例）"
        if lists is not None:
            self.firms.append((code, self.names[code], lists))
        kinds = [PRODUCT_KINDS[(number + i * 3) % len(PRODUCT_KINDS)] for i in range(3)]
        self.products[code] = [self.product(code, place, kind) for place, kind in enumerate(kinds)]
        return code

    def product(self, code, place, kind):
        return (f"P{code[14:16]}-{place + 1}", PRODUCT_NAMES[kind][place], kind)

    def add_enterprises(self):
        for role in ROLES:
            self.roles[role] = self.add_enterprise("default")
        self.ordinary = [self.add_enterprise("default;pilot" if i % 7 == 3 else "default") for i in range(ORDINARY)]
        self.not_on_default = [self.add_enterprise(lists) for lists in NOT_DEFAULT_LISTS]
        self.not_registered = [self.add_enterprise(None) for _ in range(NOT_REGISTERED)]
        self.without_trade = [self.add_enterprise("default") for _ in range(WITHOUT_TRADE)]
        self.traders = self.ordinary + self.not_on_default + self.not_registered
        self.brokers = [usci("370202", f"MA0XTF{number:02d}") for number in (1, 2)]
        self.products[self.roles["compute_only"]] = [
            self.product(self.roles["compute_only"], place, "compute") for place in range(3)]
        pairs = [(self.roles["kin_first"], self.roles["kin_second"]), (self.ordinary[0], self.ordinary[1]),
                 (self.ordinary[4], self.ordinary[9]), (self.ordinary[20], self.ordinary[21])]
        self.relations = sorted(tuple(sorted(pair)) for pair in pairs)

    def trader(self, but=None):
        """A party of the everyday trade; small numbers come up more often, so that sizes differ."""
        while True:
            code = self.traders[min(self.draw.below(len(self.traders)), self.draw.below(len(self.traders)))]
            if code != but:
                return code

    # Rows

    def contract(self, day):
        """Number and hash of a new contract signed on that day."""
        self.contract_count += 1
        number = f"样例〔{day.year}〕{self.contract_count:04d}号"
        return number, hashlib.sha256(number.encode()).hexdigest()

    def invoices(self, count):
        """That many invoice numbers: mostly of 20 digits, some of the older code and number form."""
        numbers = []
        for _ in range(count):
            self.invoice_count += 1
            width = 18 if self.invoice_count % 9 == 0 else 20
            numbers.append(f"2637{self.invoice_count:0{width - 4}d}")
        return ";".join(numbers)

    def trade(self, venue, supplier, buyer, net, settled, **given):
        """Adds a trade row; `net` is the amount without tax, in fen; keywords of `given` replace columns."""
        draw = self.draw
        signed = max(settled - datetime.timedelta(days=draw.below(40)), datetime.date(2024, 11, 1))
        product = draw.pick(self.products[supplier])
        product = given.pop("product", product)
        tax_rate = draw.pick((6, 6, 6, 6, 6, 13, 3, 1, 0))
        tax = (net * tax_rate + 50) // 100
        signed = given.pop("signed", signed)
        number, digest = given.pop("contract", None) or self.contract(signed)
        row = dict.fromkeys(COLUMNS, "")
        row.update(
            kind="trade", contract_no=number, contract_hash=digest, contract_kind=draw.pick(CONTRACT_KINDS),
            product_code=product[0], product_name=product[1], product_kind=product[2],
            supplier=supplier, supplier_name=self.names[supplier], buyer=buyer, buyer_name=self.names[buyer],
            amount=yuan(net + tax), tax=yuan(tax), signed_on=str(signed), settled_on=str(settled),
            invoice_no=self.invoices(draw.pick((0, 1, 1, 1, 1, 1, 1, 2, 3))), instalment="1",
            related_declared="no", other_subsidy="no")
        row.update(given)
        day = settled + datetime.timedelta(days=draw.below(4))
        item = Item(venue, day, len(self.items) * 10, row)
        self.items.append(item)
        return item

    def refund(self, target, amount, tax, occurred, venue=None):
        """Adds a refund row behind its trade. It may name a trade that it does not fit: that is a special case."""
        code, reason = self.draw.pick(REASONS)
        row = dict.fromkeys(COLUMNS, "")
        row.update(kind="refund", amount=yuan(amount), tax=yuan(tax), occurred_on=str(occurred), reason_code=code,
                   reason=reason)
        if target.row["invoice_no"] and self.draw.percent(60):
            row["red_invoice_no"] = self.invoices(1)
        day = max(target.day, occurred + datetime.timedelta(days=self.draw.below(3)))
        item = Item(venue or target.venue, day, len(self.items) * 10, row)
        item.target = target
        self.items.append(item)
        return item

    def day_between(self, first, last):
        return first + datetime.timedelta(days=self.draw.below((last - first).days + 1))

    # The everyday trade

    def everyday_net(self):
        """Many small trades, some large ones: 500 yuan to 150,000 yuan, in fen."""
        low, high = self.draw.pick(((500, 5000), (500, 5000), (5000, 30000), (5000, 30000), (30000, 150000)))
        return self.draw.between(low * 100, high * 100)

    def declarations(self):
        answers = {}
        answers["related_declared"] = ("yes", "not_stated", "no")[min(self.draw.below(40) // 2, 2)]
        answers["other_subsidy"] = ("yes", "not_stated", "no")[min(self.draw.below(60) // 2, 2)]
        if self.draw.percent(10):
            answers["broker"] = self.draw.pick(self.brokers)
        if self.draw.percent(5):
            answers["supplier_name"] = answers["buyer_name"] = ""
        return answers

    def add_single_trades(self):
        for _ in range(SINGLE_TRADES):
            supplier = self.trader()
            venue = self.draw.pick(("qddex", "qddex", "sddex"))
            self.trade(venue, supplier, self.trader(supplier), self.everyday_net(),
                       self.day_between(FIRST_DAY, LAST_DAY), **self.declarations())

    def add_periodic_contracts(self):
        """Contracts settled month by month: one trade an instalment, numbered 1..n."""
        for _ in range(PERIODIC_CONTRACTS):
            supplier = self.trader()
            buyer = self.trader(supplier)
            start = self.day_between(datetime.date(2025, 1, 2), datetime.date(2025, 12, 20))
            shared = dict(self.declarations(), contract_kind=self.draw.pick(CONTRACT_KINDS),
                          contract=self.contract(start), signed=start)
            venue = self.draw.pick(("qddex", "sddex"))
            net = self.everyday_net()
            for instalment in range(1, self.draw.between(6, 24) + 1):
                settled = month_later(start, instalment)
                if settled > LAST_DAY:
                    break
                self.trade(venue, supplier, buyer, net, settled, instalment=str(instalment), **shared)

    def add_random_refunds(self):
        trades = [item for item in self.items if item.row["kind"] == "trade"]
        chosen = set()
        while len(chosen) < RANDOM_REFUNDS:
            place = self.draw.below(len(trades))
            row = trades[place].row
            delay = datetime.timedelta(days=self.draw.between(3, 90))
            occurred = datetime.date.fromisoformat(row["settled_on"]) + delay
            if place in chosen or occurred > LAST_DAY:
                continue
            chosen.add(place)
            amount, tax = fen(row["amount"]), fen(row["tax"])
            if not self.draw.percent(25):
                share = self.draw.between(5, 90)
                amount, tax = amount * share // 100, tax * share // 100
            self.refund(trades[place], amount, tax, occurred)

    # Enterprises with a part to play

    def add_volume(self, role, total, count, first, last, venues=tuple(VENUES)):
        """`count` eligible trades of that enterprise whose net amounts sum to `total` exactly."""
        code = self.roles[role]
        left = total
        added = []
        for place in range(count):
            rest = count - place
            net = left if rest == 1 else left // rest * self.draw.between(60, 140) // 100
            left -= net
            settled = self.day_between(first, last)
            partner = self.trader()
            supplier, buyer = (partner, code) if place % 3 == 2 else (code, partner)
            venue = self.draw.pick(venues)
            added.append(self.trade(venue, supplier, buyer, net, settled, signed=max(settled.replace(day=1), first)))
        return added

    def add_volumes(self):
        start, end = datetime.date(2025, 1, 10), datetime.date(2026, 10, 20)
        exact = self.add_volume("exact", 600000000, 24, start, end)
        # Nothing said is not a yes: this one stays eligible.
        exact[3].row["related_declared"] = exact[4].row["other_subsidy"] = "not_stated"
        self.add_volume("fen_below", 599999999, 20, start, end)
        self.add_volume("far_beyond", 2000000000, 40, start, end)
        for role, given_back in (("falls_back", 200000000), ("stays_capped", 50000000)):
            code = self.roles[role]
            large = self.trade("qddex", code, self.trader(), 250000000, datetime.date(2025, 6, 3), tax="150000",
                               amount="2650000", signed=datetime.date(2025, 5, 30))
            # All at one venue, so that the cap is reached before the refund whichever venue is pushed first.
            self.add_volume(role, 450000000, 12, start, datetime.date(2025, 12, 20), venues=("qddex",))
            self.cases[role] = self.refund(large, given_back * 106 // 100, given_back * 6 // 100,
                                           datetime.date(2026, 2, 11))
        self.add_volume("two_years", 700000000, 15, start, datetime.date(2025, 12, 20))
        self.add_volume("two_years", 700000000, 15, datetime.date(2026, 1, 10), end)
        self.add_volume("compute_only", 90000000, 8, start, end)
        # Bought products may be anything; the compute enterprise shall have nothing but compute.
        for item in self.items[-8:]:
            if item.row["buyer"] == self.roles["compute_only"]:
                item.row.update(product_code="P00-1", product_name=PRODUCT_NAMES["compute"][0], product_kind="compute")
        self.add_volume("self_dealer", 80000000, 6, start, end)
        self.add_volume("small", 100019, 2, start, end)

    def add_dates(self):
        code = self.roles["dates"]
        for case, settled, signed in (
                ("before_window", FIRST_DAY, FIRST_DAY),
                ("first_of_window", datetime.date(2025, 1, 1), datetime.date(2025, 1, 1)),
                ("signed_before", datetime.date(2025, 1, 2), FIRST_DAY),
                ("last_day", LAST_DAY, datetime.date(2026, 10, 9))):
            self.cases[case] = self.trade("qddex", code, self.trader(), 5000000, settled, signed=signed)
        for case, settled in (("sddex_before_window", FIRST_DAY), ("sddex_last_day", LAST_DAY)):
            self.cases[case] = self.trade("sddex", self.trader(), code, 4000000, settled, signed=settled)

    def add_parties(self):
        """Related by declaration, by the register of relations, and subsidised elsewhere."""
        day = datetime.date(2025, 3, 4)
        first, second = self.roles["kin_first"], self.roles["kin_second"]
        for place in range(7):
            later = month_later(day, place * 2)
            self.trade("qddex", self.roles["declared"], self.trader(), 12000000 + place, later, related_declared="yes")
            self.trade("sddex", self.trader(), self.roles["subsidised"], 15000000 + place, later, other_subsidy="yes",
                       product=("P00-2", PRODUCT_NAMES["report"][0], "report"))
            pair = (first, second) if place % 2 else (second, first)
            self.trade("qddex", *pair, 20000000, later)
            self.trade("sddex", first, self.trader(), 3000000, later)
            self.trade("sddex", self.trader(), second, 2000000, later)
            for related in self.relations:
                if first not in related:
                    self.trade("qddex", *related, 2500000 + place, later)

    # Rows that do not count, and rows that nearly do not

    def fixed_trade(self, venue, day, net=1000000, **given):
        """An everyday trade with 6 % tax, whose refunds can be reckoned in the head."""
        supplier = self.trader()
        return self.trade(venue, supplier, self.trader(supplier), net, day, amount=yuan(net * 106 // 100),
                          tax=yuan(net * 6 // 100), **given)

    def add_special_trades(self):
        cases = self.cases
        cases["first_of_number"] = self.fixed_trade("qddex", datetime.date(2025, 4, 8))
        cases["duplicate_trade"] = self.fixed_trade("qddex", datetime.date(2025, 5, 20), net=7777700)
        cases["duplicate_trade"].same_number_as = cases["first_of_number"]
        dealer = self.roles["self_dealer"]
        cases["self_trade"] = self.trade("sddex", dealer, dealer, 66000000, datetime.date(2025, 8, 19))
        shared = cases["shared_contract"] = self.fixed_trade("qddex", datetime.date(2025, 7, 1), net=3200000)
        shared.row["invoice_no"] = self.invoices(1)
        again = cases["shared_contract_again"] = self.trade(
            "sddex", shared.row["supplier"], shared.row["buyer"], 3200000, datetime.date(2025, 7, 2))
        for column in ("contract_no", "contract_hash", "invoice_no"):
            again.row[column] = shared.row[column]
        cases["eight_invoices"] = self.fixed_trade("qddex", datetime.date(2026, 3, 17), invoice_no=self.invoices(8))
        cases["no_invoice"] = self.fixed_trade("sddex", datetime.date(2026, 3, 18), invoice_no="")
        cases["broker"] = self.fixed_trade("sddex", datetime.date(2026, 4, 1), broker=self.brokers[0])
        cases["other_name"] = self.trade("qddex", self.ordinary[5], self.ordinary[6], 400000, datetime.date(2026, 4, 2),
                                         supplier_name="样例旧名有限公司")
        cases["one_fen"] = self.trade("qddex", self.ordinary[2], self.ordinary[3], 1, datetime.date(2026, 4, 2),
                                      tax="0", amount="0.01")

    def add_special_refunds(self):
        cases = self.cases
        late = cases["early_refund_trade"] = self.fixed_trade("qddex", datetime.date(2025, 9, 9))
        early = cases["refund_before_trade"] = self.refund(late, 106000, 6000, datetime.date(2025, 9, 9))
        early.day, early.sequence = late.day, late.sequence - 5
        cases["refund_pushed_again"] = self.refund(late, 106000, 6000, datetime.date(2025, 9, 20))

        day, later = datetime.date(2025, 10, 13), datetime.date(2025, 11, 5)
        for case, amount, tax in (("exceeds_amount", 1060001, 60000), ("exceeds_tax_only", 530000, 60001),
                                  ("exceeds_net_only", 1060000, 59999)):
            cases[case] = self.refund(self.fixed_trade("qddex", day), amount, tax, later)
        parts = self.fixed_trade("sddex", day)
        cases["first_part"] = self.refund(parts, 400000, 24000, later)
        cases["last_part"] = self.refund(parts, 660000, 36000, datetime.date(2025, 12, 2))
        cases["exceeds_after_parts"] = self.refund(parts, 1, 0, datetime.date(2026, 1, 6))

        doubled = self.fixed_trade("sddex", day)
        cases["first_adjust"] = self.refund(doubled, 212000, 12000, later)
        cases["duplicate_adjust"] = self.refund(doubled, 318000, 18000, datetime.date(2025, 12, 9))
        cases["duplicate_adjust"].same_number_as = cases["first_adjust"]

        elsewhere = self.fixed_trade("qddex", day)
        cases["other_venue"] = self.refund(elsewhere, 106000, 6000, later, venue="sddex")
        code = self.roles["all_refunded"]
        whole = self.trade("qddex", code, self.trader(), 8800000, datetime.date(2025, 5, 6), tax="0", amount="88000")
        cases["refund_in_full"] = self.refund(whole, 8800000, 0, datetime.date(2025, 8, 7))

    # Files

    def number_rows(self):
        """Feeds in their order; numbers rise with it. Refunds take their trade's number last, when all have one."""
        self.items.sort(key=lambda item: (item.day, item.sequence))
        counts = {}
        for item in self.items:
            prefix = VENUES[item.venue] + ("-A-" if item.row["kind"] == "refund" else "-T-")
            counts[prefix] = counts.get(prefix, 0) + 1
            number = f"{prefix}{counts[prefix]:06d}"
            if item.same_number_as:
                number = item.same_number_as.number()
                counts[prefix] -= 1
            if item.row["kind"] == "refund":
                item.row["adjust_no"] = number
            else:
                item.row["trade_no"] = number
                item.row["voucher_no"] = f"{VENUES[item.venue]}PZ{item.sequence // 10 + 1:08d}"
        for item in self.items:
            if item.target:
                item.row["original_trade_no"] = item.target.row["trade_no"]

    def feed(self, venue):
        return [item.row for item in self.items if item.venue == venue]


def fen(text):
    """Yuan as written by yuan(), back in fen."""
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def build():
    """The whole world. The order of the steps decides every draw: a new step goes last."""
    world = World()
    world.add_enterprises()
    world.add_single_trades()
    world.add_periodic_contracts()
    world.add_random_refunds()
    world.add_volumes()
    world.add_dates()
    world.add_parties()
    world.add_special_trades()
    world.add_special_refunds()
    world.number_rows()
    return world


def csv_bytes(header, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def policy_flat():
    return {
        "policy": "qd-2025-47-5", "version": 1, "status": "assumed", "title": "数据流通交易奖补",
        "basis": "青政办字〔2025〕47号 (五)", "window": {"from": "2025-01-01", "to": "2026-12-31"},
        "date_basis": "settled", "sides": ["supplier", "buyer"], "base": "net", "venues": ["qddex", "sddex"],
        "enterprises": "listed", "list": "default", "related": "exclude", "other_subsidy": "exclude",
        "exclude_product_kinds": [], "threshold": None, "rate": {"type": "flat", "ppm": 50000},
        "cap": {"amount": "300000.00", "scope": "term"}, "round": {"unit_fen": 100, "mode": "floor"},
        "pool": None, "clawback": "recompute"}


def policy_tiered():
    """As unlike the flat one as the format allows, so that a mixed-up rule shows."""
    supplier = [{"up_to": "1000000.00", "ppm": 100000}, {"up_to": "3000000.00", "ppm": 50000},
                {"up_to": None, "ppm": 20000}]
    buyer = [{"up_to": "500000.00", "ppm": 30000}, {"up_to": "2000000.00", "ppm": 45000}, {"up_to": None, "ppm": 12345}]
    policy = dict(
        policy_flat(), policy="qd-tiered-by-side", title="分档分方测算", basis="测算用,无文件依据", date_basis="signed",
        base="gross", enterprises="all", related="flag", other_subsidy="allow", exclude_product_kinds=["compute"],
        threshold={"trades": 3, "contracts": 1, "amount": "100000.00"},
        rate={"by_side": {"supplier": {"type": "marginal", "tiers": supplier},
                          "buyer": {"type": "slab", "tiers": buyer}}},
        cap={"amount": "200000.00", "scope": "year"}, round={"unit_fen": 1, "mode": "floor"})
    # A list means nothing where all enterprises take part, and a strict reader refuses what means nothing.
    del policy["list"]
    return policy


def json_bytes(value):
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def files(world):
    """Name and bytes of every file."""
    result = {
        "firms.csv": csv_bytes(("code", "name", "lists"), world.firms),
        "relations.csv": csv_bytes(("first", "second"), world.relations),
        "policy-flat.json": json_bytes(policy_flat()),
        "policy-tiered.json": json_bytes(policy_tiered()),
        "README.md": readme.write(world, PERIODIC_CONTRACTS, RANDOM_REFUNDS),
    }
    for venue in VENUES:
        result[venue + ".csv"] = csv_bytes(COLUMNS, ([row[c] for c in COLUMNS] for row in world.feed(venue)))
    return result


def stale_files():
    """Names of committed files that are missing or not what build() gives."""
    stale = []
    for name, wanted in files(build()).items():
        try:
            with open(os.path.join(HERE, name), "rb") as file:
                found = file.read()
        except FileNotFoundError:
            found = None
        if found != wanted:
            stale.append(name)
    return stale


def main():
    if sys.argv[1:] == ["--check"]:
        stale = stale_files()
        for name in stale:
            print(f"{name} is not what make.py gives")
        return 1 if stale else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    for name, data in files(build()).items():
        with open(os.path.join(HERE, name), "wb") as file:
            file.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
