"""Marks that systems and programs put into the names of copies, and names of hidden files."""

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# what may follow a mark: its number, the file's ending, and the end of the file's or folder's name
_NUMBER = r"[ _-]?(?:\(\d{1,3}\)|\d{1,3})?"
_END = r"(?:\.[^/.]+)?(?:/|$)"
# a hyphen and both dashes, and all signs that may come before a mark
_DASH, _SIGN = r"[\x{2013}\x{2014}-]", r"[ _.\x{2013}\x{2014}-]"


def _any_of(*words: str) -> str:
    """A pattern of words, each as it is and with its accents apart, as macOS writes them."""
    written = [unicodedata.normalize(form, word) for word in words for form in ("NFC", "NFD")]
    return f"(?:{'|'.join(dict.fromkeys(written))})"


# "cat - Copy": Windows, macOS and Linux in the languages that most people use
_AFTER = _any_of(
    *("copy", "copie", "copia", "cópia", "còpia"),  # English, French, Italian to Catalan
    *("kopie", "kopia", "kópia", "kopi", "kopio"),  # German, Czech; Polish; Slovak; Danish; Finnish
    *("kopya", "kopija", "koopia"),  # Turkish; Croatian, Lithuanian; Estonian
    *("másolat", "sao chép", "bản sao", "salinan"),  # Hungarian; Vietnamese; Indonesian
    *("копия", "копія", "копие", "копија", "αντίγραφο"),
    *("עותק", "نسخة", "کپی", "สำเนา"),  # Hebrew, Arabic, Persian, Thai
    *("コピー", "副本", "拷贝", "拷貝", "复件", "복사본"),
)
# languages that put no space before it
_JOINED = _any_of("のコピー", "的副本", "的拷贝", "的拷貝", "副本")
# "Copy of dog", "Copy (2) of dog"
_BEFORE = "|".join(
    [
        r"copy (?:\(\d+\) )?of",
        "copie (?:de|von)",
        f"{_any_of('copia', 'cópia', 'còpia')} (?:de|di|do|da)",
        "kop(?:ie|ia|i) (?:von|van|av|af)",
        _any_of("копия", "עותק של", "نسخة من", "bản sao của", "αντίγραφο από", "复件", "複件"),
        # "Kopie - dog"
        rf"{_any_of('copie', 'kopie', 'kópia', 'kopia', 'másolat', 'копия')}{_NUMBER} {_DASH}",
    ]
)
# whole names of folders of copies
_FOLDERS = f"(?:backups?|bak|copies|old|duplicates?|dups?|{_AFTER})"
# what a copy's name has, wherever in its path: a folder may be a copy, too
_MARKS = (
    rf"{_SIGN}{_AFTER}{_NUMBER}{_END}",
    rf"[^/]{_JOINED}{_NUMBER}{_END}",
    rf"\((?:[\w ]+ )?{_AFTER}(?: \d+)?\){_END}",  # photo (copy), photo (another copy)
    rf"(?:^|/)(?:{_BEFORE}) ",
    rf"[^/]\(\d{{1,3}}\){_END}",  # photo (1), photo(1): downloads
    rf"[^/]~\d{{1,3}}{_END}",  # photo~1: DOS, cameras
    r"[^/]~$",  # photo.jpg~: editors
    rf"(?:^|/){_FOLDERS}/",
    rf"[ _.-](?:dup|duplicate|backup|bak|checkpoint){_NUMBER}{_END}",
    r"\.[a-z]{3,4}\.(?:\d{1,3}|old)$",  # photo.jpg.1: wget; photo.jpg.old
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
