"""Parquet files, manifests, plans and labels from elsewhere: one line each, or the right answer."""

import contextlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.audits.labels import check_labels, compare_labels, open_labels
from fastphash.audits.options import AuditOptions, LabelSources
from fastphash.audits.proposals import check_proposals, propose
from fastphash.audits.run import audit
from fastphash.base.progress import no_progress
from fastphash.errors import FastphashError
from fastphash.files.digest import hex_digest_of
from fastphash.files.empty_parquet import read_data, write_data
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.review import Review
from fastphash.joins.options import JoinOptions
from fastphash.labels.coco_filter import filter_coco
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from fastphash.store.manifest import MANIFEST, manifest_digest
from fastphash.store.open import read_hashes
from fastphash.store.store import open_store
from fastphash.verification.criteria import CopyCriteria
from tests.support.command_line import run
from tests.support.examples import campaign_of
from tests.support.fuzzed import damaged, fuzzed_json, fuzzed_parquet
from tests.support.scenes import planted

IN_PROCESS = IngestOptions(workers=0)


@contextlib.contextmanager
def one_line():
    """Whatever fails inside says why in one line."""
    try:
        yield
    except FastphashError as error:
        said = str(error)
    else:
        return
    assert "\n" not in said


def command(*words):
    """Run a command, whatever it comes to: if it fails, it says why in one line."""
    done = run(*words, status=None)
    assert done.returncode in (0, 1, 2), words
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    # an undo that fails for some files lists these as its result
    assert len(errors) == (done.returncode != 0) or (not errors and done.stdout), done.stderr
    return done


