"""The hash algorithms by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A hash algorithm.

    Attributes
    ----------
    name : str
        Also the name of the column that holds hashes of the identity orientation.
    bits : int
        Bits of a hash, a multiple of 64.
    has_quality : bool
        Whether it also says how much of a picture there is to hash, from 0 to 100.
    """

    name: str
    bits: int
    has_quality: bool = False

    @property
    def words(self) -> int:
        """How many `uint64` a hash takes in memory."""
        return self.bits // 64

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the hash columns, one for each orientation in canonical order."""
        return (self.name, *(f"{self.name}_{orientation}" for orientation in ORIENTATIONS[1:]))

    @property
    def quality_column(self) -> str | None:
        """Name of the column of qualities, if there are any."""
        return f"{self.name}_quality" if self.has_quality else None


PHASH = Algorithm("phash", 64)
PDQ = Algorithm("pdq", 256, has_quality=True)
#: The hashes of ImageHash: of 64 bits, and of 256 with this behind the name.
IMAGE_HASHES = ("phash", "phash_simple", "ahash", "dhash", "dhash_vertical", "whash")
WIDE = "_256"
#: All algorithms, by name.
ALGORITHMS = {
    algorithm.name: algorithm
    for name in IMAGE_HASHES
    for algorithm in (Algorithm(name, 64), Algorithm(name + WIDE, 256))
} | {PDQ.name: PDQ}


def algorithm_names(words: Sequence[str], bits: int) -> tuple[str, ...]:
    """Names of algorithms as people say them, with so many bits where there is a choice.

    Raises
    ------
    UsageError
        A word is no algorithm, comes twice, or has no hash of so many bits.

    Examples
    --------
    >>> algorithm_names(["phash", "dhash"], 256)
    ('phash_256', 'dhash_256')
    """
    names: list[str] = []
    for word in words:
        wide = f"{word}_{bits}"
        name = wide if wide in ALGORITHMS else f"{word}"
        if name not in ALGORITHMS:
            raise UsageError(f"no hash {word!r}: it is one of {', '.join(ALGORITHMS)}")
        if name in names:
            raise UsageError(f"hash {word!r} is named twice")
        names.append(name)
    if not names:
        raise UsageError(f"no hash is named: it is one of {', '.join(ALGORITHMS)}")
    return tuple(names)
