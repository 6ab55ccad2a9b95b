"""Orders: who may act, in what form, and once; and the effect of each on what the ledger says."""
import json
import os
import secrets
import threading
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, QUORUMS, FlowTest, check, in_days, read_json, trade, write_csv
from tests.flow.wire import item_grant, item_register, item_relate
from tests.sample import make

SALT = "5a" * 16


class Orders(FlowTest):
    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.world.grant("bureau")

    def setUp(self):
        self.size = self.world.size()

    def refused(self, note, items, status, problem):
        answer = self.world.public.order(note, items)
        body = self.assert_refused(answer, status, problem)
        self.assertEqual(self.world.size(), self.size, "a refused order has changed the ledger")
        return body

    def register_item(self, code=FIRMS[0], name="甲", lists=("default",), salt=SALT):
        return item_register(code, name, lists, salt)

    # Who

    def test_one_signature_is_too_few(self):
        items = [self.register_item()]
        for signers in (("zhang",), ("li",), ("wang",), ("zhang", "zhao"), ("li", "wang"), ("qian", "li")):
            note = self.world.make_order("enterprise.register", items=items, signers=signers)
            answer = self.refused(note, items, 403, "quorum_not_met")
            self.assertIn("1 clerk and 1 reviewer or leader", answer["detail"])

    def test_one_officer_with_two_keys_is_one_officer(self):
        items, grant = [self.register_item()], [item_grant(secrets.token_hex(32), "bureau", "李四", in_days(5), SALT)]
        note = self.world.make_order("enterprise.register", items=items, signers=("zhang", "zhang-2"))
        self.refused(note, items, 403, "quorum_not_met")
        # Even where two clerks are enough.
        two_clerks = {"default": QUORUMS["default"], "grant.add": [["clerk"], ["clerk"]]}
        self.world.order("quorum.set", {"quorums": two_clerks})
        self.size = self.world.size()
        note = self.world.make_order("grant.add", items=grant, signers=("zhang", "zhang-2"))
        self.refused(note, grant, 403, "quorum_not_met")
        note = self.world.make_order("grant.add", items=grant, signers=("zhang-2", "zhao"))
        self.assertEqual(self.world.public.order(note, grant).status, 200)
        self.world.order("quorum.set", {"quorums": QUORUMS})
        note = self.world.make_order("enterprise.register", items=items, signers=("zhang-2", "wang"))
        self.assertEqual(self.world.public.order(note, items).status, 200)

    def test_the_wrong_roles(self):
        self.refused(self.world.make_order("policy.adopt", {"policy": read_json("policy-flat.json")},
                                           signers=("zhang", "wang")), (), 403, "quorum_not_met")

    def test_a_grant_to_an_enterprise_needs_one_clerk_and_one_to_the_bureau_two(self):
        enterprise = [item_grant(secrets.token_hex(32), FIRMS[0], "张三", in_days(5), SALT)]
        bureau = [item_grant(secrets.token_hex(32), "bureau", "李四", in_days(5), SALT)]
        both = enterprise + bureau
        for items in (bureau, both):
            self.refused(self.world.make_order("grant.add", items=items, signers=("zhang",)), items, 403,
                         "quorum_not_met")
        self.refused(self.world.make_order("grant.add", items=enterprise, signers=("li",)), enterprise, 403,
                     "quorum_not_met")
        note = self.world.make_order("grant.add", items=enterprise, signers=("zhang",))
        self.assertEqual(self.world.public.order(note, enterprise).status, 200)

    def test_nobody_in_office(self):
        items = [self.register_item()]
        self.refused(self.world.make_order("enterprise.register", items=items, signers=()), items, 422, "bad_note")
        text, _ = wire.split_note(self.world.make_order("enterprise.register", items=items))
        stranger = wire.Key("zhang", b"\3" * 32)
        self.refused(wire.sign_note(text, stranger), items, 403, "unknown_key")
        self.refused(wire.sign_note(text, self.world.ledger_key), items, 403, "unknown_key")
        self.refused(wire.sign_note(text, self.feed.key), items, 403, "unknown_key")

    def test_a_forged_signature_spoils_the_whole_order(self):
        items = [self.register_item()]
        note = self.world.make_order("enterprise.register", items=items)
        text, _ = wire.split_note(note)
        forged = wire.Key("wang", b"\3" * 32).line(text, key_id=self.world.officers["wang"].id)
        self.refused(note + forged, items, 403, "bad_signature")

    # What

    def test_a_text_changed_after_signing(self):
        items = [self.register_item()]
        note = self.world.make_order("enterprise.register", items=items)
        self.refused(note.replace(b'"made_at_size":1', b'"made_at_size":2'), items, 403, "bad_signature")

    def test_items_changed_after_signing(self):
        items = [self.register_item(), self.register_item(FIRMS[1], "乙")]
        note = self.world.make_order("enterprise.register", items=items)
        for others in ([items[0]], items[::-1], items + [self.register_item(FIRMS[2], "丙")], [],
                       [items[0], self.register_item(FIRMS[1], "乙", lists=())]):
            self.refused(note, others, 422, "items_mismatch")

    def test_unknown_and_repeated_keys(self):
        item = self.register_item()
        unknown = item[:-1] + ',"rate":"0.5"}'
        for changes, items, key in (({}, [unknown], "rate"), ({"note": "x"}, [item], "note"), ({"body": {"x": 1}}, [item], "x")):
            note = self.world.make_order("enterprise.register", items=items, **changes)
            answer = self.refused(note, items, 422, "bad_order")
            self.assertIn(f'unknown key: "{key}"', answer["detail"])
        policy = dict(read_json("policy-flat.json"), bonus="1.00")
        answer = self.refused(self.world.make_order("policy.adopt", {"policy": policy}), (), 422, "bad_order")
        self.assertIn("bonus", answer["detail"])
        doubled = item.replace('"name":', '"name":"乙","name":')
        self.refused(self.world.make_order("enterprise.register", items=[doubled]), [doubled], 422, "bad_order")

    def test_texts_that_are_not_canonical(self):
        item = self.register_item()
        note = self.world.make_order("enterprise.register", items=[item])
        text, _ = wire.split_note(note)
        signers = [self.world.officers[name] for name in ("zhang", "li")]
        for other in (text.replace(b'"type":', b'"type": '), text.replace(b"/v1\n", b"/v2\n"), text + b"more\n",
                      text.replace(b'"made_at_size":1', b'"made_at_size":1.0')):
            self.assertNotEqual(other, text)
            self.refused(wire.sign_note(other, *signers), [item], 422, "bad_order")
        spaced = item.replace(":", ": ")
        self.refused(self.world.make_order("enterprise.register", items=[spaced]), [spaced], 422, "bad_order")

    def test_codes_that_are_none(self):
        for code in (FIRMS[0][:-1] + "0", "123", FIRMS[0].lower()):
            item = self.register_item(code)
            self.refused(self.world.make_order("enterprise.register", items=[item]), [item], 422, "bad_order")

    def test_bodies_that_are_none(self):
        for body in (b"", b"{}", b"[]", b"\xff", b'{"note":1,"items":[]}', b'{"note":"x","items":[],"more":1}'):
            answer = self.world.public.request("POST", "/v1/orders", body, {"Content-Type": "application/json"})
            self.assertIn((answer.status, answer.problem()), ((400, "bad_request"), (422, "bad_note")), (body, answer))
        self.assertEqual(self.world.size(), self.size)
        note = self.world.make_order("enterprise.register", items=[self.register_item()])
        answer = self.world.public.request("POST", "/v1/orders", note, {"Content-Type": "text/plain"})
        self.assertEqual((answer.status, answer.problem()), (415, "unsupported_media_type"))

    # When, where, and once

    def test_expired_and_too_far_ahead(self):
        items = [self.register_item()]
        for days in (-1, -400, 31, 4000):
            self.refused(self.world.make_order("enterprise.register", items=items, expires=in_days(days)), items, 422,
                         "order_expired")
        for days in (0, 30):
            note = self.world.make_order("enterprise.register", items=items, expires=in_days(days))
            self.assertEqual(self.world.public.order(note, items).status, 200, days)

    def test_orders_for_another_ledger(self):
        items = [self.register_item()]
        self.refused(self.world.make_order("enterprise.register", items=items, ledger_id="0123456789abcdef"), items,
                     422, "other_ledger")
        self.refused(self.world.make_order("enterprise.register", items=items, origin="ledger.example/other"), items,
                     422, "other_ledger")
        self.refused(self.world.make_order("enterprise.register", items=items, made_at_size=self.size + 1), items, 422,
                     "other_ledger")

    def test_the_same_order_again_is_the_same_answer(self):
        items = [self.register_item(FIRMS[3], "丁")]
        note = self.world.make_order("enterprise.register", items=items)
        first = self.world.public.order(note, items)
        self.assertEqual(first.status, 200, first)
        self.assertEqual(first.json()["effects"], 1)
        size = self.world.size()
        self.assertEqual(size, self.size + 2)
        again = self.world.public.order(note, items)
        self.assertEqual(again.status, 200, again)
        for key in ("id", "type", "index", "effects"):
            self.assertEqual(again.json()[key], first.json()[key])
        leaf, index, _ = wire.verify_receipt(again.json()["receipt"], self.world.ledger_key)
        self.assertEqual(index, first.json()["index"])
        self.assertEqual(wire.message_dict(wire.message_dict(leaf)[10])[1], note)
        # More signatures under the same text are the same order; one alone is enough to ask after it.
        text, lines = wire.split_note(note)
        self.assertEqual(self.world.public.order(text + b"\n" + lines[0], items).json()["index"], index)
        self.assertEqual(self.world.size(), size)

    def test_the_same_id_with_another_text(self):
        items = [self.register_item(FIRMS[4], "戊")]
        note = self.world.make_order("enterprise.register", items=items, id="once")
        self.assertEqual(self.world.public.order(note, items).status, 200)
        self.size = self.world.size()
        others = [self.register_item(FIRMS[4], "己")]
        self.refused(self.world.make_order("enterprise.register", items=others, id="once"), others, 409,
                     "order_id_taken")

    def test_orders_that_cannot_be_carried_out(self):
        license_body = {"venue": "qddex", "name": "又一", "keys": [self.feed.key.vkey()]}
        self.refused(self.world.make_order("venue.license", license_body), (), 422, "refused")
        policy = dict(read_json("policy-flat.json"), venues=["nowhere"])
        self.refused(self.world.make_order("policy.adopt", {"policy": policy}), (), 422, "refused")
        for subject, expires in (("venue:nowhere", in_days(5)), ("bureau", in_days(-1)), ("bureau", in_days(2000))):
            items = [item_grant(secrets.token_hex(32), subject, "x", expires, SALT)]
            self.refused(self.world.make_order("grant.add", items=items), items, 422, "refused")

    def test_two_orders_at_once_are_decided_one_after_the_other(self):
        """Of many adoptions of one version that arrive together, one enters; and the ledger still verifies."""
        policy = dict(read_json("policy-flat.json"), policy="at-once", venues=["qddex"])
        notes = [self.world.make_order("policy.adopt", {"policy": policy}) for _ in range(12)]
        statuses = []

        def submit(note):
            connection = wire.Connection(self.world.addresses["public"], self.world.path("ca.pem"))
            statuses.append(connection.order(note, ()).status)
            connection.close()
        threads = [threading.Thread(target=submit, args=(note,)) for note in notes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sorted(statuses), [200] + [422] * 11)
        self.assertEqual(self.world.size(), self.size + 1)

    # Effects

    def test_registering_again_replaces(self):
        code = FIRMS[5]
        self.world.register([(code, "旧名", ["default", "pilot"])])
        self.assertEqual(self.world.enterprise(code)["lists"], ["default", "pilot"])
        before = self.world.size()
        self.world.register([(code, "新名", [])])
        now = self.world.enterprise(code)
        self.assertEqual((now["name"], now["lists"], now["registered"]), ("新名", [], True))
        then = self.world.enterprise(code, f"?as_of={before}")
        self.assertEqual((then["name"], then["lists"]), ("旧名", ["default", "pilot"]))

    def test_relating_files_past_trades_anew(self):
        a, b, c = FIRMS[6:9]
        self.world.register([(a, "a", ["default"]), (b, "b", ["default"]), (c, "c", ["default"])])
        self.world.adopt(dict(read_json("policy-flat.json"), policy="relate-test", venues=["qddex"]))
        self.feed.push([wire.encode_record(trade("rel-1", a, b, "1000.00", "0.00")),
                        wire.encode_record(trade("rel-2", a, c, "2000.00", "0.00"))])

        def volume(code, query=""):
            policies = {policy["policy"]: policy for policy in self.world.enterprise(code, query)["policies"]}
            return policies["relate-test"]["eligible_volume"]
        self.assertEqual([volume(code) for code in (a, b, c)], ["3000.00", "1000.00", "2000.00"])
        before = self.world.size()
        answer = self.world.relate((b, a))
        self.assertEqual(answer["effects"], 1)
        self.assertEqual([volume(code) for code in (a, b, c)], ["2000.00", "0.00", "2000.00"])
        self.assertEqual([volume(code, f"?as_of={before}") for code in (a, b, c)], ["3000.00", "1000.00", "2000.00"])
        self.feed.push([wire.encode_record(trade("rel-3", b, a, "500.00", "0.00"))])
        self.assertEqual([volume(code) for code in (a, b)], ["2000.00", "0.00"])
        self.size = self.world.size()
        items = [item_relate(a, b, SALT)]
        self.refused(self.world.make_order("enterprise.relate", items=items), items, 422, "refused")

    def test_a_policy_needs_a_higher_version(self):
        policy = dict(read_json("policy-flat.json"), policy="versions", venues=["qddex"], version=2)
        self.world.adopt(policy)
        self.size = self.world.size()
        for version in (1, 2):
            self.refused(self.world.make_order("policy.adopt", {"policy": dict(policy, version=version)}), (), 422,
                         "refused")
        self.world.adopt(dict(policy, version=3, title="第三版"))
        adopted = {row["policy"]: row for row in self.world.get_json("/v1/policies", "bureau")["policies"]}
        self.assertEqual((adopted["versions"]["version"], adopted["versions"]["title"]), (3, "第三版"))

    # By the client

    def test_the_client_makes_shows_signs_and_submits(self):
        world = self.world
        firms = [{"code": code, "name": f"第{i}家", "lists": "default;pilot"} for i, code in enumerate(FIRMS[20:24])]
        write_csv(world.path("firms.csv"), firms)
        check(world.client("order", "enterprise.register", "--file", "firms.csv", "--key", "zhang.key", "-o",
                           "r.order"))
        shown = check(world.client("order", "show", "r.order"))
        self.assertIn(FIRMS[20], shown.out)
        self.assert_code(world.client("order", "submit", "r.order"), 5)
        self.assertEqual(world.size(), self.size)
        check(world.client("order", "sign", "r.order", "--key", "wang.key"))
        check(world.client("order", "submit", "r.order", "--receipt", "r.receipt"))
        self.assertEqual(world.size(), self.size + 5)
        leaf, index, _ = wire.verify_receipt(world.read("r.receipt").decode(), world.ledger_key)
        self.assertEqual(index, self.size)
        self.assertEqual(world.enterprise(FIRMS[23])["name"], "第3家")
        again = check(world.client("order", "submit", "r.order"))
        self.assertEqual(world.size(), self.size + 5, again)

    def test_the_client_shows_a_token_once(self):
        world = self.world
        made = check(world.client("order", "grant.add", "--set", "subject=bureau", "--set", "holder=王五", "--key",
                                  "zhang.key", "--key", "li.key", "--submit"))
        token = made.out.split()[0]
        self.assertRegex(token, "^[0-9a-f]{64}$")
        self.assertEqual((made.out + made.err).count(token), 1)
        self.assertEqual(world.public.get("/v1/overview", token).status, 200)
        self.assertNotIn(token, world.log())
        check(world.client("order", "grant.add", "--set", f"subject={FIRMS[0]}", "--set", "holder=赵六", "--key",
                           "zhang.key", "--token-out", "six.token", "-o", "six.order"))
        self.assertEqual(os.stat(world.path("six.token")).st_mode & 0o777, 0o600)
        written = world.read("six.token").decode().strip()
        for name in os.listdir(world.folder):
            if os.path.isfile(world.path(name)) and name != "six.token":
                self.assertNotIn(written.encode(), world.read(name), name)
        self.assert_code(world.client("order", "grant.add", "--set", f"subject={FIRMS[0]}", "--set", "holder=赵六",
                                      "--key", "zhang.key", "--token-out", "six.token", "-o", "seven.order"), 1)
        check(world.client("order", "submit", "six.order"))
        self.assertEqual(world.public.get(f"/v1/enterprises/{FIRMS[0]}", written).status, 200)

    def test_the_client_cuts_a_long_list_into_orders_signed_in_one_act(self):
        rows = [{"code": make.usci("370202", f"MA0X{i:04d}"), "name": f"很长的名字{i}" * 3, "lists": "default"}
                for i in range(1001)]
        write_csv(self.world.path("many.csv"), rows)
        check(self.world.client("order", "enterprise.register", "--file", "many.csv", "--key", "zhang.key", "--key",
                                "li.key", "-o", "many.order"))
        check(self.world.client("order", "submit", "many.order"))
        self.assertGreaterEqual(self.world.size(), self.size + 1001 + 2)
        self.assertEqual(self.world.enterprise(rows[-1]["code"])["name"], rows[-1]["name"])


