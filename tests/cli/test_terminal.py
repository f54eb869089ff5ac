"""Screens, pipes and streams as they are not meant to be."""

import os
import subprocess

import pytest

from fastphash.base.terminal import console
from fastphash.cli.output import show_table
from tests.support.command_line import command, run, run_process, screen
from tests.support.examples import slow_but
from tests.support.scenes import scenes

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]
WIDTHS = ["0", "4", "1", "-3", "-0", "abc", "", "²", "٣", "1e3", "80.5", " 60 ", "100000"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two splits, with a copy and a broken file, not audited yet."""
    folder = tmp_path_factory.mktemp("folder")
    scenes(folder / "a", [1, 2, 3])
    scenes(folder / "b", [1])
    (folder / "a" / "broken.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def audited(folder, tmp_path_factory):
    """Its audit, in this process."""
    out = tmp_path_factory.mktemp("audited") / "out"
    run("audit", "a", "b", "-o", str(out), cwd=folder)
    return out


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("lines", ["0", "²"])
def test_any_columns_and_lines_give_a_screen(columns, lines, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    for stderr in (False, True):
        assert console(stderr=stderr).width >= 40
        assert console(stderr=stderr).height >= 1


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("200", 200), ("40", 40), ("12", 40)])
def test_a_number_of_columns_is_used(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert console().width == width


@pytest.mark.parametrize("columns", ["0", "4", "-3", "abc", "²"])
def test_every_command_prints_on_any_screen(folder, tmp_path, columns):
    env = screen(columns)
    out = str(tmp_path / "out")
    shown = run("audit", "a", "b", "-o", out, cwd=folder, env=env).stdout
    assert "fastphash clean" in shown
    for words in (
        ("info", out),
        ("clean", out),
        ("query", "b/001.png", "--in", out),
        ("calibrate", out),
        ("join", f"{out}@a", f"{out}@b", "-o", str(tmp_path / "p.csv"), "--explain"),
        ("audit", "--help"),
    ):
        assert run(*words, cwd=folder, env=env).stdout


def shell(text, cwd):
    """Run fastphash in a shell that redirects its streams; what the shell's streams got."""
    words = " ".join(f"'{word}'" for word in command())
    script = text.replace("fastphash", words)
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=screen(), capture_output=True, text=True, check=False
    )


def no_traceback(done):
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.slow
@pytest.mark.parametrize("closed", CLOSED)
def test_streams_may_be_closed(folder, audited, tmp_path, closed):
    out = tmp_path / "out"
    done = no_traceback(shell(f"fastphash audit a b -o {out} {closed}", folder))
    assert done.returncode == 0, done.stderr
    # nothing that was printed went into a file
    names = {path.name for path in audited.iterdir()}
    assert {path.name for path in out.iterdir()} == names
    for name in names - {"hashes", "summary.json", "report.html"}:
        assert (out / name).read_bytes() == (audited / name).read_bytes()


@pytest.mark.slow
def test_a_failure_has_its_status_though_nobody_can_read_it(tmp_path):
    for closed in CLOSED:
        assert no_traceback(shell(f"fastphash info nowhere {closed}", tmp_path)).returncode == 2


@pytest.mark.slow
def test_a_closed_stdin_is_an_empty_list(tmp_path):
    done = no_traceback(shell("fastphash hash --files - -o s <&-", tmp_path))
    assert done.returncode == 1
    assert "split 'stdin' has no images: the list of its files is empty" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    slow_but(
        ["--version", "info a"],
        ["--help", "--version", "audit --help", "info a", "info a --json", "query x.png --in a"],
    ),
)
def test_a_full_device_is_one_line(folder, tmp_path, words):
    run("hash", "a", "-o", str(tmp_path / "a"), cwd=folder)
    os.symlink(folder / "a" / "001.png", tmp_path / "x.png")
    done = no_traceback(shell(f"fastphash {words} > /dev/full", tmp_path))
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", slow_but(["info s"], ["--help", "info s", "audit a b -o out"]))
def test_a_reader_that_goes_away_is_no_error(folder, tmp_path, words):
    run("hash", str(folder / "a"), "-o", str(tmp_path / "s"))
    for split in ("a", "b"):
        os.symlink(folder / split, tmp_path / split)
    done = no_traceback(shell(f"fastphash {words} | head -1", tmp_path))
    assert done.stderr == ""


@pytest.mark.slow
def test_kernels_are_compiled_though_numba_is_told_not_to(folder, audited, tmp_path):
    env = screen() | {"NUMBA_DISABLE_JIT": "1"}
    out = tmp_path / "out"
    run_process("audit", "a", "b", "-o", str(out), cwd=folder, env=env)
    for table in ("groups.parquet", "leaks.parquet", "hashes/part-000000.parquet"):
        assert (out / table).read_bytes() == (audited / table).read_bytes()


@pytest.mark.parametrize("columns", [40, 45, 60, 80])
@pytest.mark.parametrize("figures", [["103"] * 7, ["1,234,567"] * 7, ["32 (10.8 %)", "-", "1"]])
def test_no_figure_of_a_table_is_broken_or_cut(columns, figures, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    header = ["split", *(f"augmented{i}" for i in range(len(figures)))]
    show_table("Title", header, [["train/a long name.png", *figures], ["验证集", *figures]])
    words = capsys.readouterr().out.split()
    for figure in " ".join(figures).split():
        assert words.count(figure) == 2 * " ".join(figures).split().count(figure)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_table_that_can_be_is_as_narrow_as_the_screen(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [["val", *(["1,234"] * 5)]]
    show_table("Title", ["split", "images", "distinct", "identical", "exact", "rejected"], rows)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns
