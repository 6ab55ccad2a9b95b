"""Access codes on paper, and another code for one that was lost."""
import os
import re
import unittest

from tests.flow import wire
from tests.flow.harness import FIRMS, FlowTest, check, in_days, write_csv

NAME = "海纹（样例）"


class Letters(FlowTest):
    @classmethod
    def prepare(cls):
        cls.world.register([(FIRMS[0], NAME, ["default"])])
        cls.world.grant("bureau")

    def setUp(self):
        self.size = self.world.size()

    def test_letters_of_many_grants(self):
        world = self.world
        rows = [{"subject": FIRMS[0], "holder": "<b>张三</b>", "expires": in_days(30), "name": ""},
                {"subject": FIRMS[40], "holder": "李四", "expires": "", "name": "列中的名字"},
                {"subject": FIRMS[0], "holder": "王五", "expires": "", "name": ""}]
        write_csv(world.path("grants.csv"), rows)
        command = ("order", "grant.add", "--file", "grants.csv", "--key", "zhang.key")
        made = check(world.client(*command, "--letters", "letters", "--contact", "市局 & 王女士", "-o", "l.order",
                                  token="bureau"))
        names = [f"{FIRMS[0]}.html", f"{FIRMS[40]}.html", f"{FIRMS[0]}_2.html"]
        self.assertEqual(sorted(os.listdir(world.path("letters"))), sorted([*names, "index.html"]))
        check(world.client("order", "submit", "l.order"))
        index = world.read("letters/index.html").decode()
        for row, name in zip(rows, names):
            self.assertEqual(os.stat(world.path("letters", name)).st_mode & 0o777, 0o600)
            letter = world.read(f"letters/{name}").decode()
            token = "".join(re.findall("<span>([0-9a-f]{4})</span>", letter))
            self.assertEqual(len(token), 64)
            for text in (made.out, made.err, index, world.read("l.order").decode(), world.log()):
                self.assertNotIn(token, text)
                self.assertNotIn(token[:16], text)
            for text in (row["holder"].replace("<", "&lt;").replace(">", "&gt;"), world.env["SUBSIDY_SERVER"],
                         "市局 &amp; 王女士", row["name"] or NAME):
                self.assertIn(text, letter)
            self.assertNotIn("<b>张", letter + index)
            self.assertIn(wire.sha256(bytes.fromhex(token)).hex()[:16], letter)
            self.assertIn(wire.sha256(bytes.fromhex(token)).hex()[:16], index)
            # As somebody types it: with the gaps of the letter.
            world.write("typed.token", re.sub("(.{4})", r"\1 ", token[:32]) + "\n" + token[32:] + "\n")
            os.chmod(world.path("typed.token"), 0o600)
            shown = world.client("show", row["subject"], SUBSIDY_TOKEN="typed.token")
            self.assertEqual(shown.code, 0 if row["subject"] == FIRMS[0] else 3, shown)
        for code, options in ((2, ("--letters", "letters")), (2, ("--letters", "grants.csv")),
                              (2, ("--letters", "more", "--contact", "")), (2, ("--contact", "x")),
                              (2, ("--tokens-dir", "t", "--contact", "x"))):
            self.assert_code(world.client(*command, *options, "-o", "more.order", token="bureau"), code)
        for name in ("more.order", "more", "more.new"):
            self.assertFalse(os.path.exists(world.path(name)), name)

    def test_a_letter_of_one_grant_shows_its_code_nowhere_else(self):
        world = self.world
        made = check(world.client("order", "grant.add", "--set", f"subject={FIRMS[1]}", "--set", "holder=甲", "--set",
                                  "name=乙", "--key", "zhang.key", "--letters", "one", "--submit"))
        token = "".join(re.findall("<span>([0-9a-f]{4})</span>", world.read(f"one/{FIRMS[1]}.html").decode()))
        self.assertNotIn(token, made.out + made.err)
        self.assertEqual(world.get_json("/v1/ledger")["size"], self.size + 1)
        # Known, but of an enterprise that no entry names.
        self.assertEqual(world.public.get(f"/v1/enterprises/{FIRMS[1]}", token).status, 404)

    # Another code for one that was lost

    def granted(self, subject, holder):
        """A code, and its hash as the bureau finds it."""
        made = check(self.world.client("order", "grant.add", "--set", f"subject={subject}", "--set",
                                       f"holder={holder}", "--key", "zhang.key", "--submit"))
        rows = check(self.world.client("grants", "--subject", subject, "--json", token="bureau")).json()["grants"]
        row, = [row for row in rows if row["holder"] == holder]
        self.assertEqual(row["token_hash"], wire.sha256(bytes.fromhex(made.out.strip())).hex())
        return made.out.strip(), row["token_hash"]

    def replace(self, token_hash, subject, *options, token="bureau"):
        return self.world.client("order", "grant.replace", "--set", f"token_hash={token_hash}", "--set",
                                 f"subject={subject}", "--set", "holder=钱七", *options, token=token)

    def test_a_lost_code_is_replaced_in_one_act(self):
        world = self.world
        lost, token_hash = self.granted(FIRMS[0], "钱七")
        path = f"/v1/enterprises/{FIRMS[0]}"
        self.assertEqual(world.public.get(path, lost).status, 200)
        check(self.replace(token_hash, FIRMS[0], "--set", "reason=信函遗失", "--key", "zhang.key", "--token-out",
                           "new.token", "-o", "replace.order"))
        self.assertEqual(world.public.get(path, lost).status, 200)
        self.assert_code(world.client("order", "submit", "replace.order"), 5)
        check(world.client("order", "sign", "replace.order", "--key", "li.key"))
        check(world.client("order", "submit", "replace.order"))
        self.assertEqual(world.public.get(path, lost).status, 401)
        self.assertEqual(world.public.get(path, world.read("new.token").decode().strip()).status, 200)
        size = world.size()
        check(world.client("order", "submit", "replace.order"))
        self.assertEqual(world.size(), size)
        rows = world.get_json(f"/v1/grants?subject={FIRMS[0]}", "bureau")["grants"]
        old, = [row for row in rows if row["token_hash"] == token_hash]
        self.assertEqual(old["revoked_by"], size - 2)
        self.assertEqual(rows[-1]["index"], size - 1)
        again = self.assert_code(self.replace(token_hash, FIRMS[0], "--key", "zhang.key", "-o", "again.order"), 4)
        self.assertIn(f"entry {size - 2}", again.err)
        self.assertFalse(os.path.exists(world.path("again.order")))

    def test_a_code_of_somebody_else_is_not_replaced(self):
        world = self.world
        lost, token_hash = self.granted(FIRMS[0], "孙八")
        keys = ("--key", "zhang.key", "--key", "li.key")
        size = world.size()
        for wrong, subject in ((token_hash, FIRMS[1]), ("0" * 64, FIRMS[0]), (token_hash[1:], FIRMS[0])):
            result = self.assert_code(self.replace(wrong, subject, *keys, "--submit"), 4)
            self.assertEqual(result.out, "")
        # Without an access code only the ledger itself can tell, and it does so before it grants anything.
        self.assert_code(self.replace("0" * 64, FIRMS[0], *keys, "--token-out", "no.token", "--submit", token=None), 4)
        self.assertEqual(world.size(), size)
        self.assertEqual(world.public.get(f"/v1/enterprises/{FIRMS[0]}", lost).status, 200)
        self.assertEqual(world.public.get(f"/v1/enterprises/{FIRMS[0]}",
                                          world.read("no.token").decode().strip()).status, 401)
        for options in (("--file", "x.csv"), ("--tokens-dir", "x"), ("--set", "venue=x"),
                        ("--set", "id=" + "x" * 64)):
            self.assertNotEqual(self.replace(token_hash, FIRMS[0], *keys, *options, "--submit").code, 0, options)
        self.assert_code(world.client("order", "grant.replace", "--set", f"subject={FIRMS[0]}", "--set", "holder=a",
                                      *keys, "--submit"), 2)
        self.assertEqual(world.size(), size)


if __name__ == "__main__":
    unittest.main()
