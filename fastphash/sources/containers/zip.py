"""Zip files, members stored or deflated.

`zipfile` of the standard library refuses the whole file for one name that isn't UTF-8 or one
damaged entry, and keeps 0.5 kB for each. Members are listed from the directory at the end here, and
read by their own headers alone, so that a worker that reads some needn't list all.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from fastphash.errors import ImageError
from fastphash.images.sniff import SNIFFED, sniff
from fastphash.sources.containers.format import (
    CHANGED,
    LARGE,
    MOST_BYTES,
    ContainerError,
    Member,
    OwnNames,
    is_name_of,
)
from fastphash.sources.containers.input import (
    Forward,
    InputContainer,
    InputError,
    PlainInput,
    open_input,
)
from fastphash.sources.containers.keys import key_finder

#: Of an entry of the directory: signature, versions, flags, method, time, checksum, sizes, lengths,
#: disk, attributes, offset.
LISTED = struct.Struct("<4s4H4s3I3H4sII")
# the same of the header before a member's bytes: flags, method, checksum, sizes, lengths
_LOCAL = struct.Struct("<4sH2H4s3I2H")
#: Of the record at the end: signature, disks, members (twice), size and offset of the directory,
#: length of the comment.
END = struct.Struct("<4s4H2IH")
#: Of its form in 64 bits: signature, its size, versions, disks, then as `END`.
END_64 = struct.Struct("<4sQ4s2I4Q")
#: Of what says where that is: signature, disk, offset, disks.
LOCATOR_64 = struct.Struct("<4sIQI")
_LONGEST_COMMENT = 0xFFFF
#: Of a number of 32 bits: a wide one says it.
FULL = 0xFFFFFFFF
_ZIP_64 = 1

_ENCRYPTED, _SIZES_BEHIND = 1, 8
_STORED, _DEFLATED = 0, 8
_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 99: "AES"}
_UNIX, _LINK = 3, 0xA
# bytes read at once of the directory; and for a header beyond its name
_PIECE, _AHEAD = 1 << 18, 64
_LONGEST_DESCRIPTOR = 24
# bytes that unfold to what tells an image
_HEAD = 1 << 12


class Directory(NamedTuple):
    """Where the list of members is.

    Attributes
    ----------
    offset, size, members : int
        Where it begins, its bytes, and how many members it lists.
    shift : int
        Bytes before the archive.
    comment : bytes
        Of the archive.
    """

    offset: int
    size: int
    members: int
    shift: int
    comment: bytes


class Record(NamedTuple):
    """An entry of the directory.

    Attributes
    ----------
    raw : bytes
        The entry as it is.
    name : bytes
    offset : int
        Of the header before the member's bytes.
    stored, size : int
        Bytes of the member as stored, and as unfolded.
    checksum : int
    is_file : bool
        Whether it is neither a folder nor a link.
    has_descriptor : bool
        Whether checksum and sizes follow the member's bytes.
    """

    raw: bytes
    name: bytes
    offset: int
    stored: int
    size: int
    checksum: int
    is_file: bool
    has_descriptor: bool


class ZipContainer(InputContainer):
    """An open zip file.

    Parameters
    ----------
    path : bytes

    Raises
    ------
    ContainerError
        It can't be opened.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._file = open_input(path)
        super().__init__(self._file)

    def members(self, key: str | None = None) -> Iterator[Member]:
        """Files in the order of the directory; ContainerError behind the last whole entry."""
        names, find_key = OwnNames(), key_finder(self._path, key)
        try:
            for record in self.records():
                if record.is_file:
                    name = record.name
                    yield Member(names.own(name), find_key(name), record.offset, record.stored)
        except InputError as error:
            raise ContainerError(str(error)) from error

    def records(self) -> Iterator[Record]:
        """The entries of the directory, folders and links too.

        Raises
        ------
        ContainerError
            The directory is damaged, behind the last whole entry.
        InputError
            The file can't be read.
        """
        directory = self.directory()
        source = Forward(self._file, _PIECE)
        at, end = directory.offset, directory.offset + directory.size
        for number in range(directory.members):
            fixed = source.read_at(at, LISTED.size)
            if fixed[:4] != b"PK\1\2" or at + LISTED.size > end:
                raise ContainerError(
                    f"damaged behind {number:,} of {directory.members:,} entries of its directory"
                )
            fields = LISTED.unpack(fixed)
            _, made_by, _, flags, _, _, checksum, stored, size, *lengths, _, attributes, offset = (
                fields
            )
            rest = source.read_at(at + LISTED.size, sum(lengths))
            name = rest[: lengths[0]]
            if FULL in (stored, size, offset):
                extra = rest[lengths[0] : lengths[0] + lengths[1]]
                size, stored, offset = _widened(_wide_numbers(extra), size, stored, offset)
            at += LISTED.size + sum(lengths)
            linked = made_by >> 8 == _UNIX and attributes >> 28 == _LINK
            yield Record(
                fixed + rest,
                name,
                offset + directory.shift,
                stored,
                size,
                checksum,
                is_file=not (linked or name.endswith(b"/")),
                has_descriptor=bool(flags & _SIZES_BEHIND),
            )
        if at != end:
            raise ContainerError("its directory holds more than its members")

    def end_of(self, record: Record) -> int:
        """Where an entry ends, with all that belongs to it; errors as `records`."""
        fixed = self._file.read_at(record.offset, _LOCAL.size)
        if fixed[:4] != b"PK\3\4" or len(fixed) < _LOCAL.size:
            raise ContainerError(f"{record.name!r} isn't where the directory says")
        end: int = record.offset + _LOCAL.size + sum(_LOCAL.unpack(fixed)[-2:]) + record.stored
        if record.has_descriptor:
            end += _descriptor_size(self._file.read_at(end, _LONGEST_DESCRIPTOR), record)
        return end

    def directory(self) -> Directory:
        """Where the directory is; errors as `records`."""
        return _find_directory(self._file)

    def _read(self, member: Member, *, images_only: bool = False) -> bytes:
        is_large = member.size > LARGE
        ahead = _HEAD if is_large else member.size
        source = Forward(self._file, _LOCAL.size + len(member.name) + _AHEAD + ahead)
        fixed = source.read_at(member.offset, _LOCAL.size)
        if fixed[:4] != b"PK\3\4":
            raise ImageError("read", CHANGED)
        _, _, flags, method, _, checksum, stored, size, *lengths = _LOCAL.unpack(fixed)
        at = member.offset + _LOCAL.size
        rest = source.read_at(at, sum(lengths))
        if not is_name_of(member.name, rest[: lengths[0]]):
            raise ImageError("read", CHANGED)
        if flags & _ENCRYPTED:
            raise ImageError("read", "encrypted: unpack it with its password")
        if method not in (_STORED, _DEFLATED):
            known = _METHODS.get(method, f"method {method}")
            raise ImageError("read", f"compressed by {known}: pack it again with deflate")
        wide = _wide_numbers(rest[lengths[0] :])
        size, stored = _widened(wide, size, stored)
        at += sum(lengths)
        if not self._file.reaches(at + member.size):
            raise ImageError("read", "the container is cut short within this member")
        if stored != member.size and not flags & _SIZES_BEHIND:
            raise ImageError("read", CHANGED)
        if images_only and (is_large or (method == _DEFLATED and size > LARGE)):
            head = source.read_at(at, min(_HEAD, member.size))
            head = _inflate_head(head) if method == _DEFLATED else head[:SNIFFED]
            # one of fewer bytes tells nothing: deflated data may begin with empty blocks
            if len(head) == SNIFFED and not sniff(head):
                return head
        # what is read ahead would be held twice
        data = (self._file if is_large else source).read_at(at, member.size)
        if flags & _SIZES_BEHIND:
            behind = source.read_at(at + member.size, _LONGEST_DESCRIPTOR)
            checksum, size = _described(behind, member.size, wide=wide is not None)
        if method == _DEFLATED:
            data = _inflate(data, size)
        if len(data) != size or zlib.crc32(data) != checksum:
            raise ImageError("read", "damaged: its bytes don't have the sum that the container has")
        return data


