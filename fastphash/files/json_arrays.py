"""The elements of arrays at the top of a JSON file, as they stand there, however large it is."""

import codecs
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.kernels import json_scan

_BLOCK = 1 << 23
_ELEMENTS = 1 << 16
_DEEPEST = 10_000
_SPACE = b" \t\n\r"
_DIGITS = b"0123456789"
_SHOWN = 20


class Piece(NamedTuple):
    """A stretch of a file: all pieces, one after another, are the file.

    Attributes
    ----------
    data : memoryview
        Its bytes.
    offset : int
        Where in the file it begins.
    array : str
        The array whose elements it holds, each after what parts it from the one before (none, in
        an array's first piece); empty for what lies between arrays, their brackets included.
    starts, ends : int64 (n,)
        Where the elements lie in `data`.
    value_starts, value_ends : int64 (n,)
        Where the values of the key lie that is wanted of each; negative where it wasn't seen.
    key : str
        That key.
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

    def element(self, i: int) -> dict[str, Any]:
        """An element, parsed."""
        parsed: dict[str, Any] = json.loads(bytes(self.data[self.starts[i] : self.ends[i]]))
        return parsed

    def values(self) -> list[Any]:
        """What each element has for the key, None where it has no such key."""
        data = bytes(self.data)  # slices of it cost half of those of a memoryview
        spans = zip(self.value_starts.tolist(), self.value_ends.tolist(), strict=True)
        texts = [data[start:end] if start >= 0 else b"null" for start, end in spans]
        values: list[Any] = json.loads(b"[" + b",".join(texts) + b"]")
        for i in np.flatnonzero(self.value_starts == json_scan.ESCAPED).tolist():
            values[i] = self.element(i).get(self.key)
        return values


def pieces(path: Path, wanted: Mapping[str, str]) -> Iterator[Piece]:
    """Cut a JSON file into the elements of some arrays of its top object, and what is between.

    All of it is checked to be JSON, as far as it is asked for. A block and the largest element
    are held in memory.

    Parameters
    ----------
    path : Path
    wanted : mapping of str to str
        Names of arrays, and the key that is wanted of their elements.

    Raises
    ------
    StoreError
        The file can't be read, isn't JSON (UTF-8, without a byte order mark) with an object at its
        top, or what is wanted is no array of objects, or is there twice.
    """
    try:
        with open(path, "rb") as file:
            yield from _Scanner(path, file, wanted).pieces()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


class _Scanner:
    def __init__(self, path: Path, file: BinaryIO, wanted: Mapping[str, str]) -> None:
        self.path = path
        self.file = file
        self.wanted = wanted
        self.seen: set[str] = set()
        self.array = ""
        self.number = 0
        self.key = np.empty(0, np.uint8)
        self.stack = np.zeros(_DEEPEST, np.uint8)
        self.found = np.empty((_ELEMENTS, 4), np.int64)
        self.state = np.zeros(json_scan.STATE_SIZE, np.int64)
        self.state[[json_scan.ELEMENT, json_scan.KEY_START]] = json_scan.NONE
        self.state[json_scan.NODE] = _ROOT
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        # the bytes at hand, where in the file they begin, and how many have been given out
        self.data = b""
        self.offset = 0
        self.given = 0

    def pieces(self) -> Iterator[Piece]:
        if self.file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            raise self.error("it begins with a byte order mark: save it as UTF-8 without", 0)
        self.file.seek(0)
        # an element that is larger than a block costs no more than reading it twice
        while block := self.file.read(max(_BLOCK, len(self.data))):
            self.check_utf8(block)
            self.data += block
            yield from self.scan_block()
            self.shift()
        self.check_utf8(b"", final=True)
        if self.state[json_scan.NODE] != json_scan.END:
            end = self.offset + len(self.data)
            how = "it ends too early: was it cut short?" if end else "it is empty"
            raise self.error(f"not JSON: {how}", len(self.data))

    def scan_block(self) -> Iterator[Piece]:
        state = self.state
        view = np.frombuffer(self.data, np.uint8)
        while True:
            event = json_scan.scan(view, _table(), self.key, self.stack, state, self.found)
            if state[json_scan.COUNT]:
                yield self.elements()
            if event == json_scan.BLOCK_ENDS:
                break
            if event == json_scan.KEY_FOUND:
                self.begin_value()
            elif event == json_scan.ARRAY_OPENED:
                yield self.between(int(state[json_scan.AT]))
                yield self.elements()
            elif event == json_scan.ARRAY_CLOSED:
                self.array = ""
            elif event == json_scan.TOO_DEEP:
                raise self.error(
                    f"it is nested more than {_DEEPEST:,} deep", int(state[json_scan.AT])
                )
            elif event == json_scan.WRONG:
                raise self.wrong()
        if not self.array:
            key = int(state[json_scan.KEY_START])
            yield self.between(len(self.data) if key < 0 else key)

    def begin_value(self) -> None:
        """Look at the name of what follows, for the scan to know what it may be."""
        start, end = int(self.state[json_scan.KEY_START]), int(self.state[json_scan.KEY_END])
        self.state[json_scan.KEY_START] = json_scan.NONE
        name = json.loads(self.data[start:end])
        if name not in self.wanted:
            return
        if name in self.seen:
            raise self.error(f"it has two entries {name!r}", start)
        self.seen.add(name)
        self.array, self.number = name, 0
        self.key = np.frombuffer(json.dumps(self.wanted[name]).encode(), np.uint8)
        self.state[json_scan.NODE] = _WANTED

    def between(self, end: int) -> Piece:
        none = np.empty(0, np.int64)
        piece = Piece(self.view(end), self.offset + self.given, "", none, none, none, none)
        self.given = end
        return piece

    def elements(self) -> Piece:
        rows = self.found[: self.state[json_scan.COUNT]]
        end = int(rows[-1, 1]) if len(rows) else self.given
        starts, ends, value_starts, value_ends = np.ascontiguousarray(rows.T)
        # negative ones are no positions
        value_starts = np.where(value_starts < 0, value_starts, value_starts - self.given)
        piece = Piece(
            self.view(end),
            self.offset + self.given,
            self.array,
            starts - self.given,
            ends - self.given,
            value_starts,
            value_ends - self.given,
            self.wanted[self.array],
            self.number,
        )
        self.state[json_scan.COUNT] = 0
        self.number += len(rows)
        self.given = end
        return piece

    def view(self, end: int) -> memoryview:
        return memoryview(self.data)[self.given : end]

    def shift(self) -> None:
        """Forget the bytes that have been given out."""
        places = [json_scan.AT, json_scan.ELEMENT, json_scan.KEY_START, json_scan.KEY_END]
        places += [json_scan.VALUE_START, json_scan.VALUE_END]
        moved = self.state[places]
        # what is negative is no position; what lies before has been used
        self.state[places] = np.where(moved < 0, moved, np.maximum(moved - self.given, 0))
        self.data = self.data[self.given :]
        self.offset += self.given
        self.given = 0

    def check_utf8(self, block: bytes, *, final: bool = False) -> None:
        begun = len(self.decoder.getstate()[0])
        try:
            self.decoder.decode(block, final)
        except UnicodeDecodeError as error:
            at = len(self.data) - begun + error.start
            raise self.error("it isn't UTF-8", at) from None

    def wrong(self) -> StoreError:
        node, at = int(self.state[json_scan.NODE]), int(self.state[json_scan.AT])
        begun = self.data[at : at + 1]
        value = begun in {b'"', b"-", b"t", b"f", b"n", b"[", b"{"} or begun.isdigit()
        if node == _ROOT and value:
            return self.error("its top level is no object, as that of a COCO file is", at)
        if node == _WANTED and value:
            return self.error(f"its {self.array!r} is no array", at)
        if node in {json_scan.OBJECT, json_scan.OBJECT_OR_CLOSE} and value:
            return self.error(f"an element of its {self.array!r} is no object", at)
        return self.error("not JSON", at)

    def error(self, what: str, at: int) -> StoreError:
        self.file.seek(self.offset + at)
        shown = self.file.read(_SHOWN).decode(errors="replace")
        here = f", at {shown!r}" if shown else ""
        return StoreError(f"{self.path}: {what} (byte {self.offset + at:,}{here})")


# nodes that only the table knows
(
    _ROOT,
    _WANTED,
    _MINUS,
    _ZERO,
    _INTEGER,
    _POINT,
    _FRACTION,
    _E,
    _E_SIGN,
    _EXPONENT,
    _STRING,
    _LATER,
) = range(json_scan.FURTHER, json_scan.FURTHER + 12)
# Python writes and reads the last two, so that COCO files have them
_LITERALS = (b"true", b"false", b"null", b"NaN", b"Infinity")


@functools.cache
def _table() -> NDArray[np.uint8]:
    """What follows each byte at each node of RFC 8259's grammar: uint8 (FIRST_ACTION, 256)."""
    table = np.full((json_scan.FIRST_ACTION, 256), json_scan.ERROR, np.uint8)
    last = _LATER

    def link(node: int, characters: bytes, following: int) -> None:
        table[node, np.frombuffer(characters, np.uint8)] = following

    def chain(node: int, characters: list[bytes], following: int) -> None:
        nonlocal last
        for some in characters[:-1]:
            link(node, some, last)
            node, last = last, last + 1
        link(node, characters[-1], following)

    def string(inside: int, closing: int) -> None:
        nonlocal last
        table[inside, 0x20:] = inside
        link(inside, b'"', closing)
        escape, last = last, last + 1
        link(inside, b"\\", escape)
        link(escape, b'"\\/bfnrt', inside)
        hexadecimal = _DIGITS + b"abcdefABCDEF"
        chain(escape, [b"u", *[hexadecimal] * 4], inside)

    for node in (
        *range(json_scan.IN_KEY),
        json_scan.OBJECT,
        json_scan.OBJECT_OR_CLOSE,
        _ROOT,
        _WANTED,
    ):
        link(node, _SPACE, node)
    link(_ROOT, b"{", json_scan.OPEN_OBJECT)
    link(_WANTED, b"[", json_scan.OPEN_WANTED)
    for node in (
        json_scan.OBJECT,
        json_scan.OBJECT_OR_CLOSE,
        json_scan.VALUE,
        json_scan.VALUE_OR_CLOSE,
    ):
        link(node, b"{", json_scan.OPEN_OBJECT)
    for node in (json_scan.OBJECT_OR_CLOSE, json_scan.VALUE_OR_CLOSE):
        link(node, b"]", json_scan.CLOSE_ARRAY)
    for node in (json_scan.VALUE, json_scan.VALUE_OR_CLOSE):
        link(node, b"[", json_scan.OPEN_ARRAY)
        link(node, b'"', _STRING)
        link(node, b"-", _MINUS)
        link(node, b"0", _ZERO)
        link(node, b"123456789", _INTEGER)
        for word in _LITERALS:
            chain(node, [bytes([letter]) for letter in word], json_scan.AFTER)
    chain(_MINUS, [bytes([letter]) for letter in b"Infinity"], json_scan.AFTER)
    string(_STRING, json_scan.AFTER)
    string(json_scan.IN_KEY, json_scan.CLOSE_KEY)
    for node in (json_scan.KEY, json_scan.KEY_OR_CLOSE):
        link(node, b'"', json_scan.OPEN_KEY)
    link(json_scan.KEY_OR_CLOSE, b"}", json_scan.CLOSE_OBJECT)
    link(json_scan.COLON, b":", json_scan.HAVE_KEY)
    # a number ends where something else begins
    for node in (json_scan.AFTER, _ZERO, _INTEGER, _FRACTION, _EXPONENT):
        link(node, _SPACE, json_scan.AFTER)
        link(node, b",", json_scan.COMMA)
        link(node, b"]", json_scan.CLOSE_ARRAY)
        link(node, b"}", json_scan.CLOSE_OBJECT)
    link(_MINUS, b"0", _ZERO)
    link(_MINUS, b"123456789", _INTEGER)
    link(_INTEGER, _DIGITS, _INTEGER)
    for node in (_ZERO, _INTEGER):
        link(node, b".", _POINT)
    for node in (_POINT, _FRACTION):
        link(node, _DIGITS, _FRACTION)
    for node in (_ZERO, _INTEGER, _FRACTION):
        link(node, b"eE", _E)
    link(_E, b"+-", _E_SIGN)
    for node in (_E, _E_SIGN, _EXPONENT):
        link(node, _DIGITS, _EXPONENT)
    table.flags.writeable = False
    return table
