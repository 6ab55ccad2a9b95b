"""The daemon as a service manager runs it: sockets passed on, messages sent back, certificates renewed, its log."""
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import unittest

from tests.flow import wire
from tests.flow.harness import (DAEMON, FIRMS, ORIGIN, ROOT, FlowTest, World, certificate_command, check, in_days,
                                records, run, wait_until)

LISTENERS = ("feed", "public", "metrics")
# What systemd does between fork and exec: descriptors from 3 on, and variables for this very process.
LAUNCHER = """
import fcntl, os, sys
names, fds, command = sys.argv[1], [int(fd) for fd in sys.argv[2].split(",")], sys.argv[3:]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
for position, fd in enumerate(high):
    os.dup2(fd, 3 + position, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


def listen(address="127.0.0.1", family=socket.AF_INET):
    made = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind((address, 0))
    made.listen(64)
    return made


def launch_command(sockets, config):
    """`sockets`: pairs of a name and a socket, in the order they are passed."""
    return [sys.executable, "-c", LAUNCHER, ":".join(name for name, _ in sockets),
            ",".join(str(made.fileno()) for _, made in sockets), DAEMON, "-c", config]


class ManagedWorld(World):
    """A world whose daemon is started as systemd would: three sockets by name, and a socket for messages."""

    def __init__(self, **settings):
        self.sockets = [("metrics", listen()), ("feed", listen()), ("public", listen())]
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(0.05)
        self.messages = []
        without = {name: {"listen": None} for name in LISTENERS}
        super().__init__(start=False, **dict(without, **settings))
        self.notify.bind(self.path("notify"))
        self.env["NOTIFY_SOCKET"] = self.path("notify")

    def spawn(self, config="subsidyd.conf"):
        self.log_file = open(self.path("log"), "ab")
        self.process = subprocess.Popen(launch_command(self.sockets, config), cwd=self.folder, env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file,
                                        pass_fds=[made.fileno() for _, made in self.sockets])

    def told(self, message):
        """Whether a message that begins so has come in."""
        try:
            while True:
                self.messages.append(self.notify.recv(4096).decode())
        except TimeoutError:
            pass
        return any(line.startswith(message) for line in self.messages)

    def close(self):
        super().close()
        self.notify.close()
        for _, made in self.sockets:
            made.close()


class Inherited(unittest.TestCase):
    def setUp(self):
        self.world = ManagedWorld()
        self.addCleanup(self.world.close)

    def test_passed_sockets_are_served_and_survive_a_restart(self):
        world = self.world
        world.start()
        ports = {name: made.getsockname()[1] for name, made in world.sockets}
        for name in LISTENERS:
            self.assertEqual(world.addresses[name], f"127.0.0.1:{ports[name]}")
        self.assertEqual(world.feed.get("/healthz").status, 200)
        world.stop()
        # Nobody is turned away meanwhile: the socket is the manager's, and whoever comes waits.
        waiting = socket.create_connection(("127.0.0.1", ports["metrics"]), timeout=30)
        waiting.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        world.start()
        self.assertTrue(waiting.recv(100).startswith(b"HTTP/1.1 200 "))
        waiting.close()

    def test_the_manager_is_told_how_it_goes(self):
        world = self.world
        world.start()
        self.assertTrue(world.told("READY=1"))
        wait_until(lambda: world.told("STATUS=1 entries; no push since the start"), 20, "a status")
        wait_until(lambda: world.told("WATCHDOG=1") and world.messages.count("WATCHDOG=1") > 1, 20, "signs of life")
        world.license("qddex").push(records("t", 3))
        size = world.size()
        wait_until(lambda: world.told(f"STATUS={size} entries; last push 20"), 30, "a newer status")
        self.assertFalse(world.told("STOPPING=1"))
        world.stop()
        self.assertTrue(world.told("STOPPING=1"))
        self.assertLess(world.messages.index("READY=1"), world.messages.index("STOPPING=1"))

    def test_an_address_of_both_kinds_shows_peers_of_the_older_one(self):
        world = self.world
        world.sockets[2][1].close()
        world.sockets[2] = ("public", listen("::", socket.AF_INET6))
        world.spawn()
        wait_until(lambda: world.is_there("addresses"), 60, "the addresses file")
        port = world.sockets[2][1].getsockname()[1]
        self.assertIn(f"public=[::]:{port}\n", world.read("addresses").decode())
        connection = wire.Connection(f"127.0.0.1:{port}", world.path("ca.pem"))
        self.assertEqual(connection.get("/v1/overview").status, 401)
        connection.close()
        self.assertIn(" peer=127.0.0.1 listener=public ", world.log())

    def test_what_no_listener_can_use_is_refused(self):
        world = self.world
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram.bind(("127.0.0.1", 0))
        open_to_all = listen("0.0.0.0")
        self.addCleanup(datagram.close)
        self.addCleanup(open_to_all.close)
        for sockets, word in (
                ([("feed", world.sockets[1][1])], "no socket named public was passed"),
                ([("public", world.sockets[0][1])], "no socket named feed was passed"),
                (world.sockets + [("portal", world.sockets[0][1])], "'portal'"),
                (world.sockets + [("feed", world.sockets[0][1])], "two sockets named 'feed'"),
                ([("feed", datagram), ("public", world.sockets[2][1])], "expected a listening TCP socket"),
                ([("feed", open_to_all), ("public", world.sockets[2][1])], "expected client_ca"),
                (world.sockets[1:] + [("metrics", open_to_all)], "metrics are not protected")):
            done = subprocess.run(launch_command(sockets, "subsidyd.conf"), cwd=world.folder, env=world.env,
                                  capture_output=True, timeout=60, check=False,
                                  pass_fds=[made.fileno() for _, made in sockets])
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(word, done.stderr.decode(), word)
        self.assertFalse(world.told("READY=1"))

    def test_what_is_passed_to_another_process_counts_for_nothing(self):
        world = self.world
        world.make_config("own.conf", **{name: {"listen": "127.0.0.1:0"} for name in LISTENERS})
        world.env.update(LISTEN_PID="1", LISTEN_FDS="1", LISTEN_FDNAMES="portal")
        World.spawn(world, "own.conf")
        wait_until(lambda: world.is_there("addresses"), 60, "the addresses file")
        world.stop()

    def test_check_says_which_sockets_must_be_passed(self):
        done = check(self.world.daemon("check", "-c", "subsidyd.conf"))
        self.assertIn("note: [feed] has no listen: the service manager has to pass a socket named feed", done.out)
        self.assertIn("note: [public] has no listen", done.out)
        self.assertIn("the configuration is good\n", done.out)


class Sample(unittest.TestCase):
    """The sample configuration, as it is installed, with the folders of a test."""

    def setUp(self):
        self.world = world = ManagedWorld()
        self.addCleanup(world.close)
        world.make_client_certificate()
        for name, own in (("tls.crt", "server.pem"), ("tls.key", "server.key"), ("venues-ca.crt", "ca.pem")):
            world.write(name, world.read(own))
            os.chmod(world.path(name), 0o600)
        with open(os.path.join(ROOT, "systemd", "subsidyd.conf"), encoding="utf-8") as file:
            self.sample = file.read()
        for path, own in (("/var/lib/subsidyd/ledger", "data"), ("/var/lib/subsidyd-guard/guard", "guard"),
                          ("/run/subsidyd/addresses", "addresses")):
            self.assertIn(path, self.sample)
            self.sample = self.sample.replace(path, own)

    def test_it_is_good_and_serves(self):
        world = self.world
        world.write("sample.conf", self.sample)
        self.assertIn("the configuration is good\n", check(world.daemon("check", "-c", "sample.conf")).out)
        world.spawn("sample.conf")
        wait_until(lambda: world.is_alive() and world.told("READY=1"), 60, "the daemon")
        for name, made in world.sockets[1:]:
            connection = wire.Connection(f"127.0.0.1:{made.getsockname()[1]}", world.path("ca.pem"),
                                         world.path("venue-both.pem"))
            self.assertEqual(connection.get("/healthz").status, 200, name)
            connection.close()
        world.stop()

    def test_so_it_is_with_every_key_in_force(self):
        world = self.world
        for name, file in (("", "ledger-next.key"), ("/heads", "heads.key"), ("/heads", "heads-next.key")):
            world.new_key(ORIGIN + name, file)
        witness = world.new_key("witness.example/bureau", "witness.key", "--type", "cosignature")
        world.write("witnesses", f"witness bureau {witness}\nquorum bureau\n")
        world.write("sample.conf", re.sub(r"(?m)^#(\w+ = |\[\w+\]$)", r"\1", self.sample))
        done = check(world.daemon("check", "-c", "sample.conf"))
        self.assertEqual(done.out, "the configuration is good\n")


class Renewal(unittest.TestCase):
    """SIGHUP, on the listener with client certificates; test_stop has the other."""

    def setUp(self):
        self.world = World(start=False, feed={"client_ca": "ca.pem"})
        self.addCleanup(self.world.close)
        self.world.make_client_certificate()
        self.world.start()

    def feed_certificate(self):
        connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"),
                                     self.world.path("venue-both.pem"))
        certificate = connection.open().sock.getpeercert(binary_form=True)
        connection.close()
        return certificate

    def hang_up(self, line):
        count = self.world.log().count(line)
        self.world.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.world.log().count(line) > count, 20, line)

    def test_new_connections_get_the_new_certificate_and_old_ones_go_on(self):
        world = self.world
        kept = wire.Connection(world.addresses["feed"], world.path("ca.pem"), world.path("venue-both.pem"))
        self.assertEqual(kept.get("/healthz").status, 200)
        before = kept.http.sock.getpeercert(binary_form=True)
        check(run(certificate_command("server", "server", "ca"), world.folder))
        self.hang_up("feed: certificates read again")
        self.assertNotEqual(self.feed_certificate(), before)
        self.assertEqual(kept.get("/healthz").status, 200)
        self.assertEqual(kept.http.sock.getpeercert(binary_form=True), before)
        kept.close()

    def test_a_key_of_another_certificate_changes_nothing(self):
        world = self.world
        before = self.feed_certificate()
        check(run(certificate_command("other", "server", "ca"), world.folder))
        world.write("server.key", world.read("other.key"))
        self.hang_up("feed: the certificates in use are kept: ")
        self.assertIn("this key is not the certificate's", world.log())
        self.assertEqual(self.feed_certificate(), before)
        os.unlink(world.path("server.pem"))
        self.hang_up("public: the certificates in use are kept: ")
        self.assertEqual(self.feed_certificate(), before)

    def test_a_renewed_authority_decides_about_clients(self):
        world = self.world
        check(run(certificate_command("ca-2", "ca"), world.folder))
        check(run(certificate_command("stranger", "client", "ca-2"), world.folder))
        world.write("stranger-both.pem", world.read("stranger.pem") + world.read("stranger.key"))

        def status():
            connection = wire.Connection(world.addresses["feed"], world.path("ca.pem"), world.path("stranger-both.pem"))
            try:
                return connection.get("/healthz").status
            except OSError:
                return None
            finally:
                connection.close()
        self.assertIsNone(status())
        ca = world.read("ca.pem")
        world.write("ca.pem", ca + world.read("ca-2.pem"))
        self.hang_up("feed: certificates read again")
        self.assertEqual(status(), 200)


PAIR = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|[^ "]+)(?: |$)')


def parse_line(line):
    """The pairs of a request's line; an AssertionError where it is not made of pairs alone."""
    level, _, rest = line.partition(": ")
    pairs, position = {"level": level}, 0
    while position < len(rest):
        match = PAIR.match(rest, position)
        assert match, line
        value = match.group(2)
        pairs[match.group(1)] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value
        position = match.end()
    return pairs


