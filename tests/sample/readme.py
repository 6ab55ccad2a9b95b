"""The text of the sample world's README.md: made with the world, so that the numbers in it cannot go stale."""

ROLE_TEXTS = {
    "exact": "eligible net volume exactly 6,000,000.00: the cap, not a fen more; one trade each with `not_stated`",
    "fen_below": "5,999,999.99: 299,999.9995, so 299,999.00 and not capped",
    "far_beyond": "20,000,000.00: capped early, and far beyond",
    "falls_back": "7,000,000.00, capped until a refund of 2,000,000.00 net: 250,000.00",
    "stays_capped": "7,000,000.00 and a refund of 500,000.00 net: still capped",
    "two_years": "7,000,000.00 in 2025 and again in 2026: one cap by term, two by year",
    "dates": "trades on the edges of the window (see the rows below)",
    "compute_only": "nothing but product kind `compute`",
    "declared": "every trade declared related",
    "kin_first": "related to kin_second by relations.csv, undeclared; trades with it and with others",
    "kin_second": "the other one",
    "subsidised": "every trade subsidised elsewhere",
    "self_dealer": "sold to itself once, and honestly to others",
    "all_refunded": "one trade, given back in full",
    "small": "1,000.19 net: 50.0095, so 50.00; below the tiered policy's threshold",
}

CASE_TEXTS = {
    "before_window": "settled 2024-12-31", "first_of_window": "settled 2025-01-01",
    "signed_before": "signed 2024-12-31, settled 2025-01-02", "last_day": "settled 2026-10-31",
    "sddex_before_window": "settled 2024-12-31", "sddex_last_day": "settled 2026-10-31",
    "first_of_number": "keeps its number", "duplicate_trade": "the same number, other content: `duplicate_trade`",
    "self_trade": "supplier is buyer: `self_trade`",
    "shared_contract": "contract and invoice that sddex has too", "shared_contract_again": "the same contract there",
    "eight_invoices": "eight invoices", "no_invoice": "no invoice", "broker": "with a broker",
    "one_fen": "the smallest trade there can be: 0.01",
    "early_refund_trade": "its refund stands before it", "refund_before_trade": "`refund_unknown` for good",
    "refund_pushed_again": "the same again under a new number: counted",
    "exceeds_amount": "a fen too much: `refund_exceeds`", "exceeds_tax_only": "a fen of tax too much: `refund_exceeds`",
    "exceeds_net_only": "amount and tax fit, their difference does not: `refund_exceeds`",
    "first_part": "a first part", "last_part": "the rest: given back in full",
    "exceeds_after_parts": "one fen after that: `refund_exceeds`",
    "first_adjust": "keeps its number", "duplicate_adjust": "the same number, other content: `duplicate_adjust`",
    "other_venue": "names a trade of qddex: `refund_unknown`", "refund_in_full": "all_refunded's only trade",
    "other_name": "the venue writes another name than the register",
    "falls_back": "falls_back's refund", "stays_capped": "stays_capped's refund",
}


def write(world, periodic_contracts, random_refunds):
    """The text of README.md for that world, as bytes."""
    counts = {}
    for item in world.items:
        venue = counts.setdefault(item.venue, {"trade": 0, "refund": 0})
        venue[item.row["kind"]] += 1
    lines = [
        "# The sample world", "",
        "Written by `python3 -m tests.sample.make`, this file too. Nothing in it is real: names end in （样例）, codes",
        "carry `MA0XTE` (brokers `MA0XTF`), and their check characters are right. `make demo` loads it, and the flow",
        "tests compare what the programs say of it with tests/oracle.py.",
        "",
        f"- firms.csv: {len(world.firms)} registered enterprises (code, name, lists separated by `;`).",
        "- relations.csv: pairs known to be related, the lower code first.",
    ]
    for venue in sorted(counts):
        trades, refunds = counts[venue]["trade"], counts[venue]["refund"]
        lines.append(f"- {venue}.csv: {trades} trades and {refunds} refunds in the order of the feed, numbers rising.")
    lines += [
        "- policy-flat.json: 5 % of the net amount up to 300,000.00 for the term. The rate is assumed.",
        "- policy-tiered.json: each side its own tiers, thresholds, 200,000.00 a year, gross, by day of signing.",
        "  Assumed as well.",
        "", "Amounts are in yuan, as venues write them: `1200`, `1200.5`, `1200.05`. Some product names hold a comma",
        "and quotes, some rows leave out the parties' names.",
        "", "## Enterprises with a part to play (figures under the flat policy)", "",
        "| role | code | what it shows |", "|---|---|---|",
    ]
    lines += [f"| {role} | {code} | {ROLE_TEXTS[role]} |" for role, code in world.roles.items()]
    lines += ["", "Trading but not on the register: " + ", ".join(world.not_registered) + ".",
              "Registered, but not on list `default`: " + ", ".join(world.not_on_default) + ",",
              "the last on no list at all.",
              "Registered, without any trade: " + ", ".join(world.without_trade) + ".",
              "", "## Rows with a part to play", "", "| case | venue | number | what it shows |", "|---|---|---|---|"]
    for case, item in world.cases.items():
        lines.append(f"| {case} | {item.venue} | {item.number()} | {CASE_TEXTS[case]} |")
    lines += ["",
              f"Besides: {random_refunds} partial and full refunds, most of them in a later month than their trade;",
              f"{periodic_contracts} contracts settled by instalments; every contract and product kind; every answer",
              "to both declarations; no, one and several invoices of both lengths; brokers; and an order that is a",
              "few days off here and there."]
    return ("\n".join(lines) + "\n").encode()
