import os
import subprocess
import sys

import numpy as np
import pytest

from fastphash.images.decode import decode
from fastphash.images.thumbnail import both_thumbnails
from fastphash.ingest import worker
from fastphash.ingest.worker import Hasher, Recipe
from tests.support.batches import ROW_LISTS, merge, reader
from tests.support.references import imagehashes
from tests.support.scenes import scenes


def test_content_just_seen_is_decoded_once(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", [1, 2])
    for name in ("copy.png", "again.png"):
        (folder / name).write_bytes((folder / "001.png").read_bytes())
    decoded = []
    monkeypatch.setattr(
        worker,
        "decode",
        lambda data, *rules, **how: decoded.append(data) or decode(data, *rules, **how),
    )
    hasher = Hasher(Recipe())
    first = hasher.hash_files(reader(folder), [b"001.png", b"copy.png", b"002.png"])
    assert len(decoded) == 2
    later = hasher.hash_files(reader(folder), [b"again.png", b"002.png"])
    assert len(decoded) == 2
    hashes = merge([first, later]).hashes["phash"][..., 0]
    assert (hashes[[1, 3, 4]] == hashes[[0, 0, 2]]).all()
    assert hashes[0].tolist() == imagehashes(folder / "001.png")


def test_what_a_worker_remembers_is_bounded_and_the_oldest_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_REMEMBERED", 2)
    folder = scenes(tmp_path / "in", range(3))
    hasher = Hasher(Recipe(orientations=False))
    for seed in (0, 1, 0, 2):
        hasher.hash_files(reader(folder), [b"%03d.png" % seed])
    decoded = []
    monkeypatch.setattr(
        worker,
        "decode",
        lambda data, *rules, **how: decoded.append(data) or decode(data, *rules, **how),
    )
    batch = hasher.hash_files(reader(folder), [b"000.png", b"001.png", b"002.png"])
    assert decoded == [(folder / "001.png").read_bytes()]
    assert batch.hashes["phash"][:, 0, 0].tolist() == [
        imagehashes(folder / f"{seed:03d}.png")[0] for seed in range(3)
    ]


def test_batches_are_merged_in_order(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    (folder / "notes.txt").write_text("no image")
    (folder / "empty.png").touch()
    names = sorted(os.fsencode(path.name) for path in folder.iterdir())
    whole = Hasher(Recipe()).hash_files(reader(folder), names)
    alone = [Hasher(Recipe()).hash_files(reader(folder), [name]) for name in names]
    merged = merge(alone)
    for name in (*ROW_LISTS, "rejected", "skipped"):
        assert getattr(merged, name) == getattr(whole, name)
    assert (merged.hashes["phash"] == whole.hashes["phash"]).all()
    assert (merged.thumbnails == whole.thumbnails).all()
    assert merged.inputs == len(names) == 5


def test_workers_have_their_kernels_before_the_first_image_and_no_pyarrow():
    code = "import sys, fastphash.ingest.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    kernels = {f"fastphash.kernels.{name}" for name in ("chroma", "grey", "lanczos")}
    assert kernels <= modules
    assert "pyarrow" not in modules


@pytest.mark.parametrize("algorithms", [("phash", "phash_simple"), ("phash_simple",)])
def test_hashes_of_one_thumbnail_share_it(algorithms, tmp_path, monkeypatch):
    folder, made = scenes(tmp_path / "in", [1]), []

    def counted(*arguments):
        made.append(arguments)
        return both_thumbnails(*arguments)

    alone = {
        name: Hasher(Recipe(algorithms=(name,))).hash_files(reader(folder), [b"001.png"])
        for name in algorithms
    }
    monkeypatch.setattr("fastphash.hashing.image_hashes.both_thumbnails", counted)
    monkeypatch.setattr("fastphash.ingest.worker.thumbnail", None)
    batch = Hasher(Recipe(algorithms=algorithms)).hash_files(reader(folder), [b"001.png"])
    assert len(made) == 1
    for name, other in alone.items():
        assert np.array_equal(batch.hashes[name], other.hashes[name])
        assert np.array_equal(batch.thumbnails, other.thumbnails)


def test_hashes_of_several_sizes_share_pairs_of_rows_and_are_those_of_each_alone(tmp_path):
    folder = scenes(tmp_path / "in", [1, 2])
    names = ("phash", "dhash", "dhash_256", "whash", "ahash", "pdq")
    for orientations in (True, False):
        recipe = Recipe(algorithms=names, orientations=orientations)
        together = Hasher(recipe).hash_files(reader(folder), [b"001.png", b"002.png"])
        for name in names:
            recipe = Recipe(algorithms=(name,), orientations=orientations)
            alone = Hasher(recipe).hash_files(reader(folder), [b"001.png", b"002.png"])
            assert np.array_equal(together.hashes[name], alone.hashes[name])


@pytest.mark.parametrize("name", ["phash", "dhash", "pdq"])
def test_sixteen_images_are_hashed_at_once_and_have_the_hashes_of_each_alone(name, tmp_path):
    folder = scenes(tmp_path / "in", range(35))
    paths = [b"%03d.png" % seed for seed in range(35)]
    hasher, sizes = Hasher(Recipe(algorithms=(name,))), []
    function = hasher._functions[name]

    def counted(reduced):
        sizes.append(len(reduced))
        return function.hash(reduced)

    hasher._functions[name] = function._replace(hash=counted)
    together = hasher.hash_files(reader(folder), paths)
    assert sizes == [16, 16, 3]
    alone = [Hasher(Recipe(algorithms=(name,))).hash_files(reader(folder), [one]) for one in paths]
    assert np.array_equal(
        together.hashes[name], np.concatenate([batch.hashes[name] for batch in alone])
    )
