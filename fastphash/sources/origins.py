"""What a store remembers of the source of a split, besides its root: which containers it has.

Of folders and lists of files a store remembers nothing more.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastphash.errors import UsageError
from fastphash.sources.containers.keys import EARLIER
from fastphash.sources.name_patterns import ALL_NAMES, NamePatterns
from fastphash.sources.protocol import Stamp

#: In place of the stamp of a container that couldn't be listed as a whole: it is listed again.
NOT_WHOLE = Stamp(0, 0)
_KIND = "containers"
_PATTERNS = ("include", "exclude")
_64_BITS = 1 << 64


class ContainerRecord(NamedTuple):
    """A container as it was when its images were hashed.

    Attributes
    ----------
    size, mtime_ns, inode, ctime_ns : int
        As of `Stamp`, or `NOT_WHOLE`.
    members : int
        All that were listed: images + rejected + skipped + hidden + excluded.
    images, rejected, skipped, hidden : int
        What became of them.
    excluded : int
        Members that patterns left out.
    etag : str
        As of `Stamp`; of earlier versions there is none.
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int
    members: int
    images: int
    rejected: int
    skipped: int
    hidden: int
    etag: str = ""
    excluded: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of it could be listed."""
        return self.stamp != NOT_WHOLE

    @property
    def stamp(self) -> Stamp:
        """What tells whether the container has changed."""
        return Stamp(*self[:4], self.etag)


# what records say only if there is some
_OPTIONAL = ("etag", "excluded")
_NUMBERS = tuple(name for name in ContainerRecord._fields if name not in _OPTIONAL)


class Origin(NamedTuple):
    """Containers that are the source of a split.

    Attributes
    ----------
    image_column : str or None
        Column of Parquet files with the images, if it was named.
    hidden : bool
        Whether hidden members were hashed.
    containers : dict of bytes to ContainerRecord
        By their paths below the root of the split.
    key : str or None
        How keys were made, as of `key_rule`.
    patterns : NamePatterns
        Which members were hashed, by name.
    """

    image_column: str | None
    hidden: bool
    containers: dict[bytes, ContainerRecord]
    key: str | None = None
    patterns: NamePatterns = ALL_NAMES

    def to_json(self) -> dict[str, Any]:
        """The same as values for JSON."""
        records = {os.fsdecode(name): _stored(record) for name, record in self.containers.items()}
        patterns = {name: [*getattr(self.patterns, name)] for name in _PATTERNS}
        return {
            "kind": _KIND,
            "image_column": self.image_column,
            "hidden": self.hidden,
            "containers": records,
            "key": self.key,
            # earlier versions know no patterns
            **({} if self.patterns == ALL_NAMES else patterns),
        }


def origin_of(stored: Mapping[str, Any] | None) -> Origin | None:
    """What a store says of a split; None for a folder or a list of files."""
    if stored is None:
        return None
    records = {
        os.fsencode(name): ContainerRecord(**record)
        for name, record in stored["containers"].items()
    }
    key = stored.get("key", EARLIER)
    patterns = NamePatterns(*(tuple(stored.get(name, ())) for name in _PATTERNS))
    return Origin(stored["image_column"], stored["hidden"], records, key, patterns)


def is_origin(value: Any) -> bool:
    """Whether a value of JSON is one that `Origin.to_json` makes."""
    return (
        isinstance(value, dict)
        and value.keys() - {"key", *_PATTERNS} == {"kind", "image_column", "hidden", "containers"}
        and value["kind"] == _KIND
        and isinstance(value["image_column"], str | None)
        and isinstance(value["hidden"], bool)
        and isinstance(value.get("key"), str | None)
        and all(map(_are_patterns, (value.get(name, []) for name in _PATTERNS)))
        and isinstance(value["containers"], dict)
        and all(map(_is_record, value["containers"].items()))
    )


def _stored(record: ContainerRecord) -> dict[str, Any]:
    """The values of a record; without some those that it had before there were any."""
    values = record._asdict()
    return {name: values[name] for name in values if values[name] or name in _NUMBERS}


def _are_patterns(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(pattern, str) for pattern in value):
        return False
    try:
        NamePatterns(tuple(value))
    except UsageError:
        return False
    return True


def _is_record(item: tuple[Any, Any]) -> bool:
    name, record = item
    return (
        isinstance(name, str)
        and "\0" not in name
        and isinstance(record, dict)
        and record.keys() - {*_OPTIONAL} == {*_NUMBERS}
        and isinstance(record.get("etag", ""), str)
        and all(
            type(number) is int and abs(number) < _64_BITS
            for number in (record.get(one, 0) for one in (*_NUMBERS, "excluded"))
        )
    )
