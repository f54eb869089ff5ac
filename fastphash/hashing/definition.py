"""What a hash means: two sets of hashes compare only if their definitions agree."""

from dataclasses import dataclass, replace
from typing import Literal

from fastphash.base.vocabulary import ORIENTATIONS, PASS_ORDERS, PassOrder
from fastphash.errors import UsageError
from fastphash.images.decode import DecodeMode, Decoding

HASH_COLUMNS = ("phash", *(f"phash_{name}" for name in ORIENTATIONS[1:]))


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
    """

    source: Literal["fastphash", "imagehash", "foreign"] = "fastphash"
    decode: DecodeMode = "full"
    pass_order: PassOrder = "pillow13"
    exif: bool = False
    sixteen_bit: Literal["scaled", "clipped"] = "scaled"

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
