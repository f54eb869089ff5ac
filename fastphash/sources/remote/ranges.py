"""An object that is read by ranges: in blocks, several on their way where it is read forward.

A few bytes here and there, as the paths in each row group of a Parquet file, don't take a block.
"""

import io
from collections import OrderedDict
from concurrent.futures import Future
from typing import Any

from fastphash.sources.remote.client import Fetched, fetch, request_threads, stamp_of

_BLOCK = 1 << 20
# bytes that are asked for where few are wanted, and none near them were
_FEW = 1 << 16
# blocks asked for before they are read, once reading goes forward; and those that are kept
_MOST_AHEAD, _KEPT = 4, 6


class RangedObject:
    """An object as it was when it was opened: what replaces it is refused.

    Parameters
    ----------
    name : bytes
        Its address.

    Attributes
    ----------
    size : int
        Bytes.

    Raises
    ------
    OSError
        It is gone or can't be asked for.
    """

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._stamp = stamp_of(name)
        self.size = self._stamp.size
        self._blocks: OrderedDict[int, Future[Fetched]] = OrderedDict()
        # the block that would be read next if reading goes forward, and how many are asked for then
        self._next = -1
        self._ahead = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """These bytes; fewer where the object ends.

        Raises
        ------
        OSError
            They can't be fetched; `ReplacedError` if the object was replaced.
        """
        end = min(offset + size, self.size)
        if offset >= end:
            return b""
        first, last = offset // _BLOCK, (end - 1) // _BLOCK
        if end - offset <= _FEW and self._is_apart(first):
            self._look_ahead(first, first)
            few = fetch(self._name, self._stamp, (offset, min(offset + _FEW, self.size)))
            return few.data[: end - offset]
        self._look_ahead(first, last)
        answers = [self._ask(block) for block in range(first, last + 1)]
        for block in range(last + 1, min(last + 1 + self._ahead, self._blocks_in_all)):
            self._ask(block)
        try:
            pieces = [memoryview(answer.result().data) for answer in answers]
        except OSError:
            # asked again, if it is wanted again
            self.forget()
            raise
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        pieces[-1] = pieces[-1][: end - last * _BLOCK]
        pieces[0] = pieces[0][offset - first * _BLOCK :]
        return b"".join(pieces)

    def forget(self) -> None:
        """Give up all blocks."""
        for answer in self._blocks.values():
            answer.cancel()
        self._blocks.clear()

    @property
    def _blocks_in_all(self) -> int:
        return -(-self.size // _BLOCK)

    def _is_apart(self, block: int) -> bool:
        """Whether a block is neither there nor the next one, and isn't where reading begins."""
        return block > 0 and block not in self._blocks and block not in (self._next - 1, self._next)

    def _look_ahead(self, first: int, last: int) -> None:
        """Ask for more and more blocks while they are read one after the other."""
        if first == self._next:
            self._ahead = min(max(2 * self._ahead, 1), _MOST_AHEAD)
        elif first != self._next - 1:
            self._ahead = 0
        self._next = last + 1

    def _ask(self, block: int) -> Future[Fetched]:
        """The answer to the request for a block, under way or kept."""
        answer = self._blocks.get(block)
        if answer is None:
            span = block * _BLOCK, min((block + 1) * _BLOCK, self.size)
            answer = request_threads().submit(fetch, self._name, self._stamp, span)
            self._blocks[block] = answer
        self._blocks.move_to_end(block)
        return answer


class RangedFile(io.RawIOBase):
    """An object that is read by ranges, as a file of bytes."""

    def __init__(self, ranged: RangedObject) -> None:
        self._ranged = ranged
        self._place = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """Any place can be read."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._ranged.size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, so many at most."""
        wanted = self._ranged.size - self._place if size is None or size < 0 else size
        data = self._ranged.read_at(self._place, wanted)
        self._place += len(data)
        return data

    def readall(self) -> bytes:
        """All bytes that are left."""
        return self.read()

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; how many bytes there were."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Give up what was fetched."""
        self._ranged.forget()
        super().close()
