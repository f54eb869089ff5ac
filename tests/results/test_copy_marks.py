"""Names of copies, as systems and programs make them."""

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
    "Russian": ["кот — копия.jpg"],
    "Asia": ["x - コピー.jpg", "x - 副本.jpg", "x 복사본.jpg"],
    "downloads": ["photo (1).jpg", "photo(1).jpg", "photo.jpg.1", "photo (12).JPEG"],
    "programs": ["photo~1.jpg", "x_copy.jpg", "x-copy2.jpg", "bird-checkpoint.jpg", "x_dup.png"],
    "clouds": ["x (Ann's conflicted copy 2020-01-01).jpg", "x.sync-conflict-20200101-1.jpg"],
    "hidden": [".x.jpg", ".git/x.jpg", "a/.ipynb_checkpoints/x.jpg", "a/@eaDir/x.jpg"],
    "folders": ["data (1)/x.jpg", "data - Copy/x.jpg", "Copy of data/x.jpg"],
}
UNMARKED = (
    "photo.jpg IMG_0001.jpg copy.jpg copyright.jpg photocopy.jpg copycat/1.jpg photo_1.jpg 2.jpg "
    "x(2019).jpg dog-copyist.jpg a.b.jpg copper.jpg kopie.jpg backup.jpg f..jpg a/b/c.jpg "
    "x_orig.jpg"
)


@pytest.mark.parametrize("where", MARKED)
def test_names_of_copies_are_marked(where):
    names = MARKED[where]
    assert has_copy_mark(pa.chunked_array([names])).tolist() == [True] * len(names)


def test_other_names_are_not():
    names = UNMARKED.split()
    assert [name for name, found in zip(names, marks(names), strict=True) if found] == []


def test_no_names():
    assert marks([]) == []


def marks(names):
    return has_copy_mark(pa.chunked_array([names], pa.string())).tolist()
