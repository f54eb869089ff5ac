"""Faults 48 to 55: cleaning loses nothing, whatever happens to files, plan and process."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from fastphash.audits.run import audit
from fastphash.base.vocabulary import CLEAN_MODES, KINDS, SURE_KINDS, UNLOOKED
from fastphash.clean import tree
from fastphash.clean.apply import apply_plan
from fastphash.clean.checked_plan import CheckedPlan, read_plan
from fastphash.clean.drafts import CLEAN
from fastphash.clean.file_state import read_file_state
from fastphash.clean.journal import JOURNAL
from fastphash.clean.plan import PLAN, PLAN_METADATA, make_plan, plan_settings
from fastphash.clean.plan_counts import plan_summary
from fastphash.clean.skipped import SKIPPED
from fastphash.clean.undo import undo_moves
from fastphash.errors import FastphashError, StoreError, UsageError
from fastphash.files import durable_move, exclusive_rename, parquet
from fastphash.files.digest import digest_of
from fastphash.files.durable_move import move_file
from fastphash.files.own_copies import TakenError
from fastphash.files.own_names import taken_name
from fastphash.hashing.definition import HASH_COLUMNS, Definition
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.results.decisions import Decision, Image, decide
from fastphash.sources.local import LocalReader, folder_source
from fastphash.store.rows import HashTable
from fastphash.store.schema import REJECTED_SCHEMA
from fastphash.verification.findings import NO_FINDINGS
from tests.support.audits import fixed
from tests.support.command_line import run
from tests.support.disks import elsewhere, in_memory
from tests.support.examples import examples
from tests.support.forks import command
from tests.support.scenes import planted, save
from tests.support.skipping import missing

# calls by which a move changes what is on the disk
DURABLE = "link,linkat,unlink,rename,renameat2,symlink,fsync,fdatasync"


# nobody looks at pixels of files that are no images
ANY_SURE = [*SURE_KINDS, UNLOOKED]


class Small:
    """An audit of a few small files, without any image: rows share a hash if their letters do.

    A file holds a letter and a digit: the same letter is the same picture, the same text the same
    bytes.
    """

    def __init__(self, folder, files):
        self.folder = Path(folder) / "out"
        self.folder.mkdir()
        self.root = Path(folder)
        self.splits = ["train", "val"]
        self.summary = {
            "keep_in": [],
            "split_order": ["val", "train"],
            "masks": [],
            "radius": 0,
            "min_score": 0.5,
            "decisions": {},
            "labels": {},
            "splits": {split: {"listed": False} for split in self.splits},
        }
        roots = {split: str(self.root / split) for split in self.splits}
        self.store = SimpleNamespace(roots=roots, digest="s", hashes_digest="h")
        self.rejected = REJECTED_SCHEMA.empty_table()
        self.findings = NO_FINDINGS
        for split in self.splits:
            (self.root / split).mkdir()
        for name, content in files.items():
            target = files.get(content)
            if target is None:
                (self.root / name).write_text(content)
            else:
                link = os.symlink if name.endswith("l") else os.link
                link(self.root / content, self.root / name)
        self.names = sorted(files)
        self.rows = self._rows()

    def _rows(self):
        texts = [(self.root / name).read_bytes() for name in self.names]
        states = [(self.root / name).stat() for name in self.names]
        hashes = np.array([[text[0]] * 8 for text in texts], np.uint64).reshape(-1, 8)
        thumbnails = [text[:1] * 512 + b"\0" * 512 for text in texts]
        columns = {
            "split": pa.array([n.split("/")[0] for n in self.names], pa.string()),
            "path": pa.array([n.split("/")[1] for n in self.names], pa.string()),
            "path_bytes": pa.nulls(len(texts), pa.binary()),
            "size": pa.array([state.st_size for state in states], pa.int64()),
            "mtime_ns": pa.array([state.st_mtime_ns for state in states], pa.int64()),
            "digest": fixed([xxhash.xxh3_128_digest(text) for text in texts], 16),
            "width": pa.array([8] * len(texts), pa.int32()),
            "height": pa.array([8] * len(texts), pa.int32()),
            **{name: pa.array(hashes[:, i]) for i, name in enumerate(HASH_COLUMNS)},
            "thumbnail": fixed(thumbnails, 1024),
        }
        columns["split"] = columns["split"].dictionary_encode()
        return HashTable(pa.table(columns), Definition())

    def file(self, split, path):
        return os.fsencode(self.root / split) + b"/" + path

    def in_containers(self, split):
        return False

    def reader(self, split):
        return LocalReader(os.fsencode(self.root / split))

    def image(self, name):
        row = self.names.index(name)
        split, path = name.split("/")
        return Image(split, path.encode(), self.rows.table["digest"][row].as_py())

    def plan(self, **how):
        return CheckedPlan(self, make_plan(self, **{"by": ANY_SURE} | how))


def groups_of(plan):
    """Names of the images of each group, by the keeper's row."""
    found = {}
    for row, keeper in enumerate(plan.keeper.tolist()):
        if keeper >= 0:
            found.setdefault(keeper, [keeper]).append(row)
    return list(found.values())


