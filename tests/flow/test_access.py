"""Who may read what: every route with every kind of access code, and that a refusal tells nothing of others."""
import secrets
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, in_days, read_json, trade
from tests.sample import make

ALICE, BOB, CAROL = FIRMS[0], FIRMS[1], FIRMS[2]
UNSEEN = make.usci("370202", "MA0XX001")    # a right code that no entry names
NAMES = {ALICE: "甲方数据公司", BOB: "乙方数据公司", CAROL: "丙方数据公司"}
POLICY = "qd-2025-47-5"
VIEWERS = ("bureau", "auditor", "venue:qddex", "venue:sddex", ALICE, BOB)
OVERSIGHT = ("bureau", "auditor")
FIGURES = ("98765", "43210", "1234.5")


class Access(FlowTest):
    @classmethod
    def prepare(cls):
        world = cls.world
        qddex, sddex = world.license("qddex"), world.license("sddex")
        world.register([(code, name, ["default"]) for code, name in NAMES.items()])
        world.adopt(read_json("policy-flat.json"))
        world.grant(*VIEWERS)
        qddex.push([wire.encode_record(trade(f"q{i}", BOB, CAROL, "98765.43", "0.00")) for i in range(5)]
                   + [wire.encode_record(trade(f"a{i}", ALICE, CAROL, "43210.00", "0.00")) for i in range(3)])
        sddex.push([wire.encode_record(trade(f"s{i}", BOB, CAROL, "1234.50", "0.00")) for i in range(5)])

    def routes(self):
        """(path, viewers who get 200, viewers who get 404); the rest gets 403."""
        everyone = set(VIEWERS)
        return [
            ("/v1/enterprises", {*OVERSIGHT}, set()),
            ("/v1/policies", {*OVERSIGHT}, set()),
            ("/v1/grants", {*OVERSIGHT}, set()),
            (f"/v1/grants?subject={ALICE}", {*OVERSIGHT}, set()),
            ("/v1/overview", {*OVERSIGHT}, set()),
            (f"/v1/enterprises/{ALICE}", {*OVERSIGHT, ALICE}, {BOB}),
            (f"/v1/enterprises/{BOB}", {*OVERSIGHT, BOB}, {ALICE}),
            (f"/v1/enterprises/{ALICE}/trades", {*OVERSIGHT, ALICE}, {BOB}),
            (f"/v1/enterprises/{ALICE}/explain?policy={POLICY}", {*OVERSIGHT, ALICE}, {BOB}),
            (f"/v1/enterprises/{ALICE}/statement", {*OVERSIGHT, ALICE}, {BOB}),
            (f"/v1/enterprises/{ALICE}/acts?size=5", {*OVERSIGHT, ALICE}, {BOB}),
            (f"/v1/enterprises/{ALICE}/head", set(), {*OVERSIGHT, ALICE, BOB}),     # without a claim key
            (f"/v1/enterprises/{UNSEEN}/statement", set(), {*OVERSIGHT, ALICE, BOB}),
            (f"/v1/enterprises/{UNSEEN}/acts", set(), {*OVERSIGHT, ALICE, BOB}),
            ("/v1/enterprises/junk/acts", set(), {*OVERSIGHT, ALICE, BOB}),
            (f"/v1/enterprises/{UNSEEN}", set(), {*OVERSIGHT, ALICE, BOB}),
            ("/v1/enterprises/junk", set(), {*OVERSIGHT, ALICE, BOB}),
            ("/v1/feeds/qddex", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/qddex/records?from=0", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/qddex/receipt", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/sddex", {*OVERSIGHT, "venue:sddex"}, {"venue:qddex"}),
            ("/v1/feeds/absent", set(), {*OVERSIGHT, "venue:qddex", "venue:sddex"}),
            ("/v1/feeds/qddex/tile/0/000.p/1", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/qddex/tile/entries/000.p/1", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/qddex/proof?index=0", {*OVERSIGHT, "venue:qddex"}, {"venue:sddex"}),
            ("/v1/feeds/absent/tile/0/000.p/1", set(), {*OVERSIGHT, "venue:qddex", "venue:sddex"}),
            ("/v1/entries/0", {*OVERSIGHT}, set()),
            ("/tile/entries/000.p/1", {*OVERSIGHT}, set()),
            ("/v1/proof?index=0", {*OVERSIGHT}, everyone - {*OVERSIGHT}),
            ("/tile/0/000.p/1", everyone, set()),
            ("/v1/consistency?from=1&to=2", everyone, set()),
            ("/v1/ledger", everyone, set()),
            ("/v1/keys", everyone, set()),
            ("/checkpoint", everyone, set()),
            ("/v1/candidate", everyone, set()),
            ("/healthz", everyone, set()),
            ("/readyz", everyone, set())]

    def test_every_route_with_every_kind_of_code(self):
        for path, allowed, absent in self.routes():
            for viewer in VIEWERS:
                with self.subTest(path=path, viewer=viewer):
                    answer = self.world.get(path, viewer)
                    if viewer in allowed:
                        self.assertEqual(answer.status, 200, answer)
                    elif viewer in absent:
                        self.assert_refused(answer, 404, "not_found")
                    else:
                        self.assert_refused(answer, 403, "forbidden")

    def test_every_route_without_a_good_code(self):
        junk = (None, "", "junk", secrets.token_hex(32), secrets.token_hex(31), self.world.tokens["bureau"].upper(),
                self.world.tokens["bureau"] + "0", " " + self.world.tokens["bureau"][1:])
        for path, allowed, _ in self.routes():
            for token in junk:
                with self.subTest(path=path, token=token):
                    answer = self.world.public.get(path, token)
                    if allowed == set(VIEWERS):
                        self.assertEqual(answer.status, 200)
                    else:
                        self.assert_refused(answer, 401, "unauthorized")
                        self.assertIn("WWW-Authenticate", answer.headers)

    def test_other_ways_to_show_a_code_are_none(self):
        token = self.world.tokens["bureau"]
        for headers in ({"Authorization": token}, {"Authorization": "Basic " + token}, {"Cookie": "token=" + token}):
            answer = self.world.public.request("GET", "/v1/overview", headers=headers)
            self.assert_refused(answer, 401, "unauthorized")
        self.assertIn(self.world.public.get(f"/v1/overview?token={token}").status, (400, 401))

    def test_a_code_is_good_through_its_last_day(self):
        self.world.grant("bureau", expires=in_days(0))
        self.assertEqual(self.world.get("/v1/overview", "bureau").status, 200)

    def test_foreign_and_absent_look_alike(self):
        """Byte for byte, with every header but the date."""
        def seen(path, viewer):
            answer = self.world.get(path, viewer)
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            return answer.status, headers, answer.body
        for viewer, foreign, absent in (
                (ALICE, BOB, UNSEEN), (ALICE, CAROL, "junk"), (BOB, ALICE, UNSEEN.lower()), (ALICE, BOB, "%E4%B9%99")):
            for rest in ("", "/trades", f"/explain?policy={POLICY}", "?as_of=1", "/explain?policy=none",
                         "/trades?limit=1", "/statement", "/statement?cursor=0", "/acts", "/acts?size=0"):
                self.assertEqual(seen(f"/v1/enterprises/{foreign}{rest}", viewer),
                                 seen(f"/v1/enterprises/{absent}{rest}", viewer), (foreign, absent, rest))
        for rest in ("", "/records?from=0", "/receipt", "/records?from=99", "/proof?index=0", "/proof?index=9999",
                     "/tile/0/000.p/1", "/tile/entries/000.p/1", "/tile/0/0"):
            self.assertEqual(seen(f"/v1/feeds/sddex{rest}", "venue:qddex"),
                             seen(f"/v1/feeds/absent{rest}", "venue:qddex"))

    def test_refusals_never_tell_of_others(self):
        asked = [f"/v1/enterprises/{BOB}{rest}" for rest in (
            "", "/trades", f"/explain?policy={POLICY}", "?as_of=7", "?as_of=999999", "?x=1", "/trades?cursor=00",
            "/statement", "/acts", "/acts?size=999999")]
        asked += ["/v1/enterprises", "/v1/overview", "/v1/grants", "/v1/policies", "/v1/feeds/sddex"]
        for path in asked:
            for viewer in (ALICE, "venue:qddex", None):
                answer = self.world.get(path, viewer)
                self.assertGreaterEqual(answer.status, 400, (path, viewer))
                text = answer.body.decode()
                for secret in (*NAMES.values(), *FIGURES, BOB, CAROL, "sddex 交易中心"):
                    self.assertNotIn(secret, text, (path, viewer))

    def test_ones_own_answers_hold_the_counterparties_of_ones_own_trades_only(self):
        for path in (f"/v1/enterprises/{ALICE}", f"/v1/enterprises/{ALICE}/trades",
                     f"/v1/enterprises/{ALICE}/explain?policy={POLICY}"):
            text = self.world.get(path, ALICE).body.decode()
            self.assertIn(NAMES[ALICE], text)
            self.assertNotIn(BOB, text)
            self.assertNotIn(NAMES[BOB], text)
            self.assertNotIn("98765.43", text)

    def test_a_cursor_is_for_one_viewer_and_one_query(self):
        path = f"/v1/enterprises/{ALICE}/trades"
        first = self.world.get_json(path + "?limit=2", ALICE)
        cursor = first["cursor"]
        self.assertIsNotNone(cursor)
        self.assertEqual([row["number"] for row in first["trades"] if row["kind"] == "trade"], ["a2", "a1"])
        second = self.world.get_json(f"{path}?limit=2&cursor={cursor}", ALICE)
        self.assertEqual([row["number"] for row in second["trades"] if row["kind"] == "trade"], ["a0"])
        for viewer, other in (("bureau", f"{path}?limit=2"), ("auditor", f"{path}?limit=2"),
                              (BOB, f"/v1/enterprises/{BOB}/trades?limit=2"),
                              (ALICE, f"{path}?limit=2&as_of=5"), (ALICE, f"{path}?limit=3"),
                              ("bureau", "/v1/enterprises?limit=2")):
            answer = self.world.get(f"{other}&cursor={cursor}", viewer)
            self.assert_refused(answer, 400, "bad_request")
        of_alice = self.world.get_json(f"{path}?limit=2", "bureau")["cursor"]
        answer = self.world.get(f"/v1/enterprises/{CAROL}/trades?limit=2&cursor={of_alice}", "bureau")
        self.assert_refused(answer, 400, "bad_request")
        for wrong in ("", "0", cursor[:-1], cursor[:-1] + ("0" if cursor[-1] != "0" else "1"), cursor.upper(),
                      cursor + "0", "0" * len(cursor)):
            if wrong != cursor:
                self.assert_refused(self.world.get(f"{path}?limit=2&cursor={wrong}", ALICE), 400, "bad_request")

    def test_pages_give_every_row_once(self):
        for path, key in ((f"/v1/enterprises/{CAROL}/trades?limit=3", "trades"),
                          (f"/v1/enterprises/{CAROL}/statement?limit=3", "entries"),
                          (f"/v1/enterprises/{CAROL}/acts?limit=1", "acts"),
                          ("/v1/enterprises?limit=1", "enterprises"),
                          ("/v1/enterprises?limit=2&sort=award", "enterprises"),
                          ("/v1/grants?limit=2", "grants")):
            whole = self.world.get_json(path.split("?")[0] + ("?sort=award" if "sort" in path else ""), "bureau")[key]
            rows, cursor = [], None
            while True:
                page = self.world.get_json(path + (f"&cursor={cursor}" if cursor else ""), "bureau")
                rows += page[key]
                cursor = page["cursor"]
                if cursor is None:
                    break
            self.assertEqual(rows, whole)
            self.assertGreater(len(rows), 2)

    def test_grants_are_told_by_their_hashes(self):
        self.world.grant(CAROL)
        rows = self.world.get_json("/v1/grants", "auditor")["grants"]
        self.assertEqual(sorted(rows, key=lambda row: (row["index"], row["item"])), rows)
        for subject in (*VIEWERS, CAROL):
            token = self.world.tokens[subject]
            answer = self.world.get_json("/v1/grants?subject=" + subject.replace(":", "%3A"), "bureau")
            self.assertEqual({row["subject"] for row in answer["grants"]}, {subject})
            self.assertEqual(answer["count"], len(answer["grants"]))
            row, = [row for row in answer["grants"] if row["token_hash"] == wire.sha256(bytes.fromhex(token)).hex()]
            self.assertIn(row, rows)
            self.assertEqual((row["holder"], row["revoked_by"]), (f"{subject} 经办", None))
            self.assertNotIn(token, str(rows))

    def test_wrong_parameters_are_named(self):
        for path in ("/v1/overview?as_of=3", f"/v1/enterprises/{ALICE}?limit=1", "/v1/enterprises?sort=name",
                     "/v1/enterprises?limit=0", f"/v1/enterprises/{ALICE}/acts?size=0",
                     f"/v1/enterprises/{ALICE}/acts?size=99999", f"/v1/enterprises/{ALICE}/statement?size=4", "/v1/enterprises?limit=1001", "/v1/enterprises?limit=x",
                     f"/v1/enterprises/{ALICE}?as_of=0", f"/v1/enterprises/{ALICE}?as_of=99999",
                     f"/v1/enterprises/{ALICE}?as_of=2026-02-30", f"/v1/enterprises/{ALICE}?as_of=-1",
                     f"/v1/enterprises/{ALICE}?as_of=1&as_of=2", f"/v1/enterprises/{ALICE}/explain",
                     "/v1/grants?subject=", "/v1/grants?subject=QDDEX", "/v1/grants?as_of=3", "/v1/grants?limit=0",
                     "/v1/feeds/qddex/records?from=x", "/v1/feeds/qddex/records?not_counted=2"):
            with self.subTest(path):
                self.assert_refused(self.world.get(path, "bureau"), 400, "bad_request")
        self.assertEqual(self.world.get(f"/v1/enterprises/{ALICE}/explain?policy=none", "bureau").status, 404)

    def test_paths_and_methods_that_are_none(self):
        for path in ("/", "/v1", "/v1/", "/v1/enterprises/", f"/v1/enterprises/{ALICE}/",
                     f"/v1/enterprises/{ALICE}/more", "/v1/Overview", "/metrics", "/v1/orders/1"):
            answer = self.world.get(path, "bureau")
            self.assertIn((answer.status, answer.problem()), ((404, "not_found"), (400, "bad_request")), (path, answer))
        for method, path in (("POST", "/v1/overview"), ("DELETE", "/v1/overview"), ("GET", "/v1/orders"), ("GET", "/v1/cosignatures"), ("POST", "/v1/candidate"),
                             ("POST", "/checkpoint")):
            answer = self.world.public.request(method, path, b"" if method == "POST" else None)
            self.assert_refused(answer, 405, "method_not_allowed")
        self.assertEqual(self.world.public.push("qddex", b"").status, 405)
        self.assertEqual(self.world.feed.get("/v1/enterprises", self.world.tokens["bureau"]).status, 404)

    def test_long_and_strange_names_are_absent(self):
        for name in ("a" * 33, "a" * 600, "a" * 1900, "QDDEX", "qddex%20", "%F0%9F%92%A9", "..%2e"):
            for path in (f"/v1/feeds/{name}", f"/v1/feeds/{name}/records?from=0", f"/v1/enterprises/{name}"):
                answer = self.world.get(path, "bureau")
                self.assertIn(answer.status, (400, 404), (path[:60], answer))
            answer = self.world.feed.push(name, b"x")
            self.assertIn(answer.status, (400, 403, 404), (name[:60], answer))

    def test_head_has_no_body_and_answers_are_not_kept(self):
        answer = self.world.public.request("HEAD", "/v1/overview", token=self.world.tokens["bureau"])
        self.assertEqual((answer.status, answer.body), (200, b""))
        answer = self.world.get("/v1/overview", "bureau")
        self.assertEqual(answer.headers.get("Cache-Control"), "no-store")
        self.assertEqual(answer.headers.get("X-Content-Type-Options"), "nosniff")

    def test_an_unregistered_trader_sees_itself(self):
        stranger = FIRMS[30]
        self.world.feeds["qddex"].push([wire.encode_record(trade("u1", stranger, CAROL, supplier_name="某数据公司"))])
        self.world.grant(stranger)
        for viewer in ("bureau", stranger):
            answer = self.world.get_json(f"/v1/enterprises/{stranger}", viewer)
            self.assertEqual((answer["registered"], answer["lists"]), (False, []))
            self.assertIn(answer["name"], (None, "某数据公司"))

    def test_the_bureaus_reading_is_logged_and_no_code_ever(self):
        self.world.get(f"/v1/enterprises/{ALICE}", "auditor")
        log = self.world.log()
        self.assertRegex(log, f'route="GET /v1/enterprises/{{}}" viewer=auditor holder="[^"]+" of={ALICE}\n')
        for token in self.world.tokens.values():
            self.assertNotIn(token, log)


class Expiry(FlowTest):
    """A code that was good when it was granted, on a day when it is not any more."""

    EXPIRES_AT = 12     # bytes before the date in a row of the grants

    def test_an_expired_code_is_refused(self):
        world = self.world
        world.grant("bureau")
        self.assertEqual(world.get("/v1/overview", "bureau").status, 200)
        world.stop()
        # Nobody waits a year: the row that the daemon looks at gets an earlier date, and then its own again.
        key = wire.sha256(bytes.fromhex(world.tokens["bureau"])).hex()
        value, = world.corrupt("get", "grants", key)
        row = bytearray.fromhex(value)
        yesterday = wire.number_of_date(in_days(-1)).to_bytes(4, "big")
        self.assertEqual(int.from_bytes(row[self.EXPIRES_AT:self.EXPIRES_AT + 4], "big"),
                         wire.number_of_date(in_days(300)))
        row[self.EXPIRES_AT:self.EXPIRES_AT + 4] = yesterday
        world.corrupt("put", "grants", key, row.hex())
        world.start()
        self.assert_refused(world.get("/v1/overview", "bureau"), 401, "unauthorized")
        world.stop()
        world.corrupt("put", "grants", key, value)


if __name__ == "__main__":
    unittest.main()
