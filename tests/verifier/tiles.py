"""A copy of a ledger's tree: tiles of hashes and bundles of entries, as files.

From proto/FORMAT.md, chapter "Tiles".
"""
import os
import re

from forms import HASH_SIZE, Refused, leaf_hash, node, require

WIDTH = 256
NAME = r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"


def tile_path(level, number, width=WIDTH):
    """The one name of a tile."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def root_of(hashes):
    """The root of a full tile's 256 hashes."""
    while len(hashes) > 1:
        hashes = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


class Tiles:
    """The tiles of a copy of a given size."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), "rb") as file:
                return file.read()
        except OSError as error:
            raise Refused(name, f"can't be read: {error.strerror}") from None

    def entries(self):
        """The bytes of every entry, each with the hash that its tile of level 0 holds."""
        for number in range((self.size + WIDTH - 1) // WIDTH):
            width = min(WIDTH, self.size - number * WIDTH)
            name = tile_path("entries", number, width)
            data, hashes = self.read(name), self.hashes(0, number, width)
            at = 0
            for place, digest in enumerate(hashes):
                entry, at = self.take(data, at, name, number * WIDTH + place)
                yield entry, digest
            require(at == len(data), name, "holds more than its entries")

    @staticmethod
    def take(data, at, name, index):
        require(at + 2 <= len(data), f"entry {index}", f"is not in {name}")
        size = int.from_bytes(data[at:at + 2], "big")
        require(at + 2 + size <= len(data), f"entry {index}", f"is cut short in {name}")
        return data[at + 2:at + 2 + size], at + 2 + size

    def hashes(self, level, number, width):
        name = tile_path(level, number, width)
        data = self.read(name)
        require(len(data) == width * HASH_SIZE, name, f"has {len(data)} bytes where {width} hashes have {width * HASH_SIZE}")
        return [data[i:i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]

    def check(self, leaves, entries):
        """Every level, and every file there is besides: partial tiles of smaller sizes are right, too. How many there are."""
        levels = [leaves]
        while len(levels[-1]) >= WIDTH:
            below = levels[-1]
            levels.append([root_of(below[i:i + WIDTH]) for i in range(0, len(below) - WIDTH + 1, WIDTH)])
        for level, hashes in enumerate(levels):
            for first in range(0, len(hashes), WIDTH):
                width = min(WIDTH, len(hashes) - first)
                found = self.hashes(level, first // WIDTH, width)
                wrong = next((i for i in range(width) if found[i] != hashes[first + i]), None)
                require(wrong is None, tile_path(level, first // WIDTH, width),
                        f"hash {wrong} is not the root of its entries, from {(first + (wrong or 0)) * WIDTH ** level} on")
        names = self.names()
        for name in names:
            self.check_name(name, levels, entries)
        return len(names)

    def names(self):
        return sorted(os.path.relpath(os.path.join(parent, name), self.folder)
                      for parent, _, names in os.walk(os.path.join(self.folder, "tile")) for name in names)

    def check_name(self, name, levels, entries):
        match = re.fullmatch(NAME, name)
        require(match, name, "is no name of a tile")
        number, width = int(re.sub("[x/]", "", match[2])), int(match[3] or WIDTH)
        level = match[1]
        require(name == tile_path(level, number, width), name, "is not the one name of its tile")
        begin, end = number * WIDTH, number * WIDTH + width
        if level == "entries":
            require(end <= len(entries), name, "lies behind the checkpoint")
            wanted = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries[begin:end])
        else:
            require(int(level) < len(levels) and end <= len(levels[int(level)]), name, "lies behind the checkpoint")
            wanted = b"".join(levels[int(level)][begin:end])
        require(self.read(name) == wanted, name, "is not what the entries give")


def check_leaf(index, data, digest):
    require(leaf_hash(data) == digest, f"entry {index}", "its hash is not the one in the tile of level 0")
