"""findings.parquet: what an audit found about pairs that their thumbnails alone don't tell."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    COLOURS,
    KINDS,
    ORIENTATIONS,
    OTHER_PIXELS,
    SAME_PIXELS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
)
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.digest import hex_digest_of
from fastphash.results.schemas import (
    FINDINGS_SCHEMA,
    SIDES,
    boxes_of_text,
    part_columns,
    relation_columns,
    row_names,
)
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths, image_keys
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import Findings


def findings_table(findings: Findings, rows: HashTable) -> pa.Table:
    """What was found about pairs of these rows: `FINDINGS_SCHEMA`."""
    left, right = findings.pairs.T
    *needle_names, needle_bytes = row_names(rows, left)
    *haystack_names, haystack_bytes = row_names(rows, right)
    columns = [
        *needle_names,
        *haystack_names,
        *relation_columns(findings.relation),
        *part_columns(findings, left, right, SIDES),
        pa.array(findings.looked),
        needle_bytes,
        haystack_bytes,
    ]
    return pa.table(columns, schema=FINDINGS_SCHEMA)


def read_findings(path: Path, digest: str, rows: HashTable) -> Findings:
    """What a file says was found about pairs of these rows.

    Parameters
    ----------
    path : Path
    digest : str
        XXH3-128 of the file as the audit wrote it, in hexadecimal digits.
    rows : HashTable
        Those that were audited, in any order.

    Raises
    ------
    StoreError
        The file is missing, is not the one that the audit wrote, or names what this version
        doesn't know.
    """
    try:
        unchanged = hex_digest_of(path) == digest
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: run the audit again") from None
    except OSError as error:
        raise StoreError(f"can't read {path}: {error.strerror}") from error
    if not unchanged:
        raise StoreError(f"{path} is not as the audit wrote it: run the audit again")
    table = parquet.read_table(path)
    # other versions may have written what this one doesn't know
    if not table.schema.equals(FINDINGS_SCHEMA):
        raise StoreError(f"{path} has other columns than findings: run the audit again")
    found = Findings(
        np.stack([_find_rows(table, side, rows) for side in SIDES], axis=1),
        _relation(table),
        boxes_of_text(table["window"]),
        _codes(table["window_of"], SIDES, 0).astype(np.uint8),
        boxes_of_text(table["place"]),
        table["looked"].to_numpy(),
    )
    if (found.pairs < 0).any() or (found.relation.kind >= len(KINDS)).any():
        raise StoreError(
            f"{path} names images or kinds that the audit doesn't know: run the audit again"
        )
    return Findings.joined([found])


def _find_rows(table: pa.Table, side: str, rows: HashTable) -> NDArray[np.int64]:
    """The row of each image of one side, -1 for an unknown one."""
    names = table.select([f"{side}_split", f"{side}_path", f"{side}_path_bytes"])
    names = names.rename_columns(["split", "path", "path_bytes"])
    wanted = image_keys(names["split"], exact_paths(names))
    found = pc.index_in(wanted, image_keys(rows.table["split"], rows.paths))
    places: NDArray[np.int64] = found.fill_null(-1).to_numpy().astype(np.int64)
    return places


def _relation(table: pa.Table) -> Relation:
    same_pixels = table["same_pixels"]
    codes = pc.if_else(same_pixels, SAME_PIXELS, OTHER_PIXELS).fill_null(UNKNOWN_PIXELS)
    unknown = np.float32(np.nan)
    return Relation(
        _codes(table["kind"], KINDS, len(KINDS)).astype(np.uint8),
        table["distance"].to_numpy(),
        _codes(table["orientation"], ORIENTATIONS, 0).astype(np.uint8),
        table["score"].fill_null(unknown).to_numpy(),
        _codes(table["colour"], COLOURS, UNKNOWN_COLOUR).astype(np.uint8),
        table["colour_distance"].fill_null(unknown).to_numpy(),
        codes.to_numpy().astype(np.uint8),
    )


def _codes(column: pa.ChunkedArray, names: tuple[str, ...], missing: int) -> NDArray[np.int64]:
    """Indices of a column of names, `missing` for null and for unknown names."""
    found = pc.index_in(column.cast(pa.string()), pa.array(names, pa.string()))
    codes: NDArray[np.int64] = found.fill_null(missing).to_numpy().astype(np.int64)
    return codes
