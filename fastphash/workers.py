"""Files to hashed batches, in worker processes."""

import contextlib
import logging
import multiprocessing
import os
import signal
import stat
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
import pebble
import xxhash
from numpy.typing import NDArray

from fastphash import images
from fastphash.errors import ImageError, UsageError, WorkerError
from fastphash.hashing import hash_orientations, hash_thumbnails
from fastphash.images import Decoding
from fastphash.threads import core_count
from fastphash.thumbnail import both_thumbnails, thumbnail
from fastphash.words import PassOrder

# images of one task: enough to hide the cost of passing it, few enough to keep all workers busy
_BATCH = 64
# not blocking: a file list may name a pipe
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# contents that a worker remembers, 1.2 kB each
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker hashes: all that it needs to know."""

    decoding: Decoding = field(default_factory=Decoding)
    pass_order: PassOrder = "pillow13"
    orientations: bool = True


class Record(NamedTuple):
    """What is known of one image, however many files hold its bytes."""

    format: str
    width: int
    height: int
    hashes: NDArray[np.uint64]
    thumbnail: NDArray[np.uint8]


class _Seen(NamedTuple):
    """One decoded image, its thumbnail (or both) not yet hashed; the pixels are gone."""

    format: str
    width: int
    height: int
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

    def hash_files(self, root: bytes, paths: Sequence[bytes]) -> Batch:
        """Hash files below `root`; those that give no hash are rejected or skipped."""
        batch = Batch()
        fresh: dict[bytes, _Seen] = {}
        for path in paths:
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
            else:
                batch.paths.append(path)
                batch.sizes.append(len(data))
                batch.mtimes.append(status.st_mtime_ns)
                batch.digests.append(digest)
        records = self._hash(fresh)
        found = [records.get(d) or self._remembered[d] for d in batch.digests]
        batch.formats = [record.format for record in found]
        batch.shapes = [(record.width, record.height) for record in found]
        if found:
            batch.hashes = np.stack([record.hashes for record in found])
            batch.thumbnails = np.stack([record.thumbnail for record in found])
        self._remember(records)
        return batch

    def _look(self, data: bytes) -> "_Seen":
        decoded = images.decode(data, self._recipe.decoding, self._caught)
        make = both_thumbnails if self._recipe.orientations else thumbnail
        made = make(decoded.grey, self._recipe.pass_order, decoded.extent)
        return _Seen(decoded.format, decoded.width, decoded.height, made)

    def _hash(self, fresh: dict[bytes, "_Seen"]) -> dict[bytes, Record]:
        if not fresh:
            return {}
        made = np.stack([seen.thumbnails for seen in fresh.values()])
        if self._recipe.orientations:
            hashes, upright = hash_orientations(made), made[:, 0]
        else:
            hashes, upright = hash_thumbnails(made)[:, None], made
        return {
            digest: Record(seen.format, seen.width, seen.height, hashes[i], upright[i].copy())
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
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise ImageError("read", "not a regular file")
            if not images.promises_image(path):
                head = os.read(fd, images.SNIFFED)
                return (
                    head + _read_all(fd, status.st_size) if images.sniff(head) else None
                ), status
            return _read_all(fd, status.st_size), status
        finally:
            os.close(fd)
    except OSError as error:
        raise ImageError("read", error.strerror or str(error)) from error
    except ValueError as error:  # a name with a NUL
        raise ImageError("read", str(error)) from error
    except MemoryError as error:
        raise ImageError("read", "the file is larger than the memory that is left") from error


def _read_all(fd: int, size: int) -> bytes:
    """What is left of a file of about `size` bytes."""
    pieces = []
    while piece := os.read(fd, max(size, 4096)):
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


_hasher: Hasher | None = None


def start_worker(recipe: Recipe) -> None:
    """Make this process a worker: file descriptor 2 is caught from now on."""
    global _hasher  # noqa: PLW0603 - one for each process: tasks are plain functions
    cv2.setNumThreads(0)
    logging.disable()  # Pillow logs what it also raises
    sys.stderr = os.fdopen(os.dup(2), "w")
    _hasher = Hasher(recipe, images.CaughtStderr())


def hash_batch(root: bytes, paths: Sequence[bytes]) -> Batch:
    """`Hasher.hash_files` of this worker process."""
    assert _hasher is not None, "start_worker comes first"
    return _hasher.hash_files(root, paths)


class Workers:
    """A pool of worker processes that answers in the order it was asked.

    Use it as a context: leaving it ends the processes, at once where an exception passes.

    Parameters
    ----------
    count : int
        Processes.
    recipe : Recipe

    Raises
    ------
    UsageError
        `count` is less than one.
    WorkerError
        Processes can't be started.
    """

    def __init__(self, count: int, recipe: Recipe) -> None:
        if count < 1:
            raise UsageError(f"workers must be at least 1, not {count}")
        self._ahead = 4 * count
        self._pool = pebble.ProcessPool(
            count, initializer=start_worker, initargs=(recipe,), context=_context()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def hash_files(self, root: bytes, paths: Iterable[bytes]) -> Iterator[Batch]:
        """Batches in the order of `paths`, which are read only a little ahead of what is taken."""
        source = iter(paths)
        waiting: deque[tuple[list[bytes], Any]] = deque()
        while batch := list(islice(source, _BATCH)):
            waiting.append((batch, self._schedule(root, batch)))
            if len(waiting) > self._ahead:
                yield self._result(root, *waiting.popleft())
        while waiting:
            yield self._result(root, *waiting.popleft())

    def _schedule(self, root: bytes, paths: list[bytes]) -> Any:
        return self._pool.schedule(hash_batch, args=(root, paths))

    def _result(self, root: bytes, paths: list[bytes], future: Any) -> Batch:
        try:
            batch: Batch = future.result()
        except pebble.ProcessExpired as error:
            if len(paths) == 1:
                reason = f"the worker process died, exit status {error.exitcode}"
                return Batch(rejected=[Rejection(paths[0], "worker", reason)])
            # one of them did it: give each to a worker alone
            alone = [(path, self._schedule(root, [path])) for path in paths]
            return merge([self._result(root, [path], future) for path, future in alone])
        except RuntimeError as error:
            raise WorkerError(f"worker processes can't be started: {error}") from error
        return batch


def _context() -> Any:
    """Where processes come from: one that has imported everything once, or else from scratch."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver  # there is none on Windows

        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["fastphash.workers"])
        with _interrupts_ignored():
            forkserver.ensure_running()
    else:
        context = multiprocessing.get_context("spawn")
    # one that does nothing tells whether any can be started, and ends when imports are done:
    # a pool that is stopped while its workers start leaves their tracebacks on the screen
    first = context.Process(target=_nothing)
    first.start()
    first.join()
    if first.exitcode:
        raise WorkerError(
            "worker processes can't be started: in a script, call below if __name__ == '__main__':"
        )
    return context


def _nothing() -> None:
    """The work of the first process."""


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, not even while they import: the parent does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def merge(batches: Sequence[Batch]) -> Batch:
    """One batch with the rows of several, in order."""
    whole = Batch()
    for batch in batches:
        for name in ("paths", "sizes", "mtimes", "digests", "formats", "shapes"):
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
