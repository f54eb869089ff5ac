"""Whether rows of a stream are, some at a time, what they are among all."""

from fastphash.external.streams import HashStream
from fastphash.groups.grouping import borrows_pixels
from fastphash.store.rows import HashTable


class NeedsAllRowsError(Exception):
    """What is known of a row depends on all others, so that they can't be read in parts."""


class RowCheck:
    """Looks at rows of a stream, some at a time.

    Of a column that some rows lack, all or none of those that are read at once may have a value;
    and of two rows of the same bytes, an earlier version may have hashed the pixels of one.

    Parameters
    ----------
    stream : HashStream
    """

    def __init__(self, stream: HashStream) -> None:
        self._stream = stream
        self._digests = set[bool]()

    def add(self, rows: HashTable) -> None:
        """Look at some rows; NeedsAllRowsError if they depend on others."""
        names = rows.table.column_names
        columns = [name for name in rows.definition.columns if name in names]
        known = [rows.definition.columns[t] for t in self._stream.known]
        lacking = any(rows.table[name].null_count < len(rows) for name in {*columns} - {*known})
        if "digest" in names:
            nulls = rows.table["digest"].null_count
            self._digests |= {True} if nulls else set()
            self._digests |= {False} if nulls < len(rows) else set()
        lacking |= rows.has_thumbnails and not self._stream.has_thumbnails
        lacking |= len(self._digests) > 1
        if lacking or ("pixel_digest" in names and borrows_pixels(rows.content)):
            raise NeedsAllRowsError
