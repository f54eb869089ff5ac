"""The values of all pieces of a block, as files: one for each piece and side."""

import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.external.plans import FILED_BYTES, Source
from fastphash.external.scratch import Scratch
from fastphash.external.streams import Chunk
from fastphash.external.tasks import Steps
from fastphash.joins.pieces import PiecePlan, scatter

# files that are open at once; with more, each is opened when something is written
_OPEN_FILES = 256
#: Called with the values of each batch of the left side.
Watch = Callable[[NDArray[np.uint64]], None]


class PieceFiles:
    """The files of one block of a search; other pieces than the `wanted` ones are left out."""

    def __init__(self, scratch: Scratch, name: str) -> None:
        self._scratch = scratch
        self._folder = scratch.file(f"{name}-values")
        self._state = f"{name}-values.json"
        self._contents: dict[str, list[int]] | None = None

    def write(
        self, sources: list[Source], piece_plan: PiecePlan, block: int, watch: Watch, steps: Steps
    ) -> None:
        """Write all values; what is written is known from then on to be whole."""
        self.remove()
        self._folder.mkdir()
        files = _Files(self._folder)

        def cut(side: int, source: Source, chunk: Chunk, orientation: int) -> None:
            for batch in source.stream.read(chunk, (orientation,)):
                values = batch.columns[0]
                if not side:
                    watch(values)
                for piece, own in scatter(values, piece_plan, block, right=side == 1):
                    files.append(_name(piece, side), own)

        jobs = (
            partial(cut, side, source, *job)
            for side, source in enumerate(sources)
            for job in source.jobs()
        )
        try:
            for _ in steps.run(jobs):
                pass
        except BaseException:
            # it may be that the disk is full
            files.close()
            self.remove()
            raise
        files.close()
        self._contents = files.contents
        self._scratch.write_state(self._state, {"files": self._contents})

    def have(self, pieces: Iterable[int]) -> bool:
        """Whether all values of these pieces are there, perhaps from an earlier run."""
        if self._contents is None:
            state = self._scratch.read_state(self._state)
            self._contents = state["files"] if state else None
        if self._contents is None:
            return False
        names = (_name(piece, side) for piece in pieces for side in range(2))
        return all(self._size(name) == self._contents.get(name, [0])[0] for name in names)

    def _size(self, name: str) -> int:
        """How many values a file has; 0 if it isn't there."""
        try:
            return (self._folder / name).stat().st_size // FILED_BYTES
        except FileNotFoundError:
            return 0

    def read(self, piece: int, side: int) -> NDArray[np.uint64]:
        """The values of a piece; StoreError if they aren't what was written."""
        name = _name(piece, side)
        size, total = (self._contents or {}).get(name, (0, 0))
        path = self._folder / name
        values = np.fromfile(path, np.uint64) if path.exists() else np.empty(0, np.uint64)
        if [values.size, _sum(values)] != [size, total]:
            raise StoreError(
                f"{path} isn't what was written: delete {self._scratch.path}, and run again"
            )
        return values

    def remove_piece(self, piece: int) -> None:
        """Delete the files of a piece."""
        for side in range(2):
            (self._folder / _name(piece, side)).unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete all files."""
        self._contents = None
        self._scratch.remove(self._state)
        self._scratch.remove(self._folder.name)


def _name(piece: int, side: int) -> str:
    return f"{piece:06d}-{'right' if side else 'left'}"


def _sum(values: NDArray[np.uint64]) -> int:
    """A checksum that doesn't depend on their order."""
    return int(values.sum(dtype=np.uint64))


class _Files:
    """Files that several threads append to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._contents: dict[str, list[int]] = {}

    @property
    def contents(self) -> dict[str, list[int]]:
        """How many values each file has, and their sum modulo 2^64."""
        return self._contents

    def append(self, name: str, values: NDArray[np.uint64]) -> None:
        """Write values behind those that are there."""
        total = _sum(values)
        with self._lock:
            content = self._contents.setdefault(name, [0, 0])
            content[0] += values.size
            content[1] = (content[1] + total) % (1 << 64)
            descriptor = self._open.get(name)
            if descriptor is None:
                descriptor = self._opened(name)
        data = values.data.cast("B")
        try:
            # the system appends each in one piece; if the disk is full, another attempt says so
            while data.nbytes:
                data = data[os.write(descriptor, data) :]
        finally:
            if name not in self._open:
                os.close(descriptor)

    def _opened(self, name: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._folder / name, flags, 0o666)
        if len(self._open) < _OPEN_FILES:
            self._open[name] = descriptor
        return descriptor

    def close(self) -> None:
        """Close all files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
