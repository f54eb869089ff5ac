"""Zip files without some members, whose bytes are copied as they are stored."""

import itertools
import struct
from collections.abc import Collection
from functools import cached_property
from typing import NamedTuple, Self

from fastphash.clean.shards.shard import Range, copy_range, joined
from fastphash.files.assembled import Output
from fastphash.sources.containers.format import ContainerError, Member, OwnNames
from fastphash.sources.containers.input import InputError
from fastphash.sources.containers.keys import key_finder
from fastphash.sources.containers.zip import (
    END,
    END_64,
    FULL,
    LISTED,
    LOCATOR_64,
    Record,
    ZipContainer,
)

# where an entry of the directory says its sizes and its offset
_SIZES_AT, _OFFSET_AT = 20, 42
_WIDE = 1
_MOST_MEMBERS = 0xFFFF
# of the format with numbers of 64 bits
_VERSION = struct.pack("<HH", 45, 45)


class _Listed(NamedTuple):
    """An entry of the directory.

    Attributes
    ----------
    record : Record
    name : bytes
        Its own one, if it is a member; else empty.
    sample : bytes
        What it goes with; empty if it always stays.
    """

    record: Record
    name: bytes
    sample: bytes


class ZipShard:
    """A zip file that is copied without some samples.

    Bytes before the archive, as of a program that unpacks it, are left out.

    Parameters
    ----------
    path : bytes
    key : str or None
        As of `key_rule`.
    """

    def __init__(self, path: bytes, key: str | None = None) -> None:
        self._container = ZipContainer(path)
        self._find_key = key_finder(path, key)

    def members(self) -> list[Member]:
        """As of `Shard`."""
        return [
            Member(name, self._find_key(record.name), record.offset, record.stored)
            for record, name, _ in self._listed
            if name
        ]

    def write(self, going: Collection[bytes], output: Output) -> None:
        """As of `Shard`."""
        try:
            self._write([one.record for one in self._listed if one.sample not in going], output)
        except InputError as error:
            raise ContainerError(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.__exit__(None, None, None)

    def _write(self, staying: list[Record], output: Output) -> None:
        places = [Range(one.offset, self._container.end_of(one)) for one in staying]
        ranges = _once(places)
        offsets, end = {}, 0
        for place in ranges:
            offsets[place.start] = end
            end += place.end - place.start
        for place in joined(ranges):
            copy_range(self._container.source, place, output)
        entries = [_moved(one, offsets[one.offset]) for one in staying]
        size = sum(map(output.write, entries))
        comment = self._container.directory().comment
        output.write(_end(len(staying), size, end, comment))

    @cached_property
    def _listed(self) -> list[_Listed]:
        listed, names = [], OwnNames()
        try:
            for record in self._container.records():
                name = names.own(record.name) if record.is_file else b""
                is_folder = record.name.endswith(b"/")
                sample = b"" if is_folder else self._find_key(record.name) or name
                listed.append(_Listed(record, name, sample))
        except InputError as error:
            raise ContainerError(str(error)) from error
        return listed


def _once(ranges: list[Range]) -> list[Range]:
    """Ranges in ascending order, each once; ContainerError if two overlap otherwise."""
    once = sorted(set(ranges))
    for one, following in itertools.pairwise(once):
        if following.start < one.end:
            raise ContainerError(f"damaged: members overlap at byte {following.start:,}")
    return once


def _moved(record: Record, offset: int) -> bytes:
    """An entry of the directory with another offset of the member, no larger than before."""
    raw = bytearray(record.raw)
    (said,) = struct.unpack_from("<I", raw, _OFFSET_AT)
    if said != FULL:
        struct.pack_into("<I", raw, _OFFSET_AT, offset)
        return bytes(raw)
    sizes = struct.unpack_from("<II", raw, _SIZES_AT)
    at = LISTED.size + len(record.name)
    kind, length = struct.unpack_from("<HH", raw, at)
    while kind != _WIDE:
        at += 4 + length
        kind, length = struct.unpack_from("<HH", raw, at)
    # wide sizes come before it
    struct.pack_into("<Q", raw, at + 4 + 8 * sizes.count(FULL), offset)
    return bytes(raw)


def _end(members: int, size: int, offset: int, comment: bytes) -> bytes:
    """The records behind a directory of so many members and bytes at an offset."""
    wide = b""
    if members >= _MOST_MEMBERS or max(size, offset) >= FULL:
        wide = END_64.pack(
            b"PK\6\6", END_64.size - 12, _VERSION, 0, 0, members, members, size, offset
        )
        wide += LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
    few = min(members, _MOST_MEMBERS)
    narrow = END.pack(b"PK\5\6", 0, 0, few, few, min(size, FULL), min(offset, FULL), len(comment))
    return wide + narrow + comment
