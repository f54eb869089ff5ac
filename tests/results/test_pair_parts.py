"""What is outlined on the pictures of a pair, checked on the pictures themselves."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.base.orientations import orient_pixels
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.results.pair_parts import (
    Outline,
    PairParts,
    outlines_on_keeper,
    overlay,
    place_in_words,
    read_parts,
    turned_size,
)

FEW = settings(max_examples=40)
ORIENTED = st.integers(0, 7)
# twelfths, so that boxes of boxes are whole pixels of the pictures below
SIDE = 12


@st.composite
def boxes(draw):
    left, right = sorted(draw(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(distinct)))
    top, bottom = sorted(draw(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(distinct)))
    return left / SIDE, top / SIDE, right / SIDE, bottom / SIDE


def distinct(two):
    return two[0] != two[1]


def cut(pixels, box):
    """The part of a picture in a box."""
    height, width = pixels.shape
    left, top, right, bottom = (round(s * n) for s, n in zip(box, (width, height) * 2, strict=True))
    return pixels[top:bottom, left:right]


def numbered(height, width):
    """A picture whose pixels are all different."""
    return np.arange(height * width, dtype=np.int32).reshape(height, width)


def box_of(outlines, what):
    (box,) = [outline.box for outline in outlines if outline.what == what]
    return box


@FEW
@given(ORIENTED, boxes())
def test_the_window_is_what_the_other_one_shows(orientation, window):
    whole = numbered(144, 288)
    part = cut(whole, window)
    # the copy is the part
    copy = orient_pixels(part, INVERSE[orientation])
    parts = PairParts(orientation, window, in_keeper=True, place=None)
    assert parts.on_copy == parts.on_turned == []
    seen = cut(whole, box_of(parts.on_keeper, "window"))
    assert np.array_equal(seen, orient_pixels(copy, orientation))
    # the keeper is the part
    keeper = orient_pixels(part, orientation)
    parts = PairParts(orientation, window, in_keeper=False, place=None)
    assert parts.on_keeper == []
    assert np.array_equal(cut(whole, box_of(parts.on_copy, "window")), part)
    turned = orient_pixels(whole, orientation)
    assert np.array_equal(cut(turned, box_of(parts.on_turned, "window")), keeper)


@FEW
@given(ORIENTED, boxes(), st.none() | boxes(), st.booleans())
def test_the_place_is_the_same_on_all_pictures(orientation, place, window, in_keeper):
    """The pixels in the box of each picture are those of the keeper's, as far as they are there."""
    keeper = turned = numbered(144, 144)
    if window and in_keeper:
        turned = cut(keeper, window)
    elif window:
        # the window is in the copy as it is
        copy = numbered(144, 144)
        keeper = orient_pixels(cut(copy, window), orientation)
        turned = orient_pixels(copy, orientation)
    parts = PairParts(orientation, window, in_keeper=in_keeper, place=place)
    wanted = set(cut(keeper, place).ravel().tolist()) & set(turned.ravel().tolist())
    copy = orient_pixels(turned, INVERSE[orientation])
    for picture, outlines in ((turned, parts.on_turned), (copy, parts.on_copy)):
        found = [outline.box for outline in outlines if outline.what == "place"]
        seen = {pixel for box in found for pixel in cut(picture, box).ravel().tolist()}
        assert seen == wanted


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 0.1, 0.1), "at the top left"),
        ((0.2, 0.8, 0.8, 1), "at the bottom"),
        ((0.7, 0.3, 1, 0.7), "at the right"),
        ((0.9, 0.9, 1, 1), "at the bottom right"),
        ((0.4, 0.4, 0.6, 0.6), "in the middle"),
        ((0, 0, 1, 1), "in most of the picture"),
        ((0, 0, 1, 0.4), "at the top"),
    ],
)
def test_where_a_place_is_in_words(box, words):
    assert place_in_words(box) == words


