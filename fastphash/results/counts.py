"""Which pairs are copies, and how many there are of each kind."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, CONFIRMED, COUNTED, KINDS, NEAR


def are_copies(kind: NDArray[np.uint8], confirmed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether pairs are copies, by their kind or by decision: bool (n,)."""
    return (kind < COLLISION) | confirmed


def count_kinds(kind: NDArray[np.uint8], confirmed: NDArray[np.bool_]) -> dict[str, int]:
    """How many pairs are listed under each of `COUNTED`.

    A copy by decision is `confirmed`, unless its kind leaves no doubt anyway.
    """
    by_decision = confirmed & (kind >= NEAR)
    numbers = np.bincount(kind[~by_decision], minlength=len(KINDS))
    by_kind = dict(zip(KINDS, numbers.tolist(), strict=True))
    by_kind[CONFIRMED] = int(by_decision.sum())
    return {name: by_kind[name] for name in COUNTED}
