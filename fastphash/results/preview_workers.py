"""Previews made in worker processes: an image that can't be drawn costs its own preview only."""

import logging
import os
import queue
import warnings
from collections.abc import Hashable, Iterator
from typing import NamedTuple, Self

import xxhash

from fastphash.base.machine import core_count, free_memory, limit_memory
from fastphash.base.supervisor import At, Refusals, Supervisor, Work
from fastphash.base.worker_start import preload
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError
from fastphash.images.pillow import limit_pixels
from fastphash.images.preview import make_preview
from fastphash.images.rendering import Rendering
from fastphash.sources.protocol import Reader, SpecialFileError

preload(__name__)

#: Why a file whose bytes are not those of the audit has no preview.
CHANGED = "the file has changed since the audit"

# seconds for one preview; a worker that takes longer is ended
_TIMEOUT = 20.0
# bytes of memory that a worker should have, and has at least
_ENOUGH_MEMORY = 1 << 30
_LEAST_MEMORY = 512 << 20
# previews that are worth a further worker, and the most workers
_PREVIEWS_PER_WORKER = 16
_MOST_WORKERS = 8


class StoredFile(NamedTuple):
    """One of the files that hold an image, and how to read it."""

    reader: Reader
    path: bytes


class PreviewTask(NamedTuple):
    """A preview to be made.

    Attributes
    ----------
    files : list of StoredFile
        Files that held the image. The first that still does is drawn.
    size : int
        Bytes of such a file.
    digest : bytes
        XXH3-128 of its bytes.
    pixels : int
        Pixels that the image has, as the store says, 0 if it doesn't; more are not decoded.
    side : int
        Pixels of the preview's longer side.
    orientation : int
        Index into `fastphash.ORIENTATIONS`.
    exif : bool
        Turn the image by its EXIF orientation first.
    follow_links : bool
        Whether a file may be a symbolic link.
    rendering : Rendering or None
        That of the image's hash.
    """

    files: list[StoredFile]
    size: int
    digest: bytes
    pixels: int
    side: int
    orientation: int = 0
    exif: bool = False
    follow_links: bool = True
    rendering: Rendering | None = None


class Preview(NamedTuple):
    """A preview as JPEG; or, without one, the reason and whether it lies in the file's bytes."""

    jpeg: bytes
    reason: str = ""
    undecodable: bool = False


def make_previews(tasks: list[PreviewTask]) -> Iterator[Preview]:
    """Previews in the order of the tasks, made by as many workers as pay."""
    if not tasks:
        return
    count, memory = _share_memory(len(tasks) // _PREVIEWS_PER_WORKER + 1)
    with Supervisor(count, _TIMEOUT, start_preview_worker, (memory,)) as supervisor:
        yield from supervisor.map(tasks)


def _key_of(task: PreviewTask) -> list[Hashable]:
    """What a task reads: other files of the same bytes may lie on a disk that answers."""
    return [(task.digest, *(file.path for file in task.files))]


class PreviewPool:
    """Makes previews for several threads; workers start when they are needed.

    A context: leaving it ends the workers.
    """

    def __init__(self) -> None:
        count, self._memory = _share_memory(_MOST_WORKERS)
        self._refusals = Refusals(_key_of)
        self._idle: queue.LifoQueue[Supervisor | None] = queue.LifoQueue()
        for _ in range(count):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make(self, task: PreviewTask) -> Preview:
        """One preview; waits while all workers are busy."""
        supervisor = self._idle.get()
        try:
            if supervisor is None:
                supervisor = Supervisor(1, _TIMEOUT, start_preview_worker, (self._memory,))
            preview: Preview = next(supervisor.map([task], self._refusals))
        except BaseException:
            if supervisor is not None:
                supervisor.kill()
                supervisor = None
            raise
        finally:
            self._idle.put(supervisor)
        return preview

    def close(self) -> None:
        """End the workers that are idle."""
        for _ in range(self._idle.qsize()):
            supervisor = self._idle.get()
            if supervisor is not None:
                supervisor.close()
            self._idle.put(None)


def start_preview_worker(memory: int) -> Work:
    """Make this process a worker that may take `memory` more bytes and prints nothing."""
    logging.disable()
    warnings.simplefilter("ignore")
    # libtiff writes its warnings to file descriptor 2
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    limit_memory(memory)

    def work(task: PreviewTask, refused: dict[int, str], at: At) -> Preview:
        if refused:
            return Preview(b"", refused[0], undecodable=True)
        at(0)
        try:
            return _make(task)
        except MemoryError:
            return Preview(b"", "out of memory", undecodable=True)

    return work


def _make(task: PreviewTask) -> Preview:
    reason = ""
    for file in task.files:
        try:
            data = _read(file, task)
        except ImageError as error:
            reason = error.reason
            continue
        try:
            limit_pixels(task.pixels or MAX_PIXELS)
            jpeg = make_preview(
                data, task.side, task.orientation, exif=task.exif, rendering=task.rendering
            )
            return Preview(jpeg)
        except ImageError as error:
            return Preview(b"", str(error), undecodable=True)
    return Preview(b"", reason)


def _read(file: StoredFile, task: PreviewTask) -> bytes:
    try:
        data = file.reader.read_hashed(file.path, task.size, follow_links=task.follow_links)
    except SpecialFileError:
        data = b""
    except FileNotFoundError as error:
        raise ImageError("read", "the file is gone") from error
    except (OSError, ValueError) as error:
        raise ImageError("read", "the file can't be read") from error
    if xxhash.xxh3_128_digest(data) != task.digest:
        raise ImageError("read", CHANGED)
    return data


def _share_memory(wanted: int) -> tuple[int, int]:
    """How many of the wanted workers to start, and bytes for each: half of what is free in all."""
    memory = free_memory() // 2
    count = max(min(wanted, core_count(), _MOST_WORKERS, memory // _ENOUGH_MEMORY), 1)
    return count, max(memory // count, _LEAST_MEMORY)
