"""Names of images in containers, as labels know them."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.sources.member_paths import CONTAINER_PREFIX, SEPARATOR, split_path

_PREFIX = re.compile(CONTAINER_PREFIX.encode())


def without_containers(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Paths, text or binary, of which those in containers begin in their containers.

    >>> without_containers(pa.chunked_array([["x.tar::cat/1.jpg", "cat/2.jpg"]])).to_pylist()
    ['cat/1.jpg', 'cat/2.jpg']
    """
    return pc.replace_substring_regex(paths, CONTAINER_PREFIX, "")


def containers_as_folders(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Paths, text, as if containers were folders.

    >>> containers_as_folders(pa.chunked_array([["x.tar::./cat/1.jpg", "cat/2.jpg"]])).to_pylist()
    ['x.tar/cat/1.jpg', 'cat/2.jpg']
    """
    capturing = CONTAINER_PREFIX.replace("^", "^(").replace("::", ")::")
    return pc.replace_substring_regex(paths, capturing, r"\1/")


def without_container(path: bytes) -> bytes:
    """A path that begins in its container, if it has one.

    >>> without_container(b"x.tar::./cat/1.jpg"), without_container(b"a::1.jpg")
    (b'cat/1.jpg', b'a::1.jpg')
    """
    found = _PREFIX.match(path) if SEPARATOR in path else None
    return path if found is None else path[found.end() :]


def container_as_folder(path: bytes) -> bytes:
    """A path as if its container were a folder.

    >>> container_as_folder(b"x.tar::./cat/1.jpg"), container_as_folder(b"a::1.jpg")
    (b'x.tar/cat/1.jpg', b'a::1.jpg')
    """
    member = without_container(path)
    return path if member == path else split_path(path)[0] + b"/" + member
