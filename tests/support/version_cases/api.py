"""What the cases ask of the Python API: `api.py NAME [ARGUMENT...]`.

Results are written to files. What is printed is for people and may be worded in another way.
"""

import inspect
import json
import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import fastphash

_FEW, _MANY = 4000, 200_000
_SEED = 20230


def signatures() -> None:
    """Every public name: what it is, its signature, its bases, its members and theirs."""
    found = {"names": dir(fastphash), "version": fastphash.__version__}
    print(json.dumps(found | {name: _described(name) for name in fastphash.__all__}, indent=1))


def _described(name: str) -> Any:
    value = getattr(fastphash, name)
    if not isinstance(value, type):
        return _signature(value)
    members = {member: getattr(value, member) for member in dir(value) if member[0] != "_"}
    return {
        "bases": [base.__name__ for base in value.__mro__],
        "signature": _signature(value),
        "members": {member: _signature(found) for member, found in members.items()},
    }


def _signature(value: Any) -> str:
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        text = repr(value) if isinstance(value, (str, tuple)) else type(value).__name__
    # modules may move, and objects lie somewhere else in each process
    return re.sub(r"\bfastphash\.[\w.]*\.(?=\w)| at 0x\w+", "", text)


def options() -> None:
    """Every command's parameters: their names, types and defaults."""
    from fastphash.__main__ import main

    context = click.Context(main)
    found = {}
    for name in main.list_commands(context):
        found[name] = [
            {
                "name": option.name,
                "words": [*option.opts, *option.secondary_opts],
                "default": repr(option.default),
                "required": option.required,
                "several": [option.multiple if hasattr(option, "multiple") else 0, option.nargs],
                "flag": getattr(option, "is_flag", False),
                "type": {
                    key: repr(value)
                    for key, value in option.type.to_info_dict().items()
                    if key in ("choices", "min", "max", "min_open", "max_open")
                },
            }
            for option in main.get_command(context, name).params
        ]
    print(json.dumps(found, indent=1))


def images(data: str) -> None:
    """Hashes of all files below a folder, and why some have none."""
    ways: dict[str, Callable[[str], Any]] = {
        "phash": fastphash.phash,
        "phash_orientations": fastphash.phash_orientations,
        "bytes": lambda path: fastphash.phash(Path(path).read_bytes()),
        "other": lambda path: fastphash.phash(
            path, pass_order="horizontal", exif=True, strict_imagehash=True
        ),
        "image": lambda path: fastphash.phash(Image.open(path)),
        "array": lambda path: fastphash.phash(np.asarray(Image.open(path).convert("RGB"))),
    }
    paths = _paths(data)
    columns: dict[str, list[str]] = {"path": paths}
    for name, hashed in ways.items():
        columns[name] = []
        for i, path in enumerate(paths):
            if name in ("image", "array") and i % 10:
                columns[name].append("")
                continue
            try:
                columns[name].append(" ".join(np.atleast_1d(fastphash.to_hex(hashed(path)))))
            except Exception as error:
                columns[name].append(f"{type(error).__name__} {getattr(error, 'stage', '')}")
                print(f"{name} of {path}: {error}")
    pq.write_table(pa.table(columns), "images.parquet")


def tables(data: str) -> None:
    """Tables of `hash_images`."""
    paths = _paths(data)
    told: list[tuple[str, int, int]] = []
    made = {
        "all": fastphash.hash_images(paths),
        "two": fastphash.hash_images(paths[::3], workers=2, orientations=False),
        "other": fastphash.hash_images(
            map(os.fsencode, paths[::5]),
            workers=1,
            definition=fastphash.Definition(decode="reduced", exif=True, sixteen_bit="clipped"),
            thumbnails=False,
            timeout=100.0,
            max_pixels=50_000,
            progress=lambda *said: told.append(said),
        ),
        "none": fastphash.hash_images([]),
    }
    for name, (table, rejected) in made.items():
        pq.write_table(table, f"{name}.parquet")
        pq.write_table(rejected, f"{name}-rejected.parquet")
    print(told[-1])


