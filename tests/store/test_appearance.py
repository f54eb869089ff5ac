"""Thumbnails and colours that tables of some rows share with the table of all."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.hashing.definition import Definition
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.matches import Matches
from fastphash.store.appearance import Appearance
from fastphash.store.byte_columns import fixed_column
from fastphash.store.content import Content
from fastphash.store.rows import HashTable
from fastphash.verification.comparison import compare_images
from fastphash.verification.flatness import flat_rows

few = st.lists(st.integers(0, 3), min_size=1, max_size=12)


def looks(numbers):
    """Thumbnails and chroma: equal for equal numbers, of which 0 and 1 have one thumbnail."""
    numbers = np.array(numbers)
    pool = np.random.default_rng(1).integers(0, 256, (4, 1024), dtype=np.uint8)
    thumbnails = pool[np.maximum(numbers, 1)]
    chroma = np.repeat(numbers[:, None], 128, axis=1).astype(np.int8)
    return thumbnails, chroma


def table(numbers):
    thumbnails, chroma = looks(numbers)
    columns = {
        "phash": np.arange(len(numbers), dtype=np.uint64),
        "thumbnail": fixed_column(thumbnails),
        "chroma": fixed_column(chroma.view(np.uint8)),
    }
    return HashTable(pa.table(columns), Definition())


@given(few)
def test_keys_are_equal_where_thumbnails_and_chroma_are(numbers):
    thumbnails, chroma = looks(numbers)
    keys = Appearance.of(thumbnails, chroma).keys
    by_keys = find_distinct_rows(keys.values)
    by_bytes = find_distinct_rows(thumbnails, chroma)
    assert np.array_equal(by_keys.of_row, by_bytes.of_row)
    assert np.array_equal(by_keys.first, by_bytes.first)
    assert Appearance.of(None, None).keys is None


@given(few, st.data())
def test_rows_of_rows_have_the_thumbnails_of_the_table_without_a_copy(numbers, data):
    rows = table(numbers)
    whole = rows.content
    once = np.array(data.draw(st.lists(st.integers(0, len(numbers) - 1), min_size=1)))
    twice = np.array(data.draw(st.lists(st.integers(0, once.size - 1), min_size=1)))
    some = rows.take(once).take(twice)
    assert some.content.thumbnails is whole.thumbnails
    assert some.content.chroma is whole.chroma
    thumbnails, chroma = looks(np.array(numbers)[once[twice]])
    assert np.array_equal(some.thumbnails, thumbnails)
    assert np.array_equal(some.chroma, chroma)
    taken = whole.take(once).take(twice)
    assert taken.size == twice.size
    assert np.array_equal(taken.placed(taken.thumbnails), thumbnails)
    expected = find_distinct_rows(*Content(thumbnails, chroma).appearance).of_row
    for content in (some.content, taken):
        assert np.array_equal(find_distinct_rows(*content.appearance).of_row, expected)


@pytest.mark.parametrize("read_first", [False, True])
def test_rows_that_are_taken_before_anything_is_read_read_their_own(read_first):
    rows = table([0, 1, 2, 3])
    if read_first:
        assert rows.content.thumbnails is not None
    some = rows.take(np.array([3, 1]))
    assert np.array_equal(some.thumbnails, looks([3, 1])[0])


@pytest.mark.parametrize("read_first", [False, True])
def test_rows_have_thumbnails_although_another_row_of_their_table_lacks_one(read_first):
    columns = table([0, 1, 2, 3]).table
    known = np.array([True, True, False, True])
    lacking = fixed_column(looks([0, 1, 2, 3])[0], known)
    columns = columns.set_column(1, "thumbnail", lacking)
    rows = HashTable(columns, Definition())
    if read_first:
        assert not rows.has_thumbnails
    some = rows.take(np.array([3, 1]))
    assert np.array_equal(some.thumbnails, looks([3, 1])[0])
    assert np.array_equal(some.take(np.array([1])).thumbnails, looks([1])[0])


def test_shared_content_is_compared_as_its_own():
    numbers = np.array([0, 1, 2, 3, 1, 0, 2])
    rows = np.array([6, 2, 0, 4, 1, 3])
    shared = table(numbers).content.take(rows)
    own = Content(*looks(numbers[rows]))
    left, right = (side.ravel() for side in np.indices((rows.size, rows.size)))
    mask = np.full(left.size, 255, np.uint8)
    distance = (left % 2).astype(np.uint8)
    matches = Matches(left, right, distance, mask)
    for one, other in zip(
        compare_images(matches, shared, shared), compare_images(matches, own, own), strict=True
    ):
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    assert np.array_equal(flat_rows(shared), flat_rows(own))
    some = np.array([0, 5])
    assert np.array_equal(flat_rows(shared, some), flat_rows(own, some))
