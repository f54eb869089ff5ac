"""Tables of true pairs, good and bad."""

import csv
import ntpath
import os
from functools import partial

import pytest

from fastphash.base.paths import with_slashes
from fastphash.errors import UsageError
from fastphash.evaluation import truth
from fastphash.evaluation.truth import read_truth
from fastphash.results.audit_folder import open_audit
from tests.support.report_pages import audited
from tests.support.scenes import save, scene, scenes

ODD = os.fsdecode(b"caf\xe9.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """train/ and val/ of two scenes each, one name in both, and files that are no images."""
    folder = tmp_path_factory.mktemp("truth")
    scenes(folder / "train", [0, 1])
    scenes(folder / "val", [1, 2])
    save(folder / "train" / "val" / "002.png", scene(3))
    save(folder / "train" / "a, b.png", scene(4))
    save(folder / "odd.png", scene(5)).rename(folder / "train" / ODD)
    for name in ("broken.jpg", "cut.jpg"):
        (folder / "train" / name).write_text("no image")
    audited(folder / "out", ("train", folder / "train"), ("val", folder / "val"))
    return folder


@pytest.fixture(scope="module")
def audit(folder):
    return open_audit(folder / "out")


@pytest.fixture
def read(audit, tmp_path):
    """Read a table of this text, or of these rows."""

    def reading(table):
        path = tmp_path / "truth.csv"
        if isinstance(table, bytes):
            path.write_bytes(table)
        else:
            with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                csv.writer(file).writerows([("needle", "haystack"), *table])
        return read_truth(path, audit)

    return reading


@pytest.fixture(scope="module")
def row(audit):
    """The row of an image."""
    splits, paths = audit.rows.splits.tolist(), audit.rows.paths.to_pylist()
    places = list(zip(splits, paths, strict=True))
    return lambda split, path: places.index((split, os.fsencode(path)))


def test_pairs_that_are_no_copies(read, row):
    one, two, three = "train/000.png", "train/001.png", "val/002.png"
    header = b"needle,haystack,kind\n"
    lines = f"{one},{two},not copies\n{two},{one},not_copies\n{one},{three},crop\n".encode()
    truth = read(header + lines)
    a, b, c = row("train", "000.png"), row("train", "001.png"), row("val", "002.png")
    assert truth.not_copies.tolist() == [[a, b]]
    assert (truth.pairs.tolist(), truth.kinds) == ([[a, c]], ("crop",))
    only = read(header + f"{one},{two},not copies\n".encode())
    assert only.pairs.shape == (0, 2)
    for order in (1, -1):
        both = [f"{one},{two},not copies", f"{two},{one},crop"][::order]
        with pytest.raises(UsageError, match=r"^line 3 .* listed both as copies and as not copies"):
            read(header + "\n".join(both).encode())


@pytest.mark.parametrize(
    "kind",
    ["Not copies", "NOT-COPIES", "not_copies", " not  copies ", "Not _ Copies"],
)
def test_spellings_of_not_copies(read, kind):
    truth = read(f"needle,haystack,kind\ntrain/000.png,val/002.png,{kind}\n".encode())
    assert (len(truth.pairs), len(truth.not_copies)) == (0, 1)


@pytest.mark.parametrize("kind", ["notcopies", "not copies?", "not copied", "are not copies"])
def test_other_kinds_are_kinds_of_copies(read, kind):
    truth = read(f"needle,haystack,kind\ntrain/000.png,val/002.png,{kind}\n".encode())
    assert (truth.kinds, len(truth.not_copies)) == ((kind,), 0)


def test_files_of_the_same_bytes_are_copies(read):
    table = b"needle,haystack,kind\ntrain/000.png,val/002.png,not copies\n"
    assert len(read(table + b"train/broken.jpg,val/001.png,not copies\n").not_copies) == 2
    message = (
        "^line 3 .*: 'train/001.png' and 'val/001.png' are listed as not copies, but the two "
        "files have the same bytes$"
    )
    with pytest.raises(UsageError, match=message):
        read(table + b"train/001.png,val/001.png,not copies\n")


def test_the_order_in_a_pair_and_repetitions_do_not_matter(read, row):
    one, two = "train/000.png", "val/002.png"
    truth = read([(two, one), (one, two), (one, "train/001.png")])
    a, b, c = row("train", "000.png"), row("train", "001.png"), row("val", "002.png")
    assert truth.pairs.tolist() == sorted([[a, b], [a, c]])
    assert truth.kinds == ()


@pytest.mark.parametrize(
    ("name", "split", "path"),
    [
        ("train/001.png", "train", "001.png"),
        ("000.png", "train", "000.png"),
        ("train/val/002.png", "train", "val/002.png"),
        # a split goes before a folder
        ("val/002.png", "val", "002.png"),
        ("train/a, b.png", "train", "a, b.png"),
        (f"train/{ODD}", "train", ODD),
        ("FOLDER/val/002.png", "val", "002.png"),
        (f"FOLDER/train/{ODD}", "train", ODD),
        ("./train/001.png", "train", "001.png"),
        ("./000.png", "train", "000.png"),
        # from the working directory
        ("../train/001.png", "train", "001.png"),
        (f"../train/{ODD}", "train", ODD),
        ("./../val/./002.png", "val", "002.png"),
    ],
)
def test_names_of_images(read, row, folder, monkeypatch, name, split, path):
    monkeypatch.chdir(folder / "out")
    truth = read([(name.replace("FOLDER", str(folder)), "val/001.png")])
    assert truth.pairs.tolist() == [sorted([row(split, path), row("val", "001.png")])]


def test_tables_of_other_makers(read, row):
    pair = sorted([row("train", "000.png"), row("val", "002.png")])
    lines = b"kind, haystack ,needle,note\r\n\r\ncrop, val/002.png, train/000.png\r\n"
    truth = read(b"\xef\xbb\xbf" + lines)
    assert truth.pairs.tolist() == [pair]
    assert truth.kinds == ("crop",)
    assert read(lines + b'"",train/000.png,"val/002.png",seen\n').kinds == ("crop",)


def test_rejected_images_are_numbered_behind_all_rows(read, row, audit):
    truth = read([("train/broken.jpg", "val/001.png"), ("cut.jpg", "train/broken.jpg")])
    hashed = len(audit.rows)
    assert truth.rejected == (("train", b"broken.jpg"), ("train", b"cut.jpg"))
    assert truth.pairs.tolist() == [[row("val", "001.png"), hashed], [hashed, hashed + 1]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([("train/no.png", "000.png")], "line 2 of .*: 'train/no.png' is no image of this audit"),
        ([("000.png", "val/002.png"), ("train", "000.png")], "line 3 of .*: 'train' is no image"),
        ([("/elsewhere/000.png", "000.png")], "'/elsewhere/000.png' is no image"),
        ([("001.png", "000.png")], "'001.png' could be 'train/001.png' or 'val/001.png': name it"),
        ([("000.png", "train/000.png")], "line 2 of .*: 'train/000.png' is paired with itself"),
        ([("000.png", "")], "line 2 of .* has no haystack: '000.png,'"),
        ([("000.png",)], "line 2 of .* has no haystack: '000.png'"),
        ([("two\nlines.png", "000.png")], r"line 3 of .*: 'two\\nlines.png' is no image"),
        ([], "lists no pairs"),
        (b"", "is empty: its first line is needle,haystack"),
        (b"\n\n", "is empty"),
        (b"left,right\na,b\n", "has no column 'needle': its first line is"),
        (b"needle;haystack\na;b\n", r"no column 'needle' \(commas separate columns\): its first"),
        (b"needle\thaystack\na\tb\n", r"no column 'needle' \(commas separate columns\): its"),
        ([("./no.png", "000.png")], "line 2 of .*: './no.png' is no image of this audit"),
        ([("./001.png", "000.png")], "'./001.png' could be 'train/001.png' or 'val/001.png'"),
        (b"needle\na\n", "has no column 'haystack'"),
        (b"needle,haystack, needle\na,b,c\n", "has several columns 'needle'"),
        (b"needle,haystack\ntrain/\xfc.png,000.png\n", r"'train/\\udcfc.png' .*is not UTF-8"),
        ("needle,haystack\n".encode("utf-16"), "is not UTF-8"),
        (b"needle,haystack\n" + b"a" * 200_000 + b",b\n", "line 2 of .*: field larger than"),
    ],
)
def test_a_bad_table_is_one_line_that_says_where(read, table, message):
    with pytest.raises(UsageError, match=message) as error:
        read(table)
    assert "\n" not in str(error.value)


def test_no_table(audit, tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError, match="can't read"):
            read_truth(path, audit)


def test_names_with_the_separators_of_windows(read, row, folder, monkeypatch):
    monkeypatch.setattr(truth, "with_slashes", partial(with_slashes, flavour=ntpath))
    absolute = str(folder / "val" / "002.png").replace("/", "\\")
    pairs = read([(".\\train\\000.png", "val\\001.png"), ("train\\val\\002.png", absolute)]).pairs
    expected = [
        (row("train", "000.png"), row("val", "001.png")),
        (row("train", "val/002.png"), row("val", "002.png")),
    ]
    assert pairs.tolist() == sorted(sorted(pair) for pair in expected)
