"""How hashes were made: only hashes of one definition can be compared."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fastphash.base.vocabulary import ORIENTATIONS, PASS_ORDERS, PassOrder
from fastphash.errors import UsageError
from fastphash.images.decode import DecodeMode, Decoding


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A hash algorithm.

    Attributes
    ----------
    name : str
        Also the name of the column that holds hashes of the identity orientation.
    bits : int
        Bits of a hash.
    """

    name: str
    bits: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the hash columns, one for each orientation in canonical order."""
        return (self.name, *(f"{self.name}_{orientation}" for orientation in ORIENTATIONS[1:]))


PHASH = Algorithm("phash", 64)
ALGORITHMS = {PHASH.name: PHASH}
#: Columns of the hashes that joins use.
HASH_COLUMNS = PHASH.columns

_VALUES: dict[str, tuple[object, ...]] = {
    "source": ("fastphash", "imagehash", "foreign"),
    "decode": ("full", "reduced"),
    "pass_order": PASS_ORDERS,
    "exif": (False, True),
    "sixteen_bit": ("scaled", "clipped"),
    "algorithm": tuple(ALGORITHMS),
}


@dataclass(frozen=True, slots=True)
class Definition:
    """How hashes were made: two sets of hashes can be compared only if their definitions are equal.

    Attributes
    ----------
    source : {"fastphash", "imagehash", "foreign"}
        What made the hashes: this package, ImageHash (as the user asserts), or something unknown.
    decode : {"full", "reduced"}
        Whether images were decoded in full, or JPEGs at a reduced scale.
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
        The version of Pillow whose resize was reproduced; see `phash`.
    exif : bool
        Whether images were turned by their EXIF orientation first.
    sixteen_bit : {"scaled", "clipped"}
        Whether 16-bit and float pixels were scaled to 0..255 or clipped, as ImageHash does.
    algorithm : {"phash"}
        The hash algorithm.

    Raises
    ------
    UsageError
        A value is none of these.

    Examples
    --------
    >>> print(Definition())
    full, pass order pillow13, EXIF ignored, 16-bit scaled
    """

    source: Literal["fastphash", "imagehash", "foreign"] = "fastphash"
    decode: DecodeMode = "full"
    pass_order: PassOrder = "pillow13"
    exif: bool = False
    sixteen_bit: Literal["scaled", "clipped"] = "scaled"
    algorithm: Literal["phash"] = "phash"

    def __post_init__(self) -> None:
        for name, values in _VALUES.items():
            if getattr(self, name) not in values:
                raise UsageError(
                    f"{name} of a definition must be one of "
                    f"{', '.join(map(repr, values))}, not {getattr(self, name)!r}"
                )

    @property
    def bits(self) -> int:
        """The number of bits of a hash."""
        return ALGORITHMS[self.algorithm].bits

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a store's hash columns, one for each orientation in canonical order."""
        return ALGORITHMS[self.algorithm].columns

    def to_json(self) -> dict[str, Any]:
        """The definition as a store's metadata holds it: phash, once the only one, isn't named."""
        fields = asdict(self)
        if self.algorithm == PHASH.name:
            del fields["algorithm"]
        return fields

    def decoding(self) -> Decoding:
        """How to decode images for hashes of this definition."""
        return Decoding(self.decode, self.exif, self.sixteen_bit == "clipped")

    def __str__(self) -> str:
        if self.source == "foreign":
            return "foreign (no record of how the hashes were made)"
        exif = "EXIF applied" if self.exif else "EXIF ignored"
        text = f"{self.decode}, pass order {self.pass_order}, {exif}, 16-bit {self.sixteen_bit}"
        return text if self.source == "fastphash" else f"imagehash as asserted: {text}"

    def with_source_of(self, other: "Definition") -> "Definition":
        """The definition to be compared with `other`, where the user asserted one of the two.

        It takes the source and the 16-bit rule of `other`: ImageHash clips, but a hash doesn't
        show whether its image had 16 bits.
        """
        if {self.source, other.source} == {"fastphash", "imagehash"}:
            return replace(self, source=other.source, sixteen_bit=other.sixteen_bit)
        return self


FOREIGN = Definition(source="foreign")


def parse_definition(text: str) -> Definition:
    """The definition that ``imagehash[:PASS_ORDER]`` asserts; UsageError for any other text."""
    name, _, order = text.partition(":")
    order = order or "pillow13"
    if name != "imagehash" or order not in PASS_ORDERS:
        raise UsageError(f"{text!r} is not imagehash[:PASS_ORDER], one of {', '.join(PASS_ORDERS)}")
    return Definition("imagehash", pass_order=order, sixteen_bit="clipped")
