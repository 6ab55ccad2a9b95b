"""Clients that are slow, greedy, endless, many or gone: each is bounded, and meanwhile everyone else is answered.

Deadlines of minutes are tried in tests/unit/test_http_time.c, where they can be made short.
"""
import os
import resource
import select
import socket
import ssl
import struct

from tests.flow import wire
from tests.flow.harness import FlowTest, is_sanitized, records, run, wait_until
from tests.flow.reader import Reader

MIB = 1 << 20
PUSH_SIZE = 24 * MIB
PUBLIC_BODY_MAX = 65536
CONNECTIONS_MAX = 1024
CONNECTIONS_PER_ADDRESS_MAX = 256
FLOOD = 2000
PART = 65536
# A read takes a millisecond; a sanitized daemon on a busy machine takes longer.
LATENCY_MAX_S = 5
WAIT_S = 60
LONG_RECORDS = 400          # of a push that is no short job
# Beside the bodies of HTTP_READING_MAX: the program, its buffers, one push decoded.
MEMORY_MAX = 400 * MIB
PUSH_HEAD = (b"POST /v1/feeds/qddex HTTP/1.1\r\nHost: a\r\nContent-Type: application/protobuf\r\n"
             b"Content-Length: %d\r\n\r\n")
CHUNKED_HEAD = (b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")


class Hostile(FlowTest):
    settings = {"run": {"workers": "1", "log": "warn"}}

    @classmethod
    def prepare(cls):
        cls.feed = cls.world.license("qddex")
        cls.other = cls.world.license("sddex")
        cls.world.grant("bureau")
        cls.feed.push(records("begin", 5))
        cls.serial = 0
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < FLOOD + 500:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, FLOOD + 500), hard))

    def setUp(self):
        self.sockets = []

    def tearDown(self):
        """Whatever was done: it is forgotten, and an honest push enters."""
        self.close_sockets()
        self.assertEqual(self.feed.push(self.new())["new"], 1)
        self.settle()

    def close_sockets(self):
        for sock in self.sockets:
            sock.close()
        self.sockets = []

    def new(self, count=1):
        """Records nobody has pushed yet."""
        type(self).serial += 1
        return records(f"n{self.serial}", count)

    def metrics(self):
        return wire.read_metrics(self.world.addresses["metrics"])

    def settle(self):
        """Nothing is in work but the question itself, and no body is held."""
        def is_quiet():
            numbers = self.metrics()
            return (numbers["subsidy_http_requests_in_work"] <= 1 and numbers["subsidy_http_body_bytes"] < MIB and
                    numbers["subsidy_jobs_in_work"] == 0 and numbers["subsidy_commands_in_work"] == 0)
        wait_until(is_quiet, WAIT_S, "the daemon to be quiet")
        if not is_sanitized():
            with open(f"/proc/{self.world.process.pid}/status", encoding="ascii") as file:
                peak = [int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:")]
            self.assertLess(peak[0], MEMORY_MAX)

    def plain_socket(self, listener="public", source="127.0.0.1"):
        """A TCP connection from one of the loopback's addresses."""
        host, _, port = self.world.addresses[listener].rpartition(":")
        sock = socket.create_connection((host, int(port)), timeout=WAIT_S, source_address=(source, 0))
        self.sockets.append(sock)
        return sock

    def open(self, listener="public"):
        """A TLS connection on which anything may be said."""
        context = ssl.create_default_context(cafile=self.world.path("ca.pem"))
        plain = self.plain_socket(listener)
        self.sockets.remove(plain)
        sock = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.sockets.append(sock)
        return sock

    def say(self, sock, data):
        """False where the daemon takes no more."""
        try:
            sock.sendall(data)
            return True
        except OSError:
            return False

    def status(self, sock):
        """The status that comes; "cut" where the connection ends without one."""
        try:
            return wire.read_answer(sock).status
        except OSError:
            return "cut"

    def assert_undisturbed(self, reader):
        self.assertEqual(reader.failures, [])
        self.assertGreater(reader.count, 0)
        self.assertLess(reader.slowest_s, LATENCY_MAX_S)

    # Slow ones, endless ones

    def test_many_slow_requests_disturb_nobody(self):
        """Half a head and half a body each, and then a byte now and then."""
        with Reader(self.world) as reader:
            heads = [self.open("public") for _ in range(60)]
            bodies = [self.open("feed") for _ in range(60)]
            for sock in heads:
                self.say(sock, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            for sock in bodies:
                self.say(sock, PUSH_HEAD % 1000 + b"x" * 500)
            for _ in range(3):
                for sock in heads + bodies:
                    self.assertTrue(self.say(sock, b"x"))
            self.assertEqual(self.feed.push(self.new())["new"], 1)
        self.assert_undisturbed(reader)

    def test_requests_behind_each_other_whose_answers_nobody_reads(self):
        """The daemon stops reading from someone who doesn't read; what is sent waits outside of it."""
        held = self.metrics()["subsidy_http_body_bytes"]
        sock = self.open("public")
        sock.settimeout(1)
        request = b"GET /checkpoint HTTP/1.1\r\nHost: a\r\n\r\n"
        with Reader(self.world) as reader:
            sent = 0
            while sent < 64 * MIB and self.say(sock, request * 1000):
                sent += 1000 * len(request)
        self.assert_undisturbed(reader)
        self.assertLess(sent, 64 * MIB)
        self.assertLess(self.metrics()["subsidy_http_body_bytes"] - held, 2 * PUBLIC_BODY_MAX)

    def say_on(self, sock, part, size_max):
        """Sends the same again and again; how much of it was taken until the daemon had enough."""
        sent = 0
        sock.settimeout(2)
        while sent < size_max and self.say(sock, part):
            sent += len(part)
        return sent

    def test_endless_chunks(self):
        large = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        small = b"1\r\nx\r\n" * 1000
        for listener, path, part, enough in (("public", b"/v1/orders", large, 4 * MIB),
                                             ("public", b"/v1/orders", small, 4 * MIB),
                                             ("feed", b"/v1/feeds/qddex", large, 64 * MIB)):
            with Reader(self.world) as reader:
                sock = self.open(listener)
                self.say(sock, CHUNKED_HEAD % path)
                sent = self.say_on(sock, part, enough)
                self.assertIn(self.status(sock), (413, "cut"))
            self.assert_undisturbed(reader)
            self.assertLess(sent, enough)

    def test_endless_lines_and_trailers(self):
        """A line that does not end is read up to the watermark and no further; trailers are headers, with their bound."""
        for part in (b"0" * PART, b"0\r\n" + b"X-A: b\r\n" * 8000):
            held = self.metrics()["subsidy_http_body_bytes"]
            with Reader(self.world) as reader:
                sock = self.open("public")
                self.say(sock, CHUNKED_HEAD % b"/v1/orders")
                self.assertLess(self.say_on(sock, part, 8 * MIB), 8 * MIB)
            self.assert_undisturbed(reader)
            self.assertLess(self.metrics()["subsidy_http_body_bytes"] - held, 2 * PUBLIC_BODY_MAX)

    def test_endless_headers(self):
        for part in (b"X-Pad: " + b"a" * 1000 + b"\r\n", b"a" * 1000):
            sock = self.open("public")
            self.say(sock, b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            self.assertLess(self.say_on(sock, part, 8 * MIB), 8 * MIB)
            self.assertIn(self.status(sock), (400, "cut"))

    # What could be read in two ways

    def test_a_request_hidden_in_a_body_is_never_read(self):
        hidden = b"GET /v1/ledger HTTP/1.1\r\nHost: a\r\n\r\n"
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        for headers, body in ((b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(hidden), hidden),
                              (b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(hidden), hidden),
                              (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunked),
                              (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked),
                              (b"Transfer-Encoding: xchunked\r\n", chunked), (b"Content-Length: 0x10\r\n", hidden),
                              (b"Content-Length : 5\r\n", hidden)):
            sock = self.open("public")
            self.say(sock, b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + headers +
                     b"\r\n" + body)
            answer = b""
            while True:
                try:
                    part = sock.recv(PART)
                except OSError:
                    break
                if not part:
                    break
                answer += part
            self.assertNotIn(b"ledger_id", answer, headers)
            self.assertLessEqual(answer.count(b"HTTP/1.1 "), 1, headers)
            if answer:
                self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (headers, answer))

    # Many

    def flood(self, sources):
        for number in range(FLOOD):
            try:
                self.plain_socket(source=sources[number % len(sources)])
            except OSError:
                pass

    def test_a_flood_from_one_address_leaves_the_others_their_place(self):
        with Reader(self.world) as reader:
            self.flood(["127.0.0.2"])
            numbers = self.metrics()
            self.assertEqual(self.feed.push(self.new())["new"], 1)
        self.assert_undisturbed(reader)
        self.assertLess(numbers["subsidy_http_connections"], CONNECTIONS_PER_ADDRESS_MAX + 30)

    def test_a_flood_from_many_addresses_leaves_those_connected_their_connection(self):
        before = self.turned_away()
        with Reader(self.world, opens_anew=False) as reader:
            self.flood([f"127.0.1.{i}" for i in range(1, 21)])
            wait_until(lambda: self.count_cut() >= FLOOD - CONNECTIONS_MAX - 50, WAIT_S, "the flood to be refused")
        self.assert_undisturbed(reader)
        self.close_sockets()
        wait_until(lambda: self.world.public.get("/healthz").status == 200, WAIT_S, "room for a new connection")
        self.assertGreaterEqual(self.turned_away() - before, FLOOD - CONNECTIONS_MAX - 50)

    def turned_away(self):
        """Connections over a limit, and those whose deadline made room for others, where the flood takes so long."""
        numbers = self.metrics()
        return numbers["subsidy_http_connections_refused_total"] + numbers["subsidy_http_timeouts_total"]

    def count_cut(self):
        """Connections of this test that the daemon has closed: nobody sends anything on the others."""
        poll = select.poll()
        for sock in self.sockets:
            poll.register(sock, select.POLLIN)
        return len(poll.poll(0))

    # Gone

    def leave(self, sock, is_reset):
        """Closes: orderly, or with a reset, which the daemon learns of in another way."""
        if is_reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def wait_for(self, what, **numbers):
        """Until the metrics are at least these."""
        def is_there():
            found = self.metrics()
            return all(found[f"subsidy_{name}"] >= value for name, value in numbers.items())
        wait_until(is_there, WAIT_S, what)

    def assert_left(self, new, body, left_before):
        """Whether it entered or not, sending it again gives the receipt, and it is held once."""
        wait_until(lambda: self.metrics()["subsidy_http_clients_left_total"] > left_before, WAIT_S, "the loss to be noticed")
        self.settle()
        answer = self.world.feed.push("qddex", body)
        self.assertEqual(answer.status, 200, answer)
        wire.verify_receipt(answer.json()["receipt"], self.world.ledger_key)
        self.feed.accept(new)
        self.assertEqual(self.world.get_json("/v1/feeds/qddex", "bureau")["size"], len(self.feed.records))
        return answer.json()["held"]

    def test_leaving_before_the_body_is_whole(self):
        new = self.new(50)
        body = self.feed.body(new)
        size = self.world.size()
        for is_reset in (False, True):
            for part in (0, 1, len(body) // 2, len(body) - 1):
                sock = self.open("feed")
                self.say(sock, PUSH_HEAD % len(body) + body[:part])
                self.leave(sock, is_reset)
        self.settle()
        self.assertEqual(self.world.size(), size)
        self.assertEqual(self.world.feed.push("qddex", body).json()["new"], 50)
        self.feed.accept(new)

    def test_leaving_while_it_is_decoded(self):
        """The worker of long jobs is kept busy with checks: a push that is not small waits behind them to be decoded."""
        occupant = wire.push_body(0, self.new() * 60000, b"")
        occupant = PUSH_HEAD.replace(b"qddex ", b"sddex?check=1 ") % len(occupant) + occupant
        for is_reset in (False, True):
            left = self.metrics()["subsidy_http_clients_left_total"]
            new = self.new(LONG_RECORDS)
            body = self.feed.body(new)
            sock = self.open("feed")
            heard = self.feed_requests()
            for other in [self.open("feed") for _ in range(3)]:
                self.say(other, occupant)
            self.wait_for("a busy worker", jobs_in_work=2)
            self.say(sock, PUSH_HEAD % len(body) + body)
            wait_until(lambda: self.feed_requests() >= heard + 4, WAIT_S, "the push behind the checks")
            self.leave(sock, is_reset)
            self.assertEqual(self.assert_left(new, body, left), LONG_RECORDS)

    def feed_requests(self):
        return self.metrics()['subsidy_http_requests_total{listener="feed"}']

    def test_leaving_while_the_feed_has_another_push_in_work(self):
        for is_reset in (False, True):
            left = self.metrics()["subsidy_http_clients_left_total"]
            first = self.new() * 40000
            before = self.feed.body(first)
            self.feed.accept(first)
            new = self.new(20)
            body = self.feed.body(new)
            sock, first_sock = self.open("feed"), self.open("feed")
            self.say(first_sock, PUSH_HEAD % len(before) + before)
            self.wait_for("the first push", jobs_in_work=1)
            self.say(sock, PUSH_HEAD % len(body) + body)
            self.leave(sock, is_reset)
            self.assertEqual(self.status(first_sock), 200)
            # The reset may overtake the body itself; then it never began.
            self.assertIn(self.assert_left(new, body, left - is_reset), (0, 20) if is_reset else (20,))

    def test_leaving_while_the_writer_has_it(self):
        """The writer is at work on a large push of another venue; this one waits for its next group."""
        for is_reset in (False, True):
            left = self.metrics()["subsidy_http_clients_left_total"]
            large = self.new() * 60000
            large_body = self.other.body(large)
            self.other.accept(large)
            new = self.new(20)
            body = self.feed.body(new)
            sock, other_sock = self.open("feed"), self.open("feed")
            self.say(other_sock, PUSH_HEAD.replace(b"qddex", b"sddex") % len(large_body) + large_body)
            self.wait_for("the writer at work", commands_in_work=1)
            self.say(sock, PUSH_HEAD % len(body) + body)
            self.wait_for("both with the writer", commands_in_work=2)
            self.leave(sock, is_reset)
            self.assertEqual(self.status(other_sock), 200)
            self.assertEqual(self.assert_left(new, body, left), 20)

    # Greedy

    def test_pushes_beyond_what_may_be_received_at_a_time(self):
        """Others are sending ninety-six MiB: one more of twenty-four is told to come again, and then gets through."""
        new = self.new(2)
        # Held in its whole size by the daemon, and refused for what it is only once it is there.
        large = b"\xff" * PUSH_SIZE
        with Reader(self.world) as reader:
            others = [self.open("feed") for _ in range(5)]
            for sock in others:
                self.say(sock, PUSH_HEAD % PUSH_SIZE + bytes(PUSH_SIZE - MIB - 1 if sock is not others[4] else 3 * MIB))
            wait_until(lambda: self.metrics()["subsidy_http_body_bytes"] > 94 * MIB, WAIT_S, "the others' bytes")
            sock = self.open("feed")
            self.say(sock, PUSH_HEAD % PUSH_SIZE + large)
            answer = wire.read_answer(sock)
            self.assert_refused(answer, 503, "overloaded")
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
            # Small ones still find room.
            self.assertEqual(self.feed.push(new)["new"], 2)
            for sock in others:
                self.leave(sock, True)
            wait_until(lambda: self.metrics()["subsidy_http_body_bytes"] < MIB, WAIT_S, "their bytes to be forgotten")
            self.assert_refused(self.world.feed.push("qddex", large), 400, "malformed")
        self.assert_undisturbed(reader)


if __name__ == "__main__":
    import unittest
    unittest.main()
