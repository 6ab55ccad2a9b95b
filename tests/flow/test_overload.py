"""More work than the queues hold: it is shed politely, and nothing that was answered is lost.

Several senders at each venue push one feed's batches, more than may wait; and strangers send so many checks, over and over,
that the workers' queue overflows. Whoever is told to come again does so after as long as Retry-After says. In the end every
record is held exactly once and in its order, each receipt proves its push, reads were answered all the while, and the most
memory that was ever taken is what the bounds allow.
"""
import base64
import queue
import socket
import ssl
import threading
import time

from tests import oracle
from tests.flow import wire
from tests.flow.harness import FlowTest, is_sanitized, records, trade, wait_until
from tests.flow.reader import Reader

MIB = 1 << 20
VENUES = ("qddex", "sddex", "jndex", "ytdex")
SENDERS = 4                 # at each venue; two pushes of a feed may be in work
BATCHES = 12
BATCH = 40                  # records
# Checks that are sent at once, and records of each: JOBS_WAITING_MAX is 256, and the bodies stay below HTTP_READING_MAX.
STORMS = ((300, 1200), (500, 120), (300, 1200), (500, 120))
PER_ADDRESS = 180           # connections; an address may have 256
RETRIES_MAX = 200
GAP_PAUSE_S = 0.05
WAIT_S = 60
LATENCY_MAX_S = 10          # no promise of speed; but a read that waits for all the checks takes longer on a slow machine
# Bodies, 96 MiB at most, as they came and joined for those who wait; the program, its buffers, one push decoded.
MEMORY_MAX = 400 * MIB


class Sender(threading.Thread):
    """Takes its venue's next batch and sends it until it is taken."""

    def __init__(self, world, venue, batches):
        super().__init__()
        self.venue = venue
        self.batches = batches
        self.connection = wire.Connection(world.addresses["feed"], world.path("ca.pem"))
        self.answers = []       # (batch, the 200 as JSON)
        self.told_to_wait = 0
        self.failures = []

    def send(self, number, body):
        for _ in range(RETRIES_MAX):
            answer = self.connection.push(self.venue, body)
            if answer.status == 200:
                self.answers.append((number, answer.json()))
                return
            if answer.status in (429, 503):
                self.told_to_wait += 1
                time.sleep(int(answer.headers["Retry-After"]))
            elif answer.problem() == "feed_gap":        # the batch before it was told to wait
                time.sleep(GAP_PAUSE_S)
            else:
                break
        self.failures.append((number, answer))

    def run(self):
        try:
            while True:
                self.send(*self.batches.get_nowait())
        except queue.Empty:
            pass
        except Exception as error:          # pylint: disable=broad-except  (told by the test, which counts them)
            self.failures.append(error)
        self.connection.close()


