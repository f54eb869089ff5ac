"""Where a table in CSV or JSON lines can't be read, by its lines."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from fastphash.base.text import count

_LONGEST = 80
_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def find_fault(path: Path, form: Literal["csv", "json"]) -> str:
    """The first line that is wrong, and how; empty if none is found.

    Parameters
    ----------
    path : Path
        A file of which pyarrow has said that it is no such table.
    form : {"csv", "json"}
        json is JSON lines.
    """
    with open(path, encoding="utf-8", errors="backslashreplace", newline="") as file:
        faults = _csv_faults(file) if form == "csv" else _json_faults(file)
        try:
            return next(faults, "")
        except csv.Error:  # cells that this module limits, and pyarrow doesn't
            return ""


def _csv_faults(file: IO[str]) -> Iterator[str]:
    rows = csv.reader(file)
    header = next(rows, None)
    if not header:
        yield "it is empty: a table begins with a line of the names of its columns"
        return
    start = rows.line_num
    for row in rows:
        if row and len(row) != len(header):
            cells, text = count(len(row), "cell"), f"{','.join(row)!r:.{_LONGEST}}"
            yield f"line {start + 1:,} has {cells} and the first one {len(header):,}: {text}"
        start = rows.line_num


def _json_faults(file: IO[str]) -> Iterator[str]:
    kinds: dict[str, str] = {}
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        value = _parsed(line)
        if not isinstance(value, dict):
            yield f"line {number:,} is no object of JSON: {line.strip()!r:.{_LONGEST}}"
            return
        for name, one in value.items():
            if one is None:
                continue
            kind = _KINDS[type(one)]
            if kinds.setdefault(name, kind) != kind:
                shown = f"{one!r:.{_LONGEST}}"
                yield f"line {number:,}: {name!r} is {kind}, and {kinds[name]} before: {shown}"
    if not kinds:
        yield "it is empty: each line of JSON lines is an object"


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
