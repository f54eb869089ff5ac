"""Findings at random, and plain look-ups in them."""

import numpy as np

from fastphash.base.vocabulary import ALTERED, COLLISION, CROPPED, UNKNOWN_COLOUR, UNKNOWN_PIXELS
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import Findings

KINDS_FOUND = (1, 2, 3, CROPPED, ALTERED, COLLISION)


def random_boxes(rng, size, known):
    """Boxes in sixteenths, NaN where nothing is known."""
    corners = np.sort(rng.integers(0, 16, (size, 2, 2)), axis=1)
    corners[:, 1] += 1
    boxes = (corners / 16).reshape(size, 4).astype(np.float32)
    boxes[~known] = np.nan
    return boxes


def findings_of(pairs, kind, seed=0, distance=None):
    """Findings about pairs (lower row first, in order) of these kinds; the rest is random."""
    rng = np.random.default_rng(seed)
    pairs, kind = np.array(pairs, np.int64).reshape(-1, 2), np.array(kind, np.uint8)
    size = kind.size
    relation = Relation(
        kind,
        rng.integers(0, 30, size).astype(np.uint8) if distance is None else distance,
        rng.integers(0, 8, size).astype(np.uint8),
        rng.integers(50, 100, size).astype(np.float32) / 100,
        np.full(size, UNKNOWN_COLOUR, np.uint8),
        np.full(size, np.nan, np.float32),
        np.full(size, UNKNOWN_PIXELS, np.uint8),
    )
    return Findings(
        pairs,
        relation,
        random_boxes(rng, size, kind == CROPPED),
        rng.integers(0, 2, size).astype(np.uint8),
        random_boxes(rng, size, kind == ALTERED),
        rng.integers(0, 2, size) > 0,
    )


def some_findings(rows, seed, most=40):
    """Findings about random pairs of so many rows."""
    rng = np.random.default_rng(seed)
    if rows < 2:
        return findings_of([], [])
    pairs = np.sort([rng.choice(rows, 2, replace=False) for _ in range(most)], axis=1)
    pairs = np.unique(pairs, axis=0)
    return findings_of(pairs, rng.choice(KINDS_FOUND, len(pairs)), seed)


def findings_in(rows, seed, most=40):
    """Findings about random rows of a table that have other bytes, with their real distances."""
    found = some_findings(len(rows), seed, most).spread(rows.digests)
    index = Index(rows.hashes, rows.known)
    left, right = np.ascontiguousarray(found.pairs.T)
    found.relation.distance[:], _ = row_distances(index, left, index, right)
    return found