def _inflate_head(data: bytes) -> bytes:
    """The first bytes that deflated ones unfold to."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, SNIFFED)
    except zlib.error as error:
        raise ImageError("read", f"damaged: {error}") from error


def _inflate(data: bytes, size: int) -> bytes:
    """What deflated bytes unfold to, at most one byte more than expected."""
    if size > MOST_BYTES:
        raise ImageError("read", f"{size:,} bytes, more than {MOST_BYTES:,}")
    unfolding = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return unfolding.decompress(data, size + 1)
    except zlib.error as error:
        raise ImageError("read", f"damaged: {error}") from error
    except MemoryError as error:
        raise ImageError("read", "it needs more memory than is left") from error


def _described(behind: bytes, stored: int, *, wide: bool) -> tuple[int, int]:
    """Checksum and size in the descriptor behind a member, with a signature or without one.

    Raises
    ------
    ImageError
        The stored size isn't in its place.
    """
    for start in (4, 0) if behind[:4] == b"PK\7\x08" else (0,):
        layout = struct.Struct("<IQQ" if wide else "<III")
        if len(behind) >= start + layout.size:
            checksum, there, size = layout.unpack_from(behind, start)
            if there == stored:
                return checksum, size
    raise ImageError("read", "damaged: its sum and sizes aren't behind it")


def _descriptor_size(behind: bytes, record: Record) -> int:
    """Bytes of the descriptor behind a member; ContainerError if there is none."""
    for signature in (b"PK\7\x08", b""):
        for layout in ("<III", "<IQQ"):
            with contextlib.suppress(struct.error):
                packed = struct.pack(layout, record.checksum, record.stored, record.size)
                if behind.startswith(signature + packed):
                    return len(signature + packed)
    raise ContainerError(f"the sum and sizes of {record.name!r} aren't behind it")


def _wide_numbers(extra: bytes) -> tuple[int, ...] | None:
    """Numbers that 32 bits don't hold, in an extra field; None if there is no such field."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP_64:
            count = min(size, len(extra) - at - 4) // 8
            return struct.unpack_from(f"<{count}Q", extra, at + 4)
        at += 4 + size
    return None


