import re

import imagehash
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fastphash.errors import UsageError
from fastphash.hashing.hexadecimal import from_hex, to_hex
from fastphash.hashing.phash import phash

uint64 = st.integers(0, 2**64 - 1)


@given(uint64)
@example(0)
@example(1)
@example(2**63)
@example(2**64 - 1)
def test_hex_goes_there_and_back(value):
    text = to_hex(np.uint64(value))
    assert text == f"{value:016x}" == to_hex(value)
    assert from_hex(text) == value
    assert from_hex(text.upper()) == value
    assert isinstance(from_hex(text), np.uint64)


@given(hnp.arrays(np.uint64, st.integers(0, 10), elements=uint64))
def test_hex_of_many_goes_there_and_back(values):
    texts = to_hex(values)
    assert texts == [f"{int(value):016x}" for value in values]
    back = from_hex(texts)
    assert back.dtype == np.uint64
    assert np.array_equal(back, values)


def test_hex_is_imagehashs(photo):
    pixels = photo(60, 60)
    assert to_hex(phash(pixels)) == str(imagehash.phash(Image.fromarray(pixels)))
    assert from_hex(str(imagehash.phash(Image.fromarray(pixels)))) == phash(pixels)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0" * 15, "0" * 17, "0x00000000000000", "g" * 16, "+" + "0" * 15, "0" * 15 + "\n",
     "0000_0000_000000", "٣" * 16],
)  # fmt: skip
def test_text_that_is_not_a_hash_is_quoted(text):
    with pytest.raises(UsageError) as caught:
        from_hex(text)
    assert repr(text) in str(caught.value)
    with pytest.raises(UsageError):
        from_hex(["0" * 16, text])


@pytest.mark.parametrize(
    "value", [-1, 2**64, 1.5, None, "12", True, np.int64(-1), [1, -1], [2**64 - 1, -1]]
)
def test_what_is_no_hash_is_refused_and_quoted(value):
    wrong = value[-1] if isinstance(value, list) else value
    with pytest.raises(UsageError, match=re.escape(repr(wrong))):
        to_hex(value)


def test_arrays_with_negative_numbers_are_refused():
    for array in (np.array([3, -1]), np.array([[-1]]), np.array([0.5])):
        with pytest.raises(UsageError, match="from 0 to"):
            to_hex(array)


def test_any_integers_are_written():
    assert to_hex([2**64 - 1, 1]) == ["f" * 16, "0" * 15 + "1"]
    assert to_hex(np.array([1, 2], np.int32)) == ["0" * 15 + "1", "0" * 15 + "2"]
    assert to_hex([]) == []


@pytest.mark.parametrize("text", [5, None, [5], b"00", [None]])
def test_what_is_no_text_is_refused_and_quoted(text):
    with pytest.raises(UsageError, match="sixteen hex digits: "):
        from_hex(text)
