"""The hashes to join."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError

# a search numbers hashes in 32 bits, up to eight for each row
_MAX_ROWS = 2**32 // len(ORIENTATIONS)


class Index:
    """The hashes to join.

    Parameters
    ----------
    hashes : uint64 (n,), (n, 1) or (n, 8)
    known : sequence of int, optional
        Which of the eight columns hold hashes, identity among them; all by default.

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

    def take(self, rows: "NDArray[np.int64] | slice") -> "Index":
        """The given rows."""
        return Index(self.hashes[rows], self.known)


def check_radius(radius: int) -> None:
    """Raise UsageError unless the radius is a whole number from 0 to 64."""
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
        raise UsageError(
            f"hashes must be uint64, not {hashes.dtype}: {_way_out(hashes.dtype.kind)}"
        )
    if hashes.ndim != 2 or hashes.shape[1] not in (1, len(ORIENTATIONS)):
        raise UsageError(f"hashes must be (n,) or (n, 8), not {hashes.shape}")
    if hashes.shape[0] * hashes.shape[1] >= len(ORIENTATIONS) * _MAX_ROWS:
        raise UsageError(f"{hashes.shape[0]:,} rows are more than one join can hold: split them")
    return np.ascontiguousarray(hashes, np.uint64)


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
