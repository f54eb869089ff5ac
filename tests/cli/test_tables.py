"""Tables in the format that the name of a file says, and rejected files by their names."""

import csv
import json
import os

import pytest

from fastphash.files import parquet
from fastphash.store.store import open_store
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.scenes import save, scene, scenes

COMMANDS = {
    "join": ("join", "out@val", "out@train"),
    "group": ("group", "out"),
    "query": ("query", "val/leak.png", "val/mirrored.png", "--in", "out"),
    "info": ("info", "out"),
}


def table_of(verb, data, path, *words):
    option = "--rejected" if verb == "info" else "-o"
    run(*COMMANDS[verb], option, str(path), *words, cwd=data)
    if path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_table_is_written_as_its_name_says(verb, data, tmp_path):
    rows = table_of(verb, data, tmp_path / "t.parquet")
    assert rows
    as_lines = table_of(verb, data, tmp_path / "t.jsonl")
    assert [[row["path" if "path" in row else "needle_path"] for row in t] for t in (as_lines,)]
    assert [list(row) for row in as_lines] == [list(row) for row in rows]
    names = [name for name in rows[0] if name.endswith(("path", "split", "kind", "stage"))]
    for other in (as_lines, table_of(verb, data, tmp_path / "t.csv")):
        for row, same in zip(rows, other, strict=True):
            assert [row[name] or "" for name in names] == [same[name] or "" for name in names]


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("name", ["t.xlsx", "t.tsv", "t.html"])
def test_an_ending_of_no_table_is_refused_before_any_work(verb, name, data, tmp_path):
    option = "--rejected" if verb == "info" else "-o"
    done = run(*COMMANDS[verb], option, str(tmp_path / name), status=USAGE, cwd=data)
    assert repr(name) in error_of(done)
    assert ".parquet, .csv, .jsonl, .ndjson, .json" in error_of(done)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("group", "out", "-o", "x.csv", "--format", "json"), "--format json doesn't fit"),
        (("group", "out", "-o", "x.csv", "--format", "hash-and-search"), "with .json"),
        (("calibrate", "out", "-o", "x.csv"), "end its name with .svg"),
        (("report", "out", "-o", "x.csv"), "end its name with .html"),
        (("convert", "out/hashes/part-000000.parquet", "x.csv"), "'x.csv' names a file"),
        (("audit", "val", "-o", "x.csv"), "would be a folder: name it without .csv"),
        (("hash", "val", "-o", "x.parquet"), "would be a folder: name it without .parquet"),
        (("demo", "-o", "x.json"), "would be a folder: name it without .json"),
        (("clean", "out", "x.jsonl", "--apply", "--to", "copy"), "would be a folder"),
        (("evaluate", "out", "truth.csv", "-o", "x.csv"), "would be a folder"),
        (("group", "out", "-o", os.devnull, "--overwrite"), "no ordinary file"),
    ],
)
def test_what_is_no_table_does_not_get_the_name_of_one(words, said, data, tmp_path):
    words = [str(tmp_path / word) if word.startswith("x.") else word for word in words]
    assert said in error_of(run(*words, status=USAGE, cwd=data))
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_an_ending_is_parquet_unless_a_format_is_named(data, tmp_path):
    run("group", "out", "-o", str(tmp_path / "a"), cwd=data)
    assert parquet.read_table(tmp_path / "a").num_rows == 12
    run("group", "out", "-o", str(tmp_path / "b"), "--format", "json", cwd=data)
    assert len([json.loads(line) for line in (tmp_path / "b").read_text().splitlines()]) == 12


