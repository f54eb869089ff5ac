"""What `clean` prints of what became of a plan."""

from fastphash.cli.output_clean import show_applied


def applied(whys):
    skipped = [{"split": "val", "path": f"{i}.png", "why": why} for i, why in enumerate(whys)]
    numbers = {
        "planned": len(whys),
        "done": 0,
        "already": 0,
        "coco": {},
        "sidecars": {"planned": 0, "done": 0, "already": 0, "skipped": []},
        "annotations_gone": 0,
    }
    return numbers | {
        "skipped": skipped,
        "rescued": [],
        "files": [],
        "shards": {},
        "in_containers": 0,
    }


def shown(capsys, whys):
    show_applied(applied(whys), "copy", "out/skipped.parquet")
    return capsys.readouterr().out.partition("Not as planned")[2]


def test_a_reason_that_many_images_share_is_said_once(capsys):
    out = shown(capsys, ["no links"] * 11 + ["changed"])
    assert out.splitlines()[1:4] == [
        "  11 images, the first of them val/0.png: no links",
        "  val/11.png: changed",
        "  all 12 are listed in out/skipped.parquet",
    ]


def test_few_images_are_all_named(capsys):
    out = shown(capsys, ["changed"] * 10)
    assert [f"val/{i}.png: changed" in out for i in range(10)] == [True] * 10
    assert "listed in" not in out


def test_many_reasons_are_cut(capsys):
    out = shown(capsys, [f"reason {i}" for i in range(12)])
    assert "val/9.png: reason 9" in out
    assert "reason 10" not in out
    assert "all 12 are listed in out/skipped.parquet" in out
