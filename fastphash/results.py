"""Rows of hashes to the tables that people read: pairs, leaks and groups."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.groups import Stars, stars
from fastphash.hashes import Hashes, check_joinable
from fastphash.joins import Classes, Index, check_count, collapse, has_partner, hits, matches
from fastphash.verify import judge, kinds
from fastphash.words import COLLISION, KINDS, ORIENTATIONS

ROLES = ("keeper", "copy")

_NAME = pa.dictionary(pa.int32(), pa.string())
_RELATION = [
    ("kind", _NAME),
    ("distance", pa.uint8()),
    ("orientation", _NAME),
    ("score", pa.float32()),
]
_SIDES = [
    ("needle_split", _NAME),
    ("needle_path", pa.string()),
    ("haystack_split", _NAME),
    ("haystack_path", pa.string()),
]
# exact names where they are not UTF-8, null otherwise
_EXACT = [("needle_path_bytes", pa.binary()), ("haystack_path_bytes", pa.binary())]

PAIRS_SCHEMA = pa.schema([*_SIDES, *_RELATION, *_EXACT])
LEAKS_SCHEMA = pa.schema([*_SIDES, *_RELATION, ("matches", pa.int64()), *_EXACT])
GROUPS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", _NAME),
        ("path", pa.string()),
        ("role", _NAME),
        *_RELATION,
        ("path_bytes", pa.binary()),
    ]
)


def priority(rows: Hashes, keep_in: list[str]) -> NDArray[np.int64]:
    """Rows in the order in which they are worth keeping.

    Splits as given, then the smaller first (equal sizes by name); most pixels; largest file; path.

    Raises
    ------
    UsageError
        A split of `keep_in` isn't there.
    """
    names, counts = np.unique(rows.splits.astype(str), return_counts=True)
    for name in keep_in:
        if name not in names:
            raise UsageError(f"no split {name!r} to keep images in: there are {', '.join(names)}")
    by_size = [str(name) for _, name in sorted(zip(counts.tolist(), names.tolist(), strict=True))]
    order = [*keep_in, *(name for name in by_size if name not in keep_in)]
    rank = {name: i for i, name in enumerate(order)}
    split_rank = np.array([rank[split] for split in rows.splits], np.int64)
    pixels = rows.numbers("width") * rows.numbers("height")
    path_rank = np.empty(len(rows), np.int64)
    path_rank[np.argsort(np.array(rows.paths.to_pylist(), object), kind="stable")] = np.arange(
        len(rows)
    )
    return np.lexsort((path_rank, -rows.numbers("size"), -pixels, split_rank))


def candidates(rows: Hashes, order: NDArray[np.int64]) -> Hashes:
    """In this order, the rows that share a hash with another; no other can be in any result."""
    some = has_partner(Index(rows.phashes, rows.known))
    return rows.take(order[some[order]])


def find_groups(ranked: Hashes) -> pa.Table:
    """Groups of two and more, keeper first; rows must be in order of priority."""
    found = stars(Index(ranked.phashes, ranked.known), ranked.thumbnails)
    rows = np.arange(len(ranked))
    copy = found.keeper != rows
    grouped = np.union1d(rows[copy], found.keeper[copy])
    order = grouped[np.lexsort((grouped, found.keeper[grouped]))]
    keeper = found.keeper[order]
    role = (keeper != order).astype(np.int32)
    _, number = np.unique(keeper, return_inverse=True)
    none = role == 0
    relation = _relation(*_copy_relation(ranked, found, order), none)
    return pa.table(
        [
            pa.array(number, pa.int64()),
            *_names(ranked, order)[:2],
            _coded(role, ROLES),
            *relation,
            _names(ranked, order)[2],
        ],
        schema=GROUPS_SCHEMA,
    )


def find_leaks(needles: Hashes, haystack: Hashes) -> pa.Table:
    """For each needle with a copy (or a collision) in the haystack, the strongest; rows ranked.

    `matches` counts the further haystack rows that are copies too (or collide, where none is one).
    """
    ours, theirs = _classes(needles), _classes(haystack)
    best = _strongest(needles, ours.first, haystack, theirs)
    same, same_count = _same_bytes(needles, haystack)
    rows = np.flatnonzero((best.partner[ours.of_row] >= 0) | (same >= 0))
    of_class = ours.of_row[rows]
    identical = same[rows] >= 0
    agrees = best.agrees[of_class]
    partner = np.where(identical, same[rows], best.partner[of_class])
    orientation = np.where(identical, 0, best.orientation[of_class]).astype(np.uint8)
    score = np.where(identical, 1, best.score[of_class]).astype(np.float32)
    further = np.where(identical & ~agrees, same_count[rows] - 1, best.further[of_class])
    relation = _relation(kinds(agrees, orientation, identical), orientation, score)
    a, b = _names(needles, rows), _names(haystack, partner)
    return pa.table(
        [*a[:2], *b[:2], *relation, pa.array(further, pa.int64()), a[2], b[2]],
        schema=LEAKS_SCHEMA,
    )


class _Strongest(NamedTuple):
    """Of each class of equal needles, the strongest match by thumbnails; partner is -1 without."""

    partner: NDArray[np.int64]
    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    further: NDArray[np.int64]


def _strongest(
    needles: Hashes, first: NDArray[np.int64], haystack: Hashes, classes: Classes
) -> _Strongest:
    best = _Strongest(
        np.full(first.size, -1, np.int64),
        np.zeros(first.size, np.bool_),
        np.zeros(first.size, np.uint8),
        np.zeros(first.size, np.float32),
        np.zeros(first.size, np.int64),
    )
    size = np.bincount(classes.of_row, minlength=classes.first.size)
    left = Index(needles.phashes[first], needles.known)
    right = Index(haystack.phashes[classes.first], haystack.known)
    thumbnails = _thumbnails_of(needles, first), _thumbnails_of(haystack, classes.first)
    for block in matches(left, right):
        agrees, orientation, score = judge(block, *thumbnails)
        # of one needle: those that agree, then orientation order, then the haystack's priority
        order = np.lexsort((block.right, orientation, ~agrees, block.left))
        needle = block.left[order]
        starts = np.flatnonzero(np.concatenate(([True], needle[1:] != needle[:-1])))
        chosen, needle = order[starts], needle[starts]
        best.partner[needle] = classes.first[block.right[chosen]]
        best.agrees[needle] = agrees[chosen]
        best.orientation[needle] = orientation[chosen]
        best.score[needle] = score[chosen]
        like_best = np.repeat(agrees[chosen], np.diff([*starts, order.size])) == agrees[order]
        best.further[needle] = np.add.reduceat(size[block.right[order]] * like_best, starts) - 1
    return best


def find_pairs(needles: Hashes, haystack: Hashes, max_pairs: int) -> Iterator[pa.Table]:
    """Every pair at distance 0, by (needle row, haystack row), in tables of a bounded size.

    Raises
    ------
    DefinitionError
        The two sides were hashed in different ways.
    TooManyPairsError
        More than `max_pairs`; nothing has been given out by then.
    """
    check_joinable(needles, haystack)
    left, right = Index(needles.phashes, needles.known), Index(haystack.phashes, haystack.known)
    hit = hits(left, right)
    check_count(left, right, hit, max_pairs, within=False)
    needles = needles.take(np.flatnonzero(hit))
    haystack = haystack.take(np.flatnonzero(hits(right, left)))
    left, right = Index(needles.phashes, needles.known), Index(haystack.phashes, haystack.known)
    for block in matches(left, right):
        agrees, orientation, score = judge(block, needles.thumbnails, haystack.thumbnails)
        same = np.zeros(block.left.size, np.bool_)
        if needles.digests is not None and haystack.digests is not None:
            same = (needles.digests[block.left] == haystack.digests[block.right]).all(axis=1)
            orientation[same], score[same] = 0, 1
        kind = kinds(agrees, orientation, same)
        a, b = _names(needles, block.left), _names(haystack, block.right)
        yield pa.table(
            [*a[:2], *b[:2], *_relation(kind, orientation, score), a[2], b[2]],
            schema=PAIRS_SCHEMA,
        )


def of_kinds(pieces: Iterable[pa.Table], wanted: list[str]) -> Iterator[pa.Table]:
    """The rows of some kinds of each table."""
    for table in pieces:
        chosen = pc.is_in(table["kind"].cast(pa.string()), pa.array(wanted, pa.string()))
        yield table.filter(chosen)


def count_copies(ranked: Hashes) -> dict[str, int]:
    """How many rows are copies of a keeper among these, by kind; rows in order of priority."""
    found = stars(Index(ranked.phashes, ranked.known), ranked.thumbnails)
    copies = np.flatnonzero(found.keeper != np.arange(len(ranked)))
    kind, _, _ = _copy_relation(ranked, found, copies)
    counts = np.bincount(kind, minlength=len(KINDS))
    return {name: int(counts[i]) for i, name in enumerate(KINDS) if counts[i] or i != COLLISION}


def _copy_relation(
    ranked: Hashes, found: Stars, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Kind, orientation and score of rows against their keepers."""
    same = np.zeros(rows.size, np.bool_)
    if ranked.digests is not None:
        same = (ranked.digests[rows] == ranked.digests[found.keeper[rows]]).all(axis=1)
    orientation = np.where(same, 0, found.orientation[rows]).astype(np.uint8)
    score = np.where(same, 1, found.score[rows]).astype(np.float32)
    return kinds(found.agrees[rows], orientation, same), orientation, score


