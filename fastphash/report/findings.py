"""What an audit found, in words and figures: the upper half of a page."""

from typing import Any, Literal, NamedTuple

from fastphash.base.text import count, display_name, listed, share
from fastphash.base.vocabulary import COPY_KINDS, KINDS, NEAR
from fastphash.results.priority import order_splits

#: More splits than this don't fit into a square table.
MATRIX_SPLITS = 16

# kinds that leave no doubt
_SURE = KINDS[:NEAR]
_LEAK_LINES = 12
_ONE_SPLIT = "There is one split: nothing can leak."


class Verdict(NamedTuple):
    """The result of an audit in words."""

    tone: Literal["good", "doubt", "bad"]
    headline: str
    sentences: list[str]


def verdict(summary: dict[str, Any], *, orientations: bool) -> Verdict:
    """Whether it is safe to train on one split and test on another.

    Parameters
    ----------
    summary : dict
        Contents of summary.json.
    orientations : bool
        Whether rotated and mirrored copies were searched for.
    """
    splits, leaks = summary["splits"], summary["leaks"]
    inside = _copies_inside(splits)
    notes = [inside] if inside and len(splits) > 1 else []
    if rejected := sum(split["rejected"] for split in splits.values()):
        notes.append(f"{count(rejected, 'file')} could not be hashed: nothing is known about them.")
    if len(splits) == 1:
        return _verdict_of_one(splits, inside, notes)
    if worst := _worst_leak(leaks, _SURE):
        return Verdict(
            "bad",
            "Not safe to train and test on: images of one split are also in another.",
            [*_leaks_in_words(worst, leaks), *notes],
        )
    if worst := _worst_leak(leaks, ("near",)):
        return Verdict(
            "doubt",
            "Look at the near copies before you trust a test score.",
            [_near_in_words(worst, summary), *notes],
        )
    collisions = sum(leak["kinds"]["collision"] for leak in leaks)
    if collisions and not summary["thumbnails"]:
        return Verdict(
            "doubt",
            "Without thumbnails, it is unclear whether images leak.",
            [
                (
                    f"{count(collisions, 'image has', 'images have')} the hash of an image in "
                    "another split. Equal hashes are not proof: audit again with "
                    "thumbnails."
                ),
                *notes,
            ],
        )
    return Verdict(
        "good",
        "Safe to train and test on: no image of one split is in another.",
        [_search_in_words(summary, orientations=orientations), *notes],
    )


def _verdict_of_one(splits: dict[str, Any], inside: str, notes: list[str]) -> Verdict:
    (name,) = splits
    if inside:
        return Verdict("doubt", inside, [_ONE_SPLIT, *notes])
    if collisions := splits[name]["copies"].get("collision", 0):
        return Verdict(
            "doubt",
            "Without thumbnails, it is unclear whether images are copies.",
            [
                f"{count(collisions, 'image has', 'images have')} the hash of another one.",
                _ONE_SPLIT,
                *notes,
            ],
        )
    images = count(splits[name]["distinct"], "image")
    return Verdict(
        "good", f"No copies: all {images} of {display_name(name)} differ.", [_ONE_SPLIT, *notes]
    )


def _copies_inside(splits: dict[str, Any]) -> str:
    """A sentence on images that are copies of others in their split; empty if none are."""
    parts = []
    for name, split in sorted(splits.items(), key=lambda item: -_copies(item[1])):
        if copies := _copies(split):
            parts.append(_share_of(copies, split["images"] - split["rejected"], name))
    if not parts:
        return ""
    if len(parts) > 3:
        parts[3:] = [f"images of {count(len(parts) - 3, 'further split')}"]
    single = sum(map(_copies, splits.values())) == 1
    verb = "is a copy of another image" if single else "are copies of other images"
    return f"{listed(parts)} {verb} of the same split."


def _copies(split: dict[str, Any]) -> int:
    return sum(split["copies"].get(kind, 0) for kind in COPY_KINDS)


