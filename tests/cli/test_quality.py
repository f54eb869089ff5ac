"""Pictures with too little to hash take no part where PDQ is compared."""

import json
import shutil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyarrow import csv

import fastphash
from fastphash import clean_plan, read_audit
from fastphash.errors import UsageError
from fastphash.hashing.pdq import pdq
from fastphash.joins.low_quality import lone_rows
from fastphash.report.collisions import find_collisions
from fastphash.store.open import read_hashes
from tests.support.command_line import USAGE, error_of, run
from tests.support.scenes import save, scene

SAID = "3 images of 5 with a pdq quality below 50 are not compared; --min-quality 0 compares all"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stores with PDQ of two splits, of a scene, its copy and flat pictures."""
    folder = tmp_path_factory.mktemp("quality")
    for level, split in enumerate(("train", "val")):
        (folder / split).mkdir()
        for seed in range(3):
            flat = Image.fromarray(np.full((40 + seed, 50), 9, np.uint8))
            flat.save(folder / split / f"flat{seed}.png", compress_level=level)  # other bytes
        save(folder / split / "a.png", scene(1))
        save(folder / split / "b.png", scene(2))
    assert pdq(scene(1)).quality >= 50
    run("hash", "train", "val", "-o", "both", "--hash", "phash,pdq", "--workers", "1", cwd=folder)
    return folder


def pairs(folder, *words):
    done = run(
        *("join", "both@val", "both@train", "-o", "p.parquet", "--overwrite", "--no-verify"),
        *words,
        cwd=folder,
    )
    return pq.read_table(folder / "p.parquet")["needle_path"].to_pylist(), done.stderr


def test_a_join_of_pdq_leaves_out_what_has_too_little_quality(folder):
    names, said = pairs(folder, "--hash", "pdq")
    assert names == ["a.png", "b.png"]
    assert [line for line in said.splitlines() if "quality" in line] == [
        f"both@val: {SAID}",
        f"both@train: {SAID}",
    ]


@pytest.mark.parametrize("words", [("--hash", "pdq", "--min-quality", "0"), ("--hash", "phash")])
def test_a_join_takes_all_where_it_is_told_to_or_there_is_no_quality(folder, words):
    names, said = pairs(folder, *words)
    assert {"a.png", "flat0.png"} < {*names}
    assert "quality" not in said


def test_groups_of_pdq_leave_them_out(folder):
    done = run(
        *("group", "both", "-o", "g.parquet", "--hash", "pdq", "--no-verify", "--json"), cwd=folder
    )
    assert json.loads(done.stdout)["groups"] == 2
    assert "both: 6 images of 10 with a pdq quality below 50 are not compared" in done.stderr


def test_a_table_has_the_quality_that_its_column_says(folder):
    table = pq.read_table(folder / "both", columns=["path", "pdq", "pdq_quality"])
    pq.write_table(table.slice(0, 5), folder / "t.parquet")
    words = ("-o", "g.parquet", "--overwrite", "--no-verify")
    done = run("group", "t.parquet", *words, cwd=folder)
    assert f"t.parquet: {SAID}" in done.stderr
    floats = table["pdq_quality"].cast("float64")
    pq.write_table(table.set_column(2, "pdq_quality", floats).slice(0, 5), folder / "t.parquet")
    assert f"t.parquet: {SAID}" in run("group", "t.parquet", *words, cwd=folder).stderr
    table = table.set_column(1, "pdq", [[octets.hex() for octets in table["pdq"].to_pylist()]])
    csv.write_csv(table.slice(0, 5).rename_columns(["path", "hash", "q"]), folder / "t.csv")
    named = ("--columns", "pdq=hash,pdq_quality=q")
    assert f"t.csv: {SAID}" in run("group", "t.csv", *words, *named, cwd=folder).stderr
    run("convert", "t.csv", "converted", *named, cwd=folder)
    assert f"converted: {SAID}" in run("group", "converted", *words, cwd=folder).stderr
    pq.write_table(table.slice(0, 5).drop(["pdq_quality"]), folder / "t.parquet")
    assert "quality" not in run("group", "t.parquet", *words, cwd=folder).stderr


def test_a_quality_that_there_is_not_is_refused(folder):
    done = run("group", "both", "-o", "x", "--min-quality", "101", cwd=folder, status=USAGE)
    assert "101 is not in the range 0<=x<=100" in error_of(done)


def audited(folder, *words):
    run(
        *("audit", "train", "val", "-o", "audit", "--hash", "pdq", "--workers", "1"),
        *words,
        cwd=folder,
    )
    return read_audit(folder / "audit")


def test_an_audit_by_pdq_counts_what_it_leaves_out_and_lets_it_stay(folder):
    audit = audited(folder)
    assert audit.summary["low_quality"] == {"min_quality": 50, "images": {"train": 3, "val": 3}}
    missed = audit.summary["verdict"]["missed"]
    assert missed.endswith(" 6 images with a pdq quality below 50 were not compared.")
    assert not find_collisions(audit, 10)
    leaks = audit.leaks.filter(pc.field("needle_split") == "val")
    assert leaks["needle_path"].to_pylist() == ["a.png", "b.png"]
    assert "6 images with a pdq quality below 50 were not compared: they all stay" in " ".join(
        run("clean", "audit", cwd=folder).stdout.split()
    )
    plan = clean_plan(audit).table.to_pylist()
    gone = {row["path"] for row in plan if row["action"] != "keep"}
    assert gone == {"a.png", "b.png"}
    pairs = [f"val/{name},train/{name}" for name in ("a.png", "flat0.png")]
    (folder / "truth.csv").write_text("\n".join(["needle,haystack", *pairs, ""]))
    figures = json.loads(run("evaluate", "audit", "truth.csv", "--json", cwd=folder).stdout)
    assert figures["audit"]["pairs"]["found"] == 1
    assert {why: number for why, number in figures["lost"].items() if number} == {"left_out": 1}


def test_an_audit_takes_all_where_it_is_told_to(folder):
    audit = audited(folder, "--min-quality", "0")
    assert audit.summary["low_quality"] == {"min_quality": 0, "images": {}}
    assert "quality" not in audit.summary["verdict"]["missed"]
    leaks = audit.leaks.filter(pc.field("needle_split") == "val")
    assert {"a.png", "flat0.png"} < {*leaks["needle_path"].to_pylist()}


def test_hashes_of_too_little_quality_propose_nothing(tmp_path):
    """Images of less than 5 rows have a PDQ of 0, and no quality."""
    for seed, split in enumerate(("train", "val")):
        save(tmp_path / split / "a.png", scene(seed)[:4])
    splits = {split: tmp_path / split for split in ("train", "val")}
    options: Any = {"hashes": ["dhash", "pdq"], "propose": "pdq", "radius": 0, "progress": False}
    for least, pairs in ((50, 0), (0, 1)):
        audit = fastphash.audit(
            splits, tmp_path / "out", workers=0, min_quality=least, looks=0, **options
        )
        assert audit.summary["proposing"]["pdq"]["pairs"] == pairs


def test_an_audit_of_nothing_but_flat_pictures_compares_none_but_the_same_files(tmp_path):
    for grey, split in ((8, "train"), (9, "val")):
        save(tmp_path / split / "a.png", np.full((40, 50), grey, np.uint8))
    audit = audited(tmp_path)
    assert audit.summary["low_quality"]["images"] == {"train": 1, "val": 1}
    assert audit.leaks.num_rows == 0
    shutil.copy(tmp_path / "val" / "a.png", tmp_path / "train" / "b.png")
    audit = audited(tmp_path)
    assert audit.summary["low_quality"]["images"] == {"train": 1}
    assert {*audit.leaks["needle_path"].to_pylist()} == {"a.png", "b.png"}
    plan = clean_plan(audit).table.to_pylist()
    assert [row["path"] for row in plan if row["action"] != "keep"] == ["b.png"]


def test_audits_by_other_hashes_have_no_quality(folder, tmp_path):
    save(tmp_path / "in" / "a.png", scene(1))
    audit = fastphash.audit({"in": tmp_path / "in"}, tmp_path / "out", workers=0, progress=False)
    assert audit.summary["low_quality"] is None
    with pytest.raises(UsageError, match="`min_quality` is a whole number from 0 to 100, not 101"):
        fastphash.audit({"in": tmp_path / "in"}, tmp_path / "out", min_quality=101)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A store of three flat pictures, of which a and c have the same bytes, and two scenes."""
    folder = tmp_path_factory.mktemp("twins")
    for split, names in (("val", "ab"), ("train", "cde")):
        for name in names:
            if name in "de":
                save(folder / split / f"{name}.png", scene(ord(name)))
            else:
                side = 44 if name == "b" else 40
                save(folder / split / f"{name}.png", np.full((side, 50), 9, np.uint8))
    run("hash", "val", "train", "-o", "s", "--hash", "pdq", "--workers", "1", cwd=folder)
    return folder


