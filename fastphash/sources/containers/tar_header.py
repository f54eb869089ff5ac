"""One entry of a tar file: its headers, in every dialect that is in use.

Dialects: V7, ustar, GNU (long names, base-256 numbers) and pax (records in UTF-8).
"""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from fastphash.sources.containers.input import InputError

#: Bytes of a header; data is padded to a multiple of it.
BLOCK = 512
#: A block that ends a tar file.
ZEROS = bytes(BLOCK)

#: Kinds of entries that are files.
FILE_KINDS = frozenset((b"0", b"\0", b"7"))
HARD_LINK = b"1"
# an entry as GNU tar writes it for a file with holes, and for one that began on another tape
SPARSE, CONTINUED = b"S", b"M"
FOLDER = b"5"
# links, devices, folders and pipes, whose size means nothing
_WITHOUT_DATA = frozenset((HARD_LINK, b"2", b"3", b"4", FOLDER, b"6"))
# those, but for hard links; of GNU, contents of a folder, names, a volume's label
_NO_FILES = _WITHOUT_DATA - {HARD_LINK} | {b"D", b"N", b"V"}
# names of GNU for the next entry, by what pax calls them
_NAMES = {b"L": b"path", b"K": b"linkpath"}
# records of pax for the next entry (Solaris: X) and for all that follow
_GLOBAL = b"g"
_EXTENSIONS = frozenset((*_NAMES, b"x", b"X", _GLOBAL))

# most bytes of one long name or extended header
_MOST_EXTENSION = 1 << 24
# an octal number; what follows a zero byte means nothing
_OCTAL = re.compile(rb" *([0-7]*) *(?:\0.*)?", re.DOTALL)
_RECORD = re.compile(rb"(\d{1,9}) ([^=\n]+)=")
# records that say where an entry is, and what it is called
_USED_RECORDS = frozenset((b"path", b"linkpath", b"size"))
_SPARSE_RECORD = b"GNU.sparse."
# zlib's checksum holds the sum of all bytes modulo this prime
_MODULUS = 65521


class TarError(InputError):
    """A header is damaged; the text says how."""


class ReadAt(Protocol):
    """Reads bytes at an offset; fewer where the file ends."""

    def __call__(self, offset: int, size: int, /) -> bytes:
        """These bytes."""


class Entry(NamedTuple):
    """An entry as its headers describe it.

    Attributes
    ----------
    name : bytes
        As it is stored: any bytes.
    size : int
        Bytes of its data as stored.
    kind : bytes
        Of `FILE_KINDS`, `HARD_LINK`, `SPARSE`, `CONTINUED` or another one byte.
    link : bytes
        Where a link leads.
    data : int
        Offset of its data.
    """

    name: bytes
    size: int
    kind: bytes
    link: bytes
    data: int

    @property
    def end(self) -> int:
        """Offset of the header behind it."""
        return self.data + padded(self.size)

    @property
    def is_file(self) -> bool:
        """Whether it is a file or another name of one; POSIX takes unknown kinds for files."""
        return self.kind not in _NO_FILES


Records = dict[bytes, bytes]


def read_entry(read_at: ReadAt, offset: int, common: Records) -> Entry | None:
    """The entry at an offset; None where a block of zeros or nothing is.

    Bytes are read once, in ascending order.

    Parameters
    ----------
    read_at : ReadAt
    offset : int
    common : dict
        Records of pax for all entries; those of a global header are added.

    Raises
    ------
    TarError
        A header is damaged, or the file ends within it.
    """
    block = read_at(offset, BLOCK)
    if not block or block == ZEROS:
        return None
    records: Records = {}
    while True:
        _check_header(block)
        kind = block[156:157]
        offset += BLOCK
        if kind not in _EXTENSIONS:
            data = _end_of_holes(read_at, block, offset) if kind == SPARSE else offset
            return _entry(block, data, {**common, **records} if common else records)
        size = _number(block[124:136])
        if size > _MOST_EXTENSION:
            raise TarError(f"an extended header of {size:,} bytes")
        extension = read_at(offset, padded(size))
        if kind in _NAMES:
            records[_NAMES[kind]] = extension[:size].partition(b"\0")[0]
        else:
            (common if kind == _GLOBAL else records).update(_records(extension[:size]))
        offset += len(extension)
        block = read_at(offset, BLOCK)


