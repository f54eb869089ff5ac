"""What is printed to be copied into a shell does what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from fastphash.base import system
from fastphash.cli.next_steps import shell_word
from tests.support.command_line import run, screen
from tests.support.scenes import scenes

FOLDERS = [
    b"plain",
    b"two words",
    b"it's",
    b'$(touch hacked)`touch hacked`;&|<>*?\\"',
    b"-x",
    b"line\nbreak",
    b"\xff\xfe7",
    "\u202egnp".encode(),
    b"\x1b[31mred\\'",
    "日本".encode(),
]


def commands(shown):
    """The commands under a title that says what comes next."""
    block = shown.split("What next\n")[1]
    return re.findall(r"^  (fastphash \w+ .*?)(?:  .*)?$", block, re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=repr)
def test_a_shell_reads_the_word_as_the_path(folder, tmp_path):
    if system.WINDOWS or shutil.which("bash") is None:
        pytest.skip("no bash")
    word = shell_word(os.fsdecode(folder))
    assert word.isprintable()
    script = f"printf %s {word}".encode()
    done = subprocess.run(["bash", "-c", script], capture_output=True, cwd=tmp_path, check=True)
    assert done.stdout.removeprefix(b"./") == folder
    assert list(tmp_path.iterdir()) == []


def test_on_windows_a_word_is_quoted_as_its_shell_wants_it(monkeypatch):
    monkeypatch.setattr(system, "WINDOWS", True)
    words = [shell_word(text) for text in (r"C:\my audits\one", "plain", "it's")]
    assert words == [r'"C:\my audits\one"', "plain", "it's"]


@pytest.mark.parametrize("name", ["out", "my audit", "a" * 60])
def test_an_audit_ends_with_three_commands_that_work(tmp_path, name):
    scenes(tmp_path / "in", [1, 2])
    shown = run("audit", "in", "-o", name, cwd=tmp_path).stdout
    found = commands(shown)
    assert [shlex.split(command)[1:] for command in found] == [
        [verb, name] for verb in ("report", "inspect", "clean")
    ]
    for command in (found[0], found[2]):
        run(*shlex.split(command)[1:], cwd=tmp_path)


def test_json_is_nothing_but_json(tmp_path):
    scenes(tmp_path / "in", [1])
    done = run("audit", "in", "-o", "out", "--json", cwd=tmp_path)
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    assert done.stderr == ""


def test_a_plan_says_how_to_apply_it_in_a_folder_with_a_space(tmp_path):
    scenes(tmp_path / "in", [1, 1])
    run("audit", "in", "-o", "my audit", cwd=tmp_path)
    shown = run("clean", "my audit/hashes", cwd=tmp_path).stdout
    command = re.search(r"^  (fastphash clean 'my audit' --apply)$", shown, re.MULTILINE)[1]
    run(*shlex.split(command)[1:], cwd=tmp_path)
    assert (tmp_path / "my audit" / "clean").is_dir()


@pytest.mark.parametrize("given", ["out", "out/hashes", "out/hashes/", "./out/../out/hashes"])
def test_an_audit_or_its_store_may_be_named(data, given):
    for words in (
        ("info", given),
        ("report", given),
        ("clean", given),
        ("calibrate", given),
        ("query", "val/leak.png", "--in", f"{given}@train"),
    ):
        run(*words, cwd=data)


@pytest.mark.parametrize("given", [".", "..", "../hashes"])
def test_the_working_folder_may_be_the_store_of_the_audit(data, given):
    where = data / "out" / "hashes"
    assert "6 groups with pictures" in run("report", given, cwd=where).stdout


def test_the_program_says_the_same_in_a_process_of_its_own(tmp_path):
    scenes(tmp_path / "in", [1])
    words = [sys.executable, "-m", "fastphash", "audit", "in", "-o", "out"]
    done = subprocess.run(
        words, cwd=tmp_path, env=screen(40), capture_output=True, text=True, check=True
    )
    assert len(commands(done.stdout)) == 3
