"""Below the command line nothing names an option.

The library's messages name a parameter in backquotes, and the command line prints the option in
its place (`fastphash.cli.option_names`). So a parameter that a message names has the name that
click gives to the option.

A text may name a whole command as the next step, with its options: it begins with `fastphash`, and
somebody who uses Python can run it as well. Nor are options of `pip install` ours.
"""

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from fastphash.cli.main import main
from tests.architecture.test_imports import PACKAGE, members, module_of, modules, package_of, parsed

# a reason that tables of rejected inputs store: no command translates what it only reads
STORED = {"images.pillow": {"--max-pixels"}}

OPTIONS = {
    name: {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for name, command in main.commands.items()
}
KNOWN = {option for names in OPTIONS.values() for option in names if option.startswith("-")}
OPTION = re.compile(
    rf"(?<![\w-])(--[a-z][a-z-]+|{'|'.join(map(re.escape, sorted(KNOWN)))})(?![\w-])"
)
WHOLE_COMMAND = re.compile(rf"\bfastphash ({'|'.join(main.commands)})\b((?: [^\s`:;,]+)*)")
PIP_INSTALL = re.compile(r"\bpip install(?: --[a-z-]+)*")
PARAMETER = re.compile(r"`([a-z_]+)`")

LIBRARY = [path for path in modules() if package_of(path) != "cli"]


class Words(NamedTuple):
    """What a module says: all its strings, those that aren't docstrings, its parameters' names."""

    texts: list[str]
    messages: list[str]
    names: set[str]


@cache
def words_of(path):
    nodes = list(ast.walk(parsed(path)))
    texts = list(texts_in(nodes))
    docstrings = set(docstrings_in(nodes))
    messages = [text for text in texts if text not in docstrings]
    return Words(texts, messages, set(parameters_and_fields(nodes)))


def texts_in(nodes):
    """All strings of a module, those with fields in one piece."""
    pieces = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            pieces.update(node.values)
            values = [
                part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
            ]
            yield "".join(values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in pieces:
            yield node.value


def docstrings_in(nodes):
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node, clean=False
        ):
            yield node.body[0].value.value


def options_in(text):
    return set(OPTION.findall(PIP_INSTALL.sub("", WHOLE_COMMAND.sub("", text))))


@pytest.mark.parametrize("package", members(LIBRARY))
def test_no_module_below_the_command_line_names_an_option(package):
    for path in members(LIBRARY)[package]:
        named = set().union(*map(options_in, words_of(path).texts))
        assert named == STORED.get(module_of(path), set()), module_of(path)


@pytest.mark.parametrize("page", sorted(PACKAGE.rglob("*.html")), ids=lambda page: page.name)
def test_no_page_names_an_option(page):
    assert not OPTION.search(page.read_text(encoding="utf-8"))


def test_whole_commands_exist_with_their_options():
    found = [
        match
        for path in LIBRARY
        for text in words_of(path).texts
        for match in WHOLE_COMMAND.findall(text)
    ]
    assert found
    for command, rest in found:
        assert set(OPTION.findall(rest)) <= OPTIONS[command]


def parameters_and_fields(nodes):
    for node in nodes:
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_a_parameter_in_a_message_is_one_of_the_library_and_of_a_command():
    library = [words_of(path) for path in LIBRARY]
    named = {
        name for words in library for text in words.messages for name in PARAMETER.findall(text)
    }
    assert named >= {"overwrite", "max_pairs", "k"}
    assert named <= {name for words in library for name in words.names}
    assert named <= {
        parameter.name for command in main.commands.values() for parameter in command.params
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("use --radius", ["--radius"]),
        ("use --nonsense=4", ["--nonsense"]),
        ("-0, for lists", ["-0"]),
        ("(-k)", ["-k"]),
        ("run `fastphash convert --as`", []),
        ("fastphash audit ... -o {} makes one", []),
        ("fastphash clean: --apply", ["--apply"]),
        ("a-0, 5-0 and x--radius", []),
        ("`radius`", []),
    ],
)
def test_options_are_seen_in_a_text(text, named):
    assert OPTION.findall(WHOLE_COMMAND.sub("", text)) == named
