"""Names of masks and of the pictures beside them, as common layouts of data sets have them."""

import re

# what folders of masks are called, and how names of masks begin or end
_MASKS = (
    *("ann", "ann[-_ ]?dir", "anno", "annos", "annotation", "annotations"),
    *("ground[-_ ]?truths?", "gt", "gtcoarse", "gtfine", "gts"),
    *("instanceids", "label", "labelids", "labels", "labeltrainids", "labelst[rs]"),
    *("mask", "masks", "matte", "mattes", "seg", "segmentation", "segmentations"),
    *("segmentationclass", "segmentationclassaug", "segmentationclassraw", "segmentationobject"),
    *("segs", "trimap", "trimaps"),
)
# what folders of pictures are called, and how names of pictures begin or end
_PICTURES = (
    *("image", "images", "imagest[rs]", "img", "img[-_ ]?dir", "imgs", "jpegimages"),
    *("leftimg8bit", "photo", "photos", "pic", "pics", "picture", "pictures", "rgb", "sat"),
)
# further words beside those of a mask, as in "gtFine_color"
_VARIANTS = ("color", "colors", "instance", "panoptic", "png", "semantic")
# folders of splits, which layouts have above or below those of masks and pictures
_SPLITS = ("test", "testing", "train", "training", "val", "valid", "validation")

_MASK, _PICTURE = "|".join(_MASKS), "|".join(_PICTURES)
_ANY = "|".join((*_MASKS, *_PICTURES, *_VARIANTS))
_GAP = "[-_. ]"
#: Of names of files without their endings: what says that one is a mask, as in "1_mask".
MARK = rf"(?i)^(?:{_MASK}){_GAP}|{_GAP}(?:{_MASK})(?:{_GAP}(?:{_ANY}))?$"
#: The words of masks and pictures in such names, up to two at the end.
AFFIX = rf"(?i)^(?:{_ANY}){_GAP}|{_GAP}(?:{_ANY})(?:{_GAP}(?:{_ANY}))?$"
_MASK_WORD = re.compile(rf"(?i)(?:^|[^a-z])(?:{_MASK})(?:[^a-z]|$)")
_PICTURE_WORD = re.compile(rf"(?i)(?:^|[^a-z])(?:{_PICTURE})(?:[^a-z]|$)")
_MASK_NAME = re.compile(rf"(?i)(?:{_MASK})")
_PICTURE_NAME = re.compile(rf"(?i)(?:{_PICTURE})")
_LEFT_OUT = re.compile(rf"(?i)(?:{_ANY}|{'|'.join(_SPLITS)})")


def bare_name(stem: str) -> str:
    """The name of a file, without its ending and the words of masks and pictures.

    >>> bare_name("0_leftImg8bit"), bare_name("0_gtFine_labelIds"), bare_name("1")
    ('0', '0', '1')
    """
    return re.sub(AFFIX, "", stem)


def means_masks(name: str) -> bool:
    """Whether the whole name of a folder says that it holds masks: "gt" does, "gt_old" doesn't."""
    return bool(_MASK_NAME.fullmatch(name))


def means_pictures(name: str) -> bool:
    """Whether the whole name of a folder says that it holds pictures: "images" does."""
    return bool(_PICTURE_NAME.fullmatch(name))


def is_mask_folder(folder: str) -> bool:
    """Whether a folder is called as folders of masks are.

    The deepest part that says anything decides: "seg/images/a" has pictures.
    """
    for part in reversed(folder.split("/")):
        if _MASK_WORD.search(part):
            return True
        if _PICTURE_WORD.search(part):
            return False
    return False


def bare_folder(folder: str) -> str:
    """A folder without the parts that say masks, pictures, or a split.

    "leftImg8bit/train/aa" and "gtFine/train/aa" both are "aa".
    """
    return "/".join(part for part in folder.split("/") if not _LEFT_OUT.fullmatch(part))
