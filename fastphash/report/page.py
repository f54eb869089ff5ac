"""An audit as one file of HTML that loads nothing else."""

from pathlib import Path
from typing import Any

import numpy as np

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import KINDS, NEAR
from fastphash.defaults import PICTURED
from fastphash.files import atomic, parquet
from fastphash.report import charts, findings
from fastphash.report.collisions import find_collisions
from fastphash.report.groups import COPIES_SHOWN, Group, GroupTable
from fastphash.report.pictures import draw
from fastphash.report.templates import template
from fastphash.results import calibration_words, leak_words
from fastphash.results.audit_folder import AuditFolder, read_conflicts
from fastphash.results.decisions import count_steps, decisions_digest, read_steps
from fastphash.results.radius_words import radius_in_words
from fastphash.results.sidecar_words import mask_folders_in_words, unusable_labels
from fastphash.results.verdict import judge
from fastphash.store.schema import versions_of

#: Pictures that a browser decodes before the page is loaded: 3,000 take more than a second.
AT_ONCE = 600

# groups listed without pictures, splits of a table, reasons of rejects, rejects, pairs that
# collide, label conflicts
_LISTED = 500
_SPLITS = 50
_REASONS = 12
_REJECTED = 3000
_COLLISIONS = 12
_CONFLICTS = 50
_CONFLICT_COLUMNS = [
    *("split", "path", "label", "keeper_split", "keeper_path", "keeper_label", "kind"),
    *("path_bytes", "keeper_path_bytes"),
]


def write_report(
    audited: AuditFolder,
    target: Path,
    *,
    groups: int = PICTURED,
    overwrite: bool = True,
    progress: Progress = no_progress,
) -> None:
    """Write what an audit found as one HTML file: the same bytes for the same audit and images.

    Parameters
    ----------
    audited : AuditFolder
    target : Path
    groups : int
        How many groups are shown with pictures; with 200 of them the file stays below 15 MB,
        whatever the images.
    overwrite : bool
        Whether `target` is replaced if it exists.
    progress : Progress
        Told how many pictures have been drawn.

    Raises
    ------
    StoreError
        A table of the audit is damaged.
    UsageError
        `target` exists in the end, and is not to be replaced.
    """
    page = _render(audited, groups, progress)
    with atomic.replacing(target, overwrite=overwrite) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _render(audited: AuditFolder, groups: int, progress: Progress) -> str:
    table = GroupTable(audited.groups, audited.splits)
    shown = table.take(table.order[:groups], COPIES_SHOWN)
    listed = table.take(table.order[groups : groups + _LISTED], 0)
    collisions = _collisions(audited)
    pictures = draw(audited, [*shown, *collisions], progress)
    progress("writing", 0, 0)
    decided = decisions_digest(audited.folder) != audited.summary["decisions"]["digest"]
    return template("page.html").render(
        summary=audited.summary,
        verdict=judge(audited.summary, decided_since=decided),
        findings=findings,
        mask_folders=mask_folders_in_words(audited.summary),
        unusable=unusable_labels(audited.summary["labels"]),
        leak_words=leak_words,
        charts=charts,
        share_of_copies=calibration_words.share_in_words(audited.summary),
        why_narrowed=radius_in_words(audited.summary)[1:],
        groups=table,
        shown=shown,
        listed=listed,
        pictures=pictures,
        groups_at_once=_groups_at_once(shown),
        kinds_found=[kind for code, kind in enumerate(KINDS) if (table.kind == code).any()],
        furthest=int(table.distance.max(initial=0)),
        furthest_near=int(table.distance[table.kind == NEAR].max(initial=0)),
        collided=collisions,
        conflicts=_conflicts(audited),
        **_rejected(audited),
        decisions=count_steps(read_steps(audited.folder)).used,
        versions=_versions(audited),
        upright_only=not audited.store.layout.orientations,
        most_splits=_SPLITS,
        most_reasons=_REASONS,
        most_copies=COPIES_SHOWN,
    )


def _collisions(audited: AuditFolder) -> list[Group]:
    """Some pairs of images that collide; without thumbnails nothing tells whether any do."""
    if not audited.summary["thumbnails"] or not findings.collisions(audited.summary):
        return []
    return find_collisions(audited, _COLLISIONS)


def _groups_at_once(shown: list[Group]) -> int:
    """How many groups show their pictures at once; those of the others come a little later."""
    pictures = np.cumsum([group.pictures for group in shown])
    return int((pictures <= AT_ONCE).sum())


def _conflicts(audited: AuditFolder) -> dict[str, Any]:
    """How many label conflicts there are, and the first of them."""
    table = read_conflicts(audited.folder, _CONFLICT_COLUMNS)
    first = table.slice(0, _CONFLICTS).to_pylist()
    for row in first:
        for column in ("path", "keeper_path"):
            row[column] = row.get(f"{column}_bytes") or row[column]
    return {"rows": table.num_rows, "first": first}


def _rejected(audited: AuditFolder) -> dict[str, Any]:
    """The first rejected inputs, and how many more there are."""
    if not audited.summary["rejected"]:
        return {"rejected": [], "more_rejected": 0}
    table = audited.rejected
    first = table.slice(0, _REJECTED).to_pylist()
    for row in first:
        row["path"] = row["path_bytes"] or row["path"]
    return {"rejected": first, "more_rejected": table.num_rows - len(first)}


def _versions(audited: AuditFolder) -> dict[str, str]:
    """Versions of the packages that made the oldest hashes."""
    store = audited.store
    path = store.part_path(store.parts[0])
    return versions_of(parquet.read_schema(path).metadata, str(path))
