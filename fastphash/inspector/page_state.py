"""The query string of a page: filter, order, page and view."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args
from urllib.parse import parse_qsl, urlencode

from fastphash.base.vocabulary import COPY_KINDS, FURTHEST, KINDS
from fastphash.errors import UsageError

Order = Literal["group", "size", "distance", "score"]
#: How groups may be ordered, and what a page calls that.
ORDERS: dict[Order, str] = {
    "group": "number",
    "size": "size, largest first",
    "distance": "distance, furthest first",
    "score": "score, least alike first",
}
View = Literal["side", "flicker", "difference", "fade", "swipe"]
#: How two images may be shown in one frame.
VIEWS: tuple[View, ...] = get_args(View)

_FLAGS = ("leaks", "undecided", "conflicts")
_LONGEST_NAME = 200
_LAST_PAGE = 10**9
_MOST_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Filter:
    """Which groups are wanted, and in which order.

    Attributes
    ----------
    kind : str
        Groups with a copy of this kind; empty for any.
    least, most : int or None
        Groups with a copy at a distance from `least` to `most`, the same copy as for `kind`.
    split : str
        Groups with an image of this split; empty for any.
    name : str
        Groups with an image whose path contains this, ignoring case.
    leaks : bool
        Groups with images of several splits.
    undecided : bool
        Groups with an undecided copy.
    conflicts : bool
        Groups with a copy whose label disagrees with its keeper's.
    order : {"group", "size", "distance", "score"}
    """

    kind: str = ""
    least: int | None = None
    most: int | None = None
    split: str = ""
    name: str = ""
    leaks: bool = False
    undecided: bool = False
    conflicts: bool = False
    order: Order = "group"

    def without_decisions(self) -> Self:
        """The same filter without `undecided` and `conflicts`."""
        return replace(self, undecided=False, conflicts=False)


@dataclass(frozen=True, slots=True)
class PageState:
    """What a page shows, as far as its query string says.

    Attributes
    ----------
    filter : Filter
    page : int
        Of the list of groups, or of one group's copies; from 1.
    view : {"side", "flicker", "difference", "fade", "swipe"}
    """

    filter: Filter
    page: int = 1
    view: View = "side"

    @classmethod
    def read(cls, query: Mapping[str, str], splits: list[str]) -> Self:
        """The state of a parsed query string; defaults for what it doesn't name.

        Raises
        ------
        UsageError
            A wrong value.
        """
        wanted = Filter(
            kind=_choice(query, "kind", ["", *KINDS]),
            least=_number(query, "least", 0, FURTHEST),
            most=_number(query, "most", 0, FURTHEST),
            split=_choice(query, "split", ["", *splits]),
            name=query.get("name", "")[:_LONGEST_NAME],
            order=_choice(query, "order", list(ORDERS)),
            **{flag: _choice(query, flag, ["", "1"]) == "1" for flag in _FLAGS},
        )
        page = _number(query, "page", 1, _LAST_PAGE)
        return cls(wanted, page or 1, _choice(query, "view", list(VIEWS)))

    @classmethod
    def parse(cls, text: str, splits: list[str]) -> Self:
        """The state of a query string; raises as `read` does."""
        return cls.read(dict(parse_qsl(text)), splits)

    def query_string(self, **changes: Any) -> str:
        """The query string of the state with changes to its fields; defaults are left out."""
        return _encode(replace(self, **changes))


def _encode(state: PageState) -> str:
    values: dict[str, Any] = {}
    for field in fields(Filter):
        value = getattr(state.filter, field.name)
        if value != field.default:
            values[field.name] = 1 if value is True else value
    if state.page != 1:
        values["page"] = state.page
    if state.view != "side":
        values["view"] = state.view
    return urlencode(values)


def _choice(query: Mapping[str, str], name: str, choices: list[Any]) -> Any:
    """One of the choices, the first by default."""
    value = query.get(name) or choices[0]
    if value not in choices:
        names = ", ".join(choice for choice in choices if choice)
        raise UsageError(f"{name}={value!r} is none of {names}")
    return value


def _number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """A number from `least` to `most`; None by default."""
    value = query.get(name)
    if not value:
        return None
    number = whole_number(name, value)
    if not least <= number <= most:
        raise UsageError(f"{name}={value} isn't between {least} and {most:,}")
    return number


def whole_number(name: str, text: str | None) -> int:
    """The value of a field as a number; UsageError if it isn't one."""
    # isdecimal alone accepts the digits of every script
    if not (text and text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise UsageError(f"{name}={text!r} is not a number")
    return int(text)


def shown_kinds(thumbnails: bool) -> tuple[str, ...]:
    """Kinds that copies may have; others only if the store keeps no thumbnails."""
    return COPY_KINDS if thumbnails else KINDS
