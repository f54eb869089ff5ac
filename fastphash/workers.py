"""Files to hashed batches, in worker processes."""

import logging
import os
import stat
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

import fastphash.kernels.chroma
import fastphash.kernels.grey
import fastphash.kernels.resize  # noqa: F401 - before the first image, whose time is limited
from fastphash import images
from fastphash.errors import ImageError, UsageError
from fastphash.hashing import hash_orientations, hash_thumbnails
from fastphash.images import Decoding
from fastphash.supervise import At, Supervisor, Work
from fastphash.threads import core_count, free_memory, limit_memory
from fastphash.thumbnail import both_thumbnails, thumbnail
from fastphash.words import MAX_PIXELS, TIMEOUT, PassOrder

# images of one task, and bytes of their names: enough to hide the cost of passing it, few enough
# to keep all workers busy, and to wait in a pipe
_BATCH = 64
_NAMES = 3000
# not blocking: a file list may name a pipe
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# bytes that a worker may take whatever is free: enough for images as large as may be
_LEAST_MEMORY = 2 << 30
# how often a file is read that changes meanwhile
_READINGS = 3
# contents that a worker remembers, 1.4 kB each
_REMEMBERED = 4096
# lists of a batch with an entry for each row
_OF_ROWS = ("paths", "sizes", "mtimes", "digests", "formats", "shapes", "multiframe", "chroma")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker hashes: all that it needs to know."""

    decoding: Decoding = field(default_factory=Decoding)
    pass_order: PassOrder = "pillow13"
    orientations: bool = True
    max_pixels: int = MAX_PIXELS


class Record(NamedTuple):
    """What is known of one image, however many files hold its bytes."""

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    hashes: NDArray[np.uint64]
    thumbnail: NDArray[np.uint8]


class _Seen(NamedTuple):
    """One decoded image, its thumbnail (or both) not yet hashed; the pixels are gone."""

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    thumbnails: NDArray[np.uint8]


class Rejection(NamedTuple):
    """An input that gave no hash."""

    path: bytes
    stage: str
    reason: str


@dataclass(slots=True)
class Batch:
    """What a worker made of some files of one split; arrays are rows in the order of `paths`."""

    paths: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    mtimes: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    multiframe: list[bool] = field(default_factory=list)
    chroma: list[bytes | None] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty((0, 0), np.uint64))
    thumbnails: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0), np.uint8))
    rejected: list[Rejection] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """Files that it accounts for."""
        return len(self.paths) + len(self.rejected) + len(self.skipped)


class Hasher:
    """Reads, decodes and hashes files, and remembers contents that it has just seen."""

    def __init__(self, recipe: Recipe, caught: images.CaughtStderr | None = None) -> None:
        self._recipe = recipe
        self._caught = caught
        self._remembered: OrderedDict[bytes, Record] = OrderedDict()

    def hash_files(
        self,
        root: bytes,
        paths: Sequence[bytes],
        refused: Mapping[int, str] | None = None,
        at: At = lambda item: None,  # noqa: ARG005 - tells nobody
    ) -> Batch:
        """Hash files below `root`; those that give no hash are rejected or skipped.

        Files that are `refused`, by their places in `paths`, are rejected unread. `at` is told of
        every other one that is begun.
        """
        batch = Batch()
        fresh: dict[bytes, _Seen] = {}
        for item, path in enumerate(paths):
            if refused and item in refused:
                batch.rejected.append(Rejection(path, "worker", refused[item]))
                continue
            at(item)
            try:
                data, status = _read(os.path.join(root, path))
                if data is None:
                    batch.skipped.append(path)
                    continue
                digest = xxhash.xxh3_128_digest(data)
                if digest in self._remembered:
                    self._remembered.move_to_end(digest)
                elif digest not in fresh:
                    fresh[digest] = self._look(data)
            except ImageError as error:
                batch.rejected.append(Rejection(path, error.stage, error.reason))
            except MemoryError:
                batch.rejected.append(Rejection(path, "decode", "out of memory"))
            else:
                batch.paths.append(path)
                batch.sizes.append(len(data))
                batch.mtimes.append(status.st_mtime_ns)
                batch.digests.append(digest)
        records = self._hash(fresh)
        found = [records.get(d) or self._remembered[d] for d in batch.digests]
        batch.formats = [record.format for record in found]
        batch.shapes = [(record.width, record.height) for record in found]
        batch.multiframe = [record.multiframe for record in found]
        batch.chroma = [record.chroma for record in found]
        if found:
            batch.hashes = np.stack([record.hashes for record in found])
            batch.thumbnails = np.stack([record.thumbnail for record in found])
        self._remember(records)
        return batch

    def _look(self, data: bytes) -> "_Seen":
        decoded = images.decode(data, self._recipe.decoding, self._caught)
        make = both_thumbnails if self._recipe.orientations else thumbnail
        made = make(decoded.grey, self._recipe.pass_order, decoded.extent)
        chroma = None if decoded.chroma is None else decoded.chroma.tobytes()
        return _Seen(
            decoded.format, decoded.width, decoded.height, decoded.multiframe, chroma, made
        )

    def _hash(self, fresh: dict[bytes, "_Seen"]) -> dict[bytes, Record]:
        if not fresh:
            return {}
        made = np.stack([seen.thumbnails for seen in fresh.values()])
        if self._recipe.orientations:
            hashes, upright = hash_orientations(made), made[:, 0]
        else:
            hashes, upright = hash_thumbnails(made)[:, None], made
        return {
            digest: Record(*seen[:5], hashes[i], upright[i].copy())
            for i, (digest, seen) in enumerate(fresh.items())
        }

    def _remember(self, records: dict[bytes, Record]) -> None:
        self._remembered.update(records)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


def _read(path: bytes) -> tuple[bytes | None, os.stat_result]:
    """The bytes of a file, or None if neither its name nor its first bytes are an image's."""
    try:
        fd = os.open(path, _READ_FLAGS)
        try:
            for _ in range(_READINGS):
                before = os.fstat(fd)
                data = _read_open(fd, path, before)
                after = os.fstat(fd)
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return data, before
                os.lseek(fd, 0, os.SEEK_SET)
        finally:
            os.close(fd)
    except OSError as error:
        raise ImageError("read", error.strerror or str(error)) from error
    except ValueError as error:  # a name with a NUL
        raise ImageError("read", str(error)) from error
    except MemoryError as error:
        raise ImageError("read", "the file is larger than the memory that is left") from error
    raise ImageError("read", f"the file changed {_READINGS} times while it was read")


