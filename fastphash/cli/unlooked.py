"""Sure copies that stay in a plan because nobody compared their pixels, in words."""

from collections.abc import Sequence
from typing import Any

from fastphash.results.look_words import count_unlooked, wanted_looks


def unlooked_in_words(
    number: int, kinds: str, summary: dict[str, Any], keep_in: Sequence[str]
) -> str:
    """That copies stay, why nobody looked at them, and what helps.

    Parameters
    ----------
    number : int
        How many copies stay.
    kinds : str
        What adds them to a plan.
    summary : dict
        Of the audit.
    keep_in : sequence of str
        Splits that keep their images in the plan.
    """
    copies, their, them = (
        ("copy stays", "its", "it") if number == 1 else ("copies stay", "their", "them")
    )
    return (
        f"{number:,} {copies}: nobody looked at {their} pixels; {_remedy(summary, keep_in)}, or "
        f"add {them} with --kinds {kinds}"
    )


def _remedy(summary: dict[str, Any], keep_in: Sequence[str]) -> str:
    """What to do for a look at the pixels of sure copies that had none."""
    looks = summary.get("looks")
    if looks is None:
        return "the audit is of a version that looked at none, so audit again"
    if summary["min_score"] is None:
        return "audit again without --no-verify"
    if count_unlooked(looks):
        return f"audit again with --looks {wanted_looks(looks)}"
    if list(keep_in) != summary["keep_in"]:
        return f"the audit had other keepers, so audit again with --keep-in {','.join(keep_in)}"
    if looks["unreadable"]:
        return "files are gone, have changed or can't be decoded: audit again when they are back"
    return "audit again"
