"""The bytes of each element of arrays in a JSON file's top object, for files of any size."""

import codecs
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.files import json_grammar
from fastphash.kernels import json_scan

# bytes read at a time, and elements of one scan
_BLOCK = 1 << 23
_ELEMENTS = 1 << 16
_MAX_DEPTH = 10_000
# bytes of the file that an error quotes
_QUOTED = 20


class Unreadable(NamedTuple):
    """What JSON allows and Python doesn't: a number of thousands of digits, or that many levels.

    Attributes
    ----------
    why : str
    """

    why: str


class Piece(NamedTuple):
    """A stretch of a file; all pieces one after another are the file.

    Attributes
    ----------
    data : memoryview
        Its bytes.
    offset : int
        Where it begins in the file.
    array : str
        The array whose elements it holds, each with what separates it from the one before; an
        array's first piece holds no elements. Empty for what lies between arrays, brackets
        included. A null in the place of a wanted array lies there, too.
    starts, ends : int64 (n,)
        Where the elements lie in `data`.
    value_starts, value_ends : int64 (n,)
        Where the elements' values of `key` lie in `data`; a start is negative where an element has
        no such key or must be parsed to find it.
    key : str
        The key whose values are wanted.
    number : int
        How many elements of the array came before.
    """

    data: memoryview
    offset: int
    array: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    value_starts: NDArray[np.int64]
    value_ends: NDArray[np.int64]
    key: str = ""
    number: int = 0

    def element(self, i: int) -> Any:
        """An element, parsed; `Unreadable` if Python can't hold it."""
        return _parse(bytes(self.data[self.starts[i] : self.ends[i]]))

    def elements(self) -> list[Any]:
        """All elements, parsed; `Unreadable` in place of one that Python can't hold."""
        data = bytes(self.data)
        spans = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return _parse_all([data[start:end] for start, end in spans])

    def values(self) -> list[Any]:
        """Each element's value of `key`.

        None where it has no such key, or is no object; `Unreadable` where Python can't hold it.
        """
        data = bytes(self.data)  # slicing bytes costs half of slicing a memoryview
        spans = zip(self.value_starts.tolist(), self.value_ends.tolist(), strict=True)
        values = _parse_all([data[start:end] if start >= 0 else b"null" for start, end in spans])
        for i in np.flatnonzero(self.value_starts == json_scan.ESCAPED).tolist():
            element = self.element(i)
            values[i] = element.get(self.key) if isinstance(element, dict) else element
        return values


def pieces(path: Path, wanted: Mapping[str, str]) -> Iterator[Piece]:
    """Cut a JSON file into the elements of arrays in its top object, and what lies between them.

    Elements may be of any type. A byte order mark is left out; the first piece lies behind it.

    Everything up to the last piece taken is checked to be JSON. Memory holds a block of the file
    and the largest element.

    Parameters
    ----------
    path : Path
    wanted : mapping of str to str
        Names of arrays, each with the key whose values are wanted of its elements.

    Raises
    ------
    StoreError
        The file can't be read, or isn't JSON (UTF-8) with an object at its top; or a wanted entry
        is neither an array nor null, or is there twice.
    """
    try:
        with open(path, "rb") as file:
            yield from _Scanner(path, file, wanted).pieces()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return Unreadable(str(error))


def _parse_all(texts: list[bytes]) -> list[Any]:
    try:
        values: list[Any] = json.loads(b"[" + b",".join(texts) + b"]")
    except (ValueError, RecursionError):
        return [_parse(text) for text in texts]
    return values


