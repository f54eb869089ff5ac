"""Fault 50 again: an image stays by one name of its file, and goes by another."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from fastphash.clean.journal import JOURNAL
from tests.support.command_line import screen
from tests.support.scenes import save, scene
from tests.support.skipping import missing

# what disagrees keeps a/s/x.png; its copy by the other mount has no label
COMMANDS = """
mount --bind a/s b/s || { echo no mounts; exit 0; }
alias fastphash="$0 -m fastphash"
fastphash audit a=a b=b c=c --coco a=a.json --coco c=c.json --keep-in c -o out &&
fastphash clean out || exit 1
fastphash clean out aside --apply --to move --json >moved.json
[ -e a/s/x.png ] && echo stays
"""


def label(folder, split, name, category):
    """A COCO file of one box in one image."""
    (folder / f"{split}.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": name, "width": 80, "height": 60}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": category, "bbox": [1, 1, 40, 40]}
                ],
                "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
            }
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("names", ["one name", "a hard link", "a symbolic link"])
def test_50_what_stays_by_its_labels_is_not_moved_by_another_mount(tmp_path, names):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("only root can mount")
    (tmp_path / "b" / "s").mkdir(parents=True)
    kept = save(tmp_path / "a" / "s" / "x.png", scene(1))
    if names == "a hard link":
        os.link(kept, tmp_path / "beside.png")
    if names == "a symbolic link":
        kept = kept.rename(tmp_path / "beside.png")
        os.symlink(kept, tmp_path / "a" / "s" / "x.png")
    save(tmp_path / "a" / "own.png", scene(2))
    save(tmp_path / "c" / "x.png", scene(1))
    label(tmp_path, "a", "s/x.png", 1)
    label(tmp_path, "c", "x.png", 2)
    words = ["unshare", "-m", "sh", "-c", COMMANDS, sys.executable]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=tmp_path, env=screen()
    )
    if "unshare failed" in done.stderr or "no mounts" in done.stdout:
        missing("no mounts here")
    assert done.stdout.endswith("stays\n"), done.stdout + done.stderr
    moved = json.loads((tmp_path / "moved.json").read_text())
    assert moved["done"] == 0
    (skipped,) = moved["skipped"]
    assert skipped["split"] == "b"
    assert "'a/s/x.png' stays: it is the same file, mounted twice" in skipped["why"]
    assert (tmp_path / "a" / "s" / "x.png").exists()
    assert not (tmp_path / "out" / JOURNAL).exists()
    names_left = [image["file_name"] for image in json.loads(
        (tmp_path / "out" / "clean" / "a.json").read_text())["images"]]  # fmt: skip
    assert names_left == ["s/x.png"]
