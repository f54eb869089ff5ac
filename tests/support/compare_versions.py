"""Compare two versions of fastphash: the same cases, byte for byte.

    python tests/support/compare_versions.py OLD_PYTHON NEW_PYTHON DATA [DATA...]

runs all of `version_cases` with the fastphash that each interpreter has installed, in folders of
the same absolute path and on the same images, and compares exit statuses, stdout, stderr, and all
files after each case: their names, kinds, modes and bytes. DATA is a folder of image sets; below
its folder `cases` each folder is a chapter of its own. The exit status is 1 if anything differs.

What no two runs share is masked: see `_MASKS` and `_MASKS_OF_STDERR`.

With --structure the wording is left out: of what is printed only JSON is compared, and of HTML
and SVG the tags and attributes without texts and labels. Exit statuses and all other files are
compared as without it. So messages of which tables keep a copy (why an image was rejected or
skipped) still count.

This needs pyarrow and Python 3.11. With --work DIR everything is kept: `run/` of the last version,
the bytes of all files by their SHA-256 in `files/`, and what the old version did, which isn't run
again there for the same script and images. Delete DIR when the old version changes.
"""

import argparse
import contextlib
import hashlib
import os
import pickle
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.version_cases import HERE, Chapter, chapters, is_case
from tests.support.version_cases.differences import Comparison, Entry, Outcome
from tests.support.version_cases.pictures import pick

_MASKS = {
    # how long a search took
    rb"took [\d.,]+ s ": b"took MASKED s ",
    # a traceback names files of the environment
    rb'(?m)^ +File ".*\n(    .*\n)*': b"",
}
_MASKS_OF_STDERR = {
    **_MASKS,
    # a line of progress comes every ten seconds
    rb"(?m)^[a-z][a-z ]*: [\d,]+( of [\d,]+)?( [\d,]+/s)?(, [\d,]+ s left)?\n": b"",
}
_SHELL = """
fastphash() { "$PYTHON" -m fastphash "$@"; _said $?; }
program() { _name="$1"; shift; "$PYTHON" -P "$PROGRAMS/$_name.py" "$@"; _said $?; }
_said() { echo $1 >> "$STATUSES"; return $1; }
"""
_TIMEOUT = 300
_Ended = tuple[int, bytes, bytes]


