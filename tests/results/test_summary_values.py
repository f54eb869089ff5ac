"""Values that no audit says, in every place of a summary."""

import copy

import pytest

from fastphash.audits.run import audit
from fastphash.files import atomic
from fastphash.ingest.options import IngestOptions
from fastphash.report import findings
from fastphash.results.audit_folder import SUMMARY
from fastphash.results.leak_words import leak_lines
from fastphash.results.summary_values import with_all_kinds, wrong_value
from fastphash.results.verdict import judge
from fastphash.sources.local import folder_source
from tests.support.audits import write_summary
from tests.support.command_line import FAILED, error_of, run
from tests.support.scenes import planted

VALUES = [None, "x", -1, True, []]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    sources = [folder_source(text) for text in planted(data)]
    audit(data / "out", sources, ingest=IngestOptions(workers=0))
    return data / "out"


@pytest.fixture(scope="module")
def summary(folder):
    found = atomic.read_json(folder / SUMMARY)
    assert not wrong_value(found)
    shares = {"share": 0.5, "low": 0.25, "high": 0.75}
    found["calibration"] = {
        "precision_wanted": 0.9,
        "raised_from": {"min_score": 0.25, **shares},
        "recommended": {"min_score": 0.75, **shares},
        **shares,
    }
    found["proposals"] = dict.fromkeys(("given", "unknown", "unusable", "pairs"), 1)
    return found


def places(value):
    """The keys that lead to each value in a JSON value."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield (key,)
        if isinstance(value[key], (dict, list)):
            yield from ((key, *inner) for inner in places(value[key]))


def changed(value, place, change):
    """The JSON value with another one in a place, or without what is there."""
    if not place:
        return change
    (key, *rest), several = place, copy.copy(value)
    if change is ... and not rest:
        del several[key]
    else:
        several[key] = changed(value[key], rest, change)
    return several


def changes(value):
    """The JSON value with another value in each place, or without it."""
    for place in places(value):
        for change in [*VALUES, ...]:
            yield place, change, changed(value, place, change)


def read_all(summary):
    """What report, terminal and inspector say of a summary."""
    judge(summary)
    leak_lines(summary["leaks"])
    findings.matrix(summary)
    findings.kinds_inside(summary)
    findings.collisions(summary)
    findings.split_order(summary)
    findings.rejects(summary, 3)


def test_a_value_in_any_place_is_refused_or_can_be_read(summary):
    refused = 0
    for place, change, edited in changes(summary):
        wrong = wrong_value(edited)
        assert "\n" not in wrong
        refused += bool(wrong)
        if not wrong:
            try:
                read_all(with_all_kinds(edited))
            except Exception as error:
                pytest.fail(f"{place} = {change!r}: {error!r}")
    assert refused > 700


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (("views",), "'views' is 'x'"),
        (("radius",), "'radius' is 'x'"),
        (("splits", "val", "leaks", "kinds", "exact"), "'splits.val.leaks.kinds.exact' is 'x'"),
        (("masks",), "'masks' is 'x'"),
    ],
)
def test_the_wrong_value_is_named(folder, place, said):
    sound = (folder / SUMMARY).read_bytes()
    write_summary(folder, changed(atomic.read_json(folder / SUMMARY), place, "x"))
    try:
        for command in ("report", "clean"):
            error = error_of(run(command, str(folder), status=FAILED))
            assert f"{folder / SUMMARY}: {said}, which no audit says: run the audit again" in error
    finally:
        (folder / SUMMARY).write_bytes(sound)
