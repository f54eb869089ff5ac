"""Connected components: rows that chains of copies connect are one group."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import NO_PAIRS
from fastphash.groups.copies import RankedRows, filter_copies
from fastphash.joins.batches import find_matches
from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.distinct import distinct_values
from fastphash.joins.search import find_edges, plan_search
from fastphash.kernels import union_find

# left and right rows of copies
Edges = tuple[NDArray[np.int64], NDArray[np.int64]]


def component_keepers(
    rows: RankedRows,
    star_keeper: NDArray[np.int64],
    extra: NDArray[np.int64] = NO_PAIRS,
) -> NDArray[np.int64]:
    """The first row of each row's component, int64 (n,), by union-find that starts from stars.

    `extra` are pairs that are copies at any distance, int64 (m, 2).
    """
    root = star_keeper.copy()
    left, right = np.ascontiguousarray(extra.T)
    union_find.unite(left, right, root)
    for left, right in _edges(rows, root):
        union_find.unite(left, right, root)
    union_find.find_roots(root, np.empty(root.size, np.uint32))
    return root


def _edges(rows: RankedRows, root: NDArray[np.int64]) -> Iterator[Edges]:
    """Enough copies to connect every component; `root` is what has been united so far."""
    if rows.is_copy is not None:
        yield from _copies(rows, rows.criteria.radius)
        return
    yield from _copies(rows, 0)
    yield from _edges_between_components(rows, root)


def _edges_between_components(rows: RankedRows, root: NDArray[np.int64]) -> Iterator[Edges]:
    """Rows within the radius that `root` has not united yet; thumbnails have no say."""
    options = rows.criteria.options
    hashes = np.concatenate([rows.hashes.column(t) for t in rows.hashes.known])
    plan = plan_search(hashes, None, rows.criteria.radius, options)
    ordered = distinct_values(reorder_bits(hashes, plan), threads=options.threads)
    values = np.repeat(ordered.values, ordered.counts, axis=0)
    column, row = np.divmod(ordered.rows, np.uint32(max(root.size, 1)))
    roots = np.empty(root.size, np.uint32)
    union_find.find_roots(root, roots)
    labels = 2 * roots[row] + (column > 0)
    for edges in find_edges(values, labels.astype(np.uint32), roots, plan, options):
        yield edges
        union_find.find_roots(root, roots)


def _copies(rows: RankedRows, radius: int) -> Iterator[Edges]:
    options = rows.criteria.options
    for block in find_matches(rows.hashes, None, radius, options=options, whole_rows=False):
        copies = filter_copies(block, rows, rows)
        yield copies.left, copies.right