@given(boxes())
def test_every_place_has_words(box):
    assert place_in_words(box).split()[0] in ("at", "in")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (PairParts(0, (0.1, 0.1, 0.9, 0.9), True, None), ["shows 64 % of the keeper"]),
        (PairParts(3, (0.1, 0.1, 0.9, 0.9), False, None), ["keeper shows 64 % of it"]),
        (PairParts(0, (0, 0, 0.01, 0.01), True, None), ["shows 1 % of the keeper"]),
        (PairParts(0, (-0.5, 0, 0.5, 1), True, None), ["shows 50 % of the keeper"]),
        (PairParts(0, None, False, (0.8, 0, 1, 0.2)), ["differs at the top right"]),
        (
            PairParts(0, (0, 0, 0.5, 1), True, (0, 0.9, 0.1, 1)),
            ["shows 50 % of the keeper", "differs at the bottom left"],
        ),
    ],
)
def test_a_pair_in_words(parts, words):
    assert parts.words == words


def test_a_place_outside_of_a_crop_is_not_on_it():
    parts = PairParts(0, (0, 0, 0.5, 1), in_keeper=True, place=(0.6, 0, 0.7, 0.1))
    assert parts.on_turned == parts.on_copy == []
    assert [outline.what for outline in parts.on_keeper] == ["window", "place"]


def test_outlines_of_several_copies_have_their_numbers():
    one = PairParts(0, (0, 0, 0.5, 1), in_keeper=True, place=None)
    same = PairParts(0, (0, 0, 0.501, 1), in_keeper=True, place=None)
    other = PairParts(0, (0.5, 0, 1, 1), in_keeper=True, place=None)
    larger = PairParts(0, (0.5, 0, 1, 1), in_keeper=False, place=None)
    assert outlines_on_keeper([None, larger]) == []
    assert outlines_on_keeper([None, one, larger]) == [Outline("window", one.window)]
    assert outlines_on_keeper([one, None, other, same]) == [
        Outline("window", one.window, (1, 4)),
        Outline("window", other.window, (3,)),
    ]


@given(boxes(), st.integers(0, 5000), st.integers(0, 5000), st.sampled_from(["window", "place"]))
def test_outlines_stay_on_the_picture(box, width, height, what):
    drawn = overlay([Outline(what, box)], width, height)
    right, bottom = map(float, drawn.view_box.split()[2:])
    (shape,) = drawn.shapes
    left, top = float(shape["x"]), float(shape["y"])
    assert max(right, bottom) == 100
    assert left >= 0
    assert top >= 0
    assert left + float(shape["width"]) <= right + 0.02
    assert top + float(shape["height"]) <= bottom + 0.02


def test_a_turned_picture_may_be_as_wide_as_it_was_high():
    sizes = [turned_size(3, 2, t) for t in range(len(ORIENTATIONS))]
    wide = np.zeros((2, 3), np.uint8)
    assert sizes == [orient_pixels(wide, t).shape[::-1] for t in range(len(ORIENTATIONS))]


def table(**columns):
    rows = {"orientation": "rotate_90", "window": None, "window_of": None, "place": None} | columns
    return pa.table({name: pa.array([value], pa.string()) for name, value in rows.items()})


def test_what_is_read_of_groups():
    assert read_parts(table()) == [None]
    (parts,) = read_parts(table(window="0.1,0.2,0.9,1", window_of="copy", place="0,0,0.5,0.5"))
    assert parts == (1, (0.1, 0.2, 0.9, 1), False, (0, 0, 0.5, 0.5))
    (parts,) = read_parts(table(window="0.1,0.2,0.9,1", window_of="keeper", orientation=None))
    assert parts == (0, (0.1, 0.2, 0.9, 1), True, None)


def test_audits_of_earlier_versions_outline_nothing():
    assert read_parts(table().drop(["window", "window_of"])) == [None]


@pytest.mark.parametrize("text", ["0.1,0.2", "a,b,c,d", ""])
def test_boxes_that_are_none_are_damage(text):
    with pytest.raises(StoreError, match=r"groups\.parquet is damaged, run the audit again"):
        read_parts(table(place=text))


def test_a_box_without_an_inside_is_not_drawn():
    assert read_parts(table(place="0.5,0.5,0.5,0.9")) == [None]
