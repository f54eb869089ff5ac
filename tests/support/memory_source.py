"""A source that is no folder: images in memory."""

import io

import xxhash

from fastphash.errors import ImageError
from fastphash.images.sniff import SNIFFED, promises_image, sniff
from fastphash.sources.protocol import Entry, Stamp


class MemoryReader:
    """Reads from a dict of (bytes, time) by path; no path is a link."""

    def __init__(self, files):
        self.files = files

    def for_task(self, entries):
        return self

    def read(self, path):
        if path not in self.files:
            raise ImageError("read", "no such image")
        data, _ = self.files[path]
        is_image = promises_image(path) or sniff(data[:SNIFFED])
        return data if is_image else None, self.stamp(path)

    def stamp(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        data, time = self.files[path]
        return Stamp(len(data), time)

    def read_hashed(self, path, size, *, follow_links=True):
        self.stamp(path)
        return io.BytesIO(self.files[path][0]).read(size + 1)

    def digest(self, path):
        self.stamp(path)
        return xxhash.xxh3_128_digest(self.files[path][0])

    def resolve(self, path):
        return path


class MemorySource:
    """A split of images in memory, in the order of their paths."""

    listed = False
    containers_to_list = None
    given = None

    def __init__(self, split, files, root=b"memory"):
        self.split = split
        self.root = root
        self.reader = MemoryReader(files)

    def entries(self, avoid=None):
        return (Entry(path) for path in sorted(self.reader.files))
