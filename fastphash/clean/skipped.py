"""skipped.parquet: the images that the last run left as they were."""

import contextlib
from collections.abc import Iterator

import pyarrow as pa

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.outcome import Applied
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.store.schema import path_columns

SKIPPED = "skipped.parquet"
SKIPPED_SCHEMA = pa.schema([("split", NAME_TYPE), ("path", pa.string()), ("why", pa.string())])


@contextlib.contextmanager
def recorded(plan: CheckedPlan, applied: Applied) -> Iterator[None]:
    """Write skipped.parquet before the block and again after it, even if the block fails.

    Raises
    ------
    StoreError
        The file can't be written; the block isn't entered.
    """
    path = plan.audited.folder / SKIPPED
    try:
        parquet.write_table(path, _table(applied))
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    try:
        yield
    finally:
        parquet.write_table(path, _table(applied))


def _table(applied: Applied) -> pa.Table:
    files = applied.not_as_planned
    splits, paths, whys = zip(*files, strict=True) if files else ((), (), ())
    columns = [pa.array(splits, pa.string()), path_columns(list(paths))[0], pa.array(whys)]
    return pa.table(columns, SKIPPED_SCHEMA.names).cast(SKIPPED_SCHEMA)