def _read_open(fd: int, path: bytes, status: os.stat_result) -> bytes | None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("read", "not a regular file")
    if images.promises_image(path):
        return _read_all(fd, status.st_size)
    head = os.read(fd, images.SNIFFED)
    return head + _read_all(fd, status.st_size) if images.sniff(head) else None


def _read_all(fd: int, size: int) -> bytes:
    """What is left of a file of about `size` bytes."""
    pieces = []
    while piece := os.read(fd, max(size, 4096)):
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def start_worker(recipe: Recipe, memory: int) -> Work:
    """Make this process a worker: file descriptor 2 is caught, and memory limited from now on."""
    cv2.setNumThreads(0)
    logging.disable()  # Pillow logs what it also raises
    sys.stderr = os.fdopen(os.dup(2), "w")
    images.limit_pixels(recipe.max_pixels)
    limit_memory(memory)
    hasher = Hasher(recipe, images.CaughtStderr())

    def work(task: tuple[bytes, list[bytes]], refused: dict[int, str], at: At) -> Batch:
        root, paths = task
        return hasher.hash_files(root, paths, refused, at)

    return work


class Workers:
    """Worker processes that hash files, in the order in which they are asked.

    Use it as a context: leaving it ends the processes, at once where an exception passes.

    Parameters
    ----------
    count : int
        Processes.
    recipe : Recipe
    timeout : float
        Seconds that a worker may take for one image; it is ended then. An image that has ended two
        workers, so or by a crash, is rejected.

    Raises
    ------
    UsageError
        `count` is less than one, or `timeout` is no time.
    WorkerError
        Processes can't be started.
    """

    def __init__(self, count: int, recipe: Recipe, timeout: float = TIMEOUT) -> None:
        if count < 1:
            raise UsageError(f"workers must be at least 1, not {count}")
        check_timeout(timeout)
        memory = max(free_memory() // (count + 1), _LEAST_MEMORY)
        self._supervisor = Supervisor(count, timeout, start_worker, (recipe, memory))

    def __enter__(self) -> Self:
        self._supervisor.__enter__()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._supervisor.__exit__(kind, *rest)

    def hash_files(self, root: bytes, paths: Iterable[bytes]) -> Iterator[Batch]:
        """Batches in the order of `paths`, which are read only a little ahead of what is taken."""
        return self._supervisor.map((root, batch) for batch in _batches(paths))


def _batches(paths: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += len(path)
        if len(batch) == _BATCH or size >= _NAMES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def merge(batches: Sequence[Batch]) -> Batch:
    """One batch with the rows of several, in order."""
    whole = Batch()
    for batch in batches:
        for name in _OF_ROWS:
            getattr(whole, name).extend(getattr(batch, name))
        whole.rejected += batch.rejected
        whole.skipped += batch.skipped
    full = [batch for batch in batches if batch.paths]
    if full:
        whole.hashes = np.concatenate([batch.hashes for batch in full])
        whole.thumbnails = np.concatenate([batch.thumbnails for batch in full])
    return whole


def worker_count(workers: int | None) -> int:
    """The number asked for, or one for each core that this process may use."""
    if workers is None:
        return core_count()
    if workers < 1:
        raise UsageError(f"workers must be at least 1, not {workers}")
    return workers


def check_timeout(timeout: float) -> None:
    """Raise UsageError for what is no time to wait."""
    if not timeout > 0:
        raise UsageError(f"a timeout is a number of seconds above 0, not {timeout:g}")
