"""The whole job from Python: the same as the commands, in any program."""

import json
import subprocess
import sys

import numpy as np
import pyarrow.compute as pc
import pytest

import fastphash as fp
from fastphash.clean.plan import PLAN
from fastphash.files import parquet
from tests.support.command_line import run
from tests.support.scenes import planted, save, scene, scenes

# what an audit writes that says when it was, or where
_OWN = {"summary.json", "report.html"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The planted splits, and the audit of the command, with labels and a further split."""
    folder = tmp_path_factory.mktemp("data")
    planted(folder)
    save(folder / "more" / "copy.png", scene(10))
    words = ["train=train", "val=val", "--files", "more=more.txt"]
    (folder / "more.txt").write_text("more/copy.png\n")
    options = ["--radius", "6", "--keep-in", "train", "--coco", "train=coco.json", "--views=none"]
    labels = {
        "images": [{"id": 1, "file_name": "again.png"}, {"id": 2, "file_name": "000.png"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": i, "bbox": [1, 1, 5, 5]} for i in (1, 2)
        ],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    (folder / "coco.json").write_text(json.dumps(labels))
    run("audit", *words, *options, "--format", "csv", "-o", "out", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def audited(data):
    """The same audit, from Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(data)
        return fp.audit(
            {"train": "train", "val": ["val"]},
            data / "again",
            files={"more": [data / "more" / "copy.png"]},
            radius=6,
            keep_in=["train"],
            coco={"train": "coco.json"},
            views="none",
            format="csv",
            workers=0,
            progress=False,
        )


def test_files_and_summary_are_those_of_the_command(data, audited):
    names = {path.name for path in (data / "out").iterdir()}
    assert names == {path.name for path in audited.folder.iterdir()} > _OWN
    for path in (data / "out").rglob("*.*"):
        if path.name not in _OWN and path.is_file():
            again = audited.folder / path.relative_to(data / "out")
            assert path.read_bytes() == again.read_bytes()
    assert audited.summary == json.loads((data / "out" / "summary.json").read_text())


def test_tables_are_read_from_the_folder(data, audited):
    for read in (audited, fp.read_audit(data / "out"), fp.read_audit(str(data / "out" / "hashes"))):
        for name in ("leaks", "groups", "conflicts", "rejected"):
            table = getattr(read, name)
            assert table.num_rows
            assert table.equals(parquet.read_table(data / "out" / f"{name}.parquet"))
        assert read.report.read_text().startswith("<!")
        assert read.splits == ["train", "val", "more"]
        assert repr(read) == f"AuditFolder('{read.folder}', splits=['train', 'val', 'more'])"
    assert audited.count_leaks() == {"train": 3, "val": 4, "more": 1}
    assert audited.count_leaks(["identical"]) == {"train": 1, "val": 2, "more": 1}
    with pytest.raises(fp.UsageError, match="no kind 'same'"):
        audited.count_leaks(["same"])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (
            ["--kinds", "identical,near", "--keep-in", "val", "--conflicts", "drop"],
            {"kinds": ["identical", "near"], "keep_in": ("val",), "conflicts": "drop"},
        ),
    ],
)
def test_a_plan_is_that_of_the_command_and_writes_nothing(data, audited, words, options):
    before = sorted(audited.folder.rglob("*"))
    plan = fp.clean_plan(audited, **options, progress=False)
    assert sorted(audited.folder.rglob("*")) == before
    done = run("clean", str(data / "out"), *words, "--json")
    assert plan.summary == json.loads(done.stdout)
    written = parquet.read_table(data / "out" / PLAN)
    assert plan.table.schema.equals(written.schema, check_metadata=True)
    assert plan.table.to_pylist() == written.to_pylist()
    assert fp.clean_plan(data / "again", **options, progress=False).table.equals(plan.table)


