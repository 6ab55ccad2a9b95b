"""A world of its own for each test class: certificates, keys, genesis, a running daemon, and a client.

Everything lives in one temporary folder, every wait is bounded, and every process is ended by its own id. Orders and
pushes are made by the independent client in wire.py, so that a test can make them wrong; the real client is run by
World.client.
"""
import csv
import datetime
import http.server
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from tests.flow import wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SUBSIDY_BUILD", os.path.join(ROOT, "build"))
SAMPLE = os.path.join(ROOT, "tests", "sample")
DAEMON = os.path.join(BUILD, "subsidyd")
CLIENT = os.path.join(BUILD, "subsidy")
CORRUPT = os.path.join(BUILD, "tests", "tools", "corrupt")
# Sanitizers and a loaded machine are slow; a healthy start takes a tenth of a second.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
COMMAND_TIMEOUT_S = 300

ORIGIN = "ledger.example/flow"
OFFICERS = (("zhang", "clerk"), ("li", "reviewer"), ("wang", "leader"), ("zhao", "clerk"), ("qian", "auditor"))
QUORUMS = {"default": [["clerk"], ["reviewer", "leader"]], "policy.adopt": [["reviewer"], ["leader"]],
           "grant.add:enterprise": [["clerk"]]}
SIGNERS = {"policy.adopt": ("li", "wang")}
PLAIN_SIGNERS = ("zhang", "li")

OPENSSL_CONFIG = """[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
"""


def certificate_command(name, kind, ca=None):
    """The openssl call that makes NAME.key and NAME.pem; without a ca it signs itself."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-config", "openssl.conf", "-extensions", kind, "-days", "30", "-subj", f"/CN={name}",
               "-keyout", f"{name}.key", "-out", f"{name}.pem"]
    return command + (["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key"] if ca else [])


def read_csv(name):
    with open(os.path.join(SAMPLE, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_json(name):
    with open(os.path.join(SAMPLE, name), encoding="utf-8") as file:
        return json.load(file)


FIRMS = [row["code"] for row in read_csv("firms.csv")]


def in_days(days):
    """A date in Shanghai, counted from today."""
    shanghai = datetime.timezone(datetime.timedelta(hours=8))
    return (datetime.datetime.now(shanghai).date() + datetime.timedelta(days)).isoformat()


def trade(number, supplier=FIRMS[0], buyer=FIRMS[1], amount="106.00", tax="6.00", **changes):
    """A trade row that keeps every rule."""
    row = {"kind": "trade", "trade_no": number, "contract_no": f"合同〔2025〕{number}",
           "contract_hash": wire.sha256(number.encode()).hex(), "contract_kind": "provide", "product_code": "P1",
           "product_name": "数据集", "product_kind": "dataset", "supplier": supplier, "buyer": buyer, "amount": amount,
           "tax": tax, "instalment": "1", "signed_on": "2025-05-05", "settled_on": "2025-05-06",
           "voucher_no": f"V-{number}", "invoice_no": "", "related_declared": "no", "other_subsidy": "no"}
    row.update(changes)
    return row


def refund(number, of, amount="53.00", tax="3.00", **changes):
    row = {"kind": "refund", "adjust_no": number, "original_trade_no": of, "amount": amount, "tax": tax,
           "occurred_on": "2025-06-06", "reason_code": "QUALITY"}
    row.update(changes)
    return row


def records(prefix, count, **changes):
    """Encoded trades PREFIX-0, PREFIX-1 …"""
    return [wire.encode_record(trade(f"{prefix}-{i}", **changes)) for i in range(count)]


def write_csv(path, rows):
    """A file as a venue would export it."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def wait_until(condition, timeout_s, what):
    """The condition's value, once it is true."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        time.sleep(0.01)


class Result:
    """What a command left behind."""

    def __init__(self, command, code, stdout, stderr):
        self.command = command
        self.code = code
        self.out = stdout.decode("utf-8", "replace")
        self.err = stderr.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"<{' '.join(self.command[:4])}… gave {self.code}: {self.out[-500:]!r} {self.err[-1500:]!r}>"


def run(command, cwd, env=None, stdin=None, timeout_s=COMMAND_TIMEOUT_S):
    done = subprocess.run(command, cwd=cwd, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout_s, check=False, stdin=subprocess.DEVNULL if stdin is None else None)
    return Result(command, done.returncode, done.stdout, done.stderr)


def is_sanitized():
    libraries = run(["ldd", DAEMON], "/").out
    return "libasan" in libraries or "libtsan" in libraries


def check(result, code=0):
    """The result; an AssertionError unless it ended with the code."""
    assert result.code == code, result
    return result


class Feed:
    """A venue's own copy of its feed, as an honest venue keeps it."""

    def __init__(self, world, venue, key, generation=1):
        self.world = world
        self.venue = venue
        self.key = key
        self.origin = f"{venue}/{world.ledger_id}/{generation}"
        self.tree = wire.Tree()
        self.records = []

    def body(self, new, start=None, held=None, key=None, origin=None, **message):
        """A push of records behind the first `start` (default: all that is there); `held` signs over another past."""
        start = len(self.records) if start is None else start
        if held is None and start == len(self.records):
            tree = self.tree.copy()
        else:
            tree = wire.Tree(self.records[:start] if held is None else held)
        for record in new:
            tree.add(record)
        return wire.push_body(start, new, wire.feed_note(key or self.key, origin or self.origin, tree), **message)

    def accept(self, new):
        for record in new:
            self.tree.add(record)
            self.records.append(record)

    def push(self, new):
        """Pushes as an honest venue does; the 200 as JSON."""
        answer = self.world.feed.push(self.venue, self.body(new))
        assert answer.status == 200, answer
        self.accept(new)
        return answer.json()


