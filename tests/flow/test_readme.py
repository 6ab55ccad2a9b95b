"""README.md is typed as it stands: every command of its chapters, with the files that it shows.

What is replaced are its placeholders (CODE, VKEY …) and the paths and addresses of a real machine. A command that is
added to one of these chapters and typed by no test fails here.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from tests.flow.harness import (BUILD, COMMAND_TIMEOUT_S, ROOT, SAMPLE, STOP_TIMEOUT_S, World, check, in_days, run,
                                wait_until, write_csv)

ENTERPRISE = "91370202MA0XTE02X4"
WATCH_S = 60


def read_readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


class Chapter:
    """The commands of one chapter, in blocks and in sentences; each is taken once."""

    def __init__(self, title, *apart):
        """`apart`: beginnings of commands that stand in its sentences and are typed elsewhere, or not at all."""
        self.text = read_readme().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert self.text, title
        self.blocks = re.findall(r"^```(\w*)\n(.*?)^```", self.text, re.M | re.S)
        self.lines = [line for kind, block in self.blocks if not kind for line in block.splitlines()]
        prose = re.sub(r"^```.*?^```", "", self.text, flags=re.M | re.S)
        self.lines += [words for words in re.findall(r"`(subsidyd? [^`]*[A-Z][^`]*)`", prose)
                       if not words.startswith(apart)]

    def take(self, start):
        """The one command left that begins so."""
        line = next((line for line in self.lines if line.startswith(start)), None)
        assert line is not None, (start, self.lines)
        self.lines.remove(line)
        return line

    def file(self, kind, number=0):
        return [block for its_kind, block in self.blocks if its_kind == kind][number]


def replace(text, places):
    """`text` with each placeholder replaced; one that isn't there is an error."""
    for old, new in places.items():
        assert old in text, (old, text)
        text = text.replace(old, new)
    return text


class Typist:
    """A shell in a folder, with both programs in its path."""

    def __init__(self, folder, env):
        self.folder = folder
        self.env = dict(env, PATH=BUILD + os.pathsep + os.environ["PATH"])

    def type(self, command, **places):
        return check(run(["bash", "-c", "set -e\n" + replace(command, places)], self.folder, self.env))

    def go_on(self, command, name, **places):
        """Types a command that does not end by itself; what it says goes into a file."""
        with open(os.path.join(self.folder, name), "wb") as out:
            return subprocess.Popen(["bash", "-c", "exec " + replace(command, places)], cwd=self.folder, env=self.env,
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_TIMEOUT_S)
    finally:
        process.kill()
        process.wait()


class Written(World):
    """A ledger by the chapter "Running it for real": its keys, its genesis, its configuration."""

    addresses = {}

    def make_keys(self):
        self.typist = Typist(self.folder, self.env)
        self.chapter = Chapter("Running it for real", "subsidy monitor", "subsidyd verify", "subsidyd init")
        self.chapter.take("make && make install")  # test_service installs
        self.type(self.chapter.take("subsidy key new subsidy.example.gov.cn"))
        for_each = self.chapter.take("subsidy key new li -o li.key")
        self.type(for_each)
        self.type(for_each.replace("li", "zhao"))

    def type(self, command, **places):
        return self.typist.type(command, **places)

    def vkey(self, file):
        return check(self.client("key", "show", file)).out.strip()

    def make_config(self, name="subsidyd.conf", extra="", **ledger):
        """README's configuration; `ledger` replaces values there, `extra` stands behind it. Ports once given are kept."""
        feed, public, metrics = (self.addresses.get(door, "127.0.0.1:0") for door in ("feed", "public", "metrics"))
        places = {"/var/lib/subsidyd/ledger": "data", "/var/lib/subsidyd-guard/guard": "guard",
                  "/etc/subsidyd/ledger.key": "ledger.key", "/etc/subsidyd/tls.crt": "server.pem",
                  "/etc/subsidyd/tls.key": "server.key", "/etc/subsidyd/venues-ca.crt": "ca.pem", "0.0.0.0:8443": feed,
                  "0.0.0.0:443": public, "127.0.0.1:9090": metrics, "map_size = 1T": "map_size = 1G"}
        places.update(ledger)
        return self.write(name, replace(self.chapter.file("ini"), places) + "addresses = addresses\n" + extra)

    def make_draft(self, name, key, **places):
        """README's draft of a genesis, with real keys in the order in which it names them."""
        text = replace(self.chapter.file("json"), places)
        for file in (key, "li.key", "zhao.key"):
            text = text.replace("<vkey>", self.vkey(file), 1)
        assert "<vkey>" not in text, text
        self.write(name, text)

    def make_ledger(self):
        self.make_client_certificate()
        self.env["SUBSIDY_CERT"] = self.path("venue-both.pem")
        self.make_draft("genesis.json", "ledger.key")
        self.type(self.chapter.take("subsidy order genesis"))
        self.type(self.chapter.take("subsidyd check"))
        self.type(self.chapter.take("subsidyd init"))
        assert self.chapter.take("subsidyd -c") == "subsidyd -c subsidyd.conf"

    def start(self, config="subsidyd.conf", **_):
        super().start(config)
        self.typist.env.update(self.env, PATH=self.typist.env["PATH"])
        return self

    def order(self, *words):
        return check(self.client("order", *words, "--key", "li.key", "--key", "zhao.key", "--submit"))

    def push(self, name, *more):
        return check(self.client("push", "qddex", name, "--key", "qddex.key", "--receipts", "receipts", *more))


