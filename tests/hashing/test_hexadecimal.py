import re

import imagehash
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fastphash.errors import UsageError
from fastphash.hashing.api import phash, phash_orientations
from fastphash.hashing.hexadecimal import from_hex, to_hex

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
    with pytest.raises(UsageError, match="in 16 hex digits: "):
        from_hex(text)


# 256 bits


@given(hnp.arrays(np.uint64, st.tuples(st.integers(0, 5), st.just(4)), elements=uint64))
@example(np.array([[0, 1, 2**63, 2**64 - 1]], np.uint64))
def test_hex_of_wide_hashes_goes_there_and_back(hashes):
    texts = to_hex(hashes, bits=256)
    assert texts == ["".join(f"{int(word):016x}" for word in row) for row in hashes]
    for given_back in (texts, [text.upper() for text in texts]):
        back = from_hex(given_back, bits=256)
        assert (back.dtype, back.shape) == (np.uint64, hashes.shape)
        assert np.array_equal(back, hashes)


def test_hex_of_orientations_is_nested(photo):
    hashes = phash_orientations(photo(60, 60), bits=256)
    texts = to_hex(np.stack([hashes, hashes]), bits=256)
    assert texts[0] == texts[1] == to_hex(hashes, bits=256)
    assert np.array_equal(from_hex(texts, bits=256)[1], hashes)


@pytest.mark.parametrize("bits", [64, 256])
def test_hex_is_read_and_written_by_imagehash(bits, photo):
    pixels = photo(60, 60)
    side = {64: 8, 256: 16}[bits]
    text = to_hex(phash(pixels, bits=bits), bits=bits)
    theirs = imagehash.phash(Image.fromarray(pixels), hash_size=side)
    assert imagehash.hex_to_hash(text) == theirs
    assert np.array_equal(from_hex(str(theirs), bits=bits), phash(pixels, bits=bits))


@pytest.mark.parametrize("text", ["", "0" * 16, "0" * 63, "0" * 65, "g" * 64, " " + "0" * 63, 5])
def test_text_that_is_no_wide_hash_is_quoted(text):
    with pytest.raises(UsageError, match=f"not a 256-bit hash in 64 hex digits: {text!r}"):
        from_hex(text, bits=256)


def test_arrays_that_are_no_wide_hashes_are_refused():
    for array in (np.zeros(3, np.uint64), np.zeros((4, 8), np.uint64), 5, [1, 2]):
        with pytest.raises(UsageError, match=r"hashes of 256 bits are \(\.\.\., 4\), not \("):
            to_hex(array, bits=256)
    with pytest.raises(UsageError, match="from 0 to"):
        to_hex([[0, 0, 0, -1]], bits=256)


@pytest.mark.parametrize("bits", [0, 65, 128, "64", None])
def test_another_number_of_bits_is_refused(bits):
    for call, value in ((to_hex, 1), (from_hex, "0" * 16)):
        with pytest.raises(UsageError, match=re.escape(f"64 or 256, not {bits!r}")):
            call(value, bits=bits)
