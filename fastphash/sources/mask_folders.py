"""Folders of masks beside folders of pictures, as pairs of names: ``images=gt``."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fastphash.base.arguments import quoted
from fastphash.base.paths import with_slashes
from fastphash.errors import UsageError
from fastphash.files.own_names import is_own_name
from fastphash.images.sniff import promises_image
from fastphash.sources.mask_names import bare_name, means_masks, means_pictures
from fastphash.sources.mask_sizes import is_small

#: Stands for no masks at all, in the place of pairs.
NONE = "none"
#: In the place of a folder of pictures: any folder that has the one of the masks in it.
HERE = "."
# least share of the files in a folder called masks that have pictures
_PAIRED = 0.5
# masks that are compared with their pictures, and the least share of them that are small
_SAMPLE = 32
_MOSTLY = 0.9
# folders whose names are kept: images mostly come folder by folder
_FOLDERS = 64

#: The names of the files of a split in one of its folders.
FilesIn = Callable[[bytes], Iterable[bytes]]


class FolderPair(NamedTuple):
    """A folder of pictures, by its name, and the one of their masks, which lies beside it.

    Attributes
    ----------
    pictures : bytes
        Empty for any folder that has the one of the masks in it.
    masks : bytes
        One step of a path or more, with slashes.

    Examples
    --------
    >>> pair = FolderPair(b"images", b"gt")
    >>> pair.masks_of(b"data/images/cat"), pair.pictures_of(b"data/gt/cat"), str(pair)
    (b'data/gt/cat', b'data/images/cat', 'images=gt')
    """

    pictures: bytes
    masks: bytes

    def __str__(self) -> str:
        """As users write it."""
        return f"{os.fsdecode(self.pictures) or HERE}={os.fsdecode(self.masks)}"

    def masks_of(self, folder: bytes) -> bytes | None:
        """The folder of masks for a folder of pictures; None if it isn't called so."""
        if not self.pictures:
            return folder + b"/" + self.masks if folder else self.masks
        return _replaced(folder, self.pictures, self.masks)

    def pictures_of(self, folder: bytes) -> bytes | None:
        """The folder of pictures for a folder of masks; None if it isn't called so."""
        found = _replaced(folder, self.masks, self.pictures)
        return found if found is not None and self.masks_of(found) == folder else None


@dataclass(frozen=True, slots=True)
class MaskFolders:
    """Which folders of a split hold masks, and of which pictures.

    Attributes
    ----------
    pairs : tuple of FolderPair
    by_name : bool
        Whether folders are masks, too, that are called so beside folders that are called pictures.
        Most of their files must have a picture of their name, and nearly all of these be small
        beside it, as `is_small` says: names may deceive, and photos are larger.
    """

    pairs: tuple[FolderPair, ...] = ()
    by_name: bool = False

    def masks_in(self, folder: bytes, root: bytes, files_in: FilesIn) -> dict[bytes, FolderPair]:
        """The files in a folder of a split that are masks of pictures in the split.

        Parameters
        ----------
        folder : bytes
            Path in the split, without a slash at its end; empty for its root.
        root : bytes
        files_in : callable

        Returns
        -------
        dict of bytes to FolderPair
            Names of files, each with the pair by which it is a mask.
        """
        found: dict[bytes, FolderPair] = {}
        for pair in self.pairs:
            if (pictures := pair.pictures_of(folder)) is not None:
                found |= dict.fromkeys(_paired(files_in(folder), files_in(pictures)), pair)
        for pair in _pairs_by_name(folder, root, means_masks) if self.by_name else ():
            if (pictures := pair.pictures_of(folder)) is not None:
                masks = _masks_by_name(folder, pictures, root, files_in)
                found |= dict.fromkeys(masks, pair)
        return found

    def pairs_of(self, folder: bytes, root: bytes, files_in: FilesIn) -> list[FolderPair]:
        """The pairs that may give the pictures in a folder masks; parameters as of `masks_in`."""
        by_name = [
            pair
            for pair in (_pairs_by_name(folder, root, means_pictures) if self.by_name else ())
            if (masks := pair.masks_of(folder)) is not None
            and pair in self.masks_in(masks, root, files_in).values()
        ]
        return [*self.pairs, *by_name]


#: Nothing is a mask.
NO_MASKS = MaskFolders()


def mask_folders(words: Sequence[str], *, by_name: bool = True) -> MaskFolders:
    """The folders of masks that a user names; without a word those that names tell of.

    Parameters
    ----------
    words : sequence of str
        Each ``PICTURES=MASKS``, or "none" alone.
    by_name : bool
        Whether names tell of any.

    Raises
    ------
    UsageError
        A word is no pair of names, or one that turns another around, or "none" is one of several.

    Examples
    --------
    >>> [str(pair) for pair in mask_folders(["images=gt", ".=masks"]).pairs]
    ['images=gt', '.=masks']
    """
    if not words:
        return MaskFolders(by_name=by_name)
    if [*words] == [NONE]:
        return NO_MASKS
    pairs = tuple(map(_pair_of, words))
    for pair in pairs:
        if FolderPair(pair.masks, pair.pictures) in pairs:
            raise UsageError(
                f"`masks` {quoted(str(pair))} is given the other way round, too: write the folder "
                "of the pictures before the sign, and leave out one of them"
            )
    return MaskFolders(pairs)


