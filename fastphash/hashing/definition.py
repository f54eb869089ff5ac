"""How hashes were made: only hashes of one definition can be compared."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fastphash.base.vocabulary import PASS_ORDERS, PassOrder
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import ALGORITHMS, PDQ, PHASH
from fastphash.images.decode import DecodeMode, Decoding
from fastphash.images.rendering import (
    Rendering,
    Stretch,
    parse_bands,
    parse_nodata,
    parse_stretch,
    rendering_words,
)

#: Columns of the hashes that joins use.
HASH_COLUMNS = PHASH.columns

# what makes PDQ as this package does
_PDQHASH = "pdqhash"
# what is done with samples that are stretched, unless it is said
_RENDERING = {"bands": "auto", "stretch": str(Stretch()), "nodata": "auto"}
_VALUES: dict[str, tuple[object, ...]] = {
    "source": ("fastphash", "imagehash", "foreign"),
    "decode": ("full", "reduced"),
    "pass_order": PASS_ORDERS,
    "exif": (False, True),
    "sixteen_bit": ("stretched", "scaled", "clipped"),
    "algorithm": tuple(ALGORITHMS),
}


@dataclass(frozen=True, slots=True)
class Definition:
    """How hashes were made: two sets of hashes can be compared only if their definitions are equal.

    Attributes
    ----------
    source : {"fastphash", "imagehash", "foreign"}
        What made the hashes: this package, ImageHash (as the user asserts; pdqhash, if they are
        PDQ), or something unknown.
    decode : {"full", "reduced"}
        Whether images were decoded in full, or JPEGs at a reduced scale.
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
        The version of Pillow whose resize was reproduced; see `phash`.
    exif : bool
        Whether images were turned by their EXIF orientation first.
    sixteen_bit : {"stretched", "scaled", "clipped"}
        What became of samples of more than 8 bits: stretched to 0..255 as the next three say;
        scaled by the least and greatest value, nodata too, the only rule of older stores; or
        clipped, as ImageHash does.
    bands : str
        Which bands of a TIFF: "auto" for 1, 2, 3 where there are so many, else 1; or one or three
        numbers such as "4,3,2".
    stretch : str
        Which values of a band became 0 and 255: percentiles of its valid pixels such as "2%,98%",
        values such as "0..3000", or "minmax". Always of samples of more than 8 bits.
    nodata : str
        What is no picture: "auto" for what a file of more than 8 bits declares, and its masks;
        "none"; or a value.
    algorithm : str
        The hash algorithm, one of `ALGORITHMS`.
    name : str
        Of foreign hashes, what their user calls the way in which they were made; empty if nobody
        knows it.

    Raises
    ------
    UsageError
        A value is none of these, or bands, stretch or nodata are given for samples that aren't
        stretched.

    Examples
    --------
    >>> print(Definition())
    full, pass order pillow13, EXIF ignored, 16-bit stretched 2%,98%
    >>> print(Definition(bands="4,3,2", stretch="0,3000", nodata="-9999"))
    full, pass order pillow13, EXIF ignored, 16-bit stretched 0..3000, bands 4,3,2, nodata -9999
    """

    source: Literal["fastphash", "imagehash", "foreign"] = "fastphash"
    decode: DecodeMode = "full"
    pass_order: PassOrder = "pillow13"
    exif: bool = False
    sixteen_bit: Literal["stretched", "scaled", "clipped"] = "stretched"
    bands: str = "auto"
    stretch: str = str(Stretch())
    nodata: str = "auto"
    algorithm: str = PHASH.name
    name: str = ""

    def __post_init__(self) -> None:
        for name, values in _VALUES.items():
            if getattr(self, name) not in values:
                raise UsageError(
                    f"{name} of a definition must be one of "
                    f"{', '.join(map(repr, values))}, not {getattr(self, name)!r}"
                )
        if not isinstance(self.name, str) or (self.name and self.source != "foreign"):
            raise UsageError(f"only foreign hashes have a name of their own, not {self.name!r}")
        for name, text in rendering_words(self._words_read()).items():
            object.__setattr__(self, name, text)
        if self.sixteen_bit != "stretched":
            changed = [name for name in _RENDERING if getattr(self, name) != _RENDERING[name]]
            if changed:
                raise UsageError(
                    f"`{changed[0]}` is for samples that are stretched, not {self.sixteen_bit}"
                )

    def _words_read(self) -> Rendering:
        return Rendering(
            parse_bands(self.bands), parse_stretch(self.stretch), parse_nodata(self.nodata)
        )

    @property
    def rendering(self) -> Rendering | None:
        """How samples become 8-bit pixels, in previews too; None where Pillow decides."""
        return self._words_read() if self.sixteen_bit == "stretched" else None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody says how the hashes were made, by whichever algorithm."""
        return replace(self, algorithm=FOREIGN.algorithm) == FOREIGN

    @property
    def maker(self) -> str:
        """What made hashes that a user vouches for, or would make hashes equal to these."""
        return _PDQHASH if self.algorithm == PDQ.name else "imagehash"

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
        if not self.name:
            del fields["name"]
        if self.sixteen_bit != "stretched":
            for name in _RENDERING:
                del fields[name]
        return fields

    def decoding(self) -> Decoding:
        """How to decode images for hashes of this definition."""
        clipped = self.sixteen_bit == "clipped"
        return Decoding(self.decode, self.exif, clipped, rendering=self.rendering)

    def deep_rule_of(self, other: "Definition") -> "Definition":
        """The same definition with what `other` does with more than 8 bits, and with bands."""
        rule = {name: getattr(other, name) for name in ("sixteen_bit", *_RENDERING)}
        return replace(self, **rule)

    def __str__(self) -> str:
        algorithm = "" if self.algorithm == PHASH.name else f"{self.algorithm}, "
        if self.source == "foreign":
            if self.name:
                return f"{algorithm}foreign, called {self.name}"
            return f"{algorithm}foreign (no record of how the hashes were made)"
        exif = "EXIF applied" if self.exif else "EXIF ignored"
        text = f"{self.decode}, pass order {self.pass_order}, {exif}, 16-bit {self.sixteen_bit}"
        text = algorithm + text
        if self.sixteen_bit == "stretched":
            others = [name for name in ("bands", "nodata") if getattr(self, name) != "auto"]
            text += "".join(
                [f" {self.stretch}", *(f", {name} {getattr(self, name)}" for name in others)]
            )
        return text if self.source == "fastphash" else f"{self.maker} as asserted: {text}"

    def with_source_of(self, other: "Definition") -> "Definition":
        """The definition to be compared with `other`, where the user asserted one of the two.

        It takes the source and the 16-bit rule of `other`: ImageHash clips, but a hash doesn't
        show whether its image had 16 bits. Where bands or the value of nodata were named, images
        of 8 bits have other hashes as well: it stays as it is.
        """
        if {self.source, other.source} != {"fastphash", "imagehash"}:
            return self
        if any(side.rendering and side.rendering.is_asked_for for side in (self, other)):
            return self
        return replace(self.deep_rule_of(other), source=other.source)


# as stores of such hashes have always said
FOREIGN = Definition(source="foreign", sixteen_bit="scaled")


def parse_definition(text: str) -> Definition:
    """The definition that a user asserts; UsageError for any other text.

    ``imagehash[:PASS_ORDER]`` says that ImageHash made the hashes, ``pdqhash`` that pdqhash did,
    of RGB pixels by Pillow; ``foreign:NAME`` gives a name to another way of making them.

    >>> print(parse_definition("foreign:coyo"))
    foreign, called coyo
    """
    name, _, order = text.partition(":")
    if name == "foreign" and order.isprintable() and order.strip() == order != "":
        return replace(FOREIGN, name=order)
    if text == _PDQHASH:
        return Definition("imagehash", sixteen_bit="clipped", algorithm=PDQ.name)
    order = order or "pillow13"
    if name != "imagehash" or order not in PASS_ORDERS:
        raise UsageError(
            f"{text!r} is none of imagehash[:PASS_ORDER], by {', '.join(PASS_ORDERS)}, "
            f"{_PDQHASH} and foreign:NAME"
        )
    return Definition("imagehash", pass_order=order, sixteen_bit="clipped")
