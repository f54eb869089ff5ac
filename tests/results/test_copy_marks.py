"""Names of copies, as systems and programs make them."""

import time
import unicodedata

import pyarrow as pa
import pytest

from fastphash.results.copy_marks import has_copy_mark

MARKED = {
    "Windows": ["cat - Copy.jpg", "cat - Copy (2).jpg", "Copy of dog.jpg", "Copy (2) of dog.jpg"],
    "macOS": ["dog copy.jpg", "dog copy 2.jpg", "._x.jpg"],
    "Linux": ["x (copy).jpg", "x (another copy).jpg", "x (3rd copy).jpg", "x.jpg~"],
    "German": ["Hund - Kopie.jpg", "Hund - Kopie (3).jpg", "Kopie von Hund.jpg", "x (Kopie).jpg"],
    "French": ["chat - Copie.jpg", "Copie de chat.jpg"],
    "Spanish": ["gato - copia.jpg", "Copia de gato.jpg"],
    "Portuguese": ["gato - Cópia.jpg", unicodedata.normalize("NFD", "gato - Cópia.jpg")],
    "Polish": ["kot — kopia.jpg"],
    "Czech": ["o \u2013 kopie.jpg", "Kopie \u2013 o.jpg", "Kopie - o.jpg", "Kopie (2) — o.jpg"],
    "Slovak": [
        "Kópia \u2013 o.jpg",
        "o - Kópia (2).jpg",
        unicodedata.normalize("NFD", "o \u2013 kópia.jpg"),
    ],
    "Vietnamese": ["a - Sao chép.jpg", "Bản sao của a.jpg", "a - Sao chép (2).png"],
    "Hebrew": ["a - עותק.jpg", "עותק של a.jpg", "a עותק 2.jpg"],
    "Arabic": ["a - نسخة.jpg", "نسخة من a.jpg"],
    "Greek": ["a - Αντίγραφο.jpg", unicodedata.normalize("NFD", "a - αντίγραφο.jpg")],
    "Russian": ["кот — копия.jpg"],
    "Asia": ["x - コピー.jpg", "x - 副本.jpg", "x 복사본.jpg"],
    "no space": ["aのコピー.jpg", "b的副本.jpg", "b副本 2.jpg", "aのコピー2.jpg", "d/b的拷贝.jpg"],
    "apart": [unicodedata.normalize("NFD", name) for name in ("aのコピー.jpg", "x 복사본.jpg")],
    "downloads": ["photo (1).jpg", "photo(1).jpg", "photo.jpg.1", "photo (12).JPEG"],
    "programs": ["photo~1.jpg", "x_copy.jpg", "x-copy2.jpg", "bird-checkpoint.jpg", "x_dup.png"],
    "before the ending": ["f.copy.jpg", "f.kopie.png", "f.jpg.bak.jpg", "f.jpg.bak", "f.jpg.old"],
    "clouds": ["x (Ann's conflicted copy 2020-01-01).jpg", "x.sync-conflict-20200101-1.jpg"],
    "hidden": [".x.jpg", ".git/x.jpg", "a/.ipynb_checkpoints/x.jpg", "a/@eaDir/x.jpg"],
    "whole folders": [
        *("backup/x.jpg", "a/copy/x.jpg", "Copies/a/x.jpg", "old/x.jpg", "a/duplicates/x.jpg"),
        *("bak/x.jpg", "OLD/x.jpg", "Kopie/x.jpg", "副本/x.jpg"),
    ],
    "folders": ["data (1)/x.jpg", "data - Copy/x.jpg", "Copy of data/x.jpg"],
}
UNMARKED = (
    "photo.jpg IMG_0001.jpg copy.jpg copyright.jpg photocopy.jpg copycat/1.jpg photo_1.jpg 2.jpg "
    "x(2019).jpg dog-copyist.jpg a.b.jpg copper.jpg kopie.jpg backup.jpg f..jpg a/b/c.jpg "
    "x_orig.jpg old.jpg copies.jpg bak.jpg duplicates.jpg gold/1.jpg older/1.jpg copying/1.jpg "
    "oldtimer/1.jpg copies_of_art/1.jpg a.copyright.jpg コピー機/1.jpg 副本.jpg コピー.jpg "
    "kopien/1.jpg a/Kopienhagen-o.jpg copy-paste.jpg f.older.jpg bakery/1.jpg photo.jpg.older"
)


@pytest.mark.parametrize("where", MARKED)
def test_names_of_copies_are_marked(where):
    names = MARKED[where]
    assert has_copy_mark(pa.chunked_array([names])).tolist() == [True] * len(names)


def test_other_names_are_not():
    names = UNMARKED.split()
    assert [name for name, found in zip(names, marks(names), strict=True) if found] == []


def test_the_original_beside_a_folder_of_copies_stays():
    """Even where the copy's path is not longer, and comes first."""
    pairs = [
        ("bak/x.jpg", "images/x.jpg"),
        ("old/x.jpg", "set/x.jpg"),
        ("copy/x.jpg", "full/x.jpg"),
    ]
    for copy, original in pairs:
        assert marks([copy, original]) == [True, False]


def test_a_million_names_take_less_than_some_seconds():
    names = [f"class_{i % 100}/IMG_{i:07}.jpg" for i in range(100_000)] * 10
    start = time.perf_counter()
    assert not any(marks(names))
    assert time.perf_counter() - start < 10


def test_no_names():
    assert marks([]) == []


def marks(names):
    return has_copy_mark(pa.chunked_array([names], pa.string())).tolist()