def joins() -> None:
    """Joins and groups of seeded hashes: few with many near ones, and many with some."""
    rng = np.random.default_rng(_SEED)
    few = rng.integers(0, 2**64, _FEW, np.uint64)
    few[::3] = few[0] ^ (np.uint64(1) << rng.integers(0, 64, few[::3].size, np.uint64))
    few[::7] = few[7]
    turned = rng.integers(0, 2**64, (_FEW, 8), np.uint64)
    turned[::5] = np.roll(turned[1], 3)
    turned[::4] ^= np.uint64(0x8001)
    many = rng.integers(0, 2**64, _MANY, np.uint64)
    many[::2] = many[1::2] ^ (np.uint64(5) << rng.integers(0, 61, many[::2].size, np.uint64))
    for name, hashes in {"few": few, "turned": turned, "many": many}.items():
        for radius in (0, 1, 4, 8) if name == "many" else (0, 1, 4, 9, 16, 20):
            some = hashes if name == "many" else hashes[: _FEW // (1 + radius)]
            _write(f"join-{name}-{radius}", fastphash.join(some[::2], some[1::2], radius))
            _write(f"self-{name}-{radius}", fastphash.self_join(some, radius=radius))
            for grouping in ("star", "components"):
                groups = fastphash.group(some, radius, grouping=grouping)
                _write(f"group-{name}-{radius}-{grouping}", groups)
    _write("every", fastphash.self_join(few[:100], 64))
    _write("mixed", fastphash.join(turned[:900], few[:900], np.int64(20)))
    _write("none", fastphash.join(few[:0], [], 3))
    _write("hex", {"hex": fastphash.to_hex(few)})
    print(fastphash.to_hex(few[0]), repr(fastphash.from_hex(fastphash.to_hex(many[:2]))))


def errors() -> None:
    """What wrong arguments raise."""
    hashes = np.arange(4, dtype=np.uint64)
    calls: list[Callable[[], Any]] = [
        lambda: fastphash.phash(5),
        lambda: fastphash.phash("nowhere.jpg"),
        lambda: fastphash.phash("."),
        lambda: fastphash.phash(b""),
        lambda: fastphash.phash(b"no image"),
        lambda: fastphash.phash(np.zeros((4, 4))),
        lambda: fastphash.phash(np.zeros((4, 4, 4), np.uint8)),
        lambda: fastphash.phash(np.zeros((0, 4), np.uint8)),
        lambda: fastphash.phash(np.zeros((4, 4), np.uint8), pass_order="other"),
        lambda: fastphash.phash(np.zeros((4, 4), np.uint8), exif=True),
        lambda: fastphash.phash_orientations(None),
        lambda: fastphash.phash_orientations("nowhere.jpg", pass_order="other"),
        lambda: fastphash.hash_images("a.jpg"),
        lambda: fastphash.hash_images(["nowhere.jpg"], workers=0),
        lambda: fastphash.hash_images(["nowhere.jpg"], timeout=0),
        lambda: fastphash.hash_images(["nowhere.jpg"], timeout=float("nan")),
        lambda: fastphash.hash_images(["nowhere.jpg"], max_pixels=0),
        lambda: fastphash.hash_images([5], workers=1),
        lambda: fastphash.join(hashes, hashes, 65),
        lambda: fastphash.join(hashes, hashes, -1),
        lambda: fastphash.join(hashes, hashes, 1.5),
        lambda: fastphash.join(hashes, hashes, True),
        lambda: fastphash.join(hashes, hashes.astype(int)),
        lambda: fastphash.join(hashes, hashes.reshape(2, 2)),
        lambda: fastphash.join(hashes, hashes, 64, max_pairs=3),
        lambda: fastphash.join(hashes, hashes, max_pairs=-1),
        lambda: fastphash.self_join(hashes, 64, max_pairs=3),
        lambda: fastphash.self_join(["a"]),
        lambda: fastphash.self_join(hashes.reshape(2, 2, 1)),
        lambda: fastphash.group(hashes, 99),
        lambda: fastphash.group(hashes, grouping="other"),
        lambda: fastphash.group(5),
        lambda: fastphash.to_hex(-1),
        lambda: fastphash.to_hex(1.5),
        lambda: fastphash.to_hex("a"),
        lambda: fastphash.from_hex("a"),
        lambda: fastphash.from_hex(5),
        lambda: fastphash.from_hex(["0" * 16, "x" * 16]),
        lambda: fastphash.Definition(other=1),
        lambda: fastphash.hash_images(["a"], definition=5),
        lambda: fastphash.nothing,
    ]
    raised = []
    for i, call in enumerate(calls):
        try:
            raised.append(repr(call()))
        except Exception as error:
            raised.append(type(error).__name__)
            print(i, error)
    Path("errors.json").write_text(json.dumps(raised, indent=1))


def progress(*words: str) -> None:
    """Run a command as on a terminal, and print each stage of its progress with its end."""
    from rich.console import Console
    from rich.progress import Progress

    stages: list[list[Any]] = []

    def begin(*_: Any, **__: Any) -> None:
        stages.append([_[1], 0, None])

    def update(*_: Any, completed: float, total: float | None, **__: Any) -> None:
        stages[-1][1:] = [completed, total]

    # what is drawn, and when, is a matter of time
    Progress.start = Progress.stop = Progress.remove_task = lambda *_: None  # type: ignore[method-assign]
    add = Progress.add_task
    Progress.add_task = lambda *_, **__: (begin(*_), add(*_, **__))[1]  # type: ignore[method-assign]
    Progress.update = update  # type: ignore[method-assign]
    Console.is_terminal = property(lambda console: console.stderr)  # type: ignore[assignment]
    sys.argv = ["fastphash", *words]
    # this process goes on
    os._exit = sys.exit  # type: ignore[assignment]
    try:
        runpy.run_module("fastphash", run_name="__main__", alter_sys=True)
    finally:
        print(*stages, sep="\n")


def _paths(data: str) -> list[str]:
    return sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(data) for name in names
    )


def _write(name: str, arrays: Any) -> None:
    """Write named arrays as a Parquet file."""
    columns = arrays if isinstance(arrays, dict) else arrays._asdict()
    pq.write_table(pa.table(columns), f"{name}.parquet")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
