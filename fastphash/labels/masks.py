"""Images that are labels of other images: masks, which lie beside the pictures they belong to.

Masks of different pictures are often equal, all black for example. They are no copies: a mask goes
only with its picture.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.labels.member_names import containers_as_folders
from fastphash.sources.mask_names import AFFIX, MARK, bare_folder, is_mask_folder
from fastphash.store.rows import HashTable

# least share of a folder's images that have a picture of the same name elsewhere in the split
_PAIRED = 0.5
# a name that more folders have, as in class folders, tells nothing
_MANY = 8
# images of a folder that are looked at, and the least share of them that look like masks
_SAMPLE = 32
_ALIKE = 0.5
# squares of 3 x 3 pixels of one value, least share: 0.3 to 0.7 in masks; 0.32 in products on white,
# and less than 0.1 in 19 of 20 satellite tiles of low contrast
_CONSTANT = 0.2
# levels that nearly constant squares may differ by, and the least share of a thumbnail near them:
# 0.8 to 1 in masks, 0.7 in products on white
_TOLERANCE = 2
_COVERED = 0.8
# levels that a thumbnail spans at most that counts as one value: labels 0 and 1, for example
_ONE_VALUE = 8
# no such set
_NONE = -1


class Masks(NamedTuple):
    """Images of one folder that look like masks.

    Attributes
    ----------
    split, folder : str
        The folder is relative to the root of the split; empty for the root itself. A container
        counts as one.
    marked : bool
        True: the images of the folder whose file names say so, "1_mask.png" for example. False:
        its other images.
    images : int
    named : bool
        Whether the names say so, too, and most have a picture of the same name, in a folder whose
        images don't look like masks: such images are left out of comparisons.
    """

    split: str
    folder: str
    marked: bool
    images: int
    named: bool

    @property
    def place(self) -> tuple[str, str, bool]:
        """Which images they are: split, folder and `marked`."""
        return self.split, self.folder, self.marked


def find_masks(rows: HashTable) -> list[Masks]:
    """Folders whose images look like masks, in the order of splits and folders.

    Candidates are folders called so, images called so, and folders whose images have the names of
    those in another folder of the split. Their thumbnails must look like masks, see
    `look_like_masks`; without names that say so, those of the other folder must not.
    """
    if not len(rows) or not rows.columns[1]:
        return []
    sets = _image_sets(rows, _places(rows))
    candidates = [i for i, one in enumerate(sets) if one.is_named or one.pictures >= 0]
    looked_at = sorted({*candidates, *(sets[i].pictures for i in candidates)} - {_NONE})
    if not looked_at:
        return []
    alike = dict(zip(looked_at, _alike(rows, [sets[i].rows for i in looked_at]), strict=True))
    found = []
    for i in candidates:
        one = sets[i]
        beside_pictures = one.pictures >= 0 and not alike[one.pictures]
        if alike[i] and (one.is_named or beside_pictures):
            # two folders of drawings are two classes, whatever they are called
            named = one.is_named and beside_pictures
            found.append(Masks(one.split, one.folder, one.marked, one.rows.size, named))
    return sorted(found)


def left_out(rows: HashTable, masks: Sequence[tuple[str, str, bool]]) -> NDArray[np.bool_]:
    """Whether each row is not compared, bool (n,), as one of the masks at these places of `Masks`.

    A mask whose file is in another split, too, byte for byte, is compared all the same, unless it
    has but one value: names may deceive, and then it is a leak.
    """
    out = np.zeros(len(rows), np.bool_)
    if not masks:
        return out
    places = _places(rows)
    for mask in masks:
        out |= _members(rows, places, mask)
    out[_telling_copies(rows, out)] = False
    return out


def count_left_out(rows: HashTable, masks: Iterable[Masks], out: NDArray[np.bool_]) -> list[int]:
    """How many images of each of the masks are not compared; `out` is bool (n,), for each row."""
    if not out.any():
        return [0 for _ in masks]
    places = _places(rows)
    return [int((out & _members(rows, places, one.place)).sum()) for one in masks]


def _members(rows: HashTable, places: "_Places", mask: tuple[str, str, bool]) -> NDArray[np.bool_]:
    split, folder, marked = mask
    in_folder = pc.equal(places.folder, folder).to_numpy(zero_copy_only=False)
    members: NDArray[np.bool_] = in_folder & (places.marked == marked)
    members &= rows.splits == split
    return members


def _telling_copies(rows: HashTable, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The masks whose file another split has, too, and that have more than one value."""
    digests = rows.digests
    if digests is None or not masks.any():
        return np.empty(0, np.int64)
    _, file = np.unique(digests, axis=0, return_inverse=True)
    file = file.reshape(-1)
    _, split = np.unique(rows.splits.astype(str), return_inverse=True)
    files = np.unique(np.stack([file, split.reshape(-1)], axis=1), axis=0)[:, 0]
    copies = np.flatnonzero(masks & (np.bincount(files)[file] > 1))
    thumbnails = rows.take(copies).thumbnails
    if thumbnails is None or not copies.size:
        return copies
    telling: NDArray[np.bool_] = np.ptp(thumbnails, axis=1) > _ONE_VALUE
    return copies[telling]


