"""Hashes in memory as a stream."""

import tracemalloc

import numpy as np
import pytest

from fastphash.external import array_stream, streams
from fastphash.external.array_stream import ArrayStream
from fastphash.joins.index import Index


@pytest.fixture
def hashes():
    return np.random.default_rng(1).integers(0, 2**64, (200_000, 8), np.uint64)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    for module in (array_stream, streams):
        monkeypatch.setattr(module, "BATCH_ROWS", 1 << 12)


def read(stream):
    """All batches of two orientations, and the most bytes that reading one and the key took."""
    batches, most = [], 0
    for chunk in stream.chunks():
        tracemalloc.start()
        batches += stream.read(chunk, (0, 5))
        most = max(most, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    tracemalloc.start()
    key = stream.key
    most = max(most, tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    return batches, key, most


@pytest.mark.parametrize("chosen", [False, True])
def test_rows_are_copied_a_batch_at_a_time(hashes, chosen):
    rows = np.random.default_rng(2).permutation(len(hashes))[:150_001]
    index = Index(hashes).choose(rows) if chosen else Index(hashes[rows])
    batches, key, most = read(ArrayStream(index))
    assert [batch.first for batch in batches] == [*range(0, rows.size, 1 << 12)]
    for place, orientation in enumerate((0, 5)):
        column = np.concatenate([batch.columns[place] for batch in batches])
        np.testing.assert_array_equal(column, hashes[rows, orientation])
    assert key == ArrayStream(Index(hashes[rows])).key
    assert most < 1_000_000
