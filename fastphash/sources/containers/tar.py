"""Tar files, plain or compressed by gzip.

Files are members, and so are hard links: one has the bytes of the last file before it that has the
name that it leads to. Symbolic links, folders and devices are none.

`tarfile` of the standard library takes some three times as long for a member: it builds an object
with owner and mode, and sums up each header in Python (`benchmarks/speed/containers.py`).
"""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from fastphash.errors import ImageError
from fastphash.images.sniff import SNIFFED, promises_image, sniff
from fastphash.sources.containers.format import (
    CHANGED,
    LARGE,
    MOST_BYTES,
    ContainerError,
    Member,
    OwnNames,
    is_name_of,
)
from fastphash.sources.containers.gzip_input import GzipInput
from fastphash.sources.containers.input import (
    Forward,
    Input,
    InputContainer,
    InputError,
    open_input,
)
from fastphash.sources.containers.keys import key_finder
from fastphash.sources.containers.tar_header import (
    BLOCK,
    CONTINUED,
    HARD_LINK,
    SPARSE,
    Entry,
    Records,
    TarError,
    read_entry,
)

_GZIP = b"\x1f\x8b"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# bytes read at once for headers: that of an entry, and before it one of pax with its records
_AHEAD = 3 * BLOCK
# bytes read at once behind the end
_PIECE = 1 << 20
_REJECTED = {
    SPARSE: "a file with holes, stored without them: pack it again as an ordinary file",
    CONTINUED: "the rest of a file that begins in another tape's archive",
}


class _Index(NamedTuple):
    """What the headers of an entry don't say, by the offset of the first of them.

    Attributes
    ----------
    links : dict
        The files that hard links lead to.
    named : dict
        Entries behind global headers that say where entries are.
    """

    links: dict[int, Entry]
    named: dict[int, Entry]


class TarContainer(InputContainer):
    """An open tar file.

    Parameters
    ----------
    path : bytes

    Attributes
    ----------
    compressed : bool
        Whether gzip compressed it.

    Raises
    ------
    ContainerError
        It can't be read, or is compressed by another program than gzip.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        source, self.compressed = _open(path)
        super().__init__(source)
        self._forward = Forward(source, _AHEAD)
        self._indexed: _Index | None = None

    def members(self, key: str | None = None) -> Iterator[Member]:
        """Files and hard links; ContainerError behind the last whole one if there is damage."""
        names, find_key = OwnNames(), key_finder(self._path, key)
        for offset, entry, _ in self.entries():
            if entry.is_file:
                own = names.own(entry.name)
                yield Member(own, find_key(entry.name), offset, entry.size)

    def entries(self) -> Iterator[tuple[int, Entry, bool]]:
        """Each entry with the offset of its first header, and whether a global header may name it.

        Entries are whole; ContainerError follows the last of them if the file isn't.
        """
        offset, common = 0, Records()
        source = Forward(self._source, _AHEAD)
        try:
            while entry := read_entry(source.read_at, offset, common):
                if not source.reaches(entry.end):
                    _check_reach(source, entry.data + entry.size, entry)
                yield offset, entry, bool(common)
                offset = entry.end
                _check_reach(source, offset, entry)
            _check_end(source, offset)
        except InputError as error:
            what = f"at byte {offset:,}: {error}" if offset else f"not a tar file: {error}"
            raise ContainerError(what) from error

    def _read(self, member: Member, *, images_only: bool = False) -> bytes:
        self._forward.ahead = _AHEAD + (member.size if member.size <= LARGE else SNIFFED)
        entry = self._entry_of(member)
        source: Input | Forward = self._forward
        if entry.kind == HARD_LINK:
            linked = self._linked(member, entry.link)
            if linked is None:
                return b""
            source, entry = self._source, linked
        if entry.kind in _REJECTED:
            raise ImageError("read", _REJECTED[entry.kind])
        if entry.size > LARGE:
            if images_only and not sniff(head := source.read_at(entry.data, SNIFFED)):
                return head
            if not self.compressed:
                # what is read ahead would be held twice
                source = self._source
        if self.compressed and entry.size > MOST_BYTES:
            raise ImageError("read", f"{entry.size:,} bytes, more than {MOST_BYTES:,}")
        found = source.read_at(entry.data, entry.size)
        if len(found) < entry.size:
            raise ImageError("read", "the container is cut short within this member")
        return found

    def _entry_of(self, member: Member) -> Entry:
        """The entry of a member; ImageError if it isn't there any more."""
        entry = read_entry(self._forward.read_at, member.offset, {})
        if entry is None or not _fits(entry, member):
            entry = self._index().named.get(member.offset)
        if entry is None or not _fits(entry, member):
            raise ImageError("read", CHANGED)
        return entry

    def _linked(self, member: Member, link: bytes) -> Entry | None:
        """The file of a hard link; None if it isn't there, and neither name is an image's."""
        entry = self._index().links.get(member.offset)
        if entry is None and any(map(promises_image, (member.name, link))):
            raise ImageError("read", f"a hard link to {link!r}, which isn't before it")
        return entry

    def _index(self) -> _Index:
        if self._indexed is None:
            self._indexed = _Index({}, {})
            files: dict[bytes, Entry] = {}
            with contextlib.suppress(ContainerError):
                for offset, entry, common in self.entries():
                    if common:
                        self._indexed.named[offset] = entry
                    if entry.kind == HARD_LINK and entry.link in files:
                        files[entry.name] = self._indexed.links[offset] = files[entry.link]
                    elif entry.is_file:
                        files[entry.name] = entry
        return self._indexed


def _check_reach(source: Forward, offset: int, entry: Entry) -> None:
    if not source.reaches(offset):
        raise TarError(f"it is cut short within {entry.name!r}")


def _check_end(source: Forward, offset: int) -> None:
    """Raise TarError unless there are zeros alone from here on: anything else would be lost."""
    if not source.reaches(1):
        raise TarError("it is empty")
    while piece := source.read_at(offset, _PIECE):
        if piece.strip(b"\0"):
            raise TarError("there is more behind its end: several tar files in one?")
        offset += len(piece)


def _open(path: bytes) -> tuple[Input, bool]:
    """The bytes of a tar file, and whether they are compressed."""
    plain = open_input(path)
    try:
        head = plain.read_at(0, 8)
    except InputError as error:
        plain.close()
        raise ContainerError(str(error)) from error
    if head.startswith(_GZIP):
        return GzipInput(plain), True
    for magic, program in _OTHERS.items():
        if head.startswith(magic):
            plain.close()
            raise ContainerError(f"compressed by {program}: pack it with gzip or unpack it")
    return plain, False


def _fits(entry: Entry, member: Member) -> bool:
    return entry.is_file and entry.size == member.size and is_name_of(member.name, entry.name)
