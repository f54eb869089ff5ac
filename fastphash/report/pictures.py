"""Small pictures for a page, as data: of files, or of the thumbnails in the store."""

import base64
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.orientations import orientation_indices
from fastphash.base.progress import Progress
from fastphash.base.threads import interleave
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.errors import ImageError
from fastphash.images.preview import encode, make_preview
from fastphash.report.groups import Group, Place, Stored, locate
from fastphash.results.audit_folder import AuditFolder
from fastphash.sources.base import Reader, SpecialFileError

#: Bytes of all pictures on a page of up to 200 groups, as they stand there.
BUDGET = 11 << 20
# more groups have more, up to a size that browsers bear
_BUDGET_GROUPS = 200
_MOST_BUDGETS = 5
# sides of pictures: as many pixels as fit, with so many bytes of base64 for one
_SIDES = (64, 160)
_BYTES_PER_PIXEL = 0.5
# nanoseconds that a pixel of a file takes to become a preview: measured with photos of 13 to 20 MP
_COST = {"JPEG": 5, "TIFF": 10, "JPEG2000": 400}
_OTHER_COST = 70
# all of them, of all threads, for 200 groups: files beyond that are too large to be looked at
_WORK = 12e9


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown of one image of a group.

    Attributes
    ----------
    upright, turned : str
        Data URIs: as it is, and in the keeper's frame; empty where there is no need or no room.
    note : str
        Why it isn't a picture of the file, if it isn't.
    """

    upright: str
    turned: str
    note: str

    @property
    def size(self) -> int:
        """Characters on the page."""
        return len(self.upright) + len(self.turned)


NO_ROOM = "no picture: the page has its full size"
_TOO_LARGE = "thumbnail: the file is too large to be read for this page"
_NO_THUMBNAIL = "no picture: {}, and the store has no thumbnail"


def draw(
    audited: AuditFolder, groups: list[Group], progress: Progress
) -> dict[tuple[Place, int], Picture]:
    """Pictures of all images of some groups, as far as there is room, by image and orientation."""
    members = dict.fromkeys((m.place, m.orientation) for group in groups for m in group.members)
    known = locate(audited.store, {place for place, _ in members})
    turned = sum(orientation > 0 for _, orientation in members)
    scale = min(max(len(groups) / _BUDGET_GROUPS, 1), _MOST_BUDGETS)
    side = _side(len(members) + turned, int(BUDGET * scale))
    files, why = _previews(audited, known, side, _WORK * scale, progress)
    small = _thumbnails(audited, {p: known[p] for p in known if known[p].digest not in files})
    pictures = {}
    room = int(BUDGET * scale)
    for place, orientation in members:
        digest = known[place].digest if place in known else b""
        if digest in files:
            picture = _of_file(files[digest], side, orientation)
        else:
            reason = why.get(digest, "thumbnail: not in the store any more")
            picture = _of_thumbnail(small.get(place), orientation, reason)
        if picture.size > room:
            picture = Picture("", "", NO_ROOM)
        room -= picture.size
        pictures[place, orientation] = picture
    return pictures


def _side(pictures: int, budget: int) -> int:
    side = (budget / max(pictures, 1) / _BYTES_PER_PIXEL) ** 0.5
    return int(min(max(side, _SIDES[0]), _SIDES[1])) // 8 * 8


def _previews(
    audited: AuditFolder, known: dict[Place, Stored], side: int, work: float, progress: Progress
) -> tuple[dict[bytes, bytes], dict[bytes, str]]:
    """JPEGs of what can be read and decoded, by digest; and why the others can't."""
    files: dict[bytes, bytes] = {}
    why: dict[bytes, str] = {}
    places: dict[bytes, list[Place]] = defaultdict(list)
    for place, stored in known.items():
        places[stored.digest].append(place)

    def job(digest: bytes) -> Iterator[tuple[bytes, bytes | ImageError]]:
        try:
            data = _read_one(audited, places[digest], known)
            preview = make_preview(data, side, exif=audited.store.definition.exif)
        except ImageError as error:
            yield digest, error
        else:
            yield digest, preview

    jobs = []
    for digest, of in places.items():
        stored = known[of[0]]
        cost = stored.pixels * _COST.get(stored.format, _OTHER_COST)
        if cost > work:
            why[digest] = _TOO_LARGE
        else:
            work -= cost
            jobs.append(job(digest))
    # outside of all threads: each of them puts back what it found, in any order
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for done, (digest, result) in enumerate(interleave(core_count(), jobs)):
            if isinstance(result, ImageError):
                why[digest] = f"thumbnail: {result.reason}"
            else:
                files[digest] = result
            progress("drawing", done + 1, len(jobs))
    return files, why


def _read_one(audited: AuditFolder, places: Iterable[Place], known: dict[Place, Stored]) -> bytes:
    """The bytes of one of several equal files, if they are still what was hashed."""
    error = ImageError("read", "not in the store")
    for place in places:
        try:
            return _read(audited.reader(place[0]), place[1], known[place])
        except ImageError as failed:
            error = failed
    raise error


def _read(reader: Reader, path: bytes, stored: Stored) -> bytes:
    try:
        data = reader.read_hashed(path, stored.size)
    except SpecialFileError:
        data = b""
    except FileNotFoundError as error:
        raise ImageError("read", "the file is gone") from error
    except (OSError, ValueError) as error:
        raise ImageError("read", "the file can't be read") from error
    if xxhash.xxh3_128_digest(data) != stored.digest:
        raise ImageError("read", "the file has changed since the audit")
    return data


def _thumbnails(
    audited: AuditFolder, wanted: dict[Place, Stored]
) -> dict[Place, NDArray[np.uint8]]:
    """Thumbnails in the store, each uint8 (1024,)."""
    if not audited.store.layout.thumbnails:
        return {}
    parts: dict[int, list[Place]] = defaultdict(list)
    for place, stored in wanted.items():
        parts[stored.part].append(place)
    found = {}
    for number, places in parts.items():
        column = audited.store.read_part(audited.store.parts[number], ["thumbnail"])["thumbnail"]
        taken = column.take(pa.array([wanted[place].row for place in places])).to_pylist()
        for place, data in zip(places, taken, strict=True):
            found[place] = np.frombuffer(data, np.uint8)
    return found


def _of_file(preview: bytes, side: int, orientation: int) -> Picture:
    turned = make_preview(preview, side, orientation) if orientation else b""
    return Picture(_uri(preview), _uri(turned), "")


def _of_thumbnail(pixels: NDArray[np.uint8] | None, orientation: int, reason: str) -> Picture:
    if pixels is None:
        return Picture("", "", _NO_THUMBNAIL.format(reason.removeprefix("thumbnail: ")))
    drawn = [
        _uri(
            encode(pixels[orientation_indices()[t]].reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), "JPEG")
        )
        for t in sorted({0, orientation})
    ]
    return Picture(drawn[0], drawn[1] if orientation else "", reason)


def _uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""
