"""Tables of true pairs: which images of an audit are copies of which."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.results.audit_folder import AuditFolder
from fastphash.store.schema import exact_paths

_HEADER = "its first line is needle,haystack or needle,haystack,kind"


class Truth(NamedTuple):
    """Pairs that are copies, each once, in order.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Rows of the audit, the lower first; images without a hash are numbered behind them all.
    kinds : sequence of str
        What the table calls each pair; nothing at all if it has no such column.
    rejected : sequence of (str, bytes)
        Split and path of the images without a hash.
    """

    pairs: NDArray[np.int64]
    kinds: tuple[str, ...] = ()
    rejected: tuple[tuple[str, bytes], ...] = ()


class _Line(NamedTuple):
    """A pair as it is listed, and where."""

    where: str
    needle: str
    haystack: str
    kind: str


def read_truth(path: Path, audited: AuditFolder) -> Truth:
    """Read a table of true pairs: CSV with the columns needle and haystack, and kind if you like.

    Images are named ``SPLIT/PATH``, by the names of their files, absolute or from the working
    directory, or by their paths alone where no two splits have the same. Which of a pair stands
    first doesn't matter; a pair that is listed again counts once. Further columns are ignored.

    Raises
    ------
    UsageError
        No such file, no such columns, no pairs; or, with its line, a name that is no image of the
        audit's or could be several, or an image paired with itself.
    """
    lines = [*_read_lines(path)]
    if not lines:
        raise UsageError(f"{str(path)!r} lists no pairs")
    images = _Images(audited, {name for line in lines for name in (line.needle, line.haystack)})
    kinds: dict[tuple[int, int], str] = {}
    for line in lines:
        one, other = (images.find(name, line.where) for name in (line.needle, line.haystack))
        if one == other:
            raise UsageError(f"{line.where}: {line.haystack!r} is paired with itself")
        kinds.setdefault((min(one, other), max(one, other)), line.kind)
    pairs = sorted(kinds)
    named = tuple(kinds[pair] for pair in pairs) if any(kinds.values()) else ()
    return Truth(np.array(pairs, np.int64), named, tuple(images.rejected))


def _read_lines(path: Path) -> Iterator[_Line]:
    try:
        # names of files may be any bytes; a table of another encoding names none that is there
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
                wrong = _encoding("".join(header)) or _separator(header)
                raise UsageError(f"{str(path)!r} has no column {name!r}{wrong}: {_HEADER}")
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


def _encoding(text: str) -> str:
    escaped = any("\udc80" <= char <= "\udcff" for char in text)
    return " (the table is not UTF-8)" if escaped else ""


def _separator(header: list[str]) -> str:
    other = len(header) == 1 and any(char in header[0] for char in ";\t|")
    return " (commas separate columns)" if other else ""


class _Images:
    """Images of an audit by the names that a table has for them."""

    def __init__(self, audited: AuditFolder, names: Iterable[str]) -> None:
        roots = audited.store.roots
        self._folder = {
            split: os.path.join(os.fsencode(roots[split]), b"") for split in audited.splits
        }
        self._number: dict[tuple[str, bytes], int] = {}
        self.rejected: list[tuple[str, bytes]] = []
        paths = {path for name in names for way in self._ways(name) for _, path in way}
        wanted = pa.array(sorted(paths), pa.binary())
        rows = audited.rows
        named = np.flatnonzero(pc.is_in(rows.paths, wanted).to_numpy())
        own = rows.paths.take(pa.array(named)).to_pylist()
        for row, split, path in zip(named.tolist(), rows.splits[named], own, strict=True):
            self._number[split, path] = row
        failed = zip(
            audited.rejected["split"].to_pylist(),
            exact_paths(audited.rejected).to_pylist(),
            strict=True,
        )
        for place in failed:
            if place[1] in paths and place not in self._number:
                self._number[place] = len(rows) + len(self.rejected)
                self.rejected.append(place)

    def find(self, name: str, where: str) -> int:
        """The row of an image, or its number behind all rows if it has no hash."""
        for way in self._ways(name):
            found = [place for place in way if place in self._number]
            if len(found) > 1:
                one, other = (f"{split}/{os.fsdecode(path)}" for split, path in found[:2])
                raise UsageError(
                    f"{where}: {name!r} could be {one!r} or {other!r}: name it SPLIT/PATH"
                )
            if found:
                return self._number[found[0]]
        raise UsageError(
            f"{where}: {name!r} is no image of this audit{_encoding(name)}: images are named "
            f"SPLIT/PATH, and the splits are {', '.join(self._folder)}"
        )

    def _ways(self, name: str) -> Iterator[list[tuple[str, bytes]]]:
        """What a name may mean, one way of naming after another, as splits and paths."""
        for spelled in dict.fromkeys((name, name.removeprefix("./"))):
            exact = os.fsencode(spelled)
            first, _, rest = spelled.partition("/")
            if first in self._folder:
                yield [(first, os.fsencode(rest))]
            yield [
                (split, path)
                for split, folder in self._folder.items()
                for path in dict.fromkeys((exact, exact.removeprefix(folder)))
            ]
        absolute = os.path.abspath(os.fsencode(name))
        yield [
            (split, absolute.removeprefix(folder))
            for split, folder in self._folder.items()
            if absolute.startswith(folder)
        ]
