"""The stored images nearest to each of a few images."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.audits.asked import AS_STORED, Asked, Asking, ask_images, ask_tables, is_hash_table
from fastphash.base.arguments import check_quality
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COLLISION, KINDS
from fastphash.defaults import NEAREST
from fastphash.errors import UsageError
from fastphash.files.parquet import NAME_TYPE
from fastphash.ingest.batch import Rejection
from fastphash.joins.batches import find_matches
from fastphash.joins.chance import choose_radius
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index, check_radius
from fastphash.joins.low_quality import lone_rows
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.radii import usual_radius
from fastphash.results.schemas import RELATION, relation_columns, row_names
from fastphash.sources.containers import is_container
from fastphash.store.rows import HashTable
from fastphash.verification.decide_kind import Relation, relate_matches

QUERY_SCHEMA = pa.schema(
    [
        ("query", pa.string()),
        ("rank", pa.int32()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        *RELATION,
        ("path_bytes", pa.binary()),
    ]
)

#: Kinds of a neighbour: those of a pair, and `different` for one that is too far, or unlike.
QUERY_KINDS = (*KINDS, "different")
_DIFFERENT = len(KINDS)

# stored rows compared at once
_ROWS_AT_ONCE = 1 << 20
# candidates beyond the k nearest that are as near as the last: their kinds decide which are named
_TIES = 1000


class Answer(NamedTuple):
    """The nearest stored images to some.

    Attributes
    ----------
    table : pyarrow.Table
        By `QUERY_SCHEMA`.
    rejected : list of Rejection
        Images that gave no hash.
    poor : list of str
        Images that were not compared, because their hashes have too little quality.
    poor_stored : int
        How many stored images were compared with none, for the same reason.
    """

    table: pa.Table
    rejected: list[Rejection]
    poor: list[str]
    poor_stored: int


def nearest(
    images: Iterable["str | bytes | os.PathLike[str]"],
    stored: HashTable,
    *,
    radius: int | None = None,
    k: int = NEAREST,
    asking: Asking = AS_STORED,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Answer:
    """Find the stored images nearest to each image, in any orientation.

    A neighbour further away than an audit looks for copies is `different`, and so is one at a
    distance whose thumbnail is not alike.

    Parameters
    ----------
    images : iterable of paths
        Hashed as the stored images were. A tar, zip or Parquet file stands for all images in it,
        ``x.tar::1.jpg`` for one of them. A table of hashes stands for its rows, which are compared
        by what it has: nobody reads their images.
    stored : HashTable
    radius : int, optional
        The largest distance of a stored image that is named, in bits; by default any.
    k : int
        Stored images to name for each image. Of equal distances the first kind in QUERY_KINDS comes
        first, then the first row.
    asking : Asking

    Raises
    ------
    UsageError
        `radius`, `k` or the least quality is out of range.
    DefinitionError
        Nobody knows how the stored hashes were made, or those of a table were made another way.
    """
    if radius is not None:
        check_radius(radius, stored.algorithm.bits)
    if k < 1:
        raise UsageError(f"`k` must be at least 1, not {k}")
    check_quality(asking.min_quality)
    searched = _Searched(stored, asking.min_quality)
    tables, done = [QUERY_SCHEMA.empty_table()], 0
    rejected: list[Rejection] = []
    poor: list[str] = []
    for asked in _ask(images, stored, asking, rejected, joined=radius is not None):
        lone = lone_rows(asked.poor, asked.content.digests, stored.digests)
        poor += [asked.names[i] for i in np.flatnonzero(lone)]
        own = np.flatnonzero(~lone)
        rows, index = searched.compared_with(asked)
        if rows.size and own.size:
            pairs = _find_nearest(asked.hashes.take(own), index, radius, k, options)
            pairs = pairs._replace(left=own[pairs.left], right=rows[pairs.right])
            tables.append(_nearest_table(asked, stored, pairs, k, searched.copy_radius))
        done += len(asked.names)
        progress("searching", done, 0)
    table = pa.concat_tables(tables).unify_dictionaries()
    return Answer(table, rejected, poor, int(searched.left_out.sum()))


def _ask(
    images: Iterable["str | bytes | os.PathLike[str]"],
    stored: HashTable,
    asking: Asking,
    rejected: list[Rejection],
    *,
    joined: bool,
) -> Iterator[Asked]:
    """What is asked for, in this order; see `ask_tables` and `ask_images`."""
    names = map(os.fsencode, images)
    of_tables, of_images = asking.columns, asking.image_column
    for is_table, some in groupby(names, lambda name: is_hash_table(name, of_tables, of_images)):
        if is_table:
            yield from ask_tables(some, stored, asking, rejected, joined=joined)
        else:
            yield from ask_images(some, stored.definition, asking, rejected)


class _Searched:
    """The stored rows that images are compared with.

    Attributes
    ----------
    copy_radius : int
        The radius within which an audit of them looks for copies.
    left_out : bool (n,)
        Rows whose hashes have too little quality, and whose bytes no image had so far.
    """

    def __init__(self, stored: HashTable, min_quality: int) -> None:
        self._digests = stored.digests
        self._poor = stored.below_quality(min_quality)
        self._index = Index(stored.hashes, stored.known)
        self._rows = np.flatnonzero(~self._poor)
        self._rich = self._index.take(self._rows) if self._poor.any() else self._index
        self.left_out = self._poor.copy()
        self.copy_radius = (
            choose_radius(self._rich)
            if stored.has_thumbnails
            else usual_radius(stored.algorithm, len(stored))
        )

    def compared_with(self, asked: Asked) -> tuple[NDArray[np.int64], Index]:
        """The rows that some images are compared with, ascending, and their hashes."""
        lone = lone_rows(self._poor, self._digests, asked.content.digests)
        self.left_out &= lone
        if (lone == self._poor).all():
            return self._rows, self._rich
        rows = np.flatnonzero(~lone)
        return rows, self._index.take(rows)


def stands_for_several(name: "str | bytes | os.PathLike[str]", columns: Mapping[str, str]) -> bool:
    """Whether a name is that of a container or a table: an answer names what is in it."""
    path = os.fsencode(name)
    return is_container(path) or is_hash_table(path, columns)


def _find_nearest(
    images: Index, stored: Index, radius: int | None, k: int, options: JoinOptions | None
) -> Matches:
    """The k nearest of each image within the radius, or at any distance."""
    if radius is None:
        return _nearest_of_all(images, stored, k)
    blocks = find_matches(images, stored, radius, options=options)
    return concatenate_matches([_keep_nearest(block, k) for block in blocks])


def _nearest_of_all(images: Index, stored: Index, k: int) -> Matches:
    """The k nearest of each image at any distance, by comparing it with every row."""
    by_image = []
    for image in range(len(images)):
        by_piece = []
        for start in range(0, len(stored), _ROWS_AT_ONCE):
            right = np.arange(start, min(start + _ROWS_AT_ONCE, len(stored)))
            left = np.full(right.size, image)
            pairs = Matches(left, right, *row_distances(images, left, stored, right))
            by_piece.append(_keep_nearest(pairs, k))
        by_image.append(_keep_nearest(concatenate_matches(by_piece), k))
    return concatenate_matches(by_image)


def _keep_nearest(pairs: Matches, k: int) -> Matches:
    """The k nearest of each left row, nearest first, and up to `_TIES` at the last's distance."""
    ordered = pairs.take(np.lexsort((pairs.right, pairs.distance, pairs.left)))
    rank = _rank_within(ordered.left)
    first = np.searchsorted(ordered.left, ordered.left)
    last_distance = ordered.distance[first + np.minimum(k - 1, rank)]
    tied = (ordered.distance == last_distance) & (rank < k + _TIES)
    return ordered.take((rank < k) | tied)


def _rank_within(left: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... within each run of equal numbers; the numbers ascend."""
    return np.arange(left.size) - np.searchsorted(left, left)


def _name_different(relation: Relation, copy_radius: int) -> None:
    """Change the kind of pairs beyond the radius of copies, or unlike at a distance."""
    kind, distance, *_ = relation
    unlike = (kind == COLLISION) & (distance > 0)
    kind[(distance > copy_radius) | unlike] = _DIFFERENT


def _nearest_table(
    asked: Asked, stored: HashTable, pairs: Matches, k: int, copy_radius: int
) -> pa.Table:
    """The k first of each image by distance, then by kind, as `QUERY_SCHEMA`."""
    # only the thumbnails of these rows are read
    rows, right = np.unique(pairs.right, return_inverse=True)
    candidates = stored.take(rows)
    pairs = pairs._replace(right=right)
    relation = relate_matches(pairs, asked.content, candidates.content)
    _name_different(relation, copy_radius)
    order = np.lexsort((pairs.right, relation.kind, pairs.distance, pairs.left))
    order = order[_rank_within(pairs.left[order]) < k]
    pairs, relation = pairs.take(order), relation.take(order)
    split, path, path_bytes = row_names(candidates, pairs.right)
    return pa.table(
        [
            pa.array([asked.names[i] for i in pairs.left], pa.string()),
            pa.array(_rank_within(pairs.left) + 1, pa.int32()),
            split,
            path,
            *relation_columns(relation, kinds=QUERY_KINDS),
            path_bytes,
        ],
        schema=QUERY_SCHEMA,
    )
