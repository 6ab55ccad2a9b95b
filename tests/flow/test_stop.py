"""SIGTERM: what is in work is answered, what was answered is there, and nothing is cut."""
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from tests.flow import wire
from tests.flow.harness import DAEMON, World, certificate_command, check, records, run, wait_until

VENUES = ("a", "b", "c", "d")
PUSH_RECORDS = 8000
LARGE_RECORDS = 60000


class Stop(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def test_pushes_in_work_are_answered(self):
        world = self.world
        feeds = {venue: world.license(venue) for venue in VENUES}
        world.grant("bureau")
        bodies = {venue: feed.body(records(venue, PUSH_RECORDS)) for venue, feed in feeds.items()}
        answers = {}

        def push(venue):
            connection = wire.Connection(world.addresses["feed"], world.path("ca.pem"))
            try:
                answers[venue] = connection.push(venue, bodies[venue])
            except (OSError, http.client.HTTPException) as error:
                answers[venue] = error
            connection.close()
        threads = [threading.Thread(target=push, args=(venue,)) for venue in VENUES]
        for thread in threads:
            thread.start()
        # Once the first is answered, the others are somewhere on their way.
        wait_until(lambda: answers, 60, "a first answer")
        world.stop()
        for thread in threads:
            thread.join(60)
        taken = set()
        for venue, answer in answers.items():
            if isinstance(answer, wire.Answer):
                self.assertIn((answer.status, answer.problem()), ((200, ""), (503, "stopping")), answer)
                if answer.status == 200:
                    wire.verify_receipt(answer.json()["receipt"], world.ledger_key)
                    taken.add(venue)
        self.assertTrue(taken)
        world.start()
        for venue in VENUES:
            size = world.get_json(f"/v1/feeds/{venue}", "bureau")["size"]
            self.assertIn(size, (0, PUSH_RECORDS))
            self.assertTrue(size == PUSH_RECORDS or venue not in taken, venue)
        world.stop()
        check(world.daemon("verify", "-c", "subsidyd.conf"))

    def test_what_the_writer_has_is_answered_with_its_receipt(self):
        """It is at work on a large push when the signal comes, and another waits behind that."""
        world = self.world
        counts, answers = {"a": LARGE_RECORDS, "b": 20}, {}
        feeds = {venue: world.license(venue) for venue in counts}
        bodies = {venue: feeds[venue].body(records(venue, 1) * count) for venue, count in counts.items()}

        def push(venue):
            connection = wire.Connection(world.addresses["feed"], world.path("ca.pem"))
            answers[venue] = connection.push(venue, bodies[venue])
            connection.close()
        threads = []
        for in_work, venue in enumerate(counts, 1):
            threads.append(threading.Thread(target=push, args=(venue,)))
            threads[-1].start()
            wait_until(lambda wanted=in_work: wire.read_metrics(world.addresses["metrics"])[
                "subsidy_commands_in_work"] >= wanted, 60, "a push with the writer")
        world.stop()
        for thread in threads:
            thread.join(60)
        for venue, count in counts.items():
            self.assertEqual((answers[venue].status, answers[venue].json()["new"]), (200, count), answers[venue])
            wire.verify_receipt(answers[venue].json()["receipt"], world.ledger_key)

    def test_idle_connections_do_not_hold_it_up(self):
        idle = [wire.Connection(self.world.addresses["public"], self.world.path("ca.pem")) for _ in range(5)]
        for connection in idle:
            self.assertEqual(connection.get("/healthz").status, 200)
        host, _, port = self.world.addresses["feed"].rpartition(":")
        silent = socket.create_connection((host, int(port)))
        start = time.monotonic()
        self.world.stop()
        self.assertLess(time.monotonic() - start, 10)
        silent.close()
        for connection in idle:
            connection.close()

    def test_the_interrupt_key_stops_it_too_and_the_ports_are_free_again(self):
        self.world.close_connections()
        address = self.world.addresses["public"]
        self.world.process.send_signal(signal.SIGINT)
        self.world.finish(0)
        self.assertIn("stopped", self.world.log())
        self.world.make_config(public={"listen": address})
        self.world.start()
        self.assertEqual(self.world.addresses["public"], address)

    def test_hangup_reads_the_certificates_again(self):
        before = self.peer_certificate()
        check(run(certificate_command("server", "server", "ca"), self.world.folder))
        self.world.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.peer_certificate() != before, 10, "the new certificate")
        self.assertEqual(self.world.public.get("/healthz").status, 200)
        # A file that is none is complained of, and the certificate in use is kept.
        kept = self.peer_certificate()
        self.world.write("server.pem", "nothing")
        self.world.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "are kept" in self.world.log(), 10, "a complaint")
        self.assertEqual(self.peer_certificate(), kept)

    def test_the_signals_of_a_running_daemon_end_nothing_else(self):
        """Who sends one a moment too early must not kill the start."""
        os.mkfifo(self.world.path("slow.note"))
        command = subprocess.Popen([DAEMON, "init", "-c", "subsidyd.conf", "--genesis", "slow.note"],
                                   cwd=self.world.folder, stderr=subprocess.PIPE)
        with open(self.world.path("slow.note"), "wb") as note:  # it reads: so it has begun
            for number in (signal.SIGHUP, signal.SIGUSR1):
                command.send_signal(number)
            note.write(b"nothing")
        self.assertIn(b"not a signed note", command.communicate(timeout=20)[1])
        self.assertEqual(command.returncode, 1)

    def peer_certificate(self):
        connection = wire.Connection(self.world.addresses["public"], self.world.path("ca.pem"))
        certificate = connection.open().sock.getpeercert(binary_form=True)
        connection.close()
        return certificate

    def test_health_is_told_on_every_listener(self):
        for address in (self.world.addresses["feed"], self.world.addresses["public"]):
            for path in ("/healthz", "/readyz"):
                connection = wire.Connection(address, self.world.path("ca.pem"))
                answer = connection.get(path)
                connection.close()
                self.assertEqual((answer.status, answer.body), (200, b"ok\n"))
        metrics = http.client.HTTPConnection(self.world.addresses["metrics"], timeout=20)
        metrics.request("GET", "/metrics")
        answer = metrics.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertIn(b"ledger", answer.read())
        metrics.close()


if __name__ == "__main__":
    unittest.main()
