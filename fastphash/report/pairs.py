"""Pairs of images as one file of HTML, to be looked at."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.files import atomic
from fastphash.report.groups import Group, Member, Place
from fastphash.report.page import AT_ONCE, template
from fastphash.report.pictures import draw
from fastphash.results.audit_folder import AuditFolder
from fastphash.store.schema import exact_paths


class _Pair(NamedTuple):
    """Two images; the second has their relation, and is turned into the frame of the first."""

    first: Member
    second: Member


def write_pairs(
    audited: AuditFolder,
    pairs: pa.Table,
    target: Path,
    *,
    title: str,
    text: str,
    progress: Progress = no_progress,
) -> None:
    """Write pairs of an audit's images, side by side in one frame, as one HTML file.

    Parameters
    ----------
    audited : AuditFolder
    pairs : pyarrow.Table
        Of `evaluate.JUDGED_SCHEMA`; orientations turn an image into the other's frame.
    target : Path
        Replaced if it is there.
    title, text : str
        What the pairs are.
    progress : Progress
        Told of the pictures drawn.
    """
    others = pairs.select(["other_path", "other_path_bytes"]).rename_columns(["path", "path_bytes"])
    sides = zip(
        pairs.to_pylist(),
        exact_paths(pairs).to_pylist(),
        exact_paths(others).to_pylist(),
        strict=True,
    )
    shown = [_pair(*side) for side in sides]
    groups = [Group(number, 2, [], [], list(pair)) for number, pair in enumerate(shown)]
    page = template("pairs.html").render(
        title=title,
        text=text,
        shown=shown,
        pictures=draw(audited, groups, progress),
        at_once=AT_ONCE // 2,
        made_by=version("fastphash"),
    )
    with atomic.replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _pair(row: dict[str, Any], path: bytes, other: bytes) -> _Pair:
    orientation = ORIENTATIONS.index(row["orientation"])
    relation = row["kind"], row["distance"], orientation, row["score"], row["colour"]
    first = Member(Place(row["other_split"], other), None, None, 0, None, None)
    return _Pair(first, Member(Place(row["split"], path), *relation))
