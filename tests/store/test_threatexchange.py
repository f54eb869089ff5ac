import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import StoreError
from fastphash.hashing.algorithms import PDQ
from fastphash.hashing.hexadecimal import to_hex
from fastphash.hashing.pdq import pdq
from fastphash.store import threatexchange
from fastphash.store.open import read_hashes, read_rejected
from fastphash.store.threatexchange import has_pdq_lines, read_pdq_lines
from tests.support.command_line import error_of, run
from tests.support.scenes import save, scene

FLAT = np.full((40, 50), 9, np.uint8)
HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
ACROSS = [HASH, *(f"{t:x}" * 64 for t in range(1, 8))]


def read(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    rows = pa.concat_tables(read_pdq_lines(path)).to_pylist()
    for row in rows:
        exact = row.pop("path_bytes")
        row["path"] = exact or (row["path"] and row["path"].encode())
    return rows


def test_hash_quality_and_name_are_read_as_pdq_photo_hasher_prints_them(tmp_path):
    rows = read(tmp_path / "a.txt", f"{HASH},100,data/a, b.jpg\n{HASH.upper()},7,c=1.jpg\r\n")
    assert rows == [
        {"pdq": HASH.encode(), "pdq_quality": 100, "path": b"data/a, b.jpg"},
        {"pdq": HASH.upper().encode(), "pdq_quality": 7, "path": b"c=1.jpg"},
    ]


def test_a_name_alone_has_no_quality(tmp_path):
    rows = read(tmp_path / "a.csv", f"{HASH},a.jpg\n{HASH},50,b.jpg")
    assert [row["path"] for row in rows] == [b"a.jpg", b"50,b.jpg"]
    assert rows[0].keys() == {"pdq", "path"}


def test_details_are_read_by_their_names(tmp_path):
    line = f"hash={HASH},norm=128,delta=0,quality=99,filename=a,quality=1.jpg\n"
    (row,) = read(tmp_path / "a.txt", line)
    assert row == {"pdq": HASH.encode(), "pdq_quality": 99, "path": b"a,quality=1.jpg"}


def test_eight_hashes_a_line_are_orientations(tmp_path):
    (row,) = read(tmp_path / "a.txt", ",".join([*ACROSS, "83", "a.jpg"]))
    # flipx turns rows over, flipy columns
    wanted = [ACROSS[i] for i in (0, 1, 2, 3, 5, 4, 6, 7)]
    assert [row[name].decode() for name in PDQ.columns] == wanted
    assert (row["pdq_quality"], row["path"]) == (83, b"a.jpg")


def test_names_are_any_bytes_and_lines_that_do_not_fit_are_null(tmp_path, monkeypatch):
    monkeypatch.setattr(threatexchange, "_AT_ONCE", 100)
    lines = [f"{HASH},{i},{i}.jpg".encode() for i in range(5)]
    lines[1] = HASH.encode() + b",9,\xff.jpg"
    lines[2:2] = [b"", b"12,9,x.jpg"]
    rows = read(tmp_path / "a.txt", b"\n".join(lines) + b"\n")
    assert [row["path"] for row in rows] == [
        b"0.jpg",
        b"\xff.jpg",
        None,
        *(b"2.jpg", b"3.jpg", b"4.jpg"),
    ]
    assert rows[2] == {"pdq": None, "pdq_quality": None, "path": None}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{HASH},a\n", True),
        (f"{HASH},100,a", True),
        (",".join([*ACROSS, "83", "a.jpg"]), True),
        (f"hash={HASH},quality=1,filename=a\r\n", True),
        (f"{HASH}\n", False),
        (f"{HASH[1:]},a\n", False),
        ("path,pdq\n", False),
        ("", False),
    ],
)
def test_lines_of_pdq_are_known_by_the_first(tmp_path, text, wanted):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert has_pdq_lines(path) == wanted
    assert has_pdq_lines(tmp_path / "a.TXT")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,pdq\n", "line 1, b'path,pdq', is no line of PDQ: 64 hex digits, the quality"),
        ("", "it is empty, and has no line of PDQ"),
    ],
)
def test_a_file_of_something_else_is_told_at_its_first_line(tmp_path, text, message):
    path = tmp_path / "a.txt"
    path.write_text(text)
    for words in (("convert", "a.txt", "s"), ("group", "a.txt", "-o", "g.csv")):
        done = run(*words, cwd=tmp_path, status=1)
        assert error_of(done).startswith(f"Error: a.txt: {message}")


