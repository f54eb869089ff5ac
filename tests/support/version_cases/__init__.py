"""The cases of `compare_versions`: shell scripts, one case a line, and what they need.

A script is a chapter: its lines run one after another in a folder of their own. In each line
`fastphash` is the command line and `program NAME` is `NAME.py` of this folder, both run with the
version under test; lines with neither only prepare the next ones. `include NAME` stands for the
lines of `parts/NAME.sh`. $PICTURES is what `pictures.pick` makes of all data, and for the scripts
in `of_data`, which run once for each folder of images, $DATA is that folder and $SPLITS its
folders as arguments.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.version_cases.pictures import image_folders

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Chapter:
    """A script.

    Attributes
    ----------
    name : str
    lines : list of str
    variables : dict of str to str
        What its lines know of the data.
    """

    name: str
    lines: list[str]
    variables: dict[str, str] = field(default_factory=dict)


def is_case(line: str) -> bool:
    """Whether a line is about fastphash, and doesn't only prepare the next one."""
    return "fastphash" in line or "program " in line


def chapters(data: list[Path]) -> Iterator[Chapter]:
    """All chapters for some folders of images."""
    for root in data:
        for script in sorted((HERE / "of_data").glob("*.sh")):
            name = f"{script.stem}-{root.name}" if len(data) > 1 else script.stem
            yield Chapter(name, _lines(script), _variables(root))
    for script in sorted((HERE / "of_pictures").glob("*.sh")):
        yield Chapter(script.stem, _lines(script))
    for root in data:
        for folder in sorted((root / "cases").glob("*/")):
            if any(image_folders(folder)):
                yield _chapter_of_case(folder)


def _chapter_of_case(folder: Path) -> Chapter:
    """An audit of a small data set, and one with each of its COCO files."""
    parts = HERE / "parts"
    lines, variables = _lines(parts / "case.sh"), _variables(folder)
    for file in sorted(folder.glob("*.json")):
        for split in variables["SPLITS"].split():
            labels = f"{split.split('=')[0]}=$DATA/{file.name}"
            with_labels = _lines(parts / "case_coco.sh")
            lines += [line.replace("$LABELS", labels) for line in with_labels]
    return Chapter(f"case-{folder.name}", lines, variables)


def _variables(root: Path) -> dict[str, str]:
    """A folder, and the folders in it as splits; itself if there are none."""
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    splits = [f"{path.name}={path}" for path in folders] or [f"all={root}"]
    return {"DATA": str(root), "SPLITS": " ".join(splits)}


def _lines(script: Path) -> list[str]:
    """The lines of a script, with those that it includes."""
    lines: list[str] = []
    for line in script.read_text().splitlines():
        if line.startswith("include "):
            lines += _lines(HERE / "parts" / f"{line.removeprefix('include ')}.sh")
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines
