"""Golden PDQ hashes for test_pdq.py: what pdqhash makes of images made by arithmetic.

Run it in an environment with pdqhash; it writes golden_pdq.json.
"""

import functools

import numpy as np

from tests.hashing.make_golden import golden_images

#: Canonical order of what ``compute_dihedral`` returns.
CANONICAL = (0, 1, 2, 3, 5, 4, 6, 7)


@functools.cache
def golden_pdq_images():
    """Name and uint8 pixels; also of sizes that PDQ treats in a way of their own."""
    images = golden_images()
    square = images["square"]
    return images | {
        "64 x 64": square[:64, :64],
        "64 x 64 grey": square[:64, :64, 0],
        "65 x 64": square[:65, :64],
        "128 x 129": square[:128, :129],
        "5 x 5": square[:5, :5],
        "5 x 4": square[:5, :4],
        "4 x 300": square[:4],
    }


def as_colours(pixels):
    """C-contiguous RGB, which is what pdqhash takes."""
    three = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
    return np.ascontiguousarray(three)


def as_hex(bits):
    """The 64 digits that ThreatExchange writes, from the bits that pdqhash returns."""
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def pdqhash_of(pixels):
    """Hashes in canonical order, that of ``compute`` first, and the quality."""
    import pdqhash

    upright, quality = pdqhash.compute(as_colours(pixels))
    turned, _ = pdqhash.compute_dihedral(as_colours(pixels))
    return [as_hex(upright), *(as_hex(turned[i]) for i in CANONICAL[1:])], int(quality)


def main():
    import json
    import platform
    from importlib.metadata import version
    from pathlib import Path

    hashes = {name: pdqhash_of(pixels) for name, pixels in golden_pdq_images().items()}
    versions = {name: version(name) for name in ("pdqhash", "numpy")}
    versions["machine"] = platform.machine()
    path = Path(__file__).with_name("golden_pdq.json")
    path.write_text(json.dumps({"versions": versions, "hashes": hashes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
