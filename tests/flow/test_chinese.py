"""What people read comes in Chinese where they ask for it, and in English to everybody else; what machines read never changes."""
import json
import os
import re
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, check, read_json, records, refund, trade, write_csv

OK, OTHER, USAGE, NOT_FOUND, REFUSED, NOT_ALLOWED = range(6)
CHINESE = {"LANG": "zh_CN.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""}
CJK = re.compile("[\u3400-\u9fff]")
COMMANDS = ("key", "push", "order", "list", "show", "trades", "explain", "feed", "overview", "policies", "grants",
            "receipt", "verify", "export")


class Chinese(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.license("qddex")
        cls.world.license("sddex")
        cls.world.register([(FIRMS[0], "甲", ["default"]), (FIRMS[1], "乙", [])])
        cls.world.adopt(read_json("policy-flat.json"))
        cls.world.grant("bureau", "venue:qddex")
        rows = [trade("T-1"), trade("T-2", buyer=FIRMS[0]), refund("R-1", "T-1"), refund("R-2", "T-9")]
        cls.world.feeds["qddex"].push([wire.encode_record(row) for row in rows])

    def client(self, *args, token="bureau", **environment):
        return self.world.client(*args, token=token, **dict(CHINESE, **environment))

    def ask(self, method, path, language, body=None, token="bureau", headers=None):
        headers = dict(headers or {}, **({"Accept-Language": language} if language else {}))
        return self.world.public.request(method, path, body, headers, self.world.tokens.get(token))

    # The client

    def test_help(self):
        for words in ((), *((command,) for command in COMMANDS)):
            result = check(self.client(*words, "--help"))
            english = check(self.world.client(*words, "--help"))
            self.assertTrue(result.out.startswith("用法：subsidy "), result)
            self.assertTrue(english.out.startswith("usage: subsidy "), english)
            # Options and examples are commands: they are the same in both.
            self.assertEqual(re.findall(r"^  (--?\w\S*)", result.out, re.M), re.findall(r"^  (--?\w\S*)", english.out, re.M))
            self.assertEqual(re.findall(r"^  subsidy .*", result.out, re.M), re.findall(r"^  subsidy .*", english.out, re.M))
            # No paragraph is left in English.
            for line in result.out.splitlines():
                if re.search("[a-z] [a-z]+ [a-z]", line) and not line.startswith(("  subsidy ", "用法", "       subsidy")):
                    self.assertRegex(line, CJK, words)

    def test_the_environment_decides_as_the_locale_does(self):
        for environment, is_chinese in (({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, True), ({"LANG": "zh", "LC_ALL": "C"}, False),
                                        ({"LANG": "C", "LC_ALL": "", "LC_MESSAGES": "zh_TW"}, True),
                                        ({"LANG": "zh_CN", "LC_ALL": "", "LC_MESSAGES": "en_GB"}, False),
                                        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, True)):
            result = self.assert_code(self.world.client("list", "--nothing", **environment), USAGE)
            self.assertEqual("没有选项--nothing" in result.err, is_chinese, (environment, result))

    def test_mistakes_in_a_file(self):
        path = self.world.path("wrong.csv")
        write_csv(path, [trade("T-3", supplier="91370202MA0XTE011D"), trade("T-4", amount="1,2"), trade("T-5", tax="200.00")])
        result = self.assert_code(self.client("push", "qddex", path, "--check"), REFUSED)
        self.assertRegex(result.err, "第2行 供方统一社会信用代码：.*校验位是“D”，按前17位应为“C”")
        self.assertRegex(result.err, "第3行 金额.*：.*逗号")
        self.assertRegex(result.err, "第4行 税额.*：.*应小于金额")
        self.assertIn("3处错误", result.err)
        english = self.assert_code(self.world.client("push", "qddex", path, "--check"), REFUSED)
        self.assertNotRegex(english.err, CJK)

    def test_what_the_ledger_refuses(self):
        self.world.write("other.key", wire.Key("qddex", bytes(32)).private_text())
        os.chmod(self.world.path("other.key"), 0o600)
        write_csv(self.world.path("good.csv"), [trade("T-8")])
        words = ("push", "qddex", "good.csv", "--key", "other.key", "--state", self.world.path("other-state"))
        result = self.client(*words)
        self.assertNotEqual(result.code, OK)
        self.assertRegex(result.err, "subsidy：.*：.*[\u3400-\u9fff]")
        self.assertNotRegex(self.world.client(*words, token="bureau").err, CJK)

    def test_tables_and_their_widths(self):
        shown = check(self.client("show", FIRMS[0])).out
        for word in ("企业", "已登记", "作为供方", "封顶额", "测算额", "测算额不是兑付承诺。"):
            self.assertIn(word, shown)
        table = [line for line in check(self.client("overview")).out.splitlines() if line.startswith(("数据交易机构", "qddex"))]
        places = [[width(line[:match.start()]) for match in re.finditer(r"\S+", line)] for line in table]
        self.assertEqual(places[0][:2], places[1][:2], table)
        listed = check(self.client("list")).out
        self.assertRegex(listed.splitlines()[0], "^代码 +名称 +已登记 +名单")
        self.assertRegex(listed, "共2家企业，账本条目数\\d+")

    def test_words_of_programs_stay(self):
        for words in (("list", "--csv"), ("feed", "qddex", "--csv"), ("grants", "--csv")):
            self.assertEqual(check(self.client(*words)).out, check(self.world.client(*words, token="bureau")).out)
        for words in (("list",), ("show", FIRMS[0]), ("explain", FIRMS[0]), ("feed", "qddex"), ("overview",), ("trades", FIRMS[0])):
            chinese, english = self.client(*words, "--json"), self.world.client(*words, "--json", token="bureau")
            self.assertEqual(check(chinese).out, check(english).out)
        refused = self.client("show", "91370202MA0XTE0384", "--json")
        self.assertEqual(refused.code, NOT_FOUND)
        self.assertNotRegex(refused.err, CJK)

    def test_words_of_the_api_in_tables(self):
        english = ""
        for words in (("trades", FIRMS[0]), ("feed", "qddex"), ("show", FIRMS[0]), ("overview",), ("grants",), ("list",)):
            told = check(self.client(*words)).out
            self.assertNotRegex(told, r"\b(trade|refund|supplier|buyer|counted|not_counted|registered|total)\b")
            if words[0] == "grants":
                self.assertIn("大数据局", told)
            english += check(self.world.client(*words, token="bureau")).out
        for word in ("trade", "supplier", "buyer", "counted", "not_counted", "bureau"):
            self.assertRegex(english, rf"\b{word}\b")

    def test_explanation(self):
        told = check(self.client("explain", FIRMS[0])).out
        self.assertRegex(told, r"政策\S+，版本\d+：")
        self.assertRegex(told, r"符合条件的交易：\d+笔，[\d.]+元。")
        self.assertRegex(told, r"作为供方符合条件的交易额：[\d.]+元。")
        self.assertIn("测算额不是兑付承诺", told)
        for line in re.findall(r"^ *\d+ (.*)", told, re.M):
            self.assertRegex(line, CJK)
        self.assertIn("The accrued award", check(self.world.client("explain", FIRMS[0], token="bureau")).out)

    def test_order_refused(self):
        note = self.world.make_order("venue.suspend", {"venue": "qddex", "reason": "停业"}, signers=["zhang"]).decode()
        body = json.dumps({"note": note, "items": []}).encode()
        answers = [self.ask("POST", "/v1/orders", language, body, headers={"Content-Type": "application/json"})
                   for language in ("zh-CN", None)]
        told, _ = self.assert_same_problem(*answers, 403, "quorum_not_met")
        self.assertIn("会签", told["detail"])
        self.world.write("one.note", body)
        result = self.client("order", "submit", "one.note")
        self.assert_code(result, NOT_ALLOWED)
        self.assertRegex(result.err, "subsidy：未达到会签要求：venue.suspend须由以下人员会签，每人各签一次：1名经办、1名复核或局领导；")

    # The daemon

    def assert_same_problem(self, chinese, english, status, problem):
        told, said = self.assert_refused(chinese, status, problem), self.assert_refused(english, status, problem)
        for member in ("title", "detail"):
            if member in said:
                self.assertRegex(told[member], CJK)
                self.assertNotRegex(said[member], CJK)
        self.assertEqual(chinese.headers["Content-Language"], "zh")
        self.assertEqual(english.headers["Content-Language"], "en")
        self.assertEqual({k: v for k, v in told.items() if k not in ("title", "detail", "errors")},
                         {k: v for k, v in said.items() if k not in ("title", "detail", "errors")})
        return told, said

    def test_problems(self):
        for path, token, status, problem in (
                ("/v1/nothing", "bureau", 404, "not_found"), ("/v1/overview", None, 401, "unauthorized"),
                ("/v1/overview", "venue:qddex", 403, "forbidden"), ("/v1/overview?x=1", "bureau", 400, "bad_request"),
                ("/v1/enterprises?limit=0", "bureau", 400, "bad_request"),
                ("/v1/enterprises/91370202MA0XTE0384", "bureau", 404, "not_found"),
                ("/v1/%zz", "bureau", 400, "malformed")):
            with self.subTest(path=path):
                answers = [self.ask("GET", path, language, token=token) for language in ("zh-CN,zh;q=0.9,en;q=0.8", None)]
                self.assert_same_problem(*answers, answers[1].status, answers[1].problem())
                self.assertEqual(answers[1].status, status)

    def test_whoever_asks_for_nothing_known_gets_english(self):
        for language in ("fr", "zh;q=0", "zh;q=2", "en, zh", "*", "zh;x=1"):
            self.assertNotRegex(self.ask("GET", "/v1/nothing", language).json()["title"], CJK)

    def test_an_answer_is_of_its_own_request(self):
        """Workers and the loop forget the language of the request before."""
        for _ in range(20):
            self.assertRegex(self.ask("GET", "/v1/overview?x=1", "zh").json()["detail"], CJK)
            self.assertNotRegex(self.ask("GET", "/v1/overview?x=1", None).json()["detail"], CJK)
            self.assertNotRegex(self.ask("GET", "/v1/overview?x=1", "en").json()["title"], CJK)

    def test_the_same_push_in_both_languages(self):
        """What is stored, and why a push is refused, hang on its bytes alone."""
        feed = self.world.feeds["qddex"]
        path, type_ = "/v1/feeds/qddex", {"Content-Type": "application/protobuf"}
        wrong = wire.push_body(len(feed.records), [wire.encode_record(trade("T-7", supplier=FIRMS[0][:-1] + "0"))], "")
        answers = [self.world.feed.request("POST", path + "?check=1", wrong, dict(type_, **headers))
                   for headers in ({"Accept-Language": "zh"}, {})]
        told, said = self.assert_same_problem(*answers, 422, "invalid_records")
        self.assertEqual(told["errors"][0]["field"], said["errors"][0]["field"])
        self.assertRegex(told["errors"][0]["reason"], CJK)
        self.assertNotRegex(said["errors"][0]["reason"], CJK)
        # Stored by a Chinese request, and told again to an English one: one entry, one receipt.
        new = records("zh", 2)
        body = feed.body(new)
        first = self.world.feed.request("POST", path, body, dict(type_, **{"Accept-Language": "zh"}))
        self.assertEqual(first.status, 200, first)
        feed.accept(new)
        again = self.world.feed.request("POST", path, body, type_)
        extra = [re.search("^extra (.*)$", answer.json()["receipt"], re.M).group(1) for answer in (first, again)]
        self.assertEqual(*extra)
        self.assertEqual(set(first.json()), set(again.json()))
        # A conflict is decided by the writer, and kept.
        other = feed.body(records("zh", 2, amount="107.00"), start=len(feed.records) - 2)
        answers = [self.world.feed.request("POST", path, other, dict(type_, **headers))
                   for headers in ({"Accept-Language": "zh"}, {})]
        self.assert_same_problem(*answers, 409, "feed_conflict")

    def test_log_lines_are_english(self):
        self.ask("GET", "/v1/overview?wrong=1", "zh")
        self.ask("GET", "/v1/%zz", "zh")
        log = self.world.log()
        self.assertIn("there is no parameter 'wrong' here", log)
        for why in re.findall(r'\bwhy="([^"]*)"', log):
            self.assertNotRegex(why, CJK)


def width(text):
    """Columns on a terminal."""
    return sum(2 if CJK.match(character) else 1 for character in text)


if __name__ == "__main__":
    unittest.main()
