"""What the store knows of the rows of groups."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.errors import StoreError
from fastphash.inspector.columns import GroupColumns, encode_names
from fastphash.inspector.name_index import NameIndex
from fastphash.results.audit_folder import GROUPS, AuditFolder
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths
from fastphash.store.store import Part, Store

_COLUMNS = ["split", "path", "path_bytes", "size", "digest", "width", "height"]


class Details(NamedTuple):
    """Files and digests of the rows of groups.

    Attributes
    ----------
    size : int64 (n,)
        Bytes of the audited file.
    width, height : int32 (n,)
        Pixels; 0 where they aren't known.
    digest : uint64 (n, 2)
        XXH3-128 of the file.
    store_row : int32 (n,)
        Row of the store, counted through all parts.
    """

    size: NDArray[np.int64]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    digest: NDArray[np.uint64]
    store_row: NDArray[np.int32]


def read_details(
    audited: AuditFolder, columns: GroupColumns, index: NameIndex, progress: Progress
) -> Details:
    """Read the details of all rows of groups; StoreError if the store lacks one of them."""
    n = columns.rows
    details = Details(
        np.zeros(n, np.int64),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros((n, 2), np.uint64),
        np.full(n, -1, np.int32),
    )
    start = 0
    parts = audited.store.parts
    for number, part in enumerate(parts):
        if not part.splits or set(part.splits).intersection(columns.splits):
            _fill_in(details, part, start, audited.store, index, columns.splits)
        start += part.rows
        progress("reading", number + 1, len(parts))
    if (details.store_row < 0).any():
        raise StoreError(
            f"{audited.folder / GROUPS} names images that the hashes beside it don't: "
            "run the audit again"
        )
    return details


def _fill_in(
    details: Details,
    part: Part,
    start: int,
    store: Store,
    index: NameIndex,
    splits: list[str],
) -> None:
    """Fill in what one part knows of rows of groups; its first row is row `start` of the store."""
    table = store.read_part(part, _COLUMNS)
    split = encode_names(table["split"], splits)
    rows = index.find_codes(split, exact_paths(table).combine_chunks().to_pylist())
    in_groups = np.flatnonzero(rows >= 0)
    rows = rows[in_groups]
    table = table.take(pa.array(in_groups))
    for name in ("size", "width", "height"):
        getattr(details, name)[rows] = table[name].fill_null(0).to_numpy()
    digests = HashTable(table, store.definition).digests
    if digests is not None:
        details.digest[rows] = digests
    details.store_row[rows] = start + in_groups
