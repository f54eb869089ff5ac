"""Copies whose labels disagree with their keepers'."""

from typing import NamedTuple

import numpy as np

from fastphash.files import parquet
from fastphash.inspector.catalog import Catalog
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA, EXACT_NAMES
from fastphash.results.audit_folder import CONFLICTS, RUN_AGAIN
from fastphash.store.schema import exact_paths

_COLUMNS = ["group", "split", "path", "label", "keeper_label", "source", "path_bytes"]


class LabelConflict(NamedTuple):
    """Labels of a copy and of its keeper that disagree.

    Attributes
    ----------
    label, keeper_label : str
    source : str
        What the labels come from; empty if it isn't known.
    """

    label: str
    keeper_label: str
    source: str


class LabelConflicts:
    """The label conflicts of an audit, as OUT/conflicts.parquet lists them.

    Parameters
    ----------
    catalog : Catalog

    Raises
    ------
    StoreError
        The file lacks a column.

    Attributes
    ----------
    exist : bool
        Whether there is such a file.
    of_group : bool (groups,)
        Whether a group has conflicts.
    """

    def __init__(self, catalog: Catalog) -> None:
        path = catalog.audited.folder / CONFLICTS
        self.exist = path.is_file()
        self.of_group = np.zeros(len(catalog), np.bool_)
        self._rows = np.empty(0, np.int64)
        if not self.exist:
            return
        table = parquet.read_fitting(
            path,
            CONFLICTS_SCHEMA,
            _COLUMNS,
            advice=RUN_AGAIN,
            needed=("split", "path"),
            optional=(*EXACT_NAMES, "source"),
        )
        rows = catalog.find_names(table["split"].to_pylist(), exact_paths(table).to_pylist())
        known = np.flatnonzero(rows >= 0)
        known = known[np.argsort(rows[known], kind="stable")]
        self._rows = rows[known]
        self._table = table.take(known)
        groups = np.searchsorted(catalog.columns.starts, self._rows, "right") - 1
        self.of_group[groups] = True

    def of_row(self, row: int) -> list[LabelConflict]:
        """The conflicts of one copy with its keeper."""
        first, end = np.searchsorted(self._rows, [row, row + 1])
        if first == end:
            return []
        entries = self._table.slice(first, end - first).to_pylist()
        return [
            LabelConflict(
                str(entry["label"]), str(entry["keeper_label"]), str(entry.get("source") or "")
            )
            for entry in entries
        ]
