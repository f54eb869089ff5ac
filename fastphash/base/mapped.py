"""Large arrays of bytes that lie in a file: pages that were looked at are given back."""

import itertools
import mmap
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# one call of the system writes so many bytes at least
_BUFFER = 1 << 20
# rows of which some are copied before the pages of all are given back
_LOOKED_AT = 1 << 14
_CAN_MAP = hasattr(mmap.mmap, "madvise") and hasattr(mmap, "MADV_DONTNEED")


def map_rows(folder: Path, pieces: Iterable[NDArray[np.uint8]], width: int) -> NDArray[np.uint8]:
    """Rows (n, width), one piece after the other, in a file of this folder that has no name.

    It is gone once nobody has the array any more, however the process ends. The array is read-only.

    Raises
    ------
    OSError
        The file can't be written, or this system can't give pages back.
    """
    if not _CAN_MAP:
        raise OSError("this system maps no files")
    with tempfile.TemporaryFile(
        dir=folder, prefix="_", suffix=".fastphash.tmp", buffering=_BUFFER
    ) as file:
        for piece in pieces:
            file.write(np.ascontiguousarray(piece).data)
        file.flush()
        mapped = _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.folder = folder
    return np.frombuffer(mapped, np.uint8).reshape(-1, width)


def map_rows_beside(
    array: NDArray[Any], pieces: Iterable[NDArray[np.uint8]], width: int
) -> NDArray[np.uint8] | None:
    """Rows as `map_rows` has them, in the folder of another array of it; None of any other array.

    Raises
    ------
    OSError
        The file can't be written.
    """
    beside = _mapped_file(array)
    return None if beside is None else map_rows(beside.folder, pieces, width)


def bring_rows(
    array: NDArray[Any], rows: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """An array in memory that has some rows of another one, and the numbers of these rows in it.

    Of an array of `map_rows` they are copied in its order, and its pages given back meanwhile: a
    page that is looked at brings others into memory, so that a few thousand rows would bring all.
    Any other array is in memory.
    """
    if not is_mapped(array):
        return array, rows
    distinct, places = np.unique(rows, return_inverse=True)
    own = np.empty((distinct.size, *array.shape[1:]), array.dtype)
    parts = np.searchsorted(distinct, np.arange(0, len(array) + _LOOKED_AT, _LOOKED_AT)).tolist()
    for start, stop in itertools.pairwise(parts):
        if start < stop:
            own[start:stop] = array[distinct[start:stop]]
            let_go(array)
    return own, places.reshape(rows.shape)


def is_mapped(array: NDArray[Any] | None) -> bool:
    """Whether an array, or what it is a part of, was made by `map_rows`."""
    return _mapped_file(array) is not None


def let_go(array: NDArray[Any] | None) -> None:
    """Give back the memory of an array that `map_rows` made; it is read again when it is used.

    Of any other array nothing is given back.
    """
    mapped = _mapped_file(array)
    # Windows has no such call, and `map_rows` maps nothing there
    if sys.platform != "win32" and mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


class _Mapped(mmap.mmap):
    """A file of `map_rows`, and the folder that it was made in."""

    folder: Path


def _mapped_file(array: NDArray[Any] | None) -> _Mapped | None:
    """The file that an array of `map_rows`, or a part of it, lies in."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, _Mapped) else None
