"""Pictures made of random numbers, and folders of them."""

import numpy as np
import scipy.fft
from PIL import Image

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.hashing.phash import hash_orientations
from fastphash.sources.local import folder_source

#: Pillow's names of the seven orientations that turn an image, in canonical order.
TRANSPOSES = [Image.Transpose[name.upper()] for name in ORIENTATIONS[1:]]

#: Options of Pillow: four times as fast as the usual level 6, for thousands of files.
QUICK_PNG = {"compress_level": 1}


def scene(seed, height=48, width=64):
    """A smooth random picture, uint8 (h, w, 3), whose hash ties with nothing."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def save(path, pixels, **options):
    """Write pixels in the format of the path's ending, and make the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        options = QUICK_PNG | options
    Image.fromarray(pixels).save(path, **options)
    return path


def scenes(folder, seeds):
    """Write one picture for each seed; returns the folder."""
    for seed in seeds:
        save(folder / f"{seed:03d}.png", scene(seed))
    return folder


def planted(folder):
    """Two splits with every kind of copy; returns ``train=DIR`` and ``val=DIR``.

    train: 0 to 5, 0 again (identical), 1 as BMP (exact), 2 rotated (augmented), flat and flatter
    (equal hashes, no copies), a broken JPEG and a text; val: 10 and 11, 3 (identical), 4 as BMP
    (exact), 5 mirrored (augmented).
    """
    train, val = folder / "train", folder / "val"
    scenes(train, range(6))
    (train / "again.png").write_bytes((train / "000.png").read_bytes())
    save(train / "other.bmp", scene(1))
    save(train / "turned.png", np.rot90(scene(2)))
    save(train / "flat.png", np.full((40, 40), 60, np.uint8))
    save(train / "flatter.png", np.full((40, 40), 200, np.uint8))
    (train / "broken.jpg").write_text("no image")
    (train / "notes.txt").write_text("no image either")
    scenes(val, [10, 11])
    (val / "leak.png").write_bytes((train / "003.png").read_bytes())
    save(val / "leak.bmp", scene(4))
    save(val / "mirrored.png", scene(5)[:, ::-1])
    return f"train={train}", f"val={val}"


def source(split, folder):
    """The split of a folder."""
    return folder_source(f"{split}={folder}")


def waves(count, seed, side=48, detail=5):
    """Pictures that are no copies of one another: waves, coarse ones stronger, uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.arange(side), np.arange(side)))
    waves = rng.normal(0, 1, (count, side, side)) / (1 + frequency**2 / detail)
    waves[:, 0, 0] = 0
    shade = scipy.fft.idctn(waves, axes=(1, 2))[:, :32, :32]
    shade /= shade.std(axis=(1, 2), keepdims=True)
    return np.clip(128 + 40 * shade, 0, 255).astype(np.uint8).reshape(count, 1024)


def hashed(pictures):
    """Hashes in all orientations, uint64 (n, 8), of thumbnails uint8 (n, 1024)."""
    upright = pictures.reshape(-1, 32, 32)
    return hash_orientations(np.stack([upright, upright.transpose(0, 2, 1)], axis=1))
