"""What several test modules need: pictures, folders of them, stores, and the command line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy.fft
from PIL import Image

from fastphash import tables
from fastphash.discover import folder_source
from fastphash.hashes import Hashes
from fastphash.hashing import hash_orientations
from fastphash.store import Definition, Layout, create_store, open_store
from fastphash.words import ORIENTATIONS

#: Pillow's names of the seven orientations that turn an image, in canonical order.
TRANSPOSES = [Image.Transpose[name.upper()] for name in ORIENTATIONS[1:]]


def scene(seed, height=48, width=64):
    """A smooth random picture, uint8 (h, w, 3), whose hash ties with nothing."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def save(path, pixels, **options):
    """Write pixels in the format of the path's ending, and make the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
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


def read_store(path):
    """All rows of a store, in order."""
    store = open_store(path)
    store.verify()
    return pa.concat_tables([store.schema.empty_table(), *map(store.read_part, store.parts)])


def part_bytes(path):
    """The bytes of every part of a store, by name."""
    return {part.name: part.read_bytes() for part in sorted(path.glob("part-*.parquet"))}


def write_store(path, *pieces, definition=None, layout=None):
    """A store made by hand: each piece, a dict of columns, becomes a part; the rest is null."""
    store = create_store(path, definition or Definition(), layout or Layout())
    for columns in pieces:
        rows = len(columns["path"])
        full = {name: columns.get(name, pa.nulls(rows)) for name in store.schema.names}
        full["split"] = columns.get("split", ["all"] * rows)
        table = pa.table({name: _column(full[name]) for name in full}).cast(store.schema)
        store.parts.append(store.write_part(table, store.new_part_name()))
        store.roots |= dict.fromkeys(full["split"], "")
    store.save()
    return store


def write_hashes(path, /, **columns):
    """A Parquet file of columns, as another tool would write it."""
    table = pa.table({name: _column(values) for name, values in columns.items()})
    tables.write_table(path, table)
    return path


def hashes_of(columns, definition=None):
    """Rows to join, without a store."""
    return Hashes(
        pa.table({name: _column(values) for name, values in columns.items()}),
        definition or Definition(),
    )


def _column(values):
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return pa.array(
            [row.tobytes() for row in values], pa.binary(values.itemsize * values.shape[1])
        )
    return pa.array(values) if not isinstance(values, (pa.Array, pa.ChunkedArray)) else values


def command(*arguments):
    """The command line as a list, run by this interpreter."""
    return [sys.executable, "-m", "fastphash", *arguments]


def run(*arguments, status=0, **options):
    """Run fastphash as a user does; returns the finished process, its output as text."""
    options = {"cwd": Path.home(), "stdin": subprocess.DEVNULL, "env": screen()} | options
    if "input" in options:
        del options["stdin"]
    done = subprocess.run(command(*arguments), capture_output=True, check=False, **options)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def screen(columns=80):
    """The environment, with a screen of so many columns."""
    return os.environ | {"COLUMNS": str(columns)}


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
