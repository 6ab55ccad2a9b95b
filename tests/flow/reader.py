"""Someone who reads while others do what they should not."""
import http.client
import threading
import time

from tests.flow import wire

JOIN_S = 60


class Reader(threading.Thread):
    """Someone who reads all the time, over one connection and over new ones, and whom nothing may disturb."""

    def __init__(self, world, opens_anew=True):
        super().__init__()
        self.world = world
        self.opens_anew = opens_anew
        self.kept = wire.Connection(world.addresses["public"], world.path("ca.pem"))
        self.kept.get("/healthz")
        self.is_over = threading.Event()
        self.failures = []
        self.count = 0
        self.slowest_s = 0

    def ask(self, connection):
        start = time.monotonic()
        try:
            answer = connection.get("/v1/feeds/qddex", self.world.tokens["bureau"])
            if answer.status != 200:
                self.failures.append(answer)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(error)
        self.count += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - start)

    def run(self):
        while True:
            self.ask(self.kept)
            if self.opens_anew:
                anew = wire.Connection(self.world.addresses["public"], self.world.path("ca.pem"))
                self.ask(anew)
                anew.close()
            if self.is_over.wait(0.01):
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join(JOIN_S)
        self.kept.close()
