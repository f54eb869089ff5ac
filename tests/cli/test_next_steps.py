"""What is printed to be copied into a shell does what it says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import pytest

from fastphash.base import system
from fastphash.clean import move
from fastphash.cli.next_steps import clean_commands, shell_word, split_folders_command
from fastphash.files.durable_transfer import link_problem
from tests.support.command_line import USAGE, error_of, run, screen
from tests.support.disks import elsewhere
from tests.support.report_pages import slightly
from tests.support.scenes import save, scene, scenes

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
def test_an_audit_ends_with_a_page_and_commands_that_work(tmp_path, name):
    scenes(tmp_path / "in", [1, 2])
    save(tmp_path / "in" / "again.png", scene(1))
    shown = run("audit", "in", "-o", name, cwd=tmp_path).stdout
    page = re.search(r"What next\n  (\S*|'.*?')(?:  |\n)", shown)[1]
    assert (tmp_path / shlex.split(page)[0]).name == "report.html"
    assert (tmp_path / shlex.split(page)[0]).is_file()
    found = commands(shown)
    assert [shlex.split(command)[1:] for command in found] == [["inspect", name], ["clean", name]]
    run(*shlex.split(found[1])[1:], cwd=tmp_path)


@pytest.mark.parametrize("columns", [40, 80])
def test_kinds_that_a_clean_leaves_are_added_by_a_command_that_works(tmp_path, columns):
    scenes(tmp_path / "in", [1, 2])
    save(tmp_path / "in" / "near.png", slightly(scene(1)))
    words = ("audit", "in", "-o", "o ut")
    audited = run(*words, cwd=tmp_path, env=screen(columns)).stdout
    planned = run("clean", "o ut", cwd=tmp_path, env=screen(columns)).stdout
    for shown in (audited, planned):
        (command,) = re.findall(r"^  (fastphash .* \+near)(?:  .*)?$", shown, re.MULTILINE)
        assert command == "fastphash clean 'o ut' --kinds +near"
    assert "1 near copy stays" in " ".join(planned.split())
    again = run(*shlex.split(command)[1:], cwd=tmp_path).stdout
    assert "near copy" not in again


def test_altered_copies_have_a_plan_of_their_own():
    staying = {"near": 1, "cropped": 2, "altered": 1}
    assert clean_commands("out", staying, "the same") == {
        "fastphash clean out --kinds +near,+cropped": (
            "the same, with 1 near copy and 2 cropped copies"
        ),
        "fastphash clean out --kinds +near,+cropped,+altered": (
            "the same, with 1 altered copy too: look at them first"
        ),
    }
    assert clean_commands("out", {"unlooked": 3, "near": 1}, "a plan") == {
        "fastphash clean out --kinds +unlooked": "a plan, with 3 copies that nobody looked at",
        "fastphash clean out --kinds +unlooked,+near": "a plan, with 1 near copy too",
    }
    assert list(clean_commands("out", {"altered": 2}, "a plan")) == [
        "fastphash clean out --kinds +altered"
    ]
    assert clean_commands("out", {}, "the same") == {}


def test_folders_of_splits_are_audited_by_a_command_that_works(tmp_path):
    for name in ("train", "val"):
        scenes(tmp_path / "my data" / name, [1, 2])
    shown = run("audit", "my data", "-o", "o ut", cwd=tmp_path, env=screen(60))
    command = commands(shown.stdout)[-1]
    assert shown.stderr.endswith(f"To find them, run\n  {command}\n")
    assert "4 identical" not in shown.stdout
    assert "2 of 2 train images" in run(*shlex.split(command)[1:], cwd=tmp_path).stdout


def test_folders_of_splits_are_quoted():
    folders = {"train": "/my data/train", "val": b"/x/val"}
    assert split_folders_command("data", folders, "out put", prefix=False) == (
        "fastphash audit 'train=/my data/train' val=/x/val -o 'out put'"
    )
    assert " data-val=/x/val " in split_folders_command("data", folders, "out", prefix=True)


@pytest.mark.parametrize("columns", [40, 80])
def test_where_files_went_is_said_and_how_they_come_back(tmp_path, columns):
    scenes(tmp_path / "in", [1])
    save(tmp_path / "in" / "copy.bmp", scene(1))
    before = sorted(path.name for path in (tmp_path / "in").iterdir())
    run("audit", "in", "-o", "o ut", cwd=tmp_path)
    run("clean", "o ut", cwd=tmp_path)
    for mode in ("copy", "hardlink", "symlink"):
        done = run("clean", "o ut", f"a {mode}", "--apply", "--to", mode, cwd=tmp_path)
        assert f"Clean tree\n  what stays is in a {mode}\n" in done.stdout
        assert "--undo" not in done.stdout
    words = ("clean", "o ut", "a side", "--apply", "--to", "move")
    shown = run(*words, cwd=tmp_path, env=screen(columns)).stdout
    command = re.search(r"Moved to a side. To undo it\n  (fastphash .* --undo)", shown)[1]
    assert len(list((tmp_path / "in").iterdir())) == 1
    run(*shlex.split(command)[1:], cwd=tmp_path)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == before


def test_moves_of_several_runs_are_told_apart(tmp_path):
    scenes(tmp_path / "in", [1, 2])
    for name, seed in (("copy.bmp", 1), ("other.bmp", 2), ("third.bmp", 2)):
        save(tmp_path / "in" / name, scene(seed))
    run("audit", "in", "-o", "out", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    to = ("--apply", "--to", "move")
    # the second move ends the run
    moves = mock.Mock(wraps=move.move_file, side_effect=[mock.DEFAULT, ZeroDivisionError])
    with mock.patch.object(move, "move_file", moves), pytest.raises(ZeroDivisionError):
        run("clean", "out", "a", *to, cwd=tmp_path)
    shown = run("clean", "out", "b", *to, cwd=tmp_path).stdout
    assert "Moved, by several runs" in shown
    # long names begin a line of their own
    assert f"2 images in b 1 image in {tmp_path / 'a'} To undo" in " ".join(shown.split())
    again = run("clean", "out", "a", *to, cwd=tmp_path).stdout
    assert f"2 images in {tmp_path / 'b'}" in (words := " ".join(again.split()))
    assert "1 image in a " in words
    said = json.loads(run("clean", "out", "a", *to, "--json", cwd=tmp_path).stdout)
    assert said["places"] == {"a": 1, str(tmp_path / "b"): 2}
    for folder, images in (("a", 1), ("b", 2)):
        assert len([*(tmp_path / folder / "in").iterdir()]) == images
    command = re.search(r"To undo all of it\n  (fastphash .* --undo)", again)[1]
    run(*shlex.split(command)[1:], cwd=tmp_path)
    assert len([*(tmp_path / "in").iterdir()]) == 5


def test_hard_links_to_another_disk_are_refused_at_once(tmp_path):
    for split in ("in", "more"):
        scenes(tmp_path / split, [1, 2])
    run("audit", "in", "more", "-o", "out", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        words = ("clean", "out", f"{folder}/tree", "--apply", "--to", "hardlink")
        said = error_of(run(*words, cwd=tmp_path, status=USAGE))
        assert f"no hard links from '{folder}/tree' to split 'in'" in said
        assert "use copy or symlink" in said
        assert os.listdir(folder) == []
    assert link_problem(os.fsencode(tmp_path / "in"), os.fsencode(tmp_path)) == ""
    assert link_problem(b"gone", os.fsencode(tmp_path)) == ""
    assert sorted(os.listdir(tmp_path)) == ["in", "more", "out"]


def test_errors_name_the_folder_that_was_given(tmp_path):
    for words, said in (
        (["--undo", "--apply"], "fastphash clean 'o ut' --undo"),
        (["--apply", "--to", "move"], "fastphash clean 'o ut' DIR --apply --to move"),
    ):
        assert said in error_of(run("clean", "o ut", *words, cwd=tmp_path, status=USAGE))


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


@pytest.mark.slow
def test_the_program_says_the_same_in_a_process_of_its_own(tmp_path):
    picture = scenes(tmp_path / "in", [1]) / "001.png"
    shutil.copy(picture, picture.with_name("copy.png"))
    words = [sys.executable, "-m", "fastphash", "audit", "in", "-o", "out"]
    done = subprocess.run(
        words, cwd=tmp_path, env=screen(40), capture_output=True, text=True, check=True
    )
    assert len(commands(done.stdout)) == 2
