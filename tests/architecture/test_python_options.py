"""What a command does, its function in Python does: the same options, with the same defaults."""

import inspect
import re

import pytest

import fastphash
from fastphash.cli.main import main
from fastphash.defaults import LEAST_MEMORY, LOOKS, MIN_SCORE, PRECISION, RADIUS, VIEWS

# options of a command that make up one parameter, or have another name in Python
DEFINITION = {"decode", "pass_order", "exif", "strict_imagehash", "bands", "stretch", "nodata"}
RENAMED = {"folders": "splits", "form": "format", "bits": "hashes", "folder": "audit"}
# what is printed, or how the command ends; lists of Python need no separator; Spark has a session,
# which `fastphash.cluster` takes
OF_THE_COMMAND = {"as_json", "explain", "fail_on_leak", "separator", "engine", "master"}
# applying a plan is the command's alone: the function never touches a file
APPLYING = {
    *("target", "applying", "mode", "undo", "coco", "tables", "drop_rejected"),
    *("null", "absolute", "overwrite"),
}
LEFT_OUT = {"audit": OF_THE_COMMAND, "clean": OF_THE_COMMAND | APPLYING}
FUNCTIONS = {"audit": fastphash.audit, "clean": fastphash.clean_plan}


def options(command):
    """The options that a function has to have, by the names of its parameters."""
    return {
        "definition" if option.name in DEFINITION else RENAMED.get(option.name, option.name): option
        for option in main.commands[command].params
        if option.name not in LEFT_OUT[command]
    }


@pytest.mark.parametrize("command", FUNCTIONS)
def test_a_function_has_the_options_of_its_command(command):
    parameters = inspect.signature(FUNCTIONS[command]).parameters
    assert {*parameters} == {*options(command), "progress"}


def test_numbers_words_and_flags_have_the_defaults_of_the_command():
    parameters = inspect.signature(fastphash.audit).parameters
    context = main.commands["audit"].make_context("audit", ["x", "-o", "y"])
    compared = {
        name: (parameters[name].default, context.params[option.name])
        for name, option in options("audit").items()
        if isinstance(parameters[name].default, bool | int | float | str)
    }
    assert compared.keys() > {"verify", "thumbnails", "timeout", "grouping", "max_pixels"}
    assert {name for name, (one, other) in compared.items() if one != other} == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("looks", f"{LOOKS:,}"),
        ("memory", f"{LEAST_MEMORY:,}"),
        ("min_score", f"{MIN_SCORE:g} by default"),
        ("precision", f"{PRECISION:g} by default"),
        ("radius", f"no thumbnails are compared, {RADIUS} by phash"),
        ("views", f"{VIEWS} by default"),
    ],
)
def test_what_none_stands_for_is_documented(name, value):
    text = inspect.getdoc(fastphash.audit)
    (entry,) = re.findall(rf"^{name} : .*\n((?:    .*\n)+)", text, re.MULTILINE)
    assert value in " ".join(entry.split())
