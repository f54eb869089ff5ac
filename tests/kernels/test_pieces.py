from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.kernels import pieces
from tests.support import naive
from tests.support.hash_strategies import TOP, columns, seeds

crowded = columns | st.builds(lambda seed, n: naive.crowd(seed, n)[:, 0], seeds, st.integers(0, 90))


@given(crowded, seeds, st.integers(0, 60), st.integers(0, 4), st.integers(1, 5))
@example(np.array([], np.uint64), 0, 0, 0, 1)
@example(np.array([TOP], np.uint64), 1, 60, 4, 5)
def test_values_are_counted_and_scattered_by_part(values, seed, shift, bits, count):
    parts = np.random.default_rng(seed).integers(0, count, 1 << bits).astype(np.uint16)
    values.flags.writeable = parts.flags.writeable = False
    counts = np.ones(count, np.int64)
    pieces.count_parts(values, parts, shift, counts)
    expected = [
        [v for v in values.tolist() if parts[v >> shift & parts.size - 1] == part]
        for part in range(count)
    ]
    assert (counts - 1).tolist() == list(map(len, expected))
    bounds = np.cumsum([0, *map(len, expected)])
    out = np.empty_like(values)
    pieces.scatter_parts(values, parts, shift, bounds[:-1].copy(), out)
    assert [out[i:j].tolist() for i, j in pairwise(bounds.tolist())] == expected


@given(crowded, st.integers(1, 9) | st.just(2**32))
def test_each_value_is_of_one_tile(values, tiles):
    values.flags.writeable = False
    named = [naive.tile_of(value, tiles) for value in values.tolist()]
    assert all(0 <= tile < tiles for tile in named)
    for tile in {0, tiles - 1, *named}:
        out = np.empty_like(values)
        count = pieces.take_tile(values, tile, tiles, out)
        expected = [v for v, own in zip(values.tolist(), named, strict=True) if own == tile]
        assert out[:count].tolist() == expected


@given(crowded, st.integers(1, 6))
@example(np.array([0, 0, 1, 1, 0, 1, TOP, TOP], np.uint64), 1)
def test_recent_values_are_dropped(values, bits):
    values.flags.writeable = False
    recent = np.zeros(1 << bits, np.uint64)
    # no value names the place of another that it would be taken for
    recent[0] = next(v for v in range(1, 1000) if naive.mixed(v) >> (64 - bits))
    out = np.empty_like(values)
    count = pieces.drop_recent(values, 64 - bits, recent, out)
    assert out[:count].tolist() == naive.drop_recent(values.tolist(), bits)


@given(st.lists(crowded, min_size=1, max_size=5), st.integers(0, 3))
@example([np.array([0, 0, TOP, 0, TOP], np.uint64), np.array([0], np.uint64)], 2)
def test_each_segment_keeps_its_values_once(segments, first):
    values = np.concatenate(segments)
    values.flags.writeable = False
    sizes = [segment.size for segment in segments]
    bounds = np.cumsum([0, *sizes]) + first
    out, out_bounds = np.empty_like(values), np.full_like(bounds, -1)
    table = np.full(1 << (2 * max(sizes)).bit_length(), TOP, np.uint64)
    pieces.drop_repeats(values, bounds, table, out, out_bounds)
    kept = [out[i:j].tolist() for i, j in pairwise(out_bounds.tolist())]
    assert out_bounds[0] == 0
    assert kept == [list(dict.fromkeys(segment.tolist())) for segment in segments]
