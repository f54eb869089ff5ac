"""The folder of an audit: its files, and reading them."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import KINDS, SURE_KINDS
from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.files.digest import content_digest, hex_digest_of
from fastphash.joins.low_quality import poor_rows
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA, EXACT_NAMES
from fastphash.labels.masks import left_out
from fastphash.results.schemas import GROUPS_SCHEMA, LEAKS_SCHEMA, LOOKED, PARTS
from fastphash.results.summary_values import with_all_kinds, wrong_value
from fastphash.sources.protocol import Reader
from fastphash.sources.readers import reader_at
from fastphash.store.open import open_rows
from fastphash.store.rows import HashTable
from fastphash.store.schema import REJECTED_SCHEMA
from fastphash.store.store import AUDIT_STORE, Store, is_store, open_store
from fastphash.store.stored_rows import StoredRows

if TYPE_CHECKING:
    from fastphash.verification.findings import Findings

HASHES = AUDIT_STORE
GROUPS = "groups.parquet"
LEAKS = "leaks.parquet"
#: Only if something was found about pairs that their thumbnails alone don't tell.
FINDINGS = "findings.parquet"
REJECTED = "rejected.parquet"
REJECTED_CSV = "rejected.csv"
#: Only if the audit compared labels.
CONFLICTS = "conflicts.parquet"
#: Only if the audit compared annotations: entries that can't be used.
REJECTED_ANNOTATIONS = "rejected_annotations.parquet"
REPORT = "report.html"
#: Only after `fastphash evaluate`.
EVALUATION = "evaluation"
SUMMARY = "summary.json"
#: The files beside summary.json, by their names in it.
FILES = {
    "hashes": HASHES,
    "groups": GROUPS,
    "leaks": LEAKS,
    "rejected": REJECTED,
    "rejected_csv": REJECTED_CSV,
    "report": REPORT,
}

RUN_AGAIN = "run the audit again"
#: Columns that are never null.
NEEDED_OF_LEAKS = ("needle_split", "needle_path", "haystack_split", "haystack_path", "kind")
NEEDED_OF_CONFLICTS = ("split", "path", "keeper_split", "keeper_path")
NEEDED_OF_GROUPS = ("group", "split", "path", "role", "keeper_split", "keeper_path")
_TABLES = ((GROUPS, GROUPS_SCHEMA), (LEAKS, LEAKS_SCHEMA))
# audits of earlier versions have no findings or looks, and no columns for them
_ADDED = frozenset(name for name, _ in (*PARTS, LOOKED))


@dataclass(frozen=True)
class AuditFolder:
    """The results of an audit. Tables are read when they are first asked for.

    Attributes
    ----------
    folder : Path
    summary : dict
        What summary.json holds.
    store : Store
        The hashes that the results are of.
    splits : list of str
        The splits that were audited; the store may hold others.
    leaks : pyarrow.Table
        Images with a match in another split, as in leaks.parquet.
    groups : pyarrow.Table
        Copies with their keepers, as in groups.parquet.
    conflicts : pyarrow.Table
        Copies whose labels differ from their keeper's, as in conflicts.parquet; no rows if no
        labels were compared.
    rejected : pyarrow.Table
        Inputs without a hash, as in rejected.parquet.
    report : Path
        The page to open in a browser.
    """

    folder: Path
    summary: dict[str, Any]
    store: Store

    def __repr__(self) -> str:
        """Where it lies, and what was audited: a notebook shows it, and the summary is long."""
        return f"{type(self).__name__}({str(self.folder)!r}, splits={self.splits})"

    @property
    def splits(self) -> list[str]:
        """Names of the splits that were audited; the store may hold others."""
        return list(self.summary["splits"])

    @cached_property
    def groups(self) -> pa.Table:
        """Copies with their keepers: `GROUPS_SCHEMA`, of earlier versions less."""
        return read_groups(self.folder)

    @cached_property
    def leaks(self) -> pa.Table:
        """Images with a match in another split: `LEAKS_SCHEMA`."""
        return _read(self.folder / LEAKS, LEAKS_SCHEMA, NEEDED_OF_LEAKS)

    @cached_property
    def conflicts(self) -> pa.Table:
        """Copies with another label than their keeper's: `CONFLICTS_SCHEMA`."""
        return read_conflicts(self.folder)

    @cached_property
    def rejected(self) -> pa.Table:
        """Inputs without a hash: `REJECTED_SCHEMA`."""
        return _read(self.folder / REJECTED, REJECTED_SCHEMA, ("split", "path", "stage", "reason"))

    @cached_property
    def rows(self) -> HashTable:
        """Every hashed image of the audited splits, in the store's order."""
        return read_splits(self.folder, self.splits, self.algorithm)

    @property
    def algorithm(self) -> str:
        """The algorithm whose hashes were compared."""
        return str(self.summary["hash"])

    @cached_property
    def findings(self) -> "Findings":
        """What was found about pairs of `rows`.

        StoreError if the file of it is missing, or is not the one that the audit wrote.
        """
        # these import kernels, which are slow to load
        from fastphash.results.finding_table import read_findings
        from fastphash.verification.findings import NO_FINDINGS

        # audits of earlier versions have neither
        digest = self.summary.get("findings", "")
        if not digest and "findings" not in self.summary.get("files", {}):
            return NO_FINDINGS
        return read_findings(self.folder / FINDINGS, digest, self.rows)

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / REPORT

    def count_leaks(self, kinds: Sequence[str] = SURE_KINDS) -> dict[str, int]:
        """How many images of each split leak by one of these kinds, or by decision.

        An image counts once, by its strongest copy. Splits without any are left out, so that
        ``assert not audit.count_leaks()`` stops a pipeline.
        """
        # it imports kernels, which are slow to load
        from fastphash.results.verdict import count_leaks

        for kind in kinds:
            if kind not in KINDS:
                raise UsageError(f"no kind {kind!r}: use some of {', '.join(KINDS)}")
        return count_leaks(self.summary, kinds)

    def reader(self, split: str) -> Reader:
        """The reader of a split's images."""
        origin = self.store.origins.get(split)
        return reader_at(os.fsencode(self.store.roots[split]), origin)

    def in_containers(self, split: str) -> bool:
        """Whether the images of a split lie in containers."""
        return split in self.store.origins

    def file(self, split: str, path: bytes) -> bytes:
        """Absolute name of an image's file; `path` is exact, and relative to the split's root."""
        return os.path.join(os.fsencode(self.store.roots[split]), path)


