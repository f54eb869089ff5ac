"""Looks at many pairs, in worker processes: an image that can't be decoded costs its own pairs."""

import contextlib
import logging
import os
import warnings
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import core_count, free_memory, limit_memory
from fastphash.base.orientations import orient_pixels
from fastphash.base.progress import Progress, no_progress
from fastphash.base.supervisor import At, Refusals, Supervisor, Work
from fastphash.base.worker_start import preload
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError, UsageError, WorkerError
from fastphash.images.pillow import limit_pixels
from fastphash.images.rendering import Rendering
from fastphash.looks.aligned import align, align_described
from fastphash.looks.colours import look_at_colours
from fastphash.looks.frames import find_change
from fastphash.looks.keypoints import Described, describe, use_one_thread
from fastphash.looks.pair_order import keep_together
from fastphash.looks.pictures import decode_picture, match_sizes
from fastphash.looks.table import Look, Looks
from fastphash.sources.protocol import Reader, SpecialFileError

preload(__name__)

# seconds for one picture, and for comparing two; a worker that takes longer is ended
_TIMEOUT = 40.0
# bytes of memory that a worker should have, and has at least
_ENOUGH_MEMORY = 1 << 30
_LEAST_MEMORY = 512 << 20
# bytes of decoded pictures that a worker keeps
_KEPT = 192 << 20
# pictures whose keypoints it keeps, each of 1.1 MB at most
_DESCRIBED = 96
# items of a pair: its two pictures, and comparing them
_ITEMS, _COMPARISON = 3, 2
# pairs that are worth a further worker, and the most that one is given at once
_PAIRS_PER_WORKER = 32
_MOST_AT_ONCE = 16
# turns of each worker over all pairs, at least: so none works long after the others
_TURNS = 8


# what is found; or which of the two can't be read; or that nobody can look at the pair
_Answer: TypeAlias = Look | tuple[bool, bool] | None


class LookFile(NamedTuple):
    """One of the two images of a pair.

    Attributes
    ----------
    reader : Reader
    path : bytes
    size : int
        Bytes of the file when it was hashed.
    digest : bytes
        XXH3-128 of its bytes.
    pixels : int
        Pixels that the image has, as the store says, 0 if it doesn't; more are not decoded.
    exif : bool
        Turn the image by its EXIF orientation first.
    follow_links : bool
        Whether the file may be a symbolic link.
    rendering : Rendering or None
        That of its hash.
    """

    reader: Reader
    path: bytes
    size: int
    digest: bytes
    pixels: int = 0
    exif: bool = False
    follow_links: bool = True
    rendering: Rendering | None = None


class LookTask(NamedTuple):
    """A pair to be looked at.

    Attributes
    ----------
    left, right : LookFile
    orientation : int
        Index into `fastphash.ORIENTATIONS`: turns the left picture into the right one's frame.
    aligned : bool
        Whether the two are aligned as well, which needs OpenCV.
    compared : bool
        Whether a place where they differ is looked for.
    coloured : bool
        Whether their colours are compared, which needs pictures of one frame.
    need_keypoints : bool
        Whether they are aligned only where keypoints agree on how.
    """

    left: LookFile
    right: LookFile
    orientation: int = 0
    aligned: bool = False
    compared: bool = True
    coloured: bool = False
    need_keypoints: bool = False

    @property
    def grey(self) -> bool:
        """Whether nobody looks at colours, nor at places."""
        return not (self.compared or self.coloured)


def why_unaligned() -> str:
    """What keeps this installation from aligning pictures; empty if nothing does."""
    blank = np.zeros((1, 1), np.uint8)
    try:
        align(blank, blank)
    except UsageError as error:
        return str(error)
    return ""


