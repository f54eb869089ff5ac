"""Which categories the images of a split have, by its COCO file."""

from pathlib import Path
from typing import Any

import numpy as np

from fastphash.files.json_arrays import pieces
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.ids import ImageId, is_id
from fastphash.labels.label_source import Categories
from fastphash.labels.levels import annotated_rows
from fastphash.store.rows import HashTable


def read_categories(rows: HashTable, path: Path) -> Categories:
    """Read the categories of a split's images; StoreError if the file is no COCO file.

    An annotation without a category, or of an image that the split doesn't have, is left out.
    """
    _, row = annotated_rows(rows, path)
    number: dict[ImageId, int] = {}
    names = CategoryNames()
    of_annotations = [np.empty(0, np.int64)]
    for piece in pieces(path, {"annotations": "category_id", "categories": "id"}):
        if piece.array == "annotations":
            codes = [_number(key, number) for key in piece.values()]
            of_annotations.append(np.array(codes, np.int64))
        elif piece.array == "categories":
            names.add(piece.elements())
    number_of_id = np.concatenate(of_annotations)
    known = (row >= 0) & (number_of_id >= 0)
    # one number for each name, because several ids may mean one category
    place: dict[str, int] = {}
    category = [place.setdefault(names.of(key), len(place)) for key in number]
    return Categories(list(place), row[known], np.array(category, np.int64)[number_of_id[known]])


def _number(key: Any, number: dict[ImageId, int]) -> int:
    return number.setdefault(key, len(number)) if is_id(key) else -1
