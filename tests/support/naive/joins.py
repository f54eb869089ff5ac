"""Plain twins: classes of equal rows, relations and matches."""

import numpy as np

from tests.support.naive.orientations import INVERSE


def find_distinct_rows(rows):
    """First row of each class, and the class of each row."""
    seen, of_row = {}, []
    for i, row in enumerate(rows):
        of_row.append(seen.setdefault(np.ascontiguousarray(row).tobytes(), (len(seen), i))[0])
    return [i for _, i in seen.values()], of_row


def with_words(hashes):
    """Hashes (n, columns) or (n, columns, words) as the latter."""
    return hashes if hashes.ndim == 3 else hashes[..., None]


def relation(left, right, left_known, right_known):
    """(n, m) least distances over all orientations, and a bit for each that gives it."""
    left, right = with_words(left), with_words(right)
    ways = [(t, 0, t) for t in left_known]
    ways += [(0, INVERSE[t], t) for t in range(8) if INVERSE[t] in right_known]
    apart = [
        np.bitwise_count(left[:, None, a] ^ right[None, :, b]).sum(axis=2, dtype=np.int64)
        for a, b, _ in ways
    ]
    least = np.min(apart, axis=0)
    bits = [(d == least) * np.uint8(1 << t) for d, (_, _, t) in zip(apart, ways, strict=True)]
    return least, np.bitwise_or.reduce(bits)


def distance_counts(hashes, known):
    """How many pairs i < j are at each least distance, and at each greatest."""
    ways = [(t, 0) for t in known] + [(0, INVERSE[t]) for t in range(8) if INVERSE[t] in known]
    hashes = with_words(hashes)
    counts = np.zeros((2, 64 * hashes.shape[2] + 1), np.int64)
    for j, b in enumerate(hashes):
        for a in hashes[:j]:
            apart = [int(np.bitwise_count(a[s] ^ b[t]).sum()) for s, t in ways]
            counts[0, min(apart)] += 1
            counts[1, max(apart)] += 1
    return counts


def matches(left, right, radius, left_known, right_known):
    """(i, j, distance, mask) of every pair within a radius, by (i, j)."""
    distance, mask = relation(left, right, left_known, right_known)
    return [
        (i, j, min(int(distance[i, j]), 255), int(mask[i, j]))
        for i, j in np.argwhere(distance <= radius).tolist()
    ]


def near_pairs(values, others, radius):
    """Every (a, b) of values and others within a radius."""
    return {(a, b) for a in values for b in others if (a ^ b).bit_count() <= radius}
