"""Plain twins: stars, components, kinds of copies, plans."""

import math

from tests.support.naive.joins import matches, relation
from tests.support.naive.verdicts import either_flat, is_copy, is_flat, verdict


def links(hashes, radius, thumbnails=None, known=None, min_score=0.5):
    """{(i, j), ...} of rows within reach of one another, both ways round."""
    known = range(hashes.shape[1]) if known is None else known
    return {
        (i, j)
        for i, j, distance, bits in matches(hashes, hashes, radius, known, known)
        if is_copy(thumbnails, i, j, distance, bits, min_score)
    }


def stars(rows, reach):
    """The keeper of each row: the first earlier keeper within reach, or itself."""
    keeper = []
    for i in range(rows):
        keeper.append(next((k for k in range(i) if keeper[k] == k and (i, k) in reach), i))
    return keeper


def components(rows, reach):
    """The first row that a chain leads to from each row."""
    keeper = list(range(rows))
    for first in range(rows):
        todo = [first] if keeper[first] == first else []
        while todo:
            i = todo.pop()
            keeper[i] = first
            todo += [j for j in range(rows) if (i, j) in reach and keeper[j] > first]
    return keeper


def copies(hashes, thumbnails, keeper, known=None):
    """(keeper, distance, agrees, orientation, score) of each row against its keeper."""
    known = range(hashes.shape[1]) if known is None else known
    distance, mask = relation(hashes, hashes, known, known)
    found = []
    for i, k in enumerate(keeper):
        if i == k:
            same = thumbnails is not None
            score = math.nan if not same else 0.0 if is_flat(thumbnails[i]) else 1.0
            found.append((i, 0, same, 0, score))
        else:
            apart = int(distance[i, k])
            found.append((k, apart, *verdict(thumbnails, i, k, apart, int(mask[i, k]))))
    return found


def kind_of(hashes, thumbnails, contents, i, j):
    """(kind, distance, orientation, score) of a pair of rows; equal contents are equal bytes."""
    known = range(hashes.shape[1])
    distance, bits = relation(hashes[[i]], hashes[[j]], known, known)
    distance, bits = int(distance[0, 0]), int(bits[0, 0])
    if contents[i] == contents[j]:
        return "identical", 0, 0, 1.0
    agrees, orientation, score = verdict(thumbnails, i, j, distance, bits)
    if thumbnails is not None and either_flat(thumbnails, i, j):
        return "collision", distance, orientation, score
    if agrees:
        return "augmented" if orientation else "exact", distance, orientation, score
    if math.isnan(score):
        return "near" if distance else "unverified", distance, orientation, score
    return "near" if score >= 0.5 else "collision", distance, orientation, score


def clean(order, allowed, radius, copies, not_copies, kinds):
    """{row: its keeper}: each row, in order, goes for the first one that stays it is a copy of."""

    def is_copy(i, j):
        kind, distance = kinds[i, j][:2]
        is_allowed = kind in allowed and distance <= (
            0 if kind in ("collision", "unverified") else radius
        )
        pair = frozenset((i, j))
        return (is_allowed or pair in copies) and pair not in not_copies

    keeper = {}
    for row in order:
        stay = [k for k, of in keeper.items() if k == of]
        keeper[row] = next((k for k in stay if is_copy(row, k)), row)
    return keeper
