"""Hashes to be joined, and equal rows collapsed."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError
from fastphash.joins.partitions import sort_values
from fastphash.kernels import row_keys

# rows are counted in 32 bits, eight hashes each
_MOST_ROWS = 2**29


class Classes(NamedTuple):
    """Equal rows collapsed; classes are in order of their first rows.

    Attributes
    ----------
    first : int64 (c,)
        The first row of each class.
    of_row : int64 (n,)
        The class of each row.
    """

    first: NDArray[np.int64]
    of_row: NDArray[np.int64]


class Index:
    """Hashes to be joined.

    Parameters
    ----------
    hashes : uint64 (n,), (n, 1) or (n, 8)
    known : sequence of int, optional
        Which of the eight columns hold hashes, identity among them; all by default.
    """

    def __init__(self, hashes: NDArray[np.uint64], known: tuple[int, ...] | None = None) -> None:
        self.hashes = check_hashes(hashes)
        self.known = tuple(range(self.hashes.shape[1])) if known is None else known

    def __len__(self) -> int:
        return int(self.hashes.shape[0])

    def take(self, rows: "NDArray[np.int64] | slice") -> "Index":
        """Some of the rows."""
        return Index(self.hashes[rows], self.known)


def check_radius(radius: int) -> None:
    """Raise UsageError for what is no radius."""
    if isinstance(radius, bool) or not isinstance(radius, (int, np.integer)):
        raise UsageError(f"a radius is a whole number of bits, not {radius!r}")
    if radius < 0 or radius > 64:
        raise UsageError(f"a radius is a number of bits from 0 to 64, not {radius}")


def check_hashes(hashes: Any) -> NDArray[np.uint64]:
    """Hashes as uint64 (n, 1) or (n, 8), or UsageError."""
    hashes = np.asarray(hashes)
    if hashes.size == 0 and hashes.ndim == 1:
        hashes = hashes.astype(np.uint64)
    if hashes.ndim == 1:
        hashes = hashes[:, None]
    if hashes.dtype.kind != "u" or hashes.dtype.itemsize != 8:
        raise UsageError(f"hashes must be uint64, not {hashes.dtype}")
    if hashes.ndim != 2 or hashes.shape[1] not in (1, len(ORIENTATIONS)):
        raise UsageError(f"hashes must be (n,) or (n, 8), not {hashes.shape}")
    if hashes.shape[0] * hashes.shape[1] >= 8 * _MOST_ROWS:
        raise UsageError(f"{hashes.shape[0]:,} rows are more than one join can hold: split them")
    return np.ascontiguousarray(hashes, np.uint64)


def collapse(*matrices: NDArray[Any]) -> Classes:
    """Collapse rows that are equal in all of the given C-contiguous (n, k) arrays.

    Rows must be whole numbers of 8 bytes.
    """
    words = [matrix.view(np.uint64) for matrix in matrices]
    rows = words[0].shape[0]
    key = np.zeros(rows, np.uint64)
    for matrix in words:
        row_keys.mix_rows(matrix, key)
    classes = _collapse_keys(key)
    like = classes.first[classes.of_row]
    if any(row_keys.first_unequal(matrix, like) >= 0 for matrix in words):
        # two different rows got one 64-bit key
        _, inverse = np.unique(np.concatenate(words, axis=1), axis=0, return_inverse=True)
        classes = _collapse_keys(inverse.reshape(-1).astype(np.uint64))
    return classes


def _collapse_keys(key: NDArray[np.uint64]) -> Classes:
    if key.size == 0:
        return Classes(np.empty(0, np.int64), np.empty(0, np.int64))
    ordered = sort_values(key, np.arange(key.size, dtype=np.uint32))
    first = ordered.rows[ordered.starts[:-1]].astype(np.int64)
    place = np.empty(first.size, np.int64)
    place[np.argsort(first)] = np.arange(first.size)
    of_row = np.empty(key.size, np.int64)
    of_row[ordered.rows] = np.repeat(place, np.diff(ordered.starts))
    return Classes(np.sort(first), of_row)
