"""Pictures for the cases: splits with copies in and across them, with labels and a truth table."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

IMAGES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_OF_A_FOLDER = 12
_LARGEST = 500_000
# stores hold the times of files
_TIME = 1_600_000_000


def image_folders(data: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with images directly in it, and these images, in order."""
    for folder, folders, names in os.walk(data):
        folders.sort()
        files = [Path(folder, name) for name in sorted(names)]
        images = [path for path in files if path.suffix.lower() in IMAGES]
        if images:
            yield Path(folder), images


def pick(data: list[Path], target: Path) -> None:
    """Copy twelve images of each folder to the splits train, val and test; write their labels.

    Images 0 to 7 are in train and 4 to 11 in val, so that four leak: in val one of these has
    another class folder, and one another category in the COCO file.
    """
    splits = {name: _Split(target / name) for name in ("train", "val", "test")}
    truth = ["needle,haystack,kind"]
    for name, images in (one for root in data for one in _classes(root)):
        for i, image in enumerate(images):
            path = f"{name}/{image.name.replace(' ', '_').replace(',', '_')}"
            moved = f"moved/{path.replace('/', '-')}" if i == 5 else path
            if i < 8:
                splits["train"].add(image, path, i, category=i % 4)
            if i >= 4:
                splits["val"].add(image, moved, i, category=(i + (i == 6)) % 4)
            if i % 4 == 0:
                splits["test"].add(image, path, i, category=0)
            if 4 <= i < 8:
                truth.append(f"val/{moved},train/{path},same")
            if i == 0:
                first = path
            if i == 7:
                truth.append(f"train/{first},train/{path},of one folder")
    for name, split in splits.items():
        (target / f"{name}.json").write_text(json.dumps(split.coco))
    (target / "truth.csv").write_text("\n".join([*truth, ""]))


def _classes(data: Path) -> Iterator[tuple[str, list[Path]]]:
    """Twelve images of each folder that has as many, and what to call these."""
    for folder, every in image_folders(data):
        images = [path for path in every if path.stat().st_size <= _LARGEST]
        if "cases" not in folder.parts and len(images) >= _OF_A_FOLDER:
            name = "-".join((data.name, *folder.relative_to(data).parts))
            yield name, [images[i * len(images) // _OF_A_FOLDER] for i in range(_OF_A_FOLDER)]


class _Split:
    """A folder of images and their COCO file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        names = ("ground", "sky", "water", "wood")
        self.coco: dict[str, list[dict[str, object]]] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        }

    def add(self, image: Path, path: str, place: int, category: int) -> None:
        """Copy an image and annotate it with a box."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, target)
        os.utime(target, (_TIME, _TIME + place))
        number = len(self.coco["images"]) + 1
        x, y = place, place % 5
        self.coco["images"].append({"id": number, "file_name": path, "width": 64, "height": 64})
        self.coco["annotations"].append(
            {
                "id": number,
                "image_id": number,
                "category_id": category,
                "bbox": [x, y, 20, 20],
                "segmentation": [[x, y, x + 20, y, x + 20, y + 20]],
                "area": 200,
                "iscrowd": 0,
            }
        )
