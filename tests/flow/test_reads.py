"""Answers about an enterprise that are given again: that they are what the ledger says now, and to whom they are given.

A second daemon would say what is true; here it is the same one after a restart, which remembers nothing.
"""
import secrets
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, read_json, refund, trade

ALICE, BOB, CAROL = FIRMS[0], FIRMS[1], FIRMS[2]
CODES = (ALICE, BOB, CAROL)
POLICY = "qd-2025-47-5"
LANGUAGES = ("en", "zh")


def policy(version, cap):
    made = dict(read_json("policy-flat.json"), version=version, enterprises="all", venues=["qddex"],
                cap={"amount": cap, "scope": "term"})
    del made["list"]
    return made


class Reads(FlowTest):
    @classmethod
    def prepare(cls):
        world = cls.world
        cls.feed = world.license("qddex")
        world.register([(ALICE, "甲方数据公司", ["default"])])
        world.adopt(policy(1, "3000.00"))
        world.grant("bureau", ALICE, BOB)
        cls.push(trade("T1", ALICE, BOB, "50000.00", "0.00"), trade("T2", ALICE, CAROL, "50000.00", "0.00"))

    @classmethod
    def push(cls, *rows):
        cls.feed.push([wire.encode_record(row) for row in rows])

    def read(self, code, language="en", subject="bureau", query=""):
        return self.world.public.request("GET", f"/v1/enterprises/{code}{query}", token=self.world.tokens[subject],
                                         headers={"Accept-Language": language})

    def metric(self, name):
        return wire.read_metrics(self.world.addresses["metrics"])[name]

    def all_answers(self):
        """Each asked for twice, so that the second is given out of memory wherever it can be."""
        answers = {}
        for code in CODES:
            for language in LANGUAGES:
                first = self.read(code, language)
                before = self.metric("subsidy_answers_recalled_total")
                again = self.read(code, language)
                self.assertEqual(self.metric("subsidy_answers_recalled_total"), before + 1)
                self.assertEqual((first.status, first.body), (200, again.body))
                answers[code, language] = again.body
            explained = self.world.get(f"/v1/enterprises/{code}/explain?policy={POLICY}", "bureau")
            answers[code] = explained.body
        return answers

    def changes(self):
        """What happens to a ledger, and what of it Alice's cap must say."""
        yield lambda: self.push(trade("T3", ALICE, BOB, "1.00", "0.00")), "T2"
        yield lambda: self.push(trade("T3", ALICE, BOB, "7.00", "0.00")), "T2"      # a duplicate
        yield lambda: self.push(refund("R1", "T1", "45000.00", "0.00")), None
        yield lambda: self.push(trade("T4", ALICE, BOB, "20000.00", "0.00")), "T4"
        yield lambda: self.order_on_trade("trade.hold", "T2"), None
        yield lambda: self.push(trade("T5", BOB, ALICE, "90000.00", "0.00")), "T5"
        yield lambda: self.order_on_trade("trade.release", "T2"), "T4"
        yield lambda: self.world.relate(tuple(sorted((ALICE, CAROL)))), "T5"
        yield lambda: self.world.adopt(policy(2, "1000.00")), "T4"
        yield lambda: self.world.register([(CAROL, "丙方数据公司", [])]), "T4"
        yield lambda: self.world.register([(ALICE, "甲方", ["default"])]), "T4"
        yield lambda: self.world.license("sddex"), "T4"

    def order_on_trade(self, kind, trade_no):
        self.world.order(kind, items=[wire.compact({"venue": "qddex", "trade_no": trade_no, "reason": "查",
                                                    "salt": secrets.token_hex(16)})])

    def test_after_every_change_what_a_daemon_that_remembers_nothing_says(self):
        self.assertEqual(self.world.enterprise(ALICE)["policies"][0]["capped_at"]["trade_no"], "T2")
        for change, capped_at in self.changes():
            self.all_answers()
            change()
            answers = self.all_answers()
            found = self.world.enterprise(ALICE)["policies"][0]["capped_at"]
            self.assertEqual(found and found["trade_no"], capped_at)
            self.world.restart()
            self.assertEqual(self.metric("subsidy_answers_remembered"), 0)
            self.assertEqual(self.all_answers(), answers)

    def test_to_those_alone_who_may_read_it(self):
        self.assertEqual(self.read(ALICE).status, 200)
        self.assertEqual(self.read(ALICE, subject=ALICE).body, self.read(ALICE).body)
        self.assert_refused(self.read(ALICE, subject=BOB), 404, "not_found")
        path = f"/v1/enterprises/{ALICE}"
        self.assert_refused(self.world.public.get(path), 401, "unauthorized")
        self.assert_refused(self.world.public.get(path, secrets.token_hex(32)), 401, "unauthorized")
        self.assertEqual(self.read(ALICE, subject=ALICE).status, 200)
        token = self.world.tokens[ALICE]
        self.world.order("grant.revoke", items=[wire.compact({
            "token_hash": wire.sha256(bytes.fromhex(token)).hex(), "reason": "离职", "salt": secrets.token_hex(16)})])
        self.assertEqual(self.read(ALICE).status, 200)
        self.assert_refused(self.read(ALICE, subject=ALICE), 401, "unauthorized")
        self.world.grant(ALICE)

    def test_parameters_are_heard(self):
        self.read(ALICE)
        self.assert_refused(self.read(ALICE, query="?nonsense=1"), 400, "bad_request")
        size = self.world.size()
        earlier = self.read(ALICE, query="?as_of=6").json()
        self.assertEqual(earlier["ledger_size"], 6)
        self.assertNotEqual(earlier["months"], self.read(ALICE).json()["months"])
        self.assertEqual(self.read(ALICE, query=f"?as_of={size}").body, self.read(ALICE).body)

    def test_the_size_is_that_of_the_ledger_now(self):
        before = self.read(CAROL).json()
        self.push(trade("N1", ALICE, BOB, "1.00", "0.00"))
        recalled = self.metric("subsidy_answers_recalled_total")
        after = self.read(CAROL).json()
        self.assertEqual(self.metric("subsidy_answers_recalled_total"), recalled + 1)
        self.assertEqual(after["ledger_size"], self.world.size())
        self.assertGreater(after.pop("ledger_size"), before.pop("ledger_size"))
        self.assertEqual(after, before)

    def test_who_read_it_is_logged(self):
        self.read(BOB)
        logged = self.world.log().count(f"of={BOB}")
        self.assertGreater(logged, 0)
        self.read(BOB)
        self.assertEqual(self.world.log().count(f"of={BOB}"), logged + 1)

    def test_a_head_alone(self):
        whole = self.read(BOB)
        answer = self.world.public.request("HEAD", f"/v1/enterprises/{BOB}", token=self.world.tokens["bureau"])
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Length"], str(len(whole.body)))


if __name__ == "__main__":
    unittest.main()
