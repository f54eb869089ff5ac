import pyarrow as pa
import pytest

from fastphash.errors import StoreError
from fastphash.hashing.algorithms import PDQ
from fastphash.store import threatexchange
from fastphash.store.threatexchange import has_pdq_lines, read_pdq_lines

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
ACROSS = [HASH, *(f"{t:x}" * 64 for t in range(1, 8))]


def read(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return pa.concat_tables(read_pdq_lines(path)).to_pylist()


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


def test_a_first_line_of_something_else_is_quoted(tmp_path):
    with pytest.raises(StoreError, match=r"a\.txt: line 1, b'path,pdq', is no line of PDQ"):
        read(tmp_path / "a.txt", "path,pdq\n")


@pytest.mark.parametrize("at_once", [1, 1 << 20])
def test_orientations_on_lines_of_their_own_are_refused(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(threatexchange, "_AT_ONCE", at_once)
    lines = [f"{HASH},1,{name}.jpg\n" for name in "abccd"]
    with pytest.raises(StoreError, match=r"line 4 names b'c\.jpg' again: .* by pdqdih-across"):
        read(tmp_path / "a.txt", "".join(lines))
    assert len(read(tmp_path / "b.txt", "".join(lines[:3]))) == 3