def everything(*folders):
    """Every byte string that lies in some folders."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                found.add(path.read_bytes())
    return found


def contents(paths):
    return {path.read_bytes() for path in paths if path.is_file()}


def own_names_in(*folders):
    """Files that a move left behind, complete or not."""
    return [path for folder in folders for path in folder.rglob(".fastphash-*")]


def readable(plan, rows):
    """Those of some rows whose names give the bytes that were planned for."""
    found = []
    for row in rows:
        try:
            if digest_of(plan.file(row)) == plan.digests[row]:
                found.append(row)
        except OSError:
            pass
    return found


@pytest.fixture
def place(tmp_path):
    """A new folder DIR outside of the splits."""
    return tmp_path / "aside"


@pytest.fixture
def small(tmp_path):
    """Three groups: a (two identical, one exact), b across splits, c alone."""
    files = {"train/1": "a1", "train/2": "a1", "train/3": "a2", "train/4": "b1", "val/5": "b1"}
    return Small(tmp_path, files | {"train/6": "c1"})


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    audit(
        folder / "out",
        [folder_source(text) for text in planted(folder)],
        ingest=IngestOptions(workers=1),
    )
    return open_audit(folder / "out")


def edited(plan, row, **values):
    """A plan with some values of one row changed."""
    rows = plan.to_pylist()
    rows[row] |= values
    table = pa.Table.from_pylist(rows, plan.schema)
    return table.replace_schema_metadata(plan.schema.metadata)


# 48


def test_48_edited_plans(small):
    plan = make_plan(small)
    goes = next(i for i, row in enumerate(plan.to_pylist()) if row["action"] == "remove")
    stays = CheckedPlan(small, plan).keeper[goes]
    edits = [
        edited(plan, int(stays), action="remove"),
        edited(plan, goes, keeper_path="6", keeper_split="val"),
        edited(plan, goes, keeper_path=None),
        edited(plan, goes, keeper_path=plan["path"][goes].as_py()),
        edited(plan, goes, kind=None),
        edited(plan, goes, action="delete"),
        edited(plan, goes, path="../../x"),
        edited(plan, goes, size=1),
        plan.slice(1),
        plan.take([1, 0, *range(2, plan.num_rows)]).replace_schema_metadata(plan.schema.metadata),
        plan.drop_columns(["digest"]),
        plan.replace_schema_metadata({}),
        *(
            plan.replace_schema_metadata({PLAN_METADATA: text})
            for text in damaged(plan_settings(plan))
        ),
    ]
    for table in edits:
        with pytest.raises(StoreError):
            CheckedPlan(small, table)


def damaged(made):
    """What may stand where a plan says what it was made by."""
    yield from (b"", b"{", b"\xff", b"[]", b"null", b"1", b"[" * 100_000)
    for name in made:
        # plans of earlier versions say neither what was found nor what decisions change
        if name not in ("findings", "by_decision"):
            yield json.dumps({key: value for key, value in made.items() if key != name}).encode()
        yield json.dumps(made | {name: None}).encode()
    yield json.dumps(made | {"store": "other"}).encode()
    yield json.dumps(made | {"findings": "other"}).encode()


def test_48_roots_of_a_plan_are_not_believed(small):
    made = plan_settings(make_plan(small)) | {"roots": {"other": 1}}
    plan = make_plan(small).replace_schema_metadata({PLAN_METADATA: json.dumps(made).encode()})
    with pytest.raises(UsageError, match="lie in one another"):
        apply_plan(CheckedPlan(small, plan), "move", small.root / "train" / "deeper")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "bits from its keeper"),
        ({"distance": 64}, "not exact at distance 64"),
        ({"kind": "near"}, "bits from its keeper, not near at distance 0"),
        ({"kind": "exact", "keeper_path": "1", "keeper_split": "train"}, None),
        ({"kind": "near", "keeper_path": "1", "keeper_split": "train"}, "wasn't made by"),
        ({"kind": "collision", "keeper_path": "1", "keeper_split": "train"}, "wasn't made by"),
    ],
)
def test_48_copies_of_other_keepers_and_kinds(small, values, said):
    """train/2 is train/1 again, val/5 is another picture."""
    row = small.names.index("train/2")
    given = {"kind": "exact", "keeper_path": "5", "keeper_split": "val", "distance": 0} | values
    plan = make_plan(small, by=ANY_SURE, keep_in=["train"])
    plan = edited(plan, small.names.index("val/5"), action="keep", keeper_path=None)
    table = edited(plan, row, action="remove", **given)
    if said is None:
        assert CheckedPlan(small, table).keeper[row] == small.names.index("train/1")
        return
    with pytest.raises(StoreError, match=said):
        CheckedPlan(small, table)


def test_48_a_copy_by_decision_goes_whatever_its_kind(small):
    row, other = (small.names.index(name) for name in ("train/6", "train/4"))
    decide(small.folder, Decision("copies", (small.image("train/6"), small.image("train/4"))))
    plan = make_plan(small, by=[], keep_in=["train"])
    assert CheckedPlan(small, plan).keeper[max(row, other)] == min(row, other)


def test_48_a_keeper_goes_with_none_of_its_copies(small):
    plan = make_plan(small)
    row = CheckedPlan(small, plan).keeper.max()
    actions = plan["action"].to_pylist()
    actions[row] = "remove"
    images = plan.to_pylist()
    other = next(i for i in range(len(images)) if actions[i] == "keep" and i != row)
    for name in ("split", "path"):
        column = [image[f"keeper_{name}"] for image in images]
        column[row] = images[other][name]
        place = plan.schema.get_field_index(f"keeper_{name}")
        field = plan.schema.field(place)
        plan = plan.set_column(place, field, pa.array(column).cast(field.type))
    place = plan.schema.get_field_index("action")
    plan = plan.set_column(place, plan.schema.field(place), pa.array(actions).dictionary_encode())
    with pytest.raises(StoreError, match="are both to be removed: set the action of one"):
        CheckedPlan(small, plan)


def test_48_a_group_marked_whole_keeps_all(small, place):
    plan = make_plan(small)
    parquet.write_table(small.folder / PLAN, plan.set_column(
        plan.schema.get_field_index("action"),
        plan.schema.field("action"),
        pa.array(["remove"] * plan.num_rows).dictionary_encode(),
    ))  # fmt: skip
    with pytest.raises(StoreError, match="its keeper is no image of this plan: set"):
        apply_plan(read_plan(small), "move", place)
    assert not place.exists()


# 49


@pytest.mark.parametrize("mode", CLEAN_MODES)
def test_49_changed_since_the_plan(small, place, mode):
    plan = small.plan()
    goes, stays = (
        plan.file(int(np.flatnonzero(rows)[0])) for rows in (plan.keeper >= 0, plan.keeper < 0)
    )
    Path(os.fsdecode(goes)).write_text("something else")
    os.utime(stays, ns=(1, 1))
    applied = apply_plan(plan, mode, place)
    said = {why for _, _, why in applied.skipped}
    assert "changed since it was hashed" in said
    assert Path(os.fsdecode(goes)).read_text() == "something else"
    assert applied.planned == applied.done + len(applied.skipped)


@pytest.mark.parametrize("which", ["all", "keepers", "copies"])
def test_49_moved_only_with_the_bytes_that_were_hashed(small, place, which):
    plan = small.plan()
    copies = plan.keeper >= 0
    disturb(plan, {"all": plan.keeper > -2, "keepers": ~copies, "copies": copies}[which])
    applied = apply_plan(plan, "move", place)
    assert applied.done == 0
    assert len(applied.skipped) == applied.planned == 3
    assert all(os.path.exists(plan.file(row)) for row in range(len(plan)))


def test_49_copied_only_with_the_bytes_that_were_hashed(small, place):
    plan = small.plan()

    def disturbed_after_it(*arguments, **options):
        state = read_file_state(*arguments, **options)
        disturb(plan, plan.keeper < 0)
        return state

    with mock.patch.object(tree, "read_file_state", disturbed_after_it):
        applied = apply_plan(plan, "copy", place)
    assert applied.done == 0
    assert everything(place) == set()
    # before it, they are noticed, and their copies stay
    assert apply_plan(plan, "copy", place).done == len(plan) - np.count_nonzero(plan.keeper < 0)


def disturb(plan, rows):
    """Give files other bytes of the same size and time."""
    for row in np.flatnonzero(rows).tolist():
        path = plan.file(row)
        state = os.stat(path)
        Path(os.fsdecode(path)).write_text("zz")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_49_what_went_as_planned_is_not_skipped(small, place):
    plan = small.plan()
    moved = apply_plan(plan, "move", place)
    assert moved.done == 3
    for mode in ("lists", "copy"):
        applied = apply_plan(plan, mode, place / mode)
        assert (applied.planned, applied.done, applied.skipped) == (3, 3, [])
    # one that has changed is left out, and may be wanted
    undo_moves(small.folder)
    Path(os.fsdecode(plan.file(int(np.flatnonzero(plan.keeper >= 0)[0])))).write_text("new")
    applied = apply_plan(plan, "lists", place / "again")
    assert [why for _, _, why in applied.skipped] == ["changed since it was hashed"]


@pytest.mark.parametrize("mode", CLEAN_MODES)
def test_49_a_split_whose_disk_is_missing(small, place, mode):
    plan = small.plan(keep_in=["train"])
    # all of val goes: it may be gone
    shutil.rmtree(small.root / "val")
    assert apply_plan(plan, "lists", place / "lists").done == 3
    shutil.rmtree(small.root / "train")
    with pytest.raises(StoreError, match=r"all 5 images of split 'train' are gone from .*/train:"):
        apply_plan(plan, mode, place / "other")
    assert not (place / "other").exists()


# 50


LINKED = {
    "a link to the keeper": {"val/k": "a1", "train/l": "val/k"},
    "a hard link to the keeper": {"val/k": "a1", "train/h": "val/k"},
    "the keeper links to the copy": {"train/c": "a1", "val/l": "train/c"},
    "by way of another link": {"train/c": "a1", "train/xl": "train/c", "val/l": "train/xl"},
    "two links and a file": {"val/k": "a2", "train/c": "a1", "train/xl": "train/c"},
}


@pytest.mark.parametrize("device", ["same", "other"])
@pytest.mark.parametrize("files", LINKED.values(), ids=LINKED)
def test_50_links(tmp_path, files, device):
    found = Small(tmp_path, files)
    plan = found.plan()
    before = {name: (found.root / name).read_text() for name in files}
    where = elsewhere(tmp_path) if device == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as target:
        applied = apply_plan(plan, "move", Path(target))
        assert applied.planned == applied.done + len(applied.skipped)
        for group in groups_of(plan):
            assert group[0] in readable(plan, group)
        undo_moves(found.folder) if applied.done else None
    assert {name: (found.root / name).read_text() for name in files} == before
    for name, content in files.items():
        if name.endswith("l"):
            assert (found.root / name).is_symlink(), content


def test_50_a_file_of_two_splits_by_a_linked_folder(tmp_path):
    found = Small(tmp_path, {"val/k": "a1"})
    os.symlink(found.root / "val", found.root / "train" / "deep")
    rows = found.rows.table
    both = pa.concat_tables([rows, rows])
    both = both.set_column(0, "split", pa.array(["train", "val"]).dictionary_encode())
    both = both.set_column(1, "path", pa.array(["deep/k", "k"]))
    found.rows = HashTable(both, Definition())
    plan = found.plan()
    assert (plan.keeper >= 0).sum() == 1
    applied = apply_plan(plan, "move", tmp_path / "aside")
    assert (applied.done, len(applied.skipped)) == (0, 1)
    assert (found.root / "val" / "k").read_text() == "a1"


# 51


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_51_the_keeper_vanished(small, place, how):
    plan = small.plan()
    group = next(group for group in groups_of(plan) if len(group) == 3)
    keeper = Path(os.fsdecode(plan.file(group[0])))
    keeper.unlink() if how == "gone" else keeper.write_text("other")
    applied = apply_plan(plan, "move", place)
    assert readable(plan, group[1:]) == group[1:]
    assert sum("its keeper" in why for _, _, why in applied.skipped) == 2
    # lists and trees have the copies instead
    tree = apply_plan(plan, "copy", place / "tree")
    copies = {os.path.basename(plan.file(row)) for row in group[1:]}
    assert copies <= set(os.listdir(os.fsencode(place / "tree" / "train")))
    assert len(tree.rescued) == 2


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_51_the_keeper_vanished_after_the_first_copy_was_moved(small, place, how):
    plan = small.plan()
    group = next(group for group in groups_of(plan) if len(group) == 3)
    keeper = Path(os.fsdecode(plan.file(group[0])))
    state = keeper.stat()

    def tell(stage, done, total):
        if stage == "moving" and sum(os.path.exists(plan.file(row)) for row in group[1:]) == 1:
            keeper.unlink(missing_ok=True) if how == "gone" else keeper.write_text("zz")
            if how == "changed":
                os.utime(keeper, ns=(state.st_atime_ns, state.st_mtime_ns))

    applied = apply_plan(plan, "move", place, progress=tell)
    assert len(readable(plan, group[1:])) == 1
    assert sum("its keeper" in why for _, _, why in applied.skipped) == 1


# 52


def test_52_another_device(small, tmp_path):
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as target:
        assert os.stat(target).st_dev != tmp_path.stat().st_dev
        before = everything(small.root / "train", small.root / "val")
        plan = small.plan()
        applied = apply_plan(plan, "move", Path(target))
        assert applied.done == applied.planned == 3
        assert everything(Path(target)) <= before
        assert everything(small.root / "train", small.root / "val", Path(target)) == before
        assert len(readable(plan, range(len(plan)))) == 3
        undo_moves(small.folder)
        assert len(readable(plan, range(len(plan)))) == 6
        assert list(Path(target).iterdir()) == []


def test_52_copied_synced_and_read_before_it_is_unlinked(small):
    told = []
    row = int(np.flatnonzero(small.plan().keeper >= 0)[0])

    def tell(module, name):
        real = getattr(module, name)

        def call(*arguments, **options):
            told.append((name, str(arguments[0])))
            return real(*arguments, **options)

        return mock.patch.object(module, name, call)

    with tempfile.TemporaryDirectory(dir=elsewhere(small.root)) as target:
        plan = small.plan()
        with tell(os, "fsync"), tell(os, "unlink"), tell(durable_move, "give_name"):
            move_file(plan.file(row), os.fsencode(target) + b"/x", plan.digests[row])
    names = [name for name, _ in told]
    # the copy, its name, folder, source, its folder
    assert names == ["give_name", "fsync", "give_name", "fsync", "unlink", "fsync"]
    assert told[4] == ("unlink", str(taken_name(plan.file(row))))


# 53


TAKEN = {
    "file": lambda path: path.write_text("mine"),
    "empty file": lambda path: path.write_text(""),
    "folder": lambda path: path.mkdir(),
    "link to nothing": lambda path: path.symlink_to("nothing"),
}


def state_of(path):
    if path.is_symlink():
        return os.readlink(path)
    return path.read_text() if path.is_file() else "folder"


@pytest.mark.parametrize("how", TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink", "move"])
def test_53_the_name_is_taken(small, place, mode, how):
    plan = small.plan()
    row = int(np.flatnonzero((plan.keeper >= 0) == (mode == "move"))[0])
    assert readable(plan, [row])
    taken = place / plan.splits[row] / os.fsdecode(plan.paths[row])
    taken.parent.mkdir(parents=True)
    how(taken)
    before = state_of(taken)
    applied = apply_plan(plan, mode, place)
    assert [why for _, _, why in applied.skipped] == ["its name is taken"]
    assert state_of(taken) == before
    assert row in readable(plan, [row])
    if mode == "move":
        undo_moves(small.folder)
        assert len(readable(plan, range(len(plan)))) == 6
        assert state_of(taken) == before


def test_53_the_same_bytes_are_somebody_elses(small, place):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    taken = place / plan.splits[row] / os.fsdecode(plan.paths[row])
    taken.parent.mkdir(parents=True)
    shutil.copy(os.fsdecode(plan.file(row)), taken)
    applied = apply_plan(plan, "move", place)
    assert [why for _, _, why in applied.skipped] == ["its name is taken"]
    undo_moves(small.folder)
    assert taken.exists()
    assert len(readable(plan, range(len(plan)))) == 6


@pytest.mark.parametrize("device", ["same", "other"])
def test_53_the_name_is_taken_in_between(small, device, tmp_path):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    where = elsewhere(tmp_path) if device == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as folder:
        target = os.fsencode(folder) + b"/x"
        real = os.makedirs

        def late(*arguments, **options):
            real(*arguments, **options)
            Path(os.fsdecode(target)).write_text("mine")

        with mock.patch.object(os, "makedirs", late), pytest.raises(TakenError):
            move_file(plan.file(row), target, plan.digests[row])
        assert Path(os.fsdecode(target)).read_text() == "mine"
        assert os.listdir(folder) == ["x"]
    assert readable(plan, [row]) == [row]


def test_53_undo_overwrites_nothing(small, place):
    plan = small.plan()
    apply_plan(plan, "move", place)
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    back = Path(os.fsdecode(plan.file(row)))
    back.write_text("mine")
    undone = undo_moves(small.folder)
    assert [why for _, _, why in undone.skipped] == ["its name is taken"]
    assert back.read_text() == "mine"
    back.unlink()
    assert undo_moves(small.folder).done == 1
    assert len(readable(plan, range(len(plan)))) == 6


def test_53_a_file_is_not_moved_onto_itself(small):
    plan = small.plan()
    path = plan.file(0)
    os.symlink(small.root / "train", small.root / "again")
    for name in (path, os.fsencode(small.root / "again" / os.fsdecode(plan.paths[0]))):
        with pytest.raises(TakenError):
            move_file(path, name, plan.digests[0])
    assert readable(plan, [0]) == [0]


@contextlib.contextmanager
def poor_disk(*, links):
    """A disk that can't rename without replacing in one step, and may have no hard links."""

    def no_links(source, target, **options):
        raise PermissionError(1, "no links here")

    with (
        mock.patch.object(exclusive_rename, "_rename_in_one_step", return_value=False),
        contextlib.nullcontext() if links else mock.patch.object(os, "link", no_links),
    ):
        yield


