"""What the COCO files of splits say of each image: annotated, only listed, or nothing."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.files.json_arrays import pieces
from fastphash.labels.coco import ImageId, id_list, match_images, read_images
from fastphash.store.rows import HashTable

#: What is known of the labels of an image, best first; UNKNOWN is an image of a split without file.
LEVELS = ANNOTATED, LISTED, UNLISTED, UNKNOWN = range(4)
#: Column of a HashTable with the level of each row, uint8.
LEVEL = "_label_level"


def with_levels(rows: HashTable, files: Mapping[str, Path]) -> HashTable:
    """The same rows with the column LEVEL, by the COCO files of splits.

    Raises
    ------
    StoreError
        A file is no COCO file.
    """
    levels = np.full(len(rows), UNKNOWN, np.uint8)
    for split, path in files.items():
        of_split = np.flatnonzero(rows.splits == split)
        levels[of_split] = _levels_of_split(rows.take(of_split), path)
    table = rows.table.append_column(LEVEL, pa.array(levels))
    return HashTable(table, rows.definition, rows.store)


def levels_of(rows: HashTable) -> NDArray[np.uint8]:
    """The level of each row, uint8 (n,): UNKNOWN without the column."""
    if LEVEL not in rows.table.column_names:
        return np.full(len(rows), UNKNOWN, np.uint8)
    levels: NDArray[np.uint8] = rows.table[LEVEL].to_numpy()
    return levels


def _levels_of_split(rows: HashTable, path: Path) -> NDArray[np.uint8]:
    images = read_images(path)
    matched = match_images(images.names, rows.paths.to_pylist()).rows
    counts = _count_annotations(path)
    annotated = np.array([counts[key] > 0 for key in images.ids], np.bool_)
    levels = np.full(len(rows), UNLISTED, np.uint8)
    listed = matched >= 0
    levels[matched[listed]] = LISTED
    # two images of the file may be one path
    levels[matched[listed & annotated]] = ANNOTATED
    return levels


def _count_annotations(path: Path) -> Counter[ImageId]:
    counts: Counter[ImageId] = Counter()
    for piece in pieces(path, {"annotations": "image_id"}):
        if piece.array:
            counts.update(id_list(path, piece))
    return counts
