"""Tar files without some samples, by the byte ranges of what stays."""

import gzip
import itertools
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import NamedTuple, Self

from fastphash.clean.shards.shard import Range, copy_range, joined
from fastphash.files.assembled import Output
from fastphash.sources.containers.format import ContainerError, Member, OwnNames
from fastphash.sources.containers.input import InputError
from fastphash.sources.containers.keys import key_finder
from fastphash.sources.containers.tar import TarContainer
from fastphash.sources.containers.tar_header import (
    BLOCK,
    FOLDER,
    HARD_LINK,
    ZEROS,
    Entry,
    as_file,
    global_headers,
    padded,
)

# programs write whole records, zeros behind the two blocks of the end
_RECORD = 20 * BLOCK
# the usual one of gzip; images hardly shrink
_LEVEL = 6


class _Part(NamedTuple):
    """An entry and where its headers begin.

    Attributes
    ----------
    start : int
    entry : Entry
    name : bytes
        Its own one, if it is a member; else empty.
    sample : bytes
        What it goes with; empty if it always stays.
    """

    start: int
    entry: Entry
    name: bytes
    sample: bytes


class TarShard:
    """A tar file, plain or compressed by gzip, that is copied without some samples.

    Headers before an entry go with it, global ones stay. A hard link to what goes becomes a file.
    What gzip compressed is compressed again.

    Parameters
    ----------
    path : bytes
    key : str or None
        As of `key_rule`.
    """

    def __init__(self, path: bytes, key: str | None = None) -> None:
        self._container = TarContainer(path)
        self._find_key = key_finder(path, key)

    def members(self) -> list[Member]:
        """As of `Shard`."""
        return [
            Member(part.name, self._find_key(part.entry.name), part.start, part.entry.size)
            for part in self._parts
            if part.name
        ]

    def write(self, going: Collection[bytes], output: Output) -> None:
        """As of `Shard`."""
        try:
            if self._container.compressed:
                with gzip.GzipFile("", "wb", _LEVEL, output, 0) as file:
                    self._write(going, file)
            else:
                self._write(going, output)
        except InputError as error:
            raise ContainerError(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.__exit__(None, None, None)

    @cached_property
    def _parts(self) -> list[_Part]:
        parts, names = [], OwnNames()
        for start, entry, _ in self._container.entries():
            name = names.own(entry.name) if entry.is_file else b""
            sample = b"" if entry.kind == FOLDER else self._find_key(entry.name) or name
            parts.append(_Part(start, entry, name, sample))
        return parts

    def _write(self, going: Collection[bytes], output: Output) -> None:
        copied = 0
        for piece in self._pieces(going):
            if isinstance(piece, bytes):
                output.write(piece)
                copied += len(piece)
            else:
                copy_range(self._container.source, piece, output)
                copied += piece.end - piece.start
        end = copied + 2 * BLOCK
        output.write(ZEROS * ((-(-end // _RECORD) * _RECORD - copied) // BLOCK))

    def _pieces(self, going: Collection[bytes]) -> Iterator[Range | bytes]:
        """What stays, in its order: ranges of the container, and headers that are made new."""
        ranges: list[Range] = []
        links = _Links(going)
        for part in self._parts:
            data = links.replaced(part)
            if part.sample in going:
                ranges += self._global_headers(part)
            elif data is None:
                ranges.append(Range(part.start, part.entry.end))
            else:
                header = part.entry.data - BLOCK
                yield from joined([*ranges, Range(part.start, header)])
                ranges = []
                yield as_file(self._container.source.read_at(header, BLOCK), data.size)
                yield self._linked_data(part, data)
        yield from joined(ranges)

    def _linked_data(self, part: _Part, data: Entry) -> Range:
        if self._container.compressed:
            # it is read forward only
            raise ContainerError(
                f"the hard link {part.entry.name!r} stays, and the file that it leads to goes: "
                "unpack the container, then audit again"
            )
        return Range(data.data, data.data + padded(data.size))

    def _global_headers(self, part: _Part) -> Iterator[Range]:
        data = part.entry.data
        if data - part.start > BLOCK:
            places = global_headers(self._container.source.read_at, part.start, data)
            yield from itertools.starmap(Range, places)


class _Links:
    """Follows the hard links of a tar file, part by part.

    Parameters
    ----------
    going : collection of bytes
        Samples that go.
    """

    def __init__(self, going: Collection[bytes]) -> None:
        self._going = going
        # by name: the entry that holds the data, and whether the name itself stays
        self._files: dict[bytes, tuple[Entry, bool]] = {}

    def replaced(self, part: _Part) -> Entry | None:
        """The entry whose data a hard link needs that stays, if the name it leads to goes."""
        entry = part.entry
        if not part.name:
            return None
        stays = part.sample not in self._going
        if entry.kind != HARD_LINK:
            self._files[entry.name] = entry, stays
            return None
        data, is_there = self._files.get(entry.link, (None, True))
        if data is not None:
            self._files[entry.name] = data, stays
        return data if stays and not is_there else None
