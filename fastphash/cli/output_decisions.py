"""What `clean` prints of decisions: how many count, what they change, and which change nothing."""

from typing import Any

from fastphash.base.text import count, listed
from fastphash.results.verdict import decisions_in_words

_WHY_UNCHANGED = {
    "same": "the kinds asked for come to the same",
    "other": "an image goes as a copy of another one",
    "labels": "images stay because of their labels",
    "left_out": "masks, and images that were not compared, all stay",
}


def decided_in_words(plan_keys: dict[str, Any]) -> list[str]:
    """Lines about the decisions of a plan; none if nothing was decided."""
    decided = decisions_in_words(plan_keys["decisions"], plan_keys["stale_decisions"])
    return [*filter(None, [decided]), *_effects_in_words(plan_keys["by_decision"])]


def _effects_in_words(effects: dict[str, Any]) -> list[str]:
    """What the decisions that count change, and why some change nothing; empty if none counts."""
    if not effects:
        return []
    stay, go = effects["stay"], effects["go"]
    changes = [
        count(stay, "image stays that would go", "images stay that would go") if stay else "",
        count(go, "image goes that would stay", "images go that would stay") if go else "",
    ]
    lines = [f"by decision {listed(said)}"] if (said := [*filter(None, changes)]) else []
    if unchanged := effects["unchanged"]:
        steps = count(sum(unchanged.values()), "decision changes", "decisions change")
        why = [
            f"{number:,} because {_WHY_UNCHANGED[reason]}" for reason, number in unchanged.items()
        ]
        lines.append(f"{steps} nothing: {', '.join(why)}")
    return lines
