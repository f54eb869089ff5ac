"""LabelMe's labels: a JSON file for each image."""

import json
from typing import Any

import numpy as np

from fastphash.base.text import encodable
from fastphash.labels.label_text import LabelFileError, as_text, check_count
from fastphash.labels.shapes import UNREADABLE, ReadShapes, Shape, points_of, shown

# least points of an outline: fewer enclose nothing
_TRIANGLE = 3


def read_labelme(data: bytes, size: tuple[int, int] = (1, 1)) -> ReadShapes:  # noqa: ARG001 - in pixels
    """The shapes of an image, and what is wrong with them, a line each.

    Polygons are compared as such, all others by the boxes around their points; of a circle this is
    the square around it.

    Raises
    ------
    LabelFileError
        It is no JSON, or has no list `shapes`, or one that is far too long.
    """
    try:
        document = json.loads(as_text(data))
    except (ValueError, RecursionError) as error:
        raise LabelFileError(f"JSON that can't be read: {shown(str(error))[1:-1]}") from error
    items = document.get("shapes") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise LabelFileError("it has no list of shapes")
    check_count(len(items))
    shapes, problems = [], []
    for number, item in enumerate(items):
        shape = _shape_of(item)
        if shape is None:
            problems.append(f"shapes[{number}] has no label or no points: {shown(item)}")
            shape = Shape(UNREADABLE, np.full((2, 2), np.nan), [])
        shapes.append(shape)
    return ReadShapes(shapes, problems)


def _shape_of(item: Any) -> Shape | None:
    label = item.get("label") if isinstance(item, dict) else None
    points = points_of(item.get("points")) if isinstance(item, dict) else None
    if not isinstance(label, str) or not label or points is None or not len(points):
        return None
    form = item.get("shape_type") or "polygon"
    if form == "circle" and len(points) > 1:
        radius = np.hypot(*(points[1] - points[0]))
        points = np.stack([points[0] - radius, points[0] + radius])
    box = np.stack([points.min(axis=0), points.max(axis=0)])
    rings = [points] if form == "polygon" and len(points) >= _TRIANGLE else []
    return Shape(encodable(label), box, rings)
