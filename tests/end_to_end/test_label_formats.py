"""Labels in files of single images and in tables are compared as those in COCO files are."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.files import parquet
from tests.support.command_line import FAILED, USAGE, error_of, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

WIDTH, HEIGHT = 64, 48
NAMES = ("car", "house")
# of each picture: a keeper in val, and a copy in train that is turned or not; boxes in pixels
SAME = [("car", 8, 8, 24, 40), ("house", 32, 4, 60, 20)]
ELSEWHERE = [("car", 40, 8, 56, 40), ("house", 32, 4, 60, 20)]
FEWER = SAME[:1]
PICTURES = {
    "same": (SAME, SAME, False),
    "turned": (SAME, [("car", 40, 8, 56, 40), ("house", 4, 4, 32, 20)], True),
    "elsewhere": (SAME, ELSEWHERE, False),
    "fewer": (SAME, FEWER, False),
    "none": (SAME, [], False),
    "other": ([("car", 8, 8, 24, 40)], [("house", 8, 8, 24, 40)], False),
}
CONFLICTS = [
    ("elsewhere", "1 car, 1 house", "1 car, 1 house"),
    ("fewer", "1 car", "1 car, 1 house"),
    ("none", "no objects", "1 car, 1 house"),
    ("other", "1 house", "1 car"),
]


def write_coco(folder, split, labels):
    images = [{"id": i, "file_name": f"{name}.png"} for i, name in enumerate(labels)]
    annotations = [
        {"image_id": i, "category_id": NAMES.index(name), "bbox": [x, y, right - x, bottom - y]}
        for i, objects in enumerate(labels.values())
        for name, x, y, right, bottom in objects
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(NAMES)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / f"{split}.json").write_text(json.dumps(document))
    return ["--coco", f"{split}={split}.json"]


def write_yolo(folder, split, labels):
    (folder / "data.yaml").write_text("names:\n  0: car\n  1: house\n")
    (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    for image, objects in labels.items():
        lines = [
            f"{NAMES.index(name)} {(x + right) / 2 / WIDTH} {(y + bottom) / 2 / HEIGHT} "
            f"{(right - x) / WIDTH} {(bottom - y) / HEIGHT}\n"
            for name, x, y, right, bottom in objects
        ]
        (folder / "labels" / split / f"{image}.txt").write_text("".join(lines))
    return []


def write_voc(folder, split, labels):
    for image, objects in labels.items():
        root = ET.Element("annotation")
        for name, *corners in objects:
            item = ET.SubElement(root, "object")
            ET.SubElement(item, "name").text = name
            box = ET.SubElement(item, "bndbox")
            for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
                ET.SubElement(box, tag).text = str(value)
        ET.ElementTree(root).write(folder / "images" / split / f"{image}.xml")
    return []


def write_labelme(folder, split, labels):
    for image, objects in labels.items():
        shapes = [
            {"label": name, "shape_type": "rectangle", "points": [[right, bottom], [x, y]]}
            for name, x, y, right, bottom in objects
        ]
        path = folder / "images" / split / f"{image}.json"
        path.write_text(json.dumps({"version": "5.0", "shapes": shapes}))
    return []


def write_csv(folder, split, labels):
    with open(folder / f"{split}.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "xmin", "ymin", "xmax", "ymax", "by"])
        for image, objects in labels.items():
            for row in objects or [("", "", "", "", "")]:
                writer.writerow([f"{image}.png", *row, "me"])
    return ["--labels", f"{split}={split}.csv"]


WRITERS = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "labelme": write_labelme,
    "table": write_csv,
}


def pictures(folder):
    for seed, (name, (*_, mirrored)) in enumerate(PICTURES.items()):
        pixels = scene(seed, HEIGHT, WIDTH)
        save(folder / "images" / "val" / f"{name}.png", pixels)
        save(folder / "images" / "train" / f"{name}.png", pixels[:, ::-1] if mirrored else pixels)


def written(folder, train, val):
    """Pictures with labels of these formats; returns the words that an audit needs."""
    pictures(folder)
    words = ["audit", "train=images/train", "val=images/val", "-o", "out", "--keep-in", "val"]
    words += WRITERS[val](folder, "val", {name: keeper for name, (keeper, *_) in PICTURES.items()})
    copies = {name: copy for name, (_, copy, _) in PICTURES.items()}
    return words + WRITERS[train](folder, "train", copies)


def conflicts(folder):
    rows = parquet.read_table(folder / "out" / "conflicts.parquet").to_pylist()
    return [(row["path"][:-4], row["label"], row["keeper_label"], row["source"]) for row in rows]


@pytest.mark.parametrize("form", slow_but(["yolo", "voc"], WRITERS))
def test_conflicts_are_those_of_the_same_labels_as_coco(tmp_path, form):
    shown = run(*written(tmp_path, form, form), cwd=tmp_path).stdout
    assert too_wide(shown) == []
    assert "copies with other annotations than their keeper: 4" in shown
    assert sorted(conflicts(tmp_path)) == [(*conflict, form) for conflict in CONFLICTS]
    plan = json.loads(run("clean", "out", "--json", cwd=tmp_path).stdout)
    assert plan["splits"]["train"]["remove"] == 3
    code = "coco" if form == "coco" else "annotations"
    assert plan["disagreements"] == {code: 3}
    shown = run("clean", "out", cwd=tmp_path).stdout
    assert "3 with other annotations; --conflicts drop lets them go" in " ".join(shown.split())
    dropped = run("clean", "out", "--conflicts", "drop", "--json", cwd=tmp_path).stdout
    assert json.loads(dropped)["splits"]["train"]["remove"] == 6


def test_formats_are_compared_with_one_another(tmp_path):
    run(*written(tmp_path, "yolo", "table"), cwd=tmp_path)
    assert sorted(conflicts(tmp_path)) == [(*conflict, "yolo") for conflict in CONFLICTS]
    # classes without names are numbers, which say nothing of words
    (tmp_path / "data.yaml").unlink()
    words = ["audit", "train=images/train", "val=images/val", "-o", "out"]
    run(*words, "--labels", "val=val.csv", cwd=tmp_path)
    assert conflicts(tmp_path) == []
    run(*words, cwd=tmp_path)
    assert conflicts(tmp_path) == []
    run(*words, "--labels", "val=val.csv", "--no-sidecar-labels", cwd=tmp_path)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["labels"].keys() == {"tables"}


GOOD_VOC = b"<annotation><object><name>car</name></object></annotation>"
GOOD_LABELME = b'{"shapes": [{"label": "car", "points": [[1, 1], [9, 9]]}]}'
BOMB = b'<!DOCTYPE a [<!ENTITY x "xxx"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>'
# by format: what every other image has, and files of images with the reason that is said; with no
# reason, they are read
BROKEN = {
    "yolo": (
        ".txt",
        b"0 0.5 0.5 0.2 0.2\n",
        {
            b"\xff\xfe" + "0 0.5 0.5 0.2 0.2".encode("utf-16-le"): "",
            b"0 0.1 0.1 0.9 0.1 0.5 0.9\n": "",
            b"0 0.5 0.5 0.2 0.2 0.99\n": "",
            b"0 0.5 0.5\n1 2 3 4 5\n": "line 1 is no class and box or polygon: '0 0.5 0.5'; and 1",
            b"0 0.5 0.5 0.2 \xe9\n": "line 1 is no class and box or polygon",
            b"0 0.5 nan 0.2 0.2\n": "line 1 is no class and box or polygon",
            b"0 0.5\0": "it has NUL bytes: no text",
            b"0 0.5 0.5 0.2 0.2\n" * 10_001: "it has 10,001 objects, so these are no labels",
        },
    ),
    "voc": (
        ".xml",
        GOOD_VOC,
        {
            b'<?xml version="1.0" encoding="latin-1"?>' + GOOD_VOC.replace(b"car", b"\xe9"): "",
            GOOD_VOC.replace(b"car", b"\xe9"): "",
            GOOD_VOC.decode().encode("utf-16"): "",
            BOMB: "it has a document type or entities, which labels don't need",
            b"<annotation>" + b"<a>" * 2_000_000: "larger than 4 MB",
            b"<a>" * 100_000 + b"</a>" * 100_000: "no <annotation>, but <a>",
            b"<annotation><object>": "no XML: no element found",
            b'<?xml version="1.0" encoding="x"?><a/>': "can't be read: 'unknown encoding: x'",
            b"<annotation><object><name>a</name><bndbox><xmin>x</xmin></bndbox></object>"
            b"</annotation>": "object 0 has no bndbox of numbers",
            b"<annotation><object/></annotation>": "object 0 has no name",
            b"<annotation>" + b"<object/>" * 10_001 + b"</annotation>": "it has 10,001 objects",
        },
    ),
    "labelme": (
        ".json",
        GOOD_LABELME,
        {
            GOOD_LABELME.decode().encode("utf-16"): "",
            b"[" * 100_000: "JSON that can't be read: maximum recursion depth exceeded",
            b"{": "JSON that can't be read",
            b"[]": "it has no list of shapes",
            b'{"shapes": [{"label": 1}]}': "shapes[0] has no label or no points",
            b'{"shapes": [' + b"0," * 10_000 + b"0]}": "it has 10,001 objects",
            b'{"shapes": [{"label": "car", "points": [[1, 1e400]]}]}': "shapes[0] has no label",
        },
    ),
}


@pytest.mark.parametrize("form", BROKEN)
def test_broken_label_files_are_named_and_the_others_compared(tmp_path, form):
    ending, good, files = BROKEN[form]
    for number, data in enumerate([*files, *[good] * (len(files) + 1)]):
        save(tmp_path / "train" / f"{number:02}.png", scene(number))
        (tmp_path / "train" / f"{number:02}{ending}").write_bytes(data)
    # a copy without an object: its keeper is the last picture
    save(tmp_path / "val" / "copy.png", scene(2 * len(files)))
    empty = {"yolo": b"", "voc": b"<annotation/>", "labelme": b'{"shapes": []}'}[form]
    (tmp_path / "val" / f"copy{ending}").write_bytes(empty)
    save(tmp_path / "val" / "more.png", scene(99))
    (tmp_path / "val" / f"more{ending}").write_bytes(good)
    shown = run("audit", "train", "val", "-o", "out", "--radius", "0", cwd=tmp_path).stdout
    rejected = parquet.read_table(tmp_path / "out" / "rejected_annotations.parquet").to_pylist()
    expected = {f"{number:02}{ending}": why for number, why in enumerate(files.values()) if why}
    assert {row["file_name"] for row in rejected} == expected.keys()
    for row in rejected:
        assert expected[row["file_name"]] in row["reason"]
        assert "\n" not in row["reason"]
        assert (row["split"], row["array"], row["position"]) == ("train", form, -1)
    assert f"{len(expected)} entries of label files can't be used" in " ".join(shown.split())
    category = "0" if form == "yolo" else "car"
    labels = [{label, keeper_label} for _, label, keeper_label, _ in conflicts(tmp_path)]
    assert labels == [{"no objects", f"1 {category}"}]


def test_names_of_classes_that_are_no_words_are_not_read(tmp_path):
    levels = "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(8))
    (tmp_path / "data.yaml").write_text(f"a0: &a0 [x]\n{levels}names: [*a8]\n")
    for split in ("train", "val"):
        save(tmp_path / split / "1.png", scene(1))
        (tmp_path / split / "1.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    shown = run("audit", "train", "val", "-o", "out", "--radius", "0", cwd=tmp_path).stdout
    assert "without names of classes (no data.yaml)" in " ".join(shown.split())


def test_texts_that_are_no_labels_are_not_compared(tmp_path):
    for number, caption in enumerate(["a red car", "0 cars", "two\nlines"]):
        for split in ("train", "val"):
            save(tmp_path / split / f"{number}.png", scene(number))
            (tmp_path / split / f"{number}.txt").write_text(f"{caption} of {split}")
            (tmp_path / split / f"{number}.json").write_text('{"prompt": "x"}')
    run("audit", "train", "val", "-o", "out", cwd=tmp_path)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["labels"], summary["sidecars"].keys()) == ({}, {"train", "val"})


def test_a_label_that_is_a_link_to_nothing_costs_only_itself(tmp_path):
    for split in ("train", "val"):
        for number in range(3):
            save(tmp_path / split / f"{number}.png", scene(number))
            (tmp_path / split / f"{number}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    label = tmp_path / "train" / "0.txt"
    label.unlink()
    label.symlink_to("nothing.txt")
    shown = run("audit", "train", "val", "-o", "out", cwd=tmp_path).stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    train = summary["splits"]["train"]
    assert (train["images"], train["rejected"], train["skipped"]) == (3, 0, 3)
    assert "1 entry of label files can't be used as it is" in " ".join(shown.split())
    (row,) = parquet.read_table(tmp_path / "out" / "rejected_annotations.parquet").to_pylist()
    assert (row["file_name"], row["reason"]) == ("0.txt", "No such file or directory")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\n1.png,cat\n", "no column 'path' or 'file_name', but 'name' and 'label'"),
        ("", "no table"),
    ],
)
def test_tables_that_are_none_are_one_line(tmp_path, text, said):
    save(tmp_path / "train" / "1.png", scene(1))
    (tmp_path / "labels.csv").write_text(text)
    done = run(
        "audit", "train", "-o", "out", "--labels", "train=labels.csv", cwd=tmp_path, status=None
    )
    assert "labels.csv" in error_of(done)
    assert not text or said in error_of(done)
    assert not (tmp_path / "out").exists()


CSV = (
    b'\xef\xbb\xbf"file_name",label,note\r\n'
    b'k.png,cat,"two\r\nlines, ""quoted"""\r\n'
    b"\r\n"
    b"copy.png,cat,goes\r\n"
    b"k.png,cat,again\r\n"
    b"other.png,dog, spaces \r\n"
    b"copy.png,cat,\xe9 goes too"
)
JSON_LINES = (
    b'{"path":"k.png",  "label": 1, "more": [1, 2]}\n\n'
    b'{"path": "copy.png", "label": 1}\n{"label": 1,"path":"other.png"}'
)


def write_parquet(path):
    columns = {"path": ["k.png", "copy.png", "other.png"], "label": [1, 1, None]}
    table = pa.table(columns | {"extra": pa.array([[1], [], None], pa.list_(pa.int8()))})
    table = table.set_column(1, "label", table["label"].cast(pa.int16()).dictionary_encode())
    table = table.replace_schema_metadata({"huggingface": "x"})
    pq.write_table(table, path, compression={"path": "gzip", "label": "none"}, version="1.0")


def codecs(metadata):
    group = metadata.row_group(0)
    return [group.column(number).compression for number in range(group.num_columns)]


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl", "labels.parquet"])
def test_tables_lose_the_rows_of_images_that_go_and_nothing_else(tmp_path, name):
    keeper = save(tmp_path / "train" / "k.png", scene(0))
    (tmp_path / "train" / "copy.png").write_bytes(keeper.read_bytes())
    save(tmp_path / "train" / "other.png", scene(1))
    source, written = tmp_path / name, tmp_path / "out" / "clean" / f"train{Path(name).suffix}"
    if name.endswith("csv"):
        source.write_bytes(CSV)
    elif name.endswith("jsonl"):
        source.write_bytes(JSON_LINES)
    else:
        write_parquet(source)
    before = source.read_bytes()
    words = ["--labels", f"train={name}"]
    run("audit", "train", "-o", "out", "--keep-in", "train", *words, cwd=tmp_path)
    plan = parquet.read_table(tmp_path / "out" / "groups.parquet").to_pylist()
    assert [row["role"] for row in plan] == ["keeper", "copy"]
    goes = plan[1]["path"].encode()
    run("clean", "out", cwd=tmp_path)
    shown = run("clean", "out", "--apply", cwd=tmp_path).stdout
    assert written.name in shown
    assert source.read_bytes() == before
    assert goes == b"copy.png"
    if name.endswith("parquet"):
        left = pq.read_table(written)
        assert left.schema.metadata == {b"huggingface": b"x"}
        assert left.equals(pq.read_table(source).take([0, 2]))
        files = (pq.read_metadata(path) for path in (source, written))
        assert len({(file.format_version, *codecs(file)) for file in files}) == 1
        return
    lines = before.splitlines(keepends=True)
    rows = [line for line in lines if goes not in line]
    assert written.read_bytes() == b"".join(rows)


def test_a_table_is_not_filtered_where_nobody_can_tell(tmp_path):
    keeper = save(tmp_path / "train" / "a" / "1.png", scene(0))
    save(tmp_path / "train" / "b" / "1.png", scene(1))
    (tmp_path / "train" / "2.png").write_bytes(keeper.read_bytes())
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n1.png,cat\nunknown.png,dog\n")
    run("audit", "train", "-o", "out", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    words = ["clean", "out", "--apply", "--labels", "train=labels.csv"]
    assert "may be 'a/1.png'" in error_of(run(*words, cwd=tmp_path, status=FAILED))
    assert not list((tmp_path / "out").glob("clean/*"))
    table.write_bytes("path,label\n1.png,cat\n".encode("utf-16"))
    assert "labels.csv" in error_of(run(*words, cwd=tmp_path, status=None))
    words = ["clean", "out", "--apply", "--coco", "train=labels.csv"]
    assert "--coco takes .json" in error_of(run(*words, cwd=tmp_path, status=USAGE))
