"""Are tiles of more than 8 bits hashed as their 8-bit exports, and is nodata taken for a picture?

Pictures of three bands become tiles of other types, values, bands and layouts; nodata fills the
left quarter. A tile is compared with the 8-bit picture that it was made from, with the mean in
place of nodata: stretched by the same percentiles, and as it was. Then half of the tiles are
audited against the other half, and half of the pictures against the other half: none is a copy.
"""

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser
from benchmarks.support.dataset import build_dataset
from benchmarks.support.markdown import print_table
from fastphash.audits.run import audit
from fastphash.errors import FastphashError
from fastphash.hashing.api import phash
from fastphash.hashing.definition import Definition
from fastphash.images.encode import encode as encode_pixels
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source

_SIDE = 128
_NEAR = 4
_SCALED = Definition(sixteen_bit="scaled")


class Tile(NamedTuple):
    """How a picture becomes a tile: type, factor and offset of its values, bands, and so on."""

    name: str
    dtype: str
    factor: float
    offset: float
    bands: int
    nodata: float | None = None
    planar: bool = False
    compression: str | None = None
    order: Literal["<", ">"] = "<"


TILES = (
    Tile("uint16, 1 band", "u2", 12, 300, 1),
    Tile("uint16, 3 bands, separate, deflate", "u2", 12, 300, 3, None, planar=True),
    Tile("uint16, 12 bands, nodata 0, LZW, big-endian", "u2", 12, 300, 12, 0, False, "lzw", ">"),
    Tile("int16, 1 band, nodata -32768", "i2", 4, -100, 1, -32768),
    Tile("float32, 1 band, nodata -9999", "f4", 0.1, 100, 1, -9999),
    Tile("float32, 4 bands, nodata NaN", "f4", 0.004, 0, 4, float("nan"), True, "zlib"),
    Tile("float64, 2 bands, nodata -3.4e38", "f8", 0.7, 100, 2, -3.4e38),
    Tile("uint8, 5 bands", "u1", 1, 0, 5),
)


def main() -> None:
    arguments = make_parser(__doc__, count=60).parse_args()
    dataset = build_dataset(arguments.photos, arguments.count, 0)
    pictures = [
        np.asarray(dataset.picture(place).convert("RGB").resize((_SIDE, _SIDE)))
        for place in dataset.originals
    ]
    rows = []
    for tile in TILES:
        files = [encode(picture, tile) for picture in pictures]
        exports = [export(picture, tile) for picture in pictures]
        stretched = [stretch(picture, tile) for picture in exports]
        pngs = [encode_pixels(picture, "PNG") for picture in stretched]
        called = [share_of_leaks(files, rule) for rule in (_SCALED, Definition())]
        near = [share_near(files, pictures_of) for pictures_of in (stretched, exports)]
        leaks = share_of_leaks(pngs, Definition())
        rows.append((tile.name, f"{len(files):,}", *near, *called, leaks))
    header = (
        "tiles",
        "number",
        f"within {_NEAR} bits of the picture, stretched",
        "not stretched",
        "copies as scaled before",
        "copies as stretched",
        "copies among the stretched pictures",
    )
    print_table(header, rows)


def share_near(files: Sequence[bytes], exports: Sequence[NDArray[np.uint8]]) -> str:
    near = sum(
        int(phash(file) ^ phash(image)).bit_count() <= _NEAR
        for file, image in zip(files, exports, strict=True)
    )
    return f"{near / len(files):.1%}"


def stretch(export: NDArray[np.uint8], tile: Tile) -> NDArray[np.uint8]:
    """An 8-bit picture by the 2nd and 98th percentile of each band, as maps are drawn."""
    if tile.dtype == "u1":
        return export
    shown = export[:, _SIDE // 4 :] if tile.nodata is not None else export
    low, high = np.percentile(shown.astype(float), (2, 98), axis=(0, 1), method="nearest")
    levels = 255 * (export - low) / np.maximum(high - low, 1)
    levels = np.clip(np.floor(levels + 0.5), 0, 255)
    if tile.nodata is not None:
        levels[:, : _SIDE // 4] = levels[:, _SIDE // 4 :].mean(axis=(0, 1)).round()
    return np.asarray(levels, np.uint8)


def encode(picture: NDArray[np.uint8], tile: Tile) -> bytes:
    """A TIFF of a picture."""
    values = bands_of(picture, tile).astype(np.float64) * tile.factor + tile.offset
    if tile.nodata is not None:
        values[:, : _SIDE // 4] = tile.nodata
    stored: NDArray[Any] = values.astype(np.dtype(tile.dtype).newbyteorder(tile.order))
    if tile.planar:
        stored = stored.transpose(2, 0, 1)
    options: dict[str, Any] = {}
    if tile.bands > 1:
        options["planarconfig"] = "separate" if tile.planar else "contig"
        options["extrasamples"] = [0] * (tile.bands - 1)
    if tile.nodata is not None:
        options["extratags"] = [(42113, "s", 0, str(tile.nodata), True)]
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        stored[..., 0] if tile.bands == 1 else stored,
        byteorder=tile.order,
        photometric="minisblack",
        compression=tile.compression,
        metadata=None,
        **options,
    )
    return file.getvalue()


def export(picture: NDArray[np.uint8], tile: Tile) -> NDArray[np.uint8]:
    """The picture that a tile shows, with the mean in place of nodata."""
    shown = bands_of(picture, tile)[..., : 3 if tile.bands > 2 else 1].copy()
    if tile.nodata is not None:
        side = _SIDE // 4
        shown[:, :side] = shown[:, side:].mean(axis=(0, 1)).round()
    return shown if tile.bands > 2 else np.ascontiguousarray(shown[..., 0])


def bands_of(picture: NDArray[np.uint8], tile: Tile) -> NDArray[np.uint8]:
    """The bands of a picture, again and again."""
    return picture[..., [band % 3 for band in range(tile.bands)]]


def share_of_leaks(files: Sequence[bytes], definition: Definition) -> str:
    """The share of every other tile that is found in the rest; "-" where none can be read."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, data in enumerate(files):
            path = root / ("train" if number % 2 else "val") / f"{number}.tif"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        sources = [folder_source(f"{split}={root / split}") for split in ("train", "val")]
        ingest = IngestOptions(definition, workers=0)
        try:
            summary = audit(root / "out", sources, ingest=ingest).summary
        except FastphashError:  # none of them can be read
            return "-"
    leaked = next(leak for leak in summary["leaks"] if leak["needles"] == "val")
    return f"{leaked['leaked'] / leaked['images']:.1%}"


if __name__ == "__main__":
    main()
