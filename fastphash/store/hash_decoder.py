"""Reads columns of hashes, however they are written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.hashing.algorithms import PHASH, Algorithm
from fastphash.store.byte_columns import fixed_column

# how hashes are spelled, by their bits; those of 64 bits may be whole numbers, too
_WHOLE_BITS = 64
_DIGITS, _OCTETS = {64: "sixteen", 256: "64"}, {64: "eight", 256: "32"}
# values decoded at once
_ROWS_AT_ONCE = 1 << 20
# the value of each ASCII digit; other bytes have _NO_DIGIT
_NO_DIGIT = 16
_DIGIT_VALUES = np.full(256, _NO_DIGIT, np.uint8)
for _digit in b"0123456789abcdefABCDEF":
    _DIGIT_VALUES[_digit] = int(chr(_digit), 16)


@dataclass(slots=True)
class HashDecoder:
    """Reads one column of hashes, in any number of pieces.

    Those of 64 bits are whole numbers, of which negative int64 are two's complement; sixteen hex
    digits; or eight bytes, the first most significant. Text of sixteen characters is hexadecimal,
    other text decimal; binary values are eight bytes, or sixteen hex digits. Those of 256 bits are
    64 hex digits or 32 bytes. The first value says which, and the others must be alike, so that
    none is misread.

    Attributes
    ----------
    is_text : bool
        Whether binary columns are text, as those of CSV are.
    bits : int
        Of a hash.
    """

    is_text: bool = False
    bits: int = 64
    _form: Literal["", "digits", "bytes", "decimal"] = field(default="", init=False)

    def decode(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The hashes, as `hash_type` of so many bits; null where a value is null, or no hash.

        Raises
        ------
        StoreError
            The column is of a type that holds no hashes.
        """
        if pa.types.is_dictionary(column.type):
            return self.decode(column.cast(column.type.value_type))
        kind = _plain_type(column.type, self.bits)
        is_text = self.is_text or not _is_binary(column.type)
        pieces = [
            self._decode_piece(chunk.slice(start, _ROWS_AT_ONCE).cast(kind), is_text=is_text)
            for chunk in column.chunks
            for start in range(0, len(chunk), _ROWS_AT_ONCE)
        ]
        return pa.chunked_array(
            pieces, pa.uint64() if self.bits == 64 else pa.binary(self.bits // 8)
        )

    def _decode_piece(self, values: pa.Array, *, is_text: bool) -> pa.Array:
        if pa.types.is_binary(values.type):
            return self._decode_texts(values, is_text=is_text)
        if values.type == pa.int64():
            return values.cast(pa.uint64(), safe=False)
        if pa.types.is_unsigned_integer(values.type):
            return values.cast(pa.uint64())
        return pc.if_else(pc.greater_equal(values, 0), values, None).cast(pa.uint64())

    def _decode_texts(self, values: pa.Array, *, is_text: bool) -> pa.Array:
        lengths = pc.binary_length(values)
        # an empty cell of CSV is text without characters
        if not self._form and (first := next(filter(None, lengths.to_pylist()), None)):
            self._form = self._form_of(first, is_text=is_text)
        if self._form == "decimal":
            return pa.array(map(_decimal, values.to_pylist()), pa.uint64())
        width = self.bits // (8 if self._form == "bytes" else 4)
        fits = pc.fill_null(pc.equal(lengths, width), fill_value=False)
        octets = _fixed_bytes(values.filter(fits), width)
        place = np.flatnonzero(fits)
        if self._form != "bytes":
            octets, valid = _of_digits(octets)
            octets, place = octets[valid], place[valid]
        hashes = np.zeros((len(values), self.bits // 8), np.uint8)
        known = np.zeros(len(values), np.bool_)
        hashes[place], known[place] = octets, True
        if self.bits == _WHOLE_BITS:
            return pa.array(hashes.view(">u8")[:, 0].astype(np.uint64), mask=~known)
        return fixed_column(hashes, known)

    def _form_of(self, length: int, *, is_text: bool) -> Literal["digits", "bytes", "decimal"]:
        """What values are of which the first has this length."""
        if length == self.bits // 4:
            return "digits"
        if not is_text:
            return "bytes"
        return "decimal" if self.bits == _WHOLE_BITS else "digits"


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _plain_type(kind: pa.DataType, bits: int) -> pa.DataType:
    if pa.types.is_integer(kind) and bits == _WHOLE_BITS:
        return kind
    if _is_binary(kind) or _is_text(kind) or pa.types.is_null(kind):
        return pa.binary()
    whole = "whole numbers, " if bits == _WHOLE_BITS else ""
    raise StoreError(
        f"it holds {kind}: hashes are {whole}{_DIGITS[bits]} hex digits, or {_OCTETS[bits]} bytes"
    )


def _fixed_bytes(values: pa.Array, width: int) -> NDArray[np.uint8]:
    """Values of one length without nulls, uint8 (n, width)."""
    if not len(values):
        return np.empty((0, width), np.uint8)
    _, offsets, data = values.buffers()
    start = np.frombuffer(offsets, np.int32)[values.offset]
    return np.frombuffer(data, np.uint8)[start:][: len(values) * width].reshape(-1, width)


def _of_digits(digits: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Bytes (n, width / 2) of hex digits (n, width), and in which rows all are some."""
    values = _DIGIT_VALUES[digits]
    octets: NDArray[np.uint8] = values[:, ::2] << np.uint8(4) | values[:, 1::2] & np.uint8(15)
    return octets, np.asarray((values < _NO_DIGIT).all(axis=1), np.bool_)


def _decimal(text: bytes | None) -> int | None:
    if text is None or not text.removeprefix(b"-").isdigit() or len(text) > 20:
        return None
    number = int(text)
    return number % (1 << 64) if -(1 << 63) <= number < 1 << 64 else None


def decoder_for(path: Path, algorithm: Algorithm = PHASH) -> HashDecoder:
    """A decoder for a column of a file, with hashes of an algorithm."""
    return HashDecoder(path.suffix.lower() == ".csv", algorithm.bits)


def decode_piece(decoder: HashDecoder, table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    """Some rows of a column; StoreError, with its name, if it holds no hashes."""
    try:
        return decoder.decode(table[name])
    except StoreError as error:
        raise StoreError(f"{path}: column {name!r}: {error}") from error


def shown_value(value: pa.Scalar, bits: int = PHASH.bits) -> str:
    """What is wrong with a value that is no hash."""
    if isinstance(value, pa.DictionaryScalar):
        value = value.value
    # text of a damaged file may be none of Unicode
    data = (value.cast(pa.binary()) if _is_text(value.type) else value).as_py()
    if isinstance(data, bytes) and data.isascii():
        data = data.decode()
    if data is None:
        return "without a value"
    return f"{data!r:.80} is no hash of {bits} bits, or not written as the first one of its column"


def quality_values(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """A column of qualities, numbers or text, as uint8; null for what is none of 0 to 100."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return quality_values(column.cast(kind.value_type))
    if pa.types.is_floating(kind):  # of pandas, where some are missing
        values = column.cast(pa.float64())
        numbers = pc.if_else(pc.equal(values, pc.floor(values)), values, None)
    elif pa.types.is_integer(kind):
        numbers = column
    elif _is_text(kind) or _is_binary(kind):
        texts = column.cast(pa.binary())
        digits = pc.match_substring_regex(texts, "^[0-9]{1,3}$")
        numbers = pc.if_else(digits, texts, None).cast(pa.string()).cast(pa.int64())
    else:
        return pa.nulls(len(column), pa.uint8())
    least, most = (pa.scalar(end, numbers.type) for end in (0, 100))
    known = pc.and_(pc.greater_equal(numbers, least), pc.less_equal(numbers, most))
    return pc.if_else(known, numbers, None).cast(pa.uint8())
