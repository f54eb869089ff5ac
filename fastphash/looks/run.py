"""Looks at many pairs, in worker processes: an image that can't be decoded costs its own pairs."""

import logging
import math
import os
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import core_count, free_memory, limit_memory
from fastphash.base.orientations import orient_pixels
from fastphash.base.progress import Progress, no_progress
from fastphash.base.supervisor import At, Supervisor, Work
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError, UsageError
from fastphash.images.pillow import limit_pixels
from fastphash.looks.aligned import Alignment, align
from fastphash.looks.frames import find_change
from fastphash.looks.local_change import LocalChange
from fastphash.looks.pictures import decode_picture, match_sizes
from fastphash.sources.protocol import Reader, SpecialFileError

# seconds for one pair; a worker that takes longer is ended
_TIMEOUT = 40.0
# bytes of memory that a worker should have, and has at least
_ENOUGH_MEMORY = 1 << 30
_LEAST_MEMORY = 512 << 20
# bytes of decoded pictures that a worker keeps
_KEPT = 192 << 20
# pairs that are worth a further worker
_PAIRS_PER_WORKER = 32


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
    """

    left: LookFile
    right: LookFile
    orientation: int = 0
    aligned: bool = False


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
    """

    looked: NDArray[np.bool_]
    strength: NDArray[np.float32]
    place: NDArray[np.float32]
    share: NDArray[np.float32]
    correlation: NDArray[np.float32]
    keypoints: NDArray[np.int32]
    window: NDArray[np.float32]
    other_window: NDArray[np.float32]

    @classmethod
    def none(cls, size: int) -> "Looks":
        """Pairs that nobody has looked at."""
        one, four = np.full(size, np.nan, np.float32), np.full((size, 4), np.nan, np.float32)
        nothing = np.zeros(size, np.int32)
        windows = four.copy(), four.copy()
        return cls(nothing > 0, one, four, one.copy(), one.copy(), nothing, *windows)


class _Look(NamedTuple):
    change: LocalChange
    alignment: Alignment | None
    other_window: tuple[float, ...]


def why_unaligned() -> str:
    """What keeps this installation from aligning pictures; empty if nothing does."""
    blank = np.zeros((1, 1), np.uint8)
    try:
        align(blank, blank)
    except UsageError as error:
        return str(error)
    return ""


def look_at_pairs(
    tasks: Sequence[LookTask],
    closeness: NDArray[np.float64] | None = None,
    looks: int | None = None,
    *,
    progress: Progress = no_progress,
) -> Looks:
    """Decode the two pictures of each pair and compare them, in as many processes as pay.

    Parameters
    ----------
    tasks : sequence of LookTask
    closeness : float (n,), optional
        How close a call each pair is: where there are more pairs than `looks`, those with the
        smallest values are looked at.
    looks : int, optional
        The most pairs to look at.
    progress : Progress
        Told of the pairs that were looked at.

    Raises
    ------
    UsageError
        Pairs are to be aligned, and OpenCV is missing.
    WorkerError
        Processes can't be started, or keep dying.
    """
    found = Looks.none(len(tasks))
    chosen = np.arange(len(tasks))
    if closeness is not None:
        chosen = np.argsort(closeness, kind="stable")
    # an image's pairs one after the other: it is decoded once by each worker
    order = sorted(
        chosen[:looks].tolist(), key=lambda i: (tasks[i].left.digest, tasks[i].right.digest)
    )
    if not order:
        return found
    if any(tasks[i].aligned for i in order) and (reason := why_unaligned()):
        raise UsageError(reason)
    count, memory = _share_memory(len(order) // _PAIRS_PER_WORKER + 1)
    with Supervisor(count, _TIMEOUT, start_look_worker, (memory,)) as supervisor:
        results = supervisor.map([tasks[i] for i in order])
        for done, (i, look) in enumerate(zip(order, results, strict=True), 1):
            if look is not None:
                _put(found, i, look)
            progress("looking", done, len(order))
    return found


def _put(found: Looks, i: int, look: _Look) -> None:
    found.looked[i] = True
    found.strength[i], found.place[i], found.share[i] = look.change
    if look.alignment is not None:
        found.correlation[i] = look.alignment.correlation
        found.keypoints[i] = min(look.alignment.keypoints)
        found.window[i] = look.alignment.window
        found.other_window[i] = look.other_window


class _Pictures:
    """Decoded pictures, the last used of which are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, bool], NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0

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

    def work(task: LookTask, refused: dict[int, str], at: At) -> _Look | None:
        if refused:
            return None
        at(0)
        try:
            left, right = pictures.decode(task.left), pictures.decode(task.right)
            return _look(orient_pixels(left, task.orientation), right, aligned=task.aligned)
        except (ImageError, MemoryError):
            return None

    return work


def _look(left: NDArray[np.uint8], right: NDArray[np.uint8], *, aligned: bool) -> _Look:
    change = find_change(*match_sizes(left, right))
    if not aligned:
        return _Look(change, None, ())
    alignment = align(left, right)
    return _Look(change, alignment, box_in_right(alignment, left.shape, right.shape))


def box_in_right(
    alignment: Alignment, left: tuple[int, ...], right: tuple[int, ...]
) -> tuple[float, ...]:
    """The box of the left picture in the right one: left, top, right and bottom as shares of it.

    Cut off at its edges; NaN where the two can't be aligned. `left` and `right` are the shapes.
    """
    angle = math.radians(alignment.angle)
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    factor = alignment.scale * max(right[:2]) / max(left[:2]) / 2
    height, width = (factor * side for side in left[:2])
    across = (cos * width + sin * height) / right[1]
    down = (sin * width + cos * height) / right[0]
    x, y = (0.5 + share for share in alignment.shift)
    box = x - across, y - down, x + across, y + down
    # comparisons with NaN are false: it stays
    return tuple(0.0 if edge < 0 else 1.0 if edge > 1 else edge for edge in box)


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
