"""What differs between two outcomes of a case, said so that the cause is near."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

_SHOWN = 3
_LONGEST = 120
_BEFORE = 20


class Entry(NamedTuple):
    """What lies at a path: what it is, who may use it, how often it is linked, what it holds."""

    kind: str
    mode: int
    links: int
    time: int | None
    content: str


@dataclass
class Outcome:
    """What a case came to.

    Attributes
    ----------
    statuses : list of str
        Exit statuses of its commands, and of the whole line.
    stdout, stderr : bytes
        Masked.
    tree : dict of str to Entry
        All files of its chapter, by path.
    unprepared : list of str
        Lines before it that failed, and what they said.
    """

    statuses: list[str]
    stdout: bytes
    stderr: bytes
    tree: dict[str, Entry]
    unprepared: list[str]


class Comparison:
    """Compares what two versions made of the same cases.

    Parameters
    ----------
    files : Path
        Where the bytes of files are, by their SHA-256.
    structure : bool
        Leave the wording out.
    """

    def __init__(self, files: Path, *, structure: bool) -> None:
        self._files = files
        self._structure = structure
        # a file that differs is told of once, not after each further case
        self._told: set[tuple[str, Entry | None, Entry | None]] = set()

    def differences(self, chapter: str, old: Outcome, new: Outcome) -> Iterator[str]:
        """What differs between two outcomes of a case, in lines."""
        for trouble in dict.fromkeys(old.unprepared + new.unprepared):
            yield f"can't be prepared: {trouble}"
        if old.statuses != new.statuses:
            yield f"exit status: old {old.statuses}, new {new.statuses}"
        texts = {"stdout": (old.stdout, new.stdout), "stderr": (old.stderr, new.stderr)}
        for name, pair in texts.items():
            before, after = map(_documents, pair) if self._structure else pair
            if before != after:
                yield from (f"{name}: {line}" for line in _text_differences(before, after))
        for name in sorted(old.tree.keys() | new.tree.keys()):
            one, other = old.tree.get(name), new.tree.get(name)
            told = (f"{chapter}/{name}", one, other)
            if one != other and told not in self._told:
                self._told.add(told)
                yield from (f"{name!a}: {line}" for line in self._of_files(name, one, other))

    def _of_files(self, name: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
        if old is None or new is None:
            yield "only new" if old is None else "only old"
            return
        for word in ("kind", "mode", "links", "time"):
            if getattr(old, word) != getattr(new, word):
                yield f"{word}: old {getattr(old, word)}, new {getattr(new, word)}"
        if old.content == new.content:
            return
        if old.kind != "file" or new.kind != "file":
            yield _both(old.content, new.content)
            return
        before, after = (self._files / entry.content for entry in (old, new))
        kind = Path(name).suffix
        if self._structure and kind in (".html", ".svg"):
            yield from _text_differences(_skeleton(before), _skeleton(after))
        elif kind == ".parquet":
            yield from _table_differences(before, after)
        elif kind == ".json":
            yield from _json_differences(before, after)
        else:
            yield from _text_differences(before.read_bytes(), after.read_bytes())


def _documents(text: bytes) -> bytes:
    """A text if it is JSON, several documents maybe, or else nothing."""
    left = text.decode("utf-8", "surrogateescape").strip()
    while left:
        try:
            _, end = json.JSONDecoder().raw_decode(left)
        except ValueError:
            return b""
        left = left[end:].lstrip()
    return text


def _skeleton(path: Path) -> bytes:
    """The tags of a page with their attributes, a line each, without what is read by people."""
    lines: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            told = {"aria-label", "title", "alt", "placeholder", "content"}
            kept = [f"{name}={value}" for name, value in attributes if name not in told]
            lines.append(" ".join([tag, *kept]))

    Reader().feed(path.read_text("utf-8", "surrogateescape"))
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _text_differences(old: bytes, new: bytes) -> Iterator[str]:
    """The first line that differs."""
    pairs = itertools.zip_longest(old.split(b"\n"), new.split(b"\n"))
    for number, (before, after) in enumerate(pairs, 1):
        if before != after:
            yield f"line {number}: {_both(before, after)}"
            return


def _table_differences(old: Path, new: Path) -> Iterator[str]:
    """Which columns of two Parquet files differ, and in which rows; at least that they do."""
    try:
        before, after = (pq.read_table(pa.BufferReader(p.read_bytes())) for p in (old, new))
    except pa.ArrowException as error:
        yield f"differs, and is no Parquet: {error}"
        return
    found = False
    if before.schema.metadata != after.schema.metadata:
        found = True
        yield f"metadata: {_both(before.schema.metadata, after.schema.metadata)}"
    if before.schema != after.schema or before.num_rows != after.num_rows:
        for word, table in (("old", before), ("new", after)):
            columns = [f"{field.name} {field.type}" for field in table.schema]
            yield f"{word} {table.num_rows} rows of {', '.join(columns)}"
        return
    for name in before.column_names:
        if not before[name].equals(after[name]):
            found = True
            values = [column[name].to_pylist() for column in (before, after)]
            rows = [i for i, (one, other) in enumerate(zip(*values, strict=True)) if one != other]
            some = [f"row {i}: {_both(values[0][i], values[1][i])}" for i in rows[:_SHOWN]]
            yield f"column {name} differs in {len(rows)} rows; {'; '.join(some)}"
    if not found:
        yield "the same rows, otherwise written"


def _json_differences(old: Path, new: Path) -> Iterator[str]:
    """Which keys of two JSON files differ; at least that they do."""
    try:
        before, after = (json.loads(path.read_bytes()) for path in (old, new))
    except ValueError:
        yield from _text_differences(old.read_bytes(), new.read_bytes())
        return
    found = list(itertools.islice(_value_differences("", before, after), _SHOWN))
    yield from found or ["the same values, otherwise written"]


def _value_differences(where: str, old: Any, new: Any) -> Iterator[str]:
    keys: dict[Any, None] = {}
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        keys = dict.fromkeys(range(len(old)))
    elif old != new:
        yield f"{where or 'all'}: {_both(old, new)}"
    for key in keys:
        values = (_get(old, key), _get(new, key))
        yield from _value_differences(f"{where}[{key!r}]", *values)


def _get(values: Any, key: Any) -> Any:
    return values[key] if isinstance(values, list) else values.get(key, "nothing")


def _both(old: Any, new: Any) -> str:
    """Two values that differ, from shortly before they do."""
    texts = [ascii(value) for value in (old, new)]
    unequal = (i for i, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1])
    first = next(unequal, 0)
    begin = first - _BEFORE if first > _LONGEST - _BEFORE else 0
    shown = [f"{'...' * bool(begin)}{text[begin:][:_LONGEST]}" for text in texts]
    return f"old {shown[0]}, new {shown[1]}"
