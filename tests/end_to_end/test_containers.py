"""The same pictures wherever they lie: as files, in tar, zip and Parquet files, in buckets."""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

import fastphash as fp
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.previews import Previews
from fastphash.results.audit_folder import open_audit
from fastphash.sources.containers import CONTAINER_ENDINGS
from tests.support.command_line import run
from tests.support.containers import MAKERS, files_of, make_parquet
from tests.support.examples import slow_but
from tests.support.object_server import serving
from tests.support.scenes import planted
from tests.support.stores import read_store

_OWN = ("path", "container", "key", "mtime_ns", "inode", "ctime_ns", "etag")


@pytest.fixture(scope="module")
def loose(tmp_path_factory):
    """Two splits of files, and their audit."""
    folder = tmp_path_factory.mktemp("loose")
    splits = planted(folder)
    run("audit", *splits, "-o", folder / "out", "--workers", "1")
    return folder


IN_BUCKET = ("objects", "tar in a bucket", "zip on a web server", "parquet in a bucket")
# each container and each place once
QUICK = ("tar.gz", "deflated zip", "parquet", "objects", "tar in a bucket", "zip on a web server")


class Packed(NamedTuple):
    """The same pictures in another place, and their audit.

    Attributes
    ----------
    folder : Path
        Of the audit.
    train, val : list of str
        Names of the files.
    places : dict of str to str
        Where each split is, as a user writes it.
    """

    folder: Path
    train: list[str]
    val: list[str]
    places: dict[str, str]

    @property
    def words(self):
        """The splits as a user writes them."""
        return [f"{split}={place}" for split, place in self.places.items()]

    @property
    def is_loose(self):
        """Whether they lie in no containers."""
        return not self.places["val"].endswith(CONTAINER_ENDINGS)

    @property
    def is_remote(self):
        """Whether they lie in a bucket or on a web server."""
        return "://" in self.places["val"]


@pytest.fixture(params=slow_but(QUICK, [*MAKERS, *IN_BUCKET]), scope="module")
def packed(request, loose, tmp_path_factory):
    """The same in two containers and one, or as objects, and their audit."""
    folder = tmp_path_factory.mktemp("packed")
    with serving() as server:
        if request.param == "objects":
            server.put_folder(loose, "bucket/data")
            of_files = pack(folder, loose, "tar")
            places = {split: f"s3://bucket/data/{split}" for split in of_files.places}
        else:
            of_files = pack(folder, loose, request.param.split(" in ")[0].split(" on ")[0])
            places = of_files.places
        if request.param in IN_BUCKET[1:]:
            server.put_folder(folder, "bucket/data")
            root = f"{server.url}/bucket/data" if "web" in request.param else "s3://bucket/data"
            places = {split: place.replace(str(folder), root) for split, place in places.items()}
        packed = of_files._replace(places=places)
        run("audit", *packed.words, "-o", folder / "out", "--workers", "1")
        yield packed


def pack(folder, loose, kind):
    """The same pictures in containers of one kind, not audited yet."""
    ending, make = MAKERS[kind]
    train, val = files_of(loose / "train"), files_of(loose / "val")
    if ending == "parquet":
        # every row is an image, and would be rejected
        train = [(name, data) for name, data in train if not name.endswith(".txt")]
    make(folder / f"train-0.{ending}", train[:5])
    make(folder / f"train-1.{ending}", train[5:])
    make(folder / f"val.{ending}", val)
    places = {"train": f"{folder}/train-{{0..1}}.{ending}", "val": f"{folder}/val.{ending}"}
    names = ([name for name, _ in files] for files in (train, val))
    return Packed(folder, *names, places)


def rows(folder):
    """What a store knows of each image besides its place, in order."""
    table = read_store(folder / "out" / "hashes")
    return table.drop_columns(list(_OWN)).to_pylist()


def store_paths(folder):
    return read_store(folder / "out" / "hashes")["path"].to_pylist()


def summary(folder):
    return json.loads((folder / "out" / "summary.json").read_text())


