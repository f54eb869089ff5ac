"""What the labels of splits say of each image: annotated, only listed, or nothing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.files.json_arrays import pieces
from fastphash.labels.coco import match_images, read_images
from fastphash.labels.ids import Ids
from fastphash.labels.label_source import LabelSource
from fastphash.store.rows import HashTable

#: What is known of the labels of an image, best first; UNKNOWN: its split has none.
LEVELS = ANNOTATED, LISTED, UNLISTED, UNKNOWN = range(4)
#: Column of a HashTable with the level of each row, uint8.
LEVEL = "_label_level"


def with_levels(rows: HashTable, sources: Mapping[str, LabelSource]) -> HashTable:
    """The same rows with the column LEVEL, by the labels of splits.

    Raises
    ------
    StoreError
        A COCO file is none.
    """
    levels = np.full(len(rows), UNKNOWN, np.uint8)
    for split, source in sources.items():
        of_split = np.flatnonzero(rows.splits == split)
        levels[of_split] = _levels_of_split(rows.take(of_split), source)
    table = rows.table.append_column(LEVEL, pa.array(levels))
    return HashTable(table, rows.definition, rows.store)


def levels_of(rows: HashTable) -> NDArray[np.uint8]:
    """The level of each row, uint8 (n,): UNKNOWN without the column."""
    if LEVEL not in rows.table.column_names:
        return np.full(len(rows), UNKNOWN, np.uint8)
    levels: NDArray[np.uint8] = rows.table[LEVEL].to_numpy()
    return levels


def annotated_rows(rows: HashTable, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of a split that its COCO file lists, and the row of each annotation, in its order.

    An annotation of an image that the split doesn't have is in row -1.
    """
    images = read_images(path)
    matched = match_images(images.names, rows.paths.to_pylist()).rows
    ids = Ids(images.ids)
    # a place of -1, of no image, is in row -1
    row_of = np.append(matched, -1)
    of_annotations = [np.empty(0, np.int64)]
    for piece in pieces(path, {"annotations": "image_id"}):
        if piece.array:
            places = np.array([ids.find(key) for key in piece.values()], np.int64)
            of_annotations.append(row_of[places])
    return matched[matched >= 0], np.concatenate(of_annotations)


def _levels_of_split(rows: HashTable, source: LabelSource) -> NDArray[np.uint8]:
    listed, annotated = source.annotated_rows(rows)
    levels = np.full(len(rows), UNLISTED, np.uint8)
    levels[listed] = LISTED
    levels[annotated[annotated >= 0]] = ANNOTATED
    return levels
