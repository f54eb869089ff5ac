"""Types and defaults in the Python reference as they are: an extension of griffe.

griffe parses the types in docstrings as code. It makes ``int64(n)`` of ``int64 (n,)``, and of the
choices ``{"a", "b"}`` a tuple with the default ``"a"``, whatever the real default is.
"""

import re
from collections.abc import Iterator
from typing import Any

import griffe

_ITEM = re.compile(r"^(?P<names>[\w*, ]+?) : (?P<type>.+)$")
_NAMED = (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes)


class AsWritten(griffe.Extension):
    """Shows types as docstrings say them, and defaults as values."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Correct all docstrings of a package, once all its modules are loaded."""
        for item in _objects(pkg):
            if isinstance(item, griffe.Function):
                _name_defaults(item)
            if item.docstring is not None:
                _correct(item, item.docstring)


def _objects(item: griffe.Object) -> Iterator[griffe.Object]:
    yield item
    for member in item.members.values():
        if isinstance(member, griffe.Object):
            yield from _objects(member)


def _name_defaults(function: griffe.Function) -> None:
    """Put the values of constants in the place of their names."""
    for parameter in function.parameters:
        if isinstance(parameter.default, griffe.ExprName):
            constant = function.modules_collection.get_member(parameter.default.canonical_path)
            if isinstance(constant, griffe.Attribute) and constant.value is not None:
                parameter.default = constant.value


def _correct(item: griffe.Object, docstring: griffe.Docstring) -> None:
    written = dict(_written(docstring.lines))
    for section in docstring.parsed:
        if section.kind in _NAMED:
            for entry in section.value:
                entry.annotation = written.get(entry.name, entry.annotation)
                if isinstance(item, griffe.Function) and entry.name in item.parameters:
                    entry.value = item.parameters[entry.name].default
        elif section.kind is griffe.DocstringSectionKind.returns:
            for entry in section.value:
                entry.annotation = docstring.lines[docstring.lines.index("Returns") + 2]


def _written(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each name with its type as it stands in the docstring."""
    for line in lines:
        if found := _ITEM.match(line):
            for name in found["names"].split(", "):
                yield name, found["type"].removesuffix(", optional")
