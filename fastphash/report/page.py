"""An audit as one file of HTML, that needs nothing else."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pyarrow as pa
from markupsafe import Markup

from fastphash.base.progress import Progress, no_progress
from fastphash.base.text import count, display_name, figure, rough, share, visible
from fastphash.base.vocabulary import KINDS, ORIENTATIONS
from fastphash.defaults import PICTURED
from fastphash.files import atomic, parquet
from fastphash.report import findings
from fastphash.report.groups import COPIES, Group, Groups
from fastphash.report.pictures import draw
from fastphash.results.audit_folder import CONFLICTS, AuditFolder
from fastphash.results.decisions import in_force, read_decisions
from fastphash.store.schema import METADATA

# groups without pictures below those, splits of a table, reasons and conflicts
_LISTED = 500
_SPLITS = 50
_REASONS = 12
_CONFLICTS = 50
#: Pictures that a browser shows before a page is loaded: 3,000 take it more than a second.
AT_ONCE = 600
_CONFLICT_COLUMNS = [
    *("split", "path", "label", "keeper_split", "keeper_path", "keeper_label", "kind"),
    *("path_bytes", "keeper_path_bytes"),
]


def write_report(
    audited: AuditFolder,
    target: Path,
    *,
    groups: int = PICTURED,
    progress: Progress = no_progress,
) -> None:
    """Write what an audit found as one HTML file: the same bytes for the same audit and images.

    Parameters
    ----------
    audited : AuditFolder
    target : Path
        Replaced if it is there.
    groups : int
        How many groups are shown with pictures; with 200 of them the file stays below 15 MB,
        whatever the images.
    progress : Progress
        Told of the pictures drawn.

    Raises
    ------
    StoreError
        A table of the audit is damaged.
    """
    every = Groups(audited.groups, audited.splits)
    shown = every.take(every.order[:groups], COPIES)
    below = every.take(every.order[groups : groups + _LISTED], 0)
    pictures = draw(audited, shown, progress)
    progress("writing", 0, 0)
    page = template("page.html").render(
        summary=audited.summary,
        groups=every,
        shown=shown,
        below=below,
        pictures=pictures,
        at_once=_groups_at_once(shown),
        kinds_found=[kind for code, kind in enumerate(KINDS) if (every.kind == code).any()],
        furthest=int(every.distance.max(initial=0)),
        conflicts=_conflicts(audited),
        decisions=len(in_force(read_decisions(audited.folder))),
        versions=_versions(audited),
        upright_only=not audited.store.layout.orientations,
    )
    with atomic.replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _groups_at_once(shown: list[Group]) -> int:
    """How many of the groups are shown at once; pictures of the others come a little later."""
    drawn = np.cumsum([group.pictures for group in shown])
    return int((drawn <= AT_ONCE).sum())


def _conflicts(audited: AuditFolder) -> dict[str, Any]:
    """How many copies have another label than their keeper, and the first of them."""
    path = audited.folder / CONFLICTS
    if not path.exists():
        return {"rows": 0, "first": []}
    table: pa.Table = parquet.read_table(path, _CONFLICT_COLUMNS)
    first = table.slice(0, _CONFLICTS).to_pylist()
    for row in first:
        for column in ("path", "keeper_path"):
            row[column] = row.get(f"{column}_bytes") or row[column]
    return {"rows": table.num_rows, "first": first}


def _versions(audited: AuditFolder) -> dict[str, str]:
    """Of the packages that made the oldest hashes."""
    store = audited.store
    made = parquet.read_schema(store.part_path(store.parts[0])).metadata[METADATA]
    return dict(json.loads(made)["versions"])


@cache
def template(name: str) -> jinja2.Template:
    """One of the pages of this package."""

    def shown(value: Any) -> Any:
        """What any expression gives, harmless and to be seen; markup is ours."""
        if isinstance(value, str) and not isinstance(value, Markup):
            return visible(value)
        return value

    room = files(__package__)
    style, script = (room.joinpath(f"page.{end}").read_text("utf-8") for end in ("css", "js"))
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: room.joinpath(name).read_text("utf-8")),
        autoescape=True,
        finalize=shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": display_name,
        "figure": figure,
        "count": count,
        "share": share,
        "rough": rough,
    }
    environment.globals |= {
        "most_splits": _SPLITS,
        "most_reasons": _REASONS,
        "most_copies": COPIES,
        "figures": findings,
        "orientations": ORIENTATIONS,
        # what stands between our tags, and the digests by which a browser knows it
        "style": Markup(style),  # noqa: S704 - a file of this package
        "script": Markup(script),  # noqa: S704 - as above
        "style_digest": _digest(style),
        "script_digest": _digest(script),
    }
    return environment.get_template(name)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
