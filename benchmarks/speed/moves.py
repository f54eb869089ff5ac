"""How fast are copies moved aside and back, on one disk and to another, against another version?

Each image of `train` has the bytes of an image of `val`, so that all of `train` goes. Times are
those of whole commands, in files a second; every version moves files of its own audit, in turn.
A version is named by the command that runs it, such as
"env PYTHONPATH=CHECKOUT python -m fastphash".
"""

import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import FASTPHASH
from fastphash.images.encode import encode

_SIDE, _COARSE = 64, 8
_PER_FOLDER = 1000
_THIS = "this version"


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--count", type=positive_number, default=100_000, help="files that move")
    parser.add_argument("--copies", type=positive_number, default=100, help="of each image")
    parser.add_argument("--folder", type=Path, help="where the images are (default: TMPDIR)")
    parser.add_argument(
        "--aside",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="where to move to, as on another disk; may be repeated (default: beside the images)",
    )
    parser.add_argument("--rival", metavar="COMMAND", help="that runs another version")
    arguments = parser.parse_args()
    versions = {_THIS: [*FASTPHASH]}
    if arguments.rival:
        versions["rival"] = shlex.split(arguments.rival)
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        write_copies(Path(folder), arguments.count, arguments.copies)
        for name, command in versions.items():
            audit(Path(folder), name, command)
        for parent in arguments.aside or [Path(folder)]:
            with tempfile.TemporaryDirectory(dir=parent) as aside:
                for round_ in range(arguments.rounds):
                    for name, command in versions.items():
                        target = Path(aside) / str(round_)
                        seconds = move_and_undo(out(Path(folder), name), target, command)
                        speeds = (f"{arguments.count / one:,.0f}" for one in seconds)
                        rows.append((str(parent), name, *speeds))
    print_table(("moved to", "version", "moved a second", "moved back a second"), rows)


def write_copies(folder: Path, count: int, copies: int) -> None:
    """Write `count` files to train, of which so many have the bytes of one in val."""
    rng = np.random.default_rng(0)
    (folder / "val").mkdir()
    for number in range(count):
        if number % copies == 0:
            coarse = rng.integers(0, 256, (_COARSE, _COARSE, 3), np.uint8)
            scale = _SIDE // _COARSE
            data = encode(coarse.repeat(scale, axis=0).repeat(scale, axis=1), "PNG")
            (folder / "val" / f"{number:07d}.png").write_bytes(data)
        path = folder / "train" / f"{number // _PER_FOLDER:04d}" / f"{number:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def audit(folder: Path, name: str, command: list[str]) -> None:
    """Audit train and val by one version, and plan what goes."""
    written = out(folder, name)
    run(command, "audit", f"train={folder / 'train'}", f"val={folder / 'val'}", "-o", written)
    run(command, "clean", written)


def out(folder: Path, name: str) -> str:
    """The audit of a version: another one may not read it."""
    return str(folder / f"audit of {name}")


def move_and_undo(audited: str, aside: Path, command: list[str]) -> tuple[float, float]:
    """Seconds for moving all that goes, and for moving it back."""
    moved = run(command, "clean", audited, str(aside), "--apply", "--to", "move")
    return moved, run(command, "clean", audited, "--undo")


def run(command: list[str], *words: str) -> float:
    """Seconds that a command of a version takes; it ends the benchmark if it fails."""
    start = time.perf_counter()
    done = subprocess.run([*command, *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join([*command, *words])} failed:\n{done.stderr}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
