"""Hashes and unions of hashes as proposers of pairs."""

import numpy as np
import pytest

from benchmarks.support.fingerprints import Fingerprints, Oriented
from benchmarks.support.methods import ScoredPairs, Task
from benchmarks.support.mixes import EDITS
from benchmarks.support.proposers import propose_by_rank, rank_pairs, tally_distances
from benchmarks.support.ranking import Truth

ROWS = 12
NO_PAIRS = ScoredPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@pytest.fixture
def task() -> Task:
    """Needle i is the picture of row i; "far" knows half of the copies, "few" the clear ones."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (ROWS, 1024)).astype(np.uint8)
    hashes = rng.integers(0, 2**64, (3, ROWS, 8, 4), dtype=np.uint64)
    every, some = np.ones(ROWS, np.bool_), np.arange(ROWS) < 3
    stored = {
        "near": Oriented(hashes[0, :, :, :1], every),
        "far": Oriented(hashes[1], every),
        "few": Oriented(hashes[2], some),
    }
    half = np.where((np.arange(ROWS) % 2)[:, None, None], hashes[1], ~hashes[1])
    sought = stored | {"far": Oriented(half, every)}
    place, row = np.zeros((ROWS, 5), np.int64), np.arange(ROWS)
    needles, haystack = (
        Fingerprints(place, place, row, row, one["near"].hashes[..., 0], pictures, {}, one)
        for one in (sought, stored)
    )
    truth = Truth(row, np.zeros(ROWS, np.int64), len(EDITS), ROWS, np.empty(0, np.int64))
    return Task(needles, haystack, truth)


@pytest.mark.parametrize(
    ("names", "most", "share"),
    [
        (["near"], ROWS, 1),
        (["near"], 5, 5 / ROWS),
        (["near", "near"], ROWS, 1),
        (["far"], ROWS // 2, 1 / 2),
        (["few"], 3, 3 / ROWS),
        # ranks of the two take turns, and a pair of both counts once
        (["near", "far"], ROWS, None),
        (["near", "few"], ROWS * ROWS, 1),
    ],
)
def test_a_proposer_has_so_many_pairs_the_nearest_first(task, names, most, share) -> None:
    rng = np.random.default_rng(1)
    ranked = [rank_pairs(task, name, tally_distances(task, name), most, rng) for name in names]
    found = propose_by_rank(task, ranked, most, NO_PAIRS)
    assert round(found.candidates * ROWS) == most
    assert len(found.radii) == len(names)
    if share is None:
        assert 1 / 2 < found.proposed["plain"] < 1
    else:
        assert found.proposed["plain"] == pytest.approx(share)
    assert found.verified == pytest.approx(found.proposed, nan_ok=True)


def test_hashes_that_are_not_clear_propose_nothing(task) -> None:
    ranked = rank_pairs(
        task, "few", tally_distances(task, "few"), ROWS * ROWS, np.random.default_rng(1)
    )
    assert ranked.pairs.left.size == 9
    assert {*ranked.pairs.left.tolist(), *ranked.pairs.right.tolist()} == {0, 1, 2}
