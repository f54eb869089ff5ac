"""Rows of hashes to the tables that people read: pairs, leaks and groups."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash import tables
from fastphash.errors import UsageError
from fastphash.groups import Copies, Grouping, find_copies, has_partner
from fastphash.hashes import Hashes, check_joinable
from fastphash.joins import Classes, Index, Matches, collapse, matches
from fastphash.near import Effort
from fastphash.verify import Relation, check_score, compare, relate
from fastphash.words import (
    COLLISION,
    COLOURS,
    IDENTICAL,
    KINDS,
    MIN_SCORE,
    NEAR,
    ORIENTATIONS,
    SAME,
    UNKNOWN_COLOUR,
)

ROLES = ("keeper", "copy")
# rows of one table of pairs: their thumbnails are held meanwhile
_TABLE_ROWS = 1 << 18

_NAME = pa.dictionary(pa.int32(), pa.string())
#: Columns that say how two images relate.
RELATION = [
    ("kind", _NAME),
    ("distance", pa.uint8()),
    ("orientation", _NAME),
    ("score", pa.float32()),
    ("colour", _NAME),
    ("colour_distance", pa.float32()),
]
_SIDES = [
    ("needle_split", _NAME),
    ("needle_path", pa.string()),
    ("haystack_split", _NAME),
    ("haystack_path", pa.string()),
]
# exact names where they are not UTF-8, null otherwise
_EXACT = [("needle_path_bytes", pa.binary()), ("haystack_path_bytes", pa.binary())]

PAIRS_SCHEMA = pa.schema([*_SIDES, *RELATION, *_EXACT])
LEAKS_SCHEMA = pa.schema([*_SIDES, *RELATION, ("matches", pa.int64()), *_EXACT])
GROUPS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", _NAME),
        ("path", pa.string()),
        ("role", _NAME),
        *RELATION,
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


def candidates(
    rows: Hashes, order: NDArray[np.int64], radius: int, effort: Effort | None = None
) -> Hashes:
    """In this order, the rows within a radius of another; no other can be in any result."""
    some = has_partner(Index(rows.phashes, rows.known), radius, effort)
    return rows.take(order[some[order]])


class Counted(NamedTuple):
    """How many rows are copies of a keeper, and how many have just the hash of another.

    Attributes
    ----------
    kinds, distances : dict of str to int
        Copies by kind, and by distance but for collisions.
    collisions : int
        Rows of no group, at distance 0 of another row: their thumbnails or colours differ.
    """

    kinds: dict[str, int]
    distances: dict[str, int]
    collisions: int


class Grouped(NamedTuple):
    """Rows in order of priority, each against its keeper.

    Attributes
    ----------
    rows : Hashes
    copies : Copies
    min_score : float or None
        By which copies were told.
    """

    rows: Hashes
    copies: Copies
    min_score: float | None

    @property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether a row is no keeper, bool (n,)."""
        copies: NDArray[np.bool_] = self.copies.keeper != np.arange(len(self.rows))
        return copies

    def relation(self, rows: NDArray[np.int64]) -> Relation:
        """How some of the rows relate to their keepers."""
        content, found = self.rows.content, self.copies
        same = content.same_bytes(rows, content, found.keeper[rows])
        return relate(found.distance[rows], found.verdicts.take(rows), same, self.min_score)

    def table(self) -> pa.Table:
        """Groups of two and more, keeper first."""
        copy = np.flatnonzero(self.is_copy)
        grouped = np.union1d(copy, self.copies.keeper[copy])
        order = grouped[np.lexsort((grouped, self.copies.keeper[grouped]))]
        keeper = self.copies.keeper[order]
        role = (keeper != order).astype(np.int32)
        _, number = np.unique(keeper, return_inverse=True)
        split, path, exact = row_names(self.rows, order)
        return pa.table(
            [
                pa.array(number, pa.int64()),
                split,
                path,
                coded(role, ROLES),
                *relation_columns(self.relation(order), role == 0),
                exact,
            ],
            schema=GROUPS_SCHEMA,
        )

    def counted(self, effort: Effort | None = None) -> Counted:
        """How many rows are copies."""
        copies = np.flatnonzero(self.is_copy)
        equal = has_partner(Index(self.rows.phashes, self.rows.known), 0, effort)
        equal[copies] = equal[self.copies.keeper[copies]] = False
        kind, distance = self.relation(copies)[:2]
        counts = np.bincount(kind, minlength=len(KINDS))
        kinds_of = {
            name: int(counts[i]) for i, name in enumerate(KINDS) if counts[i] or i != COLLISION
        }
        distances = count_distances(distance[kind != COLLISION])
        return Counted(kinds_of, distances, int(equal.sum()))