LONE = "1 image of 5 with a pdq quality below 50 is not compared"


def test_every_command_compares_what_has_the_bytes_of_another(twins):
    """The rule is that of an audit: a and c have the same bytes, b has others."""
    options = ("--no-verify", "--json")
    done = run("group", "s", "-o", "g.parquet", *options, cwd=twins)
    assert f"s: {LONE}; --min-quality 0 compares all" in done.stderr
    groups = pq.read_table(twins / "g.parquet")
    assert {*groups["path"].to_pylist()} == {"a.png", "c.png"}
    done = run("join", "s@val", "s@train", "-o", "p.parquet", *options, cwd=twins)
    assert "s@val: 1 image of 2 with" in done.stderr
    assert "s@train" not in done.stderr
    found = pq.read_table(twins / "p.parquet").to_pylist()
    assert [(row["needle_path"], row["haystack_path"]) for row in found] == [("a.png", "c.png")]
    assert LONE in run("calibrate", "s", "--json", cwd=twins).stderr
    done = run("query", "val/a.png", "--in", "s", "--radius", "0", "--json", cwd=twins)
    assert [row["path"] for row in json.loads(done.stdout)] == ["a.png", "c.png"]
    assert LONE in done.stderr
    run("audit", "val", "train", "-o", "out", "--hash", "pdq", "--workers", "1", cwd=twins)
    assert read_audit(twins / "out").summary["low_quality"]["images"] == {"val": 1}


