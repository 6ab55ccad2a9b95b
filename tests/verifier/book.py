"""What records and effects do to trades, the same for one enterprise's entries and for a whole ledger.

From proto/FORMAT.md: chapters "Entries", "Dispositions" and the orders about trades.
"""
from forms import COUNTED, DUPLICATE_ADJUST, DUPLICATE_TRADE, OVERFLOW, REFUND_EXCEEDS, REFUND_UNKNOWN, SELF_TRADE, require


class BookedTrade:
    """The first trade of its number: what was refunded of it, and its state."""

    def __init__(self, entry):
        self.index, self.fields, self.venue = entry.index, entry.record, entry.body["venue"]
        self.disposition = entry.body["disposition"]
        self.refunded = self.refunded_tax = 0
        self.state, self.touched = "counted", 0
        self.push_index, self.push_note = None, None

    def parties(self):
        return [self.fields["supplier"], self.fields["buyer"]]

    def counts(self):
        return self.disposition == COUNTED and self.state == "counted"

    def is_exceeded_by(self, refund):
        refunded, tax = self.refunded + refund["amount"], self.refunded_tax + refund["tax"]
        return (refunded > self.fields["amount"] or tax > self.fields["tax"]
                or refunded - tax > self.fields["amount"] - self.fields["tax"])


class Book:
    """Trades and adjustments by their venue's numbers."""

    def __init__(self):
        self.trades, self.trade_numbers, self.adjustments = {}, {}, {}

    def find(self, venue, trade_no):
        return self.trade_numbers.get((venue, trade_no))

    def parties(self, entry):
        """Whom an entry concerns, by the records before it; one for each link."""
        if entry.kind == "record":
            number = entry.record["trade_no" if entry.record_kind == "trade" else "original_trade_no"]
            first = self.find(entry.body["venue"], number)
            if first:
                return first.parties()
            return [entry.record["supplier"], entry.record["buyer"]] if entry.record_kind == "trade" else []
        if entry.kind != "effect":
            return []
        what = entry.body[entry.effect]
        if entry.effect == "related":
            return [what["first"], what["second"]]
        if entry.effect in ("registered", "delisted"):
            return [what["code"]]
        return self.trade_of(entry).parties()

    def trade_of(self, entry):
        """The trade that an effect names."""
        what = entry.body[entry.effect]
        trade = self.trades.get(what["trade_index"])
        entry.check(trade and (trade.venue, trade.fields["trade_no"]) == (what["venue"], what["trade_no"]),
                    f"entry {what['trade_index']} is not the trade {what['trade_no']} of {what['venue']}")
        return trade

    def add_trade(self, entry, overflows=None):
        """`overflows`: whether a sum would, or None where that is not known."""
        body, number = entry.body, (entry.body["venue"], entry.record["trade_no"])
        first = self.trade_numbers.get(number)
        wanted = [COUNTED if not overflows else OVERFLOW]
        if overflows is None:
            wanted.append(OVERFLOW)
        if first:
            wanted = [DUPLICATE_TRADE]
        elif entry.record["supplier"] == entry.record["buyer"]:
            wanted = [SELF_TRADE]
        self.check_disposition(entry, wanted, first.index if first else 0)
        if not first:
            self.trades[entry.index] = self.trade_numbers[number] = BookedTrade(entry)

    def add_refund(self, entry, is_whole=True):
        """`is_whole`: whether every adjustment of the venue is in the book."""
        refund, number = entry.record, (entry.body["venue"], entry.record["adjust_no"])
        trade, first = self.find(entry.body["venue"], refund["original_trade_no"]), self.adjustments.get(number)
        if first is None and not is_whole and entry.body["disposition"] == DUPLICATE_ADJUST:
            entry.check(entry.body["refers"] not in self.trades and entry.body["refers"] > 0,
                        "refers to no adjustment of that number")
            return
        if first is not None:
            self.check_disposition(entry, [DUPLICATE_ADJUST], first)
            return
        self.adjustments[number] = entry.index
        refers = trade.index if trade else 0
        if trade is None or trade.disposition != COUNTED or trade.state == "voided":
            self.check_disposition(entry, [REFUND_UNKNOWN], refers)
        elif trade.is_exceeded_by(refund):
            self.check_disposition(entry, [REFUND_EXCEEDS], refers)
        else:
            self.check_disposition(entry, [COUNTED], refers)
            trade.refunded += refund["amount"]
            trade.refunded_tax += refund["tax"]

    @staticmethod
    def check_disposition(entry, wanted, refers):
        entry.check(entry.body["disposition"] in wanted,
                    f"has the disposition {entry.body['disposition']}, and must have {wanted[0]}")
        entry.check(entry.body["refers"] == refers, f"refers to entry {entry.body['refers']}, and must to {refers}")

    def change_state(self, entry):
        """A trade is held, released or voided."""
        trade = self.trade_of(entry)
        before = {"held": ("counted",), "released": ("held",), "voided": ("counted", "held")}[entry.effect]
        entry.check(trade.disposition == COUNTED and trade.state in before,
                    f"the trade {trade.fields['trade_no']} is {trade.state}, and can not be {entry.effect}")
        trade.state, trade.touched = {"released": "counted"}.get(entry.effect, entry.effect), entry.index
        return trade

    @staticmethod
    def is_distrusted(trade, distrust):
        """Whether a distrust holds a trade, as things stand when its slice comes to it."""
        return (trade.venue == distrust.venue and trade.counts() and trade.touched < distrust.index
                and trade.push_index is not None and distrust.begin <= trade.push_index < distrust.end
                and distrust.key in trade.push_note.signers([distrust.key]))


class Account:
    """What the register says of an enterprise."""

    def __init__(self):
        self.name, self.lists, self.related = None, [], set()

    def apply(self, entry, code):
        what = entry.body[entry.effect]
        if entry.effect == "registered":
            self.name, self.lists = what["name"], what["lists"]
        elif entry.effect == "related":
            other = what["second"] if what["first"] == code else what["first"]
            entry.check(other not in self.related, f"{code} and {other} are related already")
            self.related.add(other)
        elif entry.effect == "delisted":
            missing = [name for name in what["lists"] if name not in self.lists]
            entry.check(self.name is not None and not missing, f"{code} was not on {', '.join(missing) or 'any list'}")
            self.lists = [name for name in self.lists if name not in what["lists"]]


def check_links(entry, parties, before):
    """`before(code)`: the index of the entry before that concerned the party, or None where that is not known."""
    entry.check(len(entry.links) == len(parties), f"has {len(entry.links)} links, and concerns {len(parties)}")
    for link, code in zip(entry.links, parties):
        wanted = before(code)
        require(wanted is None or link == wanted, entry.place,
                f"the link of {code} leads to entry {link} where {wanted} is the one before")