class Lines(FlowTest):
    """One line for each request that changes something or is refused, and for what bureau and auditor read."""

    HOLDER = '财务部 "一处" status=200'

    @classmethod
    def prepare(cls):
        cls.token = secrets.token_hex(32)
        cls.own = secrets.token_hex(32)
        cls.feed = cls.world.license("qddex")
        cls.world.order("grant.add", items=[
            wire.item_grant(cls.token, "bureau", cls.HOLDER, in_days(9), secrets.token_hex(16)),
            wire.item_grant(cls.own, FIRMS[0], "企业", in_days(9), secrets.token_hex(16))])
        cls.world.register([(FIRMS[0], "第1家", [])])

    def lines_of(self, act):
        """The requests' lines that `act` leaves in the log, parsed, and its result."""
        before = len(self.world.log())
        result = act()
        self.world.public.get("/healthz")
        new = [line for line in self.world.log()[before:].splitlines() if "request=" in line]
        return [parse_line(line) for line in new], result

    def line_of(self, act, **expected):
        lines, result = self.lines_of(act)
        self.assertEqual(len(lines), 1, lines)
        for key, value in expected.items():
            self.assertEqual(lines[0].get(key), value, (key, lines[0]))
        self.assertEqual(lines[0]["peer"], "127.0.0.1")
        self.assertGreater(int(lines[0]["request"]), 0)
        return lines[0], result

    def test_a_push(self):
        body = self.feed.body(records("t", 3))
        line, answer = self.line_of(lambda: self.world.feed.push("qddex", body), level="info", status="200",
                                    listener="feed", route="POST /v1/feeds/{}", venue="qddex", new="3", held="0",
                                    bytes=str(len(body)), error=None)
        self.assertEqual(answer.status, 200, answer)
        self.assertLess(int(line["entry"]), self.world.size())
        self.feed.accept(records("t", 3))
        self.line_of(lambda: self.world.feed.push("qddex", body), status="200", new="0", held="3")
        gap = self.feed.body(records("g", 1), start=9, held=[b"x"] * 9)
        self.line_of(lambda: self.world.feed.push("qddex", gap), level="notice", status="409", error="feed_gap",
                     venue="qddex")
        self.line_of(lambda: self.world.feed.push("nobody", gap), level="notice", status="403", error="unknown_venue",
                     venue="nobody")

    def test_a_check_changes_nothing(self):
        body = wire.push_body(len(self.feed.records), records("c", 1), b"")
        lines, answer = self.lines_of(lambda: self.world.feed.push("qddex", body, "?check=1"))
        self.assertEqual((answer.status, lines), (200, []))

    def test_an_order(self):
        note = self.world.make_order("enterprise.relate", items=None)
        self.line_of(lambda: self.world.public.order(note, ()), level="notice", listener="public", status="422",
                     route="POST /v1/orders", entry=None)
        line, _ = self.line_of(lambda: self.world.license("second"), level="info", status="200", type="venue.license")
        self.assertRegex(line["order"], "^flow-[0-9]+$")
        self.assertLess(int(line["entry"]), self.world.size())

    def test_the_bureau_reads(self):
        self.line_of(lambda: self.world.public.get(f"/v1/enterprises/{FIRMS[0]}", self.token), level="info",
                     status="200", route="GET /v1/enterprises/{}", viewer="bureau", holder=self.HOLDER, of=FIRMS[0])
        self.line_of(lambda: self.world.public.get("/v1/overview", self.token), viewer="bureau", of=None)

    def test_an_enterprise_reads_itself_unseen_and_another_not(self):
        lines, answer = self.lines_of(lambda: self.world.public.get(f"/v1/enterprises/{FIRMS[0]}", self.own))
        self.assertEqual((answer.status, lines), (200, []))
        self.line_of(lambda: self.world.public.get(f"/v1/enterprises/{FIRMS[1]}", self.own), level="info", status="404",
                     error="not_found", viewer=FIRMS[0], holder="企业", of=FIRMS[1])

    def test_what_reaches_no_route(self):
        self.line_of(lambda: self.world.public.get("/nothing"), level="info", status="404", error="not_found",
                     route=None)
        self.line_of(lambda: self.world.public.request("PATCH", "/v1/orders"), level="info", status="405",
                     error="method_not_allowed")
        self.line_of(lambda: self.world.public.get("/checkpoint?x=1"), level="info", status="400",
                     route="GET /checkpoint")

    def test_secrets_are_in_no_line(self):
        world = self.world
        misplaced = secrets.token_hex(32)
        for path in (f"/v1/enterprises/{misplaced}", f"/{misplaced}", f"/v1/overview?token={misplaced}",
                     f"/v1/feeds/{misplaced}"):
            world.public.get(path, self.token)
        world.feed.push(misplaced, b"x")
        world.public.get("/v1/overview", misplaced)
        log = world.log()
        for secret in (self.token, self.own, misplaced):
            self.assertNotIn(secret, log)
            self.assertNotIn(secret[:32], log)


if __name__ == "__main__":
    unittest.main()