def test_kinds_of_pairs_are_those_of_a_join(data, audited, tmp_path):
    sides = [f"{audited.folder}@{split}" for split in ("val", "train")]
    run("join", *sides, "-o", str(tmp_path / "pairs.parquet"), "--radius", "20")
    joined = parquet.read_table(tmp_path / "pairs.parquet")
    verified = fp.verify(fp.join(*sides, radius=20), *sides)
    assert len(pc.unique(verified["kind"])) > 2
    columns = joined.select(verified.column_names[2:])
    assert verified.select(columns.column_names).to_pylist() == columns.to_pylist()
    hashed = fp.hash_images(sorted((data / "train").glob("*.png")), workers=0)
    inside = fp.verify(fp.self_join(hashed), hashed)
    assert inside["kind"].to_pylist() == ["identical", "augmented", "collision"]
    blind = hashed.table.select(["path", "phash"])
    with pytest.warns(UserWarning, match="no orientations"):
        kinds = fp.verify(fp.self_join(blind), blind)["kind"]
    assert set(kinds.to_pylist()) == {"unverified"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"splits": {}}, "nothing to audit: name a folder, or `files`"),
        ({"splits": 7}, "a place of a split is a path, or several paths, not 7"),
        ({"splits": {"train": 7}}, "a place of a split is a path, or several paths, not 7"),
        ({"splits": ["nowhere"]}, "no such folder: 'nowhere'"),
        ({"files": {"more": "a.png"}}, "`files` has several paths for a split, not one: 'a.png'"),
        ({"radius": 65}, "65"),
        ({"min_score": 2}, "`min_score` is a number from 0 to 1, not 2"),
        ({"min_score": 0.5, "verify": False}, "leave it out, or leave out `verify`"),
        ({"looks": 5, "thumbnails": False}, "`looks` needs thumbnails to compare"),
        ({"grouping": "stars"}, "no grouping 'stars': use one of star, components"),
        ({"format": "xml"}, "no format 'xml': use one of parquet, csv, json"),
        ({"keep_in": "nowhere"}, "`keep_in` names 'nowhere', which is no split of this audit"),
        ({"memory": 5}, "`memory` is a number of bytes, 104,857,600 at least, not 5"),
        ({"workers": -1}, "`workers` must be a whole number of 0 or more, not -1"),
        ({"progress": "bar"}, "progress is True, False or a callable, not 'bar'"),
        ({"splits": {1: "val"}}, "the name of a split is a str, not 1"),
        ({"files": ["a.png"]}, "`files` is a mapping by split, as {'train': ...}, not ['a.png']"),
        ({"coco": "coco.json"}, "`coco` is a mapping by split, as {'train': ...}, not 'coco.json'"),
        ({"keep_in": 5}, "`keep_in` is a sequence of str, not 5"),
        ({"include": [3]}, "`include` is a sequence of str, not of 3"),
        ({"exclude": 3}, "`exclude` is a sequence of str, not 3"),
        ({"image_column": 5}, "`image_column` is the name of a column, not 5"),
        ({"min_score": "x"}, "`min_score` is a number from 0 to 1, not 'x'"),
        ({"precision": "x"}, "`precision` is a share between 0 and 1, not 'x'"),
        ({"looks": "many"}, "`looks` is a number of pairs, 0 or more, not 'many'"),
        ({"memory": "4G"}, "`memory` is a number of bytes, 104,857,600 at least, not '4G'"),
        ({"out": np.eye(2)}, "a path is a str, bytes or a path object, not array([[1., 0.], [0"),
        ({"out": 3}, "a path is a str, bytes or a path object, not 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_anything_is_written(
    data, tmp_path, arguments, message
):
    given = {"splits": data / "val", "out": tmp_path / "out", "progress": False} | arguments
    with pytest.raises(fp.UsageError) as raised:
        fp.audit(given.pop("splits"), given.pop("out"), **given)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_pairs_that_can_not_be_verified_are_refused(data):
    hashed = fp.hash_images([data / "val" / "leak.png"] * 2, workers=0)
    pairs = fp.self_join(hashed)
    with pytest.raises(fp.UsageError, match="an array holds hashes alone"):
        fp.verify(pairs, hashed.table["phash"].to_numpy())
    with pytest.raises(fp.UsageError, match="a pair has right 1, and there are 1 rows"):
        fp.verify(pairs, hashed, hashed.table.slice(0, 1))
    for wrong, message in (
        (None, "pairs are what join and self_join return, not None"),
        (pairs._replace(left=[0.5]), r"and left is \[0.5\]"),
        (pairs._replace(right=["b"]), r"and right is \['b'\]"),
        (pairs._replace(left=[0, 1]), "pairs have 2 left rows and 1 right ones"),
    ):
        with pytest.raises(fp.UsageError, match=message):
            fp.verify(wrong, hashed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": 3}, "`kinds` is a sequence of str, not 3"),
        ({"kinds": "nearly"}, "no kind 'nearly'"),
        ({"keep_in": 3}, "`keep_in` is a sequence of str, not 3"),
        ({"keep_in": "nowhere"}, "no split 'nowhere' to keep images in"),
        ({"memory": "4G"}, "`memory` is a number of bytes"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(audited, arguments, message):
    with pytest.raises(fp.UsageError, match=message):
        fp.clean_plan(audited, progress=False, **arguments)


SCRIPT = """
import fastphash as fp
audit = fp.audit({"in": "in"}, "out", workers=2, progress=False)
print(audit.groups.num_rows, fp.clean_plan(audit, progress=False).summary["splits"]["in"]["remove"])
"""


@pytest.fixture
def program(tmp_path):
    """Runs a program without a main guard beside four pictures, two of them equal."""
    scenes(tmp_path / "in", range(3))
    (tmp_path / "in" / "again.png").write_bytes((tmp_path / "in" / "000.png").read_bytes())

    def start(*words, input=SCRIPT):
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    return start


@pytest.mark.slow
def test_a_script_on_standard_input_needs_no_guard(program):
    done = program("-")
    assert (done.stdout, done.stderr) == ("2 1\n", "")


@pytest.mark.slow
def test_nor_does_an_interactive_session(program):
    assert program("-i", "-q").stdout == "2 1\n"


@pytest.mark.slow
def test_nor_does_a_file(program, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    assert program("script.py").stdout == "2 1\n"
