"""The whole job: hash, join within and across splits, group, compare labels, report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.audits.checks import (
    check_hashes_made,
    check_images,
    check_output,
    check_splits_named,
)
from fastphash.audits.copies import FoundCopies, SearchedRows, search_splits
from fastphash.audits.disk import using_disk
from fastphash.audits.doubts import settle, start_looker
from fastphash.audits.engine import THIS_MACHINE, Engine
from fastphash.audits.findings import find_findings, views_compared
from fastphash.audits.hash_proposals import propose_by_hashes
from fastphash.audits.labels import (
    CheckedLabels,
    LabelComparison,
    check_labels,
    compare_labels,
    leave_out_masks,
    mask_folder_summary,
    open_labels,
    sidecar_summary,
)
from fastphash.audits.low_quality import leave_out_poor
from fastphash.audits.memory import with_enough_memory
from fastphash.audits.options import AuditOptions
from fastphash.audits.paired import choose_rows, read_images
from fastphash.audits.proposals import check_proposals, propose
from fastphash.audits.radius import ChosenRadius
from fastphash.audits.result_files import remove_results, write_tables
from fastphash.audits.summary import (
    count_reasons,
    group_summary,
    leak_summary,
    split_summary,
)
from fastphash.audits.threshold import calibrate_score
from fastphash.base.progress import Progress, no_progress
from fastphash.base.system import give_back_freed_arrays
from fastphash.base.versions import version_of
from fastphash.files import atomic
from fastphash.files.digest import hex_digest_of
from fastphash.files.table_formats import write_table
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.tally import Tally
from fastphash.joins.index import check_radius
from fastphash.labels.levels import with_levels
from fastphash.report.page import write_report
from fastphash.results.audit_folder import (
    FINDINGS,
    GROUPS,
    HASHES,
    LEAKS,
    REJECTED,
    REJECTED_CSV,
    REPORT,
    SUMMARY,
    AuditFolder,
    sign,
)
from fastphash.results.decisions import decisions_digest, read_steps, resolve
from fastphash.results.finding_table import findings_table
from fastphash.results.priority import keep_in_first, order_splits
from fastphash.results.verdict import judge
from fastphash.sources.protocol import Source
from fastphash.sources.splits import check_sources
from fastphash.store.cleanup import removed_if_unused
from fastphash.store.lock import locked
from fastphash.store.rows import HashTable
from fastphash.store.schema import with_visible_names
from fastphash.store.store import Store, open_store
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.findings import Findings


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    folder : AuditFolder
        The results as they were written.
    tallies : dict of str to Tally
        What this run hashed, kept and rejected, by split.
    rejected : pyarrow.Table
        Inputs without a hash: `REJECTED_SCHEMA`.
    """

    folder: AuditFolder
    tallies: dict[str, Tally]
    rejected: pa.Table

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return self.folder.summary


def audit(
    out: Path,
    sources: Sequence[Source],
    options: AuditOptions | None = None,
    ingest: IngestOptions | None = None,
    *,
    progress: Progress = no_progress,
    engine: Engine = THIS_MACHINE,
) -> Audit:
    """Find the copies in splits of images, and write the results into a folder.

    Parameters
    ----------
    out : Path
        A new or empty folder, or that of an earlier audit: its hashes are used again.
    sources : sequence of Source
        One split or more.
    options : AuditOptions, optional
    ingest : IngestOptions, optional
        How to hash and what to keep.
    engine : Engine, optional
        What hashes, and finds the rows that are near others.

    Raises
    ------
    UsageError
        Splits clash, an option names a missing split, `out` holds something other than an audit,
        or no proposals can be read.
    StoreError
        `out` can't be written, or a COCO file is none: it can't be read, is no JSON, or has no
        images; or a table of labels is none. That is said before anything is hashed.
    FastphashError
        A split has no images.
    """
    options, ingest = options or AuditOptions(), ingest or IngestOptions()
    _check(out, sources, options, ingest)
    checked = check_labels(options.labels, progress)
    # the results describe the hashes beside them: until both are written, nobody else may change
    # the hashes
    with (
        removed_if_unused(out / HASHES, out / REJECTED, out / REJECTED_CSV),
        locked(out / HASHES),
        using_disk(out, options) as options,
    ):
        hashed = _hash(out, sources, ingest, progress, engine)
        summary, tables = _search(out, sources, options, hashed, checked, progress, engine)
        summary["files"] = write_tables(out, tables, options.table_form)
        summary["findings"] = hex_digest_of(out / FINDINGS) if FINDINGS in tables else ""
        sign(summary, out, [*tables, REJECTED])
        folder = AuditFolder(out, summary, hashed.store)
        _write_pages(folder, progress)
        return Audit(folder, hashed.tallies, hashed.rejected)