class World:
    """One ledger with its daemon. Use `with`, or close()."""

    def __init__(self, origin=ORIGIN, start=True, **settings):
        self.folder = tempfile.mkdtemp(prefix="subsidy-flow-")
        self.origin = origin
        self.settings = settings
        self.process = None
        self.log_file = None
        self.public = self.feed = self.metrics = None
        self.ledger_id = None
        self.order_count = 0
        self.tokens = {}
        self.feeds = {}
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("SUBSIDY_", "XDG_", "NOTIFY_", "LISTEN_"))}
        self.env.update(HOME=self.folder, LC_ALL="C.UTF-8", SUBSIDY_CA=self.path("ca.pem"),
                        SUBSIDY_STATE=self.path("state"))
        try:
            self.make_certificates()
            self.make_keys()
            self.make_config()
            self.make_ledger()
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        data = content if isinstance(content, bytes) else content.encode()
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    # Making it

    def make_certificates(self):
        self.write("openssl.conf", OPENSSL_CONFIG)
        check(run(certificate_command("ca", "ca"), self.folder))
        check(run(certificate_command("server", "server", "ca"), self.folder))

    def make_client_certificate(self):
        """A certificate of the same CA for the feed listener; its file holds the key too."""
        check(run(certificate_command("venue", "client", "ca"), self.folder))
        return self.write("venue-both.pem", self.read("venue.pem") + self.read("venue.key"))

    def make_keys(self):
        """The ledger's and the officers' keys, made by the client and read by ours."""
        self.new_key(self.origin, "ledger.key")
        for name, _ in OFFICERS:
            self.new_key(name, f"{name}.key")
        self.new_key("zhang", "zhang-2.key")
        self.ledger_key = wire.Key.from_file(self.path("ledger.key"))
        self.officers = {name: wire.Key.from_file(self.path(f"{name}.key")) for name, _ in OFFICERS}
        self.officers["zhang-2"] = wire.Key.from_file(self.path("zhang-2.key"))

    def new_key(self, name, file, *options):
        return check(self.client("key", "new", name, *options, "-o", file)).out.strip()

    def make_config(self, name="subsidyd.conf", **settings):
        """The configuration file, with further lines by section; a value of None leaves a line out."""
        settings = dict(self.settings, **settings)
        sections = {
            "ledger": {"data": "data", "guard": "guard", "key": "ledger.key", "map_size": "1G"},
            "feed": {"listen": "127.0.0.1:0", "certificate": "server.pem", "key": "server.key"},
            "public": {"listen": "127.0.0.1:0", "certificate": "server.pem", "key": "server.key"},
            "metrics": {"listen": "127.0.0.1:0"},
            "run": {"addresses": "addresses", "log": "info"}}
        for section, lines in settings.items():
            sections.setdefault(section, {}).update(lines)
        text = ""
        for section, lines in sections.items():
            text += f"[{section}]\n"
            text += "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)
        return self.write(name, text)

    def genesis_draft(self):
        officers = [{"name": name, "role": role, "keys": [self.officers[name].vkey()]} for name, role in OFFICERS]
        officers[0]["keys"].append(self.officers["zhang-2"].vkey())
        return {"origin": self.origin, "ledger_key": self.ledger_key.vkey(), "officers": officers, "quorums": QUORUMS}

    def make_genesis(self, name="genesis.note"):
        self.write("draft.json", wire.compact(self.genesis_draft()))
        signers = [word for name, _ in OFFICERS for word in ("--key", f"{name}.key")]
        return check(self.client("order", "genesis", "--file", "draft.json", *signers, "-o", name))

    def make_ledger(self):
        self.make_genesis()
        check(self.daemon("init", "-c", "subsidyd.conf", "--genesis", "genesis.note"))

    # Running it

    def start(self, config="subsidyd.conf", timeout_s=START_TIMEOUT_S):
        """Starts the daemon and waits until it is ready."""
        if os.path.exists(self.path("addresses")):
            os.unlink(self.path("addresses"))
        self.spawn(config)
        wait_until(lambda: self.is_there("addresses"), timeout_s, "the addresses file")
        addresses = dict(line.split("=", 1) for line in self.read("addresses").decode().splitlines())
        client_certificate = self.path("venue-both.pem") if os.path.exists(self.path("venue-both.pem")) else None
        self.close_connections()
        self.addresses = addresses
        self.public = wire.Connection(addresses["public"], self.path("ca.pem"))
        self.feed = wire.Connection(addresses["feed"], self.path("ca.pem"), client_certificate)
        self.env.update(SUBSIDY_SERVER="https://" + addresses["public"], SUBSIDY_FEED="https://" + addresses["feed"])
        wait_until(lambda: self.is_alive() and self.public.get("/readyz").status == 200, timeout_s, "/readyz")
        self.ledger_id = self.public.get("/v1/ledger").json()["ledger_id"]
        return self

    def spawn(self, config="subsidyd.conf"):
        self.log_file = open(self.path("log"), "ab")
        self.process = subprocess.Popen([DAEMON, "-c", config], cwd=self.folder, env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file)

    def is_there(self, name):
        return self.is_alive() and os.path.exists(self.path(name))

    def is_alive(self):
        """True; an error with the end of the log where the daemon has ended by itself."""
        code = self.process.poll()
        assert code is None, f"subsidyd ended with {code}: {self.log()[-3000:]}"
        return True

    def log(self):
        return self.read("log").decode("utf-8", "replace")

    def stop(self, code=0):
        """SIGTERM, and the end of it."""
        self.close_connections()
        self.process.send_signal(signal.SIGTERM)
        self.finish(code)

    def finish(self, code):
        """Waits for the daemon's own end."""
        try:
            ended = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            ended = "a timeout"
        self.process = None
        self.log_file.close()
        assert ended == code, f"subsidyd ended with {ended}, not {code}: {self.log()[-3000:]}"

    def kill(self):
        """SIGKILL: what a power cut leaves of a process."""
        self.close_connections()
        self.process.kill()
        self.process.wait()
        self.process = None
        self.log_file.close()

    def restart(self):
        self.stop()
        return self.start()

    def refuses_to_start(self, config="subsidyd.conf"):
        """Runs the daemon where it must end by itself: its exit code and what it said."""
        return run([DAEMON, "-c", config], self.folder, self.env, timeout_s=START_TIMEOUT_S)

    def close_connections(self):
        for connection in (self.public, self.feed):
            if connection is not None:
                connection.close()

    def close(self):
        self.close_connections()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.log_file.close()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def daemon(self, *args):
        return run([DAEMON, *args], self.folder, self.env)

    def client(self, *args, token=None, stdin=None, **environment):
        """Runs the client; `token` is a subject that was granted access."""
        env = dict(self.env, **environment)
        if token is not None:
            env["SUBSIDY_TOKEN"] = self.token_file(token)
        return run([CLIENT, *args], self.folder, env, stdin)

    # Asking it

    def size(self):
        return self.public.get("/v1/ledger").json()["size"]

    def get(self, path, subject=None):
        return self.public.get(path, self.tokens[subject] if subject else None)

    def get_json(self, path, subject=None):
        answer = self.get(path, subject)
        assert answer.status == 200, (path, answer)
        return answer.json()

    def enterprise(self, code, query=""):
        return self.get_json(f"/v1/enterprises/{code}{query}", "bureau")

    def corrupt(self, *args, folder="data"):
        """Goes to the stopped ledger's databases directly; what the tool printed, by line."""
        return check(run([CORRUPT, self.path(folder), *args], self.folder, self.env)).out.splitlines()

    # Acting on it

    def make_order(self, kind, body=None, items=None, signers=None, **changes):
        """A signed order note; `changes` are keys of its JSON."""
        self.order_count += 1
        order = {"id": f"flow-{self.order_count}", "type": kind, "expires": in_days(7), "made_at_size": 1,
                 "body": body or {}}
        origin, ledger_id = changes.pop("origin", self.origin), changes.pop("ledger_id", self.ledger_id)
        order.update(changes)
        text = wire.order_text(origin, ledger_id, order, items)
        names = signers if signers is not None else SIGNERS.get(kind, PLAIN_SIGNERS)
        return wire.sign_note(text, *(self.officers[name] for name in names))

    def order(self, kind, body=None, items=None, **changes):
        """Has an order carried out."""
        answer = self.public.order(self.make_order(kind, body, items, **changes), items or ())
        assert answer.status == 200, answer
        return answer.json()

    def license(self, venue, seed=None, name=None):
        """Licenses a venue with a new Ed25519 key; its feed."""
        key = wire.Key(venue, seed or secrets.token_bytes(32))
        self.write(f"{venue}.key", key.private_text())
        os.chmod(self.path(f"{venue}.key"), 0o600)
        self.order("venue.license", {"venue": venue, "name": name or f"{venue} 交易中心", "keys": [key.vkey()]})
        self.feeds[venue] = Feed(self, venue, key)
        return self.feeds[venue]

    def register(self, firms):
        """`firms`: (code, name, lists)."""
        return self.order("enterprise.register", items=[
            wire.item_register(code, name, lists, secrets.token_hex(16)) for code, name, lists in firms])

    def relate(self, *pairs):
        return self.order("enterprise.relate",
                          items=[wire.item_relate(first, second, secrets.token_hex(16)) for first, second in pairs])

    def adopt(self, policy):
        return self.order("policy.adopt", {"policy": policy})

    def grant(self, *subjects, expires=None):
        """Access codes, kept under their subjects."""
        tokens = {subject: secrets.token_hex(32) for subject in subjects}
        self.order("grant.add", items=[
            wire.item_grant(token, subject, f"{subject} 经办", expires or in_days(300), secrets.token_hex(16))
            for subject, token in tokens.items()])
        self.tokens.update(tokens)

    def token_file(self, subject):
        path = self.path("token-" + subject.replace(":", "-"))
        if not os.path.exists(path):
            self.write(os.path.basename(path), self.tokens[subject] + "\n")
            os.chmod(path, 0o600)
        return path


