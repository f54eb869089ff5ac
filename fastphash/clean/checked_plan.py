"""A plan, which may have been edited, checked against the audit that it was made of."""

from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    ALTERED,
    CROPPED,
    KINDS,
    NEAR,
    ORIENTATIONS,
    THUMBNAIL_KINDS,
    UNLOOKED,
)
from fastphash.clean.kinds import check_kinds
from fastphash.clean.label_rule import read_label_rule
from fastphash.clean.outcome import Skipped
from fastphash.clean.plan import ACTIONS, KEEP, PLAN, PLAN_SCHEMA, REMOVE, plan_settings
from fastphash.clean.planned_pairs import PlannedPairs, compare_planned
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.results.audit_folder import AuditFolder, were_compared
from fastphash.results.decisions import decisions_digest
from fastphash.sources.member_paths import split_path
from fastphash.sources.origins import Origin, origin_of
from fastphash.sources.protocol import Reader
from fastphash.store.schema import exact_paths

# a person's own wish
_INSTEAD = "decide in `fastphash inspect` what goes beyond it, and plan again"


class CheckedPlan:
    """A plan that agrees with its audit.

    Parameters
    ----------
    audited : AuditFolder
    table : pyarrow.Table
        PLAN_SCHEMA, as `make_plan` makes it; only actions and reasons may have been edited.
    drop_rejected : bool
        Whether what gave no hash goes from containers, too. Otherwise it stays.

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
        The plan is damaged, was made of other hashes, decisions or findings, with another radius
        than the audit, or lists other images. Or it removes an image whose keeper doesn't stay, or
        that is no copy of its keeper by decision, or by the kinds that the plan was made with: the
        two are compared again. Or it says that somebody looked at pixels where nobody did.
    """

    def __init__(
        self, audited: AuditFolder, table: pa.Table, *, drop_rejected: bool = False
    ) -> None:
        self.audited = audited
        self.drop_rejected = drop_rejected
        self.settings = plan_settings(table)
        # plans of earlier versions name the digest of the whole store
        if self.settings["store"] not in (audited.store.hashes_digest, audited.store.digest):
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
        self._check_settings()
        self.keeper = self._keepers()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def name(self, row: int) -> str:
        """A row's split and path, for people."""
        return repr(f"{self.splits[row]}/{self.paths[row].decode(errors='replace')}")

    def file(self, row: int) -> bytes:
        """Absolute name of a row's file."""
        return self.audited.file(self.splits[row], self.paths[row])

    def container(self, row: int) -> bytes:
        """Absolute name of what holds a row's image: its container, or its file."""
        if not self.in_containers[row]:
            return self.file(row)
        return self.audited.file(self.splits[row], split_path(self.paths[row])[0])

    def reader(self, row: int) -> Reader:
        """What reads a row's file."""
        return self.audited.reader(self.splits[row])

    def digest(self, row: int) -> bytes:
        """XXH3-128 of a row's file as it is now; OSError if it can't be read."""
        return self.reader(row).digest(self.paths[row])

    @cached_property
    def in_containers(self) -> NDArray[np.bool_]:
        """Whether each row's image lies in a container: bool (n,)."""
        return np.isin(self.splits, self.container_splits)

    @property
    def container_splits(self) -> list[str]:
        """The splits whose images lie in containers."""
        return [split for split in self.audited.splits if self.audited.in_containers(split)]

    def origin(self, split: str) -> Origin:
        """What the store remembers of the containers of a split of them."""
        origin = origin_of(self.audited.store.origins[split])
        assert origin is not None
        return origin

    def rejected_paths(self, split: str) -> list[bytes]:
        """Exact paths of a split's inputs that gave no hash."""
        rejected = self.audited.rejected
        names = zip(rejected["split"].to_pylist(), exact_paths(rejected).to_pylist(), strict=True)
        return [path for of_split, path in names if of_split == split]

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
            if keeper[row] < 0:
                raise StoreError(
                    f"{PLAN}: {self.name(row)} is to be removed, but its keeper is no image of "
                    f"this plan: set its action to {KEEP}, or plan again"
                )
            if actions[keeper[row]] != KEEP:
                raise StoreError(
                    f"{PLAN}: {self.name(row)} and its keeper {self.name(keeper[row])} are both to "
                    f"be removed: set the action of one of them to {KEEP}, or plan again"
                )
        rows = np.array(removed, np.int64)
        pairs = compare_planned(self.audited, rows, keeper[rows])
        self._check_copies(table, pairs)
        self._check_looks(table, pairs)
        self._check_labels(pairs)
        return keeper

    def _check_settings(self) -> None:
        """Check that the plan was made by kinds that there are, and by the audit's radius."""
        try:
            kinds = check_kinds(self.settings["kinds"])
        except (UsageError, TypeError) as error:
            raise StoreError(f"{PLAN} is damaged, plan again: {error}") from error
        radius = self.audited.summary["radius"] if KINDS[NEAR] in kinds else 0
        if self.settings["radius"] != radius:
            raise StoreError(
                f"{PLAN} says that it was made with radius {self.settings['radius']}, which is "
                f"{radius} for its kinds in this audit: plan again"
            )

    def _check_copies(self, table: pa.Table, pairs: PlannedPairs) -> None:
        """Check kinds and distances of removed rows against the store and the decisions."""
        taken = pairs.are_taken(self.settings["kinds"], self.settings["radius"])
        taken &= were_compared(self.audited.rows, self.audited.summary)[pairs.row]
        planned = zip(
            pairs.row.tolist(),
            table["kind"].to_pylist(),
            table["distance"].to_pylist(),
            table["orientation"].to_pylist(),
            pairs.relation.kind.tolist(),
            pairs.relation.distance.tolist(),
            pairs.found.tolist(),
            pairs.copies.tolist(),
            taken.tolist(),
            strict=True,
        )
        for row, kind, distance, orientation, real, bits, found, decided, goes in planned:
            if kind not in KINDS:
                raise StoreError(f"{PLAN}: {self.name(row)} would go without a kind: {kind!r}")
            if distance != bits:
                raise StoreError(
                    f"{PLAN}: {self.name(row)} is {bits} bits from its keeper, not {kind} at "
                    f"distance {distance}: plan again"
                )
            claimed = KINDS.index(kind)
            if claimed != real and (found or claimed < real or claimed in (CROPPED, ALTERED)):
                raise StoreError(
                    f"{PLAN}: {self.name(row)} was found to be {KINDS[real]}, not {kind}"
                    f": {_INSTEAD}"
                )
            if orientation not in ORIENTATIONS:
                raise StoreError(f"{PLAN}: {self.name(row)} would go without an orientation")
            if not (goes and (decided or kind in self.settings["kinds"])):
                raise StoreError(
                    f"{PLAN}: {self.name(row)} would go as {kind} at distance {bits}, which "
                    f"the plan wasn't made by: plan again with `kinds`, or {_INSTEAD}"
                )

    def _check_looks(self, table: pa.Table, pairs: PlannedPairs) -> None:
        """Check what is said of looks at pixels, and that nothing goes that needs one."""
        claimed = table["looked"].fill_null(fill_value=False).to_numpy()
        if wrong := pairs.row[claimed & ~pairs.looked].tolist():
            raise StoreError(
                f"{PLAN} says that somebody looked at {self.name(wrong[0])} and its "
                "keeper, which nobody did: plan again"
            )
        if UNLOOKED in self.settings["kinds"]:
            return
        needed = np.isin(pairs.relation.kind, THUMBNAIL_KINDS)
        if unlooked := pairs.row[needed & ~pairs.looked & ~pairs.copies].tolist():
            raise StoreError(
                f"{PLAN}: {self.name(unlooked[0])} would go, but nobody looked at its "
                f"pixels: plan again, with {UNLOOKED!r} among the kinds if it is to go"
            )

    def _check_labels(self, pairs: PlannedPairs) -> None:
        """Check that no removed row's labels disagree with its keeper's."""
        labels = read_label_rule(self.audited, self.settings["conflicts"])
        relation = pairs.relation
        apart = labels.apart(pairs.keeper, pairs.row, relation.kind, relation.orientation)
        if apart.any():
            raise StoreError(
                f"{PLAN}: {self.name(int(pairs.row[apart > 0][0]))} would go, but its labels are "
                "not those of its keeper: plan again, with `conflicts` drop if it is to go"
            )


def read_plan(audited: AuditFolder, *, drop_rejected: bool = False) -> CheckedPlan:
    """The plan in the folder of an audit, as a `CheckedPlan`; UsageError if there is none."""
    path = audited.folder / PLAN
    if not path.exists():
        raise UsageError(f"no plan in {str(audited.folder)!r}: make one first")
    return CheckedPlan(audited, parquet.read_table(path), drop_rejected=drop_rejected)


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without its dictionary."""
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
