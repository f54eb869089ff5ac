"""Pairs of images as one file of HTML, for people to look at."""

from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.base.progress import Progress, no_progress
from fastphash.base.versions import version_of
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.files import atomic
from fastphash.report.groups import Group, ImageName, Member
from fastphash.report.page import AT_ONCE
from fastphash.report.pictures import draw
from fastphash.report.templates import template
from fastphash.results.audit_folder import AuditFolder
from fastphash.store.schema import exact_paths


class _Pair(NamedTuple):
    """Two images; the second has the relation, and is turned into the frame of the first."""

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
        Replaced if it exists.
    title, text : str
        What the pairs are.
    progress : Progress
        Told how many pictures have been drawn.
    """
    others = pairs.select(["other_path", "other_path_bytes"]).rename_columns(["path", "path_bytes"])
    rows = zip(
        pairs.to_pylist(),
        exact_paths(pairs).to_pylist(),
        exact_paths(others).to_pylist(),
        strict=True,
    )
    shown = [_pair(*row) for row in rows]
    groups = [Group(number, 2, [], [], list(pair)) for number, pair in enumerate(shown)]
    page = template("pairs.html").render(
        title=title,
        text=text,
        shown=shown,
        pictures=draw(audited, groups, progress),
        pairs_at_once=AT_ONCE // 2,
        made_by=version_of("fastphash"),
    )
    with atomic.replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _pair(row: dict[str, Any], path: bytes, other_path: bytes) -> _Pair:
    first = ImageName(row["other_split"], other_path)
    second = ImageName(row["split"], path)
    orientation = ORIENTATIONS.index(row["orientation"])
    return _Pair(
        Member(first, None, None, 0, None, None),
        Member(second, row["kind"], row["distance"], orientation, row["score"], row["colour"]),
    )
