"""What the other commands write."""

import json

import pytest

from tests.support.command_line import USAGE, error_of, run, too_wide


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
