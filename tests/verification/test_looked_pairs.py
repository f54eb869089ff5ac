"""Pairs that were looked at, by the contents of their files, against a loop over every pair."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fastphash.base.vocabulary import EXACT
from fastphash.verification.findings import NO_FINDINGS
from fastphash.verification.looked_pairs import LookedPairs
from tests.support.findings import findings_of
from tests.support.stores import hashes_of

# few values, so that files of the same bytes and of the same pixels occur
CONTENT = st.tuples(st.integers(0, 3), st.integers(0, 2))


def table(bytes_of, pixels_of, *, digests=True):
    columns = {
        "split": ["all"] * len(bytes_of),
        "path": [f"{i}.png" for i in range(len(bytes_of))],
        "phash": np.zeros(len(bytes_of), np.uint64),
        "pixel_digest": pa.array(
            [bytes([pixels]) * 16 if pixels else None for pixels in pixels_of], pa.binary(16)
        ),
    }
    if digests:
        columns["digest"] = pa.array([bytes([one + 1]) * 16 for one in bytes_of], pa.binary(16))
    return hashes_of(columns)


@given(st.lists(CONTENT, min_size=2, max_size=9), st.data())
def test_a_look_holds_for_all_files_of_the_same_bytes_or_pixels(contents, data):
    # the same bytes have the same pixels, which an earlier version may not know
    pixels_of = dict(contents)
    known = data.draw(st.lists(st.booleans(), min_size=len(contents), max_size=len(contents)))
    bytes_of = [one for one, _ in contents]
    pixels = [pixels_of[one] * is_known for one, is_known in zip(bytes_of, known, strict=True)]
    rows = range(len(contents))
    pairs = sorted(data.draw(st.sets(st.tuples(*[st.sampled_from(rows)] * 2))))
    pairs = [(i, j) for i, j in pairs if i < j]
    findings = findings_of(pairs, [EXACT] * len(pairs))
    looked = LookedPairs.of(findings, table(bytes_of, pixels))
    kept = data.draw(st.permutations(rows))
    taken = looked.take(np.array(kept))

    same = {
        (i, j)
        for i in rows
        for j in rows
        if bytes_of[i] == bytes_of[j]
        or any(
            bytes_of[k] == bytes_of[i] and bytes_of[m] == bytes_of[j] and pixels[k] == pixels[m] > 0
            for k in rows
            for m in rows
        )
    }
    compared = findings.pairs[findings.looked].tolist()
    for i in rows:
        for j in rows:
            wanted = (i, j) in same or any(
                ((k, i) in same and (m, j) in same) or ((k, j) in same and (m, i) in same)
                for k, m in compared
            )
            one, other = np.array([i]), np.array([j])
            assert looked.has(one, other).tolist() == [wanted]
            places = np.array([kept.index(i)]), np.array([kept.index(j)])
            assert taken.has(*places).tolist() == [wanted]


def test_where_nothing_is_known_each_row_is_one_of_its_own():
    looked = LookedPairs.of(NO_FINDINGS, table([1, 1], [0, 0], digests=False))
    left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert looked.has(left, right).tolist() == [True, False, True]
    empty = LookedPairs.of(NO_FINDINGS, table([], []))
    assert empty.has(*[np.empty(0, np.int64)] * 2).size == 0