def group_rows(
    ranked: Hashes,
    radius: int,
    grouping: Grouping = "star",
    min_score: float | None = MIN_SCORE,
    effort: Effort | None = None,
) -> Grouped:
    """Group rows, which must be in order of priority."""
    copies = find_copies(
        Index(ranked.phashes, ranked.known),
        ranked.content,
        radius,
        grouping=grouping,
        min_score=min_score,
        effort=effort,
    )
    return Grouped(ranked, copies, min_score)


def find_leaks(
    needles: Hashes,
    haystack: Hashes,
    radius: int,
    min_score: float | None = MIN_SCORE,
    effort: Effort | None = None,
) -> pa.Table:
    """For each needle with a copy (or a collision) in the haystack, the strongest; rows ranked.

    Collisions are those of equal hashes. `matches` counts the further haystack rows that are copies
    too (or collide, where none is one).
    """
    ours, theirs = _classes(needles), _classes(haystack)
    best = _strongest(needles, ours.first, haystack, theirs, radius, min_score, effort)
    same, same_count = _same_bytes(needles, haystack)
    rows = np.flatnonzero((best.partner[ours.of_row] >= 0) | (same >= 0))
    of_class = ours.of_row[rows]
    identical = same[rows] >= 0
    strongest = best.relation.take(of_class)
    partner = np.where(identical, same[rows], best.partner[of_class])
    # where no thumbnail vouches for them, the same bytes were no copies so far
    unseen = identical & (strongest.kind >= NEAR)
    copies = np.where(strongest.kind == NEAR, best.counted[of_class], 0)
    further = np.where(unseen, same_count[rows] + copies, best.counted[of_class]) - 1
    strongest.put(identical, _IDENTICAL)
    a, b = row_names(needles, rows), row_names(haystack, partner)
    return pa.table(
        [
            *a[:2],
            *b[:2],
            *relation_columns(strongest),
            pa.array(further, pa.int64()),
            a[2],
            b[2],
        ],
        schema=LEAKS_SCHEMA,
    )


class _Strongest(NamedTuple):
    """Of each class of equal needles, the strongest match by thumbnails; partner is -1 without.

    `counted` are the haystack rows that are copies, or that collide where none is one.
    """

    partner: NDArray[np.int64]
    relation: Relation
    counted: NDArray[np.int64]


# the relation of two files of the same bytes
_IDENTICAL = (IDENTICAL, 0, 0, 1, SAME, 0)


def _strongest(
    needles: Hashes,
    first: NDArray[np.int64],
    haystack: Hashes,
    classes: Classes,
    radius: int,
    min_score: float | None,
    effort: Effort | None,
) -> _Strongest:
    best = _Strongest(
        np.full(first.size, -1, np.int64),
        Relation.collisions(first.size),
        np.zeros(first.size, np.int64),
    )
    size = np.bincount(classes.of_row, minlength=classes.first.size)
    left = Index(needles.phashes[first], needles.known)
    right = Index(haystack.phashes[classes.first], haystack.known)
    # equal bytes are another matter: rows of one class may differ in them
    ours = needles.content._replace(digests=None).take(first)
    theirs = haystack.content._replace(digests=None).take(classes.first)
    for found in matches(left, right, radius, effort=effort):
        every = compare(found, ours, theirs, min_score, near=min_score is not None)
        told = np.flatnonzero((every.kind != COLLISION) | (found.distance == 0))
        if not told.size:
            continue
        block, own = found.take(told), every.take(told)
        kind = own.kind
        # of one needle: the strongest kind, the nearest, orientation order, haystack's priority
        order = np.lexsort((block.right, own.orientation, own.distance, kind, block.left))
        needle = block.left[order]
        starts = np.flatnonzero(np.concatenate(([True], needle[1:] != needle[:-1])))
        chosen, needle = order[starts], needle[starts]
        best.partner[needle] = classes.first[block.right[chosen]]
        best.relation.put(needle, own.take(chosen))
        copy = kind != COLLISION
        like_best = np.repeat(copy[chosen], np.diff([*starts, order.size])) == copy[order]
        best.counted[needle] = np.add.reduceat(size[block.right[order]] * like_best, starts)
    return best


