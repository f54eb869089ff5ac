"""Small files of labels, read whole, whatever their encoding."""

import codecs
import os
import stat

from fastphash.base.system import open_to_read

#: Bytes that a file of one image's labels may have.
MAX_SIZE = 64 << 20
# the densest images have some thousands; those of two images are compared with one another
_MOST_OBJECTS = 10_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LabelFileError(Exception):
    """A file of labels that can't be used; the message says why, in one line."""


def read_bytes(name: bytes, most: int = MAX_SIZE) -> bytes:
    """The bytes of a file; LabelFileError if it can't be read, or is larger than `most` bytes."""
    try:
        with open(open_to_read(name), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise LabelFileError("not a regular file")
            if status.st_size > most:
                raise LabelFileError(f"larger than {most >> 20} MB, so these are no labels")
            return file.read(most)
    except OSError as error:
        raise LabelFileError(error.strerror or str(error)) from error


def check_count(objects: int) -> None:
    """LabelFileError if a file has far more objects than an image can have."""
    if objects > _MOST_OBJECTS:
        raise LabelFileError(f"it has {objects:,} objects, so these are no labels")


def as_text(data: bytes) -> str:
    """Bytes as text: UTF-16 if they begin so, else UTF-8, else Latin-1.

    LabelFileError if they have NULs, which no text has.

    >>> as_text("é".encode("utf-16")), as_text(b"\\xc3\\xa9"), as_text(b"\\xe9")
    ('é', 'é', 'é')
    """
    if data.startswith(_UTF_16):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise LabelFileError(f"no UTF-16: {error.reason}") from error
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if "\0" in text:
        raise LabelFileError("it has NUL bytes: no text")
    return text
