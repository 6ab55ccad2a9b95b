"""Shows a ledger at work: makes one, fills it with the sample world, and leaves it running.

Every command is printed as one would type it, so that what scrolls by is a tutorial. All of it happens in one folder
(build/demo, or --dir), which is made afresh; what a shell needs to go on from there is in its file `env`:
    set -a; . build/demo/env; subsidy list

    python3 tests/demo.py --build build [--once] [--dir DIR]      --once: end instead of waiting for Ctrl-C
"""
import argparse
import ctypes
import json
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from tests import oracle  # noqa: E402
from tests.flow.harness import OPENSSL_CONFIG, QUORUMS, certificate_command, in_days, write_csv  # noqa: E402

SAMPLE = os.path.join(ROOT, "tests", "sample")
ORIGIN = "ledger.example/demo"
OFFICERS = (("zhang", "clerk"), ("li", "reviewer"), ("wang", "leader"))
VENUES = (("qddex", "青岛数据交易所（样例）", "ed25519"), ("sddex", "山东数据交易有限公司（样例）", "sm2"))
# Reaches the cap exactly; goes far beyond it; falls back below it by a refund.
ENTERPRISES = ("91370202MA0XTE011C", "91370202MA0XTE0384", "91370212MA0XTE046E")
POLICIES = ("policy-flat.json", "policy-tiered.json")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
LINE_SIZE = 118
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """What went wrong, for one line on stderr."""


def say(text):
    print(f"\n# {text}", flush=True)


def show(words, is_quoted=False):
    """One command as it would be typed, broken where it is long."""
    line, lines = "$", []
    for word in words if is_quoted else map(shlex.quote, words):
        if len(line) + 1 + len(word) > LINE_SIZE:
            lines.append(line + " \\")
            line = "     "
        line += " " + word
    print("\n".join(lines + [line]), flush=True)


def format_draft(draft):
    """JSON for people: one officer, one quorum a line."""
    lines = {name: json.dumps(value, ensure_ascii=False) for name, value in draft.items()}
    lines["officers"] = "[\n  " + ",\n  ".join(json.dumps(officer) for officer in draft["officers"]) + "\n ]"
    lines["quorums"] = "{\n  " + ",\n  ".join(
        f"{json.dumps(kind)}: {json.dumps(slots)}" for kind, slots in draft["quorums"].items()) + "\n }"
    return "{\n" + ",\n".join(f" {json.dumps(name)}: {line}" for name, line in lines.items()) + "\n}\n"


