"""Sure copies whose pixels nobody compared, in words: how to have them looked at."""

from collections.abc import Sequence
from typing import Any


def count_unlooked(looks: dict[str, int]) -> int:
    """How many pairs nobody tried to look at, since others were the most that were allowed."""
    return looks["pairs"] - looks["looked"] - looks["unreadable"]


def remedy_in_words(summary: dict[str, Any], keep_in: Sequence[str] | None = None) -> str:
    """What to do for a look at the pixels of sure copies that had none.

    Parameters
    ----------
    summary : dict
        Of the audit.
    keep_in : sequence of str, optional
        Splits that keep their images in a plan; those of the audit by default.
    """
    looks = summary.get("looks")
    if looks is None:
        return "the audit is of a version that looked at none, so audit again"
    if summary["min_score"] is None:
        return "audit again without --no-verify"
    if left := count_unlooked(looks):
        return f"audit again with --looks {_round_up(looks['limit'] + left)}"
    if keep_in is not None and list(keep_in) != summary["keep_in"]:
        return f"the audit had other keepers, so audit again with --keep-in {','.join(keep_in)}"
    if looks["unreadable"]:
        return "files are gone, have changed or can't be decoded: audit again when they are back"
    return "audit again"


def unlooked_in_words(
    number: int, kinds: str, summary: dict[str, Any], keep_in: Sequence[str]
) -> str:
    """That copies stay in a plan because nobody looked at them; `kinds` is what adds them."""
    copies, their, them = (
        ("copy stays", "its", "it") if number == 1 else ("copies stay", "their", "them")
    )
    return (
        f"{number:,} {copies}: nobody looked at {their} pixels; "
        f"{remedy_in_words(summary, keep_in)}, or add {them} with --kinds {kinds}"
    )


def _round_up(number: int) -> int:
    """The next number of one digit and zeros: looks may show further pairs to look at."""
    unit: int = 10 ** (len(str(number)) - 1)
    return -(-number // unit) * unit
