"""YOLO's labels: a text file for each image, a line for each object, and names in a YAML file."""

import math
import os
from collections.abc import Sequence

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
_NOWHERE = np.full((2, 2), np.nan)


def read_yolo(data: bytes, size: tuple[int, int], names: Sequence[str] = ()) -> ReadShapes:
    """The objects of an image, and what is wrong with them, a line each.

    A line is a class and a box, or a class and a polygon, all in shares of the image. A box may
    have more behind it: a confidence, or key points, if their numbers aren't even.

    Parameters
    ----------
    data : bytes
    size : (int, int)
        Width and height of the image, in pixels.
    names : sequence of str
        Of classes; without them, categories are called by their numbers.

    Raises
    ------
    LabelFileError
        It is no text, or has far more lines than labels have.
    """
    shapes, problems = [], []
    lines = as_text(data).splitlines()
    check_count(len(lines))
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        shape = _shape_of(fields, size, names)
        if shape is None:
            problems.append(f"line {number} is no class and box or polygon: {shown(line)}")
            shape = Shape(UNREADABLE, _NOWHERE, [])
        shapes.append(shape)
    return ReadShapes(shapes, problems)


def find_names(root: bytes) -> tuple[str, tuple[str, ...]]:
    """The file with the names of classes for a split in this folder, and these, or neither."""
    folder = os.path.normpath(root)
    for _ in range(1 + _FOLDERS_ABOVE):
        for name in NAMES_FILES:
            path = os.path.join(os.fsdecode(folder), name)
            if os.path.isfile(path) and (names := _names_in(path)):
                return path, names
        folder = os.path.dirname(folder)
    return "", ()


def read_names(path: str) -> tuple[str, ...]:
    """The names of the classes in a YAML file, by their numbers; LabelFileError without any."""
    names = _names_in(path)
    if not names:
        raise LabelFileError("it names no classes")
    return names


def _names_in(path: str) -> tuple[str, ...]:
    try:
        document = yaml.safe_load(as_text(read_bytes(os.fsencode(path), _MAX_SIZE)))
    except (yaml.YAMLError, LabelFileError, ValueError, RecursionError):
        return ()
    names = document.get("names") if isinstance(document, dict) else None
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


def _shape_of(fields: list[str], size: tuple[int, int], names: Sequence[str]) -> Shape | None:
    """The object of a line; None if it is none."""
    try:
        category, numbers = float(fields[0]), [float(field) for field in fields[1:]]
    except ValueError:
        return None
    if not (category.is_integer() and category >= 0 and len(numbers) >= _BOX):
        return None
    is_polygon = len(numbers) >= _TRIANGLE and len(numbers) % 2 == 0
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
