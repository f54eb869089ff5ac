"""The labels of a split in a file for each image: YOLO, Pascal VOC, LabelMe, classes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.labels.class_files import read_class
from fastphash.labels.coco import ImageMatching
from fastphash.labels.coco_check import RejectedEntry
from fastphash.labels.image_sizes import sizes_of
from fastphash.labels.label_files import FORMS, LabelFiles, LooseFiles
from fastphash.labels.label_source import Categories, ImageLabels, ImageShapes
from fastphash.labels.label_text import LabelFileError
from fastphash.labels.labelme import read_labelme
from fastphash.labels.shapes import UNREADABLE, ReadShapes, Shape
from fastphash.labels.sidecars import forget_folders
from fastphash.labels.voc import read_voc
from fastphash.labels.yolo import NO_CLASSES, YoloClasses, find_classes, read_classes, read_yolo
from fastphash.sources.member_paths import split_path
from fastphash.store.rows import HashTable

# files that are read to see what they are, and the least share of them that must be of a format:
# captions and other texts have these endings, too
_SAMPLE = 64
_READABLE = 0.5
_FILES_PER_REPORT = 256
_UNREADABLE_FILE = Shape(UNREADABLE, np.full((2, 2), np.nan), [])


class Survey(NamedTuple):
    """What the label files of a split hold, all of them read.

    Attributes
    ----------
    listed : int64 (m,)
        Rows that have a label file.
    row, category : int64 (n,)
        The row of each annotation, and the place of its category in `names`; -1 if it can't be
        read.
    names : list of str
    rejected : list of RejectedEntry
        Files with something that can't be used, each once.
    """

    listed: NDArray[np.int64]
    row: NDArray[np.int64]
    category: NDArray[np.int64]
    names: list[str]
    rejected: list[RejectedEntry]


@dataclass(frozen=True, slots=True)
class SidecarLabels:
    """Label files of the images of a split, as `LabelSource`.

    Attributes
    ----------
    form : {"yolo", "voc", "labelme", "cls"}
    files : LabelFiles
    names_file : str
        The file with the names of YOLO's classes; empty without one.
    classes : YoloClasses
        What it says.
    survey : Survey
        Of the rows of the split.
    """

    form: str
    files: LabelFiles
    names_file: str
    classes: YoloClasses
    survey: Survey

    @property
    def has_names(self) -> bool:
        """Whether categories have names: YOLO's and classes may be numbers."""
        if self.form == "cls":
            return not all(name.isdecimal() for name in self.survey.names)
        return self.form != "yolo" or bool(self.classes.names)

    def annotated_rows(self, rows: HashTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # noqa: ARG002 - as surveyed
        """Rows with a label file, and the row of each annotation."""
        return self.survey.listed, self.survey.row

    def categories(self, rows: HashTable) -> Categories:  # noqa: ARG002 - as surveyed
        """The categories of the images."""
        known = self.survey.category >= 0
        return Categories(self.survey.names, self.survey.row[known], self.survey.category[known])

    def open(self, rows: HashTable, wanted: set[bytes]) -> AbstractContextManager[ImageLabels]:
        """The annotations of some images."""
        return nullcontext(_OpenSidecars(self, rows, wanted))


def find_sidecar_form(rows: HashTable, files: LabelFiles) -> str:
    """The format of the label files of a split; empty if it has none.

    It is the one that most images have a file of, of those of which at least half of a sample can
    be read, and some have objects. Of containers, only the first decides whether there are any.
    """
    forget_folders()
    found: dict[str, list[bytes]] = {form: [] for form in FORMS}
    for path in _first_to_look_at(rows.paths.to_pylist(), files):
        for form, name in files.of(path).items():
            found[form].append(name)
    for form in sorted(found, key=lambda form: -len(found[form])):
        if found[form] and _is_of_form(found[form], files, _reader(form, NO_CLASSES)):
            return form
    return ""


def _first_to_look_at(paths: list[bytes], files: LabelFiles) -> list[bytes]:
    """All paths of loose files; those of the first container, as it takes time to open each."""
    if isinstance(files, LooseFiles) or not paths:
        return paths
    first = split_path(paths[0])[0]
    return [path for path in paths if split_path(path)[0] == first]


def read_sidecar_labels(
    rows: HashTable,
    files: LabelFiles,
    root: bytes,
    form: str,
    names_file: str | None = None,
    progress: Progress = no_progress,
) -> SidecarLabels:
    """Read the label files of all images of a split.

    Parameters
    ----------
    rows : HashTable
        Those of the split.
    root : bytes
    form : {"yolo", "voc", "labelme"}
    names_file : str, optional
        With the names of YOLO's classes; empty for none. By default it is looked for.
    progress : Progress

    Raises
    ------
    LabelFileError
        The given file with the names can't be read.
    """
    if names_file is None:
        names_file, classes = find_classes(root) if form == "yolo" else ("", NO_CLASSES)
    else:
        classes = read_classes(names_file) if names_file else NO_CLASSES
    survey = _survey(rows, files, form, _reader(form, classes), progress)
    return SidecarLabels(form, files, names_file, classes, survey)


class _OpenSidecars:
    """The annotations of some images of a split, each file read on demand; as `ImageLabels`."""

    def __init__(self, labels: SidecarLabels, rows: HashTable, wanted: set[bytes]) -> None:
        self.matched: ImageMatching | None = None
        self._labels = labels
        self._read = _reader(labels.form, labels.classes)
        has_file = {path for path in wanted if self.lists(path)}
        self._sizes = sizes_of(rows, has_file, f"{labels.form} files of images")

    def lists(self, path: bytes) -> bool:
        """Whether an image has a label file."""
        return self._file(path) is not None

    def shapes(self, path: bytes) -> ImageShapes | None:
        """The annotations of an image; None if it has no label file."""
        name = self._file(path)
        if name is None:
            return None
        size = self._sizes[path]
        return ImageShapes(_read_or_reject(name, size, self._labels.files, self._read).shapes, size)

    def _file(self, path: bytes) -> bytes | None:
        return self._labels.files.of(path, [self._labels.form]).get(self._labels.form)


_Read = Callable[[bytes, tuple[int, int]], ReadShapes]


def _reader(form: str, classes: YoloClasses) -> _Read:
    if form == "yolo":
        return partial(read_yolo, classes=classes)
    return {"voc": read_voc, "labelme": read_labelme, "cls": read_class}[form]


def _is_of_form(names: list[bytes], files: LabelFiles, read: _Read) -> bool:
    """Whether files are of a format, by some of them."""
    places = np.linspace(0, len(names) - 1, min(len(names), _SAMPLE)).astype(int).tolist()
    found = [_read_or_reject(names[place], (1, 1), files, read) for place in places]
    readable = [one for one in found if not one.problems]
    return len(readable) >= _READABLE * len(found) and any(one.shapes for one in readable)


def _read_or_reject(
    name: bytes, size: tuple[int, int], files: LabelFiles, read: _Read
) -> ReadShapes:
    """The shapes of a file; one that can't be read has one unreadable shape."""
    try:
        return read(files.read(name), size)
    except LabelFileError as error:
        return ReadShapes([_UNREADABLE_FILE], [str(error)])


def _survey(
    rows: HashTable, files: LabelFiles, form: str, read: _Read, progress: Progress
) -> Survey:
    listed, row_of, categories = [], [], []
    number: dict[str, int] = {}
    rejected = []
    paths = rows.paths.to_pylist()
    for row, path in enumerate(paths):
        if row % _FILES_PER_REPORT == 0:
            progress("reading labels", row, len(paths))
        name = files.of(path, [form]).get(form)
        if name is None:
            continue
        listed.append(row)
        found = _read_or_reject(name, (1, 1), files, read)
        if found.problems:
            rejected.append(_rejected(files.shown(name), path, found.problems, form))
        for shape in found.shapes:
            row_of.append(row)
            is_known = shape.category != UNREADABLE
            categories.append(number.setdefault(shape.category, len(number)) if is_known else -1)
    return Survey(
        np.array(listed, np.int64),
        np.array(row_of, np.int64),
        np.array(categories, np.int64),
        list(number),
        rejected,
    )


def _rejected(file: str, path: bytes, problems: list[str], form: str) -> RejectedEntry:
    more = f"; and {len(problems) - 1:,} more like it" if len(problems) > 1 else ""
    image = path.decode(errors="replace")
    return RejectedEntry(form, -1, None, image, file, problems[0] + more)
