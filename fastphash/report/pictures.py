"""Small pictures as data URIs: previews of files, or else thumbnails of the store."""

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.images.encode import encode
from fastphash.images.preview import make_preview
from fastphash.report.groups import Group, ImageName
from fastphash.report.stored import StoredImage, find_images, read_thumbnails
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.pair_parts import Outline, Overlay, overlay, turned_size
from fastphash.results.preview_workers import PreviewTask, StoredFile, make_previews

#: Characters of all pictures on a page of up to 200 groups.
BUDGET = 11 << 20
# more groups have a larger budget, up to a size that browsers bear
_BUDGET_GROUPS = 200
_MOST_BUDGETS = 5
# smallest and largest side of previews in pixels, and characters of base64 for a pixel
_SIDES = (64, 160)
_CHARACTERS_PER_PIXEL = 0.5
# nanoseconds to make a preview, for each pixel of the file: measured with photos of 13 to 20 MP
_COST = {"JPEG": 5, "TIFF": 10, "JPEG2000": 400}
_OTHER_COST = 70
# nanoseconds for all previews of 200 groups, by all workers; larger files get their thumbnail
_WORK = 12e9


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown of one image of a group.

    Attributes
    ----------
    upright, turned : str
        Data URIs: as it is, and in the keeper's frame; empty if not needed, or without room.
    note : str
        Why it isn't a preview of the file; empty if it is.
    width, height : int
        Shape of the upright picture as it is shown: of the file, or a square for its thumbnail.
    """

    upright: str
    turned: str
    note: str
    width: int = 1
    height: int = 1

    @property
    def size(self) -> int:
        """Characters on the page."""
        return len(self.upright) + len(self.turned)

    def overlay(self, outlines: Sequence[Outline], orientation: int = 0) -> Overlay:
        """Outlines on it, once it is turned by an orientation."""
        return overlay(outlines, *turned_size(self.width, self.height, orientation))


NO_ROOM = "no picture: the page has its full size"
_TOO_LARGE = "thumbnail: the file is too large to be read for this page"
_NOT_STORED = "thumbnail: not in the store any more"
_NO_THUMBNAIL = "no picture: {}, and the store has no thumbnail"


def draw(
    audited: AuditFolder, groups: list[Group], progress: Progress
) -> dict[tuple[ImageName, int], Picture]:
    """Pictures of the members of groups, by name and orientation, as far as there is room."""
    members = dict.fromkeys((m.name, m.orientation) for group in groups for m in group.members)
    images = find_images(audited.store, {name for name, _ in members})
    turned = sum(orientation > 0 for _, orientation in members)
    scale = min(max(len(groups) / _BUDGET_GROUPS, 1), _MOST_BUDGETS)
    room = int(BUDGET * scale)
    side = _side(len(members) + turned, room)
    previews, reasons = _previews(audited, images, side, _WORK * scale, progress)
    without = {name: image for name, image in images.items() if image.digest not in previews}
    thumbnails = read_thumbnails(audited.store, without)
    pictures = {}
    for name, orientation in members:
        digest = images[name].digest if name in images else b""
        if digest in previews:
            picture = _of_preview(previews[digest], side, orientation, images[name])
        else:
            reason = reasons.get(digest, _NOT_STORED)
            picture = _of_thumbnail(thumbnails.get(name), orientation, reason)
        if picture.size > room:
            picture = Picture("", "", NO_ROOM)
        room -= picture.size
        pictures[name, orientation] = picture
    return pictures


def _side(pictures: int, budget: int) -> int:
    """Side of previews in pixels, a multiple of 8."""
    side = (budget / max(pictures, 1) / _CHARACTERS_PER_PIXEL) ** 0.5
    return int(min(max(side, _SIDES[0]), _SIDES[1])) // 8 * 8


def _previews(
    audited: AuditFolder,
    images: dict[ImageName, StoredImage],
    side: int,
    work: float,
    progress: Progress,
) -> tuple[dict[bytes, bytes], dict[bytes, str]]:
    """Previews as JPEG, by digest; and reasons why other images have none, by digest."""
    previews: dict[bytes, bytes] = {}
    reasons: dict[bytes, str] = {}
    names_of: dict[bytes, list[ImageName]] = defaultdict(list)
    for name, image in images.items():
        names_of[image.digest].append(name)
    tasks = []
    made = audited.store.definition
    for digest, names in names_of.items():
        image = images[names[0]]
        cost = image.pixels * _COST.get(image.format, _OTHER_COST)
        if cost > work:
            reasons[digest] = _TOO_LARGE
            continue
        work -= cost
        files = [StoredFile(audited.reader(name.split), name.path) for name in names]
        task = PreviewTask(files, image.size, digest, image.pixels, side)
        tasks.append(task._replace(exif=made.exif, rendering=made.rendering))
    for done, (task, preview) in enumerate(zip(tasks, make_previews(tasks), strict=True)):
        if preview.jpeg:
            previews[task.digest] = preview.jpeg
        else:
            reasons[task.digest] = f"thumbnail: {preview.reason}"
        progress("drawing", done + 1, len(tasks))
    return previews, reasons


def _of_preview(preview: bytes, side: int, orientation: int, image: StoredImage) -> Picture:
    turned = make_preview(preview, side, orientation) if orientation else b""
    return Picture(_uri(preview), _uri(turned), "", image.width, image.height)


def _of_thumbnail(pixels: NDArray[np.uint8] | None, orientation: int, reason: str) -> Picture:
    if pixels is None:
        return Picture("", "", _NO_THUMBNAIL.format(reason.removeprefix("thumbnail: ")))
    turned = _thumbnail_uri(pixels, orientation) if orientation else ""
    return Picture(_thumbnail_uri(pixels, 0), turned, reason)


def _thumbnail_uri(pixels: NDArray[np.uint8], orientation: int) -> str:
    square = pixels[orientation_indices()[orientation]].reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return _uri(encode(square, "JPEG"))


def _uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""
