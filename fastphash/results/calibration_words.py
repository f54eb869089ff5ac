"""The estimated share of copies among near pairs, in words."""

from typing import Any

from fastphash.base.text import share


def warning_in_words(summary: dict[str, Any]) -> str:
    """That fewer near pairs are copies than was wanted; empty if enough are, or nobody can say."""
    found = summary.get("calibration")
    if found is None:
        return ""
    wanted = share(found["precision_wanted"])
    if before := found["raised_from"]:
        return (
            f"{_estimated(before)} of the near pairs with a score of {before['min_score']:g} or "
            f"more are copies. So near copies are only those from {summary['min_score']:g} up: "
            f"{_estimated(found)} of these are copies."
        )
    recommended, used = found["recommended"], summary["min_score"]
    if recommended == used:
        return ""
    begin = f"Beware of the near copies: {_lower(_estimated(found))} of them are copies"
    if recommended is None:
        return f"{begin}, and at no score are {wanted}."
    return f"{begin}. From a score of {recommended:g} up {wanted} are."


def share_in_words(summary: dict[str, Any]) -> str:
    """How many of the near pairs are copies; empty if nobody can say."""
    found = summary.get("calibration")
    if found is None:
        return ""
    return f"{_estimated(found)} of the near pairs are copies"


def are_mostly_copies(summary: dict[str, Any]) -> bool:
    """Whether more than half of the near pairs are copies, as far as anybody can say."""
    found = summary.get("calibration")
    return found is None or found["share"] > 0.5


def _estimated(shares: dict[str, Any]) -> str:
    """An estimated 14.0 % (between 0 % and 58.2 %)."""
    low, high = share(shares["low"]), share(shares["high"])
    return f"An estimated {share(shares['share'])} (between {low} and {high})"


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
