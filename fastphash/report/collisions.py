"""Examples of collisions: images of equal hashes that are no copies of each other."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, KINDS
from fastphash.external.store_stream import StoreStream
from fastphash.files import parquet
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.report.groups import Group, ImageName, Member
from fastphash.results.audit_folder import AuditFolder, stored_splits, were_compared
from fastphash.store.byte_columns import hash_values
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths, image_keys
from fastphash.verification.decide_kind import relate_matches

# pairs that are compared for each one that is wanted: some turn out to be copies
_COMPARED = 4
# of each hash
_PAIRS_PER_HASH = 3


def find_collisions(audited: AuditFolder, most: int) -> list[Group]:
    """Pairs of images with one hash that are no copies: a few for each, across splits first.

    Parameters
    ----------
    audited : AuditFolder
    most : int
        How many pairs.

    Returns
    -------
    list of Group
        Two members each, the second related to the first; their number is 0.
    """
    rows = _rows_of_equal_hashes(audited)
    rows = rows.take(np.flatnonzero(were_compared(rows, audited.summary)))
    left, right = _pairs_of_equal_hashes(rows, _group_of_rows(rows, audited.groups))
    left, right = left[: most * _COMPARED], right[: most * _COMPARED]
    chosen, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    compared = rows.take(chosen)
    index = Index(compared.hashes, compared.known)
    first, second = np.split(places.astype(np.int64), 2)
    distance, mask = row_distances(index, second, index, first)
    relation = relate_matches(
        Matches(second, first, distance, mask),
        compared.content,
        compared.content,
        audited.summary["min_score"],
    )
    names = _names(compared)
    pairs = []
    for pair in np.flatnonzero(relation.kind == COLLISION)[:most].tolist():
        members = [
            Member(names[first[pair]], None, None, 0, None, None),
            Member(names[second[pair]], KINDS[COLLISION], int(distance[pair]), 0, None, None),
        ]
        pairs.append(Group(0, 2, [], [], members))
    return pairs


def _rows_of_equal_hashes(audited: AuditFolder) -> HashTable:
    """The rows whose upright hash another one has; of all others only that is read."""
    stored = stored_splits(audited.folder, audited.splits, audited.algorithm)
    name = stored.definition.columns[0]
    hashes = hash_values(parquet.concat(stored.narrowed([name]), stored.tables([name]))[name])
    of_row = find_distinct_rows(hashes.reshape(len(hashes), -1)).of_row
    is_repeated = np.bincount(of_row)[of_row] > 1
    return StoreStream(stored, audited.algorithm).take(np.flatnonzero(is_repeated))


def _pairs_of_equal_hashes(
    rows: HashTable, group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each upright hash, its first row with a few rows of other groups: int64 (n,) each.

    Pairs across splits come first.
    """
    hashes = rows.hashes[:, 0]
    if hashes.ndim > 1:
        hashes = find_distinct_rows(np.ascontiguousarray(hashes)).of_row.astype(np.uint64)
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order[:1]]))
    first = np.repeat(order[starts], np.diff(np.append(starts, order.size)))
    others = np.flatnonzero(group[order] != group[first])
    left, right = first[others], order[others]
    within = rows.splits[left] == rows.splits[right]
    of_hash = np.lexsort((right, within, hashes[left]))
    starts = np.flatnonzero(np.diff(left[of_hash], prepend=-1))
    rank = np.arange(left.size) - np.repeat(starts, np.diff(np.append(starts, left.size)))
    few = rank < _PAIRS_PER_HASH
    chosen = of_hash[few][np.lexsort((rank[few], within[of_hash][few]))]
    return left[chosen], right[chosen]


def _group_of_rows(rows: HashTable, groups: pa.Table) -> NDArray[np.int64]:
    """The number of each row's group; a negative number of its own for a row without a group."""
    grouped = image_keys(groups["split"], exact_paths(groups))
    places = pc.index_in(image_keys(rows.table["split"], rows.paths), grouped)
    known: NDArray[np.bool_] = places.is_valid().to_numpy()
    number = -1 - np.arange(len(rows))
    number[known] = groups["group"].to_numpy()[places.drop_null().to_numpy()]
    return number


def _names(rows: HashTable) -> list[ImageName]:
    paths = rows.paths.to_pylist()
    return [ImageName(*name) for name in zip(rows.splits.tolist(), paths, strict=True)]