class Proxy:
    """Stands between client and daemon, with the daemon's own certificate, and may lose or change its answers.

    `change(method, path, answer)` gives the answer to pass on, or None to cut the connection instead.
    """

    def __init__(self, world, upstream, change):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                proxy.pass_on(self, "GET")

            def do_POST(self):
                proxy.pass_on(self, "POST")

            def log_message(self, *_):
                pass

        self.world = world
        self.upstream = upstream
        self.change = change
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(world.path("server.pem"), world.path("server.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def pass_on(self, handler, method):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0))) if method == "POST" else None
        headers = {name: handler.headers[name] for name in ("Content-Type", "Authorization") if name in handler.headers}
        upstream = wire.Connection(self.upstream, self.world.path("ca.pem"))
        answer = self.change(method, handler.path, upstream.request(method, handler.path, body, headers))
        upstream.close()
        handler.close_connection = True
        if answer is None:
            return
        handler.send_response(answer.status)
        for name in ("Content-Type", "Retry-After"):
            if name in answer.headers:
                handler.send_header(name, answer.headers[name])
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def __enter__(self):
        self.thread.start()
        return f"127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FlowTest(unittest.TestCase):
    """Tests that share one world, made once for the class."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.world = World(**cls.settings)
        cls.addClassCleanup(cls.world.close)
        cls.prepare()

    @classmethod
    def tearDownClass(cls):
        """Whatever a class did: the daemon ends by itself, and its ledger verifies."""
        if cls.world.process is not None:
            cls.world.stop()
        check(cls.world.daemon("verify", "-c", "subsidyd.conf"))

    @classmethod
    def prepare(cls):
        """What the class's tests need in their world."""

    def assert_refused(self, answer, status, problem):
        self.assertEqual((answer.status, answer.problem()), (status, problem), answer)
        self.assertIn("application/problem+json", answer.headers.get("Content-Type", ""))
        self.assertEqual(answer.json()["status"], status)
        return answer.json()

    def assert_code(self, result, code):
        self.assertEqual(result.code, code, result)
        return result
