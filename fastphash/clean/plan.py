"""Which images of an audit stay and which go: a plan that touches nothing."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import AUGMENTED, COLLISION, EXACT, IDENTICAL, KINDS, NEAR
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.groups.keepers import find_copies, has_partner
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import row_distances
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.decisions import Resolved, decisions_digest, read_decisions, resolve
from fastphash.results.groups import Grouped, priority
from fastphash.results.schemas import RELATION, coded, relation_columns
from fastphash.store.rows import HashTable
from fastphash.verify.verdicts import Relation, Verdicts, kinds

#: Kinds that are sure enough to clean by.
SURE = KINDS[:NEAR]
ACTIONS = ("keep", "remove")

PLAN = "plan.parquet"
PLAN_METADATA = b"fastphash_plan"
_MADE = {
    "roots": dict,
    "store": str,
    "kinds": list,
    "keep_in": list,
    "radius": int,
    "decisions": int,
    "stale_decisions": int,
    "decided": str,
}
#: A row for each image: what becomes of it and, where it goes, for the sake of which keeper.
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
    by: Sequence[str] = SURE,
    keep_in: list[str] | None = None,
    options: JoinOptions | None = None,
) -> pa.Table:
    """Group the images of an audit afresh, so that no two that stay are copies.

    Each image, in order of priority, goes for the sake of the first one that stays and that it is
    a copy of; so nothing goes for the sake of an image that goes itself.

    Parameters
    ----------
    audited : AuditFolder
    by : sequence of str
        Kinds by which two images are copies, beside `identical`; and whatever was decided.
    keep_in : list of str, optional
        Splits that keep their images, first to last; those of the audit by default.
    options : JoinOptions, optional
        What joins may use.

    Returns
    -------
    pyarrow.Table
        `PLAN_SCHEMA`, in the store's order. The metadata hold, as JSON, the roots of the splits and
        what the plan was made by.

    Raises
    ------
    UsageError
        No such kind or split.
    """
    for kind in by:
        if kind not in KINDS:
            raise UsageError(f"no kind {kind!r}: use some of {', '.join(KINDS)}")
    allowed = np.isin(KINDS, [KINDS[IDENTICAL], *by])
    keep_in = audited.summary["keep_in"] if keep_in is None else keep_in
    rows = audited.rows
    decided = resolve(read_decisions(audited.folder), rows)
    radius = audited.summary["radius"] if allowed[NEAR] else 0
    min_score = audited.summary["min_score"]
    order = _ranking(rows, keep_in, decided)
    goes = _find_copies(rows, order, allowed, decided, radius, min_score, options)
    made = {
        "roots": {split: audited.store.roots[split] for split in audited.splits},
        "store": audited.store.digest,
        "kinds": [kind for kind, is_allowed in zip(KINDS, allowed, strict=True) if is_allowed],
        "keep_in": keep_in,
        "radius": radius,
        "decisions": len(decided.copies) + len(decided.not_copies) + len(decided.keepers),
        "stale_decisions": decided.stale,
        "decided": decisions_digest(audited.folder),
    }
    return _table(rows, goes).replace_schema_metadata({PLAN_METADATA: json.dumps(made).encode()})


class _Going(NamedTuple):
    """Rows that go, each with its keeper and how it relates to it."""

    row: NDArray[np.int64]
    keeper: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]


def _ranking(rows: HashTable, keep_in: list[str], decided: Resolved) -> NDArray[np.int64]:
    """Rows in order of priority, the chosen keepers before all others."""
    order = priority(rows, keep_in)
    return np.concatenate([decided.keepers, order[~np.isin(order, decided.keepers)]])


def _find_copies(
    rows: HashTable,
    order: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    decided: Resolved,
    radius: int,
    min_score: float | None,
    options: JoinOptions | None,
) -> _Going:
    index = Index(rows.phashes, rows.known)
    if rows.digests is not None and not _by_hash(rows, allowed, decided):
        # images that merely share a hash need not be compared, however many they are
        index = Index(rows.digests[:, 0])
    # what was confirmed is a copy at any distance
    one, other = np.ascontiguousarray(decided.copies.T)
    apart, _ = row_distances(index, one, index, other)
    furthest = max(radius, int(apart.max(initial=0)))
    number = order[has_partner(index, furthest, options)[order]]
    ranked = rows.take(number)
    rule = _Rule(ranked, number, allowed, decided, radius, min_score)
    found = find_copies(
        index.take(number),
        ranked.content,
        furthest,
        reach=rule,
        marks=rule.marks(),
        min_score=min_score,
        options=options,
    )
    going = np.flatnonzero(found.keeper != np.arange(number.size))
    keeper = found.keeper[going]
    relation_to_it = Grouped(ranked, found, min_score).relation(going)
    return _Going(number[going], number[keeper], relation_to_it, rule.confirms(going, keeper))


def _by_hash(rows: HashTable, allowed: NDArray[np.bool_], decided: Resolved) -> bool:
    """Whether images of different bytes can be copies at all."""
    told_by_thumbnails = [] if not rows.columns[1] else [EXACT, AUGMENTED]
    return bool(decided.copies.size or allowed[[NEAR, COLLISION, *told_by_thumbnails]].any())


class _Rule:
    """Two rows are copies if their kind is allowed, unless it was decided otherwise.

    Parameters
    ----------
    ranked : HashTable
        The rows that it is asked about, by their place here.
    number : int64 (n,)
        What decisions call them.
    allowed : bool (5,)
        By kind.
    decided : Resolved
    radius : int
        The largest distance of kind `near`.
    min_score : float or None
        Its least score, if it was looked at.
    """

    def __init__(
        self,
        ranked: HashTable,
        number: NDArray[np.int64],
        allowed: NDArray[np.bool_],
        decided: Resolved,
        radius: int,
        min_score: float | None,
    ) -> None:
        self._min_score = min_score
        self._ranked = ranked
        self._allowed = allowed
        self._radius = radius
        self._number = number
        self._decided = np.concatenate([decided.copies, decided.not_copies])
        self._copies = _pair_keys(*decided.copies.T)
        self._not_copies = _pair_keys(*decided.not_copies.T)

    def __call__(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        distance: NDArray[np.uint8],
        verdicts: Verdicts,
    ) -> NDArray[np.bool_]:
        """Whether pairs are copies: bool (n,)."""
        content = self._ranked.content
        same = content.same_bytes(left, content, right)
        kind = kinds(distance, verdicts, same, self._min_score)
        furthest = np.where(kind == COLLISION, 0, self._radius)
        copies: NDArray[np.bool_] = self._allowed[kind] & (distance <= furthest)
        if self._decided.size:
            keys = _pair_keys(self._number[left], self._number[right])
            copies |= np.isin(keys, self._copies)
            copies &= ~np.isin(keys, self._not_copies)
        return copies

    def marks(self) -> list[NDArray[np.uint64]]:
        """What tells apart rows of equal hashes and thumbnails that need not be copies."""
        alone = np.zeros((self._number.size, 1), np.uint64)
        decided = np.flatnonzero(np.isin(self._number, self._decided))
        alone[decided, 0] = decided + 1
        digests = self._ranked.digests
        if digests is None or (self._allowed[EXACT] and self._ranked.columns[1]):
            return [alone]
        return [alone, digests]

    def confirms(self, row: NDArray[np.int64], keeper: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether it was decided that rows are copies of their keepers: bool (n,)."""
        return np.isin(_pair_keys(self._number[row], self._number[keeper]), self._copies)


