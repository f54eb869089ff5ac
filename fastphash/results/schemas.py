"""The columns of pairs, leaks and groups."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    COLOURS,
    KINDS,
    ORIENTATIONS,
    SAME,
    SAME_PIXELS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
)
from fastphash.files.parquet import NAME_TYPE
from fastphash.store.rows import HashTable

if TYPE_CHECKING:
    # it imports kernels, which are slow to load, and large
    from fastphash.verify.decide_kind import Relation

ROLES = ("keeper", "copy")

#: Columns that say how two images relate.
RELATION = [
    ("kind", NAME_TYPE),
    ("distance", pa.uint8()),
    ("orientation", NAME_TYPE),
    ("score", pa.float32()),
    ("colour", NAME_TYPE),
    ("colour_distance", pa.float32()),
    ("same_pixels", pa.bool_()),
]
#: Columns that name the keeper of an image, and say why it stays rather than the image.
KEEPER = [
    ("keeper_split", NAME_TYPE),
    ("keeper_path", pa.string()),
    ("keeper_reason", NAME_TYPE),
]
_SIDES = [
    ("needle_split", NAME_TYPE),
    ("needle_path", pa.string()),
    ("haystack_split", NAME_TYPE),
    ("haystack_path", pa.string()),
]
# exact names if they are not UTF-8, otherwise null
_PATH_BYTES = [("needle_path_bytes", pa.binary()), ("haystack_path_bytes", pa.binary())]

PAIRS_SCHEMA = pa.schema([*_SIDES, *RELATION, *_PATH_BYTES])
LEAKS_SCHEMA = pa.schema(
    [
        *_SIDES,
        *RELATION,
        # a copy by decision, whatever its kind
        ("confirmed", pa.bool_()),
        ("matches", pa.int64()),
        # names of splits with commas between; no name has one
        ("also_in", pa.string()),
        *_PATH_BYTES,
    ]
)
GROUPS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("role", NAME_TYPE),
        *RELATION,
        *KEEPER,
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]
)


def row_names(rows: HashTable, chosen: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Columns split, path and path_bytes of these rows."""
    table = rows.table.take(pa.array(chosen))
    split = table["split"].cast(pa.string()).combine_chunks().dictionary_encode()
    path_bytes = pa.nulls(len(chosen), pa.binary())
    if "path_bytes" in table.column_names:
        path_bytes = table["path_bytes"]
    return split, table["path"], path_bytes


def relation_columns(
    relation: "Relation",
    null: NDArray[np.bool_] | None = None,
    kinds: tuple[str, ...] = KINDS,
) -> list[Any]:
    """The columns of RELATION, null in the rows of `null` (keepers) and where unknown.

    A distance is never null, because pandas would make fractions of all: keepers have 0.
    """
    kind, distance, orientation, score, colour, colour_distance, same_pixels = relation
    all_null = np.zeros(kind.size, np.bool_) if null is None else null
    uncoloured = all_null | (colour == UNKNOWN_COLOUR)
    return [
        coded(kind, kinds, null),
        pa.array(np.where(all_null, 0, distance), pa.uint8()),
        coded(orientation, ORIENTATIONS, null),
        pa.array(score, pa.float32(), mask=all_null | np.isnan(score)),
        coded(np.where(uncoloured, SAME, colour), COLOURS, uncoloured),
        pa.array(colour_distance, pa.float32(), mask=uncoloured),
        pa.array(same_pixels == SAME_PIXELS, mask=all_null | (same_pixels == UNKNOWN_PIXELS)),
    ]


def coded(
    codes: NDArray[Any], names: tuple[str, ...], null: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """A column of names, by their indices; null in the rows of `null`."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=null), pa.array(names, pa.string())
    )
