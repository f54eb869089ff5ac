"""Pairs of images as one file of HTML, to be looked at."""

from pathlib import Path

import pyarrow as pa

from fastphash import tables
from fastphash.audited import Audited
from fastphash.ingest import Progress, no_progress
from fastphash.report.chosen import Group, Member, Place
from fastphash.report.page import template
from fastphash.report.pictures import draw
from fastphash.words import ORIENTATIONS


def write_pairs(
    audited: Audited,
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
    audited : Audited
    pairs : pyarrow.Table
        Of `evaluate.JUDGED_SCHEMA`; orientations turn the first image into the other's frame.
    target : Path
        Replaced if it is there.
    title, text : str
        What the pairs are.
    progress : Progress
        Told of the pictures drawn.
    """
    shown = [_pair(number, row) for number, row in enumerate(pairs.to_pylist())]
    page = template("pairs.html").render(
        title=title,
        text=text,
        shown=shown,
        pictures=draw(audited, shown, progress),
        first_is="first image",
    )
    with tables.replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _pair(number: int, row: dict[str, object]) -> Group:
    """A pair as a group of two: the other image, and the one that is turned into its frame."""

    def place(side: str) -> Place:
        exact = row[f"{side}path_bytes"]
        return Place(
            str(row[f"{side}split"]),
            exact if isinstance(exact, bytes) else str(row[f"{side}path"]).encode(),
        )

    kind, distance, score = str(row["kind"]), row["distance"], row["score"]
    members = [
        Member(place("other_"), None, None, 0, None),
        Member(
            place(""),
            kind,
            int(str(distance)),
            ORIENTATIONS.index(str(row["orientation"])),
            score if isinstance(score, float) else None,
        ),
    ]
    return Group(number, 2, [], [(kind, int(str(distance)))], members)
