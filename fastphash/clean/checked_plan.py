"""A plan, which may have been edited, checked against the audit that it was made of."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.vocabulary import (
    ALTERED,
    CROPPED,
    IDENTICAL,
    KINDS,
    NEAR,
    ORIENTATIONS,
    THUMBNAIL_KINDS,
    UNLOOKED,
)
from fastphash.clean.label_rule import read_label_rule
from fastphash.clean.outcome import Skipped
from fastphash.clean.plan import ACTIONS, KEEP, PLAN, PLAN_SCHEMA, REMOVE, plan_settings
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.decisions import decisions_digest, read_steps, resolve
from fastphash.sources.protocol import Reader
from fastphash.store.schema import exact_paths
from fastphash.verify.findings import Findings
from fastphash.verify.looked_pairs import LookedPairs


class CheckedPlan:
    """A plan that agrees with its audit.

    Parameters
    ----------
    audited : AuditFolder
    table : pyarrow.Table
        PLAN_SCHEMA, as `make_plan` makes it; only actions and reasons may have been edited.

    Attributes
    ----------
    splits : object (n,)
        Name of each row's split.
    paths, digests : list of bytes
    keeper : int64 (n,)
        For each row to be removed, its keeper; -1 for the others.

    Raises
    ------
    StoreError
        The plan is damaged, was made of other hashes, decisions or findings, or lists other
        images. Or it removes an image whose keeper doesn't stay, or that is no copy of its keeper
        by decision or by the kinds that the plan was made with. Or it says that somebody looked at
        pixels where nobody did.
    """

    def __init__(self, audited: AuditFolder, table: pa.Table) -> None:
        self.audited = audited
        self.settings = plan_settings(table)
        if self.settings["store"] != audited.store.digest:
            raise StoreError("the audit has changed since the plan was made: plan again")
        if self.settings["decided"] != decisions_digest(audited.folder):
            raise StoreError("something was decided since the plan was made: plan again")
        if self.settings["findings"] != audited.summary.get("findings", ""):
            raise StoreError(
                "the audit was run again since the plan was made, and found other crops or altered "
                "copies: plan again"
            )
        if not table.schema.equals(PLAN_SCHEMA):
            raise StoreError(f"{PLAN} has other columns than a plan: plan again")
        rows = audited.rows.table
        for name in ("split", "path", "path_bytes", "size", "mtime_ns", "digest"):
            if not _decoded(table[name]).equals(_decoded(rows[name])):
                raise StoreError(f"{PLAN} lists other images than the audit ({name}): plan again")
        self.table = table
        self.splits = audited.rows.splits
        self.paths = exact_paths(table).to_pylist()
        self.digests = table["digest"].to_pylist()
        self._looked = LookedPairs.of(audited.findings, audited.rows)
        self.keeper = self._keepers()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def name(self, row: int) -> str:
        """A row's split and path, for people."""
        return repr(f"{self.splits[row]}/{self.paths[row].decode(errors='replace')}")

    def file(self, row: int) -> bytes:
        """Absolute name of a row's file."""
        return self.audited.file(self.splits[row], self.paths[row])

    def reader(self, row: int) -> Reader:
        """What reads a row's file."""
        return self.audited.reader(self.splits[row])

    def digest(self, row: int) -> bytes:
        """XXH3-128 of a row's file as it is now; OSError if it can't be read."""
        return self.reader(row).digest(self.paths[row])

    def skipped(self, row: int, why: str) -> Skipped:
        """A row that is skipped, and why."""
        return Skipped(self.splits[row], self.paths[row], why)

    def _keepers(self) -> NDArray[np.int64]:
        """The keeper of each row that is removed, -1 for the others: int64 (n,)."""
        actions = self.table["action"].to_pylist()
        for row, action in enumerate(actions):
            if action not in ACTIONS:
                raise StoreError(f"{PLAN}: no action {action!r} (row {row}): keep or remove")
        removed = [row for row, action in enumerate(actions) if action == REMOVE]
        table = self.table.take(pa.array(removed, pa.int64()))
        exact = pc.coalesce(table["keeper_path_bytes"], table["keeper_path"].cast(pa.binary()))
        images = list(zip(table["keeper_split"].to_pylist(), exact.to_pylist(), strict=True))
        row_of = dict.fromkeys(images, -1)
        for row, image in enumerate(zip(self.splits.tolist(), self.paths, strict=True)):
            if image in row_of:
                row_of[image] = row
        keeper = np.full(len(self), -1)
        for row, image in zip(removed, images, strict=True):
            keeper[row] = row_of[image]
            if keeper[row] < 0 or actions[keeper[row]] != KEEP:
                raise StoreError(f"{PLAN}: {self.name(row)} would go, but its keeper doesn't stay")
        confirmed = self._confirmed(removed, keeper)
        self._check_copies(table, removed, keeper, confirmed)
        self._check_looks(table, removed, keeper, confirmed)
        self._check_labels(table, removed, keeper)
        return keeper

    def _confirmed(self, removed: list[int], keeper: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether removed rows are copies of their keepers by decision, bool (n,)."""
        rows = np.array(removed, np.int64)
        decided = resolve(read_steps(self.audited.folder), self.audited.rows)
        return np.isin(pair_keys(rows, keeper[rows]), pair_keys(*decided.copies.T))

    def _check_copies(
        self,
        table: pa.Table,
        removed: list[int],
        keeper: NDArray[np.int64],
        confirmed: NDArray[np.bool_],
    ) -> None:
        """Check kinds and distances of removed rows against the hashes and the decisions."""
        rows = self.audited.rows
        index = Index(rows.phashes, rows.known)
        row_of = np.array(removed, np.int64)
        distances, _ = row_distances(index, row_of, index, keeper[row_of])
        found = self._found(row_of, keeper[row_of])
        planned = zip(
            removed,
            table["kind"].to_pylist(),
            table["distance"].to_pylist(),
            distances.tolist(),
            found,
            confirmed.tolist(),
            strict=True,
        )
        for row, kind, distance, real, what, decided in planned:
            kept = int(keeper[row])
            if kind not in KINDS:
                raise StoreError(f"{PLAN}: {self.name(row)} would go without a kind: {kind!r}")
            if what != kind and (what or KINDS.index(kind) in (CROPPED, ALTERED)):
                raise StoreError(
                    f"{PLAN}: {self.name(row)} was found to be {what or 'another kind'}, not {kind}"
                )
            if kind == KINDS[IDENTICAL] and self.digests[row] != self.digests[kept]:
                raise StoreError(f"{PLAN}: {self.name(row)} isn't identical to its keeper")
            if distance != real or (real and KINDS.index(kind) < NEAR and not what):
                raise StoreError(
                    f"{PLAN}: {self.name(row)} is {real} bits from its keeper, not {kind} at "
                    f"distance {distance}"
                )
            within = bool(what) or real <= self.settings["radius"]
            by_kind = kind in self.settings["kinds"] and within
            if not (by_kind or decided):
                raise StoreError(
                    f"{PLAN}: {self.name(row)} would go as {kind} at distance {real}, which the "
                    "plan wasn't made by: plan again with `kinds`"
                )

    def _check_looks(
        self,
        table: pa.Table,
        removed: list[int],
        keeper: NDArray[np.int64],
        confirmed: NDArray[np.bool_],
    ) -> None:
        """Check what is said of looks at pixels, and that nothing goes that needs one."""
        rows = np.array(removed, np.int64)
        looked = self._looked.has(rows, keeper[rows])
        claimed = table["looked"].fill_null(fill_value=False).to_numpy()
        if wrong := np.flatnonzero(claimed & ~looked).tolist():
            raise StoreError(
                f"{PLAN} says that somebody looked at {self.name(removed[wrong[0]])} and its "
                "keeper, which nobody did: plan again"
            )
        if UNLOOKED in self.settings["kinds"]:
            return
        by_thumbnail = pa.array([KINDS[kind] for kind in THUMBNAIL_KINDS])
        needed = pc.is_in(table["kind"].cast(pa.string()), by_thumbnail).to_numpy()
        if unlooked := np.flatnonzero(needed & ~looked & ~confirmed).tolist():
            raise StoreError(
                f"{PLAN}: {self.name(removed[unlooked[0]])} would go, but nobody looked at its "
                f"pixels: plan again, with {UNLOOKED!r} among the kinds if it is to go"
            )

    def _found(self, rows: NDArray[np.int64], kept: NDArray[np.int64]) -> list[str]:
        """The kind that was found of each pair of rows, or of the same contents; empty for none."""
        findings = self.audited.findings
        if not findings.size:
            return [""] * rows.size
        content = self._looked.content
        by_content = Findings.joined([findings._replace(pairs=content[findings.pairs])])
        different = by_content.pairs[:, 0] != by_content.pairs[:, 1]
        by_content = by_content.take(np.flatnonzero(different))
        number = by_content.find(content[rows], content[kept])
        kinds = np.append(by_content.relation.kind, len(KINDS))[number]
        return [(*KINDS, "")[kind] for kind in kinds.tolist()]

    def _check_labels(self, table: pa.Table, removed: list[int], keeper: NDArray[np.int64]) -> None:
        """Check that no removed row's labels disagree with its keeper's."""
        rows = np.array(removed, np.int64)
        turned = pc.index_in(table["orientation"].cast(pa.string()), pa.array(ORIENTATIONS))
        if turned.null_count:
            row = removed[turned.to_pylist().index(None)]
            raise StoreError(f"{PLAN}: {self.name(row)} would go without an orientation")
        labels = read_label_rule(self.audited, self.settings["conflicts"])
        orientation = turned.to_numpy().astype(np.uint8)
        # `_check_copies` has found all of them to be kinds
        kind = pc.index_in(table["kind"].cast(pa.string()), pa.array(KINDS))
        kind = kind.to_numpy().astype(np.uint8)
        apart = np.flatnonzero(labels.apart(keeper[rows], rows, kind, orientation))
        if apart.size:
            raise StoreError(
                f"{PLAN}: {self.name(removed[apart[0]])} would go, but its labels are not those of "
                "its keeper: plan again, with `conflicts` drop if it is to go"
            )


def read_plan(audited: AuditFolder) -> CheckedPlan:
    """The plan in the folder of an audit; UsageError if there is none."""
    path = audited.folder / PLAN
    if not path.exists():
        raise UsageError(f"no plan in {str(audited.folder)!r}: make one first")
    return CheckedPlan(audited, parquet.read_table(path))


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without its dictionary."""
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
