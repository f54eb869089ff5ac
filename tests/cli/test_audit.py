"""fastphash audit, each run in a process of its own."""

import json
import os
import subprocess

import pytest

from fastphash.files import parquet
from tests.support.command_line import LEAKED, USAGE, error_of, run, too_wide
from tests.support.report_pages import read_page
from tests.support.scenes import save, scene, scenes
from tests.support.stores import read_store


def test_an_audit_shows_images_copies_and_leaks(data):
    shown = " ".join((data / "screen.txt").read_text().split())
    assert "split images distinct identical exact augmented rejected" in shown
    assert "train 12 8 1 1 1 1" in shown
    assert "val 5 5 - - - -" in shown
    assert "3 of 5 val images (60.0 %) are also in train: 1 identical, 1 exact, 1 augm" in shown
    assert "Largest of 6 groups" in shown
    assert "1 file rejected train/broken.jpg: identify: not an image of a supported fo" in shown
    assert "1 file without the name or content of an image" in shown
    assert "Written to out" in shown
    assert "summary.json" in shown


def test_no_line_of_an_audit_is_wider_than_the_screen(data):
    assert too_wide((data / "screen.txt").read_text()) == []


def test_json_is_what_summary_json_holds(data):
    done = run("audit", "train=train", "val=val", "-o", "out", "--json", cwd=data)
    assert json.loads(done.stdout) == json.loads((data / "out" / "summary.json").read_text())
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ("--fail-on-leak", LEAKED),
        ("--fail-on-leak=augmented", LEAKED),
        ("--fail-on-leak=near,collision", 0),
        ("--fail-on-leak=twin", USAGE),
    ],
)
def test_fail_on_leak(data, kinds, status):
    words = ["audit", "train=train", "val=val", "-o", "out", "--json", kinds]
    done = run(*words, cwd=data, status=status)
    if status == LEAKED:
        number = 1 if "=" in kinds else 3
        images = f"{number} of 11 train images and {number} of 5 val images leak by "
        assert done.stderr.startswith(images)
        assert "decision" not in done.stderr
        assert json.loads(done.stdout)["leaks"]
    if not status:
        assert "No image leaks by near and collision; 3 of 11 train images" in done.stderr
    if status == USAGE:
        assert "no kind 'twin'" in error_of(done)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--fail-on-leak=+cropped", "--views", "none"],
            "cropped copies, but nothing looks for th",
        ),
        (["--fail-on-leak=+cropped", "--no-verify"], "leave out --no-verify and --no-thumbnails"),
        (["--fail-on-leak=near,altered", "--no-thumbnails"], "leave out --no-verify and --no-thu"),
        (
            ["--fail-on-leak=+altered,+cropped", "--views", "none"],
            "cropped copies, but",
        ),
    ],
)
def test_kinds_that_nothing_looks_for_are_no_safeguard(data, words, said):
    done = run("audit", "train=train", "val=val", "-o", "blind", *words, cwd=data, status=USAGE)
    assert said in error_of(done)
    assert not (data / "blind").exists()


def test_no_leak_is_no_failure(tmp_path):
    for split, seeds in (("a", [1]), ("b", [2])):
        scenes(tmp_path / split, seeds)
    done = run("audit", "a", "b", "-o", "out", "--fail-on-leak", cwd=tmp_path)
    assert "no image of one split is in another" in done.stdout


@pytest.fixture
def one_root(tmp_path):
    """A folder with train and val in it, which share an image."""
    scenes(tmp_path / "data" / "train", [1, 2])
    scenes(tmp_path / "data" / "val", [2, 3])
    return tmp_path


def test_folders_of_splits_given_as_one_split_are_named_with_the_command_to_use(one_root):
    done = run("audit", "data", "-o", "out", cwd=one_root)
    words = ("audit", f"train={one_root}/data/train", f"val={one_root}/data/val", "-o", "out")
    said = "data holds train and val, and is audited as one split"
    assert done.stderr.startswith(f"Note: {said}")
    assert done.stderr.endswith(f"fastphash {' '.join(words)}\n")
    assert said in " ".join(done.stdout.split())
    assert said in read_page(one_root / "out" / "report.html").text
    assert "nothing can leak" not in done.stdout
    run(*words, "--fail-on-leak", cwd=one_root, status=LEAKED)