def global_headers(read_at: ReadAt, offset: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the headers of pax for all entries are, between the offset of an entry and its data."""
    while offset < end:
        block = read_at(offset, BLOCK)
        kind = block[156:157]
        if kind not in _EXTENSIONS:
            return
        behind = offset + BLOCK + padded(_number(block[124:136]))
        if kind == _GLOBAL:
            yield offset, behind
        offset = behind


def as_file(header: bytes, size: int) -> bytes:
    """The header of a hard link, as that of a file with so many bytes."""
    number = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    unsummed = b"%b%b%b%b0%b%b" % (
        header[:124],
        number,
        header[136:148],
        b" " * 8,
        bytes(100),
        header[257:],
    )
    return b"%b%06o\0 %b" % (unsummed[:148], sum(unsummed), unsummed[156:])


def padded(size: int) -> int:
    """Bytes of whole blocks that hold so many."""
    return -(-size // BLOCK) * BLOCK


def _check_header(block: bytes) -> None:
    """Raise TarError unless this is a whole header with the sum of its bytes."""
    if len(block) < BLOCK:
        raise TarError("it is cut short within a header")
    stored = _number(block[148:156])
    blank = 8 * 32 - sum(block[148:156])
    difference = (zlib.adler32(block) & 0xFFFF) - 1 + blank - stored
    if difference and difference != -_MODULUS and not _sums_to_signed(block, stored):
        raise TarError("a header doesn't have the sum of its bytes")


def _sums_to_signed(block: bytes, stored: int) -> bool:
    """Whether the sum is that of bytes from -128 to 127, for which some old programs took them."""
    others = block[:148] + block[156:]
    return stored == sum(others) + 8 * 32 - 256 * sum(byte >= 128 for byte in others)


def _entry(block: bytes, data: int, records: Records) -> Entry:
    """The entry of a header whose data begins at an offset, by these records first."""
    kind = block[156:157]
    name = records.get(b"path") or _name(block)
    size = _decimal(records[b"size"]) if records.get(b"size") else _number(block[124:136])
    if records and any(record.startswith(_SPARSE_RECORD) for record in records):
        name = records.get(b"GNU.sparse.name") or name
        kind = SPARSE
    elif name.endswith(b"/") and kind in FILE_KINDS:
        # V7 has no kind for folders, and no data of theirs
        size = 0 if kind == b"\0" else size
        kind = FOLDER
    elif kind in _WITHOUT_DATA:
        size = 0
    link = records.get(b"linkpath") or block[157:257].partition(b"\0")[0]
    return Entry(name, size, kind, link, data)


def _end_of_holes(read_at: ReadAt, block: bytes, offset: int) -> int:
    """Where data begins behind a header of GNU for a file with holes: blocks may list more."""
    more = block[482]
    while more:
        block = read_at(offset, BLOCK)
        if len(block) < BLOCK:
            raise TarError("it is cut short within a header")
        offset += BLOCK
        more = block[504]
    return offset


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    # GNU has other fields where ustar has the first part of a long name
    if block[345] and block[257:263] == b"ustar\0":
        return block[345:500].partition(b"\0")[0] + b"/" + name
    return name


def _number(field: bytes) -> int:
    """A number in octal digits, or as GNU writes one too large for them, in base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = _OCTAL.fullmatch(field)
    if digits is None:
        raise TarError(f"a header has {field!r} for a number")
    return int(digits[1] or b"0", 8)


def _decimal(text: bytes) -> int:
    if not (text.isdigit() and len(text) < 20):
        raise TarError(f"an extended header has {text[:40]!r} for a number")
    return int(text)


def _records(extension: bytes) -> Records:
    """The records of an extended header: each begins with its length in decimal digits."""
    found: Records = {}
    at = 0
    while at < len(extension) and extension[at]:
        start = _RECORD.match(extension, at)
        end = at + int(start[1]) if start else 0
        if start is None or not start.end() < end <= len(extension) or extension[end - 1] != 10:
            raise TarError("an extended header is damaged")
        if start[2] in _USED_RECORDS or start[2].startswith(_SPARSE_RECORD):
            found[start[2]] = extension[start.end() : end - 1]
        at = end
    return found