def look_like_masks(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether thumbnails, uint8 (n, 1024), consist of areas of one value, and little else.

    At least a fifth of all squares of 3 x 3 pixels have one value, and at least 80 % of the
    thumbnail lie within two pixels of the centre of a square whose levels differ by 2 at most.
    """
    side = THUMBNAIL_SIDE
    pictures = thumbnails.reshape(-1, side, side).astype(np.int16)
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))
    spread = windows.max(axis=(3, 4)) - windows.min(axis=(3, 4))
    constant: NDArray[np.bool_] = (spread == 0).mean(axis=(1, 2)) >= _CONSTANT
    flat = spread <= _TOLERANCE
    # centres lie from 1 to 30; a pixel is covered if a centre is within two pixels
    padded = np.pad(flat, ((0, 0), (3, 3), (3, 3)))
    near = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2)).any(axis=(3, 4))
    covered: NDArray[np.bool_] = near.mean(axis=(1, 2)) >= _COVERED
    return constant & covered


class _Places(NamedTuple):
    """Folder, bare name and bare path of each row, and whether its name is that of a mask."""

    folder: pa.Array
    path: pa.Array
    stem: pa.Array
    marked: NDArray[np.bool_]


class _ImageSet(NamedTuple):
    """Images of one folder, marked or not, and the set that has pictures of the same names.

    `pictures` is the number of that set, or -1.
    """

    split: str
    folder: str
    marked: bool
    rows: NDArray[np.int64]
    is_named: bool
    pictures: int


def _places(rows: HashTable) -> _Places:
    paths = containers_as_folders(rows.table["path"].combine_chunks())
    folder = pc.replace_substring_regex(paths, r"/?[^/]*$", "")
    stem = pc.replace_substring_regex(paths, r"^.*/|\.[^./]*$", "")
    marked = pc.match_substring_regex(stem, MARK).to_numpy(zero_copy_only=False)
    bare = pc.replace_substring_regex(stem, AFFIX, "")
    encoded = folder.dictionary_encode()
    names = pa.array([bare_folder(name) for name in encoded.dictionary.to_pylist()], pa.string())
    path = pc.binary_join_element_wise(names.take(encoded.indices), bare, "/")
    return _Places(folder, path, bare, marked)


def _image_sets(rows: HashTable, places: _Places) -> list[_ImageSet]:
    """All sets of images of a split, each with the set that its pictures may be."""
    folder = places.folder.dictionary_encode()
    names = folder.dictionary.to_pylist()
    splits, split = np.unique(rows.splits.astype(str), return_inverse=True)
    key = np.stack([split, folder.indices.to_numpy(), places.marked], axis=1)
    unique, number = np.unique(key, axis=0, return_inverse=True)
    number = number.reshape(-1)
    order = np.argsort(number, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(number))[:-1])
    is_named = [bool(marked) or is_mask_folder(names[f]) for _, f, marked in unique.tolist()]
    # in "ground_truth/cut" and "test/cut", the folders say more than names that all folders have
    pictures = {
        i: other
        for bare in (places.stem, places.path)
        for i, other in _find_pictures(bare, number, unique[:, 0], np.array(is_named)).items()
    }
    return [
        _ImageSet(
            str(splits[s]), names[f], bool(m), members[i], is_named[i], pictures.get(i, _NONE)
        )
        for i, (s, f, m) in enumerate(unique.tolist())
    ]


def _find_pictures(
    stems: pa.Array, number: NDArray[Any], split: NDArray[Any], named: NDArray[np.bool_]
) -> dict[int, int]:
    """For each set the other one of its split that has most of its bare names, if one has enough.

    A set that is called masks has no pictures.
    """
    stem = stems.dictionary_encode().indices.to_numpy()
    pairs = np.unique(np.stack([stem, number], axis=1), axis=0)
    sizes = np.bincount(pairs[:, 1], minlength=split.size)
    # most names are of one set only
    in_sets = np.bincount(stem_of := pairs[:, 0])[stem_of]
    pairs = pairs[(in_sets > 1) & (in_sets <= _MANY)]
    shared: dict[tuple[int, int], int] = {}
    for one, other in _sharing(pairs):
        if split[one] == split[other]:
            shared[one, other] = shared.get((one, other), 0) + 1
    best: dict[int, int] = {}
    for (one, other), count in sorted(shared.items()):
        enough = count >= _PAIRED * sizes[one] and not named[other]
        if enough and count > shared.get((one, best.get(one, -1)), 0):
            best[one] = other
    return best


def _sharing(pairs: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Each two sets that have a bare name in common, once for each name, in both orders.

    `pairs` are names and sets, sorted.
    """
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    for sets in np.split(pairs[:, 1], starts[1:]):
        yield from permutations(sets.tolist(), 2)


def _alike(rows: HashTable, sets: list[NDArray[np.int64]]) -> list[bool]:
    """Whether most images of each set look like masks, by some of its thumbnails."""
    samples = [
        one[np.linspace(0, one.size - 1, min(one.size, _SAMPLE)).astype(int)] for one in sets
    ]
    thumbnails = rows.take(np.concatenate(samples)).thumbnails
    assert thumbnails is not None
    ends = np.cumsum([sample.size for sample in samples])
    masks = np.split(look_like_masks(thumbnails), ends[:-1])
    return [bool(of_set.mean() >= _ALIKE) for of_set in masks]
