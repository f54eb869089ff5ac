"""Paths of members of containers within a split: ``shard-000000.tar::000123.jpg``."""

#: Between the path of a container and the name of its member. It isn't joined with a slash, so that
#: no container is taken for a folder.
SEPARATOR = b"::"
#: What comes before the name of a member, as a regular expression of RE2 and of Python; loose files
#: may have a separator in their names.
CONTAINER_PREFIX = r"(?is)^.*?\.(?:tar|tar\.gz|tgz|zip|parquet)::(?:\./)*"


def member_path(container: bytes, name: bytes) -> bytes:
    """The path of a member."""
    return container + SEPARATOR + name


def split_path(path: bytes) -> tuple[bytes, bytes]:
    """The container, which has no separator in its path, and the name of a member.

    >>> split_path(b"a/x.tar::b::1.jpg"), split_path(b"1.jpg")
    ((b'a/x.tar', b'b::1.jpg'), (b'1.jpg', b''))
    """
    container, _, name = path.partition(SEPARATOR)
    return container, name
