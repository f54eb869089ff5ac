"""Sure copies whose pixels nobody compared: named in results, and not cleaned unless asked for."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from fastphash.audits import run as audit_run
from fastphash.base.vocabulary import SURE_KINDS, UNLOOKED
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan, plan_settings
from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.results.audit_folder import FINDINGS, GROUPS, LEAKS, SUMMARY, open_audit
from fastphash.results.schemas import LOOKED, are_unlooked
from tests.support.audits import write_summary
from tests.support.command_line import USAGE, run
from tests.support.scenes import save

ANY_SURE = [*SURE_KINDS, UNLOOKED]


def picture(seed):
    """A soft picture with detail, which JPEG hardly changes."""
    blots = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    return np.asarray(Image.fromarray(blots).resize((200, 160), Image.BICUBIC))


@pytest.fixture
def folder(tmp_path):
    """train: a picture as PNG, with the same pixels as BMP, and twice as JPEG; val: one JPEG."""
    for name in ("train/a.png", "train/same.bmp"):
        save(tmp_path / name, picture(1))
    for name, quality in (("train/b.jpg", 95), ("train/c.jpg", 90), ("val/d.jpg", 85)):
        save(tmp_path / name, picture(1), quality=quality)
    save(tmp_path / "val" / "other.png", picture(2))
    return tmp_path


def audited(folder, *options):
    shown = run("audit", "train", "val", "-o", "out", *options, cwd=folder).stdout
    return " ".join(shown.split()), open_audit(folder / "out")


def vanish(monkeypatch, *files):
    """These files are gone once they are hashed."""

    def look(*arguments):
        for file in files:
            file.unlink()
        return looks(*arguments)

    looks = audit_run.settle
    monkeypatch.setattr(audit_run, "settle", look)


def goes(audited, **how):
    plan = make_plan(audited, **how)
    assert (CheckedPlan(audited, plan).keeper >= 0).sum() == len(removed(plan))
    return removed(plan)


def removed(plan):
    return {
        row["path"]: row["keeper_path"] for row in plan.to_pylist() if row["action"] == "remove"
    }


def looked(table, side=""):
    return {row[f"{side}path"]: row["looked"] for row in table.to_pylist()}


EVERYTHING = {"a.png": "d.jpg", "same.bmp": "d.jpg", "b.jpg": "d.jpg", "c.jpg": "d.jpg"}


def test_looks_are_recorded_and_clean_as_before(folder):
    shown, found = audited(folder)
    looks = found.summary["looks"]
    assert found.findings.size == looks["pairs"] == looks["looked"] >= 4
    assert looked(found.groups) == dict.fromkeys(EVERYTHING, True) | {"d.jpg": None}
    assert looked(found.leaks, "needle_") == dict.fromkeys([*EVERYTHING, "d.jpg"], True)
    assert not are_unlooked(found.groups).any()
    assert goes(found) == goes(found, by=ANY_SURE) == EVERYTHING
    assert found.summary["staying"] == plan_settings(make_plan(found))["staying"] == {}
    assert "looked at" not in shown
    plan = make_plan(found)
    assert looked(plan) == looked(found.groups) | {"other.png": None}


def test_without_looks_the_same_pixels_go_and_nothing_else(folder):
    shown, found = audited(folder, "--looks", "0")
    assert looked(found.groups) == dict.fromkeys(EVERYTHING, False) | {"d.jpg": None}
    assert goes(found) == {"same.bmp": "a.png"}
    assert goes(found, by=ANY_SURE) == EVERYTHING
    assert found.summary["staying"] == {UNLOOKED: 3}
    assert plan_settings(make_plan(found))["staying"] == {UNLOOKED: 3}
    assert plan_settings(make_plan(found, by=ANY_SURE))["staying"] == {}
    said = (
        "4 of 4 pairs of sure copies were not compared at their pixels, since 0 are the most that"
    )
    assert f"{said} were allowed (all are with fastphash audit ... --looks 4)" in shown
    assert "After a clean by the default kinds 3 copies that nobody looked at stay" in shown
    assert "--kinds +unlooked the same, with 3 copies that nobody looked at" in shown
    planned = " ".join(run("clean", "out", cwd=folder).stdout.split())
    assert "3 copies stay: nobody looked at their pixels; audit again with --looks" in planned
    assert "or add them with --kinds +unlooked" in planned
    assert "fastphash clean out --kinds +unlooked a new plan, with 3 copies that" in planned
    page = (folder / "out" / "report.html").read_text()
    assert page.count("nobody looked at pixels") == 4


def test_a_bound_that_is_reached_is_said_with_a_command_that_helps(folder):
    shown, found = audited(folder, "--looks", "2")
    assert found.summary["looks"]["looked"] == found.findings.size == 2
    stays = found.summary["staying"][UNLOOKED]
    assert stays == plan_settings(make_plan(found))["staying"][UNLOOKED] > 0
    assert len(goes(found)) + stays == len(EVERYTHING)
    assert "since 2 are the most that were allowed" in shown
    wanted = found.summary["looks"]["pairs"]
    assert f"(all are with fastphash audit ... --looks {wanted}): a place may differ" in shown
    _, found = audited(folder, "--looks", str(wanted))
    assert goes(found) == EVERYTHING


def test_files_that_are_gone_keep_their_copies_from_going(folder, monkeypatch):
    vanish(monkeypatch, folder / "train" / "c.jpg")
    shown, found = audited(folder)
    assert goes(found) == {name: of for name, of in EVERYTHING.items() if name != "c.jpg"}
    assert found.summary["staying"] == {UNLOOKED: 1}
    looks = found.summary["looks"]
    assert looks["unreadable"] == 1
    assert looks["looked"] == looks["pairs"] - 1
    assert "1 pair of sure copies could not be compared at their pixels: files are gone" in shown
    planned = " ".join(run("clean", "out", cwd=folder).stdout.split())
    assert "1 copy stays: nobody looked at its pixels; files are gone, have changed" in planned
    of_groups = looked(found.groups)
    assert {path for path, was in of_groups.items() if was is False} == {"c.jpg"}


def test_another_file_of_the_same_bytes_is_looked_at_where_one_is_gone(folder, monkeypatch):
    for name in ("again.jpg", "last.jpg"):
        (folder / "train" / name).write_bytes((folder / "train" / "b.jpg").read_bytes())
    # whichever of them comes first, and the second
    vanish(monkeypatch, folder / "train" / "again.jpg", folder / "train" / "b.jpg")
    shown, found = audited(folder)
    looks = found.summary["looks"]
    assert looks["unreadable"] == 0
    assert looks["looked"] == looks["pairs"]
    assert "files are gone" not in shown
    assert goes(found) == EVERYTHING | {"again.jpg": "d.jpg", "last.jpg": "d.jpg"}


def test_where_a_keeper_is_gone_the_next_image_keeps_the_copies(folder, monkeypatch):
    vanish(monkeypatch, folder / "val" / "d.jpg")
    _, found = audited(folder)
    assert goes(found) == {"same.bmp": "a.png", "b.jpg": "a.png", "c.jpg": "a.png"}
    # one of a.png and d.jpg is too many
    assert found.summary["staying"] == {UNLOOKED: 1}
    assert plan_settings(make_plan(found))["staying"] == {UNLOOKED: 1}


def test_folders_that_are_gone_are_looked_for_once(folder, monkeypatch):
    vanish(monkeypatch, *folder.glob("train/*"), *folder.glob("val/*"))
    _, found = audited(folder)
    looks = found.summary["looks"]
    assert looks["looked"] == found.findings.size == 0
    assert looks["unreadable"] == looks["pairs"] == 4
    assert goes(found) == {"same.bmp": "a.png"}


def test_a_plan_by_other_keepers_says_what_helps(folder):
    _, found = audited(folder)
    by_train = goes(found, keep_in=["train"])
    # the audit looked at d.jpg and the others, not at these among themselves
    assert by_train == {"same.bmp": "a.png", "d.jpg": "a.png"}
    planned = " ".join(run("clean", "out", "--keep-in", "train", cwd=folder).stdout.split())
    assert "the audit had other keepers, so audit again with --keep-in train" in planned
    _, found = audited(folder, "--keep-in", "train")
    assert len(goes(found)) == 4


def test_decisions_need_no_look(folder):
    from fastphash.results.decisions import Decision, Image, decide

    _, found = audited(folder, "--looks", "0")
    rows = {row["path"]: row for row in found.rows.table.to_pylist()}
    decide(
        found.folder,
        Decision(
            "copies",
            tuple(
                Image(rows[name]["split"], name.encode(), rows[name]["digest"])
                for name in ("b.jpg", "d.jpg")
            ),
        ),
    )
    assert goes(found) == {"same.bmp": "a.png", "b.jpg": "d.jpg"}
    assert plan_settings(make_plan(found))["staying"] == {UNLOOKED: 2}


def test_kinds_on_the_command_line(folder):
    audited(folder, "--looks", "0")

    def plan(*words, **how):
        return run("clean", "out", *words, cwd=folder, **how)

    def kinds(*words):
        made = json.loads(plan(*words, "--json").stdout)
        removed = sum(split["remove"] for split in made["splits"].values())
        return made["kinds"], removed, made["staying"]

    sure = list(SURE_KINDS)
    assert kinds() == (sure, 1, {UNLOOKED: 3})
    assert kinds("--kinds", ",".join(sure)) == kinds()
    assert kinds("--kinds", "+unlooked") == ([*sure, UNLOOKED], 4, {})
    assert kinds("--kinds", "exact") == (["identical", "exact"], 1, {UNLOOKED: 3})
    assert kinds("--kinds", "exact,unlooked") == (["identical", "exact", UNLOOKED], 4, {})
    assert kinds("--kinds", "+near") == ([*sure, "near"], 1, {UNLOOKED: 3})
    shown = plan("--kinds", "+unlooked").stdout
    assert "Plan: copies that go, of kinds identical, exact, augmented; looked at or not\n" in shown
    refused = plan("--kinds", "unlooked", status=USAGE).stderr
    assert "'unlooked' is about exact and augmented copies: add one of these kinds" in refused
    with pytest.raises(UsageError, match="add one of these kinds"):
        make_plan(open_audit(folder / "out"), by=["near", UNLOOKED])


@pytest.mark.parametrize("form", ["csv", "json"])
def test_other_formats_say_it_too(folder, form):
    audited(folder, "--looks", "2", "--format", form)
    for name in (GROUPS, LEAKS):
        wanted = [row["looked"] for row in parquet.read_table(folder / "out" / name).to_pylist()]
        assert {True, False} <= {*wanted}
        if form == "json":
            lines = (folder / "out" / name).with_suffix(".jsonl").read_text().splitlines()
            assert [json.loads(line)["looked"] for line in lines] == wanted
        else:
            with open((folder / "out" / name).with_suffix(".csv"), newline="") as file:
                said = [row["looked"] for row in csv.DictReader(file)]
            words = {True: "true", False: "false", None: ""}
            assert said == [words[one] for one in wanted]


def test_where_nobody_compares_thumbnails_nobody_looks(folder):
    shown, found = audited(folder, "--no-verify")
    assert goes(found) == {"same.bmp": "a.png"}
    assert "since nobody compared thumbnails, either: a place may differ" in shown
    planned = " ".join(run("clean", "out", cwd=folder).stdout.split())
    assert (
        "3 copies stay: nobody looked at their pixels; audit again without --no-verify" in planned
    )


def make_earlier(out):
    """What an earlier version has written: no looks, nor columns for them."""
    for name in (GROUPS, LEAKS):
        table = parquet.read_table(out / name)
        parquet.write_table(out / name, table.drop_columns([LOOKED[0]]))
    (out / FINDINGS).unlink()
    summary = atomic.read_json(out / SUMMARY)
    for key in ("looks", "findings", "views"):
        del summary[key]
    del summary["files"]["findings"]
    write_summary(out, summary)


def test_an_audit_of_an_earlier_version_is_read_and_looked_at_none(folder):
    audited(folder)
    make_earlier(folder / "out")
    found = open_audit(folder / "out")
    assert are_unlooked(found.groups).sum() == 4
    assert goes(found) == {"same.bmp": "a.png"}
    assert goes(found, by=ANY_SURE) == EVERYTHING
    shown = " ".join(run("clean", "out", cwd=folder).stdout.split())
    assert "the audit is of a version that looked at none, so audit again, or add them" in shown
    run("report", "out", "--overwrite", cwd=folder)
    assert "nobody looked at pixels" in (folder / "out" / "report.html").read_text()


def edited(plan, **columns):
    for name, values in columns.items():
        at, field = plan.column_names.index(name), plan.schema.field(name)
        value_type = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        column = pa.array(values, value_type).cast(field.type)
        plan = plan.set_column(at, field, column)
    return plan


def test_an_edited_plan_is_held_to_what_was_looked_at(folder):
    _, found = audited(folder, "--looks", "0")
    asked = make_plan(found, by=ANY_SURE)
    claims = edited(
        asked, looked=[None if one is None else True for one in asked["looked"].to_pylist()]
    )
    with pytest.raises(StoreError, match=r"says that somebody looked at .* which nobody did"):
        CheckedPlan(found, claims)
    by_default = make_plan(found)
    columns = ["action", "kind", "distance", "orientation", "confirmed", "looked"]
    columns += ["keeper_split", "keeper_path", "keeper_reason"]
    wanted = edited(by_default, **{name: asked[name].to_pylist() for name in columns})
    with pytest.raises(
        StoreError, match="nobody looked at its pixels: plan again, with 'unlooked'"
    ):
        CheckedPlan(found, wanted)
    confirmed = edited(wanted, confirmed=[True] * wanted.num_rows)
    with pytest.raises(StoreError, match="nobody looked at its pixels"):
        CheckedPlan(found, confirmed)
    # the same plan with the settings of the other one
    assert CheckedPlan(found, wanted.replace_schema_metadata(asked.schema.metadata))


def test_a_plan_is_held_to_the_findings_that_it_was_made_of(folder):
    _, found = audited(folder)
    plan = make_plan(found)
    _, again = audited(folder, "--looks", "1")
    with pytest.raises(StoreError, match="the audit was run again since the plan was made"):
        CheckedPlan(again, plan)
    table = parquet.read_table(folder / "out" / FINDINGS)
    parquet.write_table(folder / "out" / FINDINGS, pa.concat_tables([table, table]))
    with pytest.raises(StoreError, match="is not as the audit wrote it: run the audit again"):
        make_plan(open_audit(folder / "out"))