def _check(
    out: Path, sources: Sequence[Source], options: AuditOptions, ingest: IngestOptions
) -> None:
    """Refuse what can't be audited, before anything is hashed."""
    check_sources(sources)
    if options.radius is not None:
        check_radius(options.radius, ingest.definition.bits)
    check_splits_named(sources, options)
    check_output(out)
    # a damaged log shows before hashing
    read_steps(out)
    if options.proposals is not None:
        check_proposals(options.proposals, out)
    check_hashes_made(out / HASHES, ingest, options.proposing)


def _leave_out(rows: HashTable, options: AuditOptions) -> tuple[HashTable, dict[str, Any]]:
    """The rows that are compared, and for the summary what isn't: masks, and poor hashes."""
    compared, masks = leave_out_masks(rows, compare_masks=options.compare_masks)
    compared, low_quality = leave_out_poor(compared, options.min_quality)
    return compared, {"masks": masks, "low_quality": low_quality}


def _search(
    out: Path,
    sources: Sequence[Source],
    options: AuditOptions,
    hashed: "_Hashed",
    checked: CheckedLabels,
    progress: Progress,
    engine: Engine,
) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Find the copies among all hashes: the summary, and the tables by their names."""
    progress("joining", 0, 0)
    splits = [source.split for source in sources]
    images = read_images(out, splits, hashed.algorithm, options, engine)
    opened = open_labels(images.rows, sources, options.labels, checked, progress)
    rows = with_levels(images.rows, opened)
    named, left_out = _leave_out(rows, options)
    options = with_enough_memory(options, len(named))
    decided_by, decided = decisions_digest(out), resolve(read_steps(out), named)
    compared, chosen, decided, near = choose_rows(images, named, decided, options, engine, progress)
    criteria, calibration = calibrate_score(compared, chosen.criteria, chosen.chance, options)
    # masks count as images here, whether they are compared or not
    split_order = order_splits(rows)
    first = keep_in_first(split_order, options.keep_in)
    searched = SearchedRows.of(compared, criteria, decided, first, near)

    def search(findings: Findings, unreadable: Findings) -> FoundCopies:
        return search_splits(searched, splits, criteria, options, decided, findings, unreadable)

    with start_looker(compared, sources, criteria, options, progress) as looker:
        windows = find_findings(compared, chosen.criteria, options, progress)
        give_back_freed_arrays()
        proposing = propose_by_hashes(compared, criteria, options, progress)
        windows = proposing.beside(windows)
        proposed, proposals = propose(options.proposals, compared, criteria, progress)
        settled = settle(looker, criteria, search, windows, proposed)
    copies, findings = settled.copies, settled.findings
    looked = copies.looked_at(findings)
    groups = copies.grouped.table(looked)
    labels = compare_labels(groups, named, options.labels, opened, checked, progress)
    progress("writing", 0, 0)
    summary: dict[str, Any] = {
        **_describe_run(hashed.store, rows, criteria, chosen, options),
        "calibration": calibration,
        "looks": settled.summary(),
        "proposals": proposals,
        "proposing": proposing.counts,
        "split_order": split_order,
        "decisions": {"used": decided.used, "stale": decided.stale, "digest": decided_by},
        **left_out,
        **_describe_results(sources, rows, hashed, copies, labels, progress),
        "staying": copies.count_staying(findings, looked),
        "groups": group_summary(groups),
    }
    summary["verdict"] = asdict(judge(summary))
    leaks = copies.leaks.table(copies.rows, copies.findings, looked)
    tables = {LEAKS: leaks, GROUPS: groups}
    if findings.size:
        tables[FINDINGS] = findings_table(findings, compared)
    return summary, {**tables, **labels.tables}


def _write_pages(audited: AuditFolder, progress: Progress) -> None:
    give_back_freed_arrays()
    write_report(audited, audited.folder / REPORT, progress=progress)
    # write the summary last: it marks the results as complete
    atomic.write_json(audited.folder / SUMMARY, audited.summary)


class _Hashed(NamedTuple):
    """The updated store, what it is compared by, the files rejected, and counts by split."""

    store: Store
    algorithm: str
    rejected: pa.Table
    tallies: dict[str, Tally]


def _hash(
    out: Path,
    sources: Sequence[Source],
    ingest: IngestOptions,
    progress: Progress,
    engine: Engine,
) -> _Hashed:
    """Bring the store up to date, and remove the results of the earlier audit."""
    tallies = hash_into(
        out / HASHES,
        sources,
        ingest,
        progress=progress,
        avoid=out,
        # a killed run must not leave old results beside new hashes
        before_writing=lambda: remove_results(out),
        start_executor=partial(engine.start_executor, out / HASHES),
    )
    store = open_store(out / HASHES)
    rejected = store.rejected()
    splits = [source.split for source in sources]
    rejected = rejected.filter(pc.is_in(rejected["split"].cast(pa.string()), pa.array(splits)))
    write_table(out / REJECTED, rejected)
    write_table(out / REJECTED_CSV, with_visible_names(rejected))
    remove_results(out)
    _leave_out_others(store, splits)
    check_images(sources, tallies, rejected, out / REJECTED_CSV)
    return _Hashed(store, ingest.definition.algorithm, rejected, tallies)


def _leave_out_others(store: Store, splits: list[str]) -> None:
    """Mark the splits that this audit doesn't name: their hashes stay, should they come back."""
    others = [split for split in store.roots if split not in splits]
    if store.left_out != others:
        store.left_out = others
        store.save()


