"""How long does a look at a pair take, by the size of its pictures and by what they are?

Each picture is in one pair only, so that both are decoded. Pairs that thumbnails leave in doubt are
aligned; of others the place is looked for that differs. Times are those of all cores: two cores
look at twice as many pairs.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures
from benchmarks.support.timing import SPREAD, cpu_seconds, spread, time_in_turn
from fastphash.images.encode import encode
from fastphash.looks.aligned import align_described
from fastphash.looks.frames import find_change
from fastphash.looks.keypoints import describe, use_one_thread
from fastphash.looks.pictures import decode_picture, match_sizes

_SIZES = ((300, 300), (640, 427), (3000, 2000))
_QUALITIES = 90, 75
_HEADER = ("pictures", "pairs", f"ms a pair: {SPREAD}", "pairs a second of one core")


def save_again(picture: Image.Image) -> Image.Image:
    """The same; it is saved at another quality."""
    return picture


def change_a_place(picture: Image.Image) -> Image.Image:
    """With a small red place."""
    changed = picture.copy()
    width, height = picture.size
    place = (width // 3, height // 3, width // 3 + width // 8, height // 3 + height // 12)
    changed.paste((240, 30, 30), place)
    return changed


def move(picture: Image.Image) -> Image.Image:
    """Without 2 % at the left and the top."""
    width, height = picture.size
    return picture.resize(picture.size, box=(width // 50, height // 50, width, height))


def brighten(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(1.3)


_COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": save_again,
    "a place differs": change_a_place,
    "moved by 2 %": move,
    "brighter": brighten,
}


def main() -> None:
    arguments = make_parser(__doc__, count=12, rounds=5, warmed=True).parse_args()
    photos = [Image.fromarray(picture) for picture in load_pictures(arguments.photos)]
    # as in workers, of which there is one for each core
    use_one_thread()
    rows = []
    for size in _SIZES:
        pictures = [
            photos[i % len(photos)].resize(size, Image.Resampling.LANCZOS)
            for i in range(arguments.count)
        ]
        pairs = {copy: [encode_pair(copy, picture) for picture in pictures] for copy in _COPIES}
        others = [left for left, _ in pairs["saved again"]]
        runs = {
            **{copy: partial(look_at_all, some) for copy, some in pairs.items()},
            **{f"{copy}, aligned": partial(align_all, some) for copy, some in pairs.items()},
            "another picture, aligned": partial(align_others, others),
        }
        seconds = time_in_turn(runs, arguments.rounds, cpu_seconds)
        for copy, times in seconds.items():
            each = [second / len(pictures) for second in times]
            milliseconds = spread([1e3 * second for second in each])
            title = f"{size[0]} x {size[1]}, {copy}"
            rows.append((title, f"{len(pictures)}", milliseconds, f"{1 / np.median(each):,.0f}"))
    print_table(_HEADER, rows)


def encode_pair(copy: str, picture: Image.Image) -> tuple[bytes, bytes]:
    """JPEGs of a picture and of its copy."""
    quality, copy_quality = _QUALITIES
    other = np.asarray(_COPIES[copy](picture))
    return encode(np.asarray(picture), "JPEG", quality), encode(other, "JPEG", copy_quality)


def look_at_all(pairs: list[tuple[bytes, bytes]]) -> None:
    for left, right in pairs:
        find_change(*match_sizes(decode_picture(left), decode_picture(right)))


def align_all(pairs: list[tuple[bytes, bytes]], *, need_keypoints: bool = False) -> None:
    for pair in pairs:
        left, right = (describe(decode_picture(data, grey=True)) for data in pair)
        align_described(left, right, need_keypoints=need_keypoints)


def align_others(pictures: list[bytes]) -> None:
    """Align each picture with the next one, as if thumbnails had cleared the pair."""
    following = [*pictures[1:], *pictures[:1]]
    align_all(list(zip(pictures, following, strict=True)), need_keypoints=True)


if __name__ == "__main__":
    main()