def _classes(rows: Hashes) -> Classes:
    thumbnails = rows.thumbnails
    return collapse(rows.phashes, *([] if thumbnails is None else [thumbnails]))


def _thumbnails_of(rows: Hashes, chosen: NDArray[np.int64]) -> NDArray[np.uint8] | None:
    return None if rows.thumbnails is None else rows.thumbnails[chosen]


def _same_bytes(needles: Hashes, haystack: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each needle the first haystack row of the same bytes, or -1, and how many there are."""
    first = np.full(len(needles), -1, np.int64)
    count = np.zeros(len(needles), np.int64)
    if needles.digests is None or haystack.digests is None or not len(needles):
        return first, count
    classes = collapse(np.concatenate([needles.digests, haystack.digests])).of_row
    ours, theirs = classes[: len(needles)], classes[len(needles) :]
    first_of = np.full(classes.max() + 1, -1, np.int64)
    first_of[theirs[::-1]] = np.arange(theirs.size)[::-1]
    count_of = np.bincount(theirs, minlength=first_of.size)
    return first_of[ours], count_of[ours]


def _names(rows: Hashes, chosen: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Columns split, path and path_bytes of some rows."""
    table = rows.table.take(pa.array(chosen))
    split = table["split"].cast(pa.string()).combine_chunks().dictionary_encode()
    exact = pa.nulls(len(chosen), pa.binary())
    if "path_bytes" in table.column_names:
        exact = table["path_bytes"]
    return split, table["path"], exact


def _relation(
    kind: NDArray[np.uint8],
    orientation: NDArray[np.uint8],
    score: NDArray[np.float32],
    none: NDArray[np.bool_] | None = None,
) -> list[Any]:
    """The columns kind, distance, orientation and score; null where `none` (keepers)."""
    distance = np.zeros(kind.size, np.uint8)
    unknown = np.isnan(score) if none is None else none | np.isnan(score)
    return [
        _coded(kind, KINDS, none),
        pa.array(distance, pa.uint8(), mask=none),
        _coded(orientation, ORIENTATIONS, none),
        pa.array(score, pa.float32(), mask=unknown),
    ]


def _coded(
    codes: NDArray[Any], names: tuple[str, ...], none: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=none), pa.array(names, pa.string())
    )
