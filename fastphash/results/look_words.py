"""What an audit's looks at pixels came to, in words."""

from typing import Any

from fastphash.base.text import count
from fastphash.results.unlooked_words import count_unlooked, remedy_in_words

_UNREADABLE = "files are gone, have changed or can't be decoded"


def looks_in_words(summary: dict[str, Any]) -> str:
    """What pixels decided, and how many pairs nobody compared at them; empty if there is nothing.

    Audits of earlier versions compared none, and are not told so.
    """
    looks = summary.get("looks")
    if not looks:
        return ""
    return " ".join(_sure_in_words(summary) + _doubts_in_words(looks))


def _sure_in_words(summary: dict[str, Any]) -> list[str]:
    """How many sure copies nobody compared."""
    looks = summary["looks"]
    left = count_unlooked(looks)
    sentences = []
    if left:
        pairs = count(looks["pairs"], "pair")
        allowed = f"since {looks['limit']:,} are the most that were allowed"
        sentences.append(
            f"{left:,} of {pairs} of sure copies were not compared at their pixels"
            f"{f', {allowed}' if looks['limit'] else ''}: a place may differ. To have them looked "
            f"at, {remedy_in_words(summary)}."
        )
    if looks["unreadable"]:
        pairs = count(looks["unreadable"], "pair of sure copies", "pairs of sure copies")
        sentences.append(f"{pairs} could not be compared at their pixels: {_UNREADABLE}.")
    return sentences


def _doubts_in_words(looks: dict[str, Any]) -> list[str]:
    """How many pairs in doubt were decided, and how many nobody compared."""
    doubts = looks.get("doubts")
    if not doubts or not (doubts["pairs"] or doubts["more"]):
        return []
    if doubts["unaligned"]:
        pairs = count(doubts["pairs"], "pair in doubt was", "pairs in doubt were")
        return [f"{pairs} not compared at their pixels: {doubts['unaligned']}."]
    sentences = []
    rescued, vetoed = doubts["rescued"], doubts["vetoed"]
    if decided := rescued + vetoed:
        pairs = count(decided, "pair", "pairs")
        sentences.append(
            f"Pixels decided {pairs} that thumbnails left in doubt: {rescued:,} "
            f"{'is a copy' if rescued == 1 else 'are copies'}, {vetoed:,} "
            f"{'is none' if vetoed == 1 else 'are none'}."
        )
    if doubts["more"]:
        sentences.append(
            f"Of the pairs in doubt {count(doubts['looked'], 'was', 'were')} compared at their "
            "pixels, the closest calls, and more were not, since "
            f"{count(looks['limit'], 'pair is the most that was', 'pairs are the most that were')} "
            "allowed."
        )
    if doubts["unreadable"]:
        pairs = count(doubts["unreadable"], "pair in doubt", "pairs in doubt")
        sentences.append(f"{pairs} could not be compared: {_UNREADABLE}.")
    return sentences
