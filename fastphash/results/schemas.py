"""The columns of pairs, leaks and groups."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    COLOURS,
    KINDS,
    ORIENTATIONS,
    SAME,
    SAME_PIXELS,
    THUMBNAIL_KINDS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
)
from fastphash.files.parquet import NAME_TYPE
from fastphash.store.rows import HashTable

if TYPE_CHECKING:
    # it imports kernels, which are slow to load, and large
    from fastphash.verification.decide_kind import Relation
    from fastphash.verification.findings import Findings
    from fastphash.verification.looked_pairs import LookedPairs

ROLES = ("keeper", "copy")
#: What the two images of a pair are called in tables of leaks, and in those of groups.
SIDES = ("needle", "haystack")
GROUP_SIDES = ("copy", "keeper")
# of a side of a box: finer than a pixel of most images
_DECIMALS = 4

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
#: Columns that say which part of an image another one shows, and where the two differ.
PARTS = [
    # left, top, right and bottom as shares of width and height, with commas between
    ("window", pa.string()),
    # the image that the window is in
    ("window_of", NAME_TYPE),
    # in the frame of the haystack image, or of the keeper
    ("place", pa.string()),
]
#: Column that says whether pixels were compared: true also for the same bytes or the same pixels.
LOOKED = ("looked", pa.bool_())
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
        *PARTS,
        LOOKED,
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
        *PARTS,
        LOOKED,
        *KEEPER,
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]
)
#: Pairs whose kind their thumbnails alone don't tell.
FINDINGS_SCHEMA = pa.schema(
    [
        *_SIDES,
        *RELATION,
        *PARTS,
        LOOKED,
        *_PATH_BYTES,
    ]
)


def row_names(rows: HashTable, chosen: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Columns split, path and path_bytes of these rows."""
    names = [name for name in ("split", "path", "path_bytes") if name in rows.table.column_names]
    table = rows.table.select(names).take(pa.array(chosen))
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


def looked_column(
    relation: "Relation",
    looked: "LookedPairs | None",
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    null: NDArray[np.bool_] | None = None,
) -> pa.Array:
    """The column LOOKED for pairs of rows, null in the rows of `null` (keepers).

    `looked` are the pairs of these rows that somebody compared, None if nobody did.
    """
    compared = relation.same_pixels == SAME_PIXELS
    if looked is not None:
        compared |= looked.has(left, right)
    return pa.array(compared, mask=null)


def are_unlooked(table: pa.Table) -> NDArray[np.bool_]:
    """Whether rows of groups or leaks are sure copies whose pixels nobody compared, bool (n,).

    Where an audit of an earlier version doesn't say it, nobody did, but for the same pixels.
    """
    kinds = pa.array([KINDS[kind] for kind in THUMBNAIL_KINDS])
    name = LOOKED[0] if LOOKED[0] in table.column_names else "same_pixels"
    # by the few names, not by rows: millions of texts take room
    sure = [pc.is_in(one.dictionary, kinds).take(one.indices) for one in table["kind"].chunks]
    looked = table[name].fill_null(fill_value=False).to_numpy()
    unlooked = pa.chunked_array(sure, pa.bool_()).fill_null(fill_value=False).to_numpy()
    return np.asarray(unlooked & ~looked, np.bool_)


def part_columns(
    findings: "Findings",
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    sides: tuple[str, str],
) -> list[Any]:
    """The columns of PARTS for pairs of rows, null where nothing was found.

    `sides` are what the two images of a pair are called.
    """
    pairs, found = findings.about(left, right)
    window, place = (np.full((left.size, 4), np.nan, np.float32) for _ in range(2))
    window[pairs], place[pairs] = found.window, found.place
    window_of = np.zeros(left.size, np.uint8)
    window_of[pairs] = found.window_of
    return [
        boxes_as_text(window),
        coded(window_of, sides, np.isnan(window[:, 0])),
        boxes_as_text(place),
    ]


def boxes_as_text(boxes: NDArray[np.float32]) -> pa.Array:
    """Boxes (n, 4) as text such as 0.1,0.1,0.9,0.9; null where a side is NaN."""
    text = np.full(len(boxes), None, object)
    known = np.flatnonzero(~np.isnan(boxes).any(axis=1))
    rounded = np.round(boxes[known].astype(np.float64), _DECIMALS) + 0.0
    text[known] = [",".join(map("{:g}".format, box)) for box in rounded.tolist()]
    return pa.array(text, pa.string())


def boxes_of_text(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """What `boxes_as_text` has written, float32 (n, 4); ArrowInvalid if it is something else."""
    boxes = np.full((len(column), 4), np.nan, np.float32)
    sides = pc.split_pattern(column.drop_null(), ",")
    numbers = pc.list_flatten(sides).cast(pa.float32()).to_numpy()
    if not pc.all(pc.equal(pc.list_value_length(sides), 4), min_count=0).as_py():
        raise pa.ArrowInvalid("a box has four sides")
    boxes[column.is_valid().to_numpy()] = numbers.reshape(-1, 4)
    return boxes


def coded(
    codes: NDArray[Any], names: tuple[str, ...], null: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """A column of names, by their indices; null in the rows of `null`."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=null), pa.array(names, pa.string())
    )
