"""The columns of label conflicts; light, for those that only read them."""

import pyarrow as pa

from fastphash.files.parquet import NAME_TYPE

#: Columns that may be missing: exact names that are not UTF-8.
EXACT_NAMES = ("path_bytes", "keeper_path_bytes")
CONFLICTS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("label", pa.string()),
        ("keeper_split", NAME_TYPE),
        ("keeper_path", pa.string()),
        ("keeper_label", pa.string()),
        ("kind", NAME_TYPE),
        ("distance", pa.uint8()),
        ("orientation", NAME_TYPE),
        ("source", NAME_TYPE),
        ("iou", pa.float32()),
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]
)