def test_an_audit_writes_its_tables_in_another_format_too(tmp_path):
    for split, seeds in (("a/x", [1, 2]), ("a/y", [2]), ("b/x", [1])):
        scenes(tmp_path / split, seeds)
    words = ("audit", "a", "b", "-o", "out", "--class-folders")
    summary = json.loads(run(*words, "--format", "csv", "--json", cwd=tmp_path).stdout)
    assert summary["files"]["leaks_csv"] == "leaks.csv"
    for name in ("leaks", "groups", "conflicts"):
        with open(tmp_path / "out" / f"{name}.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == parquet.read_table(tmp_path / "out" / f"{name}.parquet").num_rows
        assert rows
    shown = run(*words, "--format", "json", cwd=tmp_path).stdout
    assert "leaks.jsonl" in shown
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"leaks.jsonl", "groups.jsonl", "conflicts.jsonl"} <= files
    # those of the earlier audit would be of other results
    assert not {"leaks.csv", "groups.csv", "conflicts.csv"} & files
    run(*words, cwd=tmp_path)
    files = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert files == {"", ".parquet", ".csv", ".html", ".json"}


HOSTILE = [b"=cmd|' !A0.jpg", b"line\nbreak.jpg", b"\xff.jpg", b'a,"b".jpg', b"\x1b[31m.jpg"]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A folder with 33 rejected files and one image, audited; and what was shown."""
    folder = tmp_path_factory.mktemp("broken")
    save(folder / "in" / "good.png", scene(1))
    for i in range(28):
        (folder / "in" / f"b{i:02d}.png").write_bytes(b"no image")
    for name in HOSTILE:
        with open(os.path.join(os.fsencode(folder / "in"), name), "wb") as file:
            file.write(b"no image")
    done = run("audit", "in", "-o", "out", cwd=folder)
    return folder, done.stdout


def test_the_first_ten_rejected_files_are_named_on_screen(broken):
    _, shown = broken
    assert "33 files rejected" in shown
    assert "\n  and 23 more in out/rejected.csv\n" in shown
    after = shown.split("33 files rejected")[1]
    assert after.count("identify: not an image") == 10
    # a name with a line break is shown with its escape, so that it stays one line
    assert 'in/a,"b".jpg: identify' in after
    assert "\x1b" not in shown


def test_rejected_csv_names_all_exactly(broken):
    folder, _ = broken
    with open(folder / "out" / "rejected.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {
        bytes.fromhex(row["path_bytes"]) or os.fsencode(row["path"].removeprefix("'"))
        for row in rows
    }
    assert names == {*HOSTILE, *(b"b%02d.png" % i for i in range(28))}
    assert not [row for row in rows if row["path"].startswith("=")]


def test_rejected_csv_moves_no_cursor(broken):
    folder, _ = broken
    text = (folder / "out" / "rejected.csv").read_text()
    lines = text.split("\n")
    assert len(lines) == 1 + 33 + 1
    assert all(line.isprintable() for line in lines)
    assert r"\x1b[31m.jpg" in text
    exact = parquet.read_table(folder / "out" / "rejected.parquet")["path"].to_pylist()
    assert "\x1b[31m.jpg" in exact


def test_the_report_names_all_in_a_fold(broken):
    folder, _ = broken
    page = (folder / "out" / "report.html").read_text()
    fold = page.split('<details class="rejected">')[1].split("</details>")[0]
    assert "All 33 files that gave no hash" in fold
    assert fold.count("<tr><td>") == 33
    assert "=cmd|&#39; !A0.jpg" in fold
    assert r"line\nbreak.jpg" in fold


def test_hash_names_rejected_files_and_how_to_get_all(broken, tmp_path):
    folder, _ = broken
    store = tmp_path / "my store"
    shown = run("hash", "in", "-o", str(store), cwd=folder).stdout
    assert "and 23 more in the store" in shown
    command = f"fastphash info '{store}' --rejected rejected.csv"
    assert "".join(command.split()) in "".join(shown.split())
    run("info", str(store), "--rejected", str(tmp_path / "r.csv"), cwd=folder)
    assert (tmp_path / "r.csv").read_bytes() == (folder / "out" / "rejected.csv").read_bytes()
    assert open_store(store).rejected().num_rows == 33


def test_an_audit_that_fails_for_want_of_images_has_named_them(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_text("no image")
    done = run("audit", "in", "-o", "out", cwd=tmp_path, status=FAILED)
    assert "1 file was rejected" in error_of(done)
    assert "a.jpg" in (tmp_path / "out" / "rejected.csv").read_text()