def masks_of_image(image: bytes, pairs: Iterable[FolderPair]) -> dict[bytes, FolderPair]:
    """The masks of an image in folders that pairs name, each with its pair; names are absolute."""
    folder, name = os.path.split(with_slashes(image))
    return {
        os.path.join(masks, mask): pair
        for pair in pairs
        if (masks := pair.masks_of(folder)) is not None
        for mask in _images_in(masks).get(_bare(name), ())
    }


def count_with_masks(images: Iterable[bytes], pairs: Sequence[FolderPair]) -> dict[str, int]:
    """How many of some images, by their absolute names, have masks by each pair that gives some."""
    forget_images()
    counts: Counter[str] = Counter()
    for image in images if pairs else ():
        counts.update(map(str, {*masks_of_image(image, pairs).values()}))
    return dict(sorted(counts.items()))


def pictures_of_mask(mask: bytes, pairs: Iterable[FolderPair]) -> list[bytes]:
    """The images that a mask belongs to in folders that pairs name; names are absolute."""
    folder, name = os.path.split(with_slashes(mask))
    return [
        os.path.join(pictures, picture)
        for pair in pairs
        if (pictures := pair.pictures_of(folder)) is not None
        for picture in _images_in(pictures).get(_bare(name), ())
    ]


def forget_images() -> None:
    """Look at folders of masks and pictures anew: files in them may have come or gone."""
    _images_in.cache_clear()


@lru_cache(maxsize=_FOLDERS)
def _images_in(folder: bytes) -> dict[str, list[bytes]]:
    """The names of the images in a folder by their bare names; none if it can't be listed."""
    images: dict[str, list[bytes]] = {}
    for name in names_in(folder):
        if promises_image(name):
            images.setdefault(_bare(name), []).append(name)
    return images


def names_in(folder: bytes) -> list[bytes]:
    """What lies in a folder, sorted, but for files of fastphash; none if it can't be listed."""
    try:
        with os.scandir(folder) as listing:
            return sorted(entry.name for entry in listing if not is_own_name(entry.name))
    except OSError:
        return []


def _pair_of(word: str) -> FolderPair:
    pictures, equals, masks = word.partition("=")
    steps = masks.rstrip("/").split("/")
    is_name = pictures not in ("", "..") and "/" not in pictures
    if not equals or not is_name or any(step in ("", ".", "..") for step in steps):
        raise UsageError(
            f"`masks` {quoted(word)} is no pair of folders: write the name of the folder of the "
            "pictures and that of their masks beside it, such as images=gt, or none"
        )
    if pictures == masks.rstrip("/"):
        raise UsageError(
            f"`masks` {quoted(word)} names the folder of the pictures twice: write the folder of "
            "their masks behind the sign"
        )
    return FolderPair(
        os.fsencode("" if pictures == HERE else pictures), os.fsencode("/".join(steps))
    )


def _replaced(folder: bytes, old: bytes, new: bytes) -> bytes | None:
    """A path with other steps in the place of the last that are `old`; None if there are none."""
    steps, wanted = folder.split(b"/"), old.split(b"/")
    for start in range(len(steps) - len(wanted), -1, -1):
        if steps[start : start + len(wanted)] == wanted:
            rest = steps[start + len(wanted) :]
            return b"/".join([*steps[:start], *([new] if new else []), *rest])
    return None


def _bare(name: bytes) -> str:
    return bare_name(os.fsdecode(os.path.splitext(name)[0]))


def _paired(files: Iterable[bytes], pictures: Iterable[bytes]) -> dict[bytes, bytes]:
    """The images in a folder that have one of their name in another, each with that one."""
    picture_of = {_bare(name): name for name in pictures if promises_image(name)}
    return {
        name: picture_of[bare]
        for name in files
        if promises_image(name) and (bare := _bare(name)) in picture_of
    }


def _pairs_by_name(
    folder: bytes, root: bytes, means_this: Callable[[str], bool]
) -> Iterator[FolderPair]:
    """The pairs of a folder that is called pictures or masks with others beside it.

    `means_this` is `means_pictures` or `means_masks`: what the folder is called.
    """
    steps = folder.split(b"/")
    is_mask = means_this is means_masks
    means_other = means_pictures if is_mask else means_masks
    for place, step in enumerate(steps):
        if means_this(os.fsdecode(step)):
            for name in names_in(os.path.join(root, *steps[:place])):
                if means_other(os.fsdecode(name)):
                    yield FolderPair(name, step) if is_mask else FolderPair(step, name)


def _masks_by_name(folder: bytes, pictures: bytes, root: bytes, files_in: FilesIn) -> list[bytes]:
    """The masks in a folder that is called so; none if its files don't bear that out."""
    files = [name for name in files_in(folder) if promises_image(name)]
    picture_of = _paired(files, files_in(pictures))
    if not picture_of or len(picture_of) < _PAIRED * len(files):
        return []
    names = [*picture_of]
    places = np.linspace(0, len(names) - 1, min(len(names), _SAMPLE)).astype(int).tolist()
    small = [
        is_small(
            os.path.join(root, folder, names[place]),
            os.path.join(root, pictures, picture_of[names[place]]),
        )
        for place in places
    ]
    return names if sum(small) >= _MOSTLY * len(small) else []
