"""The pairs of values of a search, found piece by piece, in files.

What is found in a piece is written to a file that appears whole or not at all. So the next run goes
on with the pieces that have none, or a damaged one.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import TooManyPairsError
from fastphash.external.pair_files import PairWriter, count_pairs, is_whole, read_pairs
from fastphash.external.piece_files import PieceFiles
from fastphash.external.plans import Sides, plan_pieces, sources_of
from fastphash.external.scratch import Scratch
from fastphash.external.searches import Search
from fastphash.external.tasks import Steps
from fastphash.files.atomic import replacing
from fastphash.joins.bit_order import restore_bits
from fastphash.joins.options import JoinOptions, SearchReport
from fastphash.joins.piece_search import search_piece
from fastphash.joins.pieces import PiecePlan, without_repeats
from fastphash.joins.repeats import repeated_values


class FoundValues:
    """Finds the pairs of values of a search, and reads them.

    Within one side, a value that several rows have is paired with itself.

    Parameters
    ----------
    scratch : Scratch
    search : Search
    sides : Sides
    radius : int
    options : JoinOptions
        `threads` search pieces side by side, one each.
    most : int or None
        Pairs that are too many.
    """

    def __init__(
        self,
        scratch: Scratch,
        search: Search,
        sides: Sides,
        radius: int,
        options: JoinOptions,
        most: int | None,
    ) -> None:
        self._scratch = scratch
        self._name = f"search-{search.number}"
        self._search = search
        self._sources = sources_of(search, sides)
        self._radius = radius
        self._options = options
        self._most = most
        #: Pairs found so far.
        self.count = 0
        # values that come several times in a batch, of the first block's pieces
        self._repeats = scratch.file(f"{self._name}-repeats")

    def find(self, steps: Steps) -> None:
        """Search all pieces that no earlier run has searched.

        Raises
        ------
        TooManyPairsError
            There are more than `most` pairs.
        """
        pieces = plan_pieces(
            self._scratch, self._name, self._sources, self._radius, self._options, steps
        )
        size = sum(source.steps for source in self._sources)
        # without a piece there may still be values that come several times in a batch
        blocks = 1 + max((piece.block for piece in pieces.pieces), default=0)
        steps.expect(blocks * size + len(pieces.pieces))
        left, *right = (source.size for source in self._sources)
        report = SearchReport(pieces.plan, left, sum(right))
        self._options.explain(report)
        start = time.perf_counter()
        self.count = self._count_kept()
        for block in range(blocks):
            self._find_in_block(pieces, block, size, steps)
        report.seconds, report.ended = time.perf_counter() - start, True
        report.pairs = self.count
        self._options.explain(report)

    def _find_in_block(self, pieces: PiecePlan, block: int, size: int, steps: Steps) -> None:
        numbers = [i for i, piece in enumerate(pieces.pieces) if piece.block == block]
        left = [number for number in numbers if not self._found(number).exists()]
        steps.skip(len(numbers) - len(left))
        files = PieceFiles(self._scratch, f"{self._name}-{block}")
        if not block and self._pairs_equal and not self._repeats.exists():
            with replacing(self._repeats) as draft, PairWriter(draft) as repeats:
                watch = partial(_write_repeated, repeats)
                files.write(self._sources, pieces, block, watch, steps)
            self.count += count_pairs(self._repeats)
        elif left and not files.have(left):
            files.write(self._sources, pieces, block, _ignore, steps)
        else:
            steps.skip(size)
        jobs = (partial(self._search_piece, pieces, number, files) for number in left)
        for found in steps.run(jobs):
            self.count += found
            if self._most is not None and self.count > self._most:
                raise TooManyPairsError(self.count, self._most)
        files.remove()

    @property
    def _pairs_equal(self) -> bool:
        """Whether equal values are to be paired, which no search of a piece does."""
        return not self._search.is_across

    def _found(self, piece: int) -> Path:
        return self._scratch.file(f"{self._name}-found-{piece:06d}")

    def _search_piece(self, pieces: PiecePlan, number: int, files: PieceFiles) -> int:
        """Write the pairs of a piece; how many there are."""
        piece = pieces.pieces[number]
        left = files.read(number, 0)
        right = files.read(number, 1) if self._search.is_across else None
        options = JoinOptions(threads=1, memory=self._options.memory)
        with replacing(self._found(number)) as draft, PairWriter(draft) as found:
            if self._pairs_equal and not piece.block and piece.left_tile == piece.right_tile:
                repeated = restore_bits(repeated_values(left), pieces.plan)
                found.write(repeated, repeated)
            if self._radius or right is not None:
                for pairs in search_piece(pieces, number, left, right, options):
                    found.write(*pairs)
        files.remove_piece(number)
        return count_pairs(self._found(number))

    def _count_kept(self) -> int:
        """The pairs that earlier runs have found; what isn't as they wrote it is deleted."""
        total = 0
        for path in self._files():
            if is_whole(path):
                total += count_pairs(path)
            else:
                path.unlink()
        return total

    def _files(self) -> list[Path]:
        return sorted(
            [
                *self._scratch.path.glob(f"{self._name}-found-*"),
                *self._scratch.path.glob(self._repeats.name),
            ]
        )

    def read(self) -> Iterator[NDArray[np.uint64]]:
        """All pairs, some at a time: uint64 (n, 2). One of a value with itself may come again."""
        for path in self._files():
            yield from read_pairs(path)


def _write_repeated(repeats: PairWriter, values: NDArray[np.uint64]) -> None:
    """Write the values that come several times in a batch, if its piece may have them once."""
    if without_repeats(values).size == values.size:
        return
    repeated = repeated_values(values)
    repeats.write(repeated, repeated)


def _ignore(values: NDArray[np.uint64]) -> None:
    """Do nothing with the values of a batch."""
