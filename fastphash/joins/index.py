"""The hashes to join."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError

#: Words of 64 bits that a hash has.
WORDS = (1, 4)
#: Bits that a hash has at most.
MOST_BITS = 64 * max(WORDS)
# a search numbers words in 32 bits, up to eight for each row of 64-bit hashes
_MAX_ROWS = 2**32 // len(ORIENTATIONS)
# a distance is a byte
_MAX_RADIUS = 255


class Index:
    """The hashes to join.

    Parameters
    ----------
    hashes : uint64
        Of 64 bits: (n,), (n, 1) or (n, 8). Of 256 bits, four words each: (n, 4), (n, 1, 4) or
        (n, 8, 4).
    known : sequence of int, optional
        Which of the eight columns hold hashes, identity among them; all by default.

    Attributes
    ----------
    hashes : uint64 (n, columns, words)
        One word for 64 bits, four for 256; one column, or eight.
    known : sequence of int

    Raises
    ------
    UsageError
        An array of another dtype or shape.
    """

    def __init__(self, hashes: NDArray[np.uint64], known: tuple[int, ...] | None = None) -> None:
        self.hashes = check_hashes(hashes)
        self.known = tuple(range(self.hashes.shape[1])) if known is None else known

    def __len__(self) -> int:
        return int(self.hashes.shape[0])

    @property
    def columns(self) -> int:
        """Columns of hashes: 1 or 8."""
        return int(self.hashes.shape[1])

    @property
    def words(self) -> int:
        """Words of a hash: 1 or 4."""
        return int(self.hashes.shape[2])

    @property
    def bits(self) -> int:
        """Bits of a hash: 64 or 256."""
        return 64 * self.words

    @property
    def matrix(self) -> NDArray[np.uint64]:
        """The words of each row, one column after the other: (n, columns * words)."""
        rows, columns, words = self.hashes.shape
        return self.hashes.reshape(rows, columns * words)

    def column(self, orientation: int) -> NDArray[np.uint64]:
        """The hashes of one orientation: (n,), or (n, 4) if they have 256 bits."""
        column = np.ascontiguousarray(self.hashes[:, orientation])
        return column[:, 0] if self.words == 1 else column

    def take(self, rows: "NDArray[np.int64] | slice") -> "Index":
        """The given rows; a copy, unless they are a slice."""
        return Index(self.hashes[rows], self.known)

    def choose(self, rows: NDArray[np.int64]) -> "Index":
        """The given rows, which are copied only where they are asked for, again each time.

        A search of ranges of them takes memory for a range at a time.
        """
        return _ChosenRows(self, rows)


class _ChosenRows(Index):
    """Some rows of an index, without a copy."""

    def __init__(self, whole: Index, rows: NDArray[np.int64]) -> None:
        self._whole = whole
        self._rows = rows
        self.known = whole.known

    def __len__(self) -> int:
        return self._rows.size

    @property
    def hashes(self) -> NDArray[np.uint64]:  # type: ignore[override]  # it can't be set
        """A copy of the rows."""
        return self._whole.hashes[self._rows]

    @property
    def columns(self) -> int:
        return self._whole.columns

    @property
    def words(self) -> int:
        return self._whole.words

    def column(self, orientation: int) -> NDArray[np.uint64]:
        column: NDArray[np.uint64] = self._whole.hashes[self._rows, orientation]
        return column[:, 0] if self.words == 1 else column

    def take(self, rows: "NDArray[np.int64] | slice") -> Index:
        if isinstance(rows, slice):
            return _ChosenRows(self._whole, self._rows[rows])
        return self._whole.take(self._rows[rows])

    def choose(self, rows: NDArray[np.int64]) -> Index:
        return _ChosenRows(self._whole, self._rows[rows])


def check_radius(radius: int, bits: int = 64) -> None:
    """Raise UsageError unless the radius is a whole number from 0 to `bits`, 255 at most."""
    if isinstance(radius, bool) or not isinstance(radius, (int, np.integer)):
        raise UsageError(f"a radius is a whole number of bits, not {radius!r}")
    largest = min(bits, _MAX_RADIUS)
    if radius < 0 or radius > largest:
        raise UsageError(f"a radius is a number of bits from 0 to {largest}, not {radius}")


def check_same_bits(left: Index, right: Index) -> None:
    """Raise UsageError if one side has hashes of 64 bits, and the other of 256."""
    if len(left) and len(right) and left.bits != right.bits:
        raise UsageError(
            f"hashes of {left.bits} bits can't be compared with hashes of {right.bits}: make both "
            "with one algorithm"
        )


def check_hashes(hashes: Any) -> NDArray[np.uint64]:
    """Hashes as uint64 (n, columns, words), or UsageError."""
    hashes = np.asarray(hashes)
    if hashes.size == 0 and hashes.ndim == 1:
        hashes = hashes.astype(np.uint64)
    if hashes.dtype.kind != "u" or hashes.dtype.itemsize != 8:
        raise UsageError(
            f"hashes must be uint64, not {hashes.dtype}: {_way_out(hashes.dtype.kind)}"
        )
    shaped = _with_words(hashes)
    columns, words = shaped.shape[1:] if shaped.ndim == 3 else (0, 0)
    if columns not in (1, len(ORIENTATIONS)) or words not in WORDS:
        raise UsageError(
            f"hashes must be (n,) or (n, 8), or of 256 bits (n, 4) or (n, 8, 4), not {hashes.shape}"
        )
    if len(shaped) * columns * words >= len(ORIENTATIONS) * _MAX_ROWS:
        raise UsageError(f"{len(shaped):,} rows are more than one join can hold: split them")
    return np.ascontiguousarray(shaped, np.uint64)


def _with_words(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes as (n, columns, words); an array of another shape as it is."""
    if hashes.ndim == 1:
        return hashes[:, None, None]
    if hashes.ndim == 2:
        return hashes[:, None] if hashes.shape[1] in WORDS else hashes[:, :, None]
    return hashes


def _way_out(kind: str) -> str:
    """What to pass instead of an array of this kind of dtype."""
    if kind in "iu":
        return "pass np.asarray(hashes, np.uint64)"
    if kind in "US":
        return "fastphash.from_hex reads hashes in hex; a store is given by one path"
    return (
        "pass an array of what fastphash.phash returns, a result of fastphash.hash_images, or the "
        "path of a store"
    )
