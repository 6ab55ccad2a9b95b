"""A venue's stolen key: what it signed from an entry on is held, in slices, while everything else goes on."""
import base64
import secrets
import unittest

from tests import oracle, replay
from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, World, check, read_json, records, refund, trade, wait_until
from tests.flow.test_orders_more import item_trade

WHY = "密钥被盗用"
SLICE_MAX = 10000
PUSH_RECORDS = 2400      # a listener without client certificates takes bodies of a mebibyte
DONE_TIMEOUT_S = 120


class Signed:
    """A venue whose pushes two keys sign, and the same as events for the oracle."""

    def __init__(self, world, venue):
        self.world, self.venue = world, venue
        self.feed = world.license(venue)
        self.keys = {"stolen": self.feed.key, "sound": wire.Key(venue, secrets.token_bytes(32))}
        self.events = [("register", code, code, ["default"]) for code in FIRMS[:2]]
        world.register([(code, code, ["default"]) for code in FIRMS[:2]])
        world.order("venue.key", {"venue": venue, "add": [self.keys["sound"].vkey()], "revoke": [],
                                  "new_generation": False, "reason": WHY})
        self.policy = dict(read_json("policy-flat.json"), policy=f"of-{venue}", venues=[venue], threshold=None)
        world.adopt(self.policy)

    def push(self, who, rows):
        """The push entry's index, and the number of the event it begins with."""
        start = len(self.events)
        self.feed.key = self.keys[who]
        answer = self.feed.push([wire.encode_record(row) for row in rows])
        self.events.append(("push", self.venue, who))
        self.events += oracle.feed_events(self.venue, rows)
        return answer["push"]["index"], start

    def body(self, who, start):
        return {"venue": self.venue, "key": self.keys[who].vkey(), "from": start, "reason": WHY}

    def distrust(self, who, start, event, **changes):
        self.events.append(("distrust", self.venue, who, event))
        return self.world.order("venue.distrust", self.body(who, start), made_at_size=self.world.size(), **changes)

    def state(self):
        return self.world.get_json(f"/v1/feeds/{self.venue}", "bureau")

    def wait(self, order):
        """Until that order is done; its row."""
        def done():
            return next((row for row in self.state()["distrusted"] if row["order"] == order and row["is_done"]), None)
        return wait_until(done, DONE_TIMEOUT_S, "the last slice")

    def assert_figures(self, test):
        """Awards and months are the oracle's."""
        wanted = oracle.oracle(None, self.policy, self.events)["enterprises"]
        for code in FIRMS[:2]:
            answer = self.world.enterprise(code)
            row = next(row for row in answer["policies"] if row["policy"] == self.policy["policy"])
            test.assertEqual((row["eligible_volume"], row["award"]),
                             tuple(oracle.format_fen(wanted[code][key]) for key in ("volume_fen", "award_fen")))
            test.assertEqual(sum(month["not_counted"] for month in answer["months"] if month["venue"] == self.venue),
                             sum(month["not_counted"] for month in wanted[code]["months"]))


def entries(world):
    """Every entry's bytes, by the bureau's eyes."""
    return [base64.b64decode(world.get_json(f"/v1/entries/{index}", "bureau")["bytes"]) for index in range(world.size())]


