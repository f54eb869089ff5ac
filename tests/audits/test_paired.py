"""An audit that has names alone of images without a partner writes what it writes of all."""

import json
import shutil

import numpy as np
import pytest

from fastphash.audits import paired
from fastphash.audits.engine import ThisMachine
from fastphash.audits.options import AuditOptions, LabelSources
from fastphash.audits.run import audit
from fastphash.groups.grouping import has_partner
from fastphash.ingest.options import IngestOptions, hashing_options
from fastphash.joins.index import Index
from fastphash.results.decisions import Decision, Image, decide
from fastphash.store.rows import HashTable
from fastphash.store.store import open_store
from tests.support.examples import slow_but
from tests.support.scenes import planted, save, scene, scenes, source
from tests.support.stores import read_store

HERE = IngestOptions(workers=0)


class Streaming(ThisMachine):
    """Joins what it reads by itself, and remembers how many rows it has found."""

    def __init__(self, more=()):
        self.more = [*more]
        self.found = []

    def partnered(self, rows, radius, progress):
        table = rows.take(np.arange(len(rows)))
        near = has_partner(Index(table.hashes, table.known), radius)
        near[self.more] = True
        self.found.append(np.flatnonzero(near))
        return self.found[-1]


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """The planted splits, pictures without copies, masks, and pictures that are nearly copies."""
    folder = tmp_path_factory.mktemp("data")
    train, val = (text.partition("=")[2] for text in planted(folder))
    scenes(folder / "train", range(20, 60))
    for i in range(6):
        save(folder / "val" / "images" / f"{i}.png", scene(100 + i))
        mask = np.zeros((48, 64), np.uint8)
        mask[10:20, 4 * i : 4 * i + 16] = 255
        save(folder / "val" / "masks" / f"{i}.png", mask)
        brighter = np.clip(scene(20 + i).astype(int) + 8 * i, 0, 255).astype(np.uint8)
        save(folder / "val" / f"brighter{i}.jpg", brighter, quality=40)
    entries = [{"id": i, "file_name": f"{20 + i:03d}.png"} for i in range(9)]
    annotations = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 10, 9]} for i in range(7)
    ]
    coco = {"images": entries, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}
    (folder / "train.json").write_text(json.dumps(coco))
    return folder, [source("train", train), source("val", val)]


def files(out):
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def image_at(out, split, path):
    for row in read_store(out / "hashes").select(["split", "path", "digest"]).to_pylist():
        if (row["split"], row["path"]) == (split, path):
            return Image(split, path.encode(), row["digest"])
    raise AssertionError(path)


def both(tmp_path, sources, options, prepare=lambda out: None, **engine):
    """The engine, once its audit has written the files of one that reads everything."""
    streaming = Streaming(**engine)
    written = []
    for name, one in (("whole", ThisMachine()), ("some", streaming)):
        out = tmp_path / name / "out"
        out.parent.mkdir()
        prepare(out)
        audit(out, sources, options, HERE, engine=one)
        written.append(files(out))
    assert written[0].keys() == written[1].keys()
    for name, data in written[0].items():
        assert written[1][name] == data, name
    return streaming


OPTIONS = {
    "looks": AuditOptions(views="none"),
    "radius": AuditOptions(views="none", looks=0, radius=2),
    "equal hashes": AuditOptions(views="none", looks=0, radius=0, grouping="components"),
    "no thumbnails": AuditOptions(min_score=None, looks=0, keep_in=["train"]),
    "few candidates": AuditOptions(views="none", looks=5, candidates=0.1, compare_masks=True),
}


@pytest.mark.parametrize("name", slow_but(["radius"], OPTIONS))
def test_the_files_are_those_of_an_audit_of_all_rows(splits, name, tmp_path):
    streaming = both(tmp_path, splits[1], OPTIONS[name])
    (found,) = streaming.found
    stored = sum(part.rows for part in open_store(tmp_path / "some" / "out" / "hashes").parts)
    assert 0 < found.size < stored


def test_labels_of_images_without_a_partner_count(splits, tmp_path):
    folder, sources = splits
    labels = LabelSources(coco={"train": folder / "train.json"})
    both(tmp_path, sources, AuditOptions(views="none", looks=0, labels=labels))
    summary = json.loads((tmp_path / "some" / "out" / "summary.json").read_text())
    assert summary["labels"]["coco"]
    assert summary["masks"]


def test_decisions_about_images_without_a_partner_hold(splits, tmp_path):
    hashed = tmp_path / "hashed"
    audit(hashed, splits[1], AuditOptions(views="none", looks=0), HERE)
    lone = [image_at(hashed, *name) for name in (("train", "040.png"), ("val", "010.png"))]
    copies = [image_at(hashed, "train", name) for name in ("001.png", "other.bmp")]
    gone = Image("train", b"gone.png", bytes(16))

    def prepare(out):
        shutil.copytree(hashed, out)
        decide(out, Decision("copies", tuple(lone)))
        decide(out, Decision("not_copies", tuple(copies)))
        decide(out, Decision("keeper", (copies[1],)), Decision("keeper", (gone,)))

    both(tmp_path, splits[1], AuditOptions(views="none", looks=0), prepare)
    summary = json.loads((tmp_path / "some" / "out" / "summary.json").read_text())
    assert (summary["decisions"]["used"], summary["decisions"]["stale"]) == (2, 1)
    assert summary["splits"]["train"]["leaks"]["kinds"]["confirmed"] == 1


def test_where_nothing_is_near_anything(tmp_path):
    sources = [source("train", scenes(tmp_path / "train", range(5)))]
    streaming = both(tmp_path, sources, AuditOptions(views="none", radius=0))
    assert not streaming.found[0].size


@pytest.mark.slow
def test_further_rows_make_no_difference(splits, tmp_path):
    options = AuditOptions(views="none", looks=0, radius=2)
    both(tmp_path, splits[1], options, more=range(0, 40, 3))


@pytest.mark.slow
def test_splits_that_are_not_audited_stay_unread(splits, tmp_path):
    def prepare(out):
        audit(out, splits[1], AuditOptions(views="none", looks=0), HERE)

    both(tmp_path, splits[1][1:], AuditOptions(views="none", looks=0, radius=2), prepare)


@pytest.mark.slow
@pytest.mark.parametrize("views", ["centre", "none"])
def test_where_any_image_may_be_a_copy_all_are_read(splits, views, tmp_path):
    # windows, or hashes that propose pairs
    options = AuditOptions(views=views, looks=0, propose=None if views == "centre" else ("dhash",))
    ingest = hashing_options(workers=0, hashes=["phash", "dhash"])
    streaming = Streaming()
    audit(tmp_path / "out", splits[1], options, ingest, engine=streaming)
    assert not streaming.found


@pytest.mark.slow
def test_images_without_a_partner_have_names_alone(splits, tmp_path, monkeypatch):
    out, held = tmp_path / "out", []
    read = paired.read_images

    def watched(*arguments):
        images = read(*arguments)
        held.append(images.rows)
        return images

    monkeypatch.setattr("fastphash.audits.run.read_images", watched)
    audit(out, splits[1], AuditOptions(views="none", looks=0), HERE, engine=Streaming())
    (rows,) = held
    assert isinstance(rows, HashTable)
    assert not {"phash", "thumbnail", "chroma", "pixel_digest"} & {*rows.table.column_names}
