"""What to outline on the two pictures of a pair, and what to say of it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.orientations import STEPS, turn_boxes
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.results.audit_folder import GROUPS
from fastphash.results.schemas import GROUP_SIDES, PARTS, boxes_of_text

#: Columns of groups.parquet that `read_parts` needs.
PART_COLUMNS = ["orientation", *(name for name, _ in PARTS)]

#: Left, top, right, bottom, as shares of width and height.
Box = tuple[float, float, float, float]

_KEEPER = GROUP_SIDES[1]
_DOWN, _ACROSS = ("top", "", "bottom"), ("left", "", "right")
# units of an overlay between a place and the line round it
_ROOM = 1.5
# larger parts of a picture are most of it, and not at a side
_MOST = 0.5


class Outline(NamedTuple):
    """A box on a picture.

    Attributes
    ----------
    what : {"window", "place"}
        The part that the other picture shows, or where the two differ.
    box : (float, float, float, float)
        Left, top, right, bottom, as shares of the picture's width and height.
    numbers : tuple of int
        Of the copies that it is about, where one picture has outlines for several.
    """

    what: Literal["window", "place"]
    box: Box
    numbers: tuple[int, ...] = ()


class PairParts(NamedTuple):
    """Which part of a copy or its keeper the other one shows, and where the two differ.

    Attributes
    ----------
    orientation : int
        Turns the copy into the keeper's frame.
    window : (float, float, float, float), optional
        The part that the other picture shows, of the keeper or of the copy as it is.
    in_keeper : bool
        Whether the window is in the keeper, and not in the copy.
    place : (float, float, float, float), optional
        Where the two differ, in the keeper.
    """

    orientation: int
    window: Box | None
    in_keeper: bool
    place: Box | None

    @property
    def on_keeper(self) -> list[Outline]:
        """What to outline on the keeper."""
        return _outlines(self.window if self.in_keeper else None, self.place)

    @property
    def on_copy(self) -> list[Outline]:
        """What to outline on the copy as it is."""
        back = INVERSE[self.orientation]
        window = None if self.in_keeper else self.window
        place = self._place_in_turned()
        return _outlines(window, None if place is None else _turn(place, back))

    @property
    def on_turned(self) -> list[Outline]:
        """What to outline on the copy turned into the keeper's frame."""
        return _outlines(self.window_of_turned, self._place_in_turned())

    @property
    def window_of_turned(self) -> Box | None:
        """The part of the turned copy that the keeper shows, if the copy shows more."""
        if self.window is None or self.in_keeper:
            return None
        return _turn(self.window, self.orientation)

    @property
    def share(self) -> float:
        """Of the larger picture's area, how much the other one shows; 1 without a window."""
        if self.window is None:
            return 1.0
        left, top, right, bottom = (min(max(side, 0), 1) for side in self.window)
        return (right - left) * (bottom - top)

    @property
    def words(self) -> list[str]:
        """What to say of the copy: shows 64 % of the keeper, differs at the top right."""
        said = []
        if self.window is not None:
            percent = f"{max(round(100 * self.share), 1)} %"
            shown = f"shows {percent} of the keeper"
            said.append(shown if self.in_keeper else f"keeper shows {percent} of it")
        if self.place is not None:
            said.append(f"differs {place_in_words(self.place)}")
        return said

    def _place_in_turned(self) -> Box | None:
        """The place in the copy turned into the keeper's frame; None if it isn't in the copy."""
        if self.place is None or self.window is None:
            return self.place
        if self.in_keeper:
            return _inside(self.place, self.window)
        return _outside(self.place, _turn(self.window, self.orientation))


def place_in_words(box: Box) -> str:
    """Where in a picture a box lies.

    >>> place_in_words((0.8, 0.1, 0.9, 0.2)), place_in_words((0, 0.8, 1, 1))
    ('at the top right', 'at the bottom')
    >>> place_in_words((0.4, 0.4, 0.5, 0.5)), place_in_words((0, 0.1, 0.9, 0.9))
    ('in the middle', 'in most of the picture')
    """
    left, top, right, bottom = box
    if (right - left) * (bottom - top) > _MOST:
        return "in most of the picture"
    across, down = (min(int(1.5 * (a + b)), 2) for a, b in ((left, right), (top, bottom)))
    side = " ".join(filter(None, (_DOWN[down], _ACROSS[across])))
    return f"at the {side}" if side else "in the middle"