def coco_file(folder, split):
    """Labels of every image of a split, each a square."""
    names = sorted(path.name for path in (folder / split).iterdir())
    return {
        "info": {"year": 2020},
        "images": [
            {"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names)
        ],
        "annotations": [
            {
                "id": 10 + i,
                "image_id": i,
                "category_id": 1 + i % 2,
                "bbox": [1, 2, 10, 12],
                "area": 120,
                "iscrowd": 0,
                "segmentation": [[1, 2, 11, 2, 11, 14, 1, 14]],
            }
            for i in range(len(names))
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }


class Sound:
    """A data set with labels, its audit, a plan and moved files; what a case changes comes back."""

    def __init__(self, folder):
        self.folder = folder
        planted(folder)
        self.coco = {}
        for split in ("train", "val"):
            self.coco[split] = folder / f"{split}.json"
            self.coco[split].write_text(json.dumps(coco_file(folder, split)))
        self.sources = [folder_source(f"{split}={folder / split}") for split in ("train", "val")]
        self.out, self.store = folder / "out", folder / "store"
        labels = LabelSources(coco=self.coco)
        audit(self.out, self.sources, AuditOptions(labels=labels), IN_PROCESS)
        hash_into(self.store, self.sources, IN_PROCESS)
        self.rows = read_hashes(str(self.store))
        audited = open_audit(self.out)
        self.groups = audited.groups
        self.table = pq.read_table(self.out / "hashes" / "part-000000.parquet")
        command("clean", self.out)
        self.kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def restore(self):
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self.kept:
                path.unlink()
        for path, data in self.kept.items():
            if not path.exists() or path.read_bytes() != data:
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_bytes(data)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return Sound(tmp_path_factory.mktemp("fuzzed"))


@pytest.fixture(autouse=True)
def _restored(sound):
    yield
    sound.restore()


def hash_table(rng, sound):
    """A Parquet file in the place of a store."""
    path, good = sound.folder / "given.parquet", str(sound.store)
    columns = ["path", "phash", *rng.choice(sound.table.column_names, 4)]
    fuzzed_parquet(rng, path, sound.table.select(list(dict.fromkeys(columns))))
    out, given = str(sound.folder / "result.parquet"), str(path)
    words = [
        ("info", given),
        ("join", given, good, "-o", out),
        ("join", good, given, "-o", out, "--radius", "3"),
        ("group", given, "-o", out),
        ("convert", given, str(sound.folder / "converted")),
        ("query", str(sound.folder / "val" / "leak.bmp"), "--in", given),
    ]
    command(*words[int(rng.integers(len(words)))])


def store_command(rng, sound):
    """Something that reads a store."""
    out, store = str(sound.folder / "result.parquet"), str(sound.store)
    words = [
        ("info", store),
        ("join", f"{store}@val", f"{store}@train", "-o", out),
        ("group", store, "-o", out, "--radius", "2"),
        ("info", store, "--rejected", str(sound.folder / "rejected.csv")),
    ]
    which = int(rng.integers(len(words) + 2))
    if which < len(words):
        command(*words[which])
        return
    with one_line():
        hash_into(sound.store, sound.sources, IN_PROCESS)


def part(rng, sound):
    """Another part in a store, with a manifest that says it is right; or without."""
    name = ("part-000000.parquet", "_rejected.parquet")[int(rng.random() < 0.1)]
    path = sound.store / name
    fuzzed_parquet(rng, path, sound.table)
    if rng.random() < 0.8:
        store = open_store(sound.store)
        store.parts[0].digest = hex_digest_of(sound.store / "part-000000.parquet")
        store.rejected_digest = hex_digest_of(sound.store / "_rejected.parquet")
        store.save()
    store_command(rng, sound)


def manifest(rng, sound):
    """Another manifest, with its right digest."""
    path = sound.store / MANIFEST
    text = fuzzed_json(rng, read_data(path))
    try:
        value = json.loads(text)
        if isinstance(value, dict) and rng.random() < 0.9:
            value["digest"] = manifest_digest(value)
            text = json.dumps(value).encode()
    except (ValueError, RecursionError):
        pass
    if rng.random() < 0.2:
        path.unlink()
        (sound.store / "_manifest.json").write_bytes(text)
    else:
        write_data(path, open_store(sound.store).schema, text)
    store_command(rng, sound)


def audit_command(rng, sound):
    """Something that reads an audit."""
    out = str(sound.out)
    truth = sound.folder / "truth.csv"
    truth.write_text("needle,haystack\nval/leak.png,train/003.png\n")
    words = [
        ("report", out),
        ("clean", out),
        ("clean", out, "--apply"),
        ("clean", out, "--undo"),
        ("info", out),
        ("evaluate", out, str(truth)),
    ]
    which = int(rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 6, 6, 6]))
    if which < len(words):
        command(*words[which])
        return
    with one_line():
        review = Review(open_audit(sound.out), no_progress)
        for group in range(len(review.catalog)):
            review.catalog.images(group)


RESULTS = ("groups", "leaks", "rejected", "findings", "conflicts", "rejected_annotations")


def result(rng, sound):
    """Another table beside the summary of an audit, which may not know of it."""
    there = [name for name in RESULTS if (sound.out / f"{name}.parquet").exists()]
    path = sound.out / f"{there[int(rng.integers(len(there)))]}.parquet"
    fuzzed_parquet(rng, path, pq.read_table(path))
    if rng.random() < 0.8:
        # as earlier versions wrote it, or as somebody who knows of digests would
        summary = json.loads((sound.out / "summary.json").read_text())
        summary.pop("tables", None)
        (sound.out / "summary.json").write_text(json.dumps(summary))
    audit_command(rng, sound)


def summary(rng, sound):
    path = sound.out / "summary.json"
    path.write_bytes(fuzzed_json(rng, path.read_bytes()))
    audit_command(rng, sound)


def plan(rng, sound):
    path = sound.out / "plan.parquet"
    fuzzed_parquet(rng, path, pq.read_table(path))
    command("clean", sound.out, "--apply")


