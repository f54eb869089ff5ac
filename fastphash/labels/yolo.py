"""YOLO's labels: a text file for each image, a line for each object, and names in a YAML file."""

import itertools
import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import yaml

from fastphash.base.text import encodable
from fastphash.labels.label_text import LabelFileError, as_text, check_count, read_bytes
from fastphash.labels.shapes import UNREADABLE, ReadShapes, Shape, shown

#: Files with the names of the classes, in the split's folder or in one of the two above it.
NAMES_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_FOLDERS_ABOVE = 2
_MAX_SIZE = 4 << 20
# boxes that end at the border may be rounded beyond it
_TOLERANCE = 0.01
# numbers of a box: centre, width, height; then perhaps a confidence
_BOX = 4
# numbers of the smallest polygon
_TRIANGLE = 6
# third numbers of key points: not labelled, hidden, visible
_VISIBILITIES = frozenset((0.0, 1.0, 2.0))
# libyaml takes a fifth of the time
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOWHERE = np.full((2, 2), np.nan)


class YoloClasses(NamedTuple):
    """What a YAML file says of classes.

    Attributes
    ----------
    names : tuple of str
    key_points : int
        Numbers of the key points behind a box; 0 if there are none.
    """

    names: tuple[str, ...] = ()
    key_points: int = 0


#: Nothing is known of the classes.
NO_CLASSES = YoloClasses()


def read_yolo(data: bytes, size: tuple[int, int], classes: YoloClasses = NO_CLASSES) -> ReadShapes:
    """The objects of an image, and what is wrong with them, a line each.

    A line is a class and a box, or a class and a polygon, all in shares of the image. A box may
    have more behind it: a confidence, or key points. Lines with as many numbers as there are in a
    box and the key points of `classes`, or with key points of which one is visible, have these.

    Parameters
    ----------
    data : bytes
    size : (int, int)
        Width and height of the image, in pixels.
    classes : YoloClasses
        Without names, categories are called by their numbers.

    Raises
    ------
    LabelFileError
        It is no text, or has far more lines than labels have.
    """
    shapes, problems = [], []
    lines = as_text(data).splitlines()
    check_count(len(lines))
    rows = [line.split() for line in lines]
    lengths = _lengths_with_key_points(rows, classes)
    for number, (line, fields) in enumerate(zip(lines, rows, strict=True), 1):
        if not fields:
            continue
        is_pose = len(fields) in lengths
        shape = _shape_of(fields, size, classes.names, may_be_polygon=not is_pose)
        if shape is None:
            problems.append(f"line {number} is no class and box or polygon: {shown(line)}")
            shape = Shape(UNREADABLE, _NOWHERE, [])
        shapes.append(shape)
    return ReadShapes(shapes, problems)


def find_classes(root: bytes) -> tuple[str, YoloClasses]:
    """The file with the names of classes for a split in this folder, and these, or neither."""
    folder = os.path.normpath(root)
    for _ in range(1 + _FOLDERS_ABOVE):
        for name in NAMES_FILES:
            path = os.path.join(os.fsdecode(folder), name)
            if os.path.isfile(path) and (classes := _classes_in(path)).names:
                return path, classes
        folder = os.path.dirname(folder)
    return "", NO_CLASSES


def read_classes(path: str) -> YoloClasses:
    """The classes in a YAML file, by their numbers; LabelFileError without any."""
    classes = _classes_in(path)
    if not classes.names:
        raise LabelFileError("it names no classes")
    return classes


def _classes_in(path: str) -> YoloClasses:
    try:
        text = as_text(read_bytes(os.fsencode(path), _MAX_SIZE))
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe
    except (yaml.YAMLError, LabelFileError, ValueError, RecursionError):
        return NO_CLASSES
    if not isinstance(document, dict):
        return NO_CLASSES
    return YoloClasses(_names_of(document.get("names")), _numbers_of(document.get("kpt_shape")))


def _numbers_of(shape: Any) -> int:
    """How many numbers key points of a shape take, [points, 2 or 3]; 0 if it is none."""
    is_shape = isinstance(shape, list) and len(shape) == 2 and all(type(n) is int for n in shape)
    return max(shape[0], 0) * shape[1] if is_shape and shape[1] in (2, 3) else 0


def _names_of(names: Any) -> tuple[str, ...]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(type(key) is int and key >= 0 for key in names):
        return ()
    # aliases may make a list of lists that has no end as text
    if any(isinstance(name, list | dict | set) for name in names.values()):
        return ()
    # a class without a name is called by its number
    last = min(max(names, default=-1), len(names) * 10)
    return tuple(encodable(str(names.get(number, number))) for number in range(last + 1))


def _lengths_with_key_points(rows: Sequence[Sequence[str]], classes: YoloClasses) -> set[int]:
    """How many fields lines have that end with key points."""
    lengths = {1 + _BOX + classes.key_points} if classes.key_points else set()
    # the third number of a key point is 2 if it is visible: no polygon has one as large
    for length in {*map(len, rows)}:
        if length > 1 + _BOX and (length - 1 - _BOX) % 3 == 0:
            of_length = (row[1 + _BOX + 2 :: 3] for row in rows if len(row) == length)
            thirds = {*map(_number, itertools.chain.from_iterable(of_length))}
            if max(_VISIBILITIES) in thirds and thirds <= _VISIBILITIES:
                lengths.add(length)
    return lengths


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        return math.nan


def _shape_of(
    fields: list[str], size: tuple[int, int], names: Sequence[str], *, may_be_polygon: bool
) -> Shape | None:
    """The object of a line; None if it is none."""
    try:
        category, numbers = float(fields[0]), [float(field) for field in fields[1:]]
    except ValueError:
        return None
    if not (category.is_integer() and category >= 0 and len(numbers) >= _BOX):
        return None
    is_polygon = may_be_polygon and len(numbers) >= _TRIANGLE and len(numbers) % 2 == 0
    place = numbers if is_polygon else numbers[:_BOX]
    if not all(map(_is_share, place)):
        return None
    number = int(category)
    name = names[number] if number < len(names) else str(number)
    if is_polygon:
        ring = np.array(place).reshape(-1, 2) * size
        return Shape(name, np.stack([ring.min(axis=0), ring.max(axis=0)]), [ring])
    centre, extent = np.array(place).reshape(2, 2)
    return Shape(name, np.stack([centre - extent / 2, centre + extent / 2]) * size, [])


def _is_share(value: float) -> bool:
    return math.isfinite(value) and -_TOLERANCE <= value <= 1 + _TOLERANCE
