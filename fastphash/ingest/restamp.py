"""Rows whose files have the bytes that they had, but another stamp or key."""

import numpy as np
import pyarrow as pa

from fastphash.ingest.tables import key_column, stamp_columns
from fastphash.sources.protocol import Stamp


def restamp(table: pa.Table, stamps: dict[int, Stamp], keys: dict[int, bytes]) -> pa.Table:
    """The same rows of a store, some of them with other stamps and keys, by row."""
    if not stamps:
        return table
    rows = np.arange(table.num_rows)
    # each row from the table, or from the new stamps behind it
    rows[list(stamps)] = table.num_rows + np.arange(len(stamps))
    columns = stamp_columns(list(stamps.values()))
    columns["key"] = key_column([keys[row] for row in stamps])
    for name, column in columns.items():
        both = pa.chunked_array([*table[name].chunks, column]).take(rows)
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), both.combine_chunks())
    return table
