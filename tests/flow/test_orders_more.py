"""The bureau's later acts: venues suspended, keys changed, trades held, codes revoked, officers gone, conflicts kept."""
import base64
import json
import secrets
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, Feed, FlowTest, check, in_days, read_json, records, refund, trade, write_csv

SALT = "5a" * 16
WHY = "核查发现疑点"
VENUE_KEYS_MAX, VENUE_KEYS_EVER_MAX = 8, 64


def item_trade(venue, trade_no, reason=WHY):
    return wire.compact({"venue": venue, "trade_no": trade_no, "reason": reason, "salt": SALT})


def item_delist(code, lists, reason=WHY):
    return wire.compact({"code": code, "lists": sorted(lists), "reason": reason, "salt": SALT})


def item_revoke(token, reason=WHY):
    return wire.compact({"token_hash": wire.sha256(bytes.fromhex(token)).hex(), "reason": reason, "salt": SALT})


class OrdersMore(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.grant("bureau")
        cls.feed = cls.world.license("qddex")
        cls.serial = 0

    def setUp(self):
        type(self).serial += 1
        self.venue = f"v{self.serial}"

    def license(self):
        """A venue of the test's own."""
        return self.world.license(self.venue)

    def refused(self, kind, body=None, items=None, problem="refused", status=422, **changes):
        size = self.world.size()
        answer = self.world.public.order(self.world.make_order(kind, body, items, **changes), items or ())
        problem = self.assert_refused(answer, status, problem)
        self.assertEqual(self.world.size(), size, "a refused order has changed the ledger")
        return problem["detail"]

    def refused_push(self, feed, body, status, problem, query=""):
        size = self.world.size()
        answer = self.world.feed.push(feed.venue, body, query)
        self.assert_refused(answer, status, problem)
        self.assertEqual(self.world.size(), size, "a refused push has changed the ledger")
        return answer.json()

    def feed_json(self):
        return self.world.get_json(f"/v1/feeds/{self.venue}", "bureau")

    # Venues

    def test_a_suspended_venue_pushes_nothing_and_reads_everything(self):
        feed, body = self.license(), {"venue": self.venue, "reason": WHY}
        first = feed.body(records(self.venue, 2))
        feed.push(records(self.venue, 2))
        self.refused("venue.resume", body)
        index = self.world.order("venue.suspend", body)["index"]
        self.refused("venue.suspend", body)
        self.refused_push(feed, feed.body(records("later", 1)), 403, "venue_suspended")
        self.refused_push(feed, first, 403, "venue_suspended")
        self.refused_push(feed, feed.body(records("other", 1), start=1), 403, "venue_suspended")
        self.refused_push(feed, wire.push_body(2, records("later", 1), b""), 403, "venue_suspended", "?check=1")
        self.assertEqual((self.feed_json()["size"], self.feed_json()["suspended_by"]), (2, index))
        overview = {row["venue"]: row for row in self.world.get_json("/v1/overview", "bureau")["venues"]}
        self.assertEqual(overview[self.venue]["suspended_by"], index)
        self.assertIn("suspended", check(self.world.client("feed", self.venue, token="bureau")).out)
        self.world.order("venue.resume", body)
        self.assertIsNone(self.feed_json()["suspended_by"])
        feed.push(records("later", 1))
        self.refused("venue.suspend", {"venue": "nowhere", "reason": WHY})

    def change_keys(self, add=(), revoke=(), new_generation=False):
        body = {"venue": self.venue, "add": [key.vkey() for key in add], "revoke": [key.vkey() for key in revoke],
                "new_generation": new_generation, "reason": WHY}
        return self.world.order("venue.key", body)["index"]

    def refused_keys(self, add=(), revoke=(), problem="refused", new_generation=False):
        body = {"venue": self.venue, "add": [key.vkey() for key in add], "revoke": [key.vkey() for key in revoke],
                "new_generation": new_generation, "reason": WHY}
        return self.refused("venue.key", body, problem=problem)

    def new_key(self):
        return wire.Key(self.venue, secrets.token_bytes(32))

    def test_a_revoked_key_is_told_again_of_what_it_pushed_and_of_nothing_else(self):
        feed, old, new = self.license(), None, self.new_key()
        old = feed.key
        held = feed.body(records(self.venue, 3))
        first = feed.push(records(self.venue, 3))
        self.change_keys(add=[new], revoke=[old])
        again = self.world.feed.push(self.venue, held)
        self.assertEqual(again.status, 200, again)
        self.assertEqual((again.json()["new"], again.json()["held"]), (0, 3))
        self.assertEqual(again.json()["push"], first["push"])
        # Whatever is not all held tells a thief nothing; nor is a size that is none.
        lie = wire.sign_note(wire.checkpoint_text(feed.origin, 99, feed.tree.root()), old)
        for body in (wire.push_body(0, feed.records, lie),
                     feed.body(records("later", 1), key=old), feed.body(records("x", 2), start=2, key=old),
                     feed.body(records("x", 1), start=9, held=records("y", 9), key=old),
                     wire.push_body(3, records("x", 1), wire.feed_note(old, feed.origin, wire.Tree(records("z", 9))))):
            answer = self.refused_push(feed, body, 403, "unknown_key")
            self.assertEqual(set(answer), {"type", "title", "status", "detail"})
        feed.key = new
        feed.push(records("later", 2))
        # A push that came after its revocation was not accepted under it.
        late = wire.push_body(3, records("later", 2), wire.feed_note(old, feed.origin, feed.tree))
        self.refused_push(feed, late, 403, "unknown_key")
        self.assertEqual([row["key"] for row in self.feed_json()["retired_keys"]], [old.vkey()])
        # Nor was one that came before its key did.
        self.change_keys(add=[self.new_key()], revoke=[new])
        early = wire.feed_note(new, feed.origin, wire.Tree(records(self.venue, 3)))
        self.refused_push(feed, wire.push_body(0, records(self.venue, 3), early), 403, "unknown_key")
        self.assertEqual(self.world.feed.push(self.venue, late).status, 403)
        self.world.restart()
        self.assertEqual(self.world.feed.push(self.venue, held).status, 200)

    def test_a_key_vouches_for_nothing_that_came_before_it(self):
        """Also where it was the second key, and became the first one."""
        feed, second = self.license(), self.new_key()
        feed.push(records(self.venue, 3))
        self.change_keys(add=[second])
        self.change_keys(revoke=[feed.key])
        self.change_keys(add=[self.new_key()], revoke=[second])
        early = wire.feed_note(second, feed.origin, feed.tree)
        self.refused_push(feed, wire.push_body(0, records(self.venue, 3), early), 403, "unknown_key")
        held = wire.push_body(0, records(self.venue, 3), wire.feed_note(feed.key, feed.origin, feed.tree))
        self.assertEqual(self.world.feed.push(self.venue, held).status, 200)

    def test_keys_that_cannot_be_added_or_revoked(self):
        feed = self.license()
        others = [self.new_key() for _ in range(8)]
        self.refused_keys(revoke=[feed.key])
        self.refused_keys(add=[feed.key])
        self.refused_keys(revoke=[others[0]])
        self.refused_keys(problem="bad_order")
        self.refused_keys(add=[others[0]], revoke=[others[0]], problem="bad_order")
        self.refused_keys(add=[wire.Key("other", b"\1" * 32)], problem="bad_order")
        self.refused_keys(add=others)
        self.change_keys(add=others[:7])
        self.assertIn("no valid key", self.refused_keys(revoke=[self.new_key()]))
        self.refused_keys(add=others[7:])
        self.change_keys(add=others[7:], revoke=others[:1])
        self.assertIn("revoked", self.refused_keys(add=others[:1], revoke=others[1:2]))
        for key in (feed.key, others[7]):
            feed.key = key
            feed.push(records(f"{self.venue}-{key.id.hex()}", 1))

    def test_keys_beyond_those_a_venue_may_ever_have(self):
        feed, count = self.license(), 1
        keys = [feed.key]
        while count < VENUE_KEYS_EVER_MAX:
            # One below the limit, then the one that reaches it.
            more = [self.new_key() for _ in range(min(VENUE_KEYS_MAX, max(1, VENUE_KEYS_EVER_MAX - 1 - count)))]
            self.change_keys(add=more, revoke=keys)
            count, keys = count + len(more), more
        self.assertIn("in all", self.refused_keys(add=[self.new_key()], revoke=keys))
        feed.key = keys[0]
        feed.push(records(self.venue, 1))

    def test_a_new_generation_closes_the_old_feed(self):
        feed = self.license()
        held = feed.body(records(self.venue, 3))
        first = feed.push(records(self.venue, 3))
        self.change_keys(new_generation=True)
        state = self.feed_json()
        self.assertEqual((state["generation"], state["size"], state["last_push"]), (2, 0, None))
        self.refused_push(feed, feed.body(records("later", 1)), 422, "wrong_origin")
        self.refused_push(feed, feed.body(records("x", 2), start=2), 422, "wrong_origin")
        again = self.world.feed.push(self.venue, held)
        self.assertEqual(again.status, 200, again)
        self.assertEqual((again.json()["generation"], again.json()["feed_size"], again.json()["push"]),
                         (1, 3, first["push"]))
        fresh = Feed(self.world, self.venue, feed.key, 2)
        answer = fresh.push(records(self.venue, 1) + records(self.venue + "b", 1))
        self.assertEqual((answer["generation"], answer["feed_size"]), (2, 2))
        self.assertEqual(answer["push"]["dispositions"], {"counted": 1, "duplicate_trade": 1})
        rows = self.world.get_json(f"/v1/feeds/{self.venue}/records?from=0&generation=1", "bureau")["records"]
        self.assertEqual([base64.b64decode(row["record"]) for row in rows], records(self.venue, 3))
        receipt = self.world.get_json(f"/v1/feeds/{self.venue}/receipt?generation=1", "bureau")
        self.assertEqual((receipt["generation"], receipt["push"]), (1, first["push"]))
        # The key that signed in generation 1 goes, and its pushes are still proven.
        self.change_keys(add=[self.new_key()], revoke=[feed.key])
        self.assertEqual(self.world.feed.push(self.venue, held).status, 200)

    # Conflicts

    def test_a_conflict_is_kept_once_for_each_size(self):
        feed = self.license()
        feed.push(records(self.venue, 4))
        size = self.world.size()
        one, two = feed.body(records("x", 2), start=3), feed.body(records("y", 2), start=3)
        for body in (one, two, one):
            answer = self.world.feed.push(self.venue, body)
            self.assert_refused(answer, 409, "feed_conflict")
            self.assertEqual((answer.json()["evidence"], answer.json()["size"]), (size, 4))
            self.assertEqual(self.world.size(), size + 1)
        answer = self.world.feed.push(self.venue, feed.body(records("x", 1), start=3))
        self.assertEqual(answer.json()["evidence"], size + 1)
        answer = self.refused_push(feed, wire.push_body(3, records("x", 1), b""), 409, "feed_conflict", "?check=1")
        self.assertNotIn("evidence", answer)
        self.assertIn(f"evidence in entry {size}", self.world.log())
        feed.push(records("later", 1))

    # Trades

    def volume(self, code, query=""):
        policies = {row["policy"]: row for row in self.world.enterprise(code, query)["policies"]}
        return policies["hold-test"]["eligible_volume"]

    def row(self, code, trade_no, query=""):
        rows = self.world.get_json(f"/v1/enterprises/{code}/trades{query}", "bureau")["trades"]
        return next(row for row in rows if row.get("number") == trade_no and row["kind"] == "trade")

    def trade_order(self, kind, trade_no):
        return self.world.order(kind, items=[item_trade(self.venue, trade_no)])

    def refused_trade(self, kind, trade_no, venue=None):
        return self.refused(kind, items=[item_trade(venue or self.venue, trade_no)])

    def test_a_trade_is_held_released_and_voided(self):
        feed, world = self.license(), self.world
        a, b = FIRMS[10:12]
        world.register([(code, code, ["default"]) for code in (a, b)])
        world.adopt(dict(read_json("policy-flat.json"), policy="hold-test", venues=[self.venue], base="gross",
                         threshold=None))
        feed.push([wire.encode_record(trade("T1", a, b, "1000.00", "0.00")),
                   wire.encode_record(trade("T2", b, a, "500.00", "0.00")),
                   wire.encode_record(trade("S", a, a, "7.00", "0.00"))])
        sizes = [world.size()]
        self.refused_trade("trade.release", "T1")
        self.refused_trade("trade.hold", "T9")
        self.refused_trade("trade.hold", "S")
        self.refused_trade("trade.hold", "T1", "nowhere")
        held = self.trade_order("trade.hold", "T1")
        self.assertEqual(held["effects"], 1)
        sizes.append(world.size())
        self.refused_trade("trade.hold", "T1")
        self.assertEqual([self.volume(code) for code in (a, b)], ["500.00", "500.00"])
        row = self.row(a, "T1")
        self.assertEqual((row["state"], row["state_reason"], row["state_index"]), ("held", WHY, held["index"] + 1))
        self.assertFalse(any(policy["eligible"] for policy in row["policies"]))
        months = world.enterprise(a)["months"]
        self.assertEqual(sum(month["not_counted"] for month in months), 3)
        self.assertIn("held", check(world.client("trades", a, token="bureau")).out)
        self.assertIn("500.00", check(world.client("show", a, token="bureau")).out)
        # A refund of it counts, and is missing from it once it is released.
        self.assertEqual(feed.push([wire.encode_record(refund("R1", "T1", "100.00", "0.00"))])["push"]["dispositions"],
                         {"counted": 1})
        self.assertEqual(self.volume(a), "500.00")
        sizes.append(world.size())
        self.trade_order("trade.release", "T1")
        sizes.append(world.size())
        self.assertEqual([self.volume(code) for code in (a, b)], ["1400.00", "1400.00"])
        self.assertEqual(self.row(b, "T1")["state"], "counted")
        self.trade_order("trade.void", "T1")
        sizes.append(world.size())
        self.assertEqual(self.volume(a), "500.00")
        for kind in ("trade.hold", "trade.release", "trade.void"):
            self.assertIn("final", self.refused_trade(kind, "T1"))
        self.assertEqual(feed.push([wire.encode_record(refund("R2", "T1", "100.00", "0.00"))])["push"]["dispositions"],
                         {"refund_unknown": 1})
        self.trade_order("trade.hold", "T2")
        self.trade_order("trade.void", "T2")
        self.assertEqual(self.volume(a), "0.00")
        self.assertEqual([self.volume(a, f"?as_of={size}") for size in sizes],
                         ["1500.00", "500.00", "500.00", "1400.00", "500.00"])
        self.assertEqual([self.row(a, "T1", f"?as_of={size}")["state"] for size in sizes],
                         ["counted", "held", "held", "counted", "voided"])
        explained = world.get_json(f"/v1/enterprises/{a}/explain?policy=hold-test&as_of={sizes[1]}", "bureau")
        self.assertIn("500.00", json.dumps(explained["steps"]))

    def test_a_relation_made_while_a_trade_is_held_holds_for_it_once_released(self):
        feed, world = self.license(), self.world
        a, b = FIRMS[14:16]
        world.register([(code, code, ["default"]) for code in (a, b)])
        world.adopt(dict(read_json("policy-flat.json"), policy=f"relate-{self.venue}", venues=[self.venue],
                         base="gross", threshold=None))
        feed.push([wire.encode_record(trade("T1", a, b, "1000.00", "0.00"))])
        self.trade_order("trade.hold", "T1")
        world.relate((a, b))
        self.trade_order("trade.release", "T1")
        row = self.row(a, "T1")
        gate = {policy["policy"]: policy["gate"] for policy in row["policies"]}[f"relate-{self.venue}"]
        self.assertEqual((row["state"], row["related_listed"], gate), ("counted", True, "related"))

    # Enterprises and codes

    def test_an_enterprise_is_taken_off_lists(self):
        code, world = FIRMS[20], self.world
        self.refused("enterprise.delist", items=[item_delist(code, ["default"])])
        world.register([(code, "丙", ["default", "pilot", "third"])])
        self.refused("enterprise.delist", items=[item_delist(code, ["default", "other"])])
        before = world.size()
        self.assertEqual(world.order("enterprise.delist", items=[item_delist(code, ["pilot"])])["effects"], 1)
        middle = world.size()
        self.assertEqual(world.enterprise(code)["lists"], ["default", "third"])
        self.refused("enterprise.delist", items=[item_delist(code, ["pilot"])])
        world.order("enterprise.delist", items=[item_delist(code, [])])
        now = world.enterprise(code)
        self.assertEqual((now["name"], now["lists"], now["registered"]), ("丙", [], True))
        self.refused("enterprise.delist", items=[item_delist(code, [])])
        self.assertEqual([world.enterprise(code, f"?as_of={size}")["lists"] for size in (before, middle)],
                         [["default", "pilot", "third"], ["default", "third"]])
        world.register([(code, "丙", ["pilot"])])
        self.assertEqual(world.enterprise(code)["lists"], ["pilot"])
        rows = world.get_json(f"/v1/enterprises/{code}/trades", "bureau")["trades"]
        self.assertEqual([(row["kind"], row["lists"]) for row in rows[1:3]],
                         [("delisted", ["default", "third"]), ("delisted", ["pilot"])])
        self.assertEqual(rows[1]["effect_reason"], WHY)
        # Listed and taken off again: only what came after the newest registration counts.
        world.order("enterprise.delist", items=[item_delist(code, ["pilot"])])
        later = world.size()
        world.register([(code, "丙", ["fourth"])])
        self.assertEqual(world.enterprise(code, f"?as_of={later}")["lists"], [])

    def test_a_revoked_code_opens_nothing(self):
        world, token = self.world, secrets.token_hex(32)
        self.refused("grant.revoke", items=[item_revoke(token)])
        world.order("grant.add", items=[wire.item_grant(token, "auditor", "审计", in_days(9), SALT)])
        self.assertEqual(world.public.get("/v1/overview", token).status, 200)
        world.order("grant.revoke", items=[item_revoke(token)])
        self.assert_refused(world.public.get("/v1/overview", token), 401, "unauthorized")
        self.refused("grant.revoke", items=[item_revoke(token)])
        self.refused("grant.add", items=[wire.item_grant(token, "auditor", "审计", in_days(9), SALT)])

    # Officers and quorums

    def officer(self, name, role):
        key = wire.Key(name, secrets.token_bytes(32))
        self.world.officers[name] = key
        return {"name": name, "role": role, "keys": [key.vkey()]}

    def test_an_officer_who_left_signs_nothing(self):
        world = self.world
        self.refused("officer.add", {"name": "li", "role": "clerk", "keys": [wire.Key("li", b"\7" * 32).vkey()]})
        draft = self.officer("sun", "clerk")
        world.order("officer.add", draft)
        self.refused("officer.add", draft)
        body = {"venue": "qddex", "reason": WHY}
        early = world.make_order("venue.suspend", body, signers=("sun", "li"))
        world.order("venue.suspend", body, signers=("sun", "li"))
        world.order("venue.resume", body, signers=("sun", "li"))
        self.refused("officer.remove", {"name": "nobody", "reason": WHY})
        world.order("officer.remove", {"name": "sun", "reason": WHY})
        self.refused("officer.remove", {"name": "sun", "reason": WHY})
        self.refused("venue.suspend", body, signers=("sun",), status=403, problem="unknown_key")
        self.refused("venue.suspend", body, signers=("sun", "li"), status=403, problem="quorum_not_met")
        self.assertEqual(world.public.order(early, ()).status, 403)
        # The key stays that name's: nobody else signs with it, but who comes back may.
        stolen = dict(draft, name="he", keys=[wire.Key("he", world.officers["sun"].seed).vkey()])
        self.refused("officer.add", stolen)
        ledger = wire.Key("he", wire.Key.from_file(world.path("ledger.key")).seed)
        self.refused("officer.add", dict(draft, name="he", keys=[ledger.vkey()]))
        world.order("officer.add", draft)
        world.order("officer.remove", {"name": "sun", "reason": WHY})

    def test_no_quorum_becomes_unreachable(self):
        world = self.world
        for name in ("wang", "li"):
            self.assertIn("policy.adopt", self.refused("officer.remove", {"name": name, "reason": WHY}))
        good = {"default": [["clerk"], ["reviewer", "leader"]], "policy.adopt": [["reviewer"], ["leader"]],
                "grant.add:enterprise": [["clerk"]]}
        for quorums in ({"default": [["leader"], ["leader"]]}, {"default": [["reviewer"], ["reviewer", "reviewer"]]},
                        dict(good, **{"grant.add:enterprise": [["auditor"], ["auditor"]]})):
            note = world.make_order("quorum.set", {"quorums": quorums})
            self.assertEqual(world.public.order(note, ()).status, 422)
        ordered = {"default": good["default"], "policy.adopt": good["policy.adopt"],
                   "trade.void": [["clerk"], ["reviewer"], ["leader"]], "grant.add:enterprise": [["clerk"]]}
        world.order("quorum.set", {"quorums": ordered})
        items = [item_trade("qddex", "none")]
        detail = self.refused("trade.void", items=items, problem="quorum_not_met", status=403)
        self.assertIn("1 clerk and 1 reviewer and 1 leader", detail)
        self.refused("trade.void", items=items, signers=("zhang", "li", "wang"))
        self.refused("officer.remove", {"name": "wang", "reason": WHY})
        # Two clerks are asked for, and there are two.
        world.order("quorum.set", {"quorums": {"default": good["default"], "trade.void": [["clerk"], ["clerk"]]}})
        for name in ("zhang", "zhao"):
            self.assertIn("trade.void", self.refused("officer.remove", {"name": name, "reason": WHY}))
        world.order("quorum.set", {"quorums": good})

    def test_a_later_version_of_the_rules_is_not_known_yet(self):
        self.assertIn("in force", self.refused("rules.set", {"rules": 1}))
        self.assertIn("up to version 1", self.refused("rules.set", {"rules": 2}))
        self.refused("rules.set", {"rules": 0}, problem="bad_order")

    # Of every type

    def examples(self):
        """A body or items of each type, right in form."""
        key = self.new_key().vkey()
        return {"venue.suspend": ({"venue": self.venue, "reason": WHY}, None),
                "venue.resume": ({"venue": self.venue, "reason": WHY}, None),
                "venue.key": ({"venue": self.venue, "add": [key], "revoke": [], "new_generation": False,
                               "reason": WHY}, None),
                "venue.distrust": ({"venue": self.venue, "key": self.new_key().vkey(), "from": 1, "reason": WHY}, None),
                "officer.add": ({"name": "sun", "role": "clerk", "keys": [wire.Key("sun", b"\5" * 32).vkey()]}, None),
                "officer.remove": ({"name": "qian", "reason": WHY}, None),
                "quorum.set": ({"quorums": {"default": [["clerk"], ["reviewer"]]}}, None),
                "rules.set": ({"rules": 2}, None),
                "enterprise.delist": (None, [item_delist(FIRMS[30], [])]),
                "grant.revoke": (None, [item_revoke("00" * 32)]),
                "trade.hold": (None, [item_trade(self.venue, "T1")]),
                "trade.release": (None, [item_trade(self.venue, "T1")]),
                "trade.void": (None, [item_trade(self.venue, "T1")])}

    def test_when_and_where_each_type_is_taken(self):
        for kind, (body, items) in self.examples().items():
            with self.subTest(kind=kind):
                def refuse(status, problem, sent=body, kind=kind, items=items, **changes):
                    self.refused(kind, sent, items, problem, status, **changes)
                for days in (-1, 31):
                    refuse(422, "order_expired", expires=in_days(days))
                refuse(422, "other_ledger", ledger_id="0123456789abcdef")
                refuse(422, "other_ledger", made_at_size=self.world.size() + 1)
                refuse(403, "quorum_not_met", signers=("zhang",))
                refuse(403, "quorum_not_met", signers=("zhang", "zhang-2"))
                refuse(422, "bad_order", dict(body or {}, more=1))
                if items is None:
                    for missing in body:
                        refuse(422, "bad_order", {key: value for key, value in body.items() if key != missing})
                else:
                    doubled = items * 2
                    note = self.world.make_order(kind, body, doubled)
                    self.assert_refused(self.world.public.order(note, doubled), 422, "bad_order")
                    for name in json.loads(items[0]):
                        cut = [wire.compact({key: value for key, value in json.loads(items[0]).items() if key != name})]
                        note = self.world.make_order(kind, body, cut)
                        self.assert_refused(self.world.public.order(note, cut), 422, "bad_order")

    def test_the_same_order_again(self):
        feed = self.license()
        feed.push([wire.encode_record(trade("T1"))])
        self.world.register([(FIRMS[30], "丁", ["default"])])
        for kind, (body, items) in self.examples().items():
            if kind in ("rules.set", "quorum.set", "officer.remove", "officer.add", "grant.revoke", "venue.distrust"):
                continue
            with self.subTest(kind=kind):
                order_id = f"{self.venue}-{kind}"
                note = self.world.make_order(kind, body, items, id=order_id)
                first = self.world.public.order(note, items or ())
                if kind == "trade.release" or kind == "venue.resume":
                    self.assertEqual(first.status, 200, first)
                size = self.world.size()
                again = self.world.public.order(note, items or ())
                self.assertEqual([again.json()[name] for name in ("id", "type", "index", "effects")],
                                 [first.json()[name] for name in ("id", "type", "index", "effects")])
                self.assertEqual(self.world.size(), size)
                self.refused(kind, body, items, "order_id_taken", 409, id=order_id, made_at_size=2)

    # By the client

    def client_order(self, kind, *args, code=0):
        signers = [word for name in ("zhang", "li") for word in ("--key", f"{name}.key")]
        return check(self.world.client("order", kind, *args, *signers, "--submit"), code)

    def test_the_client_makes_each_of_them(self):
        world, feed = self.world, self.license()
        feed.push([wire.encode_record(trade(f"T{i}")) for i in range(3)])
        world.register([(FIRMS[31], "戊", ["default", "pilot"])])
        vkey = world.new_key(self.venue, f"{self.venue}-2.key").split()[-1]
        sun = world.new_key("sun", "sun.key").split()[-1]
        venue, reason = ("--set", f"venue={self.venue}"), ("--set", f"reason={WHY}")
        self.client_order("venue.suspend", *venue, *reason)
        self.client_order("venue.suspend", *venue, *reason, code=4)
        self.client_order("venue.resume", *venue, *reason)
        self.client_order("venue.key", *venue, *reason, "--set", f"add={vkey}", "--set", "new_generation=yes")
        self.client_order("venue.key", *venue, *reason, "--set", f"revoke={feed.key.vkey()}")
        self.assertEqual((self.feed_json()["generation"], self.feed_json()["keys"]), (2, [vkey]))
        write_csv(world.path("trades.csv"), [{"venue": self.venue, "trade_no": f"T{i}"} for i in range(2)])
        self.client_order("trade.hold", "--file", "trades.csv", *reason)
        self.client_order("trade.release", *venue, *reason, "--set", "trade_no=T0")
        self.client_order("trade.void", *venue, *reason, "--set", "trade_no=T1")
        self.assertEqual([self.row(FIRMS[0], f"T{i}")["state"] for i in (0, 2)], ["counted", "counted"])
        self.client_order("enterprise.delist", "--set", f"code={FIRMS[31]}", "--set", "lists=pilot", *reason)
        self.assertEqual(world.enterprise(FIRMS[31])["lists"], ["default"])
        made = self.client_order("grant.add", "--set", "subject=bureau", "--set", "holder=王五")
        token = made.out.split()[0]
        digest = wire.sha256(bytes.fromhex(token)).hex()
        self.assertIn(digest, made.err)
        self.client_order("grant.revoke", "--set", f"token_hash={digest}", *reason)
        self.assertEqual(world.public.get("/v1/overview", token).status, 401)
        self.client_order("officer.add", "--set", "name=sun", "--set", "role=auditor", "--set", f"key={sun}")
        self.client_order("officer.remove", "--set", "name=sun", *reason)
        world.write("quorums.json", json.dumps({"default": [["leader"], ["leader"]]}))
        self.client_order("quorum.set", "--file", "quorums.json", code=4)
        self.client_order("rules.set", "--set", "rules=2", code=4)
        self.client_order("trade.hold", *venue, "--set", "trade_no=T2", code=2)
        self.client_order("trade.hold", "--file", "trades.csv", "--set", "trade_no=T2", *reason, code=2)
        self.client_order("venue.key", *venue, *reason, "--set", "new_generation=maybe", code=2)

    def test_the_client_shows_what_is_to_be_signed(self):
        world = self.world
        for kind, (body, items) in self.examples().items():
            note = world.make_order(kind, body, items)
            world.write("shown.json", json.dumps({"note": note.decode(), "items": items or []}))
            shown = check(world.client("order", "show", "shown.json"))
            self.assertIn(kind, shown.out)
            content = json.loads(items[0]) if items else body
            for name in ("venue", "reason", "trade_no", "token_hash", "code", "name"):
                if name in content:
                    self.assertIn(content[name], shown.out, (kind, name))
        for word in self.examples():
            self.assertIn(word, check(world.client("order", "--help")).out)


if __name__ == "__main__":
    unittest.main()
