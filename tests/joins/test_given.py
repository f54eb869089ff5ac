import warnings

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import fastphash as fp
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions, hashing_options
from fastphash.store.open import read_hashes
from fastphash.store.store import open_store
from tests.support.scenes import save, scene, source

HERE = IngestOptions(workers=0)
SEVERAL = hashing_options(workers=0, hashes=("dhash", "phash_256"), orientations=False)


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
    # each is read on either side, beside one of its own form and one of another
    following = dict(zip(forms, [*forms.values()][1:] + [*forms.values()][:1], strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, form in forms.items():
            pairs = fp.self_join(form)
            found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
            assert found == [(0, 3), (1, 4)], name
            assert fp.ORIENTATIONS[pairs.orientation[0]] == "rotate_90", name
            assert fp.group(form).keeper.tolist() == [0, 1, 2, 0, 1], name
            for other in (form, following[name]):
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


@pytest.fixture(scope="module")
def several(pictures):
    """Hashes of the same pictures by ImageHash, in columns; those of 256 bits as hex digits."""
    images = [Image.open(path) for path in pictures]
    return pa.table(
        {
            "path": [path.name for path in pictures],
            "dhash": pa.array([int(str(imagehash.dhash(i)), 16) for i in images], pa.uint64()),
            "phash_256": [str(imagehash.phash(image, hash_size=16)) for image in images],
            "pdq": fp.to_hex(np.stack([fp.pdq(path).hash for path in pictures]), bits=256),
        }
    )


@pytest.mark.filterwarnings("ignore:these hashes have no orientations")
def test_the_hash_that_is_asked_for_is_compared(several, pictures, tmp_path):
    file = tmp_path / "several.parquet"
    pq.write_table(several, file)
    hash_into(tmp_path / "s", [source("all", pictures[0].parent)], SEVERAL)
    for form in (several, file, tmp_path / "s"):
        # the first that it has, whatever comes behind
        assert fp.self_join(form).right.tolist() == [4]
        for name in ("dhash", "phash_256"):
            pairs = fp.self_join(form, hash=name)
            assert (pairs.left.tolist(), pairs.right.tolist()) == ([1], [4]), name
            assert fp.group(form, hash=name).keeper.tolist() == [0, 1, 2, 3, 1], name
        assert fp.join(form, form, radius=255, hash="phash_256").left.size == 25
        with pytest.raises(UsageError, match="no hash 'whash': it has dhash"):
            fp.join(form, form, hash="whash")
        with pytest.raises(UsageError, match="no `hash` 'md5': it is one of phash, "):
            fp.self_join(form, hash="md5")
        with pytest.raises(UsageError, match=r"no `hash` \['dhash'\]: it is one of phash, "):
            fp.group(form, hash=["dhash"])
    with pytest.raises(UsageError, match="`hash` 'pdq' has 256 bits, not 64 as these"):
        fp.self_join(np.array([1, 2], np.uint64), hash="pdq")
    wide = read_hashes(str(file), algorithm="phash_256").hashes
    assert wide.shape == (5, 1, 4)
    assert fp.to_hex(wide[:, 0], bits=256) == several["phash_256"].to_pylist()
    assert fp.join(several, wide, hash="phash_256").left.size == 7
    with pytest.raises(UsageError, match="`hash` 'dhash' has 64 bits, not 256 as these"):
        fp.join(several, wide, hash="dhash")
    stored = read_hashes(str(tmp_path / "s"), algorithm="phash_256")
    assert (stored.hashes == wide).all()
    assert stored.algorithms == ["dhash", "phash_256"]
    # of some rows of a store, in any order
    chosen = read_hashes(str(tmp_path / "s")).take(np.array([3, 0, 3]))
    assert (chosen.compared_by("phash_256").hashes == wide[[3, 0, 3]]).all()


@pytest.mark.filterwarnings("ignore:these hashes have no orientations")
def test_columns_of_other_names_and_orders_hold_hashes(several, tmp_path):
    named = several.select(["path", "pdq", "phash_256"]).rename_columns(["path", "x", "y"])
    pq.write_table(named, tmp_path / "named.parquet")
    rows = read_hashes(str(tmp_path / "named.parquet"), columns={"phash_256": "y"})
    assert (rows.algorithm.name, rows.algorithm.bits) == ("phash_256", 256)
    columns = {"pdq": "x"}
    theirs = read_hashes(str(tmp_path / "named.parquet"), columns=columns)
    assert fp.join(theirs, several, hash="pdq").left.size == 7
    with pytest.raises(UsageError, match=r"named.parquet has no hash 'phash': it has phash_256"):
        read_hashes(str(tmp_path / "named.parquet"), columns={"phash_256": "y"}, algorithm="phash")
    with pytest.raises(StoreError, match="no column 'phash': a file of hashes has path and phash"):
        read_hashes(str(tmp_path / "named.parquet"))


@pytest.mark.filterwarnings("ignore:these hashes have no orientations")
def test_hashes_of_different_algorithms_are_not_joined(hashed, several):
    for one, other in ((hashed, several), (several, hashed)):
        with pytest.raises(DefinitionError, match="hashes of different algorithms"):
            fp.join(one, other)
    with pytest.raises(UsageError, match="no hash 'phash_256': it has phash"):
        fp.join(hashed, several, hash="phash_256")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1, 2], "column 'phash_256': it holds int64: hashes are 64 hex digits, or 32 bytes"),
        (["0" * 64, "0" * 16], "'phash_256', row 2: '0000000000000000' is no hash of 256 bits"),
        (["0" * 64, None], "column 'phash_256' has rows without a value"),
    ],
)
def test_columns_of_256_bits_hold_them(column, message):
    with pytest.raises(UsageError, match=message):
        fp.self_join(pa.table({"phash_256": column}))


@pytest.mark.parametrize(("name", "bits"), [("dhash", 64), ("pdq", 256)])
def test_columns_may_hold_hex_digits_or_bytes(name, bits):
    hexadecimal = ["0" * (bits // 4), "f" * (bits // 4), "0" * (bits // 4)]
    octets = [bytes.fromhex(digits) for digits in hexadecimal]
    for column in (hexadecimal, octets, pa.array(octets, pa.binary_view())):
        with pytest.warns(UserWarning, match="no orientations"):
            pairs = fp.self_join(pa.table({name: column}), radius=0)
        assert (pairs.left.tolist(), pairs.right.tolist()) == ([0], [2])
    twice = pa.Table.from_arrays([pa.array(hexadecimal)] * 2, [name, name])
    with pytest.raises(UsageError, match=f"one column '{name}'; this one has several"):
        fp.self_join(twice)