def test_hashes_groups_and_leaks_are_those_of_files(packed, loose):
    folder, train, val, _ = packed
    assert rows(folder) == rows(loose)
    found, wanted = summary(folder), summary(loose)
    for key in ("leaks", "verdict", "looks", "calibration", "radius", "staying", "rejected"):
        assert found[key] == wanted[key], key
    assert found["groups"]["images"] == wanted["groups"]["images"] > 0
    place = {}
    for split, names in (("train", train), ("val", val)):
        table = read_store(folder / "out" / "hashes").to_pylist()
        of_split = [row["path"] for row in table if row["split"] == split]
        hashed = [name for name in names if name not in ("broken.jpg", "notes.txt")]
        place |= dict(zip(((split, name) for name in hashed), of_split, strict=True))
    for name in ("groups", "leaks"):
        ours, theirs = (pq.read_table(f / "out" / f"{name}.parquet") for f in (folder, loose))
        assert _renamed(theirs.to_pylist(), place) == _sorted(ours.to_pylist())


def test_items_of_python_have_hashes_groups_and_leaks_of_files(loose, tmp_path):
    store, of_files = tmp_path / "out" / "hashes", loose / "out" / "hashes"
    for split in ("train", "val"):
        items = sorted(files_of(loose / split))
        fp.hash_items(items, store=store, split=split, workers=0)
    assert rows(tmp_path) == rows(loose)
    commands = {
        "groups": lambda place: ("group", place),
        "pairs": lambda place: ("join", f"{place}@train", f"{place}@val"),
    }
    for name, words in commands.items():
        found, wanted = (tmp_path / f"{name}-{one}.parquet" for one in ("items", "files"))
        for place, out in ((store, found), (of_files, wanted)):
            run(*words(place), "-o", out, "--radius", "4")
        assert pq.read_table(found).equals(pq.read_table(wanted))
        assert pq.read_table(found).num_rows


def _renamed(table, place):
    """The rows of a table with the names that images have in containers."""
    for row in table:
        for side in ("", "keeper_", "needle_", "haystack_"):
            if f"{side}path" in row:
                row[f"{side}path"] = place[row[f"{side}split"], row[f"{side}path"]]
    return _sorted(table)


def _sorted(table):
    """Rows in an order of their own, without what goes by the names of keepers."""
    plain = [
        {key: value for key, value in row.items() if key not in ("group", "keeper_reason")}
        for row in table
    ]
    return sorted(plain, key=str)


def test_pictures_are_shown_from_containers(packed):
    folder, *_ = packed
    assert "data:image/jpeg" in (folder / "out" / "report.html").read_text()
    catalog = Catalog(open_audit(folder / "out"))
    previews = Previews(catalog)
    row = catalog.row(0)
    assert previews.preview(row, 160, 0).media_type == "image/jpeg"
    assert previews.file_state(row, compare_bytes=True) == "unchanged"


def test_clean_lists_what_stays_by_name_number_and_key(packed, tmp_path):
    folder, train, _, _ = packed
    shutil.copytree(folder / "out", tmp_path / "out")
    run("clean", tmp_path / "out")
    if packed.is_loose:
        refused = run(
            "clean", tmp_path / "out", tmp_path / "x", "--apply", "--to", "copy", status=2
        )
        assert "lie in 's3://bucket/data/train', where nothing is changed" in refused.stderr
        run("clean", tmp_path / "out", "--apply", "--absolute")
        names = (tmp_path / "out" / "clean" / "train.txt").read_text().splitlines()
        assert {name.removeprefix("s3://bucket/data/train/") for name in names} < set(train)
        return
    refused = run("clean", tmp_path / "out", tmp_path / "x", "--apply", "--to", "move", status=2)
    wanted = "where nothing is changed" if packed.is_remote else "which writes new ones"
    assert wanted in refused.stderr
    assert refused.stderr.count("\n") == 1
    run("clean", tmp_path / "out", "--apply")
    clean = tmp_path / "out" / "clean"
    listed = (clean / "train.txt").read_text().splitlines()
    keys = pq.read_table(clean / "train.keys.parquet").to_pylist()
    names = [row["path"] for row in keys if row["keep"]]
    # what gave no hash isn't judged, and stays
    broken = [row["path"] for row in keys if row["path"] not in store_paths(folder)]
    assert listed == [name for name in names if name not in broken]
    assert len(broken) == 1
    assert len(names) < len(keys) == 12
    numbers = np.load(clean / "train.keep.npy")
    assert numbers.dtype == np.int64
    assert len(numbers) == len(names)
    is_parquet = names[0].partition("::")[0].endswith(".parquet")
    samples = [name for name in train if name != "notes.txt"]
    kept = [samples[number] for number in numbers]
    if not is_parquet:
        assert kept == [name.partition("::")[2] for name in names]
    first = sum(row["container"].startswith("train-0") for row in keys)
    for name, number in zip(names, numbers.tolist(), strict=True):
        container, _, member = name.partition("::")
        if is_parquet:
            assert number == int(member) + (5 if "train-1" in container else 0)
    assert first == 5


