"""pairs.parquet of an evaluation: a row for each pair that was compared or is listed."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.evaluation.judging import STATUS_TRUE, STATUSES, JudgedPairs
from fastphash.evaluation.losses import LOSSES, NOT_LOST, REJECTED
from fastphash.evaluation.truth import Truth
from fastphash.files.parquet import NAME_TYPE
from fastphash.results.schemas import RELATION, coded, relation_columns, row_names
from fastphash.store.rows import HashTable
from fastphash.store.schema import path_columns

JUDGED_SCHEMA = pa.schema(
    [
        ("status", NAME_TYPE),
        ("accused", pa.bool_()),
        ("lost_by", NAME_TYPE),
        ("listed_as", pa.string()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("other_split", NAME_TYPE),
        ("other_path", pa.string()),
        *RELATION,
        ("path_bytes", pa.binary()),
        ("other_path_bytes", pa.binary()),
    ]
)


def judged_table(judged: JudgedPairs, rows: HashTable, truth: Truth) -> pa.Table:
    """Judged pairs as `JUDGED_SCHEMA`."""
    size = judged.left.size
    has_name = judged.listing >= 0 if truth.kinds else np.zeros(size, np.bool_)
    listed_as = np.full(size, None, object)
    listed_as[has_name] = np.array(truth.kinds, object)[judged.listing[has_name]]
    left, right = row_names(rows, judged.left), row_names(rows, judged.right)
    not_lost = judged.loss == NOT_LOST
    columns = [
        coded(judged.status, STATUSES),
        pa.array(judged.accused),
        coded(np.where(not_lost, 0, judged.loss), LOSSES, not_lost),
        pa.array(listed_as, pa.string()),
        *left[:2],
        *right[:2],
        *relation_columns(judged.relation),
        left[2],
        right[2],
    ]
    return pa.table(columns, schema=JUDGED_SCHEMA)


def rejected_table(rows: HashTable, truth: Truth) -> pa.Table:
    """Listed pairs with a rejected image as `JUDGED_SCHEMA`."""
    listing = np.flatnonzero(truth.pairs[:, 1] >= len(rows))
    image = _images(rows, truth, np.unique(truth.pairs[listing]))
    columns: dict[str, Any] = {
        "status": [STATUSES[STATUS_TRUE]] * listing.size,
        "accused": [False] * listing.size,
        "lost_by": [LOSSES[REJECTED]] * listing.size,
    }
    if truth.kinds:
        columns["listed_as"] = [truth.kinds[i] for i in listing]
    for prefix, numbers in zip(("", "other_"), truth.pairs[listing].T.tolist(), strict=True):
        columns[f"{prefix}split"] = [image[number][0] for number in numbers]
        columns[f"{prefix}path"], columns[f"{prefix}path_bytes"] = path_columns(
            [image[number][1] for number in numbers]
        )
    nulls = pa.nulls(listing.size)
    return pa.table(
        [columns.get(name, nulls) for name in JUDGED_SCHEMA.names], JUDGED_SCHEMA.names
    ).cast(JUDGED_SCHEMA)


def _images(
    rows: HashTable, truth: Truth, numbers: NDArray[np.int64]
) -> dict[int, tuple[str, bytes]]:
    """Split and path of images by their number in the truth: of these, and of all rejected ones."""
    hashed = numbers[numbers < len(rows)]
    paths = rows.paths.take(pa.array(hashed)).to_pylist()
    names = zip(rows.splits[hashed], paths, strict=True)
    images = dict(zip(hashed.tolist(), names, strict=True))
    return images | {len(rows) + i: name for i, name in enumerate(truth.rejected)}