def test_a_query_names_what_it_does_not_compare(twins, tmp_path):
    save(tmp_path / "flat.png", np.full((70, 50), 9, np.uint8))
    save(tmp_path / "e.png", scene(ord("e")))
    words = ("query", "flat.png", "e.png", "--in", twins / "s", "-k", "9")
    done = run(*words, "--json", cwd=tmp_path)
    assert {row["query"] for row in json.loads(done.stdout)} == {"e.png"}
    assert {row["path"] for row in json.loads(done.stdout)} == {"d.png", "e.png"}
    assert "3 images of 5 with a pdq quality below 50 are not compared" in done.stderr
    why = "its pdq quality is below 50; --min-quality 0 compares all"
    assert f"flat.png: not compared, {why}" in done.stderr
    assert "flat.png" not in run(*words, cwd=tmp_path).stdout
    done = run(*words, "--json", "--min-quality", "0", cwd=tmp_path)
    assert len(json.loads(done.stdout)) == 10
    assert not done.stderr


def test_a_query_names_some_of_many_images(twins, tmp_path):
    table = pq.read_table(twins / "s", columns=["path", "pdq", "pdq_quality"])
    flat = table.filter(pc.less(table["pdq_quality"], 50)).slice(0, 1)
    pq.write_table(pa.concat_tables([flat] * 10), tmp_path / "t.parquet")
    done = run("query", "t.parquet", "--in", twins / "s", cwd=tmp_path)
    assert done.stderr.count("not compared, its pdq quality") == 8
    assert "2 more are not compared for that" in done.stderr


def test_functions_leave_out_what_commands_do(twins):
    store = str(twins / "s")
    names = read_hashes(store).table["path"].to_pylist()
    a, b, c = (names.index(f"{name}.png") for name in "abc")
    with pytest.warns(UserWarning, match=f"{LONE}; `min_quality=0` compares all"):
        found = fastphash.self_join(store, 0)
    assert (found.left.tolist(), found.right.tolist()) == ([a], [c])
    with pytest.warns(UserWarning, match=LONE):
        assert fastphash.group(store).keeper.tolist() == [{c: a}.get(i, i) for i in range(5)]
    assert fastphash.group(store, min_quality=0).keeper[b] == a
    with pytest.warns(UserWarning, match="1 image of 2 with a pdq quality below 50"):
        across = fastphash.join(f"{store}@val", f"{store}@train")
    assert (across.left.tolist(), across.right.tolist()) == ([0], [0])
    rows = read_hashes(store)
    # the bytes of an array's images are not known
    with pytest.warns(UserWarning, match="3 images of 5"):
        assert fastphash.join(rows, rows.hashes).left.tolist() == [3, 4]
    assert fastphash.join(rows.hashes, rows.hashes).left.size == 3 * 3 + 2
    for call in (fastphash.self_join, fastphash.group):
        with pytest.raises(UsageError, match="from 0 to 100, not 101"):
            call(store, min_quality=101)


def test_tables_may_have_qualities_and_digests_of_other_types(twins):
    rows = read_hashes(str(twins / "s"))
    table = rows.table.select([*rows.definition.columns, "pdq_quality", "digest"])
    names = table.column_names
    with pytest.warns(UserWarning, match=LONE):
        fastphash.group(table)
    texts = pa.array([f"{number}" for number in table["pdq_quality"].to_pylist()])
    with pytest.warns(UserWarning, match=LONE):
        fastphash.group(table.set_column(names.index("pdq_quality"), "pdq_quality", texts))
    with pytest.warns(UserWarning, match="3 images of 5"):
        fastphash.group(table.set_column(names.index("digest"), "digest", pa.array(["1"] * 5)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=9), st.data())
def test_rows_of_too_little_quality_are_compared_with_their_bytes_alone(rows, data):
    def digests(numbers):
        return np.array([(number % 2, number) for number in numbers], np.uint64).reshape(-1, 2)

    poor = np.array([row[0] for row in rows], np.bool_)
    own = [row[1] for row in rows]
    others = data.draw(st.lists(st.integers(0, 3), max_size=5))
    lone = lone_rows(poor, digests(own), digests(own), themselves=True)
    assert lone.tolist() == [bad and own.count(number) == 1 for bad, number in rows]
    lone = lone_rows(poor, digests(own), digests(others))
    assert lone.tolist() == [bad and number not in others for bad, number in rows]
    assert (lone_rows(poor, digests(own), None) == poor).all()
    assert (lone_rows(poor, None, digests(others)) == poor).all()
