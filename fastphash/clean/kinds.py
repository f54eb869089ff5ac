"""The kinds of copies that a plan removes."""

from collections.abc import Sequence

from fastphash.base.arguments import given_texts
from fastphash.base.text import listed
from fastphash.base.vocabulary import IDENTICAL, KINDS, THUMBNAIL_KINDS, UNLOOKED
from fastphash.errors import UsageError


def check_kinds(by: Sequence[str]) -> list[str]:
    """The kinds of copies to remove, strongest first, then `UNLOOKED` if it is among them.

    Raises
    ------
    UsageError
        There is no such kind, or `UNLOOKED` is without a kind that needs looks.
    """
    known = (*KINDS, UNLOOKED)
    by = given_texts(by, "kinds")
    for kind in by:
        if kind not in known:
            raise UsageError(f"no kind {kind!r}: use some of {', '.join(known)}")
    by_thumbnail = [KINDS[kind] for kind in THUMBNAIL_KINDS]
    if UNLOOKED in by and not {*by_thumbnail} & {*by}:
        raise UsageError(
            f"{UNLOOKED!r} is about {listed(by_thumbnail)} copies: add one of these kinds"
        )
    return [kind for kind in known if kind in {KINDS[IDENTICAL], *by}]