class LookWorkers:
    """Processes that look at pairs: as many as pay, started for the first pairs and then kept.

    A context: leaving it ends the processes, at once if there is an exception.
    """

    def __init__(self) -> None:
        self._supervisor: Supervisor | None = None
        self._count = 0
        self._refusals = Refusals(_keys_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._supervisor is not None:
            self._supervisor.__exit__(kind, *rest)
        self._supervisor = None

    def prepare(self, pairs: int) -> None:
        """Start the processes for so many pairs, which get ready while this one does other work.

        If they can't be started, `look` says so.
        """
        with contextlib.suppress(WorkerError):
            self._start(pairs)

    def look(self, tasks: Sequence[LookTask], *, progress: Progress = no_progress) -> Looks:
        """Decode the two pictures of each pair and compare them.

        Parameters and errors are those of `look_at_pairs`.
        """
        found = Looks.none(len(tasks))
        if not tasks:
            return found
        if any(task.aligned for task in tasks) and (reason := why_unaligned()):
            raise UsageError(reason)
        order = keep_together([(task.left.digest, task.right.digest) for task in tasks])
        supervisor = self._start(len(order))
        size = min(max(len(order) // (self._count * _TURNS), 1), _MOST_AT_ONCE)
        parts = ([tasks[i] for i in order[j : j + size]] for j in range(0, len(order), size))
        results = chain.from_iterable(supervisor.map(parts, self._refusals))
        for done, (i, look) in enumerate(zip(order, results, strict=True), 1):
            if isinstance(look, Look):
                found.put(i, look)
            elif look is not None:
                found.unreadable[i] = look
            progress("looking", done, len(order))
        return found

    def _start(self, pairs: int) -> Supervisor:
        """The processes, at least as many as pay for so many pairs."""
        count, memory = _share_memory(pairs // _PAIRS_PER_WORKER + 1)
        if self._supervisor is not None and self._count < count:
            self._supervisor.close()
            self._supervisor = None
        if self._supervisor is None:
            self._supervisor = Supervisor(count, _TIMEOUT, start_look_worker, (memory,))
            self._count = count
        return self._supervisor


def look_at_pairs(tasks: Sequence[LookTask], *, progress: Progress = no_progress) -> Looks:
    """Decode the two pictures of each pair and compare them, in as many processes as pay.

    Parameters
    ----------
    tasks : sequence of LookTask
    progress : Progress
        Told of the pairs that were looked at.

    Raises
    ------
    UsageError
        Pairs are to be aligned, and OpenCV is missing or broken.
    WorkerError
        Processes can't be started, or keep dying.
    """
    with LookWorkers() as workers:
        return workers.look(tasks, progress=progress)


class _Pictures:
    """Decoded pictures, the last used of which are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._described: OrderedDict[Hashable, Described] = OrderedDict()

    def describe(self, file: LookFile, orientation: int = 0, *, grey: bool = False) -> Described:
        """The keypoints of a file's picture, turned; errors are those of `decode`."""
        key = file.digest, file.exif, file.rendering, grey, orientation
        if key in self._described:
            self._described.move_to_end(key)
            return self._described[key]
        described = describe(orient_pixels(self.decode(file, grey=grey), orientation))
        self._described[key] = described
        while len(self._described) > _DESCRIBED:
            self._described.popitem(last=False)
        return described

    def cannot_decode(self, file: LookFile, *, grey: bool = False) -> bool:
        """Whether a file is gone or changed, no image, or too large for a worker."""
        for _ in range(2):
            try:
                self.decode(file, grey=grey)
            except ImageError:
                return True
            except MemoryError:
                # perhaps there is room without the others
                self._kept.clear()
                self._described.clear()
                self._bytes = 0
            else:
                return False
        return True

    def decode(self, file: LookFile, *, grey: bool = False) -> NDArray[np.uint8]:
        """The picture of a file; ImageError if the file is gone or changed, or no image.

        `grey` is that of `decode_picture`.
        """
        key = file.digest, file.exif, file.rendering, grey
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        data = _read(file)
        limit_pixels(file.pixels or MAX_PIXELS)
        picture = decode_picture(data, exif=file.exif, rendering=file.rendering, grey=grey)
        self._kept[key] = picture
        self._bytes += picture.nbytes
        while self._bytes > _KEPT:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return picture


def start_look_worker(memory: int) -> Work:
    """Make this process a worker that may take `memory` more bytes and prints nothing."""
    logging.disable()
    warnings.simplefilter("ignore")
    # libtiff writes its warnings to file descriptor 2
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    limit_memory(memory)
    pictures = _Pictures()
    # before the first pair: pictures can be compared without it
    with contextlib.suppress(UsageError):
        use_one_thread()

    def work(tasks: Sequence[LookTask], refused: dict[int, str], at: At) -> list[_Answer]:
        return [
            _answer(pictures, task, refused, at, _ITEMS * number)
            for number, task in enumerate(tasks)
        ]

    return work


def _keys_of(tasks: Sequence[LookTask]) -> list[Hashable]:
    """What the items of some pairs are: a picture is the same in all its pairs."""
    keys: list[Hashable] = []
    for task in tasks:
        sides = [
            (side.path, side.digest, side.exif, side.rendering) for side in (task.left, task.right)
        ]
        keys += [*sides, (*sides, task[2:])]
    return keys


def _answer(
    pictures: _Pictures, task: LookTask, refused: dict[int, str], at: At, first: int
) -> _Answer:
    """Look at a pair whose items begin with the number `first`."""
    if first + _COMPARISON in refused:
        return None
    unreadable = [False, False]
    for side, file in enumerate((task.left, task.right)):
        at(first + side)
        refuses = first + side in refused
        unreadable[side] = refuses or pictures.cannot_decode(file, grey=task.grey)
    at(first + _COMPARISON)
    try:
        return (unreadable[0], unreadable[1]) if any(unreadable) else _look(pictures, task)
    except (ImageError, MemoryError):
        return None


def _look(pictures: _Pictures, task: LookTask) -> Look:
    change = alignment = colours = None
    if task.compared or task.coloured:
        left, right = pictures.decode(task.left), pictures.decode(task.right)
        sized = match_sizes(orient_pixels(left, task.orientation), right)
        change = find_change(*sized) if task.compared else None
        colours = look_at_colours(*sized) if task.coloured else None
    if task.aligned:
        ours = pictures.describe(task.left, task.orientation, grey=task.grey)
        theirs = pictures.describe(task.right, grey=task.grey)
        alignment = align_described(ours, theirs, need_keypoints=task.need_keypoints)
    return Look(change, alignment, colours)


def _read(file: LookFile) -> bytes:
    try:
        data = file.reader.read_hashed(file.path, file.size, follow_links=file.follow_links)
    except (OSError, ValueError, SpecialFileError) as error:
        raise ImageError("read", "the file can't be read") from error
    if xxhash.xxh3_128_digest(data) != file.digest:
        raise ImageError("read", "the file has changed")
    return data


def _share_memory(wanted: int) -> tuple[int, int]:
    """How many of the wanted workers to start, and bytes for each: half of what is free in all."""
    memory = free_memory() // 2
    count = max(min(wanted, core_count(), memory // _ENOUGH_MEMORY), 1)
    return count, max(memory // count, _LEAST_MEMORY)
