import re
from pathlib import Path

import pytest

from fastphash.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_names_every_command_and_no_other():
    named = set(re.findall(r"(?<!import )\bfastphash ([a-z]+)\b", "\n".join(code(README))))
    assert named == set(main.commands)


def code(text):
    """What stands between backticks, in lines and in blocks."""
    yield from re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


@pytest.mark.parametrize("command", main.commands)
def test_the_table_of_commands_has_a_row_for_each(command):
    assert re.search(rf"^\| `fastphash {command}\b", README, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    targets = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_options_in_readme_exist():
    known = {
        option
        for command in [main, *main.commands.values()]
        for parameter in command.params
        for option in parameter.opts
    } | {"--help", "--version"}
    lines = [line for block in code(README) for line in block.splitlines() if "fastphash " in line]
    used = {option for line in lines for option in re.findall(r"(?<=\s)--[a-z-]+", line)}
    assert used <= known
