"""Columns of hashes of 256 bits; those of 64 bits are in test_hash_files.py."""

import numpy as np
import pyarrow as pa
import pytest

from fastphash.errors import StoreError
from fastphash.store.byte_columns import hash_column, hash_values
from fastphash.store.hash_decoder import HashDecoder, quality_values, shown_value

OCTETS = [bytes(range(32)), bytes(32), b"\xff" * 32]
FORMS = {
    "bytes of one length": lambda values: pa.array(values, pa.binary(32)),
    "bytes": lambda values: pa.array(values, pa.large_binary()),
    "hex": lambda values: pa.array([value and value.hex() for value in values], pa.string()),
    "capitals": lambda values: pa.array([v and v.hex().upper() for v in values], pa.string_view()),
    "digits as bytes": lambda values: pa.array(
        [value and value.hex().encode() for value in values]
    ),
    "a view": lambda values: pa.array(values, pa.binary_view()),
    "repeated": lambda values: pa.array([v and v.hex() for v in values]).dictionary_encode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_hashes_of_256_bits_are_bytes_or_hex_digits(form):
    decoder = HashDecoder(bits=256)
    read = decoder.decode(pa.chunked_array([form([*OCTETS, None]), form(OCTETS)]))
    assert read.type == pa.binary(32)
    assert read.to_pylist() == [*OCTETS, None, *OCTETS]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["0" * 64, "0" * 63 + "g", "0" * 16, "0", "", None], [bytes(32)] + [None] * 5),
        (["", "f" * 64], [None, b"\xff" * 32]),
        # text is never 32 bytes, and digits no number
        (["0" * 32, "7", "f" * 64], [None, None, b"\xff" * 32]),
        ([b"x" * 32, b"y" * 31, b"0" * 64], [b"x" * 32, None, None]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_other_values_are_no_hashes_of_256_bits(values, read):
    assert HashDecoder(bits=256).decode(pa.chunked_array([values])).to_pylist() == read


def test_whole_numbers_have_64_bits():
    with pytest.raises(StoreError, match="it holds int64: hashes are 64 hex digits, or 32 bytes"):
        HashDecoder(bits=256).decode(pa.chunked_array([[1, 2]]))


def test_a_column_holds_the_first_bits_first():
    hashes = np.random.default_rng(1).integers(0, 2**64, (5, 4), np.uint64)
    column = pa.chunked_array([hash_column(hashes)]).slice(1, 3)
    assert column[0].as_py() == b"".join(int(word).to_bytes(8) for word in hashes[1])
    assert (hash_values(column) == hashes[1:4]).all()
    assert (hash_values(pa.chunked_array([hash_column(hashes[:, :1])])) == hashes[:, 0]).all()


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (pa.array([0, 100, 101, 2**64 - 1, None], pa.uint64()), [0, 100, None, None, None]),
        (pa.array([-1, 99, 101], pa.int8()), [None, 99, None]),
        # pandas makes these of whole numbers where some are missing
        (pa.array([50.0, 50.5, float("nan"), -1.0, 1e300, None]), [50] + [None] * 5),
        (pa.array([0.0, 100.0], pa.float16()), [0, 100]),
        (pa.array(["7", "101", "1000", "x", "", None]), [7] + [None] * 5),
        (pa.array(["7"], pa.large_string()), [7]),
        (pa.array(["7"], pa.string_view()), [7]),
        (pa.array([80, None], pa.uint8()).dictionary_encode(), [80, None]),
        (pa.array([True, None]), [None, None]),
        (pa.array([[1]]), [None]),
        (pa.nulls(1), [None]),
    ],
)
def test_qualities_are_numbers_from_0_to_100_however_they_are_written(column, read):
    values = quality_values(pa.chunked_array([column]))
    assert (values.type, values.to_pylist()) == (pa.uint8(), read)


@pytest.mark.parametrize("encode", [pa.Array.dictionary_encode, lambda text: text])
def test_text_that_is_no_unicode_is_shown_as_its_bytes(encode):
    text = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xc8" * 16], pa.binary()).buffers())
    assert shown_value(encode(text)[0]).startswith(repr(b"\xc8" * 16))
