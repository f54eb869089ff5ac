"""Which pairs are copies, and how many there are of each kind."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, CONFIRMED, COUNTED, IDENTICAL, KINDS, NEAR
from fastphash.joins.distinct import find_distinct_rows


def are_copies(kind: NDArray[np.uint8], confirmed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether pairs are copies, by their kind or by decision: bool (n,)."""
    return (kind < COLLISION) | confirmed


def counted_kinds(
    kind: NDArray[np.uint8], keeper: NDArray[np.int64], contents: NDArray[np.uint64] | None
) -> NDArray[np.uint8]:
    """The kinds that copies count as, uint8 (n,).

    A copy with the bytes of an earlier copy of the same keeper counts as `identical`, whatever
    bytes the keeper has.

    Parameters
    ----------
    kind : uint8 (n,)
        How each copy relates to its keeper: index into KINDS.
    keeper : int64 (n,)
        Number of each copy's keeper.
    contents : uint64 (n, k), optional
        Equal rows where copies have the same bytes: digests, or numbers of digests.
    """
    if contents is None:
        return kind
    keepers = keeper[:, None].astype(np.uint64)
    distinct = find_distinct_rows(np.ascontiguousarray(contents), keepers)
    repeats = distinct.first[distinct.of_row] != np.arange(kind.size)
    return np.where(repeats, np.uint8(IDENTICAL), kind)


def count_kinds(kind: NDArray[np.uint8], confirmed: NDArray[np.bool_]) -> dict[str, int]:
    """How many pairs are listed under each of `COUNTED`.

    A copy by decision is `confirmed`, unless its kind leaves no doubt anyway.
    """
    by_decision = confirmed & (kind >= NEAR)
    numbers = np.bincount(kind[~by_decision], minlength=len(KINDS))
    by_kind = dict(zip(KINDS, numbers.tolist(), strict=True))
    by_kind[CONFIRMED] = int(by_decision.sum())
    return {name: by_kind[name] for name in COUNTED}
