"""What looks at pairs showed: of one pair, and of many as columns."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import DIFFERENT, UNKNOWN_COLOUR
from fastphash.looks.aligned import Alignment
from fastphash.looks.colours import ColourLook
from fastphash.looks.local_change import LocalChange

# columns of looks that are fields of an alignment
_OF_ALIGNMENT = ("correlation", "window", "other_window", "matched", "covered", "alike", "loose")


class Look(NamedTuple):
    """What one look at a pair showed; None where nobody asked."""

    change: LocalChange | None
    alignment: Alignment | None
    colours: ColourLook | None


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

    def replace(self, chosen: NDArray[np.int64], others: "Looks") -> None:
        """Put others in the place of the chosen pairs."""
        columns: Iterable[tuple[NDArray[Any], NDArray[Any]]] = zip(self, others, strict=True)
        for column, values in columns:
            column[chosen] = values

    def put(self, i: int, look: Look) -> None:
        """Fill in what a look at pair i showed."""
        self.looked[i] = True
        if look.change is not None:
            self.strength[i], self.place[i], self.share[i] = look.change
        if look.alignment is not None:
            self.keypoints[i] = min(look.alignment.keypoints)
            for name in _OF_ALIGNMENT:
                getattr(self, name)[i] = getattr(look.alignment, name)
        if look.colours is not None:
            self.colour[i] = look.colours.colour
            self.recoloured[i] = look.colours.colour == DIFFERENT and look.colours.sure