def _read_tar(path):
    with tarfile.open(path) as tar:
        return [(info.name, tar.extractfile(info).read()) for info in tar]


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _read_parquet(path):
    rows = pq.read_table(path).to_pylist()
    return [(row["image"]["path"], row["image"]["bytes"], row["label"]) for row in rows]


READERS = {".tar": _read_tar, ".gz": _read_tar, ".zip": _read_zip, ".parquet": _read_parquet}


def test_clean_writes_new_containers(packed, tmp_path):
    folder, train, *_ = packed
    shutil.copytree(folder / "out", tmp_path / "out")
    run("clean", tmp_path / "out")
    words = ("clean", tmp_path / "out", tmp_path / "tree", "--apply", "--to", "copy", "--json")
    if packed.is_remote:
        assert "where nothing is changed" in run(*words, status=2).stderr
        assert not (tmp_path / "tree").exists()
        return
    done = json.loads(run(*words).stdout)
    assert (done["done"], done["skipped"]) == (10, [])
    read = READERS[next(folder.glob("val.*")).suffix]
    for split, number in (("train", 2), ("val", 1)):
        new = sorted((tmp_path / "tree" / split).iterdir())
        assert len(new) == number
        for path in new:
            before, stays = read(folder / path.name), read(path)
            assert stays == [one for one in before if one in stays]
            assert stays
    left = [
        one[0] for path in sorted((tmp_path / "tree" / "train").iterdir()) for one in read(path)
    ]
    goes = ("003.png", "004.png", "005.png", "again.png", "other.bmp", "turned.png")
    assert left == [name for name in train if name not in goes]
    val = next(folder.glob("val.*"))
    assert (tmp_path / "tree" / "val" / val.name).read_bytes() == val.read_bytes()
    # what is there is compared with what would be written
    again = json.loads(run(*words).stdout)
    assert (again["done"], again["already"], again["shards"]) == (0, 10, done["shards"])
    assert done["shards"]["train"]["samples_gone"] == 6


def test_a_query_takes_containers_and_members(packed):
    store, place = packed.folder / "out" / "hashes", packed.places["val"]
    if packed.is_loose:
        one = f"{place}/{packed.val[0]}"
    else:
        shown = json.loads(run("query", place, "--in", store, "-k", "1", "--json").stdout)
        assert len(shown) == 5
        assert {row["kind"] for row in shown} == {"identical"}
        one = shown[-1]["query"]
        assert "no stored image" not in run("query", place, "--in", store).stdout
        absent = run("query", f"{place}::none.png", "--in", store, status=1)
        assert absent.stderr.endswith("read: the container has no such member\n")
    again = json.loads(run("query", one, "--in", store, "-k", "1", "--json").stdout)
    assert [(row["query"], row["kind"]) for row in again] == [(one, "identical")]


def test_images_beside_hashes_are_read_if_their_column_is_named(loose, tmp_path):
    path = make_parquet(tmp_path / "x.parquet", files_of(loose / "val"))
    table = pq.read_table(path)
    pq.write_table(table.append_column("phash", table["label"]), path)
    assert "name their column as --image-column" in run("hash", path, "-o", "s", status=2).stderr
    named = ("--image-column", "image", "--json")
    done = json.loads(run("hash", path, "-o", tmp_path / "s", "--workers", "1", *named).stdout)
    assert done["x"]["hashed"] == 5
    shown = json.loads(run("query", path, "--in", tmp_path / "s", "-k", "1", *named).stdout)
    assert [(row["query"], row["kind"]) for row in shown] == [
        (f"{path}::{row}", "identical") for row in range(5)
    ]


def test_the_next_audit_opens_no_container(packed):
    before = rows(packed.folder)
    word = packed.words[1]
    run("hash", word, "-o", packed.folder / "store", "--workers", "1")
    again = json.loads(
        run("hash", word, "-o", packed.folder / "store", "--workers", "1", "--json").stdout
    )["val"]
    assert (again["kept"], again["hashed"]) == (5, 0)
    assert rows(packed.folder) == before
