"""A clean plan: which images of an audit stay and which go. Making it changes no file."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import EXACT, IDENTICAL, KINDS, NEAR, SURE_KINDS
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.groups.grouping import find_copies, has_partner
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.results.audit_folder import AuditFolder, compared_rows
from fastphash.results.copy_rule import CopyRule, allows_other_bytes, widest_radius
from fastphash.results.decisions import Resolved, decisions_digest, read_decisions, resolve
from fastphash.results.groups import GroupedRows, count_staying, keepers_first, priority
from fastphash.results.schemas import RELATION, coded, relation_columns
from fastphash.store.rows import HashTable
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.decide_kind import Relation

ACTIONS = KEEP, REMOVE = ("keep", "remove")

PLAN = "plan.parquet"
PLAN_METADATA = b"fastphash_plan"
_SETTINGS = {
    "roots": dict,
    "store": str,
    "kinds": list,
    "staying": dict,
    "keep_in": list,
    "radius": int,
    "decisions": int,
    "stale_decisions": int,
    "decided": str,
}
#: A row for each image: its action and, if it is removed, its keeper.
PLAN_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("action", NAME_TYPE),
        *RELATION,
        # a copy by decision, whatever its kind
        ("confirmed", pa.bool_()),
        ("keeper_split", NAME_TYPE),
        ("keeper_path", pa.string()),
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
    options: JoinOptions | None = None,
) -> pa.Table:
    """Group the images of an audit afresh, so that no two that stay are copies.

    Images are taken in order of priority. Each is removed if it is a copy of one that stays, and
    the first such image is its keeper; so every keeper stays.

    Parameters
    ----------
    audited : AuditFolder
    by : sequence of str
        Kinds of copies to remove, beside `identical` and what was decided.
    keep_in : list of str, optional
        Splits that keep their images, first to last; those of the audit by default.
    options : JoinOptions, optional
        What joins may use.

    Returns
    -------
    pyarrow.Table
        `PLAN_SCHEMA`, in the store's order. The metadata hold the settings of the plan as JSON:
        see `plan_settings`.

    Raises
    ------
    UsageError
        No such kind or split.
    """
    kinds = _with_identical(by)
    allowed = np.isin(KINDS, kinds)
    keep_in = audited.summary["keep_in"] if keep_in is None else keep_in
    rows = audited.rows
    decided = resolve(read_decisions(audited.folder), rows)
    criteria = _audited_criteria(audited, options)
    radius = criteria.radius if allowed[NEAR] else 0
    order = keepers_first(priority(rows, keep_in), decided)
    # masks that the audit left out go with nothing
    order = order[compared_rows(rows, audited.summary)[order]]
    removals = _find_removals(rows, order, allowed, decided, replace(criteria, radius=radius))
    stay = order[~np.isin(order, removals.row)]
    settings = {
        "roots": {split: audited.store.roots[split] for split in audited.splits},
        "store": audited.store.digest,
        "kinds": kinds,
        "staying": count_staying(rows.take(stay), criteria, decided.among(stay), kinds),
        "keep_in": keep_in,
        "radius": radius,
        "decisions": decided.used,
        "stale_decisions": decided.stale,
        "decided": decisions_digest(audited.folder),
    }
    metadata = {PLAN_METADATA: json.dumps(settings).encode()}
    return _plan_table(rows, removals).replace_schema_metadata(metadata)


def _with_identical(by: Sequence[str]) -> list[str]:
    """These kinds and `identical`, in the order of KINDS; UsageError for one that is none."""
    for kind in by:
        if kind not in KINDS:
            raise UsageError(f"no kind {kind!r}: use some of {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in (KINDS[IDENTICAL], *by)]


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
        settings: dict[str, Any] = json.loads(metadata[PLAN_METADATA])
        damaged = [name for name, kind in _SETTINGS.items() if not isinstance(settings[name], kind)]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{PLAN} is damaged, plan again: {error!r}") from error
    if damaged:
        raise StoreError(f"{PLAN} is damaged, plan again: {damaged[0]}={settings[damaged[0]]!r}")
    return settings


def plan_summary(plan: pa.Table) -> dict[str, dict[str, Any]]:
    """How many images of each split stay, and how many are removed, by kind."""
    summary = {}
    for split in plan_settings(plan)["roots"]:
        rows = plan.filter(pc.equal(plan["split"].cast(pa.string()), split))
        actions = parquet.count_values(rows["action"])
        removed = parquet.count_values(rows["kind"])
        summary[split] = {
            **{action: actions.get(action, 0) for action in ACTIONS},
            "kinds": {kind: removed[kind] for kind in KINDS if kind in removed},
        }
    return summary


class _Removals(NamedTuple):
    """Rows to be removed, the keeper of each and how it relates to its keeper."""

    row: NDArray[np.int64]
    keeper: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]


def _find_removals(
    rows: HashTable,
    order: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    decided: Resolved,
    criteria: CopyCriteria,
) -> _Removals:
    index = Index(rows.phashes, rows.known)
    if rows.digests is not None and not allows_other_bytes(rows, allowed, decided):
        # join by bytes, or pixels: any number of images may share a hash by chance
        by_pixels = rows.evidence.pixels_known & allowed[EXACT]
        index = Index(np.where(by_pixels, rows.evidence.pixel_digests[:, 0], rows.digests[:, 0]))
    # pairs confirmed by decision are copies at any distance
    furthest = widest_radius(index, decided.copies, criteria.radius)
    number = order[has_partner(index, furthest, criteria.options)[order]]
    ranked = rows.take(number)
    rule = CopyRule(ranked, number, allowed, decided, criteria)
    copies = find_copies(
        index.take(number),
        ranked.content,
        replace(criteria, radius=furthest),
        is_copy=rule,
        searched=rule.searched(),
        distinguish_by=rule.distinguish_by(),
    )
    row = np.flatnonzero(copies.keeper != np.arange(number.size))
    keeper = copies.keeper[row]
    relation = GroupedRows(ranked, copies, criteria).relation(row)
    return _Removals(number[row], number[keeper], relation, rule.is_confirmed(row, keeper))


def _plan_table(rows: HashTable, removals: _Removals) -> pa.Table:
    keeper = np.full(len(rows), -1)
    keeper[removals.row] = removals.keeper
    stays = keeper < 0
    keepers = rows.table.select(["split", "path", "path_bytes"]).take(pa.array(keeper, mask=stays))

    def fill(values: NDArray[Any]) -> NDArray[Any]:
        """The values of removed rows, with 0 for the others."""
        column = np.zeros(len(rows), values.dtype)
        column[removals.row] = values
        return column

    relation = Relation(*(fill(np.asarray(column)) for column in removals.relation))
    relation_names = [name for name, _ in RELATION]
    columns = {
        "split": rows.table["split"],
        "path": rows.table["path"],
        "action": coded((~stays).astype(np.uint8), ACTIONS),
        **dict(zip(relation_names, relation_columns(relation, stays), strict=True)),
        "confirmed": pa.array(fill(removals.confirmed)),
        "keeper_split": keepers["split"],
        "keeper_path": keepers["path"],
        "size": rows.table["size"],
        "mtime_ns": rows.table["mtime_ns"],
        "digest": rows.table["digest"],
        "path_bytes": rows.table["path_bytes"],
        "keeper_path_bytes": keepers["path_bytes"],
    }
    return pa.table(columns).cast(PLAN_SCHEMA)
