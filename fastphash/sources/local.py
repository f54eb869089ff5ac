"""Folders and lists of files on this machine."""

import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from fastphash.base.paths import is_inside, tidy
from fastphash.base.system import open_to_read
from fastphash.errors import ImageError, UsageError
from fastphash.files.digest import digest_of
from fastphash.images.sniff import SNIFFED, promises_image, sniff
from fastphash.sources.hidden import is_hidden
from fastphash.sources.mask_folders import (
    NO_MASKS,
    FilesIn,
    FolderPair,
    MaskFolders,
    names_in,
)
from fastphash.sources.name_patterns import ALL_NAMES, NamePatterns
from fastphash.sources.protocol import Entry, OutsideError, SpecialFileError, Stamp
from fastphash.sources.splits import WITHOUT_IMAGES, check_split
from fastphash.sources.walk import excluded, walk

# tables that may hold hashes; of Parquet files their columns tell
_TABLES = (".csv", ".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class LocalSource:
    """One split: a folder to walk, or a list of files.

    Attributes
    ----------
    split : str
    root : bytes
        Absolute folder; paths are relative to it.
    files : tuple of bytes, optional
        The list, in canonical order: paths relative to the root, absolute outside of it.
    hidden : bool
        Whether a walk enters hidden folders and lists hidden files. The root itself may be hidden,
        and a list names what it names.
    patterns : NamePatterns
        Which files of a folder or a list belong to it.
    masks : MaskFolders
        Which of these are masks of others: they are no inputs.
    """

    split: str
    root: bytes
    files: tuple[bytes, ...] | None = None
    hidden: bool = False
    patterns: NamePatterns = ALL_NAMES
    masks: MaskFolders = NO_MASKS

    @property
    def listed(self) -> bool:
        """Whether the files were listed."""
        return self.files is not None

    @property
    def containers_to_list(self) -> None:
        """None: files are loose."""

    @property
    def given(self) -> None:
        """None: files are read where they lie."""

    @property
    def reader(self) -> "LocalReader":
        """Reads the files."""
        return LocalReader(self.root)

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:
        """Every file in canonical order, without those below the folder `avoid`."""
        masks_in = cache(partial(self.masks.masks_in, root=self.root, files_in=self._names()))
        if self.files is None:
            return walk(self.root, avoid, self.patterns, masks_in, hidden=self.hidden)
        return (self._listed_entry(path, masks_in) for path in self.files)

    def mask_pairs(self, folders: Iterable[bytes]) -> list[FolderPair]:
        """The pairs of folders by which pictures in these folders of the split have masks."""
        files_in = self._names()
        found = (self.masks.pairs_of(folder, self.root, files_in) for folder in folders)
        return [*dict.fromkeys(itertools.chain.from_iterable(found))]

    def _listed_entry(
        self, path: bytes, masks_in: Callable[[bytes], Mapping[bytes, FolderPair]]
    ) -> Entry:
        if self.patterns.leave_out(path):
            return excluded(path)
        folder, name = os.path.split(path)
        pair = masks_in(folder).get(name)
        return Entry(path, hidden=True, mask=str(pair)) if pair else Entry(path)

    def _names(self) -> FilesIn:
        """Lists the names of the files of the split in one of its folders."""
        if self.files is None:
            return self._names_in
        names: dict[bytes, list[bytes]] = {}
        for folder, name in map(os.path.split, self.files):
            names.setdefault(folder, []).append(name)
        return lambda folder: names.get(folder, ())

    def _names_in(self, folder: bytes) -> list[bytes]:
        names = names_in(os.path.join(self.root, folder))
        return [name for name in names if self._has(os.path.join(folder, name))]

    def _has(self, path: bytes) -> bool:
        """Whether a file of a folder belongs to the split by its name."""
        is_left_out = not self.hidden and any(map(is_hidden, path.split(b"/")))
        return not is_left_out and not self.patterns.leave_out(path)


def folder_source(text: str, *, hidden: bool = False) -> LocalSource:
    """The split of ``[SPLIT=]DIR``; without a name it gets the folder's.

    Parameters
    ----------
    text : str
    hidden : bool
        Whether hidden files and folders belong to it.

    Raises
    ------
    UsageError
        No such folder, or no usable name.
    """
    name, separator, folder = text.partition("=")
    if not separator or os.path.isdir(text):
        name, folder = "", text
    if not os.path.exists(folder):
        raise UsageError(f"no such folder: {folder!r}")
    if not os.path.isdir(folder):
        advice = "a list of files goes with `files`"
        if folder.lower().endswith(_TABLES):
            advice += f"; of tables of hashes {WITHOUT_IMAGES}"
        raise UsageError(f"not a folder: {folder!r} ({advice})")
    root = os.path.abspath(folder)
    split = check_split(name or os.path.basename(root))
    return LocalSource(split, os.fsencode(root), hidden=hidden)


def list_source(split: str, names: bytes, separator: bytes = b"\n") -> LocalSource:
    """A split of listed files, relative to the working folder, in canonical order, each once.

    Parameters
    ----------
    split : str
    names : bytes
        Paths with a separator after each.
    separator : bytes
        A line feed or NUL.

    Raises
    ------
    UsageError
        No usable name, or NUL bytes in a list of lines.
    """
    root = os.fsencode(os.getcwd())
    if separator == b"\n" and b"\0" in names:
        raise UsageError(
            f"the list of {split!r} has NUL bytes: is it of find -print0? Use `separator`"
        )
    if separator == b"\n":
        names = names.replace(b"\r\n", b"\n")
    paths = set()
    for name in names.split(separator):
        if name:
            paths.add(tidy(name, root))
    ordered = sorted(paths, key=lambda path: path.split(b"/"))
    return LocalSource(check_split(split), root, tuple(ordered))


# attempts to read a file that keeps changing
_ATTEMPTS = 3
_64_BITS = (1 << 64) - 1
# nanoseconds from 1970 that 64 bits don't hold
_TIME_LIMIT = 1 << 63


@dataclass(frozen=True, slots=True)
class LocalReader:
    """Reads the files of a folder.

    Attributes
    ----------
    root : bytes
        The folder; paths are relative to it, or absolute.
    """

    root: bytes

    def for_task(self, entries: Sequence[Entry]) -> "LocalReader":  # noqa: ARG002 - any file
        """Itself."""
        return self

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """The bytes and the stamp of a file; no bytes if it isn't named or begins like an image.

        Of one that is only named like an image these are the first bytes.

        Raises
        ------
        ImageError
            It can't be read, is no regular file, or changes while it is read.
        """
        name = os.path.join(self.root, path)
        try:
            fd = open_to_read(name)
            try:
                for _ in range(_ATTEMPTS):
                    before = _stamp(os.fstat(fd))
                    data = _read_open(fd, name)
                    if _stamp(os.fstat(fd)) == before:
                        return data, before
                    os.lseek(fd, 0, os.SEEK_SET)
            finally:
                os.close(fd)
        except OSError as error:
            raise ImageError("read", error.strerror or str(error)) from error
        except ValueError as error:  # a name with a NUL
            raise ImageError("read", str(error)) from error
        except (MemoryError, OverflowError) as error:  # a sparse file says any size
            reason = "the file is larger than the memory that is left"
            raise ImageError("read", reason) from error
        raise ImageError("read", f"the file changed {_ATTEMPTS} times while it was read")

    def stamp(self, path: bytes) -> Stamp:
        """The stamp of a file as it is now.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            It is gone.
        OSError
            It can't be reached for another reason; `SpecialFileError` if it is no regular file.
        """
        return _regular(os.stat(os.path.join(self.root, path)), path)

    def read_hashed(self, path: bytes, size: int, *, follow_links: bool = True) -> bytes:
        """At most `size` + 1 bytes of a file that had `size` bytes when it was hashed.

        Raises
        ------
        OSError
            It is gone, can't be read or, without `follow_links`, is a link; `SpecialFileError` if
            it is no regular file.
        """
        name = os.path.join(self.root, path)
        fd = open_to_read(name, follow_links=follow_links)
        with open(fd, "rb") as file:
            _regular(os.fstat(fd), name)
            return file.read(size + 1)

    def digest(self, path: bytes) -> bytes:
        """XXH3-128 of a file's bytes; OSError if it can't be read."""
        return digest_of(os.path.join(self.root, path))

    def resolve(self, path: bytes) -> bytes:
        """The absolute name of a file, all links followed.

        Raises
        ------
        OutsideError
            It lies outside of the root; an absolute path, outside of its own folder.
        """
        real = os.path.realpath(os.path.join(self.root, path))
        root = os.path.realpath(os.path.dirname(path) if os.path.isabs(path) else self.root)
        if not is_inside(real, root):
            raise OutsideError
        return real


def _regular(status: os.stat_result, name: bytes) -> Stamp:
    if not stat.S_ISREG(status.st_mode):
        raise SpecialFileError(f"not a regular file: {name!r}")
    return _stamp(status)


def _stamp(status: os.stat_result) -> Stamp:
    times = _within_64_bits(status.st_mtime_ns), _within_64_bits(status.st_ctime_ns)
    return Stamp(status.st_size, times[0], status.st_ino & _64_BITS, times[1])


def _within_64_bits(time_ns: int) -> int:
    # stores have 64 bits for a time: one before 1677 or after 2262 wraps around, so that another
    # time is still another number
    return (time_ns + _TIME_LIMIT) % (2 * _TIME_LIMIT) - _TIME_LIMIT


def _read_open(fd: int, path: bytes) -> bytes | None:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("read", "not a regular file")
    head = os.read(fd, SNIFFED)
    if not sniff(head):
        # one that is an image by its name is rejected by its first bytes, however many follow
        return head if promises_image(path) else None
    os.lseek(fd, 0, os.SEEK_SET)
    return _read_all(fd, status.st_size)


def _read_all(fd: int, size: int) -> bytes:
    """The rest of an open file; `size`, its bytes in all, is a hint for the first read."""
    pieces = []
    while piece := os.read(fd, max(size, 4096)):
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
