"""Lines of PDQ hashes, as ThreatExchange's ``pdq-photo-hasher`` prints and its tools read them."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.errors import StoreError, UsageError
from fastphash.files.atomic import replacing
from fastphash.files.parquet import reading
from fastphash.hashing.algorithms import PDQ
from fastphash.store.hash_decoder import quality_values
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths, path_columns

#: The ending of a file of lines of PDQ.
LINES_ENDING = ".txt"
# the orientations that ``pdqdih-across`` prints, in its order
_ACROSS = (0, 1, 2, 3, 5, 4, 6, 7)
_HASH = "[0-9a-fA-F]{64}"
_QUALITY = f"(?P<{PDQ.quality_column}>100|[0-9]{{1,2}})"
_NAME = "(?P<path>.+)"
_UPRIGHT = f"(?P<{PDQ.name}>{_HASH})"
_OTHER_VALUES = "(?:[a-z0-9]+=[^,]*,)*?"
# the first that fits the first line is that of all lines
_FORMS = (
    "".join(f"(?P<{PDQ.columns[t]}>{_HASH})," for t in _ACROSS) + f"{_QUALITY},{_NAME}",
    f"{_UPRIGHT},{_QUALITY},{_NAME}",
    f"{_UPRIGHT},{_NAME}",
    f"hash={_UPRIGHT},{_OTHER_VALUES}quality={_QUALITY},{_OTHER_VALUES}filename={_NAME}",
)
# bytes of a first line that are looked at, and of lines that are read at once
_LONGEST, _AT_ONCE = 1 << 14, 1 << 24
# rows that are written at once
_ROWS_AT_ONCE = 1 << 16


def has_pdq_lines(path: Path) -> bool:
    """Whether a file is to hold lines of PDQ: by its ending, or else by its first line."""
    if path.suffix.lower() == LINES_ENDING:
        return True
    with reading(path) as file:
        return _form_of(file.readline(_LONGEST).rstrip(b"\r\n")) is not None


def read_pdq_lines(path: Path) -> Iterator[pa.Table]:
    """The lines of a file as tables, some at a time.

    The columns are path and path_bytes, hashes as 64 hex digits (binary), of all orientations if
    each line has them, and the quality (uint8) if the lines have one. A line that isn't written as
    the first one is null in all of them; blank lines are left out.

    Raises
    ------
    StoreError
        The file can't be read or is empty, its first line is none of a PDQ hash, or two lines after
        one another have the same name, as the orientations that ``pdqdih`` prints.
    """
    with reading(path) as file:
        form, before, last = None, 0, pa.array([], pa.binary())
        while lines := file.readlines(_AT_ONCE):
            texts = pa.array([line.rstrip(b"\r\n") for line in lines], pa.binary())
            form = form or _form_of(lines[0].rstrip(b"\r\n"))
            if form is None:
                raise StoreError(
                    f"{path}: line 1, {lines[0].strip()!r:.80}, is no line of PDQ: 64 hex digits, "
                    "the quality and the name, with commas between them"
                )
            fields = pc.extract_regex(texts, f"^{form}$")
            names = pc.struct_field(fields, "path")
            _check_distinct(path, pa.concat_arrays([last, names]), before - len(last))
            last, before = names[-1:], before + len(lines)
            yield _as_table(fields).filter(pc.not_equal(texts, b""))
        if not before:
            raise StoreError(f"{path}: it is empty, and has no line of PDQ")


def write_pdq_lines(
    rows: HashTable, out: Path, *, augmented: bool = False, overwrite: bool = True
) -> int:
    """Write a line for each row: its hash, or augmented all eight; the quality, if known; the name.

    Returns
    -------
    int
        Lines written.

    Raises
    ------
    UsageError
        The rows have no PDQ, or, augmented, not all of its orientations or qualities; a name has a
        line break. Or, without `overwrite`, `out` exists in the end.
    """
    if rows.algorithm != PDQ:
        raise UsageError(
            f"lines hold {PDQ.name} hashes, and these are {rows.algorithm.name}: choose {PDQ.name} "
            "with `hash`, if there is any"
        )
    there = rows.table.column_names
    has_quality = PDQ.quality_column in there and not rows.table[PDQ.quality_column].null_count
    if augmented and (len(rows.known) < len(_ACROSS) or not has_quality):
        raise UsageError("these rows have no hashes of rotated and mirrored images, or no quality")
    columns = [PDQ.columns[t] for t in (_ACROSS if augmented else (0,))]
    columns += [f"{PDQ.quality_column}"] if has_quality else []
    with replacing(out, overwrite=overwrite) as temporary, open(temporary, "wb") as file:
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows.table.slice(start, _ROWS_AT_ONCE)
            fields = [map(_field, some[name].to_pylist()) for name in columns]
            file.writelines(map(_line, *fields, exact_paths(some).to_pylist()))
    return len(rows)


def _field(value: bytes | int) -> bytes:
    return value.hex().encode() if isinstance(value, bytes) else b"%d" % value


def _line(*fields: bytes) -> bytes:
    name = fields[-1]
    if b"\n" in name or b"\r" in name:
        raise UsageError(
            f"{name!r:.80} has a line break, which a line can't hold: rename the image"
        )
    return b",".join(fields) + b"\n"


def _form_of(line: bytes) -> str | None:
    text = line.decode("latin-1")  # any bytes
    return next((form for form in _FORMS if re.fullmatch(form, text)), None)


def _check_distinct(path: Path, names: pa.Array, before: int) -> None:
    """Raise StoreError if a name is that of the line before; there are `before` lines above."""
    again = np.flatnonzero(pc.equal(names[1:], names[:-1]).fill_null(fill_value=False))
    if again.size:
        place = int(again[0]) + 1
        raise StoreError(
            f"{path}: line {before + place + 1:,} names {names[place].as_py()!r:.80} again: have "
            "pdq-photo-hasher print orientations on one line, by pdqdih-across"
        )


def _as_table(fields: pa.StructArray) -> pa.Table:
    columns = {field.name: pc.struct_field(fields, field.name) for field in fields.type}
    if PDQ.quality_column in columns:
        columns[PDQ.quality_column] = quality_values(columns[PDQ.quality_column])
    names = columns.pop("path")
    path, path_bytes = path_columns([name or b"" for name in names.to_pylist()])
    known = names.is_valid()
    return pa.table({"path": pc.if_else(known, path, None), "path_bytes": path_bytes, **columns})
