"""An independent reader of C2SP tlog-tiles: roots and proofs from tiles alone, wherever these come from."""
import base64
import os

from tests.flow import wire

HEIGHT = 8
WIDTH = 1 << HEIGHT


def tile_path(level, index, width=WIDTH):
    """`level` is a number, or "entries"."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def tile_width(level, index, size):
    return max(0, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))


def split_hashes(data):
    assert len(data) % 32 == 0, len(data)
    return [data[at:at + 32] for at in range(0, len(data), 32)]


def split_bundle(data):
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        assert end <= len(data), "a bundle ends within an entry"
        entries.append(data[at + 2:end])
        at = end
    return entries


def node(left, right):
    return wire.sha256(b"\1", left, right)


class Reader:
    """`fetch(path)` gives the bytes under a path, or fails."""

    def __init__(self, fetch):
        self.fetch = fetch
        self.tiles = {}

    def checkpoint(self, key, origin=None):
        """(size, root) of the checkpoint, once its signature is verified."""
        note = self.fetch("checkpoint")
        assert wire.note_is_signed_by(note, key), note
        lines = wire.split_note(note)[0].decode().splitlines()
        assert lines[0] == (origin or key.name) and len(lines) == 3, lines
        return int(lines[1]), base64.b64decode(lines[2])

    def tile(self, level, index, size):
        width = tile_width(level, index, size)
        path = tile_path(level, index, width)
        if path not in self.tiles:
            hashes = split_hashes(self.fetch(path))
            assert len(hashes) == width, (path, len(hashes))
            self.tiles[path] = hashes
        return self.tiles[path]

    def entries(self, size):
        """Every entry, bundle by bundle."""
        for index in range((size + WIDTH - 1) // WIDTH):
            width = tile_width(0, index, size)
            bundle = split_bundle(self.fetch(tile_path("entries", index, width)))
            assert len(bundle) == width, (index, len(bundle))
            yield from bundle

    def subtree(self, height, index, size):
        """Root of the leaves [index << height, (index + 1) << height)."""
        level, rest = divmod(height, HEIGHT)
        first = index << rest
        hashes = self.tile(level, first // WIDTH, size)[first % WIDTH:][:1 << rest]
        assert len(hashes) == 1 << rest
        while len(hashes) > 1:
            hashes = [node(*hashes[i:i + 2]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def range_root(self, start, end, size):
        count = end - start
        if count & count - 1 == 0:
            return self.subtree(count.bit_length() - 1, start // count, size)
        split = start + (1 << (count - 1).bit_length() - 1)
        return node(self.range_root(start, split, size), self.range_root(split, end, size))

    def root(self, size):
        return self.range_root(0, size, size) if size else wire.sha256()

    def path(self, index, size):
        """PATH(index, D[size]) of RFC 6962, the sibling first."""
        start, end, path = 0, size, []
        while end - start > 1:
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if index < split:
                path.insert(0, self.range_root(split, end, size))
                end = split
            else:
                path.insert(0, self.range_root(start, split, size))
                start = split
        return path

    def verify(self, size, root, entries=None):
        """The tiles give the root, and each entry is in the tree: by its own path, from tiles alone."""
        assert self.root(size) == root, f"the tiles of {size} give another root"
        for index, entry in enumerate(self.entries(size) if entries is None else entries):
            found = wire.root_from_path(index, size, wire.leaf_hash(entry), self.path(index, size))
            assert found == root, f"entry {index} is not in the tree of {size}"

    def paths(self, size):
        """Every path that a copy of this size has."""
        yield "checkpoint"
        for level in range(8):
            for index in range(((size >> HEIGHT * level) + WIDTH - 1) // WIDTH):
                yield tile_path(level, index, tile_width(level, index, size))
                if level == 0:
                    yield tile_path("entries", index, tile_width(0, index, size))


def of_folder(folder):
    def fetch(path):
        with open(os.path.join(folder, path), "rb") as file:
            return file.read()
    return Reader(fetch)


def of_connection(connection, token=None, prefix="/", query=""):
    def fetch(path):
        answer = connection.get(prefix + path + query, token)
        assert answer.status == 200, (path, answer)
        return answer.body
    return Reader(fetch)


def consistency_is_proven(sizes, roots, path):
    """RFC 9162 section 2.1.4.2, for sizes 0 < old <= new."""
    (old, new), (old_root, new_root), path = sizes, roots, list(path)
    if old == new:
        return not path and old_root == new_root
    if old & old - 1 == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    digest_old = digest_new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            digest_old, digest_new = node(step, digest_old), node(step, digest_new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            digest_new = node(digest_new, step)
        first, last = first >> 1, last >> 1
    return last == 0 and digest_old == old_root and digest_new == new_root
