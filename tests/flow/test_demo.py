"""The demo: it ends well, leaves what it promises, and takes its daemon with it."""
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from tests.flow.harness import BUILD, CLIENT, ROOT, run, wait_until

DEMO = [sys.executable, os.path.join(ROOT, "tests", "demo.py"), "--build", BUILD]
NAMES = ("SERVER", "FEED", "CA", "TOKEN", "VKEY", "PID", "CONFIG", "VENUE", "VENUE_KEY", "VENUE2", "VENUE2_KEY",
         "OFFICER_KEYS", "STATE")
FILES = ("CA", "TOKEN", "CONFIG", "VENUE_KEY", "VENUE2_KEY", "STATE")


class Demo(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="subsidy-demo-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.folder = os.path.join(self.top, "with a space")

    def settings(self):
        """What a shell makes of the file."""
        with open(os.path.join(self.folder, "env"), encoding="utf-8") as file:
            return dict(word.split("=", 1) for word in shlex.split(file.read()))

    def is_running(self, pid):
        try:
            return os.readlink(f"/proc/{pid}/exe") == os.path.join(BUILD, "subsidyd")
        except OSError:
            return False

    def test_once(self):
        result = run([*DEMO, "--once", "--dir", self.folder], ROOT)
        self.assertEqual(result.code, 0, result)
        self.assertIn("fen for fen", result.out)
        self.assertIn("\nverified\n", result.out)
        settings = self.settings()
        self.assertEqual(set(settings), {"SUBSIDY_" + name for name in NAMES})
        for name in FILES:
            self.assertTrue(os.path.exists(settings["SUBSIDY_" + name]), name)
        self.assertEqual((settings["SUBSIDY_VENUE"], settings["SUBSIDY_VENUE2"]), ("qddex", "sddex"))
        self.assertFalse(self.is_running(settings["SUBSIDY_PID"]))
        # Every command that was shown can be typed: none names the folder it ran from.
        self.assertNotIn(os.path.join(BUILD, "subsidyd -c"), result.out)
        # And a second time, into the same folder.
        self.assertEqual(run([*DEMO, "--once", "--dir", self.folder], ROOT).code, 0)

    def test_it_runs_until_it_is_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with open(os.path.join(self.top, "out"), "wb") as out:
                demo = subprocess.Popen([*DEMO, "--dir", self.folder], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                        stderr=out, start_new_session=True)
            try:
                wait_until(lambda: self.has_told(demo), 120, "the end of the story")
                settings = self.settings()
                self.assertTrue(self.is_running(settings["SUBSIDY_PID"]))
                env = dict({name: value for name, value in os.environ.items() if not name.startswith("SUBSIDY_")},
                           **settings)
                listed = run([CLIENT, "list", "--json"], self.top, env)
                self.assertEqual(listed.code, 0, listed)
                self.assertGreater(len(listed.json()["enterprises"]), 50)
                again = run([*DEMO, "--once", "--dir", self.folder], ROOT)
                self.assertEqual((again.code, "end it first" in again.err), (1, True), again)
                demo.send_signal(number)
                self.assertEqual(demo.wait(60), 0)
            finally:
                demo.kill()
                demo.wait()
            self.assertFalse(self.is_running(settings["SUBSIDY_PID"]))

    def has_told(self, demo):
        self.assertIsNone(demo.poll(), "the demo has ended")
        with open(os.path.join(self.top, "out"), encoding="utf-8", errors="replace") as out:
            return "Ctrl-C ends it." in out.read()

    def test_a_killed_demo_takes_its_daemon_along(self):
        with open(os.path.join(self.top, "out"), "wb") as out:
            demo = subprocess.Popen([*DEMO, "--dir", self.folder], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=out, start_new_session=True)
        try:
            wait_until(lambda: self.has_told(demo), 120, "the end of the story")
        finally:
            demo.kill()
            demo.wait()
        pid = self.settings()["SUBSIDY_PID"]
        wait_until(lambda: not self.is_running(pid), 30, "the daemon's end")

    def test_a_folder_of_somebody_else_is_left_alone(self):
        os.makedirs(self.folder)
        precious = os.path.join(self.folder, "precious")
        with open(precious, "w", encoding="utf-8") as file:
            file.write("x")
        result = run([*DEMO, "--once", "--dir", self.folder], ROOT)
        self.assertEqual(result.code, 1, result)
        self.assertEqual(os.listdir(self.folder), ["precious"])


if __name__ == "__main__":
    unittest.main()