def read_groups(folder: Path, columns: list[str] | None = None) -> pa.Table:
    """Columns of the groups of an audit: `GROUPS_SCHEMA`, of earlier versions less."""
    return _read(folder / GROUPS, GROUPS_SCHEMA, NEEDED_OF_GROUPS, columns)


def read_conflicts(folder: Path, columns: list[str] | None = None) -> pa.Table:
    """Columns of the label conflicts of an audit: `CONFLICTS_SCHEMA`, perhaps without exact names.

    There are no rows if the audit compared no labels.
    """
    path = folder / CONFLICTS
    if not path.exists():
        empty = CONFLICTS_SCHEMA.empty_table()
        return empty if columns is None else empty.select(columns)
    return _read(path, CONFLICTS_SCHEMA, NEEDED_OF_CONFLICTS, columns, optional=EXACT_NAMES)


def _read(
    path: Path,
    schema: pa.Schema,
    needed: Collection[str],
    columns: list[str] | None = None,
    optional: Collection[str] = _ADDED,
) -> pa.Table:
    """Columns of a table of results."""
    return parquet.read_fitting(
        path, schema, columns, advice=RUN_AGAIN, needed=needed, optional=optional
    )


def sign(summary: dict[str, Any], folder: Path, tables: Iterable[str]) -> None:
    """Add the digests of the tables that an audit has written, and its own, to a summary."""
    summary["tables"] = {name: hex_digest_of(folder / name) for name in tables}
    summary["digest"] = content_digest(summary)


def _check_tables(folder: Path, summary: dict[str, Any]) -> None:
    """Raise StoreError if a table isn't the one that the audit wrote; earlier ones don't say."""
    for name, digest in summary.get("tables", {}).items():
        path = folder / name
        if path.exists() and hex_digest_of(path) != digest:
            raise StoreError(f"{path} is not as the audit wrote it: {RUN_AGAIN}")