def turned_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height of a picture once it is turned by an orientation."""
    transposed = STEPS[orientation][0]
    return (height, width) if transposed else (width, height)


class Overlay(NamedTuple):
    """Outlines as SVG draws them on a picture.

    Attributes
    ----------
    view_box : str
        In the shape of the picture, whose longer side is 100 units.
    shapes : list of dict
        What each outline is, its numbers as text, and x, y, width and height in these units.
    """

    view_box: str
    shapes: list[dict[str, str]]


def overlay(outlines: Sequence[Outline], width: int, height: int) -> Overlay:
    """Outlines on a picture of this width and height; places get some room, to be seen inside.

    >>> overlay([Outline("window", (0.5, 0, 1, 1))], 400, 300).view_box
    '0 0 100 75'
    """
    longest = max(width, height, 1)
    frame = (100 * max(width, 1) / longest, 100 * max(height, 1) / longest)
    shapes = []
    for what, box, numbers in outlines:
        room = _ROOM if what == "place" else 0
        left, top = (max(box[i] * frame[i] - room, 0) for i in (0, 1))
        right, bottom = (min(box[i + 2] * frame[i] + room, frame[i]) for i in (0, 1))
        lengths = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        words = {"what": what, "numbers": ", ".join(map(str, numbers))}
        shapes.append(words | {name: f"{length:.4g}" for name, length in lengths.items()})
    return Overlay(f"0 0 {frame[0]:.4g} {frame[1]:.4g}", shapes)


def outlines_on_keeper(copies: Sequence[PairParts | None]) -> list[Outline]:
    """What to outline on the keeper of these copies: equal boxes once.

    Outlines have the numbers of their copies, from 1, if they are about several.
    """
    numbers: dict[tuple[str, Box], list[int]] = {}
    outlines: dict[tuple[str, Box], Outline] = {}
    for number, parts in enumerate(copies, 1):
        for outline in parts.on_keeper if parts else ():
            left, top, right, bottom = (round(side, 2) for side in outline.box)
            key = outline.what, (left, top, right, bottom)
            outlines.setdefault(key, outline)
            numbers.setdefault(key, []).append(number)
    if len({number for several in numbers.values() for number in several}) < 2:
        return list(outlines.values())
    return [outline._replace(numbers=tuple(numbers[key])) for key, outline in outlines.items()]


def read_parts(table: pa.Table) -> list[PairParts | None]:
    """What is known of each row of groups.parquet; None where that is nothing.

    Parameters
    ----------
    table : pyarrow.Table
        Columns PART_COLUMNS; audits of earlier versions lack some.

    Raises
    ------
    StoreError
        A box isn't one.
    """
    if not {*PART_COLUMNS} <= {*table.column_names}:
        return [None] * table.num_rows
    try:
        windows, places = (_boxes(table[name]) for name in ("window", "place"))
    except pa.ArrowInvalid as error:
        raise StoreError(f"{GROUPS} is damaged, run the audit again: {error}") from error
    return [
        None
        if window is None and place is None
        else PairParts(
            ORIENTATIONS.index(orientation or ORIENTATIONS[0]),
            window,
            window_of == _KEEPER,
            place,
        )
        for window, window_of, place, orientation in zip(
            windows,
            table["window_of"].to_pylist(),
            places,
            table["orientation"].to_pylist(),
            strict=True,
        )
    ]


def _boxes(column: pa.ChunkedArray) -> list[Box | None]:
    boxes = boxes_of_text(column)
    # false where nothing is known, too
    known = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    return [_box(box) if is_known else None for box, is_known in zip(boxes, known, strict=True)]


def _box(values: NDArray[np.float32]) -> Box:
    # as they were written: float32 adds digits
    left, top, right, bottom = (round(value, 4) for value in values.tolist())
    return left, top, right, bottom


def _outlines(window: Box | None, place: Box | None) -> list[Outline]:
    found = [] if window is None else [Outline("window", window)]
    return found if place is None else [*found, Outline("place", place)]


def _turn(box: Box, orientation: int) -> Box:
    return _box(turn_boxes(np.array([box], np.float32), np.array([orientation], np.uint8))[0])


def _inside(box: Box, window: Box) -> Box | None:
    """A box as shares of a window, cut off where that ends; None if nothing is left."""
    left, top, right, bottom = window
    width, height = right - left, bottom - top
    inner = (
        max(box[0] - left, 0) / width,
        max(box[1] - top, 0) / height,
        min(box[2] - left, width) / width,
        min(box[3] - top, height) / height,
    )
    return inner if inner[0] < inner[2] and inner[1] < inner[3] else None


def _outside(box: Box, window: Box) -> Box:
    """A box that is shares of a window, as shares of the whole picture."""
    left, top, right, bottom = window
    width, height = right - left, bottom - top
    return (
        left + box[0] * width,
        top + box[1] * height,
        left + box[2] * width,
        top + box[3] * height,
    )
