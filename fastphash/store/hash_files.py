"""Tables of hashes as other programs write them: their columns, and how they write hashes."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, table_formats
from fastphash.hashing.definition import FOREIGN, HASH_COLUMNS, Definition
from fastphash.store.schema import path_columns

#: Hashes of imagededup: its PHash takes another median than ImageHash's, and greys after resizing.
IMAGEDEDUP = replace(FOREIGN, name="imagededup")
#: Columns whose names `columns` may say.
NAMED = ("path", "split", *HASH_COLUMNS)

_DIGITS, _BYTES = 16, 8
# values decoded at once
_ROWS_AT_ONCE = 1 << 20
# the value of each ASCII digit; other bytes have _NO_DIGIT
_NO_DIGIT = 16
_DIGIT_VALUES = np.full(256, _NO_DIGIT, np.uint8)
for _digit in b"0123456789abcdefABCDEF":
    _DIGIT_VALUES[_digit] = int(chr(_digit), 16)


@dataclass(slots=True)
class HashDecoder:
    """Reads one column of 64-bit hashes, in any number of pieces.

    They are whole numbers, of which negative int64 are two's complement; sixteen hex digits; or
    eight bytes, the first most significant. Text of sixteen characters is hexadecimal, other text
    decimal; binary values are eight bytes, or sixteen hex digits. The first value says which, and
    the others must be alike, so that none is misread.

    Attributes
    ----------
    is_text : bool
        Whether binary columns are text, as those of CSV are.
    """

    is_text: bool = False
    _form: Literal["", "digits", "bytes", "decimal"] = field(default="", init=False)

    def decode(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The hashes, uint64; null where a value is null, or no hash.

        Raises
        ------
        StoreError
            The column is of a type that holds no hashes.
        """
        if pa.types.is_dictionary(column.type):
            return self.decode(column.cast(column.type.value_type))
        kind = _plain_type(column.type)
        is_text = self.is_text or not _is_binary(column.type)
        pieces = [
            self._decode_piece(chunk.slice(start, _ROWS_AT_ONCE).cast(kind), is_text=is_text)
            for chunk in column.chunks
            for start in range(0, len(chunk), _ROWS_AT_ONCE)
        ]
        return pa.chunked_array(pieces, pa.uint64())

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
        if not self._form:
            # an empty cell of CSV is text without characters
            first = next(filter(None, lengths.to_pylist()), None)
            forms: dict[Any, Any] = {None: "", _DIGITS: "digits"}
            self._form = forms.get(first, "decimal" if is_text else "bytes")
        if self._form in ("", "decimal"):
            return pa.array(map(_decimal, values.to_pylist()), pa.uint64())
        width = _DIGITS if self._form == "digits" else _BYTES
        fits = pc.fill_null(pc.equal(lengths, width), fill_value=False)
        fitting = _fixed_bytes(values.filter(fits), width)
        hashes = np.zeros(len(values), np.uint64)
        known = fits.to_numpy(zero_copy_only=False)
        if width == _BYTES:
            hashes[known] = fitting.view(">u8")[:, 0]
        else:
            hashes[known], known[known] = _of_digits(fitting)
        return pa.array(hashes, mask=~known)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return kind
    if _is_binary(kind) or any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_null,
        )
    ):
        return pa.binary()
    raise StoreError(
        f"it holds {kind}: hashes are whole numbers, sixteen hex digits, or eight bytes"
    )


def _fixed_bytes(values: pa.Array, width: int) -> NDArray[np.uint8]:
    """Values of one length without nulls, uint8 (n, width)."""
    if not len(values):
        return np.empty((0, width), np.uint8)
    _, offsets, data = values.buffers()
    start = np.frombuffer(offsets, np.int32)[values.offset]
    return np.frombuffer(data, np.uint8)[start:][: len(values) * width].reshape(-1, width)