def _widened(wide: tuple[int, ...] | None, *numbers: int) -> Iterator[int]:
    """Numbers, those that are full replaced by wide ones in their order."""
    others = iter(wide or ())
    for number in numbers:
        yield next(others, number) if number == FULL else number


def _find_directory(source: PlainInput) -> Directory:
    """Where the directory is, by the record at the end of the file.

    Raises
    ------
    ContainerError
        There is none, or it is of an archive in several files.
    """
    start = max(source.size - END.size - _LONGEST_COMMENT, 0)
    tail = source.read_at(start, source.size - start)
    place = tail.rfind(b"PK\5\6")
    while place >= 0 and len(tail) - place < END.size:
        place = tail.rfind(b"PK\5\6", 0, place)
    if place < 0:
        what = (
            "it is empty" if not source.size else "cut short, or no zip file: it has no directory"
        )
        raise ContainerError(what)
    _, disk, _, _, members, size, offset, comment = END.unpack_from(tail, place)
    end = start + place
    locator = source.read_at(max(end - LOCATOR_64.size, 0), LOCATOR_64.size)
    if locator[:4] == b"PK\6\7" and len(locator) == LOCATOR_64.size:
        end, disk, members, size, offset = _wide_end(source, end, locator)
    if disk not in (0, 0xFFFF):
        raise ContainerError("one file of an archive in several: join them first")
    shift = end - size - offset
    if shift < 0:
        raise ContainerError("damaged: its directory doesn't end where it is said to")
    place += END.size
    return Directory(end - size, size, members, shift, tail[place : place + comment])


def _wide_end(source: PlainInput, end: int, locator: bytes) -> tuple[int, int, int, int, int]:
    """Where the directory ends, its disk, members, size and offset, by the record of 64 bits."""
    _, _, said, _ = LOCATOR_64.unpack(locator)
    # it lies right before its locator, or where that says
    for place in (end - LOCATOR_64.size - END_64.size, said):
        record = source.read_at(max(place, 0), END_64.size)
        if len(record) == END_64.size and record[:4] == b"PK\6\6":
            fields = END_64.unpack(record)
            return place, fields[3], fields[6], fields[7], fields[8]
    raise ContainerError("damaged: its record of 64 bits isn't in its place")
