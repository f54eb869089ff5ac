"""Messages of the library name parameters; what a user of the command line reads names options."""

import os
import socket

import click
import pytest

from fastphash.cli.main import main
from fastphash.cli.option_names import name_options
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.scenes import scenes

AUDIT = main.commands["audit"]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`keep_in` names 'test'", "--keep-in names 'test'"),
        ("`radius`, `out` and `separator`", "--radius, -o and -0"),
        # not an option of this command, or of none
        ("`port` 0 and `nonsense`", "`port` 0 and `nonsense`"),
        ("run `fastphash convert --as`", "run `fastphash convert --as`"),
        # values that look like a parameter are left alone
        ("no such folder: '`radius`'", "no such folder: '`radius`'"),
        ("it's \"`radius`'s\": see `radius`", "it's \"`radius`'s\": see --radius"),
        ("doesn't end: `radius` isn't set", "doesn't end: --radius isn't set"),
        ("", ""),
    ],
)
def test_parameters_become_the_options_of_the_command(message, shown):
    assert name_options(message, AUDIT) == shown


def test_an_option_is_named_by_its_first_word():
    command = click.Command("x", params=[click.Option(["-n", "--number", "size"])])
    assert name_options("`size` and `number`", command) == "-n and `number`"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (
            ["audit", "val", "-o", "new", "--keep-in", "test"],
            USAGE,
            "--keep-in names 'test', which is no split of this audit: there are val",
        ),
        (
            ["audit", "val", "-o", "new", "--coco", "test=screen.txt"],
            USAGE,
            "--coco names 'test', which is no split of this audit: there are val",
        ),
        (
            ["audit", "val", "-o", "train"],
            USAGE,
            "'train' exists and is no audit: name a new folder with -o",
        ),
        (
            ["hash", "screen.txt", "-o", "new"],
            USAGE,
            "not a folder: 'screen.txt' (a list of files goes with --files)",
        ),
        (
            ["join", "out/hashes@val", "out/hashes@train", "-o", "new", "--max-pairs", "2"],
            FAILED,
            "limit of 2: raise it with --max-pairs, or use groups, which don't list pairs",
        ),
        (
            ["clean", "out", "--apply"],
            USAGE,
            "no plan in 'out': make one without --apply first",
        ),
        (["hash", "`null`", "-o", "new"], USAGE, "no such folder: '`null`'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_name_options(data, words, status, message):
    assert error_of(run(*words, status=status, cwd=data)).endswith(message)


def test_lists_of_find_print0_name_the_option(data):
    done = run("hash", "--files", "-", "-o", "new", status=USAGE, cwd=data, input=b"a\0b\0")
    assert error_of(done).endswith("has NUL bytes: is it of find -print0? Use -0")


def test_files_that_are_all_gone_name_the_option(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    run("hash", "in", "-o", "s", cwd=tmp_path)
    for name in os.listdir(folder):
        os.remove(folder / name)
    done = run("hash", "in", "-o", "s", status=FAILED, cwd=tmp_path)
    assert error_of(done).endswith("delete the store or name --keep-missing")


def test_a_taken_port_names_the_option(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("inspect", "out", "--port", port, "--no-browser", status=USAGE, cwd=data)
    assert error_of(done).endswith(f"port {port} is taken: --port 0 takes any that is free")