class Distrust(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.grant("bureau", FIRMS[0])
        cls.serial = 0

    def setUp(self):
        type(self).serial += 1
        self.venue = f"d{self.serial}"

    def refused(self, body, problem="refused", **changes):
        size = self.world.size()
        answer = self.world.public.order(self.world.make_order(
            "venue.distrust", body, **dict({"made_at_size": size}, **changes)), ())
        detail = self.assert_refused(answer, 422, problem)["detail"]
        self.assertEqual(self.world.size(), size, "a refused order has changed the ledger")
        return detail

    def states(self):
        rows = self.world.get_json(f"/v1/enterprises/{FIRMS[0]}/trades?limit=1000", "bureau")["trades"]
        return {row["number"]: row["state"] for row in rows if row["kind"] == "trade" and row["venue"] == self.venue}

    def test_exactly_what_the_key_signed_from_that_entry_on_is_held(self):
        world, signed = self.world, Signed(self.world, self.venue)
        signed.push("stolen", [trade("A1"), trade("A2")])
        signed.push("sound", [trade("B1")])
        start, event = signed.push("stolen", [trade("C1"), refund("R1", "A1"), trade("C2"), trade("A1")])
        signed.push("sound", [trade("D1"), refund("R2", "C2", "10.00", "0.00")])
        signed.push("stolen", [trade("E1"), trade("E2")])
        for number, kind in (("C1", "void"), ("E1", "hold")):
            world.order(f"trade.{kind}", items=[item_trade(self.venue, number)])
            signed.events.append((kind, self.venue, number))
        signed.assert_figures(self)
        before = world.size()
        answer = signed.distrust("stolen", start, event)
        row = signed.wait(answer["index"])
        self.assertEqual((answer["effects"], row), (2, {
            "key": signed.keys["stolen"].vkey(), "from": start, "order": answer["index"], "held": 2, "is_done": True}))
        self.assertEqual(world.size(), before + 3)
        states = self.states()
        self.assertEqual({number for number, state in states.items() if state == "held"}, {"C2", "E1", "E2"})
        self.assertEqual(states["C1"], "voided")
        signed.assert_figures(self)
        # The enterprise sees why.
        chain = world.get_json(f"/v1/enterprises/{FIRMS[0]}/trades", FIRMS[0])["trades"]
        effects = [row for row in chain if row["kind"] == "held" and row["index"] > answer["index"]]
        self.assertEqual([(row["number"], row["effect_reason"]) for row in effects], [("E2", WHY), ("C2", WHY)])
        held = next(row for row in chain if row.get("number") == "E2" and row["kind"] == "trade")
        self.assertEqual((held["state_reason"], held["state_index"]), (WHY, effects[0]["index"]))
        rows = world.get_json(f"/v1/enterprises/{FIRMS[0]}/statement", FIRMS[0])["entries"]
        self.assertEqual([row["order"] for row in rows if row["index"] in (effects[0]["index"], effects[1]["index"])],
                         [None, None])
        # The key is gone, the other one is not.
        self.assertEqual(signed.state()["keys"], [signed.keys["sound"].vkey()])
        answer = world.feed.push(self.venue, signed.feed.body(records("late", 1), key=signed.keys["stolen"]))
        self.assert_refused(answer, 403, "unknown_key")
        signed.push("sound", [trade("F1"), refund("R3", "C2", "10.00", "0.00")])
        # What was examined comes back, without what was refunded meanwhile.
        for number in ("C2", "E1"):
            world.order("trade.release", items=[item_trade(self.venue, number)])
            signed.events.append(("release", self.venue, number))
        signed.assert_figures(self)
        self.assertEqual(self.states()["C2"], "counted")
        self.assertIn("trades held", check(world.client("feed", self.venue, token="bureau")).out)
        self.assertIn("不可信的密钥", check(world.client("feed", self.venue, token="bureau", LC_ALL="zh_CN.UTF-8")).out)
        self.assertIn("which are all", world.log())
        # Begun too late: another order is about what lies before.
        self.refused(signed.body("stolen", start))
        earlier = signed.distrust("stolen", signed.state()["retired_keys"][0]["since"], 0)
        self.assertEqual(signed.wait(earlier["index"])["held"], 2)
        self.assertEqual(self.states()["C2"], "counted")
        signed.events[-1] = ("hold", self.venue, "A1")
        signed.events.append(("hold", self.venue, "A2"))
        signed.assert_figures(self)
        ledger = replay.Replay()
        for data in entries(world):
            ledger.add(data)
        self.assertFalse(any(row["left"] for row in ledger.distrusts.values()))

    def test_orders_that_make_no_sense(self):
        world, signed = self.world, Signed(self.world, self.venue)
        start, _ = signed.push("stolen", [trade("A1")])
        good = signed.body("stolen", start)
        self.assertIn("no venue", self.refused(dict(good, venue="nowhere", key=wire.Key("nowhere", b"\1" * 32).vkey())))
        self.assertIn("never had", self.refused(dict(good, key=wire.Key(self.venue, b"\1" * 32).vkey())))
        self.assertIn("valid from entry", self.refused(dict(good, **{"from": 1})))
        for wrong in (0, world.size() + 1, 2**53, "7", 1.5, None):
            self.refused(dict(good, **{"from": wrong}), "bad_order")
        self.refused(dict(good, **{"from": start}), "bad_order", made_at_size=start - 1)
        self.refused(dict(good, key=wire.Key("other", b"\1" * 32).vkey()), "bad_order")
        self.refused(dict(good, key=[good["key"]]), "bad_order")
        self.refused(dict(good, reason=""), "bad_order")
        self.refused({key: value for key, value in good.items() if key != "from"}, "bad_order")
        answer = world.public.order(world.make_order("venue.distrust", good, signers=("zhang",), made_at_size=start), ())
        self.assert_refused(answer, 403, "quorum_not_met")
        note = world.make_order("venue.distrust", good, made_at_size=world.size())
        first = world.public.order(note, ())
        self.assertEqual(first.status, 200, first)
        signed.wait(first.json()["index"])
        again = world.public.order(note, ())
        self.assertEqual((again.status, again.json()["index"]), (200, first.json()["index"]))
        for start in (good["from"], good["from"] + 1):
            self.assertIn("distrusted already", self.refused(dict(good, **{"from": start})))

    def test_a_venue_whose_only_key_was_stolen(self):
        world, feed = self.world, self.world.license(self.venue)
        feed.push(records(self.venue, 3))
        body = {"venue": self.venue, "key": feed.key.vkey(), "from": world.size() - 1, "reason": WHY}
        world.write("distrust.key", feed.key.private_text())
        check(world.client("order", "venue.distrust", "--set", f"venue={self.venue}", "--set", f"key={body['key']}",
                           "--set", f"from={body['from']}", "--set", f"reason={WHY}", "--key", "zhang.key", "-o",
                           f"{self.venue}.note"))
        shown = check(world.client("order", "show", f"{self.venue}.note")).out
        self.assertIn(body["key"], shown)
        self.assertIn("from entry", shown)
        check(world.client("order", "sign", f"{self.venue}.note", "--key", "li.key"))
        check(world.client("order", "submit", f"{self.venue}.note"))
        state = world.get_json(f"/v1/feeds/{self.venue}", "bureau")
        self.assertEqual((state["keys"], state["distrusted"][0]["held"]), ([], 3))
        stranger = wire.Key(self.venue, secrets.token_bytes(32))
        answer = world.feed.push(self.venue, feed.body(records("late", 1), key=stranger))
        self.assertIn("no valid key", self.assert_refused(answer, 403, "unknown_key")["detail"])
        world.restart()
        self.assert_refused(world.feed.push(self.venue, feed.body(records("late", 1))), 403, "unknown_key")
        world.order("venue.key", {"venue": self.venue, "add": [stranger.vkey()], "revoke": [], "new_generation": False,
                                  "reason": WHY})
        feed.key = stranger
        feed.push(records("later", 1))

    def test_what_the_client_refuses_by_itself(self):
        base = ["order", "venue.distrust", "--set", "venue=x", "--key", "zhang.key", "-o", "never.note"]
        rest = ["--set", "key=x+00000000+AA==", "--set", "reason=x"]
        self.assert_code(self.world.client(*base), 2)
        self.assert_code(self.world.client(*base, *rest), 2)
        self.assert_code(self.world.client(*base, *rest, "--set", "from=x"), 2)
        self.assert_code(self.world.client(*base, *rest, "--set", "from=1", "--set", "key=y"), 2)
        self.assert_code(self.world.client("order", "venue.suspend", "--set", "from=1", *rest), 2)


class Slices(unittest.TestCase):
    """So many trades that they take several slices; the daemon is killed between them."""

    def verify(self, world):
        self.assertIn("verified", check(world.daemon("verify", "-c", "subsidyd.conf")).out)

    def test_slices_go_on_between_pushes_and_after_a_crash(self):
        count = 15 * PUSH_RECORDS
        with World() as world:
            world.grant("bureau")
            signed = Signed(world, "qddex")
            signed.push("stolen", [trade("before")])
            start, event = world.size(), len(signed.events)
            for first in range(0, count, PUSH_RECORDS):
                signed.push("stolen", [trade(f"T{i}") for i in range(first, first + PUSH_RECORDS)])
            order = signed.distrust("stolen", start, event)
            self.assertEqual(order["effects"], SLICE_MAX)
            world.kill()
            self.verify(world)
            world.start()
            state = signed.state()["distrusted"][0]
            self.assertLess(state["held"], count, "all slices were done before the kill: nothing was tried")
            self.assertIn("it goes on", world.log())
            overview = world.get_json("/v1/overview", "bureau")["venues"][0]
            pushes, more = [], 0
            while not signed.state()["distrusted"][0]["is_done"]:
                rows = [trade(f"S{more}"), refund(f"R{more}", f"T{count - 1 - more}", "1.00", "0")]
                pushes.append(signed.push("sound", rows)[0])
                more += 1
                self.assertLess(more, 5000)
            self.assertIn(overview["distrusting"], (order["index"], None))
            self.assertEqual(signed.wait(order["index"])["held"], count)
            last = max(row["index"] for row in
                       world.get_json(f"/v1/enterprises/{FIRMS[0]}/trades?limit=1000", "bureau")["trades"]
                       if row["kind"] == "held")
            self.assertTrue(pushes and pushes[0] < last, "no push came between slices")
            self.assertIsNone(world.get_json("/v1/overview", "bureau")["venues"][0]["distrusting"])
            self.assertIn(f"all {count} trades", world.log())
            values = wire.read_metrics(world.addresses["metrics"])
            self.assertEqual(values["subsidy_distrusts_under_way"], 0)
            self.assertGreaterEqual(values["subsidy_distrust_slices_total"], 1)
            signed.assert_figures(self)
            world.stop()
            self.verify(world)
            world.start()
            for number in ("T0", f"T{count - 1}"):
                world.order("trade.release", items=[item_trade("qddex", number)])
                signed.events.append(("release", "qddex", number))
            signed.assert_figures(self)
            world.stop()
            self.verify(world)

    def test_a_stop_does_not_wait_for_the_slices(self):
        """Orders at a time: the older is carried out first, and a stop leaves them for the next start."""
        count = 10 * PUSH_RECORDS
        with World() as world:
            world.grant("bureau")
            signed = Signed(world, "qddex")
            start, event = world.size(), len(signed.events)
            for first in range(0, count, PUSH_RECORDS):
                signed.push("stolen", [trade(f"T{i}") for i in range(first, first + PUSH_RECORDS)])
            sound, sound_event = world.size(), len(signed.events)
            for first in range(count, count + 5 * PUSH_RECORDS, PUSH_RECORDS):
                signed.push("sound", [trade(f"T{i}") for i in range(first, first + PUSH_RECORDS)])
            first = signed.distrust("stolen", start, event)
            second = signed.distrust("sound", sound, sound_event)
            world.stop()
            self.verify(world)
            world.start()
            rows = [signed.wait(order["index"]) for order in (first, second)]
            self.assertEqual([row["held"] for row in rows], [count, 5 * PUSH_RECORDS])
            signed.assert_figures(self)
            world.stop()
            self.verify(world)


if __name__ == "__main__":
    unittest.main()
