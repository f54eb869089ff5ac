"""At which scale can a JPEG be decoded without changing its hash, and how much time does it save?

Each rule chooses a scale. The table shows the share of hashes equal to those of full decoding, the
largest distance, and the time.
"""

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures, random_crops, random_size, square
from fastphash.hashing.phash import hash_thumbnails
from fastphash.images.decode import Decoding, decode
from fastphash.images.decode_jpeg import REDUCED_SIDE, reduction
from fastphash.images.encode import encode
from fastphash.images.thumbnail import thumbnail

_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def main() -> None:
    arguments = make_parser(__doc__, count=500).parse_args()
    pictures = load_pictures(arguments.photos)
    cv2.setNumThreads(0)
    rows: list[tuple[str, ...]] = []
    sizes = {
        "300 x 300": square(300),
        "300 x 300 to 768 x 512": random_size((300, 768), (300, 512)),
    }
    for name, draw_size in sizes.items():
        crops = random_crops(pictures, arguments.count, draw_size)
        rows += compare(name, [encode(crop, "JPEG", 85) for crop in crops])
    header = ("JPEG, quality 85", "rule", "equal to full", "largest distance", "us per image")
    print_table(header, rows)


def compare(name: str, files: list[bytes]) -> list[tuple[str, ...]]:
    """Table rows of all rules for the same files."""
    decoded = [decode(data, Decoding()) for data in files]
    full = hash_thumbnails(np.stack([thumbnail(image.grey) for image in decoded]))
    shapes = [(image.width, image.height) for image in decoded]
    rules = {f"always 1/{factor}": [factor] * len(files) for factor in _FLAGS}
    for side in (64, 96, 128, 192):
        rules[f"{side} pixels left"] = [reduction(*shape, side) for shape in shapes]
    rows: list[tuple[str, ...]] = []
    for rule, factors in rules.items():
        for exact in (True, False):
            hashes, seconds = hash_reduced(files, shapes, factors, exact_extent=exact)
            distance = np.bitwise_count(hashes ^ full)
            chosen = ", chosen" if exact and rule == f"{REDUCED_SIDE} pixels left" else ""
            rows.append(
                (
                    name,
                    rule + ("" if exact else ", whole pixels only") + chosen,
                    f"{np.mean(distance == 0):.1%}",
                    str(distance.max()),
                    f"{seconds / len(files) * 1e6:.0f}",
                )
            )
    return rows


def hash_reduced(
    files: list[bytes], shapes: list[tuple[int, int]], factors: list[int], *, exact_extent: bool
) -> tuple[NDArray[np.uint64], float]:
    """Hashes and seconds; `exact_extent` leaves out what the last pixels show beyond the image."""
    start = time.perf_counter()
    thumbnails = []
    for data, (width, height), factor in zip(files, shapes, factors, strict=True):
        grey = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS[factor]), np.uint8)
        extent = (width / factor, height / factor) if exact_extent else None
        thumbnails.append(thumbnail(grey, "pillow13", extent))
    return hash_thumbnails(np.stack(thumbnails)), time.perf_counter() - start


if __name__ == "__main__":
    main()
