"""What an audit's looks at pixels came to, in words."""

from typing import Any

from fastphash.base.text import count


def looks_in_words(summary: dict[str, Any]) -> str:
    """How many sure copies nobody compared at their pixels; empty if all were.

    Audits of earlier versions compared none, and are not told so.
    """
    looks = summary.get("looks")
    if not looks or not looks["limit"]:
        return ""
    left = looks["pairs"] - looks["looked"] - looks["unreadable"]
    sentences = []
    if left:
        pairs = count(looks["pairs"], "pair")
        sentences.append(
            f"{left:,} of {pairs} of sure copies were not compared at their pixels, since "
            f"{looks['limit']:,} are the most that were allowed: a place may differ."
        )
    if looks["unreadable"]:
        pairs = count(looks["unreadable"], "pair of sure copies", "pairs of sure copies")
        sentences.append(
            f"{pairs} could not be compared at their pixels: files are gone, have changed or "
            "can't be decoded."
        )
    return " ".join(sentences)
