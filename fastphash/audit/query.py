"""The stored images nearest to some images."""

import os
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import UNKNOWN_CHROMA
from fastphash.defaults import NEAREST
from fastphash.errors import DefinitionError, UsageError
from fastphash.files.parquet import NAME_TYPE
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.hasher import Hasher, Recipe
from fastphash.joins.index import Index, check_radius
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import Matches, concatenated, row_distances
from fastphash.results.schemas import RELATION, relation_columns, row_names
from fastphash.sources.local import LocalReader
from fastphash.store.rows import Content, HashTable
from fastphash.store.schema import CHROMA_BYTES
from fastphash.verify.verdicts import relate_matches

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

# images hashed, and stored rows compared, at once
_IMAGES = 64
_ROWS = 1 << 20
# stored images as near as the last one named, among which kinds decide
_TIES = 1000


class Answer(NamedTuple):
    """What was found, by `QUERY_SCHEMA`, and the images that gave no hash."""

    found: pa.Table
    rejected: list[Rejection]


def nearest(
    images: Iterable["str | bytes | os.PathLike[str]"],
    stored: HashTable,
    *,
    radius: int | None = None,
    k: int = NEAREST,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Answer:
    """Find the stored images nearest to each of some images, in any orientation.

    Parameters
    ----------
    images : iterable of paths
        Hashed as the stored ones were.
    stored : HashTable
    radius : int, optional
        Name none that is further away, in bits.
    k : int
        How many to name for each; of equal distances the strongest kind, then the first stored.

    Raises
    ------
    UsageError
        No such radius, or no such number.
    DefinitionError
        Nobody knows how the stored hashes were made.
    """
    if radius is not None:
        check_radius(radius)
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    if stored.definition.source == "foreign":
        raise DefinitionError(
            "nobody knows how these hashes were made, so that an image can't be hashed alike: "
            "vouch for them with `fastphash convert --as`"
        )
    recipe = Recipe(stored.definition.decoding(), stored.definition.pass_order)
    hasher = Hasher(recipe)
    found, rejected, done = [QUERY_SCHEMA.empty_table()], [], 0
    source = (os.fsencode(image) for image in images)
    while batch := list(islice(source, _IMAGES)):
        hashed = hasher.hash_files(LocalReader(b""), batch)
        rejected += hashed.rejected
        rejected += [Rejection(path, "sniff", "not an image") for path in hashed.skipped]
        if hashed.paths and len(stored):
            index = Index(hashed.hashes)
            rows = Index(stored.phashes, stored.known)
            if radius is None:
                pairs = _nearest(index, rows, k)
            else:
                blocks = matches(index, rows, radius, options=options)
                pairs = concatenated([_best(block, k) for block in blocks])
            found.append(_table(hashed, stored, pairs, k))
        done += len(batch)
        progress("searching", done, 0)
    return Answer(pa.concat_tables(found).unify_dictionaries(), rejected)


def _nearest(images: Index, stored: Index, k: int) -> Matches:
    """The k nearest of each image at any distance, by comparing it with every row."""
    best = []
    for image in range(len(images)):
        some = []
        for start in range(0, len(stored), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(stored)))
            same = np.full(rows.size, image)
            some.append(_best(Matches(same, rows, *row_distances(images, same, stored, rows)), k))
        best.append(_best(concatenated(some), k))
    return concatenated(best)


def _best(pairs: Matches, k: int) -> Matches:
    """The k nearest of each left row, nearest first, and some more that are as near as the last."""
    ordered = pairs.take(np.lexsort((pairs.right, pairs.distance, pairs.left)))
    rank = _rank(ordered.left)
    last = ordered.distance[np.searchsorted(ordered.left, ordered.left) + np.minimum(k - 1, rank)]
    return ordered.take((rank < k) | ((ordered.distance == last) & (rank < k + _TIES)))


def _rank(left: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of ascending numbers, how many equal ones stand before each."""
    return np.arange(left.size) - np.searchsorted(left, left)


def _content(hashed: Batch) -> Content:
    """What is known of images just hashed."""
    unknown = np.zeros(CHROMA_BYTES, np.int8)
    unknown[0] = UNKNOWN_CHROMA
    chroma = [unknown if row is None else np.frombuffer(row, np.int8) for row in hashed.chroma]
    return Content(
        hashed.thumbnails.reshape(len(hashed.paths), -1),
        np.stack(chroma),
        np.frombuffer(b"".join(hashed.digests), np.uint64).reshape(-1, 2),
    )


def _table(hashed: Batch, stored: HashTable, pairs: Matches, k: int) -> pa.Table:
    rows, right = np.unique(pairs.right, return_inverse=True)
    known = stored.take(rows)
    pairs = pairs._replace(right=right)
    relation = relate_matches(pairs, _content(hashed), known.content)
    order = np.lexsort((pairs.right, relation.kind, pairs.distance, pairs.left))
    order = order[_rank(pairs.left[order]) < k]
    pairs, relation = pairs.take(order), relation.take(order)
    split, path, exact = row_names(known, pairs.right)
    names = [os.fsdecode(path).encode("utf-8", "replace").decode() for path in hashed.paths]
    return pa.table(
        [
            pa.array([names[i] for i in pairs.left], pa.string()),
            pa.array(_rank(pairs.left) + 1, pa.int32()),
            split,
            path,
            *relation_columns(relation),
            exact,
        ],
        schema=QUERY_SCHEMA,
    )
