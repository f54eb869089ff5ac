"""Plans heed labels: what stays, what is said, and what an edited plan may not do."""

import json
import tempfile
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.base.vocabulary import KINDS, UNLOOKED
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan, plan_settings
from fastphash.clean.plan_counts import (
    count_disagreements,
    count_keeper_reasons,
    list_disagreements,
)
from fastphash.errors import StoreError, UsageError
from fastphash.results.decisions import Decision, Image, decide
from fastphash.results.priority import priority
from tests.support import naive
from tests.support.audits import RADIUS, audited
from tests.support.findings import findings_of
from tests.support.thumbnails import POOL

WHOLE = [0, 0, 8, 8]


def write_coco(path, images, boxes=WHOLE):
    """A COCO file of {file name: categories}: each object fills its image."""
    listed = [{"id": i, "file_name": name} for i, name in enumerate(images)]
    objects = [(i, category) for i, name in enumerate(images) for category in images[name]]
    annotations = [
        {"id": k, "image_id": i, "category_id": category, "bbox": boxes}
        for k, (i, category) in enumerate(objects)
    ]
    named = {category for _, category in objects}
    categories = [{"id": category, "name": f"thing {category}"} for category in named]
    document = {"images": listed, "annotations": annotations, "categories": categories}
    Path(path).write_text(json.dumps(document))
    return path


def labelled(folder, splits, *, classes=None, objects=None, contents=None, **data):
    """An audit of equal images, or of `contents`, in class folders or with objects in COCO files.

    objects[i] are the categories of row i, None if its file doesn't list it; a split all of whose
    rows have `...` has no file.
    """
    contents = contents or [0] * len(splits)
    hashes = data.get("hashes", np.zeros((max(contents, default=0) + 1, 8), np.uint64))
    pictures = data.get("pictures", [2] * len(hashes))
    audit = audited(folder, contents, hashes, pictures, splits)
    paths = [f"{i:02d}.png" for i in range(len(splits))]
    if classes:
        paths = [f"{kind}/{path}" for kind, path in zip(classes, paths, strict=True)]
        audit.summary["labels"]["folder"] = {"conflicts": 0, "depths": {"train": 0, "val": 0}}
    table = audit.rows.table
    audit.rows.table = table.set_column(table.column_names.index("path"), "path", [paths])
    files = {}
    for split in ("train", "val"):
        listed = {
            path: own
            for path, of, own in zip(paths, splits, objects or [...] * len(splits), strict=True)
            if of == split and own is not ...
        }
        if listed:
            there = {path: own for path, own in listed.items() if own is not None}
            files[split] = str(write_coco(Path(folder) / f"{split}.json", there))
    if files:
        audit.summary["labels"]["coco"] = {"files": files}
    return audit


def gone(plan):
    return [i for i, row in enumerate(plan.to_pylist()) if row["action"] == "remove"]


def keeper_rows(plan):
    """{row: row of its keeper} of a plan."""
    number = {(row["split"], row["path"]): i for i, row in enumerate(plan.to_pylist())}
    return {
        i: number[row["keeper_split"], row["keeper_path"]]
        for i, row in enumerate(plan.to_pylist())
        if row["action"] == "remove"
    }


def test_copies_in_two_classes_stay_and_copies_in_one_go(tmp_path):
    audit = labelled(tmp_path, ["train"] * 4, classes=["a", "b", "b", "a"])
    plan = make_plan(audit)
    assert keeper_rows(plan) == {3: 0, 2: 1}
    assert count_disagreements(plan) == {"folder": 1}
    assert list_disagreements(plan, 5) == [
        {
            "split": "train",
            "path": "b/01.png",
            "keeper_split": "train",
            "keeper_path": "a/00.png",
            "disagrees": "folder",
        }
    ]
    plan = make_plan(audit, conflicts="drop")
    assert gone(plan) == [1, 2, 3]
    assert count_disagreements(plan) == {}


def test_one_picture_in_a_hundred_classes_stays_once_in_each(tmp_path):
    classes = [f"{i % 100:03d}" for i in range(300)]
    plan = make_plan(labelled(tmp_path, ["train"] * 300, classes=classes))
    assert len(gone(plan)) == 200
    assert count_disagreements(plan) == {"folder": 99}


@pytest.mark.parametrize("bare", [None, []])
def test_the_annotated_image_is_the_keeper_of_its_split(tmp_path, bare):
    audit = labelled(tmp_path, ["train"] * 2, objects=[bare, [1]])
    plan = make_plan(audit)
    assert keeper_rows(plan) == {0: 1}
    assert count_keeper_reasons(plan) == {"annotated": 1}
    assert keeper_rows(make_plan(audit, conflicts="drop")) == {0: 1}


@pytest.mark.parametrize("bare", [None, []])
@pytest.mark.parametrize("conflicts", ["keep", "drop"])
def test_an_annotated_image_stays_beside_a_bare_one_that_has_priority(tmp_path, bare, conflicts):
    audit = labelled(tmp_path, ["train", "val", "val"], objects=[[1], bare, bare])
    plan = make_plan(audit, conflicts=conflicts)
    assert keeper_rows(plan) == {2: 1}
    assert count_disagreements(plan) == {"unannotated": 1}
    decided = Image("val", b"01.png", audit.rows.table["digest"][1].as_py())
    decide(audit.folder, Decision("keeper", (decided,)))
    assert keeper_rows(make_plan(audit, conflicts=conflicts)) == {2: 1}


def test_a_split_without_a_file_says_nothing_about_annotations(tmp_path):
    audit = labelled(tmp_path, ["train", "val"], objects=[[1], ...])
    plan = make_plan(audit)
    assert keeper_rows(plan) == {0: 1}
    assert count_keeper_reasons(plan) == {"val before train": 1}
    assert plan_settings(plan)["emptied"] == [
        {"split": "train", "what": "split", "name": "", "images": 1}
    ]


def test_other_annotations_keep_copies_apart_until_they_agree(tmp_path):
    objects = [[1], [2], [2, 2], [2], [1]]
    plan = make_plan(labelled(tmp_path, ["train"] * 5, objects=objects))
    assert keeper_rows(plan) == {3: 1, 4: 0}
    assert count_disagreements(plan) == {"coco": 2}


def test_a_copy_that_disagrees_with_many_stays_unseen(tmp_path):
    """After some looks a copy stays without another one."""
    objects = [[kind] for kind in range(1, 14)] * 2
    plan = make_plan(labelled(tmp_path, ["train"] * 26, objects=objects))
    goes = keeper_rows(plan)
    assert all(objects[row] == objects[keeper] for row, keeper in goes.items())
    assert len(goes) >= 8


def test_a_chosen_keeper_is_a_reason_of_its_own(tmp_path):
    audit = labelled(tmp_path, ["train", "train"])
    digest = audit.rows.table["digest"][1].as_py()
    decide(audit.folder, Decision("keeper", (Image("train", b"01.png", digest),)))
    plan = make_plan(audit)
    assert keeper_rows(plan) == {0: 1}
    assert count_keeper_reasons(plan) == {"decided": 1}


@pytest.mark.parametrize(
    ("splits", "given", "lost"),
    [
        (["val", "train"], {"classes": "aa"}, [("train", "split", "", 1)]),
        (["val", "train", "train"], {"classes": "aab"}, [("train", "class", "a", 1)]),
        (
            ["val", "train", "train"],
            {"objects": [..., [1], []]},
            [("train", "annotations", "", 1)],
        ),
        (
            ["val", "train", "train"],
            {"objects": [..., [1, 2], [1]]},
            [("train", "category", "thing 2", 1)],
        ),
        (["val", "train", "train"], {"objects": [..., [1], [1]]}, []),
    ],
)
def test_what_would_lose_all_of_its_images_is_named(tmp_path, splits, given, lost):
    hashes = np.zeros((2, 8), np.uint64)
    hashes[1] = 2**64 - 1
    given = {"contents": [0, 0, 1][: len(splits)], "hashes": hashes, **given}
    if "classes" in given:
        given["classes"] = list(given["classes"])
    plan = make_plan(labelled(tmp_path, splits, **given))
    names = ("split", "what", "name", "images")
    assert plan_settings(plan)["emptied"] == [dict(zip(names, of, strict=True)) for of in lost]


