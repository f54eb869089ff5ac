"""What the other commands write."""

import contextlib
import io
import json
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.cli import output
from fastphash.files import atomic
from tests.support.command_line import USAGE, error_of, run, run_process, screen, too_wide

PAPER = ["--format", "hash-and-search"]


@pytest.mark.slow
def test_nothing_is_overwritten_unless_asked(data, tmp_path):
    table = tmp_path / "x.json"
    table.write_text("precious")
    for words in (
        ["join", "out/hashes@val", "out/hashes@train", "-o", str(table)],
        ["group", "out/hashes", "-o", str(table)],
        ["convert", "out/hashes", str(table)],
    ):
        table.write_text("precious")
        done = run(*words, status=USAGE, cwd=data)
        assert f"{str(table)!r} exists: --overwrite replaces it" in error_of(done)
        assert table.read_text() == "precious"
        run(*words, "--overwrite", cwd=data)
        assert table.read_bytes() != b"precious"


@pytest.mark.parametrize(
    "words",
    [
        ["join", "out/hashes@val", "out/hashes@train", "-o", "x.parquet"],
        ["join", "out/hashes@val", "out/hashes@train", "-o", "x.json", *PAPER],
        ["group", "out/hashes", "-o", "x.csv"],
        ["group", "out/hashes", "-o", "x.json", *PAPER],
        ["convert", "out/hashes", "x.json"],
        ["query", "train/000.png", "--in", "out/hashes", "-o", "x.jsonl"],
        ["info", "out/hashes", "--rejected", "x.csv"],
        ["calibrate", "out/hashes", "--radius", "20", "-o", "x.svg"],
        ["report", "out", "--groups", "0", "-o", "x.html"],
    ],
    ids=" ".join,
)
def test_a_file_that_appears_while_a_command_works_is_not_replaced(data, words):
    table = data / next(word for word in words if word.startswith("x."))

    def made_meanwhile(path):
        if path.name == table.name:
            path.write_text("precious")
        return atomic_new_draft(path)

    atomic_new_draft = atomic.new_draft
    try:
        with mock.patch.object(atomic, "new_draft", made_meanwhile):
            done = run(*words, status=USAGE, cwd=data)
        assert "made by another program meanwhile: --overwrite replaces it" in error_of(done)
        assert table.read_text() == "precious"
        assert not atomic.drafts_of(table)
    finally:
        table.unlink()


@pytest.mark.slow
def test_the_papers_tables_go_in_and_out(data, tmp_path):
    train = f"{data}/out/hashes@train"
    run("convert", f"{data}/out/hashes@val", "val.json", "--augmented", cwd=tmp_path)
    run("convert", "val.json", "val", "--as", "imagehash:pillow13", cwd=tmp_path)
    words = ["join", "val", train, "-o", "matches.json", "--format", "hash-and-search"]
    run(*words, cwd=tmp_path)
    matches = json.loads((tmp_path / "matches.json").read_text())
    found = {m["needle_image_name"]: m["duplicates_in_haystack"] for m in matches}
    assert found == {
        "010.png": [],
        "011.png": [],
        "leak.bmp": ["004.png"],
        "leak.png": ["003.png"],
        "mirrored.png": ["005.png"],
    }
    table = json.loads((tmp_path / "val.json").read_text())
    assert [m["needle_image_hash"] for m in matches] == [entry["hash"] for entry in table[::6]]
    run("group", train, "-o", "groups.json", "--format", "hash-and-search", cwd=tmp_path)
    groups = json.loads((tmp_path / "groups.json").read_text())
    copies = {tuple(sorted([name, *copies])) for name, copies in groups.items() if copies}
    assert copies == {
        ("000.png", "again.png"),
        ("001.png", "other.bmp"),
        ("002.png", "turned.png"),
    }


def test_info_says_what_is_in_a_store(data):
    found = json.loads(run("info", "out/hashes", "--json", cwd=data).stdout)
    assert found["splits"] == {
        "train": {"images": 11, "rejected": 1, "root": str(data / "train"), "left_out": False},
        "val": {"images": 5, "rejected": 0, "root": str(data / "val"), "left_out": False},
    }
    assert found["thumbnails"] is True
    assert found["unusual_hashes"] == 2


def test_info_is_not_wider_than_the_screen(data):
    shown = run("info", "out/hashes@val", cwd=data).stdout
    assert "EXIF ignored" in shown
    assert "train" not in shown
    assert too_wide(shown) == []


def shown_by(show):
    """What a function prints without a terminal."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        show()
    return out.getvalue()


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.text(max_size=12), min_size=n, max_size=n), min_size=1)
    ),
    st.booleans(),
)
@example([["0", "0 "]], False)
def test_tables_without_a_terminal_are_printed_as_rich_prints_them(rows, text_last):
    header = ["", "kind", "figures", "path"]

    def show():
        output.show_table("A title", header[: len(rows[0])], rows, text_last=text_last)

    ours = shown_by(show)
    with mock.patch.object(output, "_fit", return_value=False):
        assert shown_by(show) == ours


def test_what_an_encoding_lacks_is_spelt_out(tmp_path):
    (tmp_path / "table.csv").write_text("path,phash\n日本,1111111111111111\n", "utf-8")
    words = ("query", "table.csv", "--in", "table.csv")
    # as in a file on Windows
    env = screen() | {"PYTHONIOENCODING": "cp1252"}
    shown = run_process(*words, cwd=tmp_path, env=env).stdout
    assert "table/\\u65e5\\u672c" in shown
    assert "---" in shown
