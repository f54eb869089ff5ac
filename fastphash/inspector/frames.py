"""How the two images of a pair lie in one frame, and what is outlined on them."""

from typing import NamedTuple

from fastphash.inspector.catalog import Row
from fastphash.results.pair_parts import (
    Box,
    Outline,
    Overlay,
    outlines_on_keeper,
    overlay,
    turned_size,
)

# the longer side of a frame, in pixels: larger than any screen
_LONGEST = 8000


class Frame(NamedTuple):
    """A frame in the shape of an image.

    Attributes
    ----------
    width, height : int
        Pixels.
    overlay : Overlay
        What is outlined in it.
    """

    width: int
    height: int
    overlay: Overlay


class PairFrames(NamedTuple):
    """Frames for a copy, turned, and its keeper.

    Attributes
    ----------
    keeper, copy : Frame
        For each by itself. A copy has the keeper's frame unless one shows a part of the other.
    both : Frame
        For the two on top of one another: that of the image that shows more.
    keeper_box, copy_box : (float, float, float, float) or None
        Where each lies in that frame, as shares; None if it fills it.
    """

    keeper: Frame
    copy: Frame
    both: Frame
    keeper_box: Box | None
    copy_box: Box | None


def pair_frames(keeper: Row, copy: Row) -> PairFrames:
    """The frames of a pair."""
    parts = copy.parts
    on_keeper, on_copy = (parts.on_keeper, parts.on_turned) if parts else ([], [])
    of_keeper = _frame(keeper, on_keeper)
    if parts is None or parts.window is None:
        of_copy = of_keeper._replace(overlay=overlay(on_copy, of_keeper.width, of_keeper.height))
        return PairFrames(of_keeper, of_copy, of_keeper, None, None)
    of_copy = _frame(copy, on_copy, copy.orientation)
    if parts.in_keeper:
        return PairFrames(of_keeper, of_copy, of_keeper, None, parts.window)
    return PairFrames(of_keeper, of_copy, of_copy, parts.window_of_turned, None)


def keeper_frame(keeper: Row, copies: list[Row]) -> Frame:
    """The frame of a keeper, with what is outlined on it for some copies."""
    return _frame(keeper, outlines_on_keeper([copy.parts for copy in copies]))


def copy_frames(copy: Row) -> tuple[Frame, Frame]:
    """The frames of a copy as it is, and turned."""
    if copy.parts is None:
        return _frame(copy, []), _frame(copy, [], copy.orientation)
    return _frame(copy, copy.parts.on_copy), _frame(copy, copy.parts.on_turned, copy.orientation)


def _frame(row: Row, outlines: list[Outline], orientation: int = 0) -> Frame:
    """A frame in the shape of an image that is turned; a square where the shape isn't known."""
    width, height = turned_size(row.width, row.height, orientation)
    if not width or not height:
        width = height = 1
    longest = max(width, height)
    return Frame(
        max(width * _LONGEST // longest, 1),
        max(height * _LONGEST // longest, 1),
        overlay(outlines, width, height),
    )
