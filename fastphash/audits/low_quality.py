"""Images whose hashes have too little quality to be compared: pictures that are flat."""

from typing import Any

import numpy as np

from fastphash.files.parquet import count_values
from fastphash.joins.low_quality import poor_rows
from fastphash.store.rows import HashTable


def leave_out_poor(rows: HashTable, least: int) -> tuple[HashTable, dict[str, Any] | None]:
    """The rows without the poor ones, and what summary.json says of these.

    None of hashes that have no quality.
    """
    if rows.algorithm.quality_column is None:
        return rows, None
    poor = poor_rows(rows, least)
    counts = count_values(rows.take(np.flatnonzero(poor)).table["split"])
    summary = {"min_quality": least, "images": counts}
    return (rows.take(np.flatnonzero(~poor)) if poor.any() else rows), summary
