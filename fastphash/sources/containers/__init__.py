"""Containers: files that hold many images. One module for each format."""

import os
from collections.abc import Callable, Sequence

from fastphash.hashing.algorithms import ALGORITHMS, PHASH
from fastphash.sources.containers.format import Container, ContainerError
from fastphash.sources.containers.tar import TarContainer
from fastphash.sources.containers.zip import ZipContainer


def is_container(path: bytes, image_column: str | None = None) -> bool:
    """Whether a file is a container, by the ending of its name.

    A folder is none, and neither is a Parquet file with a column of `hash_column`: that is a table
    of hashes, unless `image_column`, what the user says, is one of its columns. A file that is
    missing or damaged may be one: `open_container` says what is wrong.
    """
    name = path.lower()
    if not name.endswith(tuple(_OPENERS)) or os.path.isdir(path):
        return False
    if not name.endswith(b".parquet"):
        return True
    columns = columns_of(path)
    is_named = image_column is not None and image_column.partition(".")[0] in columns
    return is_named or hash_column(columns) is None


def columns_of(path: bytes) -> list[str]:
    """Names of the columns of a Parquet file; none if it can't be read."""
    # pyarrow takes a third of a second to import
    from fastphash.sources.containers.parquet import column_names

    return column_names(path)


def hash_column(columns: Sequence[str]) -> str | None:
    """The column that makes a Parquet file a table of hashes; None if it is none.

    >>> hash_column(["url", "phash"]), hash_column(["path", "dhash"]), hash_column(["dhash"])
    ('phash', 'dhash', None)
    """
    if PHASH.name in columns:
        return PHASH.name
    return next((name for name in ALGORITHMS if name in columns and "path" in columns), None)


def open_container(path: bytes, image_column: str | None = None) -> Container:
    """Open a container in the format that its name says.

    Parameters
    ----------
    path : bytes
    image_column : str, optional
        Column of a Parquet file with the images; a dot separates the parts of a nested one. Without
        it the file must have one that may be it.

    Raises
    ------
    ContainerError
        The file can't be read, is none of these formats or is damaged as a whole.
    """
    name = path.lower()
    for ending, opener in _OPENERS.items():
        if name.endswith(ending):
            return opener(path, image_column)
    raise ContainerError(
        f"{os.fsdecode(path)!r} is no container: its name must end with "
        f"{', '.join(CONTAINER_ENDINGS)}"
    )


def _open_tar(path: bytes, _: str | None) -> Container:
    return TarContainer(path)


def _open_zip(path: bytes, _: str | None) -> Container:
    return ZipContainer(path)


def _open_parquet(path: bytes, image_column: str | None) -> Container:
    from fastphash.sources.containers.parquet import ParquetContainer

    return ParquetContainer(path, image_column)


_OPENERS: dict[bytes, Callable[[bytes, str | None], Container]] = {
    b".tar": _open_tar,
    b".tar.gz": _open_tar,
    b".tgz": _open_tar,
    b".zip": _open_zip,
    b".parquet": _open_parquet,
}
#: How names of containers end.
CONTAINER_ENDINGS = tuple(map(os.fsdecode, _OPENERS))
