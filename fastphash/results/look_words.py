"""What an audit's looks at pixels came to, in words."""

from typing import Any

from fastphash.base.text import count, listed

_UNREADABLE = "files are gone, have changed or can't be decoded"


def looks_in_words(summary: dict[str, Any]) -> str:
    """What pixels decided, and how many pairs nobody compared at them; empty if there is nothing.

    Audits of earlier versions compared none, and are not told so.
    """
    looks = summary.get("looks")
    if not looks:
        return ""
    proposed = _proposals_in_words(summary) + _proposing_in_words(summary)
    return " ".join(_sure_in_words(summary) + proposed + _doubts_in_words(looks))


def _proposals_in_words(summary: dict[str, Any]) -> list[str]:
    """What became of the pairs that a file proposed."""
    proposals, doubts = summary.get("proposals"), summary["looks"].get("doubts")
    if not proposals or not doubts:
        return []
    sentences = []
    unused = []
    if number := proposals["unknown"]:
        unused.append(f"{count(number, 'names', 'name')} no image that was compared")
    if number := proposals["unusable"]:
        vectors = count(number, "is a vector", "are vectors")
        unused.append(f"{vectors} without values, of another length or not finite")
    if proposals["given"] and proposals["unknown"] == proposals["given"]:
        sentences.append(
            f"No pair was proposed: of {count(proposals['given'], 'proposal')} each has a name "
            "that no compared image has, or several have. Give split and path as in groups."
        )
    elif unused:
        sentences.append(f"Of {count(proposals['given'], 'proposal')}, {listed(unused)}.")
    if proposals["pairs"]:
        pairs = count(proposals["pairs"], "pair was", "pairs were")
        found = count(doubts["proposed_rescued"], "is a copy", "are copies")
        looked = count(
            doubts["proposed_looked"], "was compared at its pixels", "were compared at their pixels"
        )
        sentences.append(
            f"{pairs} proposed; thumbnails left {doubts['proposed']:,} in doubt, of which "
            f"{looked}: {found} by these."
        )
    return sentences


def _proposing_in_words(summary: dict[str, Any]) -> list[str]:
    """How many pairs further hashes proposed."""
    return [_proposed_by(name, one) for name, one in summary.get("proposing", {}).items()]


def _proposed_by(name: str, counts: dict[str, Any]) -> str:
    within = f"within {count(counts['radius'], 'bit')} of {name}"
    if not counts["pairs"]:
        return f"No more pairs are {within}."
    pairs = count(counts["pairs"], "more pair is", "more pairs are")
    copies = count(counts["copies"], "is a near copy", "are near copies")
    more = ", and there may be more" if counts["more"] else ""
    return f"{pairs} {within}, of which {copies} by thumbnails{more}."


def _sure_in_words(summary: dict[str, Any]) -> list[str]:
    """How many sure copies nobody compared."""
    looks = summary["looks"]
    left = count_unlooked(looks)
    sentences = []
    if left:
        pairs = count(looks["pairs"], "pair")
        sentences.append(
            f"{left:,} of {pairs} of sure copies were not compared at their pixels, since "
            f"{_why_left(summary)}: a place may differ."
        )
    if recoloured := looks.get("recoloured"):
        shows = count(recoloured, "pair shows", "pairs show")
        they = (
            "its pixels: it is no copy" if recoloured == 1 else "their pixels: they are no copies"
        )
        sentences.append(f"{shows} one thing in two colours by {they}.")
    if looks["unreadable"]:
        pairs = count(looks["unreadable"], "pair of sure copies", "pairs of sure copies")
        sentences.append(f"{pairs} could not be compared at their pixels: {_UNREADABLE}.")
    return sentences


def _doubts_in_words(looks: dict[str, Any]) -> list[str]:
    """How many pairs in doubt were decided, and how many nobody compared."""
    doubts = looks.get("doubts")
    if not doubts:
        return []
    if doubts["unaligned"]:
        pairs = count(doubts["pairs"], "pair")
        return [f"Nobody compared the pixels of {pairs} in doubt: {doubts['unaligned']}."]
    sentences = []
    rescued, vetoed = doubts["rescued"], doubts["vetoed"]
    if decided := rescued + vetoed:
        pairs = count(decided, "pair")
        proposed = ", proposed ones included" if doubts.get("proposed_looked") else ""
        sentences.append(
            f"Pixels decided {pairs} that thumbnails left in doubt{proposed}: {rescued:,} "
            f"{'is a copy' if rescued == 1 else 'are copies'}, {vetoed:,} "
            f"{'is none' if vetoed == 1 else 'are none'}."
        )
    if doubts["more"]:
        pairs = count(doubts["looked"], "pair in doubt was", "pairs in doubt were")
        some = f"Only {pairs} compared at the pixels, the closest calls,"
        none = "No pair in doubt was compared at the pixels,"
        sentences.append(
            f"{some if doubts['looked'] else none} since no more than "
            f"{count(looks['limit'], 'pair')} may be."
        )
    elif doubts.get("unsearched"):
        sentences.append("So many pairs are alike that not all were searched for ones in doubt.")
    if doubts["unreadable"]:
        pairs = count(doubts["unreadable"], "pair in doubt", "pairs in doubt")
        sentences.append(f"{pairs} could not be compared: {_UNREADABLE}.")
    return sentences


def count_unlooked(looks: dict[str, int]) -> int:
    """How many pairs nobody tried to look at, since others were the most that were allowed."""
    return looks["pairs"] - looks["looked"] - looks["unreadable"]


def wanted_looks(looks: dict[str, int]) -> int:
    """How many looks are enough: a round number, because looks may show further pairs."""
    number = looks["limit"] + count_unlooked(looks)
    unit: int = 10 ** (len(str(number)) - 1)
    return -(-number // unit) * unit


def _why_left(summary: dict[str, Any]) -> str:
    """Why sure copies were left without a look, and what to do about it."""
    if summary["min_score"] is None:
        return "nobody compared thumbnails, either"
    looks = summary["looks"]
    allowed = f"{looks['limit']:,} are the most that were allowed"
    return f"{allowed} (all are with fastphash audit ... --looks {wanted_looks(looks)})"
