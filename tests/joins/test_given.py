import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastphash as fp
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.store.open import read_hashes
from fastphash.store.store import open_store
from tests.support.scenes import save, scene, source

HERE = IngestOptions(workers=0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Five pictures, of which 3 is 0 turned, and 4 is 1 again."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = [scene(0), scene(1), scene(2), np.rot90(scene(0)), scene(1)]
    return [save(folder / f"{i}.png", one) for i, one in enumerate(pixels)]


@pytest.fixture(scope="module")
def hashed(pictures):
    return fp.hash_images(pictures, workers=0)


@pytest.fixture(scope="module")
def store(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "s"
    hash_into(path, [source("all", pictures[0].parent)], HERE)
    return path


def all_forms(pictures, hashed, store, folder):
    """The same hashes in every form that is taken."""
    file = folder / "hashes.parquet"
    pq.write_table(hashed.table, file)
    return {
        "array": np.stack([fp.phash_orientations(path) for path in pictures]),
        "hashed": hashed,
        "table": hashed.table,
        "plain table": pa.table({n: hashed.table[n] for n in hashed.table.column_names}),
        "store": store,
        "store as text": str(store),
        "split of a store": f"{store}@all",
        "opened store": open_store(store),
        "rows of a store": read_hashes(str(store)),
        "file": file,
    }


def test_every_form_gives_the_same_pairs_and_groups(pictures, hashed, store, tmp_path):
    forms = all_forms(pictures, hashed, store, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, form in forms.items():
            pairs = fp.self_join(form)
            found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
            assert found == [(0, 3), (1, 4)], name
            assert fp.ORIENTATIONS[pairs.orientation[0]] == "rotate_90", name
            assert fp.group(form).keeper.tolist() == [0, 1, 2, 0, 1], name
            for other in forms.values():
                crossed = fp.join(form, other)
                assert crossed.left.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4], name


def test_missing_orientations_are_said_where_no_shape_shows_them(pictures, hashed, store, tmp_path):
    upright = fp.hash_images(pictures, workers=0, orientations=False)
    file = tmp_path / "upright.parquet"
    pq.write_table(upright.table, file)
    for form in (upright, upright.table, file, str(file)):
        with pytest.warns(UserWarning, match="no orientations: rotated and mirrored") as caught:
            assert fp.self_join(form).left.tolist() == [1]
        assert caught[0].filename == __file__
        with pytest.warns(UserWarning, match="no orientations"):
            assert fp.group(form).keeper.tolist() == [0, 1, 2, 3, 1]
        with pytest.warns(UserWarning, match="no orientations"):
            fp.join(form, upright)
        # the turned hashes of one side are enough
        assert fp.join(form, hashed).left.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4]
    array = upright.table["phash"].to_numpy()
    assert fp.self_join(array).left.tolist() == [1]


def test_hashes_of_two_definitions_are_not_compared(pictures, hashed, store):
    other = fp.hash_images(pictures, workers=0, definition=fp.Definition(exif=True))
    for form in (hashed, hashed.table, store):
        with pytest.raises(DefinitionError, match="made in different ways"):
            fp.join(form, other)
        with pytest.raises(DefinitionError, match="EXIF applied"):
            fp.join(other.table, form)
    # an array has no definition
    assert fp.join(hashed, other.table["phash"].to_numpy()).left.size


@pytest.mark.parametrize("call", [fp.self_join, fp.group, lambda given: fp.join(given, given)])
def test_what_holds_no_hashes_is_refused(call, tmp_path):
    with pytest.raises(UsageError, match="'phash'; this one has path, size"):
        call(pa.table({"path": ["a"], "size": [1]}))
    with pytest.raises(UsageError, match="must be uint64, not int64"):
        call(pa.table({"phash": [1, 2]}))
    with pytest.raises(UsageError, match="without a value"):
        call(pa.table({"phash": pa.array([1, None], pa.uint64())}))
    with pytest.raises((UsageError, StoreError), match="nowhere"):
        call(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"uint64, not object: pass an array of what fastphash.ph"):
        call(None)
    with pytest.raises(UsageError, match=r"not float64: pass an array of what fastphash.phash"):
        call([1.0])
    with pytest.raises(UsageError, match=r"not int64: pass np.asarray\(hashes, np.uint64\)"):
        call([1, 2, 2])
    with pytest.raises(UsageError, match=r"fastphash.from_hex reads hashes in hex"):
        call(["d879f8f8d879f8f8"])
