"""A clean plan: which images of an audit stay and which go. Making it changes no file."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import KINDS, NEAR, SURE_KINDS, UNLOOKED, ConflictRule
from fastphash.clean.decision_effects import find_effects
from fastphash.clean.emptied import find_emptied
from fastphash.clean.kinds import check_kinds
from fastphash.clean.label_rule import DISAGREEMENTS, LabelRule, read_label_rule
from fastphash.clean.removals import Disagreements, Removals, find_removals, join_pairs
from fastphash.errors import StoreError
from fastphash.files.parquet import NAME_TYPE
from fastphash.joins.options import JoinOptions
from fastphash.results.audit_folder import AuditFolder, were_compared
from fastphash.results.decisions import (
    NOTHING_DECIDED,
    DecidedRows,
    Resolved,
    decided_rows,
    decisions_digest,
    read_steps,
    resolve,
)
from fastphash.results.groups import count_staying, keepers_first
from fastphash.results.priority import keep_in_first, keeper_reasons, priority
from fastphash.results.schemas import (
    KEEPER,
    LOOKED,
    RELATION,
    coded,
    looked_column,
    relation_columns,
)
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import Findings
from fastphash.verification.looked_pairs import LookedPairs

ACTIONS = KEEP, REMOVE = ("keep", "remove")

#: Why a keeper stays that somebody chose in the inspector.
DECIDED = "decided"

PLAN = "plan.parquet"
PLAN_METADATA = b"fastphash_plan"
_SETTINGS = {
    "roots": dict,
    "store": str,
    "kinds": list,
    "staying": dict,
    "keep_in": list,
    "radius": int,
    "conflicts": str,
    "emptied": list,
    "decisions": int,
    "stale_decisions": int,
    "decided": str,
    "by_decision": dict,
    "findings": str,
}
_OF_EARLIER_VERSIONS: dict[str, Any] = {"findings": "", "by_decision": {}}
#: A row for each image: its action and, if it is removed or stays because of its labels only, the
#: image that it is a copy of.
PLAN_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("action", NAME_TYPE),
        *RELATION,
        LOOKED,
        # a copy by decision, whatever its kind
        ("confirmed", pa.bool_()),
        *KEEPER,
        # why a copy stays for the sake of its labels
        ("disagrees", NAME_TYPE),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.binary(16)),
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]
)


def make_plan(
    audited: AuditFolder,
    *,
    by: Sequence[str] = SURE_KINDS,
    keep_in: list[str] | None = None,
    conflicts: ConflictRule = "keep",
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> pa.Table:
    """Group the images of an audit afresh, so that no two that stay are copies.

    Images are taken in order of priority. Each is removed if it is a copy of one that stays, and
    the first such image is its keeper; so every keeper stays. An image with annotations never goes
    for one whose COCO file gives it none.

    Parameters
    ----------
    audited : AuditFolder
    by : sequence of str
        Kinds of copies to remove, beside `identical` and what was decided. `exact` and `augmented`
        ones stay if the audit didn't compare their pixels, unless `unlooked` is here, too.
    keep_in : list of str, optional
        Splits that keep their images, first to last; those of the audit by default.
    conflicts : {"keep", "drop"}
        Whether copies stay whose labels disagree.
    options : JoinOptions, optional
        What joins may use.
    progress : Progress

    Returns
    -------
    pyarrow.Table
        `PLAN_SCHEMA`, in the store's order; its metadata are read by `plan_settings`.

    Raises
    ------
    UsageError
        No such kind or split, `unlooked` without them, or a label file of the audit is gone.
    """
    kinds = check_kinds(by)
    keep_in = audited.summary["keep_in"] if keep_in is None else keep_in
    labels = read_label_rule(audited, conflicts, progress)
    decided = resolve(steps := read_steps(audited.folder), rows := labels.rows)
    criteria = _audited_criteria(audited, options)
    within = replace(criteria, radius=criteria.radius if KINDS[NEAR] in kinds else 0)
    grouper = _Grouper(audited, labels, kinds, keep_in, within, progress)
    grouped = grouper.group(decided)
    lost = find_emptied(audited, labels, grouped.removals.row)
    settings = {
        "kinds": kinds,
        "keep_in": keep_in,
        "radius": within.radius,
        "conflicts": conflicts,
        "staying": _count_staying(rows, criteria, decided, kinds, grouped),
        "emptied": [one._asdict() for one in lost],
        "by_decision": _effects(grouper, decided_rows(steps, rows), grouped),
        **_basis(audited, decided),
    }
    table = _plan_table(rows, grouped, _reasons(rows, grouped.removals, decided))
    return table.replace_schema_metadata({PLAN_METADATA: json.dumps(settings).encode()})


class _Grouped(NamedTuple):
    """Images in order of priority, which of them go or stay by their labels, and why."""

    order: NDArray[np.int64]
    removals: Removals
    disagreements: Disagreements
    findings: Findings
    looked: LookedPairs


class _Grouper(NamedTuple):
    """Groups the images of an audit as a plan asks for it."""

    audited: AuditFolder
    labels: LabelRule
    kinds: Sequence[str]
    keep_in: list[str]
    criteria: CopyCriteria
    progress: Progress

    def group(self, decided: Resolved) -> _Grouped:
        """Group them by these decisions."""
        rows = self.labels.rows
        order = _order(self.audited, rows, self.keep_in, decided)
        findings, looked = _in_order(self.audited.findings, rows, order)
        removals, disagreements = find_removals(
            order,
            np.isin(KINDS, self.kinds),
            decided,
            self.criteria,
            self.labels,
            self.progress,
            findings,
            None if UNLOOKED in self.kinds else looked,
        )
        return _Grouped(order, removals, disagreements, findings, looked)


def _effects(
    grouper: _Grouper, decided: Sequence[DecidedRows], grouped: _Grouped
) -> dict[str, Any]:
    """What the decisions that count change; empty without any."""
    if not decided:
        return {}
    by_rule = grouper.group(NOTHING_DECIDED).removals
    rows = grouper.labels.rows
    return find_effects(rows, decided, grouped.removals, by_rule, grouped.disagreements)


def _count_staying(
    rows: HashTable,
    criteria: CopyCriteria,
    decided: Resolved,
    kinds: Sequence[str],
    grouped: _Grouped,
) -> dict[str, int]:
    stay = grouped.order[~np.isin(grouped.order, grouped.removals.row)]
    findings, looked = grouped.findings.among(stay), grouped.looked.take(stay)
    return count_staying(rows.take(stay), criteria, decided.among(stay), kinds, findings, looked)


def _order(
    audited: AuditFolder, rows: HashTable, keep_in: list[str], decided: Resolved
) -> NDArray[np.int64]:
    """Rows in order of priority, but for masks that the audit left out: they go with nothing."""
    split_order = keep_in_first(audited.summary["split_order"], keep_in)
    order = keepers_first(priority(rows, split_order), decided)
    return order[were_compared(rows, audited.summary)[order]]


def _in_order(
    findings: Findings, rows: HashTable, order: NDArray[np.int64]
) -> tuple[Findings, LookedPairs]:
    """What was found, of all files of the same contents: the first of `order` stands for them."""
    looked = LookedPairs.of(findings, rows)
    ranked = findings.among(order).spread(looked.digests[order])
    return Findings.joined([ranked._replace(pairs=order[ranked.pairs])]), looked


def _basis(audited: AuditFolder, decided: Resolved) -> dict[str, Any]:
    """The settings that say which hashes, decisions and findings a plan was made of."""
    return {
        "roots": {split: audited.store.roots[split] for split in audited.splits},
        "store": audited.store.hashes_digest,
        "decisions": decided.used,
        "stale_decisions": decided.stale,
        "decided": decisions_digest(audited.folder),
        "findings": audited.summary.get("findings", ""),
    }


def _audited_criteria(audited: AuditFolder, options: JoinOptions | None) -> CopyCriteria:
    """The criteria of the audit."""
    summary = audited.summary
    return CopyCriteria(summary["radius"], summary["min_score"], options or JoinOptions())


def plan_settings(plan: pa.Table) -> dict[str, Any]:
    """What a plan was made with: roots of the splits, kinds, radius, decisions and so on.

    Raises
    ------
    StoreError
        The table is no plan, or is damaged.
    """
    metadata = plan.schema.metadata or {}
    if PLAN_METADATA not in metadata:
        raise StoreError("this is no plan of fastphash clean: make it again")
    try:
        settings: dict[str, Any] = _OF_EARLIER_VERSIONS | json.loads(metadata[PLAN_METADATA])
        damaged = [name for name, kind in _SETTINGS.items() if not isinstance(settings[name], kind)]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{PLAN} is damaged, plan again: {error!r}") from error
    if damaged:
        raise StoreError(f"{PLAN} is damaged, plan again: {damaged[0]}={settings[damaged[0]]!r}")
    return settings


def _reasons(rows: HashTable, removals: Removals, decided: Resolved) -> pa.Array:
    """Why the keepers stay, dictionary<string> (removals,)."""
    reasons = keeper_reasons(rows, removals.row, removals.keeper).cast(pa.string())
    chosen = pa.array(np.isin(removals.keeper, decided.keepers))
    return pc.if_else(chosen, DECIDED, reasons)


def _plan_table(rows: HashTable, grouped: _Grouped, reasons: pa.Array) -> pa.Table:
    removals, disagreements = grouped.removals, grouped.disagreements
    pairs = join_pairs(removals, disagreements.pairs)
    keeper = np.full(len(rows), -1)
    keeper[pairs.row] = pairs.keeper
    alone = keeper < 0
    action = np.zeros(len(rows), np.uint8)
    action[removals.row] = ACTIONS.index(REMOVE)
    keepers = rows.table.select(["split", "path", "path_bytes"]).take(pa.array(keeper, mask=alone))

    def fill(chosen: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
        """The values of chosen rows, with 0 for the others."""
        column = np.zeros(len(rows), values.dtype)
        column[chosen] = values
        return column

    relation = Relation(*(fill(pairs.row, np.asarray(column)) for column in pairs.relation))
    relation_names = [name for name, _ in RELATION]
    why = np.full(len(rows), -1)
    why[removals.row] = np.arange(removals.row.size)
    disagrees = fill(disagreements.pairs.row, disagreements.what)
    columns = {
        "split": rows.table["split"],
        "path": rows.table["path"],
        "action": coded(action, ACTIONS),
        **dict(zip(relation_names, relation_columns(relation, alone), strict=True)),
        "looked": looked_column(relation, grouped.looked, np.arange(len(rows)), keeper, alone),
        "confirmed": pa.array(fill(pairs.row, pairs.confirmed)),
        "keeper_split": keepers["split"],
        "keeper_path": keepers["path"],
        "keeper_reason": reasons.take(pa.array(why, mask=why < 0)).dictionary_encode(),
        "disagrees": coded(np.maximum(disagrees, 1) - 1, DISAGREEMENTS, disagrees == 0),
        "size": rows.table["size"],
        "mtime_ns": rows.table["mtime_ns"],
        "digest": rows.table["digest"],
        "path_bytes": rows.table["path_bytes"],
        "keeper_path_bytes": keepers["path_bytes"],
    }
    return pa.table(columns).cast(PLAN_SCHEMA)
