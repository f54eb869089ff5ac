"""Modules and functions stay small; what may be larger stands in CONTRIBUTING, with the reason."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import fastphash

PACKAGE = Path(fastphash.__file__).parent
CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
LINES_OF_A_MODULE = 350
LINES_OF_A_FUNCTION = 60
PARAMETERS = 8


def exceptions():
    """Names in the first column of the table of exceptions."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    table = text.split("| larger than the limit |")[1].split("\n\n")[0]
    return set(re.findall(r"^\| `([\w./]+)`", table, re.MULTILINE))


def parameters(function):
    """How many there are, self aside."""
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([name for name in names if name.arg not in ("self", "cls")])


@cache
def too_large():
    """Everything over a limit: modules, and functions behind their modules."""
    return set(each_too_large())


def each_too_large():
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        module = path.relative_to(PACKAGE).as_posix()
        if len(text.splitlines()) > LINES_OF_A_MODULE:
            yield module
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION or parameters(node) > PARAMETERS:
                    yield f"{module.removesuffix('.py')}.{node.name}"


def test_whatever_is_over_a_limit_is_an_exception_with_a_reason():
    assert too_large() - exceptions() == set()


def test_no_exception_is_out_of_date():
    assert exceptions() - too_large() == set()


@pytest.mark.parametrize(
    ("code", "count"),
    [("def f(self, a, *, b=1): ...", 2), ("def f(a, /, b): ...", 2), ("def f(cls): ...", 0)],
)
def test_parameters_are_counted_without_self(code, count):
    assert parameters(ast.parse(code).body[0]) == count
