"""How fast is PDQ of a decoded image, upright and in eight orientations, against pdqhash?

All run in this process, on one core, over the same arrays, in turn. It needs `fastphash[pdq]`.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures
from benchmarks.support.timing import SPREAD, Timings, microseconds_each, ratio, time_in_turn
from fastphash.hashing.algorithms import PDQ
from fastphash.hashing.hexadecimal import to_hex
from fastphash.hashing.pdq import pdq, pdq_orientations

_SIZES = {"300 x 300": (300, 300), "1024 x 768": (1024, 768), "4000 x 3000": (4000, 3000)}
# pixels of all arrays of a size
_PIXELS = 6_000_000

_OURS, _ALL_OURS = "fp.pdq", "fp.pdq_orientations"
_THEIRS, _ALL_THEIRS = "pdqhash.compute", "pdqhash.compute_dihedral"


def main() -> None:
    parser = make_parser(__doc__, rounds=7, warmed=True)
    parser.add_argument(
        "--pixels", type=int, default=_PIXELS, help="pixels of all arrays of a size"
    )
    arguments = parser.parse_args()
    pdqhash = load_pdqhash()
    pictures = load_pictures([])
    rows, ratios = [], []
    for name, size in _SIZES.items():
        arrays = resized(pictures, size, max(arguments.pixels // (size[0] * size[1]), 1))
        check_equal(pdqhash, arrays[0])
        seconds = time_arrays(pdqhash, arrays, arguments.rounds)
        rows += [(name, rival, microseconds_each(seconds[rival], len(arrays))) for rival in seconds]
        ratios += [
            (name, slow, fast, ratio(seconds, slow, fast))
            for slow, fast in ((_THEIRS, _OURS), (_ALL_THEIRS, _ALL_OURS))
        ]
    print_table(("RGB array", "PDQ by", f"us per image: {SPREAD}"), rows)
    print()
    print_table(("RGB array", "slower", "faster", f"ratio: {SPREAD}"), ratios)


def load_pdqhash() -> Any:
    try:
        return importlib.import_module("pdqhash")
    except ImportError as error:
        raise SystemExit("pdqhash isn't installed: pip install 'fastphash[pdq]'") from error


def resized(
    pictures: list[NDArray[np.uint8]], size: tuple[int, int], count: int
) -> list[NDArray[np.uint8]]:
    """So many arrays of a width and height, of the pictures in turn."""
    images = [Image.fromarray(pictures[i % len(pictures)]) for i in range(count)]
    return [np.asarray(image.resize(size, Image.Resampling.BICUBIC)) for image in images]


def check_equal(pdqhash: Any, pixels: NDArray[np.uint8]) -> None:
    """Both give one hash: what is timed is the same work."""
    bits, quality = pdqhash.compute(pixels)
    digits = np.packbits(bits.astype(np.uint8)).tobytes().hex()
    hashed = pdq(pixels)
    assert (to_hex(hashed.hash, bits=PDQ.bits), hashed.quality) == (digits, quality)


def time_arrays(pdqhash: Any, arrays: list[NDArray[np.uint8]], rounds: int) -> Timings:
    functions: dict[str, Callable[[NDArray[np.uint8]], object]] = {
        _OURS: pdq,
        _THEIRS: pdqhash.compute,
        _ALL_OURS: pdq_orientations,
        _ALL_THEIRS: pdqhash.compute_dihedral,
    }

    def over_all(function: Callable[[NDArray[np.uint8]], object]) -> Callable[[], object]:
        return lambda: [function(array) for array in arrays]

    return time_in_turn({name: over_all(function) for name, function in functions.items()}, rounds)


if __name__ == "__main__":
    main()
