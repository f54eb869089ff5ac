"""The estimated share of copies among near pairs, in words."""

from typing import Any

from fastphash.base.text import share


def warning_in_words(summary: dict[str, Any]) -> str:
    """That clearly fewer near pairs are copies than was wanted; empty if nobody can say so."""
    found = summary.get("calibration")
    if found is None:
        return ""
    if before := found["raised_from"]:
        return (
            f"{_estimated(before)} of the near pairs with a score of {before['min_score']:g} or "
            f"more are copies. So near copies are only those from {summary['min_score']:g} up: "
            f"{_lower(_estimated(found))} of these are copies."
        )
    if found["high"] >= found["precision_wanted"]:
        return ""
    begin = f"Beware of the near copies: {_lower(_estimated(found))} of them are copies"
    if (other := found["recommended"]) is None:
        wanted = share(found["precision_wanted"])
        return f"{begin}. It is clear of no score that {wanted} are."
    return f"{begin}. From a score of {other['min_score']:g} up it is {_figures(other)}."


def share_in_words(summary: dict[str, Any]) -> str:
    """How many of the near pairs are copies; empty if nobody can say."""
    found = summary.get("calibration")
    if found is None:
        return ""
    return f"{_estimated(found)} of the near pairs are copies"


def are_mostly_copies(summary: dict[str, Any]) -> bool | None:
    """Whether most near pairs are copies; None if the bounds of the estimate leave that open."""
    found = summary.get("calibration")
    if found is None or found["share"] > 0.5:
        return True
    return False if found["high"] < 0.5 else None


def _estimated(shares: dict[str, Any]) -> str:
    """An estimated 14.0 % (between 0 % and 58.2 %)."""
    return f"An estimated {_figures(shares)}"


def _figures(shares: dict[str, Any]) -> str:
    low, high = share(shares["low"]), share(shares["high"])
    return f"{share(shares['share'])} (between {low} and {high})"


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