class _Scanner:
    """Reads a file in blocks and cuts it into pieces; positions count from the block at hand."""

    def __init__(self, path: Path, file: BinaryIO, wanted: Mapping[str, str]) -> None:
        self.path = path
        self.file = file
        self.wanted = wanted
        self.seen: set[str] = set()
        self.array = ""
        self.wanted_next = ""
        self.number = 0
        self.key = np.empty(0, np.uint8)
        self.stack = np.zeros(_MAX_DEPTH, np.uint8)
        self.spans = np.empty((_ELEMENTS, 4), np.int64)
        self.state = np.zeros(json_scan.STATE_SIZE, np.int64)
        self.state[[json_scan.ELEMENT, json_scan.KEY_START]] = json_scan.NONE
        self.state[json_scan.NODE] = json_grammar.ROOT
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        # the bytes at hand, where they begin in the file, and how many of them have been yielded
        self.data = b""
        self.offset = 0
        self.yielded = 0

    def pieces(self) -> Iterator[Piece]:
        if self.file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            self.offset = len(codecs.BOM_UTF8)
        self.file.seek(self.offset)
        # reads as much as is left over: the cost of an element larger than a block stays linear
        while block := self.file.read(max(_BLOCK, len(self.data))):
            self.check_utf8(block)
            self.data += block
            yield from self.scan_block()
            self.drop_yielded()
        self.check_utf8(b"", final=True)
        if self.state[json_scan.NODE] != json_scan.END:
            end = self.offset + len(self.data)
            how = "it ends too early: was it cut short?" if end else "it is empty"
            raise self.error(f"not JSON: {how}", len(self.data))

    def scan_block(self) -> Iterator[Piece]:
        state = self.state
        view = np.frombuffer(self.data, np.uint8)
        while True:
            event = json_scan.scan(
                view, json_grammar.transitions(), self.key, self.stack, state, self.spans
            )
            if state[json_scan.COUNT]:
                yield self.elements()
            if event == json_scan.BLOCK_ENDS:
                break
            if event == json_scan.KEY_FOUND:
                self.begin_value()
            elif event == json_scan.ARRAY_OPENED:
                yield self.between(int(state[json_scan.AT]))
                self.array, self.number = self.wanted_next, 0
                yield self.elements()
            elif event == json_scan.ARRAY_CLOSED:
                self.array = ""
            elif event == json_scan.TOO_DEEP:
                raise self.error(
                    f"it is nested more than {_MAX_DEPTH:,} deep", int(state[json_scan.AT])
                )
            elif event == json_scan.WRONG:
                raise self.grammar_error()
        if not self.array:
            key = int(state[json_scan.KEY_START])
            yield self.between(len(self.data) if key < 0 else key)

    def begin_value(self) -> None:
        """Note the key of the value that follows, so that the scan expects a wanted array."""
        start, end = int(self.state[json_scan.KEY_START]), int(self.state[json_scan.KEY_END])
        self.state[json_scan.KEY_START] = json_scan.NONE
        name = json.loads(self.data[start:end])
        if name not in self.wanted:
            return
        if name in self.seen:
            raise self.error(f"it has two entries {name!r}", start)
        self.seen.add(name)
        self.wanted_next = name
        self.key = np.frombuffer(json.dumps(self.wanted[name]).encode(), np.uint8)
        self.state[json_scan.NODE] = json_grammar.WANTED

    def between(self, end: int) -> Piece:
        """The piece from what was yielded last to `end`, outside of the wanted arrays."""
        none = np.empty(0, np.int64)
        piece = Piece(self.data_until(end), self.offset + self.yielded, "", none, none, none, none)
        self.yielded = end
        return piece

    def elements(self) -> Piece:
        """The piece of the elements that the last scan found."""
        rows = self.spans[: self.state[json_scan.COUNT]]
        end = int(rows[-1, 1]) if len(rows) else self.yielded
        starts, ends, value_starts, value_ends = np.ascontiguousarray(rows.T)
        # a negative start isn't a position
        value_starts = np.where(value_starts < 0, value_starts, value_starts - self.yielded)
        piece = Piece(
            self.data_until(end),
            self.offset + self.yielded,
            self.array,
            starts - self.yielded,
            ends - self.yielded,
            value_starts,
            value_ends - self.yielded,
            self.wanted[self.array],
            self.number,
        )
        self.state[json_scan.COUNT] = 0
        self.number += len(rows)
        self.yielded = end
        return piece

    def data_until(self, end: int) -> memoryview:
        return memoryview(self.data)[self.yielded : end]

    def drop_yielded(self) -> None:
        """Drop the bytes that have been yielded, and move all positions to match."""
        indices = [json_scan.AT, json_scan.ELEMENT, json_scan.KEY_START, json_scan.KEY_END]
        indices += [json_scan.VALUE_START, json_scan.VALUE_END]
        positions = self.state[indices]
        # negative ones aren't positions; those before the cut have been used
        self.state[indices] = np.where(
            positions < 0, positions, np.maximum(positions - self.yielded, 0)
        )
        self.data = self.data[self.yielded :]
        self.offset += self.yielded
        self.yielded = 0

    def check_utf8(self, block: bytes, *, final: bool = False) -> None:
        unfinished = len(self.decoder.getstate()[0])  # bytes of a character cut by the last block
        try:
            self.decoder.decode(block, final)
        except UnicodeDecodeError as error:
            at = len(self.data) - unfinished + error.start
            raise self.error("it isn't UTF-8", at) from None

    def grammar_error(self) -> StoreError:
        """What is wrong at the byte where the scan stopped."""
        node, at = int(self.state[json_scan.NODE]), int(self.state[json_scan.AT])
        first = self.data[at : at + 1]
        value = first in {b'"', b"-", b"t", b"f", b"n", b"[", b"{"} or first.isdigit()
        if node == json_grammar.ROOT and value:
            return self.error("its top level is no object, as that of a COCO file is", at)
        if node == json_grammar.WANTED and value:
            return self.error(f"its {self.wanted_next!r} is no array", at)
        return self.error("not JSON", at)

    def error(self, what: str, at: int) -> StoreError:
        self.file.seek(self.offset + at)
        quoted = self.file.read(_QUOTED).decode(errors="replace")
        here = f", at {quoted!r}" if quoted else ""
        return StoreError(f"{self.path}: {what} (byte {self.offset + at:,}{here})")
