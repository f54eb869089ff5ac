"""Labels and other files of the same names as images go where the images go."""

import json
import os
import shutil
from unittest import mock

import pytest

from fastphash.clean import move
from fastphash.clean.sidecars import SidecarMoves
from fastphash.labels.sidecars import count_sidecars
from tests.support.command_line import FAILED, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

# the folder of the split, of an image and of its label below "data", the label's ending, where a
# tree has the label below the split, and what the audit says that images have
LAYOUTS = {
    "beside": ("train", "", "", ".json", "", ", or other files of their names, beside"),
    "YOLO": ("train", "images", "labels", ".txt", "labels", " in labels/"),
    "images/train": (
        "images/train",
        "",
        "../../labels/train",
        ".txt",
        "",
        " in labels/",
    ),
    "VOC": ("VOC", "JPEGImages", "Annotations", ".xml", "Annotations", " in Annotations/"),
}


class Layout:
    """Images 0 and 1, a copy of each, and a label for all of them but 1."""

    def __init__(self, folder, root, images, labels, ending, target, said):
        self.folder, self.root, self.said = folder, folder / "data" / root, said
        self.images, self.labels = self.root / images, self.root / labels
        self.ending, self.target, self.image_target = ending, target, images
        for name, seed in (("0", 0), ("copy0", 0), ("1", 1), ("copy1", 1)):
            save(self.images / f"{name}.png", scene(seed))
            if name != "1":
                self.write(name, name)

    def write(self, name, text, ending=None):
        path = self.labels / f"{name}{ending or self.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def audit(self):
        shown = run("audit", f"train={self.root}", "-o", "out", cwd=self.folder).stdout
        run("clean", "out", cwd=self.folder)
        return " ".join(shown.split())

    def clean(self, *words, status=0):
        words = ["clean", "out", *words, "--json"]
        return json.loads(run(*words, cwd=self.folder, status=status).stdout)["sidecars"]

    def move(self, status=0):
        return self.clean("aside", "--apply", "--to", "move", status=status)

    def state(self):
        files = [path for path in (self.folder / "data").rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files}


@pytest.fixture(params=slow_but(["beside"], LAYOUTS))
def layout(request, tmp_path):
    return Layout(tmp_path, *LAYOUTS[request.param])


@pytest.fixture
def plain(tmp_path):
    return Layout(tmp_path, *LAYOUTS["beside"])


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def below(folder, name):
    return os.path.join(folder, name) if folder else name


def test_labels_follow_into_trees_aside_and_back(layout):
    assert f"train: 3 of 4 images have labels{layout.said}" in layout.audit()
    shown = run("clean", "out", cwd=layout.folder).stdout
    assert "3 of 4 images have labels" in " ".join(shown.split())
    assert too_wide(shown) == []
    before = layout.state()
    kept = [below(layout.image_target, "0.png"), below(layout.image_target, "1.png")]
    kept.append(below(layout.target, f"0{layout.ending}"))
    for mode in ("copy", "hardlink", "symlink"):
        done = layout.clean(mode, "--apply", "--to", mode)
        assert done == {"planned": 1, "done": 1, "already": 0, "skipped": []}
        tree = layout.folder / mode / "train"
        assert names_in(tree) == sorted(kept)
        label = tree / layout.target / f"0{layout.ending}"
        assert label.read_text() == "0"
        assert label.samefile(layout.labels / f"0{layout.ending}") == (mode != "copy")
        assert layout.clean(mode, "--apply", "--to", mode)["already"] == 1
    assert layout.move() == {"planned": 2, "done": 2, "already": 0, "skipped": []}
    aside = layout.folder / "aside" / "train"
    gone = [below(layout.image_target, f"copy{i}.png") for i in (0, 1)]
    gone += [below(layout.target, f"copy{i}{layout.ending}") for i in (0, 1)]
    assert names_in(aside) == sorted(gone)
    assert len(layout.state()) == len(before) - 4
    assert layout.clean("--undo")["done"] == 2
    assert layout.state() == before
    assert not aside.parent.exists()


def test_a_label_of_two_images_stays_while_one_of_them_stays(plain):
    shared = [plain.write("copy1", "boxes", ".txt"), plain.labels / "copy1.json"]
    # nobody hashes it, but it is an image by its name, and stays
    (plain.images / "copy1.jpg").write_text("no image")
    # images that only look like labels are not lost, nor copied twice
    shutil.copy(plain.images / "0.png", plain.images / "copy0.txt")
    plain.audit()
    assert plain.move()["done"] == 1
    assert names_in(plain.folder / "aside") == [
        f"train/{name}" for name in ("copy0.json", "copy0.png", "copy0.txt", "copy1.png")
    ]
    assert all(path.exists() for path in shared)


def test_nothing_is_overwritten_and_what_stays_is_said(plain):
    plain.audit()
    taken = plain.folder / "aside" / "train" / "copy0.json"
    taken.parent.mkdir(parents=True)
    taken.write_text("another's")
    moved = plain.move(status=FAILED)
    why = {"split": "train", "path": "copy0.json", "why": "its name is taken"}
    assert moved == {"planned": 2, "done": 1, "already": 0, "skipped": [why]}
    assert taken.read_text() == "another's"
    assert (plain.images / "copy0.json").read_text() == "copy0"
    # undo overwrites nothing either
    (plain.images / "copy1.json").write_text("new")
    undone = plain.clean("--undo", status=FAILED)
    assert [image["path"] for image in undone["skipped"]] == ["copy1.json"]
    assert (plain.images / "copy1.json").read_text() == "new"
    assert (plain.folder / "aside" / "train" / "copy1.json").read_text() == "copy1"


def test_a_label_whose_new_name_another_label_has_is_not_left_out_silently(tmp_path):
    layout = Layout(tmp_path, *LAYOUTS["images/train"])
    for name in ("0", "copy0"):
        (layout.images / f"{name}.txt").write_text("beside")
    layout.audit()
    before = layout.state()
    tree = layout.clean("tree", "--apply", "--to", "copy", status=FAILED)
    aside = layout.move(status=FAILED)
    for counts, name, target in ((tree, "0", "tree"), (aside, "copy0", "aside")):
        label = str(layout.labels.resolve() / f"{name}.txt")
        why = {"split": "train", "path": label, "why": "its name is taken"}
        assert counts["skipped"] == [why]
        assert (tmp_path / target / "train" / f"{name}.txt").read_text() == "beside"
        assert (layout.labels / f"{name}.txt").read_text() == name
    assert layout.clean("--undo")["skipped"] == []
    assert layout.state() == before


def test_a_move_that_ends_before_the_labels_is_completed_or_undone(plain):
    plain.audit()
    before = plain.state()

    class Killed(BaseException):
        pass

    class Ending(SidecarMoves):
        def run(self, progress):
            raise Killed

    for complete in (True, False):
        with mock.patch.object(move, "SidecarMoves", Ending), pytest.raises(Killed):
            plain.move()
        assert not (plain.images / "copy0.png").exists()
        assert (plain.images / "copy0.json").exists()
        if complete:
            assert plain.move()["done"] == 2
            assert not (plain.images / "copy0.json").exists()
        plain.clean("--undo")
        assert plain.state() == before


def test_counting_files_of_many_images_says_how_far_it_is(tmp_path):
    told = []
    images = [os.fsencode(tmp_path / f"{number}.jpg") for number in range(2500)]
    (tmp_path / "7.txt").touch()
    places = count_sidecars(images, lambda *state: told.append(state))
    assert places == {"": 1}
    assert told == [("counting label files", done, 2500) for done in (0, 1000, 2000)]