def find_pairs(
    needles: Hashes,
    haystack: Hashes,
    radius: int,
    max_pairs: int,
    min_score: float | None = MIN_SCORE,
    effort: Effort | None = None,
) -> Iterator[pa.Table]:
    """Every pair within a radius, by (needle row, haystack row), in tables of a bounded size.

    Pairs at a distance that are not alike are collisions as well.

    Raises
    ------
    DefinitionError
        The two sides were hashed in different ways.
    TooManyPairsError
        More than `max_pairs`.
    UsageError
        No such radius or score.
    """
    check_joinable(needles, haystack)
    check_score(min_score)
    left, right = Index(needles.phashes, needles.known), Index(haystack.phashes, haystack.known)
    for whole in matches(left, right, radius, max_pairs=max_pairs, effort=effort):
        for start in range(0, whole.left.size, _TABLE_ROWS):
            some = whole.take(slice(start, start + _TABLE_ROWS))
            yield _pair_table(needles, haystack, some, min_score)


def _pair_table(
    needles: Hashes, haystack: Hashes, block: Matches, min_score: float | None
) -> pa.Table:
    # thumbnails of these rows only are read
    some, block_left = np.unique(block.left, return_inverse=True)
    others, block_right = np.unique(block.right, return_inverse=True)
    ours, theirs = needles.take(some), haystack.take(others)
    block = block._replace(left=block_left, right=block_right)
    relation = compare(block, ours.content, theirs.content, min_score, near=min_score is not None)
    a, b = row_names(ours, block.left), row_names(theirs, block.right)
    return pa.table(
        [*a[:2], *b[:2], *relation_columns(relation), a[2], b[2]],
        schema=PAIRS_SCHEMA,
    )


def of_kinds(pieces: Iterable[pa.Table], wanted: list[str]) -> Iterator[pa.Table]:
    """The rows of some kinds of each table."""
    for table in pieces:
        chosen = pc.is_in(table["kind"].cast(pa.string()), pa.array(wanted, pa.string()))
        yield table.filter(chosen)


class Looked:
    """Tables of pairs as they come, with a count of the near ones that nobody looked at.

    Attributes
    ----------
    unseen : int
        Of the tables that were taken so far.
    """

    def __init__(self, pieces: Iterable[pa.Table]) -> None:
        self._pieces = pieces
        self.unseen = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for table in self._pieces:
            self.unseen += count_unseen(table)
            yield table


def count_unseen(table: pa.Table) -> int:
    """How many near pairs of a table have no score, since nobody looked at them."""
    return tables.count_values(table["kind"].filter(table["score"].is_null())).get(KINDS[NEAR], 0)


def count_distances(distances: NDArray[np.uint8]) -> dict[str, int]:
    """How often each distance stands there, ascending; as text, for JSON has no other keys."""
    values, counts = np.unique(distances, return_counts=True)
    return dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))


def _classes(rows: Hashes) -> Classes:
    return collapse(rows.phashes, *rows.content.looks)


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


def row_names(rows: Hashes, chosen: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Columns split, path and path_bytes of some rows."""
    table = rows.table.take(pa.array(chosen))
    split = table["split"].cast(pa.string()).combine_chunks().dictionary_encode()
    exact = pa.nulls(len(chosen), pa.binary())
    if "path_bytes" in table.column_names:
        exact = table["path_bytes"]
    return split, table["path"], exact


def relation_columns(relation: Relation, none: NDArray[np.bool_] | None = None) -> list[Any]:
    """The columns of RELATION; null where `none` (keepers), and where nobody knows."""
    kind, distance, orientation, score, colour, colour_distance = relation
    nobody = np.zeros(kind.size, np.bool_) if none is None else none
    uncoloured = nobody | (colour == UNKNOWN_COLOUR)
    return [
        coded(kind, KINDS, none),
        pa.array(distance, pa.uint8(), mask=none),
        coded(orientation, ORIENTATIONS, none),
        pa.array(score, pa.float32(), mask=nobody | np.isnan(score)),
        coded(np.where(uncoloured, SAME, colour), COLOURS, uncoloured),
        pa.array(colour_distance, pa.float32(), mask=uncoloured),
    ]


def coded(
    codes: NDArray[Any], names: tuple[str, ...], none: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Codes as names; null where `none`."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=none), pa.array(names, pa.string())
    )