@pytest.mark.parametrize("links", [True, False])
def test_53_nothing_is_overwritten_on_a_poor_disk(small, place, links):
    plan = small.plan()
    with poor_disk(links=links):
        applied = apply_plan(plan, "move", place)
        assert applied.done == 3
        assert undo_moves(small.folder).done == 3
        taken = place / "train" / "2"
        taken.parent.mkdir(parents=True, exist_ok=True)
        taken.write_text("mine")
        assert len(apply_plan(plan, "move", place).skipped) == 1
        assert taken.read_text() == "mine"
    assert not own_names_in(small.root)


def labelled(small, content=None):
    """A COCO file of the split train, of all its images or as given."""
    path = small.root / "labels.json"
    names = [name.split("/")[1] for name in small.names if name.startswith("train")]
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    boxes = [{"id": i, "image_id": i} for i in range(len(names))]
    path.write_text(content or json.dumps({"images": images, "annotations": boxes}))
    return path


def unlink(small, labels, target):
    labels.unlink()


def damage(small, labels, target):
    labels.write_text('{"images": [], "annotations": [{"id": 1, "image_')


def be_doubtful(small, labels, target):
    # of ["1", "2"] any may be meant by two names that end in the same
    labelled(small, json.dumps({"images": [{"id": i, "file_name": f"{i}/2"} for i in range(2)]}))


