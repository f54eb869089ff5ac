"""Keys: which part of a member's name, or which column, says to which sample it belongs."""

import posixpath
from collections.abc import Callable

from fastphash.errors import UsageError

FIRST_DOT, LAST_DOT, FULL_NAME = "first-dot", "last-dot", "full-name"
#: What may be said of names.
NAME_RULES = (FIRST_DOT, LAST_DOT, FULL_NAME)
#: As the versions before there were rules: the first dot in zip files, too.
EARLIER = ""


def check_key(key: str, containers: list[bytes]) -> None:
    """Check how keys are to be made in containers that were named.

    Parameters
    ----------
    key : str
    containers : list of bytes
        Their paths.

    Raises
    ------
    UsageError
        There are no containers; or it is no rule, and none that has columns.
    """
    if not containers:
        raise UsageError(
            f"`key` {key!r} is for tar, zip and Parquet files, and no split has one: leave it out"
        )
    is_column = key and any(map(is_parquet, containers))
    if key not in _NAME_KEYS and not is_column:
        raise UsageError(
            f"`key` {key!r} is no rule for names, and no split has a Parquet file whose column it "
            f"may be: say {', '.join(NAME_RULES[:-1])} or {NAME_RULES[-1]}"
        )


def key_rule(container: bytes, key: str | None) -> str:
    """How the keys of a container are made: a rule for names, or a column of a Parquet file.

    Parameters
    ----------
    container : bytes
        Its path.
    key : str or None
        What the user said, which may be a column of other containers.

    Examples
    --------
    >>> key_rule(b"x.tar", None), key_rule(b"x.zip", None), key_rule(b"x.parquet", None)
    ('first-dot', 'last-dot', 'full-name')
    >>> key_rule(b"x.parquet", "uid"), key_rule(b"x.tar", "uid"), key_rule(b"x.tar", "last-dot")
    ('uid', 'first-dot', 'last-dot')
    """
    if key is not None and key in _NAME_KEYS:
        return key
    if is_parquet(container):
        return key or FULL_NAME
    if container.lower().endswith(b".zip") and key != EARLIER:
        return LAST_DOT
    return FIRST_DOT


def key_finder(container: bytes, key: str | None) -> Callable[[bytes], bytes]:
    """What makes keys of the names of a container's members; of one with a column, whole names."""
    return _NAME_KEYS.get(key_rule(container, key), bytes)


def is_parquet(container: bytes) -> bool:
    """Whether a container is a Parquet file, by its path."""
    return container.lower().endswith(b".parquet")


def _before_first_dot(name: bytes) -> bytes:
    """WebDataset's key: the path up to the first dot of the file name.

    >>> _before_first_dot(b"a.b/1.seg.png"), _before_first_dot(b"1"), _before_first_dot(b".hidden")
    (b'a.b/1', b'1', b'')
    """
    folder, slash, file_name = name.rpartition(b"/")
    stem = file_name.partition(b".")[0]
    return folder + slash + stem if stem else b""


def _before_last_dot(name: bytes) -> bytes:
    """The path without its ending.

    >>> _before_last_dot(b"a.b/1.seg.png"), _before_last_dot(b"1"), _before_last_dot(b".hidden")
    (b'a.b/1.seg', b'1', b'.hidden')
    """
    return posixpath.splitext(name)[0]


_NAME_KEYS: dict[str, Callable[[bytes], bytes]] = {
    FIRST_DOT: _before_first_dot,
    LAST_DOT: _before_last_dot,
    FULL_NAME: bytes,
}
