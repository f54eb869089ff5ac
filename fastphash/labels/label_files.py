"""Where label files of single images lie: beside them on a disk, or in their containers."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from fastphash.labels.label_text import MAX_SIZE, LabelFileError, read_bytes
from fastphash.labels.sidecars import FOLDER_PAIRS, find_sidecars
from fastphash.sources.containers.keys import FULL_NAME, key_finder
from fastphash.sources.member_paths import member_path, split_path
from fastphash.sources.member_reader import ContainerReader

#: Endings of the files of each format.
FORMS = {"yolo": b".txt", "voc": b".xml", "labelme": b".json", "cls": b".cls"}
# containers whose members can be read in any order without reading all before them
_QUICK = (b".tar", b".zip")


class LabelFiles(Protocol):
    """The label files of the images of a split."""

    def of(self, path: bytes, forms: Iterable[str] = FORMS) -> dict[str, bytes]:
        """The label file of an image in each of these formats that it has one in."""

    def read(self, name: bytes) -> bytes:
        """The bytes of such a file; LabelFileError if it can't be read, or is far too large."""

    def shown(self, name: bytes) -> str:
        """What such a file is called in a message."""


@dataclass(frozen=True, slots=True)
class LooseFiles:
    """Label files on a disk, as `LabelFiles`.

    Attributes
    ----------
    root : bytes
        Absolute folder of the split.
    """

    root: bytes

    def of(self, path: bytes, forms: Iterable[str] = FORMS) -> dict[str, bytes]:
        """As of `LabelFiles`; in a folder of labels first."""
        files: dict[str, bytes] = {}
        # the last of a format counts: those in folders come behind those beside it
        for sidecar in find_sidecars(os.path.join(self.root, path)):
            ending = os.path.splitext(sidecar.name)[1].lower()
            files |= {form: sidecar.name for form in forms if FORMS[form] == ending}
        return files

    def read(self, name: bytes) -> bytes:
        """As of `LabelFiles`."""
        return read_bytes(name)

    def shown(self, name: bytes) -> str:
        """Its path below the split's folder."""
        return os.path.relpath(name, os.path.normpath(self.root)).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class MemberFiles:
    """Label files in tar and zip files on a disk, as `LabelFiles`: members of an image's sample.

    Attributes
    ----------
    root : bytes
        Absolute folder that all containers lie in.
    key : str or None
        How the keys of samples are made, as of `key_rule`.
    """

    root: bytes
    key: str | None = None

    def of(self, path: bytes, forms: Iterable[str] = FORMS) -> dict[str, bytes]:
        """As of `LabelFiles`; in a folder of labels first."""
        container, name = split_path(path)
        sample = key_finder(container, self.key)(name)
        if not sample or not container.lower().endswith(_QUICK):
            return {}
        if self.key == FULL_NAME:
            sample = os.path.splitext(name)[0]
        names = {stem + FORMS[form]: form for stem in label_stems(sample) for form in forms}
        there = ContainerReader(self.root).find_members(container, names)
        return {names[name]: member_path(container, name) for name in there}

    def read(self, name: bytes) -> bytes:
        """As of `LabelFiles`."""
        try:
            data = ContainerReader(self.root).read_hashed(name, MAX_SIZE)
        except OSError as error:
            raise LabelFileError(error.strerror or str(error)) from error
        if len(data) > MAX_SIZE:
            raise LabelFileError(f"larger than {MAX_SIZE >> 20} MB, so these are no labels")
        return data

    def shown(self, name: bytes) -> str:
        """Its path, as those of images are."""
        return name.decode(errors="replace")


def label_stems(sample: bytes) -> list[bytes]:
    """The names of a sample's label files without their endings: beside its image, then in folders.

    >>> label_stems(b"a/images/1")
    [b'a/images/1', b'a/labels/1']
    """
    steps, stems = sample.split(b"/"), [sample]
    for pictures, labels in FOLDER_PAIRS:
        if pictures in steps[:-1]:
            last = len(steps) - 2 - steps[-2::-1].index(pictures)
            stems.append(b"/".join([*steps[:last], labels, *steps[last + 1 :]]))
    return stems