class Runner:
    """Runs chapters with one version.

    Parameters
    ----------
    python : str
        Interpreter that has this version.
    work : Path
        Cases run in its folder `run`; the bytes of all files go to `files`.
    """

    def __init__(self, python: str, work: Path) -> None:
        self._python = python
        self._run = work / "run"
        self._files = work / "files"
        self._pictures = work / "pictures"
        # times of files that are older were kept on purpose
        self._began = time.time_ns()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, made: list[Chapter]) -> list[list[Outcome]]:
        """Run chapters side by side, each in an empty folder; what their cases came to."""
        shutil.rmtree(self._run, ignore_errors=True)
        self._files.mkdir(exist_ok=True)
        # whatever is compiled at first use is compiled here
        self.run_chapter(Chapter("warm", ["fastphash demo --workers 1"]))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                return list(pool.map(self.run_chapter, made))
            except BaseException:
                self._stopped = True
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(self._running):
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                raise

    def run_chapter(self, chapter: Chapter) -> list[Outcome]:
        """Run the lines of a chapter; an outcome for each case."""
        folder = self._run / chapter.name
        folder.mkdir(parents=True)
        statuses = self._run / f"{chapter.name}.statuses"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._run),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "PYTHON": self._python,
            "PROGRAMS": str(HERE),
            "PICTURES": str(self._pictures),
            "STATUSES": str(statuses),
            **chapter.variables,
        }
        known: dict[str, tuple[tuple[int, ...], Entry]] = {}
        outcomes = []
        unprepared: list[str] = []
        for line in chapter.lines:
            statuses.write_bytes(b"")
            status, stdout, stderr = self._shell(line, folder, environment)
            if is_case(line):
                told = [*statuses.read_text().split(), str(status)]
                tree = dict(self._tree(folder, known))
                texts = _masked(stdout, _MASKS), _masked(stderr, _MASKS_OF_STDERR)
                outcomes.append(Outcome(told, *texts, tree, unprepared))
                unprepared = []
            elif status:
                unprepared.append(f"{line}: {stderr.decode(errors='replace')}")
        return outcomes

    def _shell(self, line: str, folder: Path, environment: dict[str, str]) -> _Ended:
        """Run a line; what takes too long is killed, with all it began."""
        process = subprocess.Popen(
            ["sh", "-c", _SHELL + line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._running.add(process)
        try:
            stdout, stderr = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            stderr += b"killed: it took too long"
        self._running.discard(process)
        if self._stopped:
            raise SystemExit("stopped")
        return process.returncode, stdout, stderr

    def _tree(
        self, folder: Path, known: dict[str, tuple[tuple[int, ...], Entry]]
    ) -> Iterator[tuple[str, Entry]]:
        """Everything below a folder; what is `known` from before isn't read again."""
        for below, folders, names in os.walk(folder):
            for name in sorted(folders + names):
                path = os.path.join(below, name)
                status = os.lstat(path)
                # no file changes without its ctime
                mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                where = os.path.relpath(path, folder)
                if where not in known or known[where][0] != mark:
                    known[where] = mark, self._entry(path, status)
                yield where, known[where][1]

    def _entry(self, path: str, status: os.stat_result) -> Entry:
        kind = {
            stat.S_IFREG: "file",
            stat.S_IFDIR: "folder",
            stat.S_IFLNK: "link",
        }.get(stat.S_IFMT(status.st_mode), "special")
        if kind != "file":
            content = os.readlink(path) if kind == "link" else ""
            return Entry(kind, stat.S_IMODE(status.st_mode), 1, None, content)
        data = Path(path).read_bytes()
        content = hashlib.sha256(data).hexdigest()
        kept = self._files / content
        if not kept.exists():
            kept.write_bytes(data)
        time_ns = status.st_mtime_ns if status.st_mtime_ns < self._began else None
        return Entry(kind, stat.S_IMODE(status.st_mode), status.st_nlink, time_ns, content)


def _masked(text: bytes, masks: dict[bytes, bytes]) -> bytes:
    for pattern, mask in masks.items():
        text = re.sub(pattern, mask, text)
    return text


def _inputs(folders: list[Path]) -> dict[str, tuple[int, int]]:
    """Size and time of all files below some folders."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            found[str(path)] = status.st_size, status.st_mtime_ns
    return found


def _run_old(python: str, made: list[Chapter], work: Path, inputs: object) -> list[list[Outcome]]:
    """What chapters came to with the old version, of which the work folder keeps what it can."""
    programs = [(HERE / name).read_bytes() for name in ("api.py", "inspector.py")]
    whole = [repr((python, chapter, programs, inputs)) for chapter in made]
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in whole]
    file = work / "old.pickle"
    kept: dict[str, list[Outcome]] = pickle.loads(file.read_bytes()) if file.exists() else {}
    missing = [i for i, key in enumerate(keys) if key not in kept]
    found = Runner(python, work).run([made[i] for i in missing]) if missing else []
    kept |= {keys[i]: outcomes for i, outcomes in zip(missing, found, strict=True)}
    file.write_bytes(pickle.dumps(kept))
    return [kept[key] for key in keys]


def compare(old: str, new: str, data: list[Path], work: Path, only: str, *, structure: bool) -> int:
    """Run the chapters that are named; print what differs; returns how many cases do."""
    shutil.rmtree(work / "pictures", ignore_errors=True)
    (work / "pictures").mkdir(parents=True)
    pick(data, work / "pictures")
    named = only.split(",")
    made = [one for one in chapters(data) if any(name in one.name for name in named)]
    inputs = _inputs([*data, work / "pictures"])
    began = time.monotonic()
    outcomes = [_run_old(old, made, work, inputs)]
    print(f"old version: {time.monotonic() - began:.0f} s", flush=True)
    outcomes.append(Runner(new, work).run(made))
    print(f"both: {time.monotonic() - began:.0f} s", flush=True)
    if inputs != _inputs([*data, work / "pictures"]):
        raise SystemExit("something changed the images")
    comparison = Comparison(work / "files", structure=structure)
    different: list[str] = []
    cases = 0
    for chapter, *several in zip(made, *outcomes, strict=True):
        lines = filter(is_case, chapter.lines)
        for number, (line, *pair) in enumerate(zip(lines, *several, strict=True), 1):
            name = f"{chapter.name}/{number:02d}"
            found = list(comparison.differences(chapter.name, *pair))
            print(f"{'DIFFERENT' if found else 'equal':10}{name:20} {line}")
            for text in found:
                print(f"{'':10}{text}")
            different += [name] * bool(found)
            cases += 1
    print(f"{cases} cases, {cases - len(different)} equal, {len(different)} different")
    if different:
        print("different:", *different)
    return len(different)


def main() -> None:
    """Compare two versions as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", metavar="OLD_PYTHON")
    parser.add_argument("new", metavar="NEW_PYTHON")
    parser.add_argument("data", metavar="DATA", type=Path, nargs="+")
    parser.add_argument("--work", metavar="DIR", type=Path, help="keep everything in this folder")
    parser.add_argument(
        "--only", metavar="NAME", default="", help="chapters with NAME in theirs, or NAME,NAME"
    )
    parser.add_argument("--structure", action="store_true", help="leave the wording out")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        work = given.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        data = [folder.absolute() for folder in given.data]
        different = compare(
            given.old, given.new, data, work.absolute(), given.only, structure=given.structure
        )
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