@pytest.mark.parametrize("at_once", [1, 1 << 20])
def test_orientations_on_lines_of_their_own_are_refused(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(threatexchange, "_AT_ONCE", at_once)
    lines = [f"{HASH},1,{name}.jpg\n" for name in "abccd"]
    with pytest.raises(StoreError, match=r"line 4 names b'c\.jpg' again: .* by pdqdih-across"):
        read(tmp_path / "a.txt", "".join(lines))
    assert len(read(tmp_path / "b.txt", "".join(lines[:3]))) == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with PDQ and pHash of two scenes and a flat picture; one name is not UTF-8."""
    folder = tmp_path_factory.mktemp("lines")
    for name, pixels in ((b"a, b.png", scene(1)), (b"\xff.png", scene(2)), (b"flat.png", FLAT)):
        path = folder / "in" / os.fsdecode(name)
        save(path, pixels)
    run("hash", "in", "-o", "ours", "--hash", "phash,pdq", "--workers", "1", cwd=folder)
    return folder


def test_a_store_goes_to_lines_and_back(folder):
    wanted = read_hashes(str(folder / "ours"), algorithm="pdq")
    for augmented in ((), ("--augmented",)):
        words = ("--hash", "pdq", *augmented, "--overwrite")
        done = run("convert", "ours", "lines.txt", *words, cwd=folder)
        assert done.stdout == "3 entries to lines.txt, hashes pdq\n"
        done = run("convert", "lines.txt", f"back{len(augmented)}", "--as", "pdqhash", cwd=folder)
        assert "pdqhash as asserted: pdq, full" in done.stdout
        rows = read_hashes(str(folder / f"back{len(augmented)}"))
        assert rows.paths.to_pylist() == wanted.paths.to_pylist()
        assert rows.table["pdq_quality"].to_pylist() == wanted.table["pdq_quality"].to_pylist()
        assert len(rows.known) == (8 if augmented else 1)
        assert np.array_equal(rows.hashes, wanted.hashes[:, : len(rows.known)])


def test_lines_are_those_of_pdq_photo_hasher(folder):
    run("convert", "ours", "lines.txt", "--hash", "pdq", "--overwrite", cwd=folder)
    first = (folder / "lines.txt").read_bytes().splitlines()[0].decode()
    hashed = pdq(folder / "in" / "a, b.png")
    assert first == f"{to_hex(hashed.hash, bits=256)},{hashed.quality},a, b.png"


def test_lines_ask_for_the_nearest(folder):
    run("convert", "ours", "asked.txt", "--hash", "pdq", cwd=folder)
    run("convert", "asked.txt", "stored", cwd=folder)
    # flat.png is asked for, too
    words = ("--in", "stored", "--json", "--min-quality", "0")
    answer = json.loads(run("query", "asked.txt", *words, cwd=folder).stdout)
    assert [row["distance"] for row in answer if row["rank"] == 1] == [0, 0, 0]


def test_what_was_vouched_for_joins_ours_and_nothing_else_does(folder):
    run("convert", "ours", "lines.txt", "--hash", "pdq", "--overwrite", cwd=folder)
    run("convert", "lines.txt", "vouched", "--as", "pdqhash", cwd=folder)
    words = ("-o", "p.parquet", "--overwrite", "--hash", "pdq", "--no-verify", "--json")
    done = run("join", "vouched", "ours", *words, cwd=folder)
    assert json.loads(done.stdout)["pairs"] == 2
    # flat.png has too little quality on both sides
    assert "vouched: 1 image of 3 with a pdq quality below 50 is not compared" in done.stderr
    done = run("join", "lines.txt", "ours", *words, cwd=folder, status=1)
    assert "needles pdq, foreign (no record" in done.stderr.splitlines()[-1]


def test_lines_without_a_hash_are_rejected(folder):
    lines = [f"{HASH},100,a.jpg", "what is this", f"{HASH},100,b.jpg"]
    (folder / "some.txt").write_text("\n".join(lines))
    done = run("convert", "some.txt", "some", cwd=folder)
    assert "2 images to some, hashes pdq, foreign" in done.stdout
    assert "1 row without a hash" in done.stderr
    (row,) = read_rejected(str(folder / "some")).to_pylist()
    assert (row["path"], row["reason"]) == ("row 2", "without a path")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ours", "x.txt"), "these are phash: choose pdq with --hash, if"),
        (("ours", "x.csv"), "to a .json file, or to .txt of PDQ, not to 'x.csv'"),
        (("one.txt", "y", "--hash", "phash"), "one.txt has no hash 'phash': it has pdq"),
        (
            ("one.txt", "y", "--as", "imagehash"),
            "one.txt: pdq is made by pdqhash, not by imagehash",
        ),
        (
            ("one", "x.txt", "--augmented"),
            "no hashes of rotated and mirrored images, or no quality",
        ),
        (("broken", "x.txt"), "has a line break, which a line can't hold"),
    ],
)
def test_what_can_not_be_converted_is_refused(folder, words, message):
    (folder / "one.txt").write_text(f"{HASH},a.jpg\n")
    if "one" in words and not (folder / "one").exists():
        run("convert", "one.txt", "one", cwd=folder)
    if "broken" in words and not (folder / "broken").exists():
        table = pa.table({"path": ["a\nb.png"], "pdq": [bytes.fromhex(HASH)]})
        pq.write_table(table, folder / "t.parquet")
        run("convert", "t.parquet", "broken", cwd=folder)
    done = run("convert", *words, cwd=folder, status=None)
    assert done.returncode
    assert message in error_of(done)
    assert not (folder / words[1]).exists()
