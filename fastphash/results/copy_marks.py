"""Marks that systems and programs put into the names of copies, and names of hidden files."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# what may follow a mark: its number, the file's ending, and the end of the file's or folder's name
_NUMBER = r"[ _-]?(?:\(\d{1,3}\)|\d{1,3})?"
_END = r"(?:\.[^/.]+)?(?:/|$)"

# an accented letter is one character or, as macOS writes it, two
_O, _A = "(?:\u00f3|o\u0301)", "(?:\u00e1|a\u0301)"
# "cat - Copy": Windows, macOS and Linux in the languages that most people use
_AFTER = "|".join(
    [
        "cop(?:y|ie|ia)",  # English, French, Italian and Spanish
        f"c{_O}pia",  # Portuguese
        "kop(?:ie|ia|i|io|ya)",  # German, Dutch, Czech; Polish, Swedish; Danish; Finnish; Turkish
        f"m{_A}solat",  # Hungarian
        "копия",
        "копія",
        "コピー",
        "副本",
        "拷贝",
        "拷貝",
        "복사본",
    ]
)
# "Copy of dog", "Copy (2) of dog"
_BEFORE = "|".join(
    [
        r"copy (?:\(\d+\) )?of",
        "copie (?:de|von)",
        f"c(?:o|{_O})pia (?:de|di|do|da)",
        "kop(?:ie|ia|i) (?:von|van|av|af)",
        "копия",
    ]
)
# what a copy's name has, wherever in its path: a folder may be a copy, too
_MARKS = (
    rf"[ _\x{{2013}}\x{{2014}}-](?:{_AFTER}){_NUMBER}{_END}",
    rf"\((?:[\w ]+ )?(?:{_AFTER})(?: \d+)?\){_END}",  # photo (copy), photo (another copy)
    rf"(?:^|/)(?:{_BEFORE}) ",
    rf"[^/]\(\d{{1,3}}\){_END}",  # photo (1), photo(1): downloads
    rf"[^/]~\d{{1,3}}{_END}",  # photo~1: DOS, cameras
    r"[^/]~$",  # photo.jpg~: editors
    rf"[ _.-](?:dup|duplicate|backup|bak|checkpoint){_NUMBER}{_END}",
    r"\.[a-z]{3,4}\.\d{1,3}$",  # photo.jpg.1: wget
    r"conflicted copy|\.sync-conflict-",  # Dropbox, Syncthing
    r"(?:^|/)\.[^/]",  # hidden files and folders: ._photo.jpg, .ipynb_checkpoints/, .Trash/
    r"(?:^|/)(?:@eaDir|__MACOSX)/",
)
_MARK = "(?i)" + "|".join(f"(?:{mark})" for mark in _MARKS)


def has_copy_mark(paths: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether the name of a file, or of a folder that it is in, looks like that of a copy.

    That proves nothing of a file alone: it tells which of two copies has its own name.

    Parameters
    ----------
    paths : pyarrow.ChunkedArray of string (n,)

    Returns
    -------
    bool (n,)

    Examples
    --------
    >>> names = ["cat.jpg", "cat (1).jpg", "Copy of cat.jpg", "cat - Kopie (2).jpg", "._cat.jpg"]
    >>> has_copy_mark(pa.chunked_array([names])).tolist()
    [False, True, True, True, True]
    """
    marked: NDArray[np.bool_] = pc.match_substring_regex(paths, _MARK).to_numpy()
    return marked
