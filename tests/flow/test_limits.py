"""Limits of the network: each is refused visibly, and the daemon goes on for everyone else."""
import http.client
import os
import socket
import ssl
import threading
import time
import unittest
import warnings

from tests.flow import wire
from tests.flow.harness import FlowTest, World, certificate_command, check, records, run, wait_until

MIB = 1 << 20
FEED_BODY_MAX = 24 * MIB
OPEN_BODY_MAX = MIB
PUBLIC_BODY_MAX = 65536
HEADERS_MAX = 16384
TARGET_MAX = 2048
CONNECTIONS_PER_ADDRESS_MAX = 256
HANDSHAKE_TIMEOUT_S = 10


def status_of(action):
    """The status, or "cut" where the daemon closed the connection instead of reading on."""
    try:
        return action().status
    except (OSError, http.client.HTTPException):
        return "cut"


class Bodies(FlowTest):
    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")

    def tearDown(self):
        self.feed.push(records(self.id().rpartition(".")[2][:40], 1))

    def test_bodies_of_the_public_listener(self):
        def post(size):
            return self.world.public.request("POST", "/v1/orders", b" " * size, {"Content-Type": "application/json"})
        self.assertEqual(status_of(lambda: post(PUBLIC_BODY_MAX - 1)), 400)
        self.assertEqual(status_of(lambda: post(PUBLIC_BODY_MAX)), 400)
        for size in (PUBLIC_BODY_MAX + 1, 10 * PUBLIC_BODY_MAX, 50 * MIB):
            self.assertIn(status_of(lambda: post(size)), (413, "cut"), size)
        self.assertEqual(self.world.public.get("/healthz").status, 200)

    def test_bodies_of_the_feed_listener(self):
        def post(size):
            return self.world.feed.push("qddex", b"\xff" * size)
        self.assertEqual(status_of(lambda: post(FEED_BODY_MAX)), 400)
        self.assertIn(status_of(lambda: post(FEED_BODY_MAX + 1)), (413, "cut"))

    def test_a_connection_survives_refusals(self):
        self.world.public.get("/healthz")
        kept = self.world.public.http.sock
        for _ in range(20):
            self.assertEqual(self.world.public.order(b"junk", ()).status, 422)
            self.assertEqual(self.world.public.get("/v1/overview").status, 401)
            self.assertEqual(self.world.public.get("/nowhere").status, 404)
        self.assertIs(self.world.public.http.sock, kept)
        self.world.feed.push("qddex", b"junk")
        kept = self.world.feed.http.sock
        for _ in range(20):
            self.assertEqual(self.world.feed.push("qddex", b"junk").status, 400)
        self.feed.push(records("survives", 2))
        self.assertIs(self.world.feed.http.sock, kept)

    def test_long_targets_and_headers(self):
        def get(path, headers=None):
            return self.world.public.request("GET", path, headers=headers)
        self.assertEqual(status_of(lambda: get("/" + "a" * (TARGET_MAX - 1))), 404)
        self.assertIn(status_of(lambda: get("/" + "a" * TARGET_MAX)), (400, 414))
        self.assertEqual(status_of(lambda: get("/healthz", {"X-Long": "a" * (HEADERS_MAX - 1000)})), 200)
        self.assertIn(status_of(lambda: get("/healthz", {"X-Long": "a" * HEADERS_MAX})), (400, 413, 431, "cut"))
        self.assertEqual(status_of(lambda: get("/healthz")), 200)

    def raw(self, request, listener="public"):
        """What comes back for these bytes, until the connection is closed or quiet."""
        connection = wire.Connection(self.world.addresses[listener], self.world.path("ca.pem"))
        sock = connection.open().sock
        sock.settimeout(10)
        sock.sendall(request)
        answer = b""
        try:
            while b"\r\n\r\n" not in answer:
                data = sock.recv(65536)
                if not data:
                    break
                answer += data
        except OSError:
            pass
        connection.close()
        return answer

    def test_requests_that_could_be_read_in_two_ways(self):
        for request in (
                b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
                b"GET /healthz HTTP/1.1\r\n\r\n",
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /healthz%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n",
                b"BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
                b"\x16\x03\x01 junk\r\n\r\n",
                b"GET\r\n\r\n"):
            answer = self.raw(request)
            self.assertRegex(answer[:12] or b"HTTP/1.1 400", rb"HTTP/1\.[01] (4|5)", (request, answer))

    def push_at_once(self, body, count, query=""):
        """The answers to the same push, sent over so many connections together."""
        answers = []

        def push():
            connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
            answers.append(connection.push("qddex", body, query))
            connection.close()
        threads = [threading.Thread(target=push) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(answers), count)
        return answers

    def test_pushes_of_a_feed_beyond_the_one_that_waits_are_told_to_come_again(self):
        refused = 0
        for turn in range(20):
            new = records(f"busy-{turn}", 5000)
            answers = self.push_at_once(self.feed.body(new), 8)
            self.feed.accept(new)
            for answer in answers:
                self.assertIn(answer.status, (200, 429), answer)
                if answer.status == 429:
                    refused += 1
                    self.assertEqual(answer.problem(), "feed_busy")
                    self.assertGreater(int(answer.headers["Retry-After"]), 0)
            self.assertEqual(sum(answer.json()["new"] for answer in answers if answer.status == 200), 5000)
            if refused:
                return
        self.fail("eight pushes at once were never too many")

    def test_checks_take_nobodys_turn(self):
        """They ask for no signature: else a stranger could keep a venue from pushing."""
        body = wire.push_body(len(self.feed.records), records("checked", 5000), b"")
        for _ in range(5):
            self.assertEqual({answer.status for answer in self.push_at_once(body, 8, "?check=1")}, {200})

    def test_too_many_connections_of_one_address(self):
        host, _, port = self.world.addresses["public"].rpartition(":")
        self.world.close_connections()
        sockets = []
        try:
            for _ in range(CONNECTIONS_PER_ADDRESS_MAX + 40):
                sockets.append(socket.create_connection((host, int(port)), timeout=10))
            last = sockets[-1]
            last.settimeout(5)
            try:
                self.assertEqual(last.recv(1), b"")
            except ConnectionResetError:
                pass
        finally:
            for sock in sockets:
                sock.close()
        wait_until(lambda: status_of(lambda: self.world.public.get("/healthz")) == 200, 10, "an answer again")

    def test_a_silent_peer_is_cut_and_a_slow_one_does_not_matter(self):
        host, _, port = self.world.addresses["public"].rpartition(":")
        silent = socket.create_connection((host, int(port)), timeout=HANDSHAKE_TIMEOUT_S + 5)
        start = time.monotonic()
        self.assertEqual(self.world.public.get("/healthz").status, 200)
        try:
            self.assertEqual(silent.recv(1), b"")
        except ConnectionResetError:
            pass
        self.assertLess(abs(time.monotonic() - start - HANDSHAKE_TIMEOUT_S), 4)
        silent.close()

    def test_clients_that_leave_before_their_answer(self):
        body = self.feed.body(records("leaving", 3000))
        request = (b"POST /v1/feeds/qddex HTTP/1.1\r\nHost: a\r\nContent-Type: application/protobuf\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(body))
        for _ in range(10):
            connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
            sock = connection.open().sock
            sock.sendall(request + body)
            connection.close()
        for size in (0, 10, len(body) // 2):
            connection = wire.Connection(self.world.addresses["feed"], self.world.path("ca.pem"))
            connection.open().sock.sendall(request + body[:size])
            connection.close()
        # It may have entered once, and it certainly does not enter twice.
        wait_until(lambda: self.world.feed.push("qddex", body).status == 200, 30, "the feed's turn")
        self.feed.accept(records("leaving", 3000))

    def test_old_tls_and_plain_http_are_refused(self):
        host, _, port = self.world.addresses["public"].rpartition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.world.path("ca.pem"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            context.wrap_socket(socket.create_connection((host, int(port)), timeout=10), server_hostname="localhost")
        plain = http.client.HTTPConnection(host, int(port), timeout=15)
        with self.assertRaises((OSError, http.client.HTTPException)):
            plain.request("GET", "/healthz")
            plain.getresponse()
        plain.close()


class ClientCertificates(unittest.TestCase):
    """A feed listener that asks for certificates of its own authority."""

    def test_only_certificates_of_the_authority_may_push(self):
        with World(start=False, feed={"client_ca": "ca.pem"}) as world:
            world.make_client_certificate()
            world.start()
            feed = world.license("qddex")
            feed.push(records("with", 3))
            stranger = wire.Connection(world.addresses["feed"], world.path("ca.pem"))
            self.assertEqual(status_of(lambda: stranger.push("qddex", b"x")), "cut")
            check(run(certificate_command("mallory", "ca"), world.folder))
            both = world.write("mallory-both.pem", world.read("mallory.pem") + world.read("mallory.key"))
            mallory = wire.Connection(world.addresses["feed"], world.path("ca.pem"), both)
            self.assertEqual(status_of(lambda: mallory.push("qddex", b"x")), "cut")
            # A server's certificate is of the same authority, but not a client's.
            both = world.write("server-both.pem", world.read("server.pem") + world.read("server.key"))
            server = wire.Connection(world.addresses["feed"], world.path("ca.pem"), both)
            self.assertEqual(status_of(lambda: server.push("qddex", b"x")), "cut")
            self.assertEqual(world.public.get("/healthz").status, 200)
            feed.push(records("still", 1))
            world.stop()

    def test_an_open_feed_takes_small_pushes_only(self):
        with World(feed={"open": "yes"}) as world:
            feed = world.license("qddex")
            feed.push(records("small", 2000))
            self.assertEqual(status_of(lambda: world.feed.push("qddex", b"\xff" * OPEN_BODY_MAX)), 400)
            self.assertIn(status_of(lambda: world.feed.push("qddex", b"\xff" * (OPEN_BODY_MAX + 1))), (413, "cut"))
            world.stop()


class Configuration(unittest.TestCase):
    def test_findings_of_check(self):
        with World(start=False) as world:
            result = check(world.daemon("check", "-c", "subsidyd.conf"))
            self.assertIn("good", result.out)
            os.chmod(world.path("ledger.key"), 0o644)
            result = world.daemon("check", "-c", "subsidyd.conf")
            self.assertEqual((result.code, "ledger.key" in result.out), (1, True), result)
            for changes, word in (({"feed": {"listen": "0.0.0.0:0"}}, "client_ca"),
                                  ({"run": {"colour": "red"}}, "colour"),
                                  ({"ledger": {"guard": "data/guard"}}, "guard"),
                                  ({"metrics": {"listen": "0.0.0.0:0"}}, "loopback"),
                                  ({"ledger": {"map_size": "1"}}, "map_size")):
                world.make_config("wrong.conf", **changes)
                for result in (world.daemon("check", "-c", "wrong.conf"), world.refuses_to_start("wrong.conf")):
                    self.assertEqual(result.code, 1, result)
                    self.assertIn(word, result.out + result.err)
                    self.assertIn("wrong.conf", result.out + result.err)

    def test_usage(self):
        with World(start=False) as world:
            for args in ((), ("dance",), ("-c",), ("-x",), ("verify",), ("init", "-c", "subsidyd.conf"),
                         ("verify", "-c", "subsidyd.conf", "--genesis", "genesis.note"), ("verify", "more", "-c", "x")):
                result = world.daemon(*args)
                self.assertEqual(result.code, 2, args)
                self.assertIn("`subsidyd --help`", result.err)
            self.assertIn("usage", check(world.daemon("--help")).out)
            self.assertEqual(world.daemon("-c", "nowhere.conf").code, 1)


if __name__ == "__main__":
    unittest.main()
