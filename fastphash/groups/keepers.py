"""The keeper of each row: stars, or connected components."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION
from fastphash.defaults import MIN_SCORE
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.joins.index import Classes, Index, check_radius, collapse
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.partitions import permuted, sort_rows
from fastphash.joins.relation import Matches, row_distances
from fastphash.joins.search import find_edges, plan_for
from fastphash.kernels import union_find
from fastphash.store.rows import Content
from fastphash.verify.verdicts import Verdicts, check_score, judge, kinds

#: How pairs become groups.
Grouping = Literal["star", "components"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

# pairs of one attempt to group many rows at once; with more of them fewer rows are tried
_PAIRS_AT_ONCE = 1 << 21
_GROWTH = 8


class Copies(NamedTuple):
    """Each row against its keeper, itself for a keeper.

    Attributes
    ----------
    keeper : int64 (n,)
    distance : uint8 (n,)
    verdicts : Verdicts
        The orientation turns the row into its keeper's frame.
    """

    keeper: NDArray[np.int64]
    distance: NDArray[np.uint8]
    verdicts: Verdicts


class IsCopy(Protocol):
    """Says which pairs of rows within the radius are copies; the same for (a, b) and (b, a)."""

    def __call__(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        distance: NDArray[np.uint8],
        verdicts: Verdicts,
    ) -> NDArray[np.bool_]:
        """Whether left[i] and right[i] are: bool (n,)."""


def find_copies(
    index: Index,
    content: Content,
    radius: int,
    *,
    grouping: Grouping = "star",
    reach: IsCopy | None = None,
    marks: Sequence[NDArray[Any]] = (),
    min_score: float | None = MIN_SCORE,
    options: JoinOptions | None = None,
) -> Copies:
    """Group rows, and say how each relates to its keeper.

    Parameters
    ----------
    index : Index
        Rows in order of priority.
    content : Content
        Thumbnails must agree, or be alike, for two rows to be within reach, and colours must not
        be different; without thumbnails the radius decides.
    radius : int
    grouping : {"star", "components"}
    reach : IsCopy, optional
        Decides instead which pairs within the radius are copies, by the rows' numbers.
    marks : sequence of arrays (n, ...)
        Rows of equal hashes and thumbnails that differ in one of these are not taken for copies
        unseen, but left to `reach`.
    min_score : float or None
        The least score of two rows at a distance; None to take them for copies unseen.
    """
    keeper = find_keepers(
        index,
        content,
        radius,
        grouping=grouping,
        reach=reach,
        marks=marks,
        min_score=min_score,
        options=options,
    )
    rows = np.arange(keeper.size)
    distance, mask = row_distances(index, rows, index, keeper)
    pairs = Matches(rows, keeper, distance, mask)
    verdicts = judge(pairs, content, content, near=min_score is not None)
    alone = keeper == rows
    distance[alone] = verdicts.orientation[alone] = 0
    return Copies(keeper, distance, verdicts)


def find_keepers(
    index: Index,
    content: Content,
    radius: int,
    *,
    grouping: Grouping = "star",
    reach: IsCopy | None = None,
    marks: Sequence[NDArray[Any]] = (),
    min_score: float | None = MIN_SCORE,
    options: JoinOptions | None = None,
) -> NDArray[np.int64]:
    """The keeper of each row, int64 (n,); parameters are those of `find_copies`."""
    check_radius(radius)
    check_score(min_score)
    if grouping not in GROUPINGS:
        raise UsageError(f"no grouping {grouping!r}: use one of {', '.join(GROUPINGS)}")
    options = options or JoinOptions()
    classes = collapse(index.hashes, *content.looks, *marks)
    if reach is None and content.thumbnails is not None:
        reach = _copies_by(min_score)
    number = np.arange(len(index))
    rows = _Rows(index, content, number, reach, min_score is not None).take(classes.first)
    keeper = _stars(rows, radius, options)
    if grouping == "components":
        keeper = _components(rows, radius, keeper, options)
    return _spread(classes, keeper)


def has_partner(index: Index, radius: int, options: JoinOptions | None = None) -> NDArray[np.bool_]:
    """Whether each row is within a radius of another, in some orientation: bool (n,)."""
    options = options or JoinOptions()
    classes = collapse(index.hashes)
    own = index.take(classes.first)
    keeper = _stars(_Rows(own, Content(), classes.first, None, False), radius, options)
    rows = np.arange(keeper.size)
    found = np.bincount(classes.of_row, minlength=rows.size) > 1
    copies = keeper != rows
    found[copies] = True
    found[keeper[copies]] = True
    # keepers are out of one another's reach: those left can only be near a copy
    alone, copy = np.flatnonzero(~found), np.flatnonzero(copies)
    for block in matches(own.take(alone), own.take(copy), radius, options=options):
        found[alone[block.left]] = True
    return found[classes.of_row]


def _copies_by(min_score: float | None) -> IsCopy:
    """Pairs are copies if their kind is one of copies."""

    def reach(
        left: NDArray[np.int64],
        right: NDArray[np.int64],  # noqa: ARG001 - rows are known by their thumbnails alone
        distance: NDArray[np.uint8],
        verdicts: Verdicts,
    ) -> NDArray[np.bool_]:
        unknown = np.zeros(left.size, np.bool_)
        return kinds(distance, verdicts, unknown, min_score) < COLLISION

    return reach


class _Rows(NamedTuple):
    """Different rows: hashes, what else is known of them, and what `reach` knows them by.

    Without `reach` all within the radius are copies; `near` is whether it is told of scores.
    """

    hashed: Index
    content: Content
    number: NDArray[np.int64]
    reach: IsCopy | None
    near: bool

    def take(self, rows: NDArray[np.int64]) -> "_Rows":
        """Some of them."""
        return self._replace(
            hashed=self.hashed.take(rows),
            content=self.content.take(rows),
            number=self.number[rows],
        )


def _stars(rows: _Rows, radius: int, options: JoinOptions) -> NDArray[np.int64]:
    """Let each row, in order, join the first keeper within reach, or become one.

    As many rows as have few enough pairs are settled among themselves; the keepers among them
    then take what is in their reach of all other rows. So no more pairs are held than those.
    """
    keeper = np.arange(len(rows.hashed))
    open_rows = keeper.copy()
    size = max(open_rows.size, 1)
    while open_rows.size:
        head, rest = open_rows[:size], open_rows[size:]
        try:
            blocks = list(
                matches(
                    rows.hashed.take(head), None, radius, max_pairs=_PAIRS_AT_ONCE, options=options
                )
            )
        except TooManyPairsError:
            size = max(head.size // _GROWTH, 1)
            continue
        among = np.arange(head.size)
        own = rows.take(head)
        for block in blocks:
            near = _within_reach(block, own, own)
            union_find.stars_of_pairs(near.left, near.right, among)
        keeper[head] = head[among]
        heads = head[among == np.arange(head.size)]
        open_rows = rest[~_taken(rows, heads, rest, radius, keeper, options)]
        size = head.size * _GROWTH
    return keeper


def _taken(
    rows: _Rows,
    heads: NDArray[np.int64],
    rest: NDArray[np.int64],
    radius: int,
    keeper: NDArray[np.int64],
    options: JoinOptions,
) -> NDArray[np.bool_]:
    """Give each of the rest its first keeper within reach; whether it has one."""
    if not rest.size:
        return np.zeros(0, np.bool_)
    first = np.full(rest.size, keeper.size)
    own, others = rows.take(heads), rows.take(rest)
    for block in matches(own.hashed, others.hashed, radius, options=options):
        near = _within_reach(block, own, others)
        np.minimum.at(first, near.right, heads[near.left])
    taken = first < keeper.size
    keeper[rest[taken]] = first[taken]
    return taken


def _within_reach(block: Matches, left: _Rows, right: _Rows) -> Matches:
    """The pairs of a block that are copies."""
    if left.reach is None:
        return block
    verdicts = judge(block, left.content, right.content, near=left.near)
    pairs = left.number[block.left], right.number[block.right]
    return block.take(np.flatnonzero(left.reach(*pairs, block.distance, verdicts)))


def _components(
    rows: _Rows, radius: int, keeper: NDArray[np.int64], options: JoinOptions
) -> NDArray[np.int64]:
    """The first row of the chain that each row is in; stars are links of chains already."""
    root = keeper.copy()
    for left, right in _links(rows, radius, root, options):
        union_find.unite(left, right, root)
    union_find.find_roots(root, np.empty(root.size, np.uint32))
    return root


def _links(
    rows: _Rows, radius: int, root: NDArray[np.int64], options: JoinOptions
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs within reach, as far as `root` has not joined them yet."""
    if rows.reach is not None:
        yield from _reach(rows, radius, options)
        return
    yield from _reach(rows, 0, options)
    hashes = rows.hashed.hashes[:, rows.hashed.known].T.reshape(-1)
    plan = plan_for(hashes, None, radius, options)
    ordered = sort_rows(permuted(hashes, plan), options.threads)
    values = np.repeat(ordered.values, np.diff(ordered.starts))
    turned, row = np.divmod(ordered.rows, np.uint32(max(root.size, 1)))
    roots = np.empty(root.size, np.uint32)
    union_find.find_roots(root, roots)
    labels = 2 * roots[row] + (turned > 0)
    for edges in find_edges(values, labels.astype(np.uint32), roots, plan, options):
        yield edges
        union_find.find_roots(root, roots)


def _reach(
    rows: _Rows, radius: int, options: JoinOptions
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of rows within reach."""
    for block in matches(rows.hashed, None, radius, options=options):
        near = _within_reach(block, rows, rows)
        yield near.left, near.right


def _spread(classes: Classes, keeper: NDArray[np.int64]) -> NDArray[np.int64]:
    """From classes of equal rows to rows: all of a class join what its first row joins."""
    return classes.first[keeper[classes.of_row]]
