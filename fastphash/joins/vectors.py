"""The nearest neighbours of vectors, by the cosine of their angle: all of them, exactly."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.threads import run_all
from fastphash.joins.options import JoinOptions

# vectors that are compared with all others at once, at most: more make nothing faster
_MOST_ROWS = 1024
# bytes of memory for each pair that is compared at once: its cosine, and its place in their order
_PER_PAIR = 16


class Neighbours(NamedTuple):
    """Pairs of near vectors, each once, the nearest first.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Rows, the lower first.
    cosine : float32 (n,)
    """

    pairs: NDArray[np.int64]
    cosine: NDArray[np.float32]


def find_neighbours(
    vectors: NDArray[np.float32], k: int, options: JoinOptions | None = None
) -> Neighbours:
    """The pairs in which one vector is among the k nearest of the other.

    Products of matrices, block by block: FAISS's `IndexFlatIP` takes as long or twice as long for
    20,000 x 512 and 40,000 x 128. Of neighbours that are equally near, any are taken.

    Parameters
    ----------
    vectors : float32 (n, d)
        Finite, and none of length 0; n is below 2**32. Their lengths don't matter.
    k : int
        1 or more.
    options : JoinOptions, optional
        Threads and memory; told how many vectors have their neighbours.
    """
    options = options or JoinOptions()
    k = min(k, len(vectors) - 1)
    if k < 1:
        return Neighbours(np.empty((0, 2), np.int64), np.empty(0, np.float32))
    # in double precision no length is infinite
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    unit = np.ascontiguousarray(vectors / lengths[:, None], np.float32)
    nearest, cosine = _search(unit, k, options)
    own = np.arange(len(unit))[:, None]
    pairs = np.stack([np.minimum(own, nearest), np.maximum(own, nearest)], axis=-1).reshape(-1, 2)
    _, first = np.unique(pair_keys(*pairs.T), return_index=True)
    pairs, cosine = pairs[first], cosine.reshape(-1)[first]
    order = np.argsort(-cosine, kind="stable")
    return Neighbours(pairs[order], cosine[order])


def _search(
    unit: NDArray[np.float32], k: int, options: JoinOptions
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest other rows of each, and their cosines: (n, k) each."""
    size = len(unit)
    nearest, cosine = np.empty((size, k), np.int64), np.empty((size, k), np.float32)
    rows = min(max(options.memory // (_PER_PAIR * size * options.threads), 1), _MOST_ROWS)

    def blocks() -> Iterator[Callable[[], None]]:
        for start in range(0, size, rows):
            options.advance(start, size)
            yield partial(_search_block, unit, start, nearest[start : start + rows], cosine[start:])

    run_all(options.threads, blocks())
    options.advance(size, size)
    return nearest, cosine


def _search_block(
    unit: NDArray[np.float32],
    start: int,
    nearest: NDArray[np.int64],
    cosine: NDArray[np.float32],
) -> None:
    """Fill in the rows of `nearest`, which begin with that number."""
    rows, k = nearest.shape
    products = unit[start : start + rows] @ unit.T
    products[np.arange(rows), np.arange(start, start + rows)] = -np.inf
    nearest[:] = np.argpartition(products, len(unit) - k, axis=1)[:, len(unit) - k :]
    cosine[:rows] = np.take_along_axis(products, nearest, axis=1)
