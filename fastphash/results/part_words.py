"""Windows and places of findings, as tables hold them, in words."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.results.schemas import PARTS


def parts_in_words(window: str | None, window_of: str | None, place: str | None) -> str:
    """Which part one image shows of the other, and where the two differ; empty if nothing is known.

    The arguments are those of columns of groups.parquet.

    >>> parts_in_words("0.1,0,0.9,1", "keeper", None)
    "shows 10-90 % of the keeper's width and 0-100 % of its height"
    >>> parts_in_words(None, None, "0.25,0.8,0.5,0.9")
    "differs at 25-50 % of the keeper's width and 80-90 % of its height"
    """
    words = []
    if window:
        verb = "shows" if window_of == "keeper" else "the keeper shows"
        words.append(f"{verb} {_box(window, window_of or 'copy')}")
    if place:
        words.append(f"differs at {_box(place, 'keeper')}")
    return "; ".join(words)


def part_words(groups: pa.Table) -> dict[int, str]:
    """`parts_in_words` of the rows of a table that has `PARTS`: those that have any, by number.

    Tables of earlier versions have no such columns.
    """
    names = [name for name, _ in PARTS]
    if not {*names} <= {*groups.column_names}:
        return {}
    known = pc.or_(groups["window"].is_valid(), groups["place"].is_valid())
    rows = np.flatnonzero(known.to_numpy())
    found = groups.select(names).take(pa.array(rows)).to_pylist()
    return {row: parts_in_words(**parts) for row, parts in zip(rows.tolist(), found, strict=True)}


def _box(text: str, whose: str) -> str:
    left, top, right, bottom = (f"{float(side) * 100:.0f}" for side in text.split(","))
    return f"{left}-{right} % of the {whose}'s width and {top}-{bottom} % of its height"