class Overload(FlowTest):
    settings = {"run": {"workers": "1", "log": "warn"}}

    @classmethod
    def prepare(cls):
        cls.rows = {venue: [] for venue in VENUES}
        for venue in VENUES:
            cls.world.license(venue)
        cls.world.license("empty")      # for the strangers: a check needs no signature
        cls.world.grant("bureau")
        cls.sockets = []

    def tearDown(self):
        for sock in self.sockets:
            sock.close()

    def metrics(self):
        return wire.read_metrics(self.world.addresses["metrics"])

    def peak_memory(self):
        with open(f"/proc/{self.world.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:"))

    # The venues

    def make_batches(self, venue):
        """The bodies of a venue's batches, signed beforehand, each behind the one before."""
        feed, batches = self.world.feeds[venue], queue.Queue()
        for number in range(BATCHES):
            rows = [trade(f"{venue}-{number}-{i}") for i in range(BATCH)]
            new = [wire.encode_record(row) for row in rows]
            self.rows[venue] += rows
            batches.put((number, feed.body(new)))
            feed.accept(new)
        return batches

    # The strangers

    def open(self, number):
        host, _, port = self.world.addresses["feed"].rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout=WAIT_S,
                                         source_address=(f"127.0.0.{2 + number // PER_ADDRESS}", 0))
        context = ssl.create_default_context(cafile=self.world.path("ca.pem"))
        sock = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.sockets.append(sock)
        return sock

    def storm(self, checks, check_records):
        """All but the last byte of each request; then those, so that all become jobs at the same moment. The statuses."""
        body = wire.push_body(0, records("stranger", check_records), b"")
        request = (b"POST /v1/feeds/empty?check=1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/protobuf\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(body)) + body
        socks = [self.open(number) for number in range(checks)]
        for sock in socks:
            sock.sendall(request[:-1])
        for sock in socks:
            sock.sendall(request[-1:])
        statuses = []
        for sock in socks:
            answer = wire.read_answer(sock)
            statuses.append(answer.status)
            if answer.status == 503:
                self.assertEqual(answer.problem(), "overloaded")
                self.assertGreater(int(answer.headers["Retry-After"]), 0)
            sock.close()
        self.sockets.clear()
        return statuses

    def settle(self):
        def is_quiet():
            numbers = self.metrics()
            return numbers["subsidy_http_body_bytes"] < MIB and numbers["subsidy_jobs_in_work"] == 0
        wait_until(is_quiet, WAIT_S, "the daemon to be quiet")

    # What must hold afterwards

    def assert_held_once(self, venue):
        """The feed is its batches, byte for byte; and the oracle counts as the daemon does."""
        feed, held = self.world.feeds[venue], []
        while len(held) < len(feed.records):
            page = self.world.get_json(f"/v1/feeds/{venue}/records?from={len(held)}&limit=1000", "bureau")
            self.assertGreater(len(page["records"]), 0)
            held += [base64.b64decode(record["record"]) for record in page["records"]]
        self.assertEqual(held, feed.records)
        state = self.world.get_json(f"/v1/feeds/{venue}", "bureau")
        self.assertEqual((state["size"], base64.b64decode(state["root"])), (len(feed.records), feed.tree.root()))
        due = oracle.Ledger(oracle.feed_events(venue, self.rows[venue])).dispositions
        self.assertEqual(set(due), {"counted"})
        counted = sum(month["records"] for month in state["months"] if month["disposition"] == "counted")
        self.assertEqual((counted, sum(month["records"] for month in state["months"])), (len(due), len(due)))

    def assert_proven(self, venue, number, answer):
        """Each batch was taken whole, once, and its receipt is of its own push."""
        self.assertEqual((answer["venue"], answer["new"], answer["held"]), (venue, BATCH, 0))
        self.assertEqual((answer["push"]["start"], answer["push"]["count"]), (number * BATCH, BATCH))
        leaf, index, size = wire.verify_receipt(answer["receipt"], self.world.ledger_key)
        self.assertEqual((index, size), (answer["push"]["index"], answer["ledger_size"]))
        entry = wire.message_dict(leaf)
        self.assertTrue(any(venue.encode() in value for value in entry.values() if isinstance(value, bytes)))

    def test_more_pushers_and_strangers_than_the_queues_hold(self):
        senders = [Sender(self.world, venue, batches) for venue in VENUES
                   for batches in [self.make_batches(venue)] for _ in range(SENDERS)]
        shed = 0
        with Reader(self.world) as reader:
            for sender in senders:
                sender.start()
            for checks, check_records in STORMS:
                statuses = self.storm(checks, check_records)
                self.assertLessEqual(set(statuses), {200, 503})
                shed += statuses.count(503)
                self.settle()
            for sender in senders:
                sender.join(WAIT_S)
                self.assertFalse(sender.is_alive())
        self.assertEqual([sender.failures for sender in senders if sender.failures], [])
        self.assertGreater(sum(sender.told_to_wait for sender in senders), 0, "nobody was ever told to wait")
        self.assertGreater(shed, 0, "the queue of jobs took every check")
        self.assertEqual(reader.failures, [])
        self.assertGreater(reader.count, 0)
        self.assertLess(reader.slowest_s, LATENCY_MAX_S)
        if not is_sanitized():
            self.assertLess(self.peak_memory(), MEMORY_MAX)
        for sender in senders:
            for number, answer in sender.answers:
                self.assert_proven(sender.venue, number, answer)
        for venue in VENUES:
            taken = sorted(number for sender in senders if sender.venue == venue for number, _ in sender.answers)
            self.assertEqual(taken, list(range(BATCHES)))
            self.assert_held_once(venue)


if __name__ == "__main__":
    import unittest
    unittest.main()
