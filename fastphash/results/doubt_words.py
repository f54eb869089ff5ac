"""Leaks by kinds that leave doubt, in words."""

from typing import Any

from fastphash.base.text import count
from fastphash.base.vocabulary import ALTERED, COPY_KINDS, CROPPED, KINDS, NEAR
from fastphash.results.calibration_words import are_mostly_copies
from fastphash.results.leak_words import elsewhere, hashed_images, is_or_are, share_in_words

_DOUBTFUL = COPY_KINDS[NEAR:]
# one copy and several
_ONLY_AS = {
    KINDS[NEAR]: ("a near copy", "near copies"),
    KINDS[CROPPED]: ("a crop", "crops"),
    KINDS[ALTERED]: ("an altered copy", "altered copies"),
}
_FOUND = {
    KINDS[CROPPED]: (
        "is a crop, or a bordered or shifted copy, of one in {}",
        "are crops, or bordered or shifted copies, of images in {}",
    ),
    KINDS[ALTERED]: (
        "shows the same scene as one in {} but for a place",
        "show the same scene as images in {} but for a place",
    ),
}


def only_as(kinds: dict[str, int]) -> list[str]:
    """How many images leak only by each kind that leaves doubt: 2 of them only as near copies."""
    return [
        f"{number:,} of them only as {_ONLY_AS[kind][number > 1]}"
        for kind in _DOUBTFUL
        if (number := kinds[kind])
    ]


def doubtful_kinds(splits: dict[str, Any]) -> list[str]:
    """The kinds that leave doubt by which images leak."""
    return [
        kind
        for kind in _DOUBTFUL
        if any(split["leaks"]["kinds"][kind] for split in splits.values())
    ]


def doubtful_in_words(worst: str, summary: dict[str, Any]) -> list[str]:
    """Sentences on the images of a split that leak only by kinds that leave doubt."""
    splits = summary["splits"]
    kinds = splits[worst]["leaks"]["kinds"]
    sentences = [_near_in_words(worst, summary)] if kinds[KINDS[NEAR]] else []
    for kind, (one, several) in _FOUND.items():
        if number := kinds[kind]:
            images = share_in_words(number, hashed_images(splits[worst]), worst)
            found = (one if number == 1 else several).format(elsewhere(worst, splits))
            sentences.append(f"{images} {found}.")
    return [f"No image of one split is surely in another, but {sentences[0]}", *sentences[1:]]


def _near_in_words(worst: str, summary: dict[str, Any]) -> str:
    split, min_score = summary["splits"][worst], summary["min_score"]
    number = split["leaks"]["kinds"][KINDS[NEAR]]
    one = number == 1
    if min_score is None:
        end = (
            ": perhaps a copy, perhaps only alike"
            if one
            else ": perhaps copies, perhaps only alike"
        )
    elif not min_score:
        unlike = "it looks: it may be no copy" if one else "they look: most may not be copies"
        end = f", however unlike {unlike}"
    else:
        end = f", and the thumbnails score at least {min_score:g}"
        if summary.get("looks", {}).get("doubts", {}).get("rescued"):
            end += " or the pixels agree"
        mostly = are_mostly_copies(summary)
        if mostly:
            end += ": it is probably a copy" if one else ": most are copies"
        elif mostly is False:
            end += ": it is probably no copy" if one else ": most are probably no copies"
    return (
        f"{share_in_words(number, hashed_images(split), worst)} "
        f"{is_or_are(number)} near one in {elsewhere(worst, summary['splits'])}, at most "
        f"{count(summary['radius'], 'bit')} away{end}."
    )
