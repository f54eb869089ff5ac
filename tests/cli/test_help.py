"""What the command line says of itself."""

import re
from importlib.metadata import version

import pytest

from fastphash.cli.main import main
from tests.support.command_line import USAGE, error_of, run


@pytest.mark.parametrize("words", [[], *([name] for name in main.commands)], ids=" ".join)
def test_help_is_complete_at_80_columns(words):
    shown = run(*words, "--help").stdout
    assert run(*words, "-h").stdout == shown
    assert max(map(len, shown.splitlines())) <= 80
    if not words:
        assert "Exit status" in shown
        assert re.findall(r"^  ([a-z]+)  ", shown, re.MULTILINE) == list(main.commands)
        return
    for parameter in main.commands[words[0]].params:
        if parameter.param_type_name == "option":
            assert parameter.help
            # click says what it may be
            assert not re.search(r"\d to \d", parameter.help)
            assert all(option in shown for option in parameter.opts)


def test_version():
    assert run("--version").stdout.endswith(f"fastphash, version {version('fastphash')}\n")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["audit", "--nonsense"],
        ["audit", "-o", "x"],
        ["audit", "."],
        ["hash", "."],
        ["join", "a"],
        ["join", "a", "b"],
        ["group", "a"],
        ["group", "-o", "x"],
        ["convert", "a"],
        ["info"],
        ["demo", "--workers", "0"],
    ],
    ids=" ".join,
)
def test_wrong_words_are_wrong_usage(words, tmp_path):
    assert error_of(run(*words, status=USAGE, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []
