"""Pairs of images that somebody else proposes: listed, or near by vectors of any embedding."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.audits.image_names import ImageNames
from fastphash.audits.looker import RowPairs
from fastphash.base.pair_keys import pair_keys
from fastphash.base.progress import Progress, no_progress
from fastphash.base.text import listed
from fastphash.base.vocabulary import COLLISION, EXACT, IDENTICAL, UNKNOWN_COLOUR
from fastphash.errors import StoreError, UsageError
from fastphash.files.table_formats import read_column_names, read_columns, without_marks
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.vectors import find_neighbours
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate_matches

#: Neighbours by their vectors that each image is proposed with.
NEIGHBOURS = 10

# pairs that are scored at once
_AT_ONCE = 1 << 17
_ALL_ORIENTATIONS = 0xFF
# a turned picture may score up to this in an orientation that it doesn't have
_TELLS_ORIENTATION = 0.5

_VECTORS = ("vector", "embedding")
# how tables of pairs name the two images: those of evaluations, of joins and leaks, of true pairs
_SIDES = (("path", "other_path"), ("needle_path", "haystack_path"), ("needle", "haystack"))
# columns by which pairs are ordered, and whether the highest value is the best
_ORDERS = (("score", True), ("distance", False))
_HINT = (
    "proposals are pairs (split, path, other_split, other_path) or vectors (split, path, vector), "
    "with or without splits"
)


class Proposals(NamedTuple):
    """Pairs to look at, the most promising first.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Rows of those that are compared, the lower first; each pair once.
    given : int
        Pairs, or vectors, that the file has.
    unknown : int
        Those of them with a name that no compared image has, or several have.
    unusable : int
        Vectors of another length than most, of length 0, or with values that aren't finite.
    """

    pairs: NDArray[np.int64]
    given: int
    unknown: int
    unusable: int = 0


def check_proposals(path: Path, out: Path | None = None) -> None:
    """Raise UsageError if a file can't be read, or has neither pairs nor vectors to propose.

    All of it is read, so that `read_proposals` finds nothing wrong once an audit has removed the
    results of an earlier one. So it may not be one of these, in the folder `out`.
    """
    if out is not None and out.resolve() in path.resolve().parents:
        raise UsageError(
            f"{str(path)!r} is in the folder of the audit, which removes its earlier results: "
            "propose a copy of it from elsewhere"
        )
    columns = _find_columns(path)
    table = _read(path, columns)
    _named(table, columns)
    if columns.vector is not None:
        _check_vectors(table[columns.vector], columns.vector)


def read_proposals(path: Path, rows: HashTable, options: JoinOptions | None = None) -> Proposals:
    """Read pairs, or vectors whose nearest neighbours are proposed.

    Images are named by split and path. Without a column for splits, a path may begin with the
    name of its split; may be absolute; or no other split may have it.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSON lines. Columns of pairs are split, path, other_split and other_path, or
        those of a join or of leaks, or needle and haystack; pairs are ordered by score, or else by
        distance, where there is such a column. Vectors are lists in a column vector or embedding.
    rows : HashTable
        Those that are compared.
    options : JoinOptions, optional
        What the search for neighbours may use.

    Raises
    ------
    UsageError
        The file can't be read, or has neither pairs nor vectors.
    """
    columns = _find_columns(path)
    names = ImageNames(rows)
    if columns.vector is None:
        return _read_pairs(path, columns, names)
    return _read_vectors(path, columns, names, options)


class _Columns(NamedTuple):
    """The columns of a file: for one image, or for the two of a pair, path and split."""

    paths: tuple[str, ...]
    splits: tuple[str, ...]
    vector: str | None
    order: tuple[str, bool] | None

    @property
    def exact(self) -> tuple[str, ...]:
        """Those with names that are not UTF-8."""
        return tuple(f"{name}_bytes" for name in self.paths)


def _find_columns(path: Path) -> _Columns:
    try:
        names = read_column_names(path)
    except StoreError as error:
        raise UsageError(f"can't read {error}") from error
    vector = next((name for name in _VECTORS if name in names), None)
    for paths in _SIDES:
        if set(paths) <= set(names):
            order = next((one for one in _ORDERS if one[0] in names), None)
            return _Columns(paths, _splits_of(paths, names), None, order)
    if vector is None or "path" not in names:
        found = listed([repr(name) for name in names]) or "none"
        raise UsageError(f"{str(path)!r} has the columns {found}: {_HINT}")
    return _Columns(("path",), _splits_of(("path",), names), vector, None)


def _splits_of(paths: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
    """The columns with the splits of all these images; none if one of them is missing."""
    splits = tuple(f"{name.removesuffix('path')}split" for name in paths)
    return splits if set(splits) <= set(names) else ()


def _read(path: Path, columns: _Columns) -> pa.Table:
    wanted = {*columns.paths, *columns.splits}
    others = {*columns.exact} if path.suffix.lower() in {"", ".parquet"} else set[str]()
    others |= {columns.vector or "path"} | {columns.order[0] if columns.order else "path"}
    try:
        return read_columns(path, wanted | others, wanted)
    except StoreError as error:
        raise UsageError(f"can't read {error}") from error


def _find_rows(table: pa.Table, columns: _Columns, names: ImageNames) -> list[NDArray[np.int64]]:
    """The row of each image, -1 if there is none: int64 (n,) for each column of paths."""
    found = []
    for paths, splits in _named(table, columns):
        rows = names.find(paths, splits)
        missing = pa.array(rows < 0)
        # our own CSV marks names that a spreadsheet would take for formulas
        bare = without_marks(paths.filter(missing))
        of_split = None if splits is None else without_marks(splits.filter(missing))
        rows[rows < 0] = names.find(bare, of_split)
        found.append(rows)
    return found


def _named(
    table: pa.Table, columns: _Columns
) -> list[tuple[pa.ChunkedArray, pa.ChunkedArray | None]]:
    """For each column of paths these, as binary, and the splits, as text."""
    splits = columns.splits or (None,) * len(columns.paths)
    named = []
    for path, exact, split in zip(columns.paths, columns.exact, splits, strict=True):
        try:
            paths = _as_bytes(table[path])
            if exact in table.column_names:
                paths = pc.coalesce(_as_bytes(table[exact]), paths)
            named.append(
                (paths, None if split is None else _as_bytes(table[split]).cast(pa.string()))
            )
        except pa.ArrowException as error:
            which = f"columns {path!r} and {split!r} are" if split else f"column {path!r} is"
            raise UsageError(f"{which} no text in UTF-8") from error
    return named


def _as_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text or bytes, of any of their types, as binary."""
    kind = column.type
    plain = column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
    if pa.types.is_integer(plain.type):
        # numbers are good names, and readers of CSV may take names for them
        plain = plain.cast(pa.string())
    return plain.cast(pa.binary())


def _read_pairs(path: Path, columns: _Columns, names: ImageNames) -> Proposals:
    table = _read(path, columns)
    left, right = _find_rows(table, columns, names)
    known = (left >= 0) & (right >= 0)
    order = np.arange(len(table))
    if columns.order is not None:
        order = _best_first(table[columns.order[0]], highest=columns.order[1])
    chosen = order[(known & (left != right))[order]]
    pairs = np.stack([left[chosen], right[chosen]], axis=1)
    pairs.sort(axis=1)
    _, first = np.unique(pair_keys(*pairs.T), return_index=True)
    return Proposals(pairs[np.sort(first)], len(table), int((~known).sum()))


def _best_first(values: pa.ChunkedArray, *, highest: bool) -> NDArray[np.int64]:
    """The rows in order of their values, as they are where these are no numbers."""
    try:
        numbers = values.cast(pa.float64()).to_numpy()
    except pa.ArrowException:
        return np.arange(len(values))
    return np.argsort(-numbers if highest else numbers, kind="stable")


def _read_vectors(
    path: Path, columns: _Columns, names: ImageNames, options: JoinOptions | None
) -> Proposals:
    table = _read(path, columns)
    (found,) = _find_rows(table, columns, names)
    assert columns.vector is not None
    vectors, usable = _as_matrix(table[columns.vector], columns.vector)
    del table
    given, unknown, unusable = found.size, int((found < 0).sum()), int((~usable).sum())
    place = np.full(found.size, -1)
    place[usable] = np.arange(len(vectors))
    chosen = np.flatnonzero(usable & (found >= 0))
    # files of the same bytes, and rows that are given twice, would take all places of neighbours
    keys = names.digests[found[chosen]] if names.digests is not None else found[chosen, None]
    chosen = chosen[find_distinct_rows(keys).first]
    nearest = find_neighbours(vectors[place[chosen]], NEIGHBOURS, options)
    pairs = found[chosen][nearest.pairs]
    pairs.sort(axis=1)
    return Proposals(pairs, given, unknown, unusable)


