"""Tables of true pairs: which images of an audit are copies of which."""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.paths import with_slashes
from fastphash.errors import UsageError
from fastphash.files.table_formats import check_distinct
from fastphash.results.audit_folder import AuditFolder
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths

_HEADER = "its first line is needle,haystack or needle,haystack,kind"
# the kind of pairs that are no copies, in any case
_NOT_COPIES = re.compile(r"not[\s_-]+copies", re.IGNORECASE)


class Truth(NamedTuple):
    """Pairs that are copies, and pairs that are not, each once, in order.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Copies: rows of the audit, the lower first. Images without a hash have the numbers after all
        rows.
    kinds : sequence of str
        What the table calls each pair; empty if it has no such column.
    rejected : sequence of (str, bytes)
        Split and path of the images without a hash.
    not_copies : int64 (m, 2)
        Pairs that are listed as no copies, as `pairs`.
    """

    pairs: NDArray[np.int64]
    kinds: tuple[str, ...] = ()
    rejected: tuple[tuple[str, bytes], ...] = ()
    not_copies: NDArray[np.int64] = np.empty((0, 2), np.int64)


class _Line(NamedTuple):
    """One line of the table; `where` names it in messages."""

    where: str
    needle: str
    haystack: str
    kind: str


def read_truth(path: Path, audited: AuditFolder) -> Truth:
    """Read a table of true pairs: CSV with the columns needle and haystack, and optionally kind.

    An image is named ``SPLIT/PATH``; by the name of its file, absolute or from the working
    directory; or by its path alone, if no other split has the same path. The order of the two
    images doesn't matter, a pair that is listed twice counts once, and other columns are ignored.
    A pair of the kind ``not copies`` is none of copies, in any case, and also with a hyphen or an
    underscore between the words.

    Raises
    ------
    UsageError
        No such file, no such columns or no pairs. Or, with the line: a name that is no image of
        the audit or could be several images, an image paired with itself, or a pair that is listed
        both as copies and as none, or as none although its files have the same bytes.
    """
    lines = [*_read_lines(path)]
    if not lines:
        raise UsageError(f"{str(path)!r} lists no pairs")
    images = _Images(audited, {name for line in lines for name in (line.needle, line.haystack)})
    kinds: dict[tuple[int, int], str] = {}
    apart: set[tuple[int, int]] = set()
    for line in lines:
        needle = images.find(line.needle, line.where)
        haystack = images.find(line.haystack, line.where)
        if needle == haystack:
            raise UsageError(f"{line.where}: {line.haystack!r} is paired with itself")
        pair = min(needle, haystack), max(needle, haystack)
        if _NOT_COPIES.fullmatch(line.kind):
            apart.add(pair)
            if _same_bytes(audited.rows, *pair):
                raise UsageError(
                    f"{line.where}: {line.needle!r} and {line.haystack!r} are listed as not "
                    "copies, but the two files have the same bytes"
                )
        else:
            kinds.setdefault(pair, line.kind)
        if pair in apart and pair in kinds:
            raise UsageError(
                f"{line.where}: {line.needle!r} and {line.haystack!r} are listed both as copies "
                "and as not copies"
            )
    pairs = sorted(kinds)
    kind_of_pair = tuple(kinds[pair] for pair in pairs) if any(kinds.values()) else ()
    return Truth(_as_array(pairs), kind_of_pair, tuple(images.rejected), _as_array(sorted(apart)))


def _same_bytes(rows: HashTable, left: int, right: int) -> bool:
    """Whether two images, by their numbers, are known to have the same bytes."""
    if rows.digests is None or right >= len(rows):
        return False
    return bool((rows.digests[left] == rows.digests[right]).all())


