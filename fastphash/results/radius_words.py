"""What the radius of an audit means, and why it isn't larger."""

from typing import Any

from fastphash.base.text import about, count

#: What sets a radius: whoever asked, the candidates that an image may have by chance, or the hash.
GIVEN, CANDIDATES, USUAL = RULES = ("given", "candidates", "usual")


def meaning(radius: int, bits: int) -> str:
    """Which hashes are within a radius.

    >>> meaning(0, 64), meaning(6, 64), meaning(1, 256)
    ('equal hashes only', 'hashes that differ in up to 6 bits of 64', 'hashes that differ in 1 bit \
of 256 at most')
    """
    if not radius:
        return "equal hashes only"
    if radius == 1:
        return f"hashes that differ in 1 bit of {bits} at most"
    return f"hashes that differ in up to {count(radius, 'bit')} of {bits}"


def radius_in_words(summary: dict[str, Any]) -> list[str]:
    """What was compared, and that the number of images made it less, where it did.

    Sentences without their full stops; none for audits of earlier versions.
    """
    rule = summary.get("radius_rule")
    if rule is None:
        return []
    said = [f"Radius {summary['radius']}: {rule['meaning']}"]
    if rule["narrowed"]:
        said.append(_why_narrowed(summary["radius"], rule))
    return said


def _why_narrowed(radius: int, rule: dict[str, Any]) -> str:
    smaller = f"Fewer images would have a larger radius, {count(rule['largest'], 'bit')} at most"
    if radius == rule["limit"]:
        return f"{smaller}: within more bits, so many images would take too long to search"
    here = f"{about(rule['at_largest'])} candidates by chance"
    allowed = f"{rule['candidates']:g} {'is' if rule['candidates'] == 1 else 'are'} allowed"
    return f"{smaller}: within that, each of these has {here}, and {allowed}"
