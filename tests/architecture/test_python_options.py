"""What a command does, its function in Python does: the same options, with the same defaults."""

import inspect
import re
from functools import partial

import numpy as np
import pytest

import fastphash
from fastphash.cli.main import main
from fastphash.defaults import LEAST_MEMORY, LOOKS, MIN_SCORE, PRECISION, RADIUS, VIEWS
from fastphash.errors import UsageError
from tests.support.command_line import USAGE, error_of, run
from tests.support.scenes import scenes
from tests.support.stores import write_hashes

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


def too_little(folder):
    """Calls of all functions that search, by name, without their `memory`."""
    splits, out = [f"a={scenes(folder / 'in', range(2))}"], folder / "out"
    quick = {"workers": 0, "progress": False, "views": "none", "looks": 0}
    fastphash.audit(splits, out, **quick)
    hashes = np.arange(3, dtype=np.uint64)
    table = write_hashes(folder / "a.parquet", path=["a", "b", "c"], phash=hashes)
    pairs = fastphash.self_join(hashes)
    return {
        "audit": partial(fastphash.audit, splits, folder / "other", **quick),
        "clean_plan": partial(fastphash.clean_plan, out),
        "group": partial(fastphash.group, hashes),
        "join": partial(fastphash.join, hashes, hashes),
        "self_join": partial(fastphash.self_join, hashes),
        "verify": partial(fastphash.verify, pairs, table),
    }


@pytest.mark.filterwarnings("ignore:these hashes have no orientations")
def test_every_function_refuses_too_little_memory(tmp_path):
    calls = too_little(tmp_path)
    functions = {name: getattr(fastphash, name) for name in fastphash.__all__}
    functions = {name: one for name, one in functions.items() if inspect.isfunction(one)}
    searching = {n for n, one in functions.items() if "memory" in inspect.signature(one).parameters}
    assert searching == {*calls}
    for call in calls.values():
        for memory in (20 << 20, LEAST_MEMORY - 1):
            with pytest.raises(UsageError, match=f"{LEAST_MEMORY:,} at least, not {memory}$"):
                call(memory=memory)
    assert not (tmp_path / "other").exists()


WITH_MEMORY = [
    name
    for name, command in main.commands.items()
    if "memory" in {option.name for option in command.params}
]


def test_these_commands_search():
    assert {"audit", "calibrate", "clean", "evaluate", "group", "join", "query"} == {*WITH_MEMORY}


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_every_command_refuses_too_little_memory(name):
    inputs = ["."] if name == "audit" else []
    for size in ("20M", str(LEAST_MEMORY - 1)):
        said = error_of(run(name, *inputs, "--memory", size, status=USAGE))
        least = f"{LEAST_MEMORY >> 20}M is the least"
        assert f"{size!r} is too little for a search: {least}" in " ".join(said.split())


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