def _as_array(pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(pairs, np.int64).reshape(-1, 2)


def _read_lines(path: Path) -> Iterator[_Line]:
    try:
        # names of files may be any bytes
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"can't read {str(path)!r}: {error.strerror}") from error
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header:
            raise UsageError(f"{str(path)!r} is empty: {_HEADER}")
        for name in ("needle", "haystack"):
            if name not in header:
                hint = _encoding_hint("".join(header)) or _separator_hint(header)
                raise UsageError(f"{str(path)!r} has no column {name!r}{hint}: {_HEADER}")
        check_distinct(path, [name for name in header if name in {"needle", "haystack", "kind"}])
        for values in reader:
            where = f"line {reader.line_num} of {str(path)!r}"
            row = dict(zip(header, values, strict=False))
            if not row:
                continue
            for name in ("needle", "haystack"):
                if not row.get(name):
                    raise UsageError(f"{where} has no {name}: {','.join(values)!r}")
            yield _Line(where, row["needle"], row["haystack"], row.get("kind", "").strip())
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num} of {str(path)!r}: {error}") from error


def _encoding_hint(text: str) -> str:
    escaped = any("\udc80" <= char <= "\udcff" for char in text)
    return " (the table is not UTF-8)" if escaped else ""


def _separator_hint(header: list[str]) -> str:
    wrong = len(header) == 1 and any(char in header[0] for char in ";\t|")
    return " (commas separate columns)" if wrong else ""


class _Images:
    """The images of an audit, found by the names in a table.

    Parameters
    ----------
    audited : AuditFolder
    names : iterable of str
        All names that will be asked for.
    """

    def __init__(self, audited: AuditFolder, names: Iterable[str]) -> None:
        roots = audited.store.roots
        self._folder = {
            split: with_slashes(os.path.join(os.fsencode(roots[split]), b""))
            for split in audited.splits
        }
        self._number: dict[tuple[str, bytes], int] = {}
        self.rejected: list[tuple[str, bytes]] = []
        candidates = [
            image for name in names for images in self._readings(name) for image in images
        ]
        paths = {path for _, path in candidates}
        self._add_hashed(audited.rows, paths)
        self._add_rejected(audited, paths)

    def _add_hashed(self, rows: HashTable, paths: set[bytes]) -> None:
        """Number the hashed images with one of these paths, in any split, by row."""
        chosen = np.flatnonzero(
            pc.is_in(rows.paths, pa.array(sorted(paths), pa.binary())).to_numpy()
        )
        names = rows.paths.take(pa.array(chosen)).to_pylist()
        for row, split, path in zip(chosen.tolist(), rows.splits[chosen], names, strict=True):
            self._number[split, path] = row

    def _add_rejected(self, audited: AuditFolder, paths: set[bytes]) -> None:
        """Number the rejected images with one of these paths after all rows."""
        splits = audited.rejected["split"].to_pylist()
        for image in zip(splits, exact_paths(audited.rejected).to_pylist(), strict=True):
            if image[1] in paths and image not in self._number:
                self._number[image] = len(audited.rows) + len(self.rejected)
                self.rejected.append(image)

    def find(self, name: str, where: str) -> int:
        """The row of an image, or its number after all rows if it has no hash."""
        for reading in self._readings(name):
            images = [image for image in reading if image in self._number]
            if len(images) > 1:
                first, second = (f"{split}/{os.fsdecode(path)}" for split, path in images[:2])
                raise UsageError(
                    f"{where}: {name!r} could be {first!r} or {second!r}: name it SPLIT/PATH"
                )
            if images:
                return self._number[images[0]]
        raise UsageError(
            f"{where}: {name!r} is no image of this audit{_encoding_hint(name)}: images are named "
            f"SPLIT/PATH, and the splits are {', '.join(self._folder)}"
        )

    def _readings(self, name: str) -> Iterator[list[tuple[str, bytes]]]:
        """What a name may mean, as split and path; the first reading that fits counts."""
        name = with_slashes(name)
        for spelling in dict.fromkeys((name, name.removeprefix("./"))):
            exact = os.fsencode(spelling)
            first, _, rest = spelling.partition("/")
            if first in self._folder:
                yield [(first, os.fsencode(rest))]
            yield [
                (split, path)
                for split, folder in self._folder.items()
                for path in dict.fromkeys((exact, exact.removeprefix(folder)))
            ]
        absolute = with_slashes(os.path.abspath(os.fsencode(name)))
        yield [
            (split, absolute.removeprefix(folder))
            for split, folder in self._folder.items()
            if absolute.startswith(folder)
        ]