def _worst_leak(leaks: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[str, Any] | None:
    """The leak with the largest share of images that are copies of these kinds, if there is one."""

    def leaked(leak: dict[str, Any]) -> float:
        return float(sum(leak["kinds"][kind] for kind in kinds) / leak["images"])

    worst = max(leaks, key=leaked, default=None)
    return worst if worst and leaked(worst) else None


def _leaks_in_words(worst: dict[str, Any], leaks: list[dict[str, Any]]) -> list[str]:
    near = worst["kinds"]["near"]
    end = f", {near:,} of them only as near copies." if near else "."
    sentences = [_leak_in_words(worst) + end]
    pairs = {frozenset((leak["needles"], leak["haystack"])) for leak in leaks if leak["leaked"]}
    if len(pairs) > 1:
        total = len(leaks) // 2
        number = f"All {total}" if len(pairs) == total else f"{len(pairs)} of {total}"
        sentences.append(f"{number} pairs of splits have images in common.")
    return sentences


def _leak_in_words(leak: dict[str, Any]) -> str:
    images = _share_of(leak["leaked"], leak["images"], leak["needles"])
    return f"{images} {_are(leak['leaked'])} also in {display_name(leak['haystack'])}"


def _near_in_words(worst: dict[str, Any], summary: dict[str, Any]) -> str:
    number, min_score = worst["kinds"]["near"], summary["min_score"]
    if min_score is None:
        end = ": perhaps copies, perhaps only alike"
    elif not min_score:
        end = ", however unlike they look: most may not be copies"
    else:
        end = f", and their thumbnails have a score of at least {min_score:g}: most are copies"
    return (
        "No image of one split is surely in another, but "
        f"{_share_of(number, worst['images'], worst['needles'])} {_are(number)} near one in "
        f"{display_name(worst['haystack'])}, at most {count(summary['radius'], 'bit')} away{end}."
    )


def _search_in_words(summary: dict[str, Any], *, orientations: bool) -> str:
    turned = ", rotated or mirrored" if orientations else ""
    sentence = f"Looked for: the same bytes, the same picture{turned}"
    if summary["radius"]:
        sentence += f", and hashes within {count(summary['radius'], 'bit')}"
        if summary["min_score"]:
            sentence += " whose thumbnails are alike"
    return f"{sentence}."


def _share_of(part: int, whole: int, split: str) -> str:
    """38 of 98 val images (38.8 %)."""
    images = count(whole, f"{display_name(split)} image")
    return f"{part:,} of {images} ({share(part, whole)})"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


class Cell(NamedTuple):
    """Leaks of one split in another: a cell of the square table."""

    leaked: int
    images: int
    heat: int


def matrix(summary: dict[str, Any]) -> list[tuple[str, list[Cell | None]]]:
    """Leaks of each split (row) in each other (column); empty for one split, or too many."""
    names = list(summary["splits"])
    if not 1 < len(names) <= MATRIX_SPLITS:
        return []
    cells = {
        (leak["needles"], leak["haystack"]): Cell(
            leak["leaked"], leak["images"], _heat(leak["share"])
        )
        for leak in summary["leaks"]
    }
    return [(row, [cells.get((row, column)) for column in names]) for row in names]


def _heat(leaked: float) -> int:
    """Which of six tints a share of images has."""
    return sum(leaked > limit for limit in (0, 0.01, 0.05, 0.2, 0.5))


def leak_lines(summary: dict[str, Any]) -> tuple[list[str], int]:
    """The largest leaks in words, and how many more there are."""
    leaks = [leak for leak in summary["leaks"] if leak["leaked"]]
    leaks.sort(key=lambda leak: -leak["share"])
    lines = [
        f"{_leak_in_words(leak)}: "
        + listed([f"{leak['kinds'][kind]:,} {kind}" for kind in COPY_KINDS if leak["kinds"][kind]])
        + _same_pixels(leak)
        for leak in leaks[:_LEAK_LINES]
    ]
    return lines, max(len(leaks) - _LEAK_LINES, 0)


def _same_pixels(leak: dict[str, Any]) -> str:
    # earlier versions didn't count them
    number = leak.get("same_pixels", 0)
    return f" ({number:,} with the same pixels in other bytes)" if number else ""


def same_pixels_inside(summary: dict[str, Any]) -> list[str]:
    """Splits with copies that have the same pixels in other bytes, and how many."""
    numbers = {name: split.get("same_pixels", 0) for name, split in summary["splits"].items()}
    return [f"{number:,} in {display_name(name)}" for name, number in numbers.items() if number]


def kinds_inside(summary: dict[str, Any]) -> list[str]:
    """Kinds of the copies inside splits, strongest first."""
    counts = [split["copies"] for split in summary["splits"].values()]
    return [kind for kind in KINDS if any(copies.get(kind) for copies in counts)]


def collisions(summary: dict[str, Any]) -> list[tuple[str, int]]:
    """Images that share the hash of another but aren't known to be copies: where, and how many."""
    # without thumbnails they are in groups and count as copies of this kind
    numbers = {
        name: split["collisions"] + split["copies"].get("collision", 0)
        for name, split in summary["splits"].items()
    }
    inside = [(f"in {display_name(name)}", number) for name, number in numbers.items() if number]
    between = [
        (
            f"in {display_name(leak['needles'])}, with {display_name(leak['haystack'])}",
            leak["kinds"]["collision"],
        )
        for leak in summary["leaks"]
        if leak["kinds"]["collision"]
    ]
    return inside + between


def split_order(summary: dict[str, Any]) -> list[str]:
    """Splits in the order in which they keep their images."""
    counts = {
        name: split["images"] - split["rejected"] for name, split in summary["splits"].items()
    }
    labelled = summary["labels"].get("coco", {}).get("files", {})
    return order_splits(counts, summary["keep_in"], labelled)


def rejects(summary: dict[str, Any], most: int) -> list[tuple[str, int]]:
    """Why inputs gave no hash: the most frequent reasons, then all others as one."""
    reasons = list(summary["rejected"].items())
    others = sum(number for _, number in reasons[most:])
    return reasons[:most] + [("other reasons", others)] * bool(others)