class Genesis(FlowTest):
    """What `subsidyd init` refuses."""

    def init(self, name, note):
        world = self.world
        world.make_config("other.conf", ledger={"data": name, "guard": f"{name}.guard"})
        world.write("other.note", note)
        result = world.daemon("init", "-c", "other.conf", "--genesis", "other.note")
        return result

    def test_genesis_notes_that_are_not_whole(self):
        good = self.world.read("genesis.note")
        text, lines = wire.split_note(good)
        self.assert_code(self.init("a", text + b"\n" + b"".join(lines[1:])), 1)
        self.assert_code(self.init("b", good.replace(b'"rules":1', b'"rules":2')), 1)
        self.assert_code(self.init("c", good.replace(b"flow", b"flaw", 1)), 1)
        self.assert_code(self.init("d", b""), 1)
        for name in "abcd":
            self.assertFalse(os.path.exists(self.world.path(f"{name}.guard")), name)

    def test_nothing_is_made_twice(self):
        world = self.world
        self.assert_code(world.daemon("init", "-c", "subsidyd.conf", "--genesis", "genesis.note"), 9)
        world.make_config("again.conf", ledger={"guard": "again.guard"})
        self.assertNotEqual(world.daemon("init", "-c", "again.conf", "--genesis", "genesis.note").code, 0)
        self.assertFalse(os.path.exists(world.path("again.guard")))

    def test_quorums_that_cannot_be_met_or_are_too_small(self):
        for quorums in ({"default": [["leader"], ["leader"]]}, {"default": [["clerk"]]}, {},
                        {"default": [["clerk"], ["reviewer"]], "grant.add:enterprise": []},
                        {"default": [["clerk"], ["boss"]]}):
            draft = dict(self.world.genesis_draft(), quorums=quorums)
            self.world.write("bad.json", json.dumps(draft))
            result = self.world.client("order", "genesis", "--file", "bad.json", "--key", "zhang.key", "-o", "bad.note")
            self.assertNotEqual(result.code, 0, (quorums, result))
            self.assertFalse(os.path.exists(self.world.path("bad.note")))


if __name__ == "__main__":
    unittest.main()
