"""Plain twins: filtered COCO files, filled polygons."""

import numpy as np


def filter_coco(document, goes):
    """A COCO file, parsed, without some images and their annotations."""
    kept = dict(document)
    kept["images"] = [one for one in document["images"] if one["id"] not in goes]
    if "annotations" in document:
        listed = [one["id"] for one in document["images"]]
        some = document["annotations"]
        kept["annotations"] = [one for one in some if meant_id(one["image_id"], listed) not in goes]
    return kept


def meant_id(key, listed):
    """The listed id that is meant: the same, else the only one of the same number."""
    same = [other for other in listed if str(other).isdigit() and str(key) == str(other)]
    return same[0] if key not in listed and len(same) == 1 else key


def fill(polygon, height, width):
    """Pixels (height, width) whose centre is inside a polygon (n, 2), by the crossing rule."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 <= y) != (y1 <= y)
            inside ^= crosses & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside
