"""A push that arrives while the one before it is at the writer: it is answered as if it had waited."""
import random
import threading
import time
import unittest

from tests.flow import wire
from tests.flow.harness import FlowTest, in_days, records

BUSY_RECORDS = 20000        # what keeps the writer busy for a while
ROUNDS = 6
TRIES = 30                  # rounds in which the second may overtake the first on its way
ANSWER_TIMEOUT_S = 60


class Behind(FlowTest):
    @classmethod
    def prepare(cls):
        cls.feed, cls.busy = cls.world.license("qddex"), cls.world.license("sddex")
        cls.feed.push(records("begin", 3))
        cls.serial = 0
        cls.drawn = random.Random(7)

    def new(self, count, **changes):
        type(self).serial += 1
        return records(f"a{self.serial}", count, **changes)

    def begin_push(self, venue, body):
        """Sends it over a connection of its own; (thread, answers)."""
        answers = []

        def push():
            connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
            answers.append(connection.push(venue, body))
            connection.close()
        thread = threading.Thread(target=push)
        thread.start()
        return thread, answers

    def push_two(self, first, second, second_tree=None):
        """The answers to two pushes of the feed, the second sent right behind the first, beside a long one of another."""
        held = self.feed.records
        long = self.new(BUSY_RECORDS)
        bodies = [("sddex", self.busy.body(long)), ("qddex", self.feed.body(first)),
                  ("qddex", self.feed.body(second, len(held) + len(first), second_tree or held + first))]
        begun = []
        for venue, body in bodies:
            begun.append(self.begin_push(venue, body))
            time.sleep(0.05 * self.drawn.random() if venue == "sddex" else 0.003)
        for thread, _ in begun:
            thread.join(ANSWER_TIMEOUT_S)
        self.assertEqual([len(answers) for _, answers in begun], [1, 1, 1])
        self.assertEqual(begun[0][1][0].status, 200)
        self.busy.accept(long)
        return begun[1][1][0], begun[2][1][0]

    def push_two_in_order(self, count, right=True):
        """Two pushes, of which the first is good, until ROUNDS of them came in this order; their records and answers."""
        done = 0
        for _ in range(TRIES):
            first, second, held = self.new(count), self.new(2), len(self.feed.records)
            answers = self.push_two(first, second, None if right else self.feed.records + self.new(count))
            self.assertEqual(answers[0].status, 200, answers)
            self.feed.accept(first)
            if answers[1].status == 409 and answers[1].problem() == "feed_gap" and answers[1].json()["next"] == held:
                continue
            yield second, answers
            done += 1
            if done == ROUNDS:
                return
        self.fail("the second push always came first")

    def test_both_are_stored(self):
        for second, answers in self.push_two_in_order(300):
            self.assertEqual([answer.status for answer in answers], [200, 200], answers)
            self.assertEqual([answer.json()["new"] for answer in answers], [300, 2])
            self.feed.accept(second)
            for answer in answers:
                wire.verify_receipt(answer.json()["receipt"], self.world.ledger_key)
            self.assertEqual(answers[1].json()["feed_size"], len(self.feed.records))
        result = self.world.daemon("backup", "-c", "subsidyd.conf", "copy")     # which replays everything
        self.assertEqual(result.code, 0, result)

    def test_the_second_of_a_refused_one_is_a_gap(self):
        """Whatever its own faults: what it was checked against never came, and is not told."""
        for turn in range(2 * ROUNDS):
            first, second = self.new(5, settled_on=in_days(1)), self.new(2)
            wrong = self.feed.records + self.new(5) if turn % 2 else None
            answers = self.push_two(first, second, wrong)
            self.assertEqual([answer.problem() for answer in answers], ["invalid_records", "feed_gap"], answers)
            self.assertEqual(answers[1].json()["next"], len(self.feed.records))
            self.assertNotIn("frontier", answers[1].json())

    def test_a_wrong_second_is_refused_by_what_is_held_then(self):
        for _, answers in self.push_two_in_order(5, right=False):
            self.assertEqual(answers[1].problem(), "root_mismatch", answers)
            self.assertEqual(answers[1].json()["size"], len(self.feed.records))


if __name__ == "__main__":
    unittest.main()
