"""Large arrays of bytes that lie in a file: pages that were looked at are given back."""

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
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, np.uint8).reshape(-1, width)


def let_go(array: NDArray[Any] | None) -> None:
    """Give back the memory of an array that `map_rows` made; it is read again when it is used.

    Of any other array nothing is given back.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    # Windows has no such call, and `map_rows` maps nothing there
    if sys.platform != "win32" and isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
