"""What a gzip file unfolds to, by offset."""

import bisect
import zlib
from typing import Any, NamedTuple

from fastphash.sources.containers.input import OVER_SIZE, InputError, PlainInput

_MAGIC = b"\x1f\x8b"
# compressed bytes fed at once, and unfolded ones that are thrown away at once
_PIECE, _SKIPPED = 1 << 16, 1 << 20
# unfolded bytes between two marks at first; a mark takes some 45 kB
_SPACING, _MOST_MARKS = 1 << 22, 128


class _Mark(NamedTuple):
    """A place to start from.

    Attributes
    ----------
    at : int
        Offset of the next byte that unfolds.
    fed : int
        Offset of the next compressed byte.
    unfolder
        The state of zlib there, which only copies of it leave.
    """

    at: int
    fed: int
    unfolder: Any


class _CutShortError(Exception):
    """The compressed bytes end too early."""


class GzipInput:
    """The bytes of a gzip file, unfolded from the nearest of its marks before them.

    Marks are set on the way: the first pass unfolds all up to what is read, later reads a part of
    the file, 1/64 at most or 4 MiB.

    Parameters
    ----------
    source : PlainInput
        Closed with it.
    """

    def __init__(self, source: PlainInput) -> None:
        self._source = source
        self._marks = [_Mark(0, 0, _new_unfolder())]
        self._spacing = _SPACING
        self._go_to(self._marks[0])
        # from where on the stream can't be read, why, and whether it just broke
        self._end: int | None = None
        self._reached = 0
        self._reason = ""
        self._broken = False

    def read_at(self, offset: int, size: int) -> bytes:
        """These bytes; fewer where the stream ends. Raises as of `Input`."""
        if self._end is not None:
            if offset >= self._end:
                raise InputError(self._reason)
            size = min(size, self._end - offset)
        pieces: list[bytes] = []
        try:
            self._seek(offset)
            left = size if self._at == offset else 0
            while left and (piece := self._unfold(left)):
                pieces.append(piece)
                left -= len(piece)
        except (InputError, _CutShortError, zlib.error) as error:
            reached = self._at
            if self._break(error) > reached:
                return self.read_at(offset, size)
            if not pieces:
                raise InputError(self._reason) from error
        except (MemoryError, OverflowError) as error:
            self._broken = True
            raise InputError(OVER_SIZE) from error
        self._reached = max(self._reached, self._at)
        return b"".join(pieces)

    def reaches(self, offset: int) -> bool:
        """Whether the stream has so many bytes; unfolds them."""
        return offset <= self._reached or len(self.read_at(offset - 1, 1)) == 1

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _seek(self, offset: int) -> None:
        """Unfold up to an offset, or to the end, from where it is or from the nearest mark."""
        nearest = self._nearest(offset)
        if self._broken or offset < self._at or nearest.at > self._at:
            self._go_to(nearest)
        while self._at < offset and self._unfold(min(_SKIPPED, offset - self._at)):
            pass

    def _nearest(self, offset: int) -> _Mark:
        return self._marks[bisect.bisect_right(self._marks, offset, key=lambda m: m.at) - 1]

    def _go_to(self, mark: _Mark) -> None:
        self._at, self._fed = mark.at, mark.fed
        self._unfolder = mark.unfolder.copy()
        self._waiting = b""
        self._broken = False

    def _unfold(self, most: int) -> bytes:
        """The next bytes, at least one and at most so many; none at the end."""
        while True:
            if self._unfolder.eof and not self._begin_next():
                return b""
            if not self._waiting:
                self._set_mark()
            data = self._waiting or self._feed()
            piece: bytes = self._unfolder.decompress(data, most)
            self._waiting = self._unfolder.unconsumed_tail
            if piece:
                self._at += len(piece)
                return piece
            if not data and not self._unfolder.eof:
                raise _CutShortError

    def _feed(self) -> bytes:
        data = self._source.read_at(self._fed, _PIECE)
        self._fed += len(data)
        return data

    def _begin_next(self) -> bool:
        """Go to the stream behind one that ended, behind zeros; whether there is one."""
        rest = self._unfolder.unused_data
        while not (rest := rest.lstrip(b"\0")):
            if not (rest := self._feed()):
                return False
        if len(rest) < len(_MAGIC):
            rest += self._feed()
        if not rest.startswith(_MAGIC):
            raise zlib.error(f"Not a gzipped file ({rest[:2]!r})")
        self._unfolder, self._waiting = _new_unfolder(), rest
        return True

    def _set_mark(self) -> None:
        """Mark this place if the last mark is far enough, and thin them out if there are many."""
        if self._at < self._marks[-1].at + self._spacing:
            return
        self._marks.append(_Mark(self._at, self._fed, self._unfolder.copy()))
        if len(self._marks) > _MOST_MARKS:
            self._marks = self._marks[::2]
            self._spacing *= 2

    def _break(self, error: Exception) -> int:
        """Let the stream end where it broke; that offset."""
        if isinstance(error, zlib.error) and self._end is None:
            self._approach_damage()
        self._end, self._broken = self._at, True
        if isinstance(error, _CutShortError):
            self._reason = "the gzip file is cut short"
        elif isinstance(error, InputError):
            self._reason = str(error)
        else:
            self._reason = f"the gzip file is damaged: {error}"
        return self._end

    def _approach_damage(self) -> None:
        """Unfold all before the damage: a step that meets it gives none of the bytes before it."""
        self._go_to(self._nearest(self._at))
        step = _SKIPPED
        while step:
            before, waiting = _Mark(self._at, self._fed, self._unfolder.copy()), self._waiting
            try:
                if not self._unfold(step):
                    return
            except zlib.error:
                self._go_to(before)
                self._waiting = waiting
                step //= 2


def _new_unfolder() -> Any:
    # with the header of gzip, and its checksum
    return zlib.decompressobj(16 + zlib.MAX_WBITS)