class Real(unittest.TestCase):
    """From an empty folder to a ledger that continues a lost one."""

    def setUp(self):
        self.world = world = Written(origin="subsidy.example.gov.cn/ledger1")
        self.addCleanup(world.close)
        self.assertEqual(world.chapter.lines, [])
        world.make_config()  # with its ports, for whoever remembers them
        world.typist.env["SUBSIDY_VKEY"] = world.vkey("ledger.key")
        for venue, name in (("qddex", "青岛数据交易所（样例）"), ("sddex", "山东数据交易有限公司（样例）")):
            world.new_key(venue, f"{venue}.key")
            world.order("venue.license", "--set", f"venue={venue}", "--set", f"name={name}", "--set",
                        f"key={world.vkey(venue + '.key')}")
        world.order("enterprise.register", "--file", os.path.join(SAMPLE, "firms.csv"))
        world.order("policy.adopt", "--file", os.path.join(SAMPLE, "policy-flat.json"))
        write_csv(world.path("grants.csv"), [{"subject": subject, "holder": "经办", "expires": in_days(300)}
                                             for subject in ("bureau", "auditor", ENTERPRISE)])
        world.order("grant.add", "--file", "grants.csv", "--tokens-dir", "tokens")
        shutil.copy(world.path("tokens", f"{ENTERPRISE}.token"), world.path("own.token"))
        shutil.copy(world.path("tokens", "auditor.token"), world.path("auditor.token"))
        world.typist.env["SUBSIDY_TOKEN"] = world.path("tokens", "bureau.token")
        with open(os.path.join(SAMPLE, "qddex.csv"), encoding="utf-8") as file:
            self.rows = file.read().splitlines(True)
        world.write("part.csv", "".join(self.rows[:200]))
        world.push("part.csv")

    def restart(self, extra=None, **ledger):
        self.extra = self.extra if extra is None else extra
        self.world.stop()
        self.world.make_config(extra=self.extra, **ledger)
        self.world.start()

    def watch(self, name, command):
        """A monitor as on a machine of its own: it is given the key of today, and follows its changes."""
        world = self.world
        typist = Typist(world.folder, dict(world.typist.env, SUBSIDY_STATE=world.path("state-" + name)))
        process = typist.go_on(command + " --interval 1", name + ".out")
        self.addCleanup(process.kill)
        return process

    def has_cosigned(self):
        """Whether the published head is the latest one, with the witness's line."""
        note = self.world.public.get("/checkpoint").body.decode()
        return int(note.split("\n")[1]) == self.world.size() and "\n— witness.qddex.example " in note

    def test_proofs_watchers_and_keys(self):
        world, chapter = self.world, Chapter("Proofs, watchers and keys")
        # The witness first, for the statement's policy asks for it.
        world.type(chapter.take("subsidy key new witness.qddex.example"))
        world.write("witnesses.policy", f"log {world.vkey('ledger.key')}\nwitness qddex {world.vkey('witness.key')}\n"
                                        "quorum qddex\n")
        self.restart("[witness]\npolicy = witnesses.policy\ninterval = 1\ntimeout = 60\n")
        monitors = [self.watch("witness", chapter.take("subsidy monitor --key")),
                    self.watch("watcher", chapter.take("subsidy monitor --hook"))]
        wait_until(self.has_cosigned, WATCH_S, "a cosigned head")
        self.keep_a_proof(chapter)
        self.change_keys(chapter)
        self.assertEqual([monitor.poll() for monitor in monitors], [None, None])
        # A stolen key: what it signed from that entry on is held, and what came before is not.
        start = world.size()
        world.write("more.csv", "".join(self.rows[:230]))
        # The exchange slept through the change of keys: it is told, and says the new key from paper once.
        self.assertEqual(world.client("push", "qddex", "more.csv", "--key", "qddex.key").code, 6)
        world.push("more.csv", "--vkey", world.vkey("ledger-next.key"))
        world.type(chapter.take("subsidy order venue.distrust"), VKEY=f"'{world.vkey('qddex.key')}'", INDEX=str(start))
        self.assertRegex(world.type(chapter.take("subsidy feed qddex")).out, "(?m)^ .*distrust|held")
        world.type(chapter.take("subsidy export mirror"))
        self.assertIn("verified", world.type(chapter.take("subsidyd verify --export")).out)
        self.assertEqual(chapter.lines, [])
        for name, monitor in zip(("witness", "watcher"), monitors):
            self.assertEqual(end(monitor), 0, world.read(name + ".out"))

    def keep_a_proof(self, chapter):
        world = self.world
        world.type(chapter.take("subsidy statement"), CODE=ENTERPRISE)
        for option in ("--vkey", "--policy"):
            command = chapter.take("subsidy verify statement-2026-11 " + option)
            self.assertIn(ENTERPRISE, world.type(command).out)
        world.type(chapter.take("subsidy receipt check"))

    def change_keys(self, chapter):
        world, old, key = self.world, "ledger.key", "/etc/subsidyd/ledger.key"
        world.type(chapter.take("subsidy key new subsidy.example.gov.cn/ledger1"))
        policy = world.read("witnesses.policy")
        world.write("witnesses.policy", policy + f"log {world.vkey('ledger-next.key')}\n".encode())
        self.restart(**{key: "ledger.key\nnext_key = ledger-next.key"})
        world.type(chapter.take("subsidy order log.key --set add"))
        told = world.get_json("/v1/ledger")["vkeys"]
        self.assertEqual(told, [world.vkey(old), world.vkey("ledger-next.key")])
        # Whoever watches meanwhile takes the next one over.
        wait_until(self.has_cosigned, WATCH_S, "a head with both keys")
        wait_until(lambda: all(world.vkey("ledger-next.key") in self.pins(name) for name in ("witness", "watcher")), WATCH_S,
                   "the monitors to take the next key over")
        world.type(chapter.take("subsidy order log.key --set retire"))
        self.assertEqual(world.get_json("/v1/ledger")["vkeys"], told[1:])
        self.restart(**{key: "ledger-next.key"})
        world.typist.env["SUBSIDY_VKEY"] = told[1]

    def pins(self, name):
        """What a monitor remembers of the ledger."""
        folder = self.world.path("state-" + name)
        return "".join(self.world.read(os.path.join(folder, file)).decode() for file in os.listdir(folder)
                       if file.startswith("ledger-"))

    def test_backup_and_restore(self):
        world, chapter = self.world, Chapter("Backup and restore", "subsidy push")
        os.mkdir(world.path("backup"))
        # The nightly one, as systemd has it: %% is its %.
        command = re.search(r"^ExecStart=(.*)$", chapter.file("ini"), re.M)[1]
        world.type(replace(command, {"%%": "%", "/usr/local/sbin/": "", "/etc/subsidyd/": "", "/backup/": "backup/"}))
        (night,) = os.listdir(world.path("backup"))
        self.assertEqual(night, time.strftime("%Y-%m-%d"))
        world.write("all.csv", "".join(self.rows))
        world.push("all.csv")
        size = world.size()
        world.type(chapter.take("subsidyd backup"), FILE="subsidyd.conf", DEST="newest")
        whole = world.type("subsidy list --all --json").json()["enterprises"]
        # The disk is gone; then it is gone with the newest backup.
        world.stop()
        shutil.rmtree(world.path("data"))
        restore = chapter.take("subsidyd restore -c FILE BACKUP")
        refused = world.daemon(*replace(restore, {"FILE": "subsidyd.conf", "BACKUP": f"backup/{night}"}).split()[1:])
        self.assertEqual(refused.code, 9, refused)
        self.assertIn(str(size), refused.err)
        world.type(restore, FILE="subsidyd.conf", BACKUP="newest")
        world.start()
        self.assertEqual(world.size(), size)
        self.assertEqual(world.type("subsidy list --all --json").json()["enterprises"], whole)
        world.stop()
        os.rename(world.path("subsidyd.conf"), world.path("old.conf"))
        shutil.rmtree(world.path("data"))
        self.go_on_as_another(chapter, f"backup/{night}")
        self.assertEqual(chapter.lines, [])
        self.assertEqual(world.type("subsidy list --all --json").json()["enterprises"], whole)
        world.stop()
        check(world.daemon("verify", "-c", "new.conf"))

    def go_on_as_another(self, chapter, backup):
        world = self.world
        world.type(chapter.take("subsidyd restore -c old.conf"), BACKUP=backup)
        world.type(chapter.take("subsidy key new subsidy.example.gov.cn/ledger2"))
        world.make_draft("genesis2.json", "ledger2.key", **{"/ledger1": "/ledger2"})
        world.type(chapter.take("subsidy order genesis"))
        world.make_config("new.conf", **{"/var/lib/subsidyd/ledger": "data2", "/var/lib/subsidyd-guard/guard": "guard2",
                                         "/etc/subsidyd/ledger.key": "ledger2.key"})
        world.type(chapter.take("subsidyd restore -c new.conf"), BACKUP=backup)
        world.start("new.conf")
        self.assertEqual(world.get_json("/v1/ledger")["origin"], "subsidy.example.gov.cn/ledger2")
        # Who remembers the old ledger is told, and goes on when he has compared the keys.
        world.typist.env["SUBSIDY_VKEY"] = world.vkey("ledger2.key")
        told = world.client("push", "qddex", "all.csv", "--key", "qddex.key")
        self.assertEqual(told.code, 6, told)
        for door in ("feed", "public"):
            remembered = world.path("state", "ledger-" + world.addresses[door])
            if os.path.exists(remembered):
                os.unlink(remembered)
        world.push("all.csv")


