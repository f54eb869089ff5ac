"""Looks at many pairs, in worker processes: an image that can't be decoded costs its own pairs."""

import logging
import os
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import core_count, free_memory, limit_memory
from fastphash.base.orientations import orient_pixels
from fastphash.base.progress import Progress, no_progress
from fastphash.base.supervisor import At, Supervisor, Work
from fastphash.base.vocabulary import DIFFERENT, UNKNOWN_COLOUR
from fastphash.base.worker_start import preload
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError, UsageError
from fastphash.images.pillow import limit_pixels
from fastphash.looks.aligned import Alignment, align, align_described
from fastphash.looks.colours import ColourLook, look_at_colours
from fastphash.looks.frames import find_change
from fastphash.looks.keypoints import Described, describe, use_one_thread
from fastphash.looks.local_change import LocalChange
from fastphash.looks.pictures import decode_picture, match_sizes
from fastphash.sources.protocol import Reader, SpecialFileError

preload(__name__)

# seconds for one pair; a worker that takes longer is ended
_TIMEOUT = 40.0
# bytes of memory that a worker should have, and has at least
_ENOUGH_MEMORY = 1 << 30
_LEAST_MEMORY = 512 << 20
# bytes of decoded pictures that a worker keeps
_KEPT = 192 << 20
# pictures whose keypoints it keeps, each of 100 KB
_DESCRIBED = 256
# pairs that are worth a further worker
_PAIRS_PER_WORKER = 32
# columns of looks that are fields of an alignment
_OF_ALIGNMENT = ("correlation", "window", "other_window", "matched", "covered", "alike", "loose")


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
    """

    reader: Reader
    path: bytes
    size: int
    digest: bytes
    pixels: int = 0
    exif: bool = False
    follow_links: bool = True


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
    """

    left: LookFile
    right: LookFile
    orientation: int = 0
    aligned: bool = False
    compared: bool = True
    coloured: bool = False


class Looks(NamedTuple):
    """What looks at pairs showed; NaN where nobody looked, or didn't align.

    Attributes
    ----------
    looked : bool (n,)
        Whether both pictures could be decoded from unchanged files, in the bounds given.
    strength : float32 (n,)
        That of `LocalChange`: from `fastphash.looks.local_change.CHANGED` on a place differs.
    place : float32 (n, 4)
        Left, top, right and bottom of the place that differs the most, as shares of the right
        picture's width and height; NaN where none differs.
    share : float32 (n,)
        The share of cells that differ, 0 to 1.
    correlation : float32 (n,)
        That of `Alignment`.
    keypoints : int32 (n,)
        Those of the picture with fewer; 0 where pictures were not aligned.
    window : float32 (n, 4)
        The part of the left picture, turned, that the right one shows.
    other_window : float32 (n, 4)
        The part of the right picture that the left one shows.
    matched, covered, alike : float32 (n,)
        Those of `Alignment`.
    loose : bool (n,)
        That of `Alignment`; False where pictures were not aligned.
    colour : uint8 (n,)
        Index into COLOURS; UNKNOWN_COLOUR where colours were not compared.
    recoloured : bool (n,)
        Whether colours are surely different, since something else kept its own.
    unreadable : bool (n, 2)
        Of pairs that nobody looked at, whether the file of the left and of the right picture is
        gone, has changed or can't be decoded.
    """

    looked: NDArray[np.bool_]
    strength: NDArray[np.float32]
    place: NDArray[np.float32]
    share: NDArray[np.float32]
    correlation: NDArray[np.float32]
    keypoints: NDArray[np.int32]
    window: NDArray[np.float32]
    other_window: NDArray[np.float32]
    matched: NDArray[np.float32]
    covered: NDArray[np.float32]
    alike: NDArray[np.float32]
    loose: NDArray[np.bool_]
    colour: NDArray[np.uint8]
    recoloured: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]

    @classmethod
    def none(cls, size: int) -> "Looks":
        """Pairs that nobody has looked at."""

        def column(value: object, *more: int, of: type = np.float32) -> NDArray[Any]:
            return np.full((size, *more), value, of)

        return cls(
            looked=column(False, of=np.bool_),
            strength=column(np.nan),
            place=column(np.nan, 4),
            share=column(np.nan),
            correlation=column(np.nan),
            keypoints=column(0, of=np.int32),
            window=column(np.nan, 4),
            other_window=column(np.nan, 4),
            matched=column(np.nan),
            covered=column(np.nan),
            alike=column(np.nan),
            loose=column(False, of=np.bool_),
            colour=column(UNKNOWN_COLOUR, of=np.uint8),
            recoloured=column(False, of=np.bool_),
            unreadable=column(False, 2, of=np.bool_),
        )


