import json
import subprocess
import sys

import numpy as np
import pytest

from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.audits.summary import count_reasons
from fastphash.base.vocabulary import COPY_KINDS, COUNTED, COUNTED_COPIES
from fastphash.cli.output_audit import show_audit
from fastphash.errors import DefinitionError, FastphashError, UsageError
from fastphash.files import parquet
from fastphash.ingest.options import IngestOptions
from fastphash.results.groups import group_rows
from fastphash.results.verdict import count_leaks
from fastphash.sources.local import folder_source
from fastphash.store.schema import Layout
from fastphash.store.store import open_store
from tests.support.scenes import planted, save, scene, scenes, source
from tests.support.stores import part_bytes

ONE_WORKER, TWO_WORKERS = IngestOptions(workers=1), IngestOptions(workers=2)
FILES = [
    "findings.parquet",
    "groups.parquet",
    "hashes",
    "leaks.parquet",
    "rejected.csv",
    "rejected.parquet",
    "report.html",
    "summary.json",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The two planted splits."""
    folder = tmp_path_factory.mktemp("data")
    return folder, [folder_source(text) for text in planted(folder)]


@pytest.fixture(scope="module")
def found(data):
    """Their audit: the folder and the summary."""
    folder, sources = data
    return folder / "out", audit(folder / "out", sources, ingest=TWO_WORKERS).summary


def rows(path):
    return parquet.read_table(path).to_pylist()


def files(out):
    """Everything in a folder, to the byte."""
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_the_files_are_those_of_the_design(found):
    out, summary = found
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert sorted([*summary["files"].values(), "summary.json"]) == FILES
    assert json.loads((out / "summary.json").read_text()) == summary


def test_images_are_distinct_copies_and_rejected(found):
    splits = found[1]["splits"]
    train, val = splits["train"], splits["val"]
    copies = dict.fromkeys(COPY_KINDS, 0) | {"identical": 1, "exact": 1, "augmented": 1}
    assert (train["images"], train["distinct"], train["rejected"], train["skipped"]) == (
        12,
        8,
        1,
        1,
    )
    assert train["copies"] == copies
    assert (val["images"], val["distinct"], val["rejected"], val["skipped"]) == (5, 5, 0, 0)
    # of equal hashes only: one flat picture and a flatter one
    assert (train["collisions"], val["collisions"]) == (2, 0)
    assert val["copies"] == dict.fromkeys(copies, 0)
    for split in splits.values():
        assert (
            split["images"] == split["distinct"] + sum(split["copies"].values()) + split["rejected"]
        )


def copies_of_a_tiff(folder, *qualities):
    """A TIFF, which is the keeper, and JPEGs of it; those of one quality have the same bytes."""
    save(folder / "original.tif", scene(1, 240, 320))
    for i, quality in enumerate(qualities):
        save(folder / f"{i}.jpg", scene(1, 240, 320), quality=quality)
    return folder


@pytest.mark.parametrize(
    ("qualities", "identical"), [([90] * 8, 7), ([90, 80], 0), ([90, 80, 80, 90, 90], 3)]
)
def test_equal_bytes_are_identical_whatever_the_keeper_is(tmp_path, qualities, identical):
    splits = [source(name, copies_of_a_tiff(tmp_path / name, *qualities)) for name in ("a", "b")]
    summary = audit(tmp_path / "out", splits, ingest=ONE_WORKER).summary
    for split in summary["splits"].values():
        assert split["copies"]["identical"] == identical
        assert sum(split["copies"].values()) == len(qualities)
        assert split["distinct"] == 1


def test_leaks_are_counted_for_each_ordered_pair_of_splits(found):
    kinds = dict.fromkeys(COUNTED, 0) | {"identical": 1, "exact": 1, "augmented": 1}
    for split, images in (("train", 11), ("val", 5)):
        leaks = {"leaked": 3, "share": 3 / images, "kinds": kinds}
        assert found[1]["splits"][split]["leaks"] == leaks
    assert found[1]["leaks"] == [
        {
            "needles": needles,
            "haystack": haystack,
            "images": images,
            "leaked": 3,
            "share": 3 / images,
            "kinds": kinds,
            "by_distance": {"0": 3},
            "same_pixels": 1,
        }
        for needles, haystack, images in (("train", "val", 11), ("val", "train", 5))
    ]


def test_leaks_name_the_image_and_its_copy(found):
    leaks = [row for row in rows(found[0] / "leaks.parquet") if row["needle_split"] == "val"]
    named = {row["needle_path"]: (row["haystack_path"], row["kind"]) for row in leaks}
    assert named == {
        "leak.bmp": ("004.png", "exact"),
        "leak.png": ("003.png", "identical"),
        "mirrored.png": ("005.png", "augmented"),
    }
    assert {row["orientation"] for row in leaks} == {"identity", "flip_left_right"}
    assert all(row["distance"] == 0 and row["matches"] == 0 for row in leaks)


def test_groups_keep_the_split_for_validation_and_the_shorter_name(found):
    groups = {}
    for row in rows(found[0] / "groups.parquet"):
        groups.setdefault(row["group"], []).append((row["role"], f"{row['split']}/{row['path']}"))
    assert all([role for role, _ in group] == ["keeper", "copy"] for group in groups.values())
    pairs = {keeper: copy for (_, keeper), (_, copy) in groups.values()}
    turned = pairs.get("train/002.png") or pairs.get("train/turned.png")
    assert turned in ("train/turned.png", "train/002.png")
    assert (
        pairs.items()
        >= {
            "train/000.png": "train/again.png",
            "train/001.png": "train/other.bmp",
            "val/leak.png": "train/003.png",
            "val/leak.bmp": "train/004.png",
            "val/mirrored.png": "train/005.png",
        }.items()
    )
    assert found[1]["groups"]["groups"] == len(pairs) == 6
    assert found[1]["groups"]["images"] == 12
    assert [group["images"] for group in found[1]["groups"]["largest"]] == [2] * 5


def test_rejected_files_have_stage_and_reason(found):
    out, summary = found
    assert rows(out / "rejected.parquet") == [
        {
            "split": "train",
            "path": "broken.jpg",
            "path_bytes": None,
            "stage": "identify",
            "reason": "not an image of a supported format",
        }
    ]
    assert summary["rejected"] == {"identify: not an image of a supported format": 1}


def test_other_splits_can_be_told_to_keep_their_images(data, tmp_path):
    audit(tmp_path / "out", data[1], AuditOptions(keep_in=["train"]), ingest=ONE_WORKER)
    keepers = [r for r in rows(tmp_path / "out" / "groups.parquet") if r["role"] == "keeper"]
    assert {row["split"] for row in keepers} == {"train"}


def test_a_second_audit_hashes_nothing_and_gives_the_same_bytes(data, tmp_path):
    _, sources = data
    first = audit(tmp_path / "out", sources, ingest=TWO_WORKERS)
    before = files(tmp_path / "out")
    second = audit(tmp_path / "out", sources, ingest=ONE_WORKER)
    assert [tally.hashed for tally in first.tallies.values()] == [11, 5]
    assert [(tally.kept, tally.hashed) for tally in second.tallies.values()] == [(11, 0), (5, 0)]
    assert second.summary == first.summary
    assert files(tmp_path / "out") == before


def test_the_next_audit_sees_what_has_changed(tmp_path):
    a, b = scenes(tmp_path / "a", range(3)), scenes(tmp_path / "b", range(2, 5))
    sources = [source("a", a), source("b", b)]
    assert [leak["leaked"] for leak in audit(tmp_path / "out", sources).summary["leaks"]] == [1, 1]
    (b / "002.png").unlink()
    save(b / "new.png", np.rot90(scene(0)))
    save(b / "newer.png", np.rot90(scene(1), 2))
    again = audit(tmp_path / "out", sources).summary
    assert [leak["kinds"]["augmented"] for leak in again["leaks"]] == [2, 2]
    assert [leak["leaked"] for leak in again["leaks"]] == [2, 2]
    assert again["splits"]["b"]["images"] == 4


def test_one_split_alone_has_no_leaks(tmp_path):
    summary = audit(tmp_path / "out", [source("all", scenes(tmp_path / "in", [1, 2]))]).summary
    assert summary["leaks"] == []
    assert rows(tmp_path / "out" / "leaks.parquet") == []
    assert summary["splits"]["all"]["distinct"] == 2
    assert summary["groups"] == {"groups": 0, "images": 0, "largest": []}


def test_a_split_of_an_earlier_audit_that_is_left_out_is_not_in_this_one(data, tmp_path):
    _, (train, val) = data
    audit(tmp_path / "out", [train, val], ingest=ONE_WORKER)
    summary = audit(tmp_path / "out", [val], ingest=ONE_WORKER).summary
    assert list(summary["splits"]) == ["val"]
    assert summary["rejected"] == {}
    assert {row["split"] for row in rows(tmp_path / "out" / "groups.parquet")} <= {"val"}
    store = tmp_path / "out" / "hashes"
    assert list(open_store(store).roots) == ["train", "val"]
    assert open_store(store).left_out == ["train"]
    again = audit(tmp_path / "out", [train, val], ingest=ONE_WORKER)
    assert [tally.hashed for tally in again.tallies.values()] == [0, 0]
    assert open_store(store).left_out == []
    assert again.summary["splits"]["train"]["images"] == 12


def test_three_splits_are_compared_each_with_each(tmp_path):
    sources = [source(name, scenes(tmp_path / name, seeds)) for name, seeds in THREE.items()]
    summary = audit(tmp_path / "out", sources, ingest=TWO_WORKERS).summary
    leaked = {(leak["needles"], leak["haystack"]): leak["leaked"] for leak in summary["leaks"]}
    assert leaked == {
        (a, b): len(set(THREE[a]) & set(THREE[b])) for a in THREE for b in THREE if a != b
    }
    assert count_leaks(summary, ["identical"]) == {"train": 3, "val": 1, "test": 3}
    assert count_leaks(summary, ["exact", "augmented"]) == {}
    table = {
        (row["needle_split"], row["needle_path"]): (
            *(row["haystack_split"], row["also_in"], row["matches"]),
        )
        for row in rows(tmp_path / "out" / "leaks.parquet")
    }
    assert len(table) == 7
    assert table["train", "005.png"] == ("test", "val", 1)
    assert table["val", "005.png"] == ("test", "train", 1)
    assert table["test", "004.png"] == ("train", "", 0)


THREE = {"train": range(6), "val": range(5, 8), "test": range(3, 6)}


def test_without_thumbnails_only_equal_bytes_and_pixels_are_copies(tmp_path):
    train, val = (folder_source(text) for text in planted(tmp_path))
    layout = Layout(thumbnails=False)
    summary = audit(
        tmp_path / "out", [train, val], ingest=IngestOptions(layout=layout, workers=1)
    ).summary
    split = summary["splits"]["train"]
    found = {"identical": 1, "exact": 1, "unverified": 2}
    assert split["copies"] == dict.fromkeys(COPY_KINDS, 0) | found
    assert split["same_pixels"] == 1
    assert split["images"] == split["distinct"] + sum(split["copies"].values()) + split["rejected"]
    kinds = summary["leaks"][1]["kinds"]
    assert kinds == dict.fromkeys(COUNTED, 0) | {"identical": 1, "exact": 1, "unverified": 1}
    assert summary["leaks"][1]["leaked"] == sum(kinds[kind] for kind in COUNTED_COPIES) == 2


@pytest.mark.parametrize(
    ("thumbnails", "why"), [(True, "they look different"), (False, "no thumb")]
)
def test_collisions_look_different_only_if_thumbnails_were_compared(found, capsys, thumbnails, why):
    show_audit(found[1] | {"thumbnails": thumbnails}, {}, "out")
    assert f"2 images share a hash with another, but {why}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("min_score", "chance", "said"),
    [
        (0.0, 12_345.6, "By chance, an image has about 12,000 others with such hashes"),
        (
            0.3,
            1e-9,
            "0.3 (1 is the same picture) By chance, an image has fewer than 0.01 others with",
        ),
        (
            None,
            0.61,
            "0.61 others with such hashes. No thumbnails were compared: such pairs may",
        ),
    ],
)
def test_what_near_means_is_said_in_plain_numbers(found, capsys, min_score, chance, said):
    show_audit(found[1] | {"min_score": min_score, "chance": chance}, {}, "out")
    assert said in " ".join(capsys.readouterr().out.split())


def test_an_audit_of_equal_hashes_only_says_so(found, capsys):
    show_audit(found[1] | {"radius": 0}, {}, "out")
    assert "Not looked for by phash: only equal hashes were compared" in capsys.readouterr().out


def test_pictures_that_only_collide_are_reported_and_no_copies(tmp_path):
    for split, level in (("a", 60), ("b", 200)):
        save(tmp_path / split / "flat.png", np.full((40, 40), level, np.uint8))
    sources = [source(split, tmp_path / split) for split in ("a", "b")]
    summary = audit(tmp_path / "out", sources, ingest=ONE_WORKER).summary
    assert [leak["leaked"] for leak in summary["leaks"]] == [0, 0]
    assert [leak["kinds"]["collision"] for leak in summary["leaks"]] == [1, 1]
    assert rows(tmp_path / "out" / "groups.parquet") == []


def test_a_split_without_images_fails_after_saying_what_was_rejected(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "broken.jpg").touch()
    (tmp_path / "bad" / "notes.txt").write_text("x")
    sources = [source("good", scenes(tmp_path / "good", [1])), source("bad", tmp_path / "bad")]
    with pytest.raises(FastphashError, match="'bad' has no images") as caught:
        audit(tmp_path / "out", sources, ingest=ONE_WORKER)
    assert "1 file was rejected ('broken.jpg': " in str(caught.value)
    assert [row["path"] for row in rows(tmp_path / "out" / "rejected.parquet")] == ["broken.jpg"]
    assert not (tmp_path / "out" / "summary.json").exists()
    scenes(tmp_path / "bad", [2])
    assert (
        audit(tmp_path / "out", sources, ingest=ONE_WORKER).summary["splits"]["bad"]["images"] == 2
    )


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    precious = tmp_path / "out" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("x")
    for out in (tmp_path / "out", precious):
        with pytest.raises(UsageError, match="exists and is no audit") as caught:
            audit(out, [source("all", folder)])
        assert repr(str(out)) in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == [precious]


def test_an_audit_made_otherwise_is_refused_and_left_alone(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    audit(tmp_path / "out", [source("all", folder)], ingest=ONE_WORKER)
    before = files(tmp_path / "out")
    with pytest.raises(DefinitionError, match="was made with"):
        audit(
            tmp_path / "out",
            [source("all", folder)],
            ingest=IngestOptions(layout=Layout(thumbnails=False), workers=1),
        )
    assert files(tmp_path / "out") == before


def test_a_split_to_keep_that_is_not_audited_is_refused_before_anything_is_written(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    with pytest.raises(UsageError, match="'test', which is no split"):
        audit(tmp_path / "out", [source("all", folder)], AuditOptions(keep_in=["test"]))
    assert not (tmp_path / "out").exists()


def test_reasons_are_counted_most_frequent_first(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    for name in ("a.jpg", "b.jpg"):
        (folder / name).touch()
    (folder / "c.jpg").write_text("no image")
    audit(tmp_path / "out", [source("all", folder)], ingest=ONE_WORKER)
    assert list(
        count_reasons(parquet.read_table(tmp_path / "out" / "rejected.parquet")).items()
    ) == [
        ("identify: the file is empty", 2),
        ("identify: not an image of a supported format", 1),
    ]


def test_any_number_of_workers_gives_the_same_bytes(data, found, tmp_path):
    out, _ = found
    audit(tmp_path / "out", data[1], ingest=IngestOptions(workers=3))
    assert files(tmp_path / "out") == files(out)
    assert part_bytes(out / "hashes")


LOCK = """
import sys
from pathlib import Path
from fastphash.errors import StoreError
from fastphash.store.lock import locked
try:
    with locked(Path(sys.argv[1])):
        print("free")
except StoreError:
    print("held")
"""


def test_an_audit_is_alone_with_its_hashes_to_the_end(tmp_path, monkeypatch):
    train, val = planted(tmp_path)
    words = [sys.executable, "-c", LOCK, str(tmp_path / "out" / "hashes")]
    seen = []

    def find(*arguments, **options):
        seen.append(subprocess.check_output(words))
        return group_rows(*arguments, **options)

    monkeypatch.setattr("fastphash.audits.copies.group_rows", find)
    audit(tmp_path / "out", [folder_source(train), folder_source(val)], ingest=ONE_WORKER)
    assert set(seen) == {b"held\n"}
    assert subprocess.check_output(words) == b"free\n"


def test_no_results_stand_beside_other_hashes(tmp_path, monkeypatch):
    train, val = planted(tmp_path)
    sources = [folder_source(train), folder_source(val)]
    audit(tmp_path / "out", sources, ingest=ONE_WORKER)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastphash.ingest.update.StoreUpdate.add_parts", killed)
    with pytest.raises(KeyboardInterrupt):
        audit(tmp_path / "out", sources, ingest=ONE_WORKER)
    assert (tmp_path / "out" / "summary.json").exists()
    save(tmp_path / "train" / "000.png", scene(77))
    with pytest.raises(KeyboardInterrupt):
        audit(tmp_path / "out", sources, ingest=ONE_WORKER)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "hashes",
        "rejected.csv",
        "rejected.parquet",
    ]
