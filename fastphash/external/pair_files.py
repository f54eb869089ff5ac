"""Files of pairs of values that know whether they are whole.

A file is pairs of 16 bytes, and behind them the XXH3-128 of these, which takes as much as a pair.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import xxhash
from numpy.typing import NDArray

_PAIR_BYTES = 16
# pairs that are read at once
_PAIRS_AT_ONCE = 1 << 18


class PairWriter:
    """Writes pairs, from any thread, and what they are known by once all are written; a context."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._digest = xxhash.xxh3_128()
        self._lock = threading.Lock()

    def write(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> None:
        """Append pairs, (n,) and (n,)."""
        data = np.stack([left, right], axis=1).tobytes()
        with self._lock:
            self._digest.update(data)
            self._file.write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file:
            if kind is None:
                self._file.write(self._digest.digest())


def is_whole(path: Path) -> bool:
    """Whether a file is there, and as it was written: it may be that of an earlier run."""
    digest = xxhash.xxh3_128()
    try:
        for pairs in read_pairs(path):
            digest.update(pairs.data)
        with open(path, "rb") as file:
            file.seek(_PAIR_BYTES * count_pairs(path))
            return file.read() == digest.digest()
    except FileNotFoundError:
        return False


def count_pairs(path: Path) -> int:
    """How many pairs a file has."""
    return max(path.stat().st_size // _PAIR_BYTES - 1, 0)


def read_pairs(path: Path) -> Iterator[NDArray[np.uint64]]:
    """The pairs of a file, some at a time: uint64 (n, 2)."""
    left = count_pairs(path)
    with open(path, "rb") as file:
        while left:
            pairs = np.fromfile(file, np.uint64, 2 * min(left, _PAIRS_AT_ONCE)).reshape(-1, 2)
            yield pairs
            left -= len(pairs)