def read_splits(folder: Path, splits: list[str], algorithm: str | None = None) -> HashTable:
    """Every hashed image of these splits; the store in the folder may hold others.

    `algorithm` is that of `fastphash.store.open.read_hashes`.
    """
    stored = stored_splits(folder, splits, algorithm)
    table = parquet.concat(stored.schema, stored.tables())
    parquet.release_memory()
    return HashTable(table, stored.definition, stored.store)


def stored_splits(folder: Path, splits: Sequence[str], algorithm: str | None = None) -> StoredRows:
    """The same, to be read part by part."""
    every = open_rows(folder / HASHES, None, algorithm, everything=True)
    others = [split for split in every.store.roots if split not in splits]
    return StoredRows(every.store, every.definition, None, others)


def were_compared(rows: HashTable, summary: dict[str, Any]) -> NDArray[np.bool_]:
    """Whether an audit compared each row, bool (n,): not masks, nor what has too little quality."""
    masks = [
        (one["split"], one["folder"], one["marked"]) for one in summary["masks"] if one["left_out"]
    ]
    compared = ~left_out(rows, masks)
    low_quality = summary.get("low_quality")  # audits of earlier versions have none
    if low_quality:
        chosen = np.flatnonzero(compared)
        compared[chosen] = ~poor_rows(rows.take(chosen), low_quality["min_quality"])
    return compared


def audit_at(folder: Path) -> Path:
    """The folder of the audit that a folder stands for: itself, or that which has it as store."""
    if is_store(folder) and not is_store(folder / HASHES):
        parent = folder.absolute().parent if folder.name in ("", "..") else folder.parent
        if (parent / HASHES).exists() and (parent / HASHES).samefile(folder):
            return parent
    return folder


def open_audit(folder: Path) -> AuditFolder:
    """Open the folder of an audit, given that or the store in it.

    Raises
    ------
    UsageError
        The folder doesn't exist, or holds no audit.
    StoreError
        The audit didn't come to its end, it has no images, or its hashes have changed since.
    """
    folder = audit_at(folder)
    if not folder.exists():
        raise UsageError(f"no such audit: {str(folder)!r}")
    if not is_store(folder / HASHES):
        instead = ", but a store of hashes" if is_store(folder) else ""
        raise UsageError(
            f"{str(folder)!r} is no audit{instead}: name a folder that `fastphash audit` has made"
        )
    store = open_store(folder / HASHES)
    if not (folder / SUMMARY).is_file():
        if not (store.parts or store.unfinished):
            raise StoreError(
                f"the audit in {str(folder)!r} has no images: all files were rejected, see "
                f"{folder / REJECTED_CSV}"
            )
        raise StoreError(f"the audit in {str(folder)!r} didn't come to its end: run it again")
    summary = read_summary(folder)
    if summary.get("store") != store.digest:
        raise StoreError(
            f"the hashes in {str(folder)!r} are not those that were audited: run the audit again"
        )
    if any(_lacks_columns(folder / name, schema) for name, schema in _TABLES):
        raise _of_older_version(folder)
    _check_tables(folder, summary)
    return AuditFolder(folder, summary, store)


def _lacks_columns(path: Path, schema: pa.Schema) -> bool:
    """Whether a table is there, but without a column that it has today."""
    needed = {*schema.names} - _ADDED
    return path.exists() and not needed <= {*parquet.read_schema(path).names}


def read_summary(folder: Path) -> dict[str, Any]:
    """What summary.json holds, with 0 for kinds that an earlier version didn't know.

    StoreError if it isn't as the audit wrote it, or says what no audit says.
    """
    path = folder / SUMMARY
    summary = atomic.read_json(path)
    if not isinstance(summary, dict):
        raise StoreError(f"{path} holds no summary of an audit: {RUN_AGAIN}")
    # earlier versions wrote no digest
    if summary.get("digest", "") not in ("", content_digest(summary)):
        raise StoreError(f"{path} is not as the audit wrote it: {RUN_AGAIN}")
    if not {"decisions", "split_order"} <= summary.keys():
        raise _of_older_version(folder)
    if wrong := wrong_value(summary):
        raise StoreError(f"{path}: {wrong}, which no audit says: {RUN_AGAIN}")
    return with_all_kinds(summary)


def _of_older_version(folder: Path) -> StoreError:
    return StoreError(f"the audit in {str(folder)!r} is of an older version: run it again")
