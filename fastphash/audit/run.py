"""The whole job: hash, join within and across splits, group, summarise, report."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.audit.summary import group_summary, leak_summary, reasons, split_summary
from fastphash.base.progress import Progress, no_progress
from fastphash.defaults import MAX_PIXELS, MIN_SCORE, RADIUS, TIMEOUT
from fastphash.errors import FastphashError, UsageError
from fastphash.files import atomic, parquet
from fastphash.groups.keepers import Grouping
from fastphash.hashing.definition import Definition
from fastphash.ingest.api import hash_into
from fastphash.ingest.pool import worker_count
from fastphash.ingest.tally import Tally
from fastphash.joins.chance import expected_pairs, radius_for
from fastphash.joins.index import Index, check_radius
from fastphash.joins.options import JoinOptions
from fastphash.labels.conflicts import (
    CONFLICTS_SCHEMA,
    coco_conflicts,
    folder_conflicts,
    has_class_folders,
)
from fastphash.report.page import write_report
from fastphash.results.audit_folder import (
    CONFLICTS,
    FILES,
    GROUPS,
    HASHES,
    LEAKS,
    REJECTED,
    REPORT,
    SUMMARY,
    AuditFolder,
)
from fastphash.results.groups import candidates, group_rows, priority
from fastphash.results.leaks import find_leaks
from fastphash.results.schemas import LEAKS_SCHEMA
from fastphash.sources.base import Source
from fastphash.sources.local import check_sources
from fastphash.store.lock import locked
from fastphash.store.open import read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.schema import Layout
from fastphash.store.store import is_store, open_store
from fastphash.verify.verdicts import check_score


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Where the labels of images are.

    Attributes
    ----------
    folders : bool or None
        Whether the first folder of a path is a class; None to see whether it looks like one.
    coco : dict of str to Path
        The COCO file of each split that has one.
    """

    folders: bool | None = None
    coco: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    summary : dict
        What summary.json holds.
    tallies : dict of str to Tally
        What this run did, by split.
    """

    summary: dict[str, Any]
    tallies: dict[str, Tally]


def audit(
    out: Path,
    sources: Sequence[Source],
    *,
    definition: Definition | None = None,
    layout: Layout | None = None,
    keep_in: list[str] | None = None,
    radius: int | None = None,
    min_score: float | None = MIN_SCORE,
    grouping: Grouping = "star",
    labels: LabelSources | None = None,
    workers: int | None = None,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    keep_missing: bool = False,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Audit:
    """Find the copies in splits of images, and write what was found into a folder.

    Parameters
    ----------
    out : Path
        New, empty, or that of an earlier audit, whose hashes are used again.
    sources : sequence of Source
        One split or more.
    definition, layout
        How to hash and what to keep.
    keep_in : list of str, optional
        Splits that keep their images, first to last; by default the smallest first.
    radius : int, optional
        The largest distance of two copies, in bits. By default as far as an image has few enough
        candidates by chance (`fastphash.joins.chance`), or `RADIUS` where nobody looks at them.
    min_score : float or None
        How alike the thumbnails of near copies are at least; None to take them for copies unseen.
    grouping : {"star", "components"}
    labels : LabelSources, optional
        By which copies are compared with their keepers.
    workers, timeout, max_pixels, keep_missing
        As for `hash_into`.
    options : JoinOptions, optional
        What joins may use.

    Raises
    ------
    UsageError
        No such radius or score, splits that can't stand side by side, one named that isn't there,
        or something else in `out`.
    StoreError
        `out` can't be written, or a COCO file is none.
    FastphashError
        A split without images.
    """
    check_sources(sources)
    check_radius(radius or 0)
    check_score(min_score)
    worker_count(workers)
    keep_in = keep_in or []
    labels = labels or LabelSources()
    for option, given in (("--keep-in", keep_in), ("--coco", labels.coco)):
        for name in given:
            if name not in {source.split for source in sources}:
                raise UsageError(f"{option} names {name!r}, which is no split of this audit")
    check_output(out)
    # results are of the hashes beside them: nobody may change these meanwhile
    with locked(out / HASHES):
        tallies = hash_into(
            out / HASHES,
            sources,
            definition=definition,
            layout=layout,
            workers=workers,
            timeout=timeout,
            max_pixels=max_pixels,
            keep_missing=keep_missing,
            progress=progress,
            avoid=out,
            # results of other images must not stand beside new hashes, if this run is killed
            before_writing=lambda: _remove_results(out),
        )
        store = open_store(out / HASHES)
        names = [source.split for source in sources]
        rejected = store.rejected()
        rejected = rejected.filter(pc.is_in(rejected["split"].cast(pa.string()), pa.array(names)))
        parquet.write_table(out / REJECTED, rejected)
        _remove_results(out)
        check_images(sources, tallies)

        progress("joining", 0, 0)
        everything = read_hashes(str(out / HASHES))
        rows = everything.take(np.flatnonzero(np.isin(everything.splits, names)))
        if not store.layout.thumbnails:
            min_score = None
        expected = expected_pairs(Index(rows.phashes, rows.known))
        if radius is None:
            radius = RADIUS if min_score is None else radius_for(expected)
        near = radius, grouping, min_score, options
        ranked = candidates(rows, priority(rows, keep_in), radius, options)
        of_split = {name: ranked.where_split(name) for name in names}
        leaks = _all_leaks(of_split, radius, min_score, options)
        whole = group_rows(ranked, *near)
        groups = whole.table()
        copies = {
            name: (group_rows(own, *near) if len(names) > 1 else whole).counted(options)
            for name, own in of_split.items()
        }
        conflicts, labelled = _compare_labels(groups, rows, labels, progress)
        progress("writing", 0, 0)
        parquet.write_table(out / LEAKS, leaks)
        parquet.write_table(out / GROUPS, groups)
        summary = {
            "fastphash": version("fastphash"),
            "definition": str(store.definition),
            "thumbnails": store.layout.thumbnails,
            "store": store.digest,
            "keep_in": keep_in,
            "radius": radius,
            "min_score": min_score,
            # images that each is near by chance, as far as one can tell
            "chance": float(expected[: radius + 1].sum()),
            "grouping": grouping,
            "splits": {
                source.split: split_summary(
                    source, rows, copies[source.split], tallies[source.split]
                )
                for source in sources
            },
            "leaks": leak_summary(leaks, rows, names),
            "groups": group_summary(groups),
            "rejected": reasons(rejected),
            "labels": labelled,
            "files": FILES | ({"conflicts": CONFLICTS} if labelled else {}),
        }
        if labelled:
            parquet.write_table(out / CONFLICTS, conflicts)
        write_report(AuditFolder(out, summary, store), out / REPORT, progress=progress)
        # last: where it is, everything is
        atomic.write_json(out / SUMMARY, summary)
        return Audit(summary, tallies)


def _remove_results(out: Path) -> None:
    for name in (SUMMARY, REPORT, CONFLICTS, LEAKS, GROUPS):
        (out / name).unlink(missing_ok=True)


def check_output(out: Path) -> None:
    """Raise UsageError if a folder holds anything but an audit."""
    if not out.exists() or is_store(out / HASHES):
        return
    if not out.is_dir() or any(path.name != HASHES for path in out.iterdir()):
        raise UsageError(f"{str(out)!r} exists and is no audit: name a new folder with -o")


def check_images(sources: Sequence[Source], tallies: dict[str, Tally]) -> None:
    """Raise FastphashError for a split in which nothing could be hashed."""
    for source in sources:
        tally = tallies[source.split]
        if not tally.hashed + tally.kept + tally.missing:
            raise FastphashError(
                f"split {source.split!r} has no images: in {os.fsdecode(source.root)} "
                f"{tally.rejected} files were rejected and {tally.skipped} skipped"
            )


def _all_leaks(
    of_split: dict[str, HashTable],
    radius: int,
    min_score: float | None,
    options: JoinOptions | None,
) -> pa.Table:
    found = [
        find_leaks(needles, haystack, radius, min_score, options)
        for name, needles in of_split.items()
        for other, haystack in of_split.items()
        if name != other
    ]
    return parquet.concat(LEAKS_SCHEMA, found)


def _compare_labels(
    groups: pa.Table, rows: HashTable, labels: LabelSources, progress: Progress
) -> tuple[pa.Table, dict[str, Any]]:
    """Copies whose labels aren't their keeper's; what was compared, nothing if there are none."""
    pieces = []
    labelled: dict[str, Any] = {}
    folders = labels.folders
    if folders is None:
        folders = has_class_folders(rows)
    if folders:
        pieces.append(folder_conflicts(groups))
        labelled["folder"] = {"conflicts": pieces[-1].num_rows}
    if labels.coco:
        found = coco_conflicts(groups, rows, labels.coco, progress)
        pieces.append(found.table)
        labelled["coco"] = {
            "conflicts": found.table.num_rows,
            "files": {split: os.path.abspath(path) for split, path in labels.coco.items()},
            "unknown": {split: matched.unknown for split, matched in found.matched.items()},
            "ambiguous": {
                split: len(matched.ambiguous) for split, matched in found.matched.items()
            },
            "unlisted": {split: matched.unlisted for split, matched in found.matched.items()},
        }
    return parquet.concat(CONFLICTS_SCHEMA, pieces), labelled
