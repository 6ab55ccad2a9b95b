"""A clerk's month: a template, a file as a spreadsheet saves it, mistakes named once and mended, and books that agree."""
import csv
import io
import os
import unittest

from tests.flow.harness import FIRMS, ROOT, FlowTest, check, read_json, refund, trade, write_csv

OK, OTHER, USAGE, NOT_FOUND, REFUSED = range(5)
VECTORS = os.path.join(ROOT, "tests", "vectors", "csv")


def vector(name):
    with open(os.path.join(VECTORS, name), "rb") as file:
        return file.read()


def read_csv(text):
    """The rows of what the client printed for a spreadsheet, by their titles."""
    assert text.startswith("\ufeff") and text.endswith("\r\n"), text
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


class Clerk(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.license("qddex")
        cls.world.license("sddex")
        cls.world.register([(FIRMS[0], "=青岛,甲\"（样例）\"", ["default"]), (FIRMS[1], "乙", [])])
        cls.world.adopt(read_json("policy-flat.json"))
        cls.world.grant("bureau", "venue:qddex", "venue:sddex")

    def push(self, venue, name, *args, **settings):
        return self.world.client("push", venue, name, "--key", f"{venue}.key", *args, **settings)

    def check_file(self, name, *args, **settings):
        """Without key and network."""
        return self.world.client("push", "qddex", name, "--check", *args, SUBSIDY_SERVER="https://127.0.0.1:1",
                                 SUBSIDY_FEED="", SUBSIDY_CA="", **settings)

    # Templates

    def test_templates_pass_their_own_check(self):
        for language, word in (("zh", "交易编号"), ("en", "trade_no")):
            path = self.world.path(f"template-{language}.csv")
            check(self.world.client("push", "--template", language, "-o", path))
            with open(path, "rb") as file:
                written = file.read()
            self.assertTrue(written.startswith(b"\xef\xbb\xbf"))
            self.assertEqual(check(self.world.client("push", "--template", language)).out.encode(), written)
            rows = read_csv(written.decode())
            self.assertEqual(len(rows), 2)
            self.assertIn(word, rows[0])
            summary = check(self.check_file(path, "--json")).json()
            self.assertEqual((summary["trades"], summary["refunds"]), (1, 1))
            self.assertNotEqual(self.world.client("push", "--template", language, "-o", path).code, OK)

    def test_templates_in_no_other_language(self):
        for args in (("--template", "fr"), ("--template", "zh", "qddex"), ("qddex", "a.csv", "-o", "b", "--check"), (),
                     ("qddex",)):
            self.assert_code(self.world.client("push", *args), USAGE)

    # Files

    def test_every_spreadsheets_file_is_the_same_file(self):
        plain = check(self.check_file(os.path.join(VECTORS, "plain.csv"), "--json"))
        self.assertNotIn("is read as", plain.err)
        for name, words in (("wps-gb18030.csv", "GB18030 text with commas"),
                            ("libreoffice-gb18030.csv", "GB18030 text with commas"),
                            ("excel-unicode-text.csv", "UTF-16 text with tabs"),
                            ("excel-semicolons.csv", "UTF-8 text with semicolons"),
                            ("utf16-big-endian.csv", "UTF-16 text with tabs"), ("by-hand.csv", "")):
            result = check(self.check_file(os.path.join(VECTORS, name), "--json"))
            self.assertEqual(result.json(), plain.json(), name)
            self.assertIn(words, result.err)

    def test_mistakes_are_named_once_then_mended_then_it_goes_through(self):
        """Told in one go, mended by what was told, pushed by one command; again in another encoding nothing is new."""
        self.world.write("month.csv", vector("wrong-gb18030.csv"))
        result = self.assert_code(self.check_file("month.csv", "--json"), REFUSED)
        faults = result.json()
        self.assertEqual(faults["error_count"], 6)
        lines = vector("wrong-gb18030.csv").decode("gb18030").split("\r\n")
        rows = list(csv.reader(lines[:4]))
        with open(os.path.join(VECTORS, "plain.csv"), encoding="utf-8", newline="") as file:
            right = list(csv.reader(file))
        english = dict(zip(check(self.world.client("push", "--template", "en")).out[1:].split("\r\n")[0].split(","),
                           check(self.world.client("push", "--template", "zh")).out[1:].split("\r\n")[0].split(",")))
        for fault in faults["errors"]:
            at = rows[0].index(english[fault["column"]])
            self.assertEqual(rows[fault["row"] - 1][at], fault["value"])
            self.assertTrue(fault["example"] and fault["rule"])
            rows[fault["row"] - 1][at] = right[fault["row"] - 1][at]
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self.world.write("month.csv", text.getvalue().encode("gb18030"))
        check(self.check_file("month.csv"))
        pushed = check(self.push("qddex", "month.csv", "--json")).json()
        self.assertEqual((pushed["new"], pushed["counted"]), (3, 3))
        self.world.write("month.csv", vector("by-hand.csv"))
        again = check(self.push("qddex", "month.csv", "--json")).json()
        self.assertEqual((again["new"], again["skipped"]), (0, 3))

    def test_mistakes_in_the_clerks_language(self):
        path = os.path.join(VECTORS, "wrong-gb18030.csv")
        chinese = self.assert_code(self.check_file(path, LC_ALL="", LANG="zh_CN.UTF-8"), REFUSED)
        lines = [line for line in chinese.err.splitlines() if line.startswith("第")]
        self.assertEqual(len(lines), 6)
        self.assertTrue(any(line.startswith("第2行 供方统一社会信用代码：“9.137E+17” ") and
                            "例如：91370202MA0XTE011C" in line for line in lines), lines)
        english = self.assert_code(self.check_file(path), REFUSED)
        self.assertNotIn("第", english.err)
        for word in ("9.137E+17", "91370202MA0XTE011C", "25/2/6", "settled_on"):
            self.assertIn(word, english.err)

    def test_bytes_that_are_no_text_name_their_row(self):
        good = vector("plain.csv")
        for content, row in ((good + b"\xff\n", "row 5"), (b"\xef\xbb\xbf" + good.decode().encode("gb18030"), "row 1"),
                             (good.decode().encode("gb18030") + b"\r\n\x80", "row 6")):
            self.world.write("broken.csv", content)
            result = self.check_file("broken.csv")
            self.assertNotEqual(result.code, OK)
            self.assertIn(row, result.err)
            self.assertEqual(result.out, "")

    def test_a_check_says_what_a_push_would_send(self):
        rows = [trade(f"s-{i}", settled_on=day) for i, day in enumerate(("2025-05-31", "2025-06-01", "2025-06-30"))]
        write_csv(self.world.path("sums.csv"), rows + [refund("s-a", "s-0", amount="10.60", tax="0.60")])
        summary = check(self.check_file("sums.csv", "--json", "--rows", "3")).json()
        self.assertEqual(summary["months"], [
            {"month": "2025-05", "kind": "trade", "records": 1, "amount": "106.00", "tax": "6.00"},
            {"month": "2025-06", "kind": "trade", "records": 2, "amount": "212.00", "tax": "12.00"},
            {"month": "2025-06", "kind": "refund", "records": 1, "amount": "10.60", "tax": "0.60"}])
        self.assertEqual((summary["rows"], summary["pushes"], summary["amount"], summary["refunded"]),
                         (4, 2, "318.00", "10.60"))
        people = check(self.check_file("sums.csv"))
        self.assertEqual(people.out.splitlines()[-2].split(), ["total", "trade", "3", "318.00", "18.00"])
        self.assertIn("4 rows in 1 push", people.err)

    # The end of the month

    def test_the_books_of_both_sides_agree(self):
        rows = [trade("b-1", settled_on="2025-07-01"), trade("b-2", settled_on="2025-07-31", amount="1,060.00", tax="60"),
                trade("b-2", settled_on="2025-07-31", amount="9.00", tax="0"),
                trade("b-3", settled_on="2025-07-02", buyer=FIRMS[0], amount="5.00", tax="0"),
                trade("b-4", settled_on="2025-08-01"),
                refund("b-a", "b-1", occurred_on="2025-08-05"), refund("b-b", "b-9", occurred_on="2025-07-05")]
        write_csv(self.world.path("books.csv"), rows)
        check(self.push("sddex", "books.csv"))
        july = check(self.world.client("feed", "sddex", "--month", "2025-07", "--csv", token="venue:sddex"))
        sums = [(row["kind"], row["disposition"], row["records"], row["amount"], row["tax"], row["net"])
                for row in read_csv(july.out)]
        self.assertEqual(sums, [
            ("trade", "counted", "2", "1166.00", "66.00", "1100.00"),
            ("trade", "duplicate_trade", "1", "9.00", "0.00", "9.00"),
            ("trade", "self_trade", "1", "5.00", "0.00", "5.00"),
            ("trade", "not_counted", "2", "14.00", "0.00", "14.00"),
            ("trade", "all", "4", "1180.00", "66.00", "1114.00"),
            ("refund", "counted", "0", "0.00", "0.00", "0.00"),
            ("refund", "refund_unknown", "1", "53.00", "3.00", "50.00"),
            ("refund", "not_counted", "1", "53.00", "3.00", "50.00"),
            ("refund", "all", "1", "53.00", "3.00", "50.00"),
            ("trade - refund", "counted", "2", "1166.00", "66.00", "1100.00")])
        self.assertIn("ledger size", july.err)
        # The venue's own side: what --check says of the file is "all" of the ledger's.
        file_sums = {(row["month"], row["kind"]): row for row in check(self.check_file("books.csv", "--json")).json()["months"]}
        ledger = read_csv(check(self.world.client("feed", "sddex", "--csv", token="bureau")).out)
        both = {(row["month"], row["kind"]): row for row in ledger if row["disposition"] == "all" and int(row["records"])
                and row["month"] != "total"}
        self.assertEqual({key: (str(row["records"]), row["amount"], row["tax"]) for key, row in file_sums.items()},
                         {key: (row["records"], row["amount"], row["tax"]) for key, row in both.items()})
        self.assertEqual([(row["records"], row["amount"]) for row in ledger
                          if row["month"] == "total" and row["disposition"] == "all"], [("5", "1286.00"), ("2", "106.00")])
        people = check(self.world.client("feed", "sddex", "--month", "2025-07", token="venue:sddex")).out
        self.assertIn("not_counted", people)
        self.assertNotIn("2025-08 ", people)

        listed = read_csv(check(self.world.client("feed", "sddex", "--not-counted", "--csv", token="bureau")).out)
        self.assertEqual([(row["number"], row["why"], row["amount"]) for row in listed],
                         [("b-2", "duplicate_trade", "9.00"), ("b-3", "self_trade", "5.00"),
                          ("b-b", "refund_unknown", "53.00")])
        self.assertTrue(all(row["meaning"] for row in listed))

    def test_an_empty_month_is_a_table_of_zeros(self):
        rows = read_csv(check(self.world.client("feed", "qddex", "--month", "1999-01", "--csv", token="bureau")).out)
        self.assertEqual({(row["records"], row["amount"]) for row in rows}, {("0", "0.00")})
        self.assertEqual(len(rows), 7)
        none = check(self.world.client("feed", "qddex", "--not-counted", "--month", "1999-01", "--csv", token="bureau"))
        self.assertEqual(read_csv(none.out), [])
        self.assertTrue(none.out.startswith("\ufefffeed index,"))

    def test_a_list_for_a_spreadsheet(self):
        rows = {row["code"]: row for row in read_csv(check(self.world.client("list", "--csv", token="bureau")).out)}
        self.assertEqual(rows[FIRMS[0]]["name"], "'=青岛,甲\"（样例）\"")
        self.assertEqual(rows[FIRMS[1]]["name"], "乙")
        answer = self.world.get_json("/v1/enterprises?limit=1000", "bureau")
        self.assertEqual({row["code"]: row["policies"][0]["award"] for row in answer["enterprises"]},
                         {code: row["award"] for code, row in rows.items()})
        self.assertEqual({row["policy"] for row in rows.values()}, {answer["policy"]})
        self.assertTrue(all("assumed" in row["status"] for row in rows.values()))

    def test_csv_or_json(self):
        for args in (("list",), ("feed", "qddex"), ("feed", "qddex", "--not-counted")):
            self.assert_code(self.world.client(*args, "--csv", "--json", token="bureau"), USAGE)


if __name__ == "__main__":
    unittest.main()
