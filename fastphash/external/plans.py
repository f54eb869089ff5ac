"""The plan of a search, and its pieces: from a sample of the hashes, and the counts of digits."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.external.scratch import Scratch, check_space
from fastphash.external.searches import Search
from fastphash.external.streams import Chunk, HashBatches
from fastphash.external.tasks import Steps
from fastphash.joins.options import JoinOptions
from fastphash.joins.piece_sizes import count_scattered
from fastphash.joins.pieces import PiecePlan, choose_piece_plan, count_digits, make_pieces
from fastphash.joins.search_plan import SearchPlan

#: Bytes that a value takes in the file of a piece.
FILED_BYTES = 8

# hashes of a sample, and the chunks that they come from
_SAMPLE = 1 << 16
_SAMPLED_CHUNKS = 8
# bytes that a search of a piece takes for each of its values, and the most and the fewest values
_VALUE_BYTES = 48
_MOST_VALUES = 1 << 22
_LEAST_VALUES = 1 << 15


class Sides(NamedTuple):
    """The two sides of a join; `right` is None for pairs within the left one."""

    left: HashBatches
    right: HashBatches | None

    @property
    def haystack(self) -> HashBatches:
        """The side of the right rows."""
        return self.left if self.right is None else self.right


class Source(NamedTuple):
    """The values of one side of a search: the hashes of some orientations of all rows."""

    stream: HashBatches
    orientations: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.stream) * len(self.orientations)

    def jobs(self) -> Iterator[tuple[Chunk, int]]:
        """What is read as one: a chunk, and one of the orientations."""
        return ((chunk, t) for t in self.orientations for chunk in self.stream.chunks())

    @property
    def steps(self) -> int:
        """The number of jobs."""
        return len(self.stream.chunks()) * len(self.orientations)


def sources_of(search: Search, sides: Sides) -> list[Source]:
    """The values of a search: of one side, or of two."""
    left = Source(sides.left, search.left)
    return [left, Source(sides.haystack, search.right)] if search.is_across else [left]


def plan_pieces(
    scratch: Scratch,
    name: str,
    sources: list[Source],
    radius: int,
    options: JoinOptions,
    steps: Steps,
) -> PiecePlan:
    """The pieces of a search of this name, as an earlier run wrote them to a file, or made now.

    They are made anew if they don't fit into the memory any more. What was found in others is
    deleted then: it has the numbers of other pieces.

    Raises
    ------
    UsageError
        The disk has no room for the pieces of a block.
    """
    state = f"{name}-plan.json"
    most_values = pieces_size(options)
    steps.expect(sum(source.steps for source in sources))
    written = scratch.read_state(state)
    if written and written["most_values"] <= 2 * most_values:
        steps.skip(sum(source.steps for source in sources))
        check_space(scratch, written["bytes"])
        return PiecePlan.from_json(json.dumps(written["pieces"]))
    # the plan goes first: without it, no run takes any file for one of its pieces
    scratch.remove(state)
    scratch.remove_all(f"{name}-*")
    plan = options.plan(choose_search_plan(sources, radius, options))
    left, *others = (_count(source, plan, steps) for source in sources)
    right = others[0] if others else None
    pieces = make_pieces(plan, left, right, most_values)
    # the pieces of one block are on the disk at a time
    needed = FILED_BYTES * int(count_scattered(pieces, left, right).max())
    check_space(scratch, needed)
    content = json.loads(pieces.to_json())
    scratch.write_state(state, {"most_values": most_values, "bytes": needed, "pieces": content})
    return pieces


def pieces_size(options: JoinOptions) -> int:
    """Values of a piece, at most: every thread searches one."""
    fitting = options.memory // 2 // (options.threads * _VALUE_BYTES)
    return min(max(fitting, _LEAST_VALUES), _MOST_VALUES)


def choose_search_plan(sources: list[Source], radius: int, options: JoinOptions) -> SearchPlan:
    """The plan of a search, from random values of some chunks of its sources."""
    left, *others = sources
    right = others[0] if others else None
    return choose_piece_plan(
        _sample(left),
        _sample(right) if right else None,
        left.size,
        right.size if right else None,
        radius,
        options.threads,
    )


def _sample(source: Source) -> NDArray[np.uint64]:
    """Random values of some chunks that are spread over all."""
    chunks = source.stream.chunks()
    places = np.unique(np.linspace(0, len(chunks) - 1, _SAMPLED_CHUNKS).astype(int)).tolist()
    each = -(-_SAMPLE // max(len(places) * len(source.orientations), 1))
    rng = np.random.default_rng(0)
    found = [np.empty(0, np.uint64)]
    for chunk in map(chunks.__getitem__, places if chunks else []):
        batch = next(iter(source.stream.read(chunk, source.orientations)))
        some = rng.permutation(batch.rows)[:each]
        found += [column[some] for column in batch.columns]
    return np.concatenate(found)


def _count(source: Source, plan: SearchPlan, steps: Steps) -> NDArray[np.int64]:
    """How many values have each digit of each first block."""
    counts = count_digits(np.empty(0, np.uint64), plan)

    def count(chunk: Chunk, orientation: int) -> NDArray[np.int64]:
        own = np.zeros_like(counts)
        for batch in source.stream.read(chunk, (orientation,)):
            own += count_digits(batch.columns[0], plan)
        return own

    jobs: Iterator[Callable[[], NDArray[np.int64]]] = (
        partial(count, *job) for job in source.jobs()
    )
    for found in steps.run(jobs):
        counts += found
    return counts
