"""An audit that has found crops, borders and altered places, with pictures that are such."""

from unittest.mock import patch

import numpy as np

from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.orientations import orient_pixels
from fastphash.base.vocabulary import (
    ALTERED,
    CROPPED,
    INVERSE,
    ORIENTATIONS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
)
from fastphash.ingest.options import IngestOptions
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.verification.crops import CroppedPairs
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import Findings
from tests.support.scenes import save, scene, source

NAN = (np.nan,) * 4
WINDOW = (0.125, 0.25, 0.75, 0.875)
PLACE = (0.75, 0.125, 0.9375, 0.25)
TURN = ORIENTATIONS.index("rotate_90")
#: Of each copy in val: the number of its original in train, its kind, what turns it into the
#: original's frame, the window, the image that the window is in (0: the copy), and the place in the
#: original.
FOUND = {
    "crop.png": (0, CROPPED, 0, WINDOW, 1, NAN),
    "turned.png": (1, CROPPED, TURN, WINDOW, 1, NAN),
    "border.png": (2, CROPPED, 0, WINDOW, 0, NAN),
    "turned_border.png": (3, CROPPED, TURN, WINDOW, 0, NAN),
    "caption.png": (4, ALTERED, 0, NAN, 0, PLACE),
    "turned_caption.png": (5, ALTERED, TURN, NAN, 0, PLACE),
}


def cut(pixels, box):
    """The part of a picture in a box of shares."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (round(s * n) for s, n in zip(box, (width, height) * 2, strict=True))
    return pixels[top:bottom, left:right]


def write_parts(folder, picture=scene, found=FOUND):
    """Pictures of 96 x 64 pixels in train, and in val what `found` says of them."""
    for name, (seed, _, turn, window, window_of, place) in found.items():
        whole = picture(seed, 64, 96)
        save(folder / "train" / f"{seed}.png", whole)
        copy = whole.copy()
        if not np.isnan(place[0]):
            cut(copy, place)[:] = 255 - cut(copy, place)
        if not np.isnan(window[0]) and window_of:
            copy = cut(copy, window)
        copy = orient_pixels(copy, INVERSE[turn])
        if not np.isnan(window[0]) and not window_of:
            left, top, right, bottom = window
            height, width = copy.shape[:2]
            bordered = np.zeros((round(height / (bottom - top)), round(width / (right - left)), 3))
            below, beside = round(top * bordered.shape[0]), round(left * bordered.shape[1])
            bordered[below : below + height, beside : beside + width] = copy
            copy = bordered.astype(np.uint8)
        save(folder / "val" / name, copy)
    return ("train", folder / "train"), ("val", folder / "val")


def parts_audit(folder, picture=scene, found=FOUND, keep_in=("train",)):
    """The audit of these, with `found` as what was found: its folder."""
    splits = write_parts(folder, picture, found)

    def find(rows, *_, **__):
        return CroppedPairs(findings_by_name(rows, found))

    with patch("fastphash.audits.run.find_findings", find):
        options = AuditOptions(keep_in=keep_in)
        sources = [source(*split) for split in splits]
        audit(folder / "out", sources, options, IngestOptions(workers=1))
    return folder / "out"


def findings_by_name(rows, found):
    """Findings about the copies in val of pictures in train, the copy first where rows allow."""
    place_of = {path: row for row, path in enumerate(rows.paths.to_pylist())}
    left = np.array([place_of[name.encode()] for name in found], np.int64)
    seed, kind, turn, window, window_of, place = zip(*found.values(), strict=True)
    right = np.array([place_of[b"%d.png" % number] for number in seed], np.int64)
    index = Index(rows.hashes, rows.known)
    distance, _ = row_distances(index, left, index, right)
    relation = Relation(
        np.array(kind, np.uint8),
        distance,
        np.array(turn, np.uint8),
        np.full(left.size, 0.9, np.float32),
        np.full(left.size, UNKNOWN_COLOUR, np.uint8),
        np.full(left.size, np.nan, np.float32),
        np.full(left.size, UNKNOWN_PIXELS, np.uint8),
    )
    one = Findings(
        np.stack([left, right], axis=1),
        relation,
        np.array(window, np.float32),
        np.array(window_of, np.uint8),
        np.array(place, np.float32),
        np.full(left.size, True),
    )
    return Findings.joined([one])


#: A keeper with two crops and a bordered copy, for audits of several copies.
SEVERAL = {
    "corner.png": (0, CROPPED, 0, (0, 0, 0.75, 0.75), 1, NAN),
    "middle.png": (0, CROPPED, 0, (0.125, 0.125, 0.875, 0.875), 1, NAN),
    "bordered.png": (0, CROPPED, 0, (0.125, 0.125, 0.875, 0.875), 0, NAN),
}
