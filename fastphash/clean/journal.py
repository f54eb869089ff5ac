"""moved.parquet: where each file is moved, written before the first file is moved."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.files import parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.store.schema import exact_paths, path_columns

JOURNAL = "moved.parquet"
#: A row for each file to be moved; `from` and `to` are absolute names.
JOURNAL_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("from", pa.binary()),
        ("to", pa.binary()),
        ("digest", pa.binary(16)),
    ]
)


def read_destinations(folder: Path) -> dict[tuple[str, bytes], bytes]:
    """The new name of each image in an audit's journal, by split and path."""
    path = folder / JOURNAL
    if not path.exists():
        return {}
    table = parquet.read_table(path)
    splits = table["split"].cast(pa.string()).to_pylist()
    paths = exact_paths(table).to_pylist()
    return dict(zip(zip(splits, paths, strict=True), table["to"].to_pylist(), strict=True))


def write_journal(plan: CheckedPlan, rows: list[int], destinations: list[bytes]) -> None:
    """Add moves to the journal, after the moves of earlier runs; a repeated move is listed once."""
    text, exact = path_columns([plan.paths[row] for row in rows])
    columns = [
        pa.array([plan.splits[row] for row in rows], pa.string()),
        text,
        exact,
        pa.array([plan.file(row) for row in rows], pa.binary()),
        pa.array(destinations, pa.binary()),
        pa.array([plan.digests[row] for row in rows], pa.binary(16)),
    ]
    moves = pa.table(columns, JOURNAL_SCHEMA.names).cast(JOURNAL_SCHEMA)
    path = plan.audited.folder / JOURNAL
    if path.exists():
        earlier = parquet.read_table(path)
        repeated = pc.is_in(earlier["from"], moves["from"]).to_numpy() & pc.is_in(
            earlier["to"], moves["to"]
        )
        earlier = earlier.filter(pa.array(~np.asarray(repeated)))
        moves = parquet.concat(JOURNAL_SCHEMA, [earlier, moves])
    if moves.num_rows:
        parquet.write_table(path, moves)