class Tour(unittest.TestCase):
    """The first chapters, in a demo that runs."""

    def test_five_minutes_three_desks(self):
        folder = tempfile.mkdtemp(prefix="subsidy-readme-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(os.path.join(ROOT, "tests"), os.path.join(folder, "tests"))
        for program in ("subsidy", "subsidyd"):
            os.symlink(os.path.join(BUILD, program), os.path.join(folder, "build", program))
        with open(os.path.join(folder, "out"), "wb") as out:
            demo = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests", "demo.py"), "--build", BUILD, "--dir",
                                     os.path.join(folder, "build", "demo")], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    start_new_session=True)
        try:
            wait_until(lambda: self.has_told(demo, folder), COMMAND_TIMEOUT_S, "the end of the story")
            self.type_all(folder)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(STOP_TIMEOUT_S)

    def has_told(self, demo, folder):
        self.assertIsNone(demo.poll(), "the demo has ended")
        with open(os.path.join(folder, "out"), encoding="utf-8", errors="replace") as out:
            return "Ctrl-C ends it." in out.read()

    def type_all(self, folder):
        """One shell for all of it, as a newcomer has; it ends at the first command that fails."""
        chapter = Chapter("Five minutes, three desks")
        script = "\n".join(chapter.lines)
        env = {name: value for name, value in os.environ.items() if not name.startswith("SUBSIDY_")}
        env.update(HOME=folder, LC_ALL="C.UTF-8")
        done = check(run(["bash", "-e", "-o", "pipefail", "-c", script.replace("CODE", ENTERPRISE)], folder, env))
        self.assertIn(ENTERPRISE, done.out)
        self.assertTrue(os.path.exists(os.path.join(folder, "statement-2026-11", "statement.json")))
        self.assertIn("verified", done.out)


if __name__ == "__main__":
    unittest.main()