def take_its_name(small, labels, target):
    target.mkdir(parents=True)
    (target / "train.json").write_text("mine")


def be_a_folder(small, labels, target):
    (target / "train.json").mkdir(parents=True)


def be_a_file(small, labels, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("mine")


def keep_from_being_recorded(small, labels, target):
    (small.folder / SKIPPED).mkdir()


def files_in(folder):
    return {path for path in folder.rglob("*") if not path.is_dir() and path.name != "_lock"}


OBSTACLES = [
    unlink,
    damage,
    be_doubtful,
    take_its_name,
    be_a_folder,
    be_a_file,
    keep_from_being_recorded,
]


@pytest.mark.parametrize("mode", CLEAN_MODES)
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_53_what_is_in_the_way_is_found_before_anything_is_done(small, place, mode, obstacle):
    plan = small.plan()
    labels = labelled(small)
    target = small.folder / CLEAN if mode == "move" else place
    obstacle(small, labels, target)
    before = files_in(small.root)
    with pytest.raises((FastphashError, FileExistsError, NotADirectoryError)):
        apply_plan(plan, mode, place, labels={"train": labels})
    assert files_in(small.root) == before
    assert len(readable(plan, range(len(plan)))) == 6


def test_53_what_could_not_be_moved_stays_in_the_coco_file(small, place):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    disturb(plan, np.arange(len(plan)) == row)
    applied = apply_plan(plan, "move", place, labels={"train": labelled(small)})
    (path,) = applied.files
    named = {image["file_name"] for image in json.loads(path.read_text())["images"]}
    assert named == set(os.listdir(small.root / "train"))
    assert os.fsdecode(plan.paths[row]) in named


def test_54_what_was_skipped_is_recorded_though_it_ended_badly(small, place):
    plan = small.plan()
    goes = np.flatnonzero(plan.keeper >= 0).tolist()
    disturb(plan, np.arange(len(plan)) == goes[0])

    def tell(stage, done, total):
        if stage == "moving" and done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_plan(plan, "move", place, progress=tell)
    skipped = parquet.read_table(small.folder / SKIPPED).to_pylist()
    assert [row["why"] for row in skipped] == ["changed since it was hashed"]


# 54


def killed_at_every_call(forks, images, tmp_path, where, step, *, undone):
    """Move and undo, killed at durable calls; a second run completes, an undo restores."""
    strace = shutil.which("strace")
    if strace is None:
        missing("no strace")
    data = tmp_path / "data"
    shutil.copytree(images.folder.parent, data)
    audit(
        data / "out",
        [folder_source(f"{s}={data / s}") for s in ("train", "val")],
        ingest=IngestOptions(workers=1),
    )
    found = open_audit(data / "out")
    # two files go: what is done for one is done for each
    parquet.write_table(data / "out" / PLAN, make_plan(found, by=[]))
    wanted = {path: path.read_bytes() for s in ("train", "val") for path in (data / s).iterdir()}
    target = where / "aside"
    move = ("clean", str(data / "out"), str(target), "--apply", "--to", "move")
    undo = ("clean", str(data / "out"), "--undo")

    def traced(words, *options):
        paths = [target, *(target / s for s in ("train", "val")), data / "train", data / "out"]
        paths += [data / "out" / name for name in ("moved.parquet", "_moved.parquet.fastphash.tmp")]
        paths += [
            folder / name
            for path, content in wanted.items()
            for name in (
                path.name,
                f".fastphash-{xxhash.xxh3_128_hexdigest(content)}",
                f".fastphash-taken-{path.name}",
            )
            for folder in (data / "train", target / "train")
        ]
        named = [word for path in paths for word in ("-P", str(path))]
        before = [strace, "-f", "-qq", *named, "-e", f"trace={DURABLE}", *options]
        return forks.run(command, *words, cwd=data, before=before)

    def there(path):
        aside = target / path.parent.name / path.name
        return [name for name in (path, aside) if name.is_file() and not name.is_symlink()]

    log = tmp_path / "strace.log"
    for words, other in ((move, undo), (undo, move))[: 1 + undone]:
        if words is undo:
            run(*move, cwd=data)
        assert traced(words, "-o", str(log)).returncode == 0
        run(*other, cwd=data)
        names = re.findall(
            r"\b(link|linkat|unlink|rename|renameat2|symlink|fsync|fdatasync)\(", log.read_text()
        )
        calls = [(name, names[: i + 1].count(name)) for i, name in enumerate(names)]
        assert len(calls) > 8
        for name, when in calls[::step]:
            killed = traced(
                words, "-o", "/dev/null", "-e", f"inject={name}:signal=KILL:when={when}"
            )
            assert killed.returncode == -signal.SIGKILL, (name, when, killed.stderr)
            for path, content in wanted.items():
                # whole, in one of its two places or, for a moment, in both
                found = [*there(path), path.with_name(f".fastphash-taken-{path.name}")]
                found += [target / path.parent.name / found[-1].name]
                assert content in contents(found), (name, when)
            if words is move:
                done = run(*words, cwd=data)
                assert all(len(there(path)) == 1 for path in wanted), (name, when, done.stdout)
            if (data / "out" / JOURNAL).exists():
                run(*undo, cwd=data)
            assert all(path.read_bytes() == content for path, content in wanted.items())
            assert all(there(path) == [path] for path in wanted)
            assert not own_names_in(data, target), (name, when)
            if words is undo:
                run(*move, cwd=data)


@pytest.mark.slow
def test_54_killed_while_moving(forks, images, tmp_path):
    killed_at_every_call(forks, images, tmp_path, tmp_path, step=41, undone=False)


@pytest.mark.slow
@pytest.mark.parametrize("device", ["same", "other"])
def test_54_killed_at_every_durable_call(forks, images, tmp_path, device):
    if device == "same":
        killed_at_every_call(forks, images, tmp_path, tmp_path, step=1, undone=True)
        return
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        killed_at_every_call(forks, images, tmp_path, Path(folder), step=1, undone=True)


# 55


def test_55_equal_hash_and_different_bytes(images, tmp_path, place):
    # flat.png and flatter.png share their hash, and are no copies
    plan = make_plan(images)
    rows = {row["path"]: i for i, row in enumerate(plan.to_pylist()) if row["split"] == "train"}
    flat, flatter = rows["flat.png"], rows["flatter.png"]
    assert plan["action"][flat].as_py() == plan["action"][flatter].as_py() == "keep"
    asked = make_plan(images, by=["collision"])
    assert plan_summary(asked)["train"]["kinds"]["collision"] == 1
    named = {"keeper_split": "train", "keeper_path": "flat.png"}
    with pytest.raises(StoreError, match="was found to be collision, not identical"):
        CheckedPlan(images, edited(plan, flatter, action="remove", kind="identical", **named))
    assert save(tmp_path / "x.png", np.zeros((2, 2), np.uint8)).exists()
    assert not place.exists()


# all of them together


NAMES = [f"{split}/{i}" for split in ("train", "val") for i in range(4)]
CONTENTS = ["a1", "a2", "b1", "b2", "c1"]


class Killed(BaseException):
    """Ends a run wherever it is."""


@st.composite
def plots(draw):
    """Files, what was decided, what happens between plan and run, and when the run ends."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=7))
    files = {name: draw(st.sampled_from(CONTENTS)) for name in names}
    for name in names[:1]:
        for split in draw(st.lists(st.sampled_from(["train", "val"]), unique=True, max_size=2)):
            files[f"{split}/{draw(st.sampled_from(['h', 'l']))}"] = name
    every = sorted(files)
    some = st.sampled_from(every) if every else st.nothing()
    change = st.tuples(st.sampled_from(["gone", "changed", "link", "folder", "taken"]), some, some)
    edit = st.tuples(st.integers(0, 8), st.sampled_from(["keep", "remove"]), st.integers(0, 8))
    word = st.tuples(st.sampled_from(["copies", "not_copies", "keeper"]), some, some)
    return (
        files,
        draw(st.lists(word, max_size=2)) if every else [],
        draw(st.lists(change, max_size=3)) if every else [],
        draw(st.lists(edit, max_size=2)),
        draw(st.sets(st.sampled_from(KINDS))),
        draw(st.sampled_from(CLEAN_MODES)),
        draw(st.none() | st.integers(0, 12)),
    )


def happen(found, what, name, other, place):
    path = found.root / name
    if what == "taken":
        taken = place / name
        taken.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(taken):
            taken.write_text("mine")
        return
    if not path.is_file():
        return
    if what == "changed":
        # by another file: others may be links to this one
        path.unlink()
        path.write_text(f"new {name}")
        return
    path.unlink()
    if what == "link" and name != other:
        path.symlink_to(found.root / other)
    elif what == "folder":
        path.mkdir()


@contextlib.contextmanager
def ending_after(calls):
    """Let the process end at the so manieth call that changes the disk: nothing is tidied up."""
    count = itertools.count()
    names = ("link", "unlink", "symlink", "replace", "fsync")
    real = {(os, name): getattr(os, name) for name in names}
    real[exclusive_rename, "_rename_in_one_step"] = exclusive_rename._rename_in_one_step

    def wrap(function):
        def call(*arguments, **options):
            if next(count) >= calls:
                raise Killed
            return function(*arguments, **options)

        return call

    with contextlib.ExitStack() as stack:
        for (module, name), function in real.items():
            stack.enter_context(mock.patch.object(module, name, wrap(function)))
        yield


def play(plot):
    files, words, changes, edits, kinds, mode, end = plot
    with tempfile.TemporaryDirectory(dir=in_memory()) as name:
        found, place = Small(name, files), Path(name) / "aside"
        for word, one, other in words:
            about = [one] if word == "keeper" else [one, other]
            if len(set(about)) == len(about):
                decide(found.folder, Decision(word, tuple(map(found.image, about))))
        table = make_plan(found, by=list(kinds))
        whole = CheckedPlan(found, table)
        for row, action, keeper in edits:
            if max(row, keeper) < len(whole):
                of = table.slice(keeper, 1).to_pylist()[0]
                named = {"keeper_split": of["split"], "keeper_path": of["path"]}
                table = edited(table, row, action=action, kind="exact", distance=0, **named)
        for change in changes:
            happen(found, *change, place)
        try:
            plan = CheckedPlan(found, table)
        except StoreError:
            return
        folders = [found.root / "train", found.root / "val", place]
        before = everything(*folders)
        groups = [readable(plan, group) for group in groups_of(plan)]
        states = {row: plan.file(row) for row in readable(plan, range(len(plan)))}
        if end is not None:
            with ending_after(end), contextlib.suppress(Killed, FastphashError):
                apply_plan(plan, mode, place)
        try:
            applied = apply_plan(plan, mode, place)
        except UsageError:
            assert mode == "lists"
            return
        except StoreError:
            # nothing that should stay is left of a split
            folders = [found.root / split for split in found.splits]
            assert any(not any(map(Path.exists, folder.iterdir())) for folder in folders)
            return
        assert applied.planned == applied.done + applied.already + len(applied.skipped)
        assert before <= everything(*folders)
        for group in groups:
            assert not group or readable(plan, group), (group, mode)
        if mode == "move" and (found.folder / JOURNAL).exists():
            undo_moves(found.folder)
            assert before <= everything(*folders)
        assert set(readable(plan, states)) == set(states)


@examples(100)
@given(plots())
@example(({"train/0": "a1", "val/l": "train/0"}, [], [], [], set(), "move", None))
def test_48_random_plans(plot):
    play(plot)


@pytest.mark.campaign
@pytest.mark.parametrize("half", [1, 2])
def test_48_a_thousand_random_plans(half):
    """Two halves that two processes can play at once."""

    @seed(half)
    @settings(max_examples=500)
    @given(plots())
    def play_all(plot):
        play(plot)

    play_all()