class _Look(NamedTuple):
    change: LocalChange | None
    alignment: Alignment | None
    colours: ColourLook | None


def why_unaligned() -> str:
    """What keeps this installation from aligning pictures; empty if nothing does."""
    blank = np.zeros((1, 1), np.uint8)
    try:
        align(blank, blank)
    except UsageError as error:
        return str(error)
    return ""


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
    found = Looks.none(len(tasks))
    if not tasks:
        return found
    if any(task.aligned for task in tasks) and (reason := why_unaligned()):
        raise UsageError(reason)
    # an image's pairs one after the other: it is decoded once by each worker
    order = sorted(range(len(tasks)), key=lambda i: (tasks[i].left.digest, tasks[i].right.digest))
    count, memory = _share_memory(len(order) // _PAIRS_PER_WORKER + 1)
    with Supervisor(count, _TIMEOUT, start_look_worker, (memory,)) as supervisor:
        results = supervisor.map([tasks[i] for i in order])
        for done, (i, look) in enumerate(zip(order, results, strict=True), 1):
            if isinstance(look, _Look):
                _put(found, i, look)
            elif look is not None:
                found.unreadable[i] = look
            progress("looking", done, len(order))
    return found


def _put(found: Looks, i: int, look: _Look) -> None:
    found.looked[i] = True
    if look.change is not None:
        found.strength[i], found.place[i], found.share[i] = look.change
    if look.alignment is not None:
        found.keypoints[i] = min(look.alignment.keypoints)
        for name in _OF_ALIGNMENT:
            getattr(found, name)[i] = getattr(look.alignment, name)
    if look.colours is not None:
        found.colour[i] = look.colours.colour
        found.recoloured[i] = look.colours.colour == DIFFERENT and look.colours.sure


class _Pictures:
    """Decoded pictures, the last used of which are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, bool], NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._described: OrderedDict[tuple[bytes, bool, int], Described] = OrderedDict()

    def describe(self, file: LookFile, orientation: int = 0) -> Described:
        """The keypoints of a file's picture, turned; errors are those of `decode`."""
        key = file.digest, file.exif, orientation
        if key in self._described:
            self._described.move_to_end(key)
            return self._described[key]
        use_one_thread()
        described = describe(orient_pixels(self.decode(file), orientation))
        self._described[key] = described
        while len(self._described) > _DESCRIBED:
            self._described.popitem(last=False)
        return described

    def cannot_decode(self, file: LookFile) -> bool:
        """Whether a file is gone or changed, or no image."""
        try:
            self.decode(file)
        except ImageError:
            return True
        return False

    def decode(self, file: LookFile) -> NDArray[np.uint8]:
        """The picture of a file; ImageError if the file is gone or changed, or no image."""
        key = file.digest, file.exif
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        data = _read(file)
        limit_pixels(file.pixels or MAX_PIXELS)
        picture = decode_picture(data, exif=file.exif)
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

    def work(task: LookTask, refused: dict[int, str], at: At) -> _Look | tuple[bool, bool] | None:
        if refused:
            return None
        at(0)
        try:
            unreadable = pictures.cannot_decode(task.left), pictures.cannot_decode(task.right)
            return unreadable if any(unreadable) else _look(pictures, task)
        except (ImageError, MemoryError):
            return None

    return work


def _look(pictures: _Pictures, task: LookTask) -> _Look:
    change = alignment = colours = None
    if task.compared or task.coloured:
        left, right = pictures.decode(task.left), pictures.decode(task.right)
        sized = match_sizes(orient_pixels(left, task.orientation), right)
        change = find_change(*sized) if task.compared else None
        colours = look_at_colours(*sized) if task.coloured else None
    if task.aligned:
        left_points = pictures.describe(task.left, task.orientation)
        alignment = align_described(left_points, pictures.describe(task.right))
    return _Look(change, alignment, colours)


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
