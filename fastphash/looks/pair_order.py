"""The order in which pairs are looked at."""

from collections.abc import Sequence

import numpy as np

from fastphash.kernels.union_find import find_roots, unite


def keep_together(pairs: Sequence[tuple[bytes, bytes]]) -> list[int]:
    """The places of pairs of digests, those that share images, or are linked by others, in a row.

    So an image is decoded once or twice, however many images there are.
    """
    digests = [digest for pair in pairs for digest in pair]
    numbers = {digest: number for number, digest in enumerate(sorted(set(digests)))}
    sides = np.array([numbers[digest] for digest in digests]).reshape(-1, 2)
    root, roots = np.arange(len(numbers)), np.empty(len(numbers), np.uint32)
    unite(np.ascontiguousarray(sides[:, 0]), np.ascontiguousarray(sides[:, 1]), root)
    find_roots(root, roots)
    order: list[int] = np.lexsort((sides[:, 1], sides[:, 0], roots[sides[:, 0]])).tolist()
    return order
