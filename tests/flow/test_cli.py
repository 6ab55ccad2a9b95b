"""The client as people and scripts meet it: exit codes, complaints, settings, and what it refuses to believe."""
import json
import os
import stat
import unittest

from tests.flow import wire
from tests.flow.harness import (CLIENT, DAEMON, FIRMS, FlowTest, Proxy, World, certificate_command, check, read_json, refund,
                                run, trade, write_csv)

COMMANDS = ("key", "push", "receipt", "order", "list", "show", "trades", "explain", "feed", "overview", "policies",
            "grants", "export", "verify")
OK, OTHER, USAGE, NOT_FOUND, REFUSED, NOT_ALLOWED, UNVERIFIED, UNREACHABLE = range(8)


class Cli(FlowTest):
    @classmethod
    def prepare(cls):
        world = cls.world
        world.license("qddex")
        world.license("sddex")
        world.register([(FIRMS[0], "甲（样例）", ["default"]), (FIRMS[1], "乙", ["default"])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau", "venue:qddex", FIRMS[0])
        cls.serial = 0

    def rows(self, count=2):
        type(self).serial += 1
        return [trade(f"c{self.serial}-{i}") for i in range(count)]

    def write_rows(self, rows, name="rows.csv"):
        write_csv(self.world.path(name), rows)
        return name

    def push(self, *args, **settings):
        """As the venue that has lost and found its state folder before: with its access code."""
        return self.world.client("push", "qddex", *args, "--key", "qddex.key", token="venue:qddex", **settings)

    # Usage

    def test_usage_errors(self):
        world = self.world
        self.write_rows(self.rows())
        for args in ((), ("dance",), ("show",), ("show", "a", "b"), ("--nonsense",), ("show", "--nonsense", "a"),
                     ("push", "qddex", "rows.csv"), ("push", "qddex", "rows.txt", "--key", "qddex.key"),
                     ("push", "qddex", "rows.csv", "--key"), ("push", "qddex", "rows.csv", "--key", "a", "--key", "b"),
                     ("push", "qddex", "rows.csv", "--key", "qddex.key", "--rows", "0"),
                     ("push", "qddex", "rows.csv", "--key", "qddex.key", "--rows", "65537"),
                     ("push", "QDDEX", "rows.csv", "--key", "qddex.key"),
                     ("key", "new", "a b", "-o", "x.key"), ("key", "new", "x", "--type", "rsa", "-o", "x.key"),
                     ("key", "new", "x"), ("order", "dance"), ("order", "policy.adopt", "--key", "li.key", "-o", "x"),
                     ("--json=yes", "list"), ("list", "--sort", "name"), ("list", "--sort", "")):
            with self.subTest(args):
                result = self.assert_code(world.client(*args, token="bureau"), USAGE)
                self.assertEqual(result.out, "")
                named = args[0] + " " if args and args[0] in COMMANDS else ""
                self.assertIn(f"`subsidy {named}--help`", result.err)
        self.assertFalse(os.path.exists(world.path("x.key")))

    def test_help_of_every_command(self):
        listed = check(self.world.client("--help")).out
        for command in COMMANDS:
            self.assertIn(f"  {command} ", listed)
            text = check(self.world.client(command, "--help")).out
            self.assertIn(f"usage: subsidy {command}", text)
            self.assertIn("Exit codes", text)

    def test_a_usage_of_several_lines_is_shown_in_lines(self):
        for args, count in ((("push", "qddex"), 2), (("order",), 5), (("order", "submit"), 5), (("show",), 1)):
            for language, word in (("C", "usage: "), ("zh_CN.UTF-8", "用法：")):
                with self.subTest(args, language=language):
                    *usage, pointer = self.assert_code(self.world.client(*args, LC_ALL=language), USAGE).err.splitlines()
                    self.assertIn(f"`subsidy {args[0]} --help`", pointer)
                    self.assertTrue(usage[0].startswith(f"{word}subsidy {args[0]} "), usage)
                    self.assertTrue(all(line.startswith(f"       subsidy {args[0]} ") for line in usage[1:]), usage)
                    self.assertEqual(len(usage), count, usage)

    def test_version(self):
        """Both programs are of one version."""
        told = check(self.world.client("--version")).out
        self.assertRegex(told, r"^subsidy [0-9.]+\n$")
        self.assertEqual(check(self.world.client("push", "--version")).out, told)
        daemon = check(run([DAEMON, "--version"], self.world.folder)).out
        self.assertEqual(daemon, told.replace("subsidy ", "subsidyd "))

    def test_help_as_a_word(self):
        for words in ((), ("list",), ("push",)):
            told = check(self.world.client("help", *words))
            self.assertEqual(told.out, check(self.world.client(*words, "--help")).out)
        self.assert_code(self.world.client("help", "dance"), USAGE)

    def test_who_types_a_name_is_told_how_names_are_found(self):
        for command in ("show", "trades", "explain"):
            told = self.assert_code(self.world.client(command, "甲（样例）", token="bureau"), NOT_FOUND)
            self.assertIn('`subsidy list --find "甲（样例）"`', told.err)
            # Digits of full width are a code's all the same.
            wide = "".join(chr(ord(letter) + 0xfee0) for letter in FIRMS[0])
            for code, found in ((FIRMS[0][:-1], NOT_FOUND), (wide, OK)):
                told = self.assert_code(self.world.client(command, code, token="bureau"), found)
                self.assertNotIn("--find", told.err)

    def test_settings_by_option_environment_and_file(self):
        world = self.world
        code = FIRMS[0]
        bare = {"SUBSIDY_SERVER": "", "SUBSIDY_CA": "", "SUBSIDY_FEED": "", "SUBSIDY_STATE": ""}
        options = ("--server", world.env["SUBSIDY_SERVER"], "--ca", "ca.pem", "--token", world.token_file("bureau"),
                   "--state", "state")
        check(world.client(*options, "show", code, **bare))
        check(world.client("show", code, *options, **bare))
        os.makedirs(world.path(".config"), exist_ok=True)
        world.write(".config/subsidy.conf", f"# by hand\nserver = {world.env['SUBSIDY_SERVER']}\n"
                    f"ca = {world.path('ca.pem')}\ntoken = {world.token_file('bureau')}\n")
        self.addCleanup(os.unlink, world.path(".config/subsidy.conf"))
        check(world.client("show", code, **bare))
        self.assert_code(world.client("show", code, **dict(bare, SUBSIDY_SERVER="https://127.0.0.1:1")), UNREACHABLE)
        world.write(".config/subsidy.conf", "sever = x\n")
        result = self.assert_code(world.client("show", code, **bare), USAGE)
        self.assertIn("line 1", result.err)

    # Exit codes

    def test_not_found_and_not_allowed(self):
        world = self.world
        self.assert_code(world.client("show", FIRMS[40], token="bureau"), NOT_FOUND)
        self.assert_code(world.client("show", FIRMS[1], token=FIRMS[0]), NOT_FOUND)
        self.assert_code(world.client("feed", "sddex", token="venue:qddex"), NOT_FOUND)
        self.assert_code(world.client("feed", "nowhere", token="bureau"), NOT_FOUND)
        self.assert_code(world.client("list", token=FIRMS[0]), NOT_ALLOWED)
        self.assert_code(world.client("overview"), NOT_ALLOWED)
        world.write("bad.token", "0" * 64 + "\n")
        os.chmod(world.path("bad.token"), 0o600)
        self.assert_code(world.client("overview", SUBSIDY_TOKEN=world.path("bad.token")), NOT_ALLOWED)
        check(world.client("show", FIRMS[0], token=FIRMS[0]))

    def test_a_token_file_that_is_none_or_open_to_all(self):
        world = self.world
        world.write("short.token", "abc\n")
        os.chmod(world.path("short.token"), 0o600)
        for path in ("short.token", "absent.token"):
            result = self.assert_code(world.client("overview", SUBSIDY_TOKEN=world.path(path)), OTHER)
            self.assertIn(world.path(path), result.err)
        world.write("open.token", world.tokens["bureau"] + "\n")
        os.chmod(world.path("open.token"), 0o644)
        self.assertNotEqual(world.client("overview", SUBSIDY_TOKEN=world.path("open.token")).code, OK)

    def test_a_file_that_is_not_there_is_no_answer_of_the_ledger(self):
        """3 is for what the ledger does not have."""
        for command in (("order", "show", "absent"), ("order", "sign", "absent", "--key", "li.key"),
                        ("order", "submit", "absent"), ("key", "show", "absent"),
                        ("order", "policy.adopt", "--file", "absent", "--key", "li.key", "-o", "x"),
                        ("order", "grant.add", "--file", "absent", "--tokens-dir", "t", "--key", "li.key", "-o", "x"),
                        ("order", "venue.license", "--set", "venue=a", "--set", "name=b", "--set", "key=c", "--key",
                         "absent", "-o", "x"), ("push", "qddex", "absent.csv", "--key", "qddex.key")):
            with self.subTest(command):
                result = self.assert_code(self.world.client(*command, token="bureau"), OTHER)
                self.assertIn("absent", result.err)

    def test_unreachable(self):
        world = self.world
        for server in ("https://127.0.0.1:1", "https://nowhere.invalid"):
            result = self.assert_code(world.client("overview", token="bureau", SUBSIDY_SERVER=server), UNREACHABLE)
            self.assertIn("unreachable", (result.err + "unreachable").lower())
        # A certificate of another authority is no ledger.
        check(run(certificate_command("stranger", "ca"), world.folder))
        self.assert_code(world.client("overview", token="bureau", SUBSIDY_CA=world.path("stranger.pem")), UNREACHABLE)

    def test_grants(self):
        world = self.world
        whole = check(world.client("grants", "--json", token="bureau")).json()
        self.assertEqual({row["subject"] for row in whole["grants"]}, {"bureau", "venue:qddex", FIRMS[0]})
        one = check(world.client("grants", "--subject", FIRMS[0].lower(), "--json", token="bureau")).json()
        self.assertEqual(one["grants"], [row for row in whole["grants"] if row["subject"] == FIRMS[0]])
        people = check(world.client("grants", token="bureau")).out
        self.assertIn(one["grants"][0]["token_hash"], people)
        table = check(world.client("grants", "--csv", token="bureau")).out
        self.assertEqual(len(table.splitlines()), 1 + len(whole["grants"]))
        self.assert_code(world.client("grants", "--subject", "QDDEX", token="bureau"), USAGE)
        self.assert_code(world.client("grants", "--csv", "--json", token="bureau"), USAGE)
        self.assert_code(world.client("grants", token=FIRMS[0]), NOT_ALLOWED)

    # Files of rows

    def test_check_needs_no_network_and_no_key(self):
        rows = self.rows(3) + [refund("k1", "x")]
        self.write_rows(rows)
        size = self.world.size()
        result = check(self.world.client("push", "qddex", "rows.csv", "--check", "--json",
                                         SUBSIDY_SERVER="https://127.0.0.1:1", SUBSIDY_FEED=""))
        self.assertEqual({key: result.json()[key] for key in ("rows", "trades", "amount", "refunds", "refunded")},
                         {"rows": 4, "trades": 3, "amount": "318.00", "refunds": 1, "refunded": "53.00"})
        self.assertEqual(self.world.size(), size)

    def test_every_wrong_row_is_listed(self):
        rows = self.rows(8)
        rows[1]["amount"] = "12.345"
        rows[2]["tax"] = "106.00"
        rows[3]["supplier"] = FIRMS[0][:-1] + ("0" if FIRMS[0][-1] != "0" else "1")
        rows[4]["settled_on"] = "2025-02-30"
        rows[5]["product_kind"] = "cake"
        rows[6].update(instalment="0", voucher_no="")
        self.write_rows(rows)
        size = self.world.size()
        for result in (self.world.client("push", "qddex", "rows.csv", "--check", "--json"),
                       self.push("rows.csv", "--json")):
            self.assert_code(result, REFUSED)
            faults = result.json()
            found = {(fault["row"], fault["column"]) for fault in faults["errors"]}
            self.assertEqual(found, {(3, "amount"), (4, "tax"), (5, "supplier"), (6, "settled_on"), (7, "product_kind"),
                                     (8, "instalment"), (8, "voucher_no")})
            self.assertEqual(faults["error_count"], 7)
        people = self.assert_code(self.push("rows.csv"), REFUSED)
        self.assertEqual(people.out, "")
        for word in ("12.345", "2025-02-30", "cake"):
            self.assertIn(word, people.err)
        self.assertEqual(self.world.size(), size)

    def test_columns_that_are_missing_or_unknown(self):
        rows = self.rows(1)
        self.write_rows([dict(rows[0], colour="red")])
        self.assertIn("colour", self.assert_code(self.push("rows.csv"), REFUSED).err)
        self.write_rows([{key: value for key, value in rows[0].items() if key != "buyer"}])
        self.assertIn("buyer", self.assert_code(self.push("rows.csv"), REFUSED).err)
        self.world.write("empty.csv", "")
        self.assertNotEqual(self.push("empty.csv").code, OK)
        self.assertNotEqual(self.push("absent.csv").code, OK)

    def test_json_lines_are_the_same_rows(self):
        rows = self.rows(2)
        self.world.write("rows.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        first = check(self.push("rows.jsonl", "--json")).json()
        self.assertEqual((first["new"], first["skipped"]), (2, 0))
        self.write_rows(rows)
        again = check(self.push("rows.csv", "--json")).json()
        self.assertEqual((again["new"], again["skipped"]), (0, 2))

    def test_a_known_number_with_other_content(self):
        rows = self.rows(2)
        self.write_rows(rows)
        check(self.push("rows.csv"))
        changed = [dict(rows[1], amount="999.00")]
        self.write_rows(changed)
        result = self.assert_code(self.push("rows.csv"), REFUSED)
        self.assertIn("other content", result.err)

    def test_a_number_that_stands_twice_in_one_file(self):
        row, = self.rows(1)
        self.write_rows([row, row, dict(row, amount="999.00")])
        warned = check(self.world.client("push", "qddex", "rows.csv", "--check", "--json")).json()
        self.assertEqual((warned["warning_count"], len(warned["warnings"])), (2, 2))
        summary = check(self.push("rows.csv", "--json")).json()
        self.assertEqual((summary["new"], summary["skipped"], summary["counted"], summary["not_counted"]),
                         (3, 0, 1, {"duplicate_trade": 2}))
        again = check(self.push("rows.csv", "--json")).json()
        self.assertEqual((again["new"], again["skipped"]), (0, 3))

    # Pushing

    def test_receipts_are_kept_and_proofs(self):
        self.write_rows(self.rows(5))
        summary = check(self.push("rows.csv", "--rows", "2", "--receipts", "receipts", "--json")).json()
        self.assertEqual((summary["new"], summary["counted"], len(summary["receipts"])), (5, 5, 3))
        for path in summary["receipts"]:
            leaf, index, size = wire.verify_receipt(self.world.read(path).decode(), self.world.ledger_key)
            self.assertLess(index, size)
            self.assertEqual(wire.message_dict(wire.message_dict(leaf)[9])[2], b"qddex")

    def test_the_wrong_key_is_refused(self):
        world = self.world
        world.new_key("sddex", "wrong.key")
        self.write_rows(self.rows())
        size = world.size()
        self.assert_code(world.client("push", "sddex", "rows.csv", "--key", "wrong.key", SUBSIDY_STATE="wrong"),
                         NOT_ALLOWED)
        self.assertNotEqual(world.client("push", "sddex", "rows.csv", "--key", "qddex.key").code, OK)
        os.chmod(world.path("wrong.key"), 0o644)
        self.assertNotEqual(
            world.client("push", "sddex", "rows.csv", "--key", "wrong.key", SUBSIDY_STATE="wrong").code, OK)
        self.assertEqual(world.size(), size)
        check(world.client("push", "sddex", "rows.csv", "--key", "sddex.key"))

    def test_a_lost_state_folder_is_fetched_again(self):
        rows = self.rows(4)
        self.write_rows(rows[:3])
        check(self.push("rows.csv"))
        self.write_rows(rows)
        summary = check(self.push("rows.csv", "--json", SUBSIDY_STATE="fetched")).json()
        self.assertEqual((summary["new"], summary["skipped"]), (1, 3))
        # The first state folder has missed that push; it too learns of it, and goes on.
        self.write_rows(self.rows(1))
        check(self.push("rows.csv"))

    def test_two_pushes_at_a_time_from_one_state_folder(self):
        self.write_rows(self.rows(1))
        check(self.push("rows.csv"))
        lock = self.world.path("state", self.world.ledger_id, "qddex", "lock")
        self.write_rows(self.rows(1))
        blocked = run(["flock", lock, CLIENT, "push", "qddex", "rows.csv", "--key", "qddex.key"], self.world.folder,
                      self.world.env)
        self.assertNotEqual(blocked.code, OK)
        check(self.push("rows.csv"))

    def test_key_files(self):
        world = self.world
        vkey = world.new_key("somebody", "somebody.key")
        self.assertEqual(stat.S_IMODE(os.stat(world.path("somebody.key")).st_mode), 0o600)
        self.assertEqual(wire.Key.from_file(world.path("somebody.key")).vkey(), vkey)
        self.assertEqual(check(world.client("key", "show", "somebody.key")).out.strip(), vkey)
        before = world.read("somebody.key")
        self.assert_code(world.client("key", "new", "somebody", "-o", "somebody.key"), OTHER)
        self.assertEqual(world.read("somebody.key"), before)
        sm2 = world.new_key("somebody", "sm2.key", "--type", "sm2")
        self.assertTrue(sm2.startswith("somebody+"))
        self.assertEqual(check(world.client("key", "show", "sm2.key", "--json")).json(),
                         {"name": "somebody", "vkey": sm2})

    # What it does not believe

    def test_another_ledgers_key_is_noticed(self):
        world = self.world
        other = wire.Key(world.origin, b"\5" * 32).vkey()
        self.write_rows(self.rows())
        self.assert_code(self.push("rows.csv", SUBSIDY_VKEY=other), UNVERIFIED)
        check(self.push("rows.csv", SUBSIDY_VKEY=world.ledger_key.vkey()))

    def test_an_address_that_answers_for_another_ledger(self):
        """The key seen first is remembered; another one behind the same address is not the ledger any more."""
        world = self.world
        with World() as other:
            target = [world]
            with Proxy(world, world.addresses["public"], lambda method, path, answer: (
                    answer if target[0] is world else other.public.get(path))) as address:
                settings = {"SUBSIDY_SERVER": "https://" + address, "SUBSIDY_FEED": "https://" + address,
                            "SUBSIDY_STATE": "pinned"}
                order = ("order", "enterprise.register", "--file", "firms.csv", "--key", "zhang.key", "--key", "li.key")
                write_csv(world.path("firms.csv"), [{"code": FIRMS[2], "name": "丙", "lists": "default"}])
                check(world.client(*order, "-o", "first.order", **settings))
                target[0] = other
                self.assert_code(world.client(*order, "-o", "second.order", **settings), UNVERIFIED)
                self.assertFalse(os.path.exists(world.path("second.order")))
            other.stop()

    def lying(self, change):
        """A proxy of the feed's address whose answers to pushes are changed."""
        return Proxy(self.world, self.world.addresses["feed"], lambda method, path, answer: (
            change(answer) if method == "POST" and "check" not in path and answer.status == 200 else answer))

    def test_a_receipt_that_proves_nothing_is_not_believed(self):
        def spoil(answer):
            body = answer.json()
            lines = body["receipt"].split("\n")
            lines[2] = f"index {int(lines[2].split()[1]) - 1}"
            return wire.Answer(200, answer.headers, json.dumps(dict(body, receipt="\n".join(lines))).encode())

        def replace(answer):
            """The true receipt of another push."""
            earlier = self.world.get_json("/v1/feeds/qddex/receipt?size=1", "bureau")
            body = dict(answer.json(), receipt=earlier["receipt"])
            return wire.Answer(200, answer.headers, json.dumps(body).encode())
        self.write_rows(self.rows(1), "before.csv")
        check(self.push("before.csv"))
        for change in (spoil, replace):
            name = self.write_rows(self.rows(2))
            with self.lying(change) as address:
                self.assert_code(self.push(name, SUBSIDY_FEED="https://" + address), UNVERIFIED)
            # Honestly answered, the same bytes get their receipt.
            summary = check(self.push(name, "--json")).json()
            self.assertEqual(summary["new"] + summary["skipped"], 2)

    def test_answers_that_are_none(self):
        for status, body in ((200, b"<html>"), (200, b""), (502, b"bad gateway"), (200, b"{}")):
            name = self.write_rows(self.rows(1))
            with Proxy(self.world, self.world.addresses["public"], lambda method, path, answer: (
                    wire.Answer(status, {"Content-Type": "text/html"}, body))) as address:
                result = self.world.client("overview", token="bureau", SUBSIDY_SERVER="https://" + address)
                self.assertNotEqual(result.code, OK, (status, body, result))
                result = self.push(name, SUBSIDY_FEED="https://" + address, SUBSIDY_STATE=f"none-{status}-{len(body)}")
                self.assertNotEqual(result.code, OK, (status, body, result))

    def test_texts_from_outside_do_not_drive_the_terminal(self):
        evil = "\\u001b[2J乙\\u0007"
        with Proxy(self.world, self.world.addresses["public"], lambda method, path, answer: wire.Answer(
                answer.status, answer.headers, answer.body.replace("甲（样例）".encode(), evil.encode()))) as address:
            result = check(self.world.client("show", FIRMS[0], token="bureau", SUBSIDY_SERVER="https://" + address))
            self.assertNotIn("\x1b", result.out + result.err)
            self.assertNotIn("\x07", result.out + result.err)


if __name__ == "__main__":
    unittest.main()