def _as_matrix(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The usable vectors, float32 (m, d), and which rows have one, bool (n,)."""
    _check_vectors(column, name)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    values, counts = np.unique(lengths[lengths > 0], return_counts=True)
    length = int(values[counts.argmax()]) if values.size else 1
    alike = lengths == length
    pieces = [np.empty((0, length), np.float32)]
    start = 0
    for chunk in column.chunks:
        kept = chunk.filter(pa.array(alike[start : start + len(chunk)]))
        start += len(chunk)
        flat = pc.list_flatten(kept).cast(pa.float32(), safe=False)
        pieces.append(flat.to_numpy(zero_copy_only=False).reshape(-1, length))
    vectors = np.concatenate(pieces)
    good = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
    usable = alike.copy()
    usable[alike] = good
    return vectors[good], usable


def _check_vectors(column: pa.ChunkedArray, name: str) -> None:
    kind = column.type
    is_list = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    item = kind.value_type if is_list else kind
    if not (is_list and (pa.types.is_floating(item) or pa.types.is_integer(item))):
        raise UsageError(f"column {name!r} holds {kind}, not lists of numbers")


def relate_proposals(
    proposals: Proposals,
    rows: HashTable,
    criteria: CopyCriteria,
    progress: Progress = no_progress,
) -> RowPairs:
    """The proposed pairs and what their thumbnails say, without those of the same bytes.

    Beyond the radius no hash tells the orientation, and the pair is no copy yet. Its orientation is
    the one with the highest score; where even that is low, the images are taken as they are.
    """
    index, content = Index(rows.hashes, rows.known), rows.content
    relations = [Relation.collisions(0)]
    for start in range(0, len(proposals.pairs), _AT_ONCE):
        progress("comparing proposed pairs", start, len(proposals.pairs))
        left, right = np.ascontiguousarray(proposals.pairs[start : start + _AT_ONCE].T)
        distance, mask = row_distances(index, left, index, right)
        far = distance > criteria.radius
        mask[far] = _ALL_ORIENTATIONS
        matches = Matches(left, right, distance, mask)
        relation = relate_matches(matches, content, content, criteria.min_score)
        relation.kind[far & (relation.kind > EXACT)] = COLLISION
        # keypoints are found again at any angle, but not mirrored; colours lie elsewhere
        anyhow = far & (relation.score < _TELLS_ORIENTATION)
        relation.orientation[anyhow], relation.colour[anyhow] = 0, UNKNOWN_COLOUR
        relation.colour_distance[anyhow] = np.nan
        relations.append(relation)
    relation = Relation.joined(relations)
    left, right = np.ascontiguousarray(proposals.pairs.T)
    every = RowPairs(left, right, relation)
    return every.take(np.flatnonzero(relation.kind != IDENTICAL))


def propose(
    path: Path | None,
    rows: HashTable,
    criteria: CopyCriteria,
    progress: Progress = no_progress,
) -> tuple[RowPairs | None, dict[str, int] | None]:
    """The pairs that a file proposes, if there is one, and ``proposals`` of summary.json."""
    if path is None:
        return None, None
    progress("reading proposals", 0, 0)
    options = replace(criteria.options, advance=partial(progress, "finding neighbours"))
    proposals = read_proposals(path, rows, options)
    counts = proposals._asdict() | {"pairs": len(proposals.pairs)}
    return relate_proposals(proposals, rows, criteria, progress), counts