def _of_digits(digits: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Hashes of hex digits (n, 16), and which of them are some."""
    values = _DIGIT_VALUES[digits]
    octets = np.ascontiguousarray(values[:, ::2] << 4 | values[:, 1::2] & 15)
    known = np.asarray((values < _NO_DIGIT).all(axis=1), np.bool_)
    return octets.view(">u8")[:, 0].astype(np.uint64), known


def _decimal(text: bytes | None) -> int | None:
    if text is None or not text.removeprefix(b"-").isdigit() or len(text) > 20:
        return None
    number = int(text)
    return number % (1 << 64) if -(1 << 63) <= number < 1 << 64 else None


def decode_column(
    table: pa.Table,
    name: str,
    path: Path,
    *,
    optional: bool,
    decoder: HashDecoder | None = None,
    rows_before: int = 0,
) -> pa.ChunkedArray:
    """A column of hashes, or the next piece of it, uint64; StoreError with the first that is none.

    A column that is `optional` may have nulls.
    """
    hashes = decode_piece(decoder or decoder_for(path), table, name, path)
    unread = hashes.is_null()
    if optional:
        unread = pc.and_(unread, table[name].is_valid())
    wrong = np.flatnonzero(unread)
    if wrong.size:
        row = int(wrong[0])
        advice = "make the file again"
        if not optional:
            advice = "`fastphash convert` makes a store of the rows with hashes, and lists others"
        raise StoreError(
            f"{path}: column {name!r}, row {rows_before + row + 1:,}: "
            f"{shown_value(table[name][row])}: {advice}"
        )
    return hashes


def decoder_for(path: Path) -> HashDecoder:
    """A decoder for a column of a file."""
    return HashDecoder(is_text=path.suffix.lower() == ".csv")


def decode_piece(decoder: HashDecoder, table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    """Some rows of a column; StoreError, with its name, if it holds no hashes."""
    try:
        return decoder.decode(table[name])
    except StoreError as error:
        raise StoreError(f"{path}: column {name!r}: {error}") from error


def shown_value(value: pa.Scalar) -> str:
    """What is wrong with a value that is no hash."""
    data = value.as_py()
    if isinstance(data, bytes) and data.isascii():
        data = data.decode()
    if data is None:
        return "without a value"
    return f"{data!r:.80} is no hash of 64 bits, or not written as the first one of its column"


def hash_tables(path: Path, columns: Mapping[str, str]) -> Iterator[pa.Table]:
    """The columns `NAMED` of a table of hashes as they are, some rows at a time; a table at least.

    Parameters
    ----------
    path : Path
        Parquet, CSV with a header, JSON lines, or the JSON of imagededup.
    columns : mapping of str to str
        Names in the file by names in `NAMED`, where they differ.

    Raises
    ------
    StoreError
        The file can't be read, is damaged or lacks a column.
    """
    if is_document(path):
        yield _read_document(path)
        return
    theirs = find_columns(path, columns)
    ours = {name: own for own, name in theirs.items()}
    has_rows = False
    # as text: a name or a hash of digits is no number
    for table in table_formats.read_batches(path, list(ours), binary=list(ours)):
        has_rows = True
        yield table.rename_columns([ours[name] for name in table.column_names])
    if not has_rows:
        yield pa.table({name: pa.array([], pa.binary()) for name in theirs})


def find_columns(path: Path, columns: Mapping[str, str]) -> dict[str, str]:
    """Which columns of `NAMED` a table has, and their names there; errors as of `hash_tables`."""
    there = table_formats.read_column_names(path)
    for own, name in columns.items():
        if name not in there:
            raise StoreError(
                f"{path} has no column {name!r}, which `columns` names as {own}: it has "
                f"{', '.join(there):.200}"
            )
    taken = {*columns.values()}
    usual = NAMED
    if table_formats.format_of(path) == "parquet":
        usual = (*NAMED, "path_bytes")
    found = {name: name for name in usual if name in there and name not in taken}
    found |= columns
    for name in ("path", HASH_COLUMNS[0]):
        if name not in found:
            raise StoreError(
                f"{path} has no column {name!r}: a file of hashes has path and phash. Name the "
                f"columns that hold them with `columns`; it has {', '.join(there):.200}"
            )
    table_formats.check_distinct(path, [name for name in there if name in found.values()])
    return found


def is_document(path: Path) -> bool:
    """Whether a file is one JSON document, by its name."""
    return path.suffix.lower() == ".json"


def _read_document(path: Path) -> pa.Table:
    hashes = atomic.read_json(path, hook=lambda pairs: _distinct(pairs, path))
    if not isinstance(hashes, dict):
        raise StoreError(
            f"{path} is not a JSON object of names and hashes, as imagededup writes, nor a list of "
            "image_name and hash, as the paper's scripts do: `fastphash convert` reads both"
        )
    try:
        names, exact = path_columns([os.fsencode(name) for name in hashes])
        texts = pa.array([text if isinstance(text, str) else None for text in hashes.values()])
    except UnicodeEncodeError as error:
        raise StoreError(f"{path}: {error.object[:80]!r} is no text of Unicode") from error
    return pa.table({"path": names, "path_bytes": exact, "phash": texts.cast(pa.string())})


def _distinct(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """An object of JSON; StoreError if it names an image twice."""
    images = dict(pairs)
    if len(images) < len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        raise StoreError(
            f"{path}: {name!r:.80} is named {times:,} times; every image must be named once"
        )
    return images


def definition_of_file(path: Path) -> Definition:
    """What is known of hashes that nobody vouched for: which program wrote them, or nothing."""
    return IMAGEDEDUP if is_document(path) else FOREIGN


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise UsageError unless all names are those of columns that a table of hashes may have.

    Each is to have a column of its own.
    """
    owners: dict[str, str] = {}
    for name, theirs in columns.items():
        if (owner := owners.setdefault(theirs, name)) != name:
            raise UsageError(f"column {theirs!r} can't be both {owner} and {name}: name another")
        if name not in NAMED:
            raise UsageError(f"no column {name!r} in a table of hashes: use {', '.join(NAMED)}")
