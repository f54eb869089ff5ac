"""Which scale may a reduced JPEG be decoded at? Equality with full decoding against speed.

For each rule, the share of hashes equal to full decoding, the largest distance, and the time.
"""

import time

import common
import cv2
import numpy as np
from numpy.typing import NDArray

from fastphash import images
from fastphash.hashing import hash_thumbnails
from fastphash.thumbnail import thumbnail

_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    cv2.setNumThreads(0)
    rows: list[tuple[str, ...]] = []
    sorts: list[tuple[str, common.Sides]] = [
        ("300 x 300", lambda _: (300, 300)),
        (
            "300 x 300 to 768 x 512",
            lambda rng: (int(rng.integers(300, 769)), int(rng.integers(300, 513))),
        ),
    ]
    for name, sides in sorts:
        crops = list(common.crops(arguments.photos, arguments.count, sides))
        rows += compare(name, [images.encode(crop, "JPEG", 85) for crop in crops])
    header = ("JPEG, quality 85", "rule", "equal to full", "largest distance", "us an image")
    common.table(header, rows)


def compare(name: str, files: list[bytes]) -> list[tuple[str, ...]]:
    decoded = [images.decode(data, images.Decoding()) for data in files]
    full = hash_thumbnails(np.stack([thumbnail(image.grey) for image in decoded]))
    shapes = [(image.width, image.height) for image in decoded]
    rules = {f"always 1/{factor}": [factor] * len(files) for factor in _FLAGS}
    for side in (64, 96, 128, 192):
        rules[f"{side} pixels left"] = [images.reduction(*shape, side) for shape in shapes]
    rows: list[tuple[str, ...]] = []
    for rule, factors in rules.items():
        for boxed in (True, False):
            hashes, seconds = hash_reduced(files, shapes, factors, boxed=boxed)
            distance = np.bitwise_count(hashes ^ full)
            chosen = ", chosen" if boxed and rule == f"{images.REDUCED_SIDE} pixels left" else ""
            rows.append(
                (
                    name,
                    rule + ("" if boxed else ", whole pixels only") + chosen,
                    f"{np.mean(distance == 0):.1%}",
                    str(distance.max()),
                    f"{seconds / len(files) * 1e6:.0f}",
                )
            )
    return rows


def hash_reduced(
    files: list[bytes], shapes: list[tuple[int, int]], factors: list[int], *, boxed: bool
) -> tuple[NDArray[np.uint64], float]:
    """Hashes and seconds; `boxed` resizes just what the image covers of the last pixels."""
    start = time.perf_counter()
    made = []
    for data, (width, height), factor in zip(files, shapes, factors, strict=True):
        grey = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS[factor]), np.uint8)
        extent = (width / factor, height / factor) if boxed else None
        made.append(thumbnail(grey, "pillow13", extent))
    return hash_thumbnails(np.stack(made)), time.perf_counter() - start


if __name__ == "__main__":
    main()
