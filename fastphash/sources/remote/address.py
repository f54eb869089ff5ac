"""Addresses of remote places: ``s3://bucket/train``, ``https://host/x.tar``."""

import os
import re
from typing import NamedTuple
from urllib.parse import unquote

_REMOTE = re.compile(r"(s3|gs|abfs|abfss|http|https)://", re.IGNORECASE)
_REMOTE_BYTES = re.compile(_REMOTE.pattern.encode(), re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)


class Address(NamedTuple):
    """Where an object is.

    Attributes
    ----------
    base : str
        Scheme and bucket, or scheme and host.
    key : str
        Name of the object there, without a slash before it.
    """

    base: str
    key: str


def is_remote(name: bytes) -> bool:
    """Whether a name is an address, not a file or folder of this machine.

    >>> [is_remote(name) for name in (b"s3://bucket/x", b"s3/x", b"train=s3://bucket/x")]
    [True, False, False]
    """
    return _REMOTE_BYTES.match(name) is not None


def is_web(name: str) -> bool:
    """Whether an address is of a web server, which can't list what it has."""
    return _WEB.match(name) is not None


def parse_address(name: bytes) -> Address:
    """The parts of an address.

    >>> parse_address(b"s3://bucket/train/1.jpg")
    Address(base='s3://bucket', key='train/1.jpg')
    """
    text = os.fsdecode(name)
    start = text.index("://") + 3
    place, _, key = text[start:].partition("/")
    # buckets take names as they are, web servers percent-encoded ones
    return Address(text[:start] + place, unquote(key) if is_web(text) else key)


def below(root: bytes, path: bytes) -> bytes:
    """The name of what lies below a root: a folder of this machine, or an address.

    >>> below(b"s3://bucket/train", b"1.jpg"), below(b"", b"s3://bucket/1.jpg")
    (b's3://bucket/train/1.jpg', b's3://bucket/1.jpg')
    """
    if is_remote(root):
        return root.rstrip(b"/") + b"/" + path
    return os.path.join(root, path)
