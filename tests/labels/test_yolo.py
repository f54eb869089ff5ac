"""Names of YOLO's classes."""

import itertools
import os

import numpy as np
import pytest

from fastphash.labels.yolo import NO_CLASSES, YoloClasses, find_classes, read_classes, read_yolo

# ten to the ninth words, once written out
LISTS_OF_LISTS = "".join(
    ["a: &a [x]\n"]
    + [
        f"{outer}: &{outer} [{f'*{inner}, ' * 10}]\n"
        for inner, outer in itertools.pairwise("abcdefghij")
    ]
    + ["names: [*j]"]
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [car, house]", ("car", "house")),
        ("names: {2: tree, 0: 7}", ("7", "1", "tree")),
        ("names: {-1: car}", ()),
        (LISTS_OF_LISTS, ()),
    ],
    ids=["list", "numbers", "negative", "lists of lists"],
)
def test_names_are_words_or_numbers(tmp_path, text, names):
    (tmp_path / "data.yaml").write_text(text)
    (tmp_path / "images" / "train").mkdir(parents=True)
    found, in_file = find_classes(os.fsencode(tmp_path / "images" / "train"))
    assert found == (str(tmp_path / "data.yaml") if names else "")
    assert in_file == YoloClasses(names)
    if names:
        assert read_classes(found) == YoloClasses(names)


def pose(points, *, visible):
    """A box of a person with key points; those at the corners have no third number of 0 to 2."""
    place = " ".join(f"0.{n}1 0.{n}2{visible}" for n in range(points))
    return f"0 0.5 0.5 0.2 0.4 {place}\n"


@pytest.mark.parametrize(
    ("lines", "shape", "is_box"),
    [
        (pose(4, visible=" 2"), "", True),
        (pose(4, visible=" 0") + pose(4, visible=" 2.000000"), "", True),
        (pose(4, visible=""), "kpt_shape: [4, 2]", True),
        (pose(4, visible=" 0"), "kpt_shape: [4, 3]", True),
        (pose(4, visible=""), "", False),
        (pose(4, visible=""), "kpt_shape: [5, 2]", False),
        (pose(4, visible=""), "kpt_shape: x", False),
    ],
)
def test_key_points_are_no_polygon(tmp_path, lines, shape, is_box):
    (tmp_path / "data.yaml").write_text(f"names: [person]\n{shape}\n")
    _, classes = find_classes(os.fsencode(tmp_path))
    found = read_yolo(lines.encode(), (100, 100), classes)
    assert found.problems == []
    for one in found.shapes:
        assert (one.rings == []) is is_box
        if is_box:
            assert one.box.tolist() == pytest.approx(np.array([[40, 30], [60, 70]]))


def test_polygons_at_the_border_are_no_key_points():
    polygon = b"0 0 0 1 0 1 1 0 1 0 0\n"
    (shape,) = read_yolo(polygon, (10, 10), NO_CLASSES).shapes
    assert len(shape.rings) == 1
