"""What an audit wrote, read again."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.sources.local import LocalReader
from fastphash.store.open import read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.store import REJECTED as STORE_REJECTED
from fastphash.store.store import Store, is_store, open_store

HASHES = "hashes"
GROUPS = "groups.parquet"
LEAKS = "leaks.parquet"
REJECTED = "rejected.parquet"
#: Only of an audit that looked at labels.
CONFLICTS = "conflicts.parquet"
REPORT = "report.html"
#: Only where `fastphash evaluate` has been.
EVALUATION = "evaluation"
SUMMARY = "summary.json"
#: What summary.json calls the files beside it.
FILES = {
    "hashes": HASHES,
    "groups": GROUPS,
    "leaks": LEAKS,
    "rejected": REJECTED,
    "report": REPORT,
}


@dataclass(frozen=True)
class AuditFolder:
    """The folder of an audit; tables are read when they are first asked for.

    Attributes
    ----------
    folder : Path
    summary : dict
        What summary.json holds.
    store : Store
        The hashes that the results are of.
    """

    folder: Path
    summary: dict[str, Any]
    store: Store

    @property
    def splits(self) -> list[str]:
        """Names of the splits that were audited; the store may hold others."""
        return list(self.summary["splits"])

    @cached_property
    def groups(self) -> pa.Table:
        """Copies with their keepers: `results.GROUPS_SCHEMA`."""
        return parquet.read_table(self.folder / GROUPS)

    @cached_property
    def leaks(self) -> pa.Table:
        """Images that are in another split too: `results.LEAKS_SCHEMA`."""
        return parquet.read_table(self.folder / LEAKS)

    @cached_property
    def rejected(self) -> pa.Table:
        """Inputs without a hash: `store.REJECTED_SCHEMA`."""
        return parquet.read_table(self.folder / REJECTED)

    @cached_property
    def rows(self) -> HashTable:
        """Every hashed image of the audited splits, in the store's order."""
        everything = read_hashes(str(self.folder / HASHES))
        return everything.take(np.flatnonzero(np.isin(everything.splits, self.splits)))

    def reader(self, split: str) -> LocalReader:
        """What reads the images of a split."""
        return LocalReader(os.fsencode(self.store.roots[split]))

    def file(self, split: str, path: bytes) -> bytes:
        """Absolute name of the file of an image, by its exact name in the split."""
        return os.path.join(os.fsencode(self.store.roots[split]), path)


def open_audit(folder: Path) -> AuditFolder:
    """Open the folder of an audit.

    Raises
    ------
    UsageError
        Nothing there, or no audit.
    StoreError
        The audit didn't come to its end, or has no images, or its hashes have changed since.
    """
    if not folder.exists():
        raise UsageError(f"no such audit: {str(folder)!r}")
    if not is_store(folder / HASHES):
        raise UsageError(f"{str(folder)!r} is no audit: fastphash audit ... -o {folder} makes one")
    store = open_store(folder / HASHES)
    if not (folder / SUMMARY).is_file():
        if not (store.parts or store.unfinished):
            raise StoreError(
                f"the audit in {str(folder)!r} has no images: all files were rejected, see "
                f"{folder / HASHES / STORE_REJECTED}"
            )
        raise StoreError(f"the audit in {str(folder)!r} didn't come to its end: run it again")
    summary = atomic.read_json(folder / SUMMARY)
    if not isinstance(summary, dict) or summary.get("store") != store.digest:
        raise StoreError(
            f"the hashes in {str(folder)!r} are not those that were audited: run the audit again"
        )
    if "min_score" not in summary:
        raise StoreError(f"the audit in {str(folder)!r} is of an older version: run it again")
    return AuditFolder(folder, summary, store)
