"""Pairs of rows to what their images show."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.arguments import quoted
from fastphash.defaults import MIN_SCORE
from fastphash.errors import UsageError
from fastphash.external.api import Pairs
from fastphash.joins.distances import row_distances
from fastphash.joins.given import check_given, given_hashes
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.options import join_options
from fastphash.results.pairs import relate_rows
from fastphash.results.schemas import RELATION, relation_columns
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation

_SCHEMA = pa.schema([("left", pa.int64()), ("right", pa.int64()), *RELATION])


def verify(
    pairs: Pairs,
    needles: Any,
    haystack: Any = None,
    *,
    min_score: float | None = MIN_SCORE,
    memory: int | None = None,
) -> pa.Table:
    """Compare the thumbnails and colours of pairs, and decide the kind of each.

    `fastphash join` does the same. An audit also looks at pixels, of which tables know nothing.

    Parameters
    ----------
    pairs : Pairs
        As `join` or `self_join` gives them.
    needles, haystack : table or store
        What was joined: what `hash_images` returns, a ``pyarrow.Table`` or the path of a store.
        Without `haystack`, both images of a pair are in `needles`. Without thumbnails, pairs with
        equal hashes are `unverified`, and others are judged by their distance alone.
    min_score : float or None
        The least similarity of the thumbnails of near copies, 0 to 1; None if their distance alone
        decides.
    memory : int, optional
        Bytes for thumbnails, 104,857,600 at least; half of what is free by default.

    Returns
    -------
    pyarrow.Table
        A row for each pair, in their order: left and right, and of pairs.parquet kind, distance,
        orientation, score, colour, colour_distance and same_pixels.

    Raises
    ------
    UsageError
        An array was given, which holds hashes alone; or an argument or a row is out of range.
    DefinitionError
        The hashes of the two sides were made in different ways.

    Examples
    --------
    >>> import numpy as np
    >>> import fastphash as fp
    >>> rng = np.random.default_rng(3)
    >>> picture, other = rng.integers(0, 256, (2, 64, 64), np.uint8)
    >>> items = {"picture": picture, "turned": np.rot90(picture), "other": other}
    >>> hashed = fp.hash_items(items.items(), workers=0)
    >>> fp.verify(fp.self_join(hashed), hashed).select(["left", "right", "kind"]).to_pylist()
    [{'left': 0, 'right': 1, 'kind': 'augmented'}]
    """
    sides = given_hashes(needles), given_hashes(needles if haystack is None else haystack)
    check_given(*sides)
    left, right = (_rows_of(side.rows) for side in sides)
    criteria = CopyCriteria(0, min_score, join_options(memory))
    matches = _matches(pairs, sides[0].hashes, sides[1].hashes)
    relations = [Relation.collisions(0), *relate_rows(left, right, matches, criteria)]
    columns = relation_columns(Relation.joined(relations))
    return pa.table([matches.left, matches.right, *columns], schema=_SCHEMA)


def _rows_of(rows: HashTable | None) -> HashTable:
    if rows is None:
        raise UsageError(
            "an array holds hashes alone: give verify the table of hash_images, or a store"
        )
    return rows


def _matches(pairs: Pairs, needles: Index, haystack: Index) -> Matches:
    """The pairs with all orientations that give their distances."""
    if not isinstance(pairs, Pairs):
        raise UsageError(f"pairs are what join and self_join return, not {quoted(pairs)}")
    left, right = _row_numbers(pairs.left, "left"), _row_numbers(pairs.right, "right")
    if len(left) != len(right):
        raise UsageError(f"pairs have {len(left):,} left rows and {len(right):,} right ones")
    for name, rows, index in (("left", left, needles), ("right", right, haystack)):
        wrong = rows[(rows < 0) | (rows >= len(index))]
        if wrong.size:
            raise UsageError(f"a pair has {name} {wrong[0]}, and there are {len(index):,} rows")
    return Matches(left, right, *row_distances(needles, left, haystack, right))


def _row_numbers(rows: Any, name: str) -> NDArray[np.int64]:
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise UsageError(f"pairs have whole numbers of rows, and {name} is {quoted(rows)}")
    return numbers.astype(np.int64)