def test_to_fail_on_leaks_needs_two_splits(one_root):
    words = ("-o", "out", "--fail-on-leak=near")
    said = error_of(run("audit", "data", *words, cwd=one_root, status=USAGE))
    assert "--fail-on-leak compares splits, and 'data' is the only one: data holds train" in said
    said = error_of(run("audit", "data/train", *words, cwd=one_root, status=USAGE))
    assert "'train' is the only one: name another one, such as val=DIR" in said
    assert not (one_root / "out").exists()


def test_lists_of_files_are_splits(data, tmp_path):
    names = [f"train/{name}" for name in ("000.png", "again.png")]
    (tmp_path / "some.txt").write_text("\n".join(names))
    words = [
        "audit",
        "val=val",
        "--files",
        str(tmp_path / "some.txt"),
        "--files",
        "two=-",
        "--json",
    ]
    done = run(
        *words, "-o", str(tmp_path / "out"), cwd=data, input=b"train/001.png\nval/leak.png\n"
    )
    splits = json.loads(done.stdout)["splits"]
    assert {name: split["images"] for name, split in splits.items()} == {
        "val": 5,
        "some": 2,
        "two": 2,
    }


def test_names_from_find_print0_are_exact(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    odd = [b"a\nb.png", b"\xff.png", b" [red]'\".png"]
    for seed, name in enumerate(odd):
        os.rename(folder / f"{seed:03d}.png", os.path.join(os.fsencode(folder), name))
    found = subprocess.run(["find", "in", "-print0"], cwd=tmp_path, capture_output=True, check=True)
    run("hash", "--files", "-", "-0", "-o", "s", cwd=tmp_path, input=found.stdout)
    rows = read_store(tmp_path / "s").to_pylist()
    assert {row["split"] for row in rows} == {"stdin"}
    exact = [row["path_bytes"] or row["path"].encode() for row in rows]
    assert exact == sorted(b"in/" + name for name in odd)


ODD_NAMES = [
    b"\xff\xfe.png",
    b"line\nbreak.png",
    b"\x1b[31mred\x07.png",
    b"[bold]markup[red].png",
    b"'\"<script>&.png",
    b"-rf.png",
    "\u202eright to left.png".encode(),
]


def test_odd_names_survive_and_do_not_break_the_screen(tmp_path):
    for split in ("a", "b"):
        (tmp_path / split).mkdir()
        for seed, name in enumerate(ODD_NAMES):
            path = save(tmp_path / "picture.png", scene(seed))
            os.rename(path, os.path.join(os.fsencode(tmp_path / split), name))
        broken = os.path.join(os.fsencode(tmp_path / split), b"\xff[red]\n.jpg")
        with open(broken, "wb") as file:
            file.write(b"no image")
    done = run("audit", "a", "b", "-o", "out", cwd=tmp_path)
    assert f"{len(ODD_NAMES)} of {len(ODD_NAMES)} a images" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    leaks = parquet.read_table(tmp_path / "out" / "leaks.parquet").to_pylist()
    exact = {row["needle_path_bytes"] or row["needle_path"].encode() for row in leaks}
    assert exact == set(ODD_NAMES)


@pytest.mark.slow
def test_a_folder_whose_name_is_not_utf8_is_audited_under_a_name(tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"\xff")
    os.rename(scenes(tmp_path / "in", [1]), folder)
    run("audit", b"all=" + folder, "-o", "out", cwd=tmp_path)
    run("info", "out/hashes", cwd=tmp_path)
    done = run("hash", folder, "-o", "s", status=USAGE, cwd=tmp_path)
    assert "can't name a split" in error_of(done)


@pytest.mark.parametrize("name", [b"\xff", b"[red]\nb"])
def test_an_output_folder_may_have_any_name(tmp_path, name):
    scenes(tmp_path / "in", [1])
    run("hash", "in", "-o", name, cwd=tmp_path)
    assert "EXIF ignored" in run("info", name, cwd=tmp_path).stdout
