"""A clean plan from Python: which images would stay and which would go."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.base.arguments import given_texts
from fastphash.base.paths import Name, given_path
from fastphash.base.progress import Progress, no_progress, shown
from fastphash.base.vocabulary import SURE_KINDS, ConflictRule
from fastphash.clean.container_counts import count_containers
from fastphash.clean.plan import make_plan, plan_settings
from fastphash.clean.plan_counts import count_disagreements, count_keeper_reasons, plan_summary
from fastphash.joins.options import JoinOptions, join_options
from fastphash.results.audit_folder import AuditFolder, open_audit


class CleanPlan(NamedTuple):
    """Which images of an audit stay, and which go.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each image, with its action, keep or remove, and its keeper: the columns of
        plan.parquet.
    summary : dict
        What ``fastphash clean --json`` prints: counts by split, kind and reason, and what the plan
        was made by.
    """

    table: pa.Table
    summary: dict[str, Any]


def clean_plan(
    audit: AuditFolder | Name,
    *,
    kinds: Sequence[str] = SURE_KINDS,
    keep_in: Sequence[str] | None = None,
    conflicts: ConflictRule = "keep",
    memory: int | None = None,
    progress: bool | Progress = True,
) -> CleanPlan:
    """Plan which copies go, as `fastphash clean` does, and touch no file.

    ``fastphash clean`` writes the same plan to plan.parquet, and puts it into effect. Decisions
    that were made with ``fastphash inspect`` count.

    Parameters
    ----------
    audit : AuditFolder or path
        What `audit` or `read_audit` returns, or the folder.
    kinds : sequence of str
        Copies of these kinds go; identical ones always. `exact` and `augmented` copies go only if
        the audit compared their pixels, unless `unlooked` is here, too.
    keep_in : sequence of str, optional
        Order of splits: each keeps its images rather than their copies in later ones; that of the
        audit by default.
    conflicts : {"keep", "drop"}
        Whether copies stay whose labels disagree.
    memory : int, optional
        Bytes that searching may take, 104,857,600 at least; half of what is free by default.
    progress : bool or callable
        As for `audit`.

    Raises
    ------
    UsageError
        No such audit, kind or split, or a COCO file or a table of labels of the audit is gone.
    StoreError
        The audit didn't come to its end, or its files are not as it wrote them.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> import fastphash as fp
    >>> image = Image.fromarray(np.random.default_rng(4).integers(0, 256, (64, 64), np.uint8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.png", "b.png"):
    ...         image.save(os.path.join(folder, name))
    ...     audit = fp.audit({"photos": folder}, f"{folder}/audit", workers=0, progress=False)
    ...     plan = fp.clean_plan(audit, progress=False)
    >>> plan.table.select(["path", "action", "keeper_path"]).to_pylist()[1]
    {'path': 'b.png', 'action': 'remove', 'keeper_path': 'a.png'}
    >>> plan.summary["splits"]
    {'photos': {'keep': 1, 'remove': 1, 'kinds': {'identical': 1}}}
    """
    if not isinstance(audit, AuditFolder):
        audit = open_audit(given_path(audit))
    with shown(progress) as report:
        order = None if keep_in is None else given_texts(keep_in, "keep_in")
        return plan_audit(audit, kinds, order, conflicts, join_options(memory, report), report)


def plan_audit(
    audited: AuditFolder,
    kinds: Sequence[str],
    keep_in: list[str] | None,
    conflicts: ConflictRule,
    options: JoinOptions,
    progress: Progress = no_progress,
) -> CleanPlan:
    """The plan and its summary; parameters and errors are those of `make_plan`."""
    plan = make_plan(
        audited,
        by=kinds,
        keep_in=keep_in,
        conflicts=conflicts,
        options=options,
        progress=progress,
    )
    summary = {
        "splits": plan_summary(plan),
        "reasons": count_keeper_reasons(plan),
        "disagreements": count_disagreements(plan),
        **plan_settings(plan),
        "containers": count_containers(audited, plan),
    }
    return CleanPlan(plan, summary)