def journal(rng, sound):
    path = sound.out / "moved.parquet"
    name = str(sound.folder / "train" / "000.png").encode()
    row = {"split": ["train"], "path": ["000.png"], "path_bytes": [None], "from": [name],
           "to": [name + b"x"], "digest": [bytes(16)]}  # fmt: skip
    table = pa.table(row)
    fuzzed_parquet(rng, path, table.set_column(5, "digest", table["digest"].cast(pa.binary(16))))
    words = [("--undo",), ("--apply",), (str(sound.folder / "aside"), "--apply", "--to", "move")]
    command("clean", sound.out, *words[int(rng.integers(3))])


def decisions(rng, sound):
    path = sound.out / "decisions.json"
    images = [
        {"split": "val", "path": "leak.png", "digest": "00" * 16},
        {"split": "train", "path": "003.png", "digest": "00" * 16},
    ]
    entry = {"images": images, "decision": "not_copies", "together": True}
    text = json.dumps({"version": 1, "decisions": [entry, entry]}).encode()
    path.write_bytes(fuzzed_json(rng, text))
    audit_command(rng, sound)


def proposals(rng, sound):
    path = (
        sound.folder
        / ("given.parquet", "given.jsonl", "given.csv")[int(rng.choice([0] * 8 + [1, 2]))]
    )
    names = sound.rows.table["path"].to_pylist()
    pairs = {
        "needle_path": names[:4],
        "haystack_path": names[4:8],
        "needle_split": ["train"] * 4,
        "haystack_split": ["train"] * 4,
        "score": [0.5, 1.0, None, 0.1],
    }
    vectors = {
        "split": sound.rows.splits.tolist(),
        "path": names,
        "vector": pa.array([[1.0, float(i)] for i in range(len(names))], pa.list_(pa.float32())),
    }
    table = pa.table(pairs if rng.random() < 0.5 else vectors)
    if path.suffix == ".parquet":
        fuzzed_parquet(rng, path, table)
    elif path.suffix == ".csv":
        path.write_bytes(damaged(rng, b"needle_path,haystack_path\n000.png,001.png\n002.png,\n"))
    else:
        path.write_bytes(
            fuzzed_json(rng, b'{"needle_path": "000.png", "haystack_path": "001.png"}')
        )
    with one_line():
        check_proposals(path, sound.out)
        propose(path, sound.rows, CopyCriteria(4, 0.5, JoinOptions()))


def coco(rng, sound):
    path = sound.coco["train"]
    path.write_bytes(fuzzed_json(rng, path.read_bytes()))
    labels = LabelSources(coco=sound.coco)
    with one_line():
        checked = check_labels(labels, no_progress)
        found = open_labels(sound.rows, sound.sources, labels, checked, no_progress)
        compare_labels(sound.groups, sound.rows, labels, found, checked, no_progress)
        filter_coco(path, sound.folder / "filtered.json", [1, "2"])
    if rng.random() < 0.1:
        command("clean", sound.out, "--apply", "--coco", f"train={path}")


def truth(rng, sound):
    path = sound.folder / "truth.csv"
    data = b"needle,haystack,kind\nval/leak.png,train/003.png,exact\n000.png,again.png,not copies\n"
    path.write_bytes(damaged(rng, data))
    if rng.random() < 0.3:
        fuzzed_parquet(rng, path, sound.table)
    command("evaluate", sound.out, path)