def _pair_keys(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One number for each pair of rows, whichever comes first; rows are below 2**32."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    return low.astype(np.uint64) << np.uint64(32) | high.astype(np.uint64)


def _table(rows: HashTable, going: _Going) -> pa.Table:
    keeper = np.full(len(rows), -1)
    keeper[going.row] = going.keeper
    stays = keeper < 0
    keepers = rows.table.select(["split", "path", "path_bytes"]).take(pa.array(keeper, mask=stays))

    def of_all(values: NDArray[Any]) -> NDArray[Any]:
        spread = np.zeros(len(rows), values.dtype)
        spread[going.row] = values
        return spread

    relation = Relation(*(of_all(np.asarray(column)) for column in going.relation))
    columns = {
        "split": rows.table["split"],
        "path": rows.table["path"],
        "action": coded((~stays).astype(np.uint8), ACTIONS),
        **dict(
            zip(
                (name for name, _ in RELATION),
                relation_columns(relation, stays),
                strict=True,
            )
        ),
        "confirmed": pa.array(of_all(going.confirmed)),
        "keeper_split": keepers["split"],
        "keeper_path": keepers["path"],
        "size": rows.table["size"],
        "mtime_ns": rows.table["mtime_ns"],
        "digest": rows.table["digest"],
        "path_bytes": rows.table["path_bytes"],
        "keeper_path_bytes": keepers["path_bytes"],
    }
    return pa.table(columns).cast(PLAN_SCHEMA)


def plan_summary(plan: pa.Table) -> dict[str, dict[str, Any]]:
    """How many images of each split stay, and how many go by each kind."""
    found = {}
    for split in made_by(plan)["roots"]:
        of_split = plan.filter(pc.equal(plan["split"].cast(pa.string()), split))
        actions = parquet.count_values(of_split["action"])
        gone = parquet.count_values(of_split["kind"])
        found[split] = {
            **{action: actions.get(action, 0) for action in ACTIONS},
            "kinds": {kind: gone[kind] for kind in KINDS if kind in gone},
        }
    return found


def made_by(plan: pa.Table) -> dict[str, Any]:
    """What a plan was made by: roots, kinds, radius, decisions; StoreError if it is none."""
    metadata = plan.schema.metadata or {}
    if PLAN_METADATA not in metadata:
        raise StoreError("this is no plan of fastphash clean: make it again")
    try:
        found: dict[str, Any] = json.loads(metadata[PLAN_METADATA])
        damaged = [name for name, kind in _MADE.items() if not isinstance(found[name], kind)]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{PLAN} is damaged, plan again: {error!r}") from error
    if damaged:
        raise StoreError(f"{PLAN} is damaged, plan again: {damaged[0]}={found[damaged[0]]!r}")
    return found