class Demo:
    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.process = None
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("SUBSIDY_")}
        # The user's own settings are another ledger's affair.
        self.env.update(XDG_CONFIG_HOME=folder, LC_ALL="C.UTF-8")
        self.settings = {}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def program(self, words):
        """The words with the program of our build."""
        if words[0] in ("subsidy", "subsidyd"):
            return [os.path.join(self.build, words[0]), *words[1:]]
        return list(words)

    def run(self, *words, is_quiet=False):
        """Runs a command in the folder; any exit code but 0 is the demo's end."""
        show(words)
        kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if is_quiet else {}
        done = subprocess.run(self.program(words), cwd=self.folder, env=self.env, check=False,
                              stdin=subprocess.DEVNULL, **kept)
        if done.returncode != 0:
            raise Failure(f"{shlex.join(words)} ended with {done.returncode}"
                          + (": " + done.stdout.decode() if is_quiet else ""))

    def ask(self, *words):
        """What a command prints as JSON; not shown."""
        done = subprocess.run(self.program([*words, "--json"]), cwd=self.folder, env=self.env, check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def export(self, **settings):
        for name, value in settings.items():
            show(("export", f"{name}={value}"))
        self.settings.update(settings)
        self.env.update(settings)

    # The folder

    def make_folder(self):
        """An empty one. What is not a demo's is never deleted, nor one whose daemon still runs."""
        if os.path.isdir(self.folder) and os.listdir(self.folder):
            if not os.path.exists(self.path("demo.conf")):
                raise Failure(f"{self.folder} is not empty, and not a demo's; name another folder")
            if self.is_running(self.read("pid").strip() if os.path.exists(self.path("pid")) else ""):
                raise Failure(f"a demo runs in {self.folder}; end it first, or name another folder")
            shutil.rmtree(self.folder)
        os.makedirs(self.folder, exist_ok=True)
        for name in ("firms.csv", "relations.csv", *POLICIES, *(f"{venue}.csv" for venue, _, _ in VENUES)):
            shutil.copy(os.path.join(SAMPLE, name), self.folder)

    @staticmethod
    def is_running(pid):
        try:
            return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "subsidyd"
        except OSError:
            return False

    def make_config(self, feed="127.0.0.1:0", public="127.0.0.1:0"):
        self.write("demo.conf", f"""[ledger]
data = data
guard = guard
key = ledger.key
heads_key = heads.key
map_size = 1G
[feed]
listen = {feed}
certificate = server.pem
key = server.key
[public]
listen = {public}
certificate = server.pem
key = server.key
[run]
addresses = addresses
""")

    # The daemon

    def start(self):
        show(("subsidyd", "-c", "demo.conf", "&"), is_quoted=True)
        if os.path.exists(self.path("addresses")):
            os.unlink(self.path("addresses"))
        libc = ctypes.CDLL(None)
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                self.program(["subsidyd", "-c", "demo.conf"]), cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                # Even where the demo itself is killed, the daemon does not outlive it.
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        self.write("pid", f"{self.process.pid}\n")
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            if self.process.poll() is not None:
                raise Failure(f"subsidyd ended with {self.process.returncode}:\n{self.read('log')[-2000:]}")
            if time.monotonic() > deadline:
                raise Failure(f"subsidyd was not ready within {START_TIMEOUT_S} s")
            time.sleep(0.02)

    def addresses(self):
        return dict(line.split("=", 1) for line in self.read("addresses").splitlines())

    def is_ready(self):
        if not os.path.exists(self.path("addresses")):
            return False
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        url = f"https://{self.addresses()['public']}/readyz"
        try:
            with urllib.request.urlopen(url, context=context, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """SIGTERM to our own child, and its end; a child that doesn't is killed."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if os.path.exists(self.path("pid")):
            os.unlink(self.path("pid"))
        if process.returncode != 0:
            raise Failure(f"subsidyd ended with {process.returncode}:\n{self.read('log')[-2000:]}")

    # The story

    def make_keys(self):
        say("Certificates for TLS, of an authority of our own.")
        self.write("openssl.conf", OPENSSL_CONFIG)
        self.run(*certificate_command("ca", "ca"), is_quiet=True)
        self.run(*certificate_command("server", "server", "ca"), is_quiet=True)
        say("Keys: the ledger's, the officers', the venues'. A key file never leaves its owner; what is printed is "
            "public.")
        self.run("subsidy", "key", "new", ORIGIN, "-o", "ledger.key")
        self.run("subsidy", "key", "new", f"{ORIGIN}/heads", "-o", "heads.key")
        for name, _ in OFFICERS:
            self.run("subsidy", "key", "new", name, "-o", f"{name}.key")
        for venue, _, kind in VENUES:
            self.run("subsidy", "key", "new", venue, "--type", kind, "-o", f"{venue}.key")

    def make_ledger(self):
        say("Genesis: who the officers are, and which of them must sign what. Every one of them signs it.")
        officers = [{"name": name, "role": role, "keys": [self.vkey(name)]} for name, role in OFFICERS]
        draft = {"origin": ORIGIN, "ledger_key": self.vkey("ledger"), "officers": officers, "quorums": QUORUMS}
        self.write("genesis.json", format_draft(draft))
        show(("cat", "genesis.json"))
        print(self.read("genesis.json"), end="", flush=True)
        keys = [word for name, _ in OFFICERS for word in ("--key", f"{name}.key")]
        self.run("subsidy", "order", "genesis", "--file", "genesis.json", *keys, "-o", "genesis.note")
        self.make_config()
        show(("cat", "demo.conf"))
        print(self.read("demo.conf"), end="", flush=True)
        self.run("subsidyd", "init", "-c", "demo.conf", "--genesis", "genesis.note")
        self.run("subsidyd", "check", "-c", "demo.conf")
        self.start()
        addresses = self.addresses()
        # A restart is to find the same ports.
        self.make_config(addresses["feed"], addresses["public"])
        say("The client learns where the ledger is, and whose key it has.")
        self.export(SUBSIDY_SERVER=f"https://{addresses['public']}", SUBSIDY_FEED=f"https://{addresses['feed']}",
                    SUBSIDY_CA=self.path("ca.pem"), SUBSIDY_STATE=self.path("state"), SUBSIDY_VKEY=self.vkey("ledger"))

    def vkey(self, name):
        return self.ask("subsidy", "key", "show", f"{name}.key")["vkey"]

    def order(self, *words, signers=("zhang", "li")):
        keys = [word for name in signers for word in ("--key", f"{name}.key")]
        self.run("subsidy", "order", *words, *keys, "--submit")

    def give_orders(self):
        say("Venues are licensed by order. One officer makes it, another looks at it and signs, anyone may hand it in.")
        (venue, name, _), (other, other_name, _) = VENUES
        self.run("subsidy", "order", "venue.license", "--set", f"venue={venue}", "--set", f"name={name}", "--set",
                 f"key={self.vkey(venue)}", "--key", "zhang.key", "-o", "license.order")
        self.run("subsidy", "order", "show", "license.order")
        self.run("subsidy", "order", "sign", "license.order", "--key", "li.key")
        self.run("subsidy", "order", "submit", "license.order", "--receipt", "license.tlog-proof")
        say("Or all in one act.")
        self.order("venue.license", "--set", f"venue={other}", "--set", f"name={other_name}", "--set",
                   f"key={self.vkey(other)}")
        say("The register of enterprises, and who of them is related to whom.")
        self.order("enterprise.register", "--file", "firms.csv")
        self.order("enterprise.relate", "--file", "relations.csv")
        say("Two policies. Their rates are assumed; every figure that comes of them says so.")
        for policy in POLICIES:
            self.order("policy.adopt", "--file", policy, signers=("li", "wang"))
        say("The ledger's key for claims: with it the ledger signs where an enterprise's chain of entries ends.")
        self.order("log.key", "--set", f"add={self.vkey('heads')}", "--set", "reason=首次公布")
        say("Access codes for readers. They are made here, and the ledger learns their hashes alone.")
        subjects = ["bureau", "auditor", *(f"venue:{venue}" for venue, _, _ in VENUES), *ENTERPRISES]
        write_csv(self.path("grants.csv"), [{"subject": subject, "holder": f"{subject} 经办", "expires": in_days(300)}
                                            for subject in subjects])
        self.order("grant.add", "--file", "grants.csv", "--tokens-dir", "tokens")
        self.tokens = {subject: self.path("tokens", subject.replace(":", "-") + ".token") for subject in subjects}

    def push(self):
        say("The venues push their trades and refunds: signed, in one go or in many, and safe to repeat.")
        self.run("subsidy", "push", "qddex", "qddex.csv", "--check")
        for venue, _, _ in VENUES:
            self.run("subsidy", "push", venue, f"{venue}.csv", "--key", f"{venue}.key", "--receipts", "receipts")
        self.run("subsidy", "push", "qddex", "qddex.csv", "--key", "qddex.key", "--receipts", "receipts")

    def look(self):
        say("What the bureau sees.")
        self.export(SUBSIDY_TOKEN=self.tokens["bureau"])
        self.run("subsidy", "overview")
        self.run("subsidy", "list", "--sort", "award")
        self.run("subsidy", "show", ENTERPRISES[0])
        say("How one figure comes about, step by step; and what a venue sent that does not count.")
        self.run("subsidy", "explain", ENTERPRISES[2], "--policy", "qd-2025-47-5")
        self.run("subsidy", "feed", "qddex", "--not-counted")

    def compare(self):
        """Every award against an independent computation."""
        world = oracle.read_world(SAMPLE)
        listed = {row["code"]: row for row in self.ask("subsidy", "list", "--all")["enterprises"]}
        for name in POLICIES:
            policy = oracle.read_policy(os.path.join(SAMPLE, name))
            results = oracle.oracle(world, policy)["enterprises"]
            if set(results) != set(listed):
                raise Failure("the list does not name the enterprises of the sample")
            for code, result in results.items():
                row = next(row for row in listed[code]["policies"] if row["policy"] == policy["policy"])
                expected = oracle.format_fen(result["award_fen"])
                if row["award"] != expected:
                    raise Failure(f"{code} under {policy['policy']}: the ledger says {row['award']}, "
                                  f"the oracle {expected}")
        say(f"Compared with tests/oracle.py: {len(listed)} enterprises under {len(POLICIES)} policies agree, "
            "fen for fen.")

    def prove(self):
        say("What an enterprise keeps: every entry that concerned it, proven; checked without asking anybody.")
        self.run("subsidy", "statement", ENTERPRISES[0], "-o", "statement")
        self.run("subsidy", "verify", "statement")

    def verify(self):
        say("Anyone who has the data can prove them: replay everything, compare everything. The daemon stops for it.")
        show(("kill", str(self.process.pid)))
        self.stop()
        self.run("subsidyd", "verify", "-c", "demo.conf")
        self.start()
        self.run("subsidy", "show", ENTERPRISES[1])

    def write_env(self):
        (venue, _, _), (other, _, _) = VENUES
        settings = dict(
            self.settings, SUBSIDY_PID=str(self.process.pid), SUBSIDY_CONFIG=self.path("demo.conf"),
            SUBSIDY_VENUE=venue, SUBSIDY_VENUE_KEY=self.path(f"{venue}.key"), SUBSIDY_VENUE2=other,
            SUBSIDY_VENUE2_KEY=self.path(f"{other}.key"),
            SUBSIDY_OFFICER_KEYS=" ".join(self.path(f"{name}.key") for name, _ in OFFICERS))
        self.write("env", "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()))

    def tell(self):
        say("Running.")
        for name, address in self.addresses().items():
            print(f"{name:8} https://{address}")
        print(f"log      {self.path('log')}\n")
        for subject, file in self.tokens.items():
            with open(file, encoding="utf-8") as text:
                print(f"{subject:20} {text.read().strip()}")
        print(f"\nIn another shell:\n$ export PATH={shlex.quote(self.build)}:$PATH\n"
              f"$ set -a; . {shlex.quote(self.path('env'))}; set +a\n$ subsidy list", flush=True)

    def play(self):
        show(("export", f"PATH={shlex.quote(self.build)}:$PATH"), is_quoted=True)
        show(("cd", self.folder))
        self.make_keys()
        self.make_ledger()
        self.give_orders()
        self.push()
        self.look()
        self.compare()
        self.prove()
        self.verify()
        self.write_env()

    def wait(self):
        """Until somebody has seen enough."""
        print("\nCtrl-C ends it.", flush=True)
        code = self.process.wait()
        self.process = None
        raise Failure(f"subsidyd ended with {code}:\n{self.read('log')[-2000:]}")


def on_signal(number, _):
    raise KeyboardInterrupt(number)


def main():
    parser = argparse.ArgumentParser(description="Makes a ledger, fills it with the sample world, leaves it running.")
    parser.add_argument("--build", default="build", help="folder of the programs")
    parser.add_argument("--dir", help="folder of the demo; by default demo in the build folder")
    parser.add_argument("--once", action="store_true", help="end where it would wait")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    demo = Demo(build, os.path.abspath(args.dir or os.path.join(build, "demo")))
    # SIGINT too: a shell that starts this in the background has it ignored, and Python keeps to that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    code = 1
    try:
        demo.make_folder()
        try:
            demo.play()
            if not args.once:
                demo.tell()
                demo.wait()
            code = 0
        except KeyboardInterrupt:
            code = 0 if os.path.exists(demo.path("env")) else 1
            print(flush=True)
        finally:
            demo.stop()
        say("The demo is over; its folder stays.")
    except (Failure, subprocess.SubprocessError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