#: What is handed over, and of how many cases.
TARGETS = {
    hash_table: 1300,
    part: 600,
    manifest: 600,
    result: 700,
    summary: 300,
    plan: 200,
    journal: 200,
    decisions: 100,
    proposals: 400,
    coco: 500,
    truth: 100,
}
QUICK = {target: max(4, count // 100) for target, count in TARGETS.items()}


def attack(target, seeds, sound):
    """What comes of some cases; the seed of the first that ends otherwise is named."""
    for seed in seeds:
        try:
            target(np.random.default_rng([list(TARGETS).index(target), seed]), sound)
        except Exception as error:
            raise AssertionError(f"{target.__name__}, seed {seed}") from error
        finally:
            sound.restore()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_57_what_is_handed_over_costs_one_line(sound, target):
    attack(target, range(QUICK[target]), sound)


@pytest.mark.slow
@pytest.mark.parametrize("share", campaign_of(1, least=4))
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_57_five_thousand_files_cost_one_line_each(sound, target, share):
    attack(target, range(0, TARGETS[target], share), sound)


@pytest.mark.parametrize("values", [pa.nulls(16), pa.nulls(16, pa.large_binary())])
def test_57_exact_names_that_pandas_left_out(sound, values):
    """A column of nothing but None has the type null when pandas has written it."""
    path = sound.folder / "pandas.parquet"
    table = sound.table.slice(0, 16)
    names = table["path"].to_pylist()
    values = values.slice(0, table.num_rows)
    at = table.column_names.index("path_bytes")
    pq.write_table(table.set_column(at, "path_bytes", values), path)
    assert read_hashes(str(path)).paths.to_pylist() == [name.encode() for name in names]
    command("group", path, "-o", sound.folder / "groups.csv")


def test_57_a_table_names_its_file_and_column(sound):
    path = sound.folder / "given.parquet"
    table = sound.table.select(["path", "phash", "size"])
    huge = pa.array([2**64 - 1] * table.num_rows, pa.uint64())
    for bad, said in (
        (table.append_column("phash", table["phash"]), "several columns 'phash'"),
        (
            table.set_column(0, "path", pa.nulls(table.num_rows)),
            "column 'path', row 1: without a value",
        ),
        (table.set_column(2, "size", huge), "column 'size' can't be read as int64"),
        (table.set_column(1, "phash", table["path"]), "is no hash of 64 bits"),
        (table.replace_schema_metadata({b"fastphash": b"[1]"}), "its metadata 'fastphash'"),
    ):
        pq.write_table(bad, path)
        (line,) = command("info", path).stderr.splitlines()[-1:]
        assert line.startswith("Error: ")
        assert str(path) in line
        assert said in line


def test_57_results_are_as_the_audit_wrote_them(sound):
    for name in ("groups.parquet", "leaks.parquet", "rejected.parquet", "summary.json"):
        path = sound.out / name
        whole = path.read_bytes()
        if name.endswith("json"):
            path.write_bytes(whole.replace(b'"radius": ', b'"radius": 1'))
        else:
            pq.write_table(pq.read_table(path), path)
        done = command("clean", sound.out)
        assert f"{path} is not as the audit wrote it: run the audit again" in done.stderr
        path.write_bytes(whole)
    assert command("clean", sound.out).returncode == 0


HOSTILE = "a\x1b[31mb\nc\u202e"


def test_59_names_in_messages_are_escaped(tmp_path):
    """In what commands say of a name: no line of its own, no colour, no other direction."""
    (tmp_path / f"{HOSTILE}.parquet").write_text("hi")
    (tmp_path / HOSTILE).mkdir()
    (tmp_path / f"{HOSTILE}.json").write_text("[1")
    for words in (
        ("info", tmp_path / f"{HOSTILE}.parquet"),
        ("group", tmp_path / f"{HOSTILE}.parquet", "-o", tmp_path / "groups.csv"),
        ("hash", f"a={tmp_path / HOSTILE}", "-o", tmp_path / "store"),
        ("convert", tmp_path / f"{HOSTILE}.json", tmp_path / "store"),
        ("report", tmp_path / HOSTILE),
        ("evaluate", tmp_path, tmp_path / HOSTILE),
        ("join", tmp_path / HOSTILE, f"{tmp_path}@train", "-o", tmp_path / "pairs.csv"),
    ):
        said = command(*words).stderr
        assert said.count("\\x1b[31mb\\nc\\u202e") + said.count("no audit"), said
        assert not {"\x1b", "\u202e"} & {*said}
