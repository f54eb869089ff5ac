"""What a hash means: two sets of hashes compare only if their definitions agree."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fastphash.base.vocabulary import ORIENTATIONS, PASS_ORDERS, PassOrder
from fastphash.errors import UsageError
from fastphash.images.decode import DecodeMode, Decoding


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A way to make a hash of a thumbnail.

    Attributes
    ----------
    name : str
        Also the name of the column of upright hashes.
    bits : int
    """

    name: str
    bits: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of hashes, by orientation in canonical order."""
        return (self.name, *(f"{self.name}_{orientation}" for orientation in ORIENTATIONS[1:]))


PHASH = Algorithm("phash", 64)
ALGORITHMS = {PHASH.name: PHASH}
#: Columns of the hashes that joins work on.
HASH_COLUMNS = PHASH.columns


@dataclass(frozen=True, slots=True)
class Definition:
    """What a hash means: two sets of hashes compare only if this is the same.

    Attributes
    ----------
    source : {"fastphash", "imagehash", "foreign"}
        Who made the hashes; "imagehash" was asserted by the user, "foreign" is unknown.
    decode : {"full", "reduced"}
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
    exif : bool
    sixteen_bit : {"scaled", "clipped"}
    algorithm : {"phash"}
    """

    source: Literal["fastphash", "imagehash", "foreign"] = "fastphash"
    decode: DecodeMode = "full"
    pass_order: PassOrder = "pillow13"
    exif: bool = False
    sixteen_bit: Literal["scaled", "clipped"] = "scaled"
    algorithm: Literal["phash"] = "phash"

    @property
    def bits(self) -> int:
        """Bits of a hash."""
        return ALGORITHMS[self.algorithm].bits

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a store's columns of hashes, by orientation in canonical order."""
        return ALGORITHMS[self.algorithm].columns

    def to_json(self) -> dict[str, Any]:
        """What the metadata of a store says. Stores of before there were others don't say phash."""
        made = asdict(self)
        if self.algorithm == PHASH.name:
            del made["algorithm"]
        return made

    def decoding(self) -> Decoding:
        """How to decode images for it."""
        return Decoding(self.decode, self.exif, self.sixteen_bit == "clipped")

    def __str__(self) -> str:
        if self.source == "foreign":
            return "foreign (no record of how the hashes were made)"
        exif = "EXIF applied" if self.exif else "EXIF ignored"
        text = f"{self.decode}, pass order {self.pass_order}, {exif}, 16-bit {self.sixteen_bit}"
        return text if self.source == "fastphash" else f"imagehash as asserted: {text}"

    def like(self, other: "Definition") -> "Definition":
        """The definition as far as it differs from `other`: 16-bit rules don't where users vouch.

        ImageHash clips; whether there is a 16-bit image can't be told from a hash.
        """
        if {self.source, other.source} == {"fastphash", "imagehash"}:
            return replace(self, source=other.source, sixteen_bit=other.sixteen_bit)
        return self


FOREIGN = Definition(source="foreign")


def asserted(text: str) -> Definition:
    """The definition named by ``imagehash[:PASS_ORDER]``; UsageError for any other text."""
    name, _, order = text.partition(":")
    order = order or "pillow13"
    if name != "imagehash" or order not in PASS_ORDERS:
        raise UsageError(f"{text!r} is not imagehash[:PASS_ORDER], one of {', '.join(PASS_ORDERS)}")
    return Definition("imagehash", pass_order=order, sixteen_bit="clipped")
