"""`subsidy verify FOLDER` of a statement with trades that are held because the key that signed them was stolen."""
import unittest

from tests.flow import statement_maker as maker
from tests.flow import test_statement_verify as base
from tests.flow import wire
from tests.flow.harness import FlowTest, check, read_json, trade

ALICE = base.ALICE


class Distrusted(FlowTest):
    """What a stolen key signed is held from an entry on; then, by a second order, from an earlier one on."""

    @classmethod
    def prepare(cls):
        world = cls.world
        cls.feed, _ = world.license("qddex"), world.license("sddex")
        world.grant("bureau")
        world.adopt(read_json("policy-flat.json"))
        # All alike, so that whichever of them is held, the award is the same.
        stolen, other = cls.feed.key, wire.Key("qddex", b"k" * 32)
        world.order("venue.key", {"venue": "qddex", "add": [other.vkey()], "revoke": [], "new_generation": False,
                                  "reason": "第二把密钥"})
        for number in ("before", "early", "late", "other", "later"):
            cls.feed.key = other if number == "other" else stolen
            cls.feed.push([wire.encode_record(trade(number, base.CAROL, ALICE))])
        cls.first = cls.distrust("late")
        for number in ("late", "later"):
            world.order("trade.release", items=[base.trade_change(number)])
        cls.second = cls.distrust("early")
        cls.ledger = maker.Ledger.of_world(world)
        cls.explained = maker.explanations(world, ALICE, len(cls.ledger.entries))[0]
        cls.good = maker.of_world(world, ALICE, cls.ledger)

    @classmethod
    def push_index(cls, number):
        """The entry of the push that brought a trade: its only one, so that it stands right behind it."""
        ledger = maker.Ledger.of_world(cls.world)
        return 1 + next(index for index in ledger.chain(ALICE) if ledger.entries[index].kind == maker.RECORD and
                        ledger.entries[index].record()[1][1] == number.encode())

    @classmethod
    def distrust(cls, number):
        return cls.world.order("venue.distrust", {
            "venue": "qddex", "key": cls.feed.key.vkey(), "from": cls.push_index(number), "reason": "私钥被盗"},
            made_at_size=cls.world.size())["index"]

    verify, refuse, resealed = base.Statements.verify, base.Statements.refuse, base.Statements.resealed

    def holding(self, order_index, number):
        """Of a ledger in which the second order's effect is said to be one of `order_index` on a trade."""
        trade_index = self.push_index(number) - 1

        def change(ledger):
            effect = ledger.entries[self.second + 1]
            self.assertEqual(effect.get(1), self.second)
            effect.set(1, order_index)
            effect.set(6, wire.field(1, "qddex") + wire.field(2, number) + wire.field(3, trade_index))
        return self.resealed(change)

    def test_what_the_orders_hold(self):
        held = [index for index in self.ledger.chain(ALICE) if self.ledger.entries[index].kind == maker.EFFECT and
                self.ledger.entries[index].get(6)]
        self.assertEqual(held, [self.first + 1, self.first + 2, self.second + 1])
        self.assertEqual(check(self.verify(self.good, "--json")).json()["entries"], 10)
        check(self.verify(self.holding(self.second, "early")))

    def test_what_they_do_not(self):
        """Before their `from`; what an earlier order is about; by another key; what officers decided since."""
        name = base.entry_name(self.second + 1)
        for order_index, number, fragment in (
                (self.second, "before", f"is about pushes from entry {self.push_index('early')} on"),
                (self.second, "late", f"before entry {self.push_index('late')}, and push {self.push_index('late')} "),
                (self.second, "other", f"before entry {self.push_index('late')}, and push"),
                (self.first, "other", "distrusts a key that has not signed this trade"),
                (self.first, "early", f"is about pushes from entry {self.push_index('late')} on"),
                (self.first, "later", f"act {self.first} says nothing of this trade")):
            self.refuse(self.holding(order_index, number), name, fragment)

    def test_other_effects_of_them(self):
        """A distrust holds and does nothing else, as its only item, and each trade once."""
        index = self.second + 1

        def void(ledger):
            effect = ledger.entries[index]
            trade_effect = effect.get(6)
            effect.body = [row for row in effect.body if row[0] != 6] + [(8, trade_effect)]
        for change in (void, lambda ledger: ledger.entries[index].set(2, 1)):
            self.refuse(self.resealed(change), base.entry_name(index), f"act {self.second} says nothing of this trade")

        def hold_twice(ledger):
            ledger.entries[self.first + 1].set(6, ledger.entries[self.first + 2].get(6))
        self.refuse(self.resealed(hold_twice), base.entry_name(self.first + 2),
                    f"act {self.first} says nothing of this trade")


if __name__ == "__main__":
    unittest.main()
