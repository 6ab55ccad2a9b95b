"""What becomes of what the client prints: a reader that leaves ends it as it ends other tools, a full disk is an error."""
import os
import signal
import subprocess
import unittest

from tests.flow.harness import (BUILD, CLIENT, COMMAND_TIMEOUT_S, FIRMS, FlowTest, Result, check, in_days, read_json, records,
                                run, trade, wait_until, write_csv)
from tests.flow.test_chinese import CHINESE

PIPE_SIZE = 64 << 10    # what the system keeps of a pipe that nobody reads
WAIT_S = 60


class Stdout(FlowTest):
    @classmethod
    def prepare(cls):
        world = cls.world
        world.license("sddex")
        world.license("qddex").push(records("long", 1000))
        world.register([(FIRMS[0], "甲", ["default"]), (FIRMS[1], "乙", ["default"])])
        world.adopt(read_json("policy-flat.json"))
        world.grant("bureau")
        write_csv(world.path("rows.csv"), [trade("row-1")])
        cls.register = ("order", "enterprise.register", "--file", "firms.csv", "--key", "zhang.key", "--key", "li.key")
        world.write("firms.csv", f"code,name,lists\n{FIRMS[2]},丙,\n")
        check(world.client(*cls.register, "-o", "firms.order"))
        cls.listings = (("--help",), ("list", "--help"), ("list",), ("list", "--json"), ("list", "--csv"), ("show", FIRMS[0]),
                        ("trades", FIRMS[0], "--all"), ("trades", FIRMS[0], "--all", "--json"), ("overview",),
                        ("push", "qddex", "rows.csv", "--check"), ("push", "qddex", "rows.csv", "--check", "--json"),
                        ("order", "show", "firms.order"), ("order", "show", "firms.order", "--json"))

    def env(self, **more):
        return dict(self.world.env, SUBSIDY_TOKEN=self.world.token_file("bureau"), **more)

    def print_to(self, stdout, *args, **more):
        done = subprocess.run([CLIENT, *args], cwd=self.world.folder, env=self.env(**more), stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False)
        return Result(args, done.returncode, b"", done.stderr)

    def print_to_nobody(self, *args, **more):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return self.print_to(writer, *args, **more)
        finally:
            os.close(writer)

    def test_a_reader_that_has_seen_enough(self):
        listing = ("trades", FIRMS[0], "--all")
        self.assertGreater(len(check(self.world.client(*listing, token="bureau")).out), PIPE_SIZE * 3 // 2)
        result = run(["bash", "-c", f"subsidy {' '.join(listing)} | head -n 2; echo ${{PIPESTATUS[0]}}"], self.world.folder,
                     self.env(PATH=BUILD + os.pathsep + os.environ["PATH"]))
        lines = check(result).out.splitlines()
        self.assertEqual((len(lines), lines[-1], result.err), (3, str(128 + signal.SIGPIPE), ""), result)

    def test_a_reader_that_has_gone_ends_every_listing_without_a_word(self):
        for args in self.listings:
            with self.subTest(args):
                result = self.print_to_nobody(*args)
                self.assertEqual(result.code, -signal.SIGPIPE, result)
                for words in ("standard output", "could not", "incomplete"):
                    self.assertNotIn(words, result.err)

    def test_whoever_ignores_the_signal_is_told(self):
        """As systemd does for its services."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(["bash", "-c", "trap '' PIPE; exec \"$0\" --help", CLIENT], env=self.env(), stdout=writer,
                                  stderr=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False)
        finally:
            os.close(writer)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(b"standard output: Broken pipe", done.stderr)

    def test_a_full_disk_is_an_error(self):
        for args in self.listings:
            with self.subTest(args), open("/dev/full", "wb") as full:
                result = self.print_to(full, *args)
                self.assertEqual(result.code, 1, result)
                for words in ("standard output: No space left on device", "incomplete"):
                    self.assertEqual(result.err.count(words), 1, result)
        with open("/dev/full", "wb") as full:
            self.assertIn("标准输出：", self.print_to(full, "list", **CHINESE).err)

    def test_no_file_takes_the_place_of_a_stream_that_is_closed(self):
        """The monitor holds its lock file open while it prints: its line must not get into that."""
        for closed, code in ((">&-", 1), ("2>&-", 0), ("<&-", 0), ("<&- >&- 2>&-", 1)):
            with self.subTest(closed):
                state = self.world.path("state" + closed.replace(" ", ""))
                done = subprocess.run(["bash", "-c", f'exec "$0" monitor --once {closed}', CLIENT], cwd=self.world.folder,
                                      env=self.env(SUBSIDY_STATE=state), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False)
                self.assertEqual(done.returncode, code, done)
                if closed == ">&-":
                    self.assertIn(b"standard output: Bad file descriptor", done.stderr)
                names = [os.path.join(folder, name) for folder, _, names in os.walk(state) for name in names]
                self.assertGreater(len(names), 2)
                for name in names:
                    with open(name, "rb") as file:
                        self.assertNotRegex(file.read(), b"consistent|first contact|standard output")

    def test_an_access_code_that_nobody_read_is_not_granted(self):
        """It is shown once, so an order that grants it may not go out; and that is said."""
        size = self.world.size()
        result = self.print_to_nobody("order", "grant.add", "--set", "subject=auditor", "--set", "holder=审计", "--set",
                                      f"expires={in_days(300)}", "--key", "zhang.key", "--key", "li.key", "--submit")
        self.assertEqual(result.code, 1, result)
        self.assertIn("standard output: Broken pipe", result.err)
        self.assertEqual(self.world.size(), size)

    def test_what_was_sent_stays_sent(self):
        size = self.world.size()
        result = self.print_to_nobody(*self.register, "--submit", "--json")
        self.assertEqual(result.code, -signal.SIGPIPE, result)
        self.assertIn("carried out", result.err)
        self.assertGreater(self.world.size(), size)

    def test_a_monitor_ends_with_its_reader(self):
        reader, writer = os.pipe()
        process = subprocess.Popen([CLIENT, "monitor", "--interval", "1"], cwd=self.world.folder, env=self.env(),
                                   stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        try:
            self.assertIn(b"consistent", os.read(reader, PIPE_SIZE))
            os.close(reader)
            self.world.license("another")
            wait_until(lambda: process.poll() is not None, WAIT_S, "the monitor to end")
        finally:
            process.kill()
            _, err = process.communicate()
        self.assertEqual((process.returncode, err.count(b"\n")), (-signal.SIGPIPE, err.count(b"first contact")), err)


if __name__ == "__main__":
    unittest.main()