@pytest.mark.parametrize(
    ("of_first", "lost"), [(["1"], []), (["01"], []), (["1", "2"], [("category", "thing 2", 1)])]
)
def test_a_category_stays_that_another_image_has_by_a_number(tmp_path, of_first, lost):
    hashes = np.array([[0] * 8, [2**64 - 1] * 8], np.uint64)
    objects = [..., of_first, [1]]
    audit = labelled(
        tmp_path, ["val", "train", "train"], contents=[0, 0, 1], hashes=hashes, objects=objects
    )
    path = Path(audit.summary["labels"]["coco"]["files"]["train"])
    categories = [{"id": key, "name": f"thing {key}"} for key in (1, 2)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"categories": categories}))
    emptied = plan_settings(make_plan(audit))["emptied"]
    assert [(found["what"], found["name"], found["images"]) for found in emptied] == lost


def edited(plan, **columns):
    """A plan with other values in some columns, as somebody might write them."""
    for name, values in columns.items():
        at = plan.column_names.index(name)
        column = pa.array(values, pa.string()).dictionary_encode()
        plan = plan.set_column(at, plan.schema.field(at), column.cast(plan.schema.field(at).type))
    return plan


@pytest.mark.parametrize(
    "given",
    [
        {"splits": ["train", "train"], "classes": ["a", "b"]},
        {"splits": ["train", "train"], "objects": [[1], [2]]},
        {"splits": ["val", "train"], "objects": [[], [1]]},
    ],
)
def test_an_edited_plan_can_not_remove_what_stays_for_its_labels(tmp_path, given):
    audit = labelled(tmp_path, **given)
    plan = make_plan(audit)
    assert gone(plan) == []
    wanted = edited(plan, action=["keep", "remove"], disagrees=[None, None])
    with pytest.raises(StoreError, match="its labels are not those of its keeper: plan again"):
        CheckedPlan(audit, wanted)
    with pytest.raises(StoreError, match="without an orientation"):
        CheckedPlan(audit, edited(wanted, orientation=[None, None]))
    with pytest.raises(StoreError, match="its keeper is no image of this plan"):
        CheckedPlan(audit, edited(plan, action=["remove", "keep"]))


def test_a_plan_that_drops_conflicts_is_accepted(tmp_path):
    audit = labelled(tmp_path, ["train"] * 2, classes=["a", "b"])
    plan = make_plan(audit, conflicts="drop")
    assert CheckedPlan(audit, plan).keeper.tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("kind", "given", "goes"),
    [
        ("cropped", {"objects": [[1], [2]]}, [1]),
        ("altered", {"objects": [[1], [2]]}, []),
        ("cropped", {"objects": [[], [1]]}, []),
        ("cropped", {"objects": [[1], [1]], "classes": ["a", "b"]}, []),
    ],
)
def test_annotations_of_a_crop_keep_nothing(tmp_path, kind, given, goes):
    """Its boxes have moved; but class folders say what they say, and a bare image keeps none."""
    hashes = np.array([[0] * 8, [2**64 - 1] * 8], np.uint64)
    audit = labelled(tmp_path, ["val", "train"], contents=[0, 1], hashes=hashes, **given)
    audit.findings = findings_of([(0, 1)], [KINDS.index(kind)], distance=np.array([64], np.uint8))
    plan = make_plan(audit, by=["cropped", "altered"])
    assert gone(plan) == goes
    assert np.flatnonzero(CheckedPlan(audit, plan).keeper >= 0).tolist() == goes


def test_wrong_words_and_missing_files_are_named(tmp_path):
    audit = labelled(tmp_path, ["train"] * 2, objects=[[1], [2]])
    with pytest.raises(UsageError, match="`conflicts` is 'ask': use one of keep, drop"):
        make_plan(audit, conflicts="ask")
    (tmp_path / "train.json").unlink()
    with pytest.raises(UsageError, match=r"no such file: '.*train.json', the COCO file of split"):
        make_plan(audit)


@st.composite
def cases(draw):
    count = draw(st.integers(1, 4))
    rows = draw(st.integers(1, 9))

    def each(values):
        return draw(st.lists(st.sampled_from(values), min_size=rows, max_size=rows))

    words = st.sampled_from([0, 1, 3, 2**64 - 1])
    hashes = np.array([draw(st.tuples(*[words] * 8)) for _ in range(count)], np.uint64)
    pictures = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))
    return {
        "contents": each(range(count)),
        "hashes": hashes,
        "pictures": pictures,
        "splits": each(["train", "val"]),
        "classes": each("ab") if draw(st.booleans()) else None,
        "objects": each([None, [], [1], [2], [1, 2]]) if draw(st.booleans()) else None,
    }, draw(st.sampled_from(["keep", "drop"]))


@pytest.mark.slow
@settings(max_examples=150)
@given(cases())
def test_a_plan_is_that_of_every_pair_compared_by_their_labels(case):
    given, conflicts = case
    with tempfile.TemporaryDirectory() as folder:
        audit = labelled(folder, **given)
        plan = make_plan(audit, by=[*KINDS, UNLOOKED], conflicts=conflicts)
        accepted = CheckedPlan(audit, plan).keeper
        order = levelled_priority(given, audit)
    goes = keeper_rows(plan)
    assert {row: accepted[row] for row in np.flatnonzero(accepted >= 0).tolist()} == goes
    assert goes == plain_removals(given, order, conflicts)
    stays = set(range(len(given["splits"]))) - set(goes)
    assert set(goes.values()) <= stays
    if conflicts == "keep" and given["classes"]:
        assert {given["classes"][row] for row in stays} == set(given["classes"])
    if given["objects"]:
        bare = [row for row in stays if not given["objects"][row]]
        assert not [row for row in goes if given["objects"][row] and goes[row] in bare]


def levelled_priority(given, audit):
    """Rows in order of priority: in each split by their labels first."""
    order = priority(audit.rows, audit.summary["split_order"]).tolist()
    objects = given["objects"]
    if not objects:
        return order
    level = [0 if own else 2 if own is None else 1 for own in objects]
    splits = list(dict.fromkeys(given["splits"][row] for row in order))
    return sorted(order, key=lambda row: (splits.index(given["splits"][row]), level[row]))


def plain_removals(given, order, conflicts):
    """Every pair compared: {row: its keeper} of the rows that go."""
    contents = given["contents"]
    hashes = given["hashes"][contents]
    thumbnails = POOL[[given["pictures"][c] for c in contents]]
    rows = range(len(contents))
    kinds = {
        (i, j): naive.kind_of(hashes, thumbnails, contents, i, j) for i, j in permutations(rows, 2)
    }
    apart = set()
    for place, stay in enumerate(order):
        for go in order[place + 1 :]:
            if labels_apart(given, stay, go, conflicts):
                apart.add(frozenset((stay, go)))
    found = naive.clean(order, set(KINDS), RADIUS, set(), apart, kinds)
    return {row: keeper for row, keeper in found.items() if row != keeper}


def labels_apart(given, stay, go, conflicts):
    if objects := given["objects"]:
        if objects[go] and not objects[stay]:
            return True
        differ = objects[go] and sorted(objects[go]) != sorted(objects[stay])
        if conflicts == "keep" and differ:
            return True
    classes = given["classes"]
    return bool(conflicts == "keep" and classes and classes[stay] != classes[go])