def _describe_run(
    store: Store,
    rows: HashTable,
    criteria: CopyCriteria,
    chosen: ChosenRadius,
    options: AuditOptions,
) -> dict[str, Any]:
    """The part of summary.json about the settings of the audit."""
    return {
        "fastphash": version_of("fastphash"),
        "hash": rows.algorithm.name,
        "bits": rows.algorithm.bits,
        "definition": str(rows.definition),
        "thumbnails": store.layout.thumbnails,
        "orientations": store.layout.orientations,
        "store": store.digest,
        "keep_in": list(options.keep_in),
        "radius": criteria.radius,
        "radius_rule": chosen.rule,
        "min_score": criteria.min_score,
        "chance": chosen.chance,
        "views": views_compared(criteria, options, thumbnails=store.layout.thumbnails),
        "grouping": options.grouping,
    }


def _describe_results(
    sources: Sequence[Source],
    rows: HashTable,
    hashed: _Hashed,
    copies: FoundCopies,
    labels: LabelComparison,
    progress: Progress,
) -> dict[str, Any]:
    """The part of summary.json about the results of the audit."""
    return {
        "splits": {
            source.split: split_summary(source, rows, copies, hashed.tallies[source.split])
            for source in sources
        },
        "leaks": [leak_summary(leaks, rows) for leaks in copies.between],
        "rejected": count_reasons(hashed.rejected),
        "labels": labels.figures,
        "sidecars": sidecar_summary(rows, sources, progress),
        "mask_folders": mask_folder_summary(rows, sources),
    }
