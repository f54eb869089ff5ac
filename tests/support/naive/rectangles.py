"""Rectangles in thumbnails, one after the other."""

import math
from itertools import product

import numpy as np

HIT, MISS = math.log(0.65 / 0.25), math.log(0.35 / 0.75)


def steps(plane):
    """Whether there is a step between rows y - 1 and y at column x, that no near one exceeds."""
    found = np.zeros((33, 32), bool)
    size = np.abs(np.diff(plane.astype(float), axis=0))
    for y, x in product(range(1, 32), range(32)):
        near = size[max(y - 3, 0) : y + 2, x]
        found[y, x] = size[y - 1, x] >= 4 and size[y - 1, x] == near.max()
    return found


def evidence_of_side(counts, line, low, high):
    """What speaks for a side, by the steps up to each pixel; None if too little does."""
    if line in (0, 32):
        return 0.0
    steps_there = counts[line][high] - counts[line][low]
    total = steps_there * HIT + (high - low - steps_there) * MISS
    return total if total > 0.15 * (high - low) else None


def likeliest_rectangle(plane):
    """(evidence, left, top, right, bottom) of the likeliest rectangle; None without any."""
    down, across = (
        np.cumsum(np.pad(steps(one), ((0, 0), (1, 0))), axis=1).tolist() for one in (plane, plane.T)
    )
    best = None
    for top, left in product(range(23), repeat=2):
        for bottom, right in product(range(top + 10, 33), range(left + 10, 33)):
            sides = (
                evidence_of_side(across, left, top, bottom),
                evidence_of_side(down, top, left, right),
                evidence_of_side(across, right, top, bottom),
                evidence_of_side(down, bottom, left, right),
            )
            if None in sides or not any(sides):
                continue
            total = sum(sides)
            if best is None or total > best[0] + 1e-9:
                best = total, left, top, right, bottom
    return best
