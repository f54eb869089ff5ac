"""Golden hashes for the tests beside it: what ImageHash makes of images made by arithmetic.

Run it in an environment with each Pillow (12.1, 12.3, 13) and ImageHash: it puts the hashes under
the name of that Pillow's pass order, with the versions, into golden.json.
"""

import functools

import numpy as np
from PIL import Image

TRANSPOSES = (None, *(Image.Transpose(n) for n in (2, 3, 4, 0, 1, 5, 6)))


@functools.cache
def golden_images():
    """Name and uint8 pixels; integers only, so that no library has a say in them."""
    y, x = np.indices((3301, 700), np.int64)
    rough = (x * x * 7 + y * y * 13 + x * y * 5) // 97 % 256
    smooth = (x * 255 // 699 * 3 + y * 2) // 5 % 256
    noise = ((x * 2654435761 + y * 40503) * 2246822519 >> 13) % 256
    colour = np.stack([rough, smooth, noise], axis=-1).astype(np.uint8)
    tones = (x // 20 % 2 * 190 + 30).astype(np.uint8)
    return {
        "square": colour[:300, :300],
        "wide": colour[:200, :700],
        "tall": colour[:450, :100],
        "very tall": colour[:, :33],
        "small": colour[:20, :30],
        "row": colour[:1, :400],
        "column": colour[:400, :1],
        "grey": colour[:128, :96, 0],
        "flat": np.full((64, 64), 128, np.uint8),
        "black": np.zeros((10, 10, 3), np.uint8),
        "ramp": smooth[:90, :90].astype(np.uint8),
        "stripes": tones[:80, :80],
        "half": np.where(x < 150, 0, 255).astype(np.uint8)[:300, :300],
    }


#: Images whose hashes of every kind are golden: pass orders tell them apart.
TALL = ("tall", "very tall", "column")


def references():
    """ImageHash's functions, of an image and ``hash_size``, by the names of our algorithms."""
    import imagehash

    return {
        "phash": imagehash.phash,
        "phash_simple": imagehash.phash_simple,
        "ahash": imagehash.average_hash,
        "dhash": imagehash.dhash,
        "dhash_vertical": imagehash.dhash_vertical,
        "whash": imagehash.whash,
    }


def pass_order(pillow):
    """Which pass of the resize comes first in a version of Pillow."""
    release = tuple(int(part) for part in pillow.split(".")[:2])
    return "horizontal" if release < (12, 2) else "pillow12.2" if release < (13, 0) else "pillow13"


def main():
    import json
    from importlib.metadata import version
    from pathlib import Path

    phash = references()["phash"]
    hashes = {}
    for name, pixels in golden_images().items():
        image = Image.fromarray(pixels)
        turns = [image if t is None else image.transpose(t) for t in TRANSPOSES]
        hashes[name] = [str(phash(turn)) for turn in turns]
    tall = {
        name: {
            shown: [
                str(make(Image.fromarray(golden_images()[shown]), hash_size=side))
                for side in (8, 16)
            ]
            for shown in TALL
        }
        for name, make in references().items()
    }
    packages = ("ImageHash", "Pillow", "PyWavelets", "scipy", "numpy")
    versions = {name: version(name) for name in packages}
    path = Path(__file__).with_name("golden.json")
    golden = json.loads(path.read_text()) if path.exists() else {}
    golden[pass_order(versions["Pillow"])] = {
        "versions": versions,
        "hashes": hashes,
        "tall": tall,
    }
    path.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
