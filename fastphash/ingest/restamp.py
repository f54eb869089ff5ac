"""Rows whose files have the bytes that they had, but another stamp."""

import numpy as np
import pyarrow as pa

from fastphash.ingest.tables import stamp_columns
from fastphash.sources.protocol import Stamp


def restamp(table: pa.Table, stamps: dict[int, Stamp]) -> pa.Table:
    """The same rows of a store, some of them with other stamps, by row."""
    if not stamps:
        return table
    rows = np.arange(table.num_rows)
    # each row from the table, or from the new stamps behind it
    rows[list(stamps)] = table.num_rows + np.arange(len(stamps))
    for name, column in stamp_columns(list(stamps.values())).items():
        both = pa.chunked_array([*table[name].chunks, column]).take(rows)
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), both.combine_chunks())
    return table
