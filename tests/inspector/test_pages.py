import os
import re

import pytest

from fastphash.audits.run import audit
from fastphash.ingest.options import IngestOptions
from tests.support.audits import write_audit
from tests.support.command_line import run
from tests.support.decisions import read_decisions
from tests.support.inspector_client import Served, ServedProcess
from tests.support.inspector_state import copies
from tests.support.report_pages import read_page
from tests.support.scenes import save, scene, source


def test_every_link_of_every_page_leads_somewhere(served):
    todo, seen = ["/", "/?leaks=1&order=size", "/?name=zzz"], set()
    while todo:
        path = todo.pop()
        if path in seen or path.startswith("#"):
            continue
        seen.add(path)
        answer = served.get(path)
        assert answer.status == 200, path
        if answer.headers["Content-Type"].startswith("text/html"):
            todo += answer.links + answer.images
    assert len(seen) > 60
    assert any(path.startswith("/image/") for path in seen)


@pytest.mark.parametrize("page", ["/", "/group/0", "/pair/1", "/nothing"])
def test_styles_scripts_and_icons_are_there(served, page):
    paths = re.findall(r'"(/static/[^"]+)"', served.get(page).text)
    assert len(paths) >= 2
    assert [served.get(path).status for path in paths] == [200] * len(paths)


def test_the_list_says_what_a_group_is(served):
    words = served.get("/?kind=augmented&leaks=1").words
    assert "1 group of 6" in words
    assert "across splits" in words
    assert "val/mirrored.png" in words


def test_images_are_asked_for_again_and_not_sent_again(served):
    first = served.get("/image/1?side=320&turn=4")
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = served.get("/image/1?side=320&turn=4", If_None_Match=first.headers["ETag"])
    assert (again.status, again.data) == (304, b"")
    assert served.get("/image/1?side=320", If_None_Match=first.headers["ETag"]).status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            (path, 404)
            for path in ["/nothing", "/group/99", "/group/x", "/pair/0", "/pair/99", "/image/99"]
        ),
        *((path, 404) for path in ["/group/99999999999999999999", "/static/none.css"]),
        *((path, 400) for path in ["/image/1?side=7", "/image/1?turn=8", "/?kind=x"]),
        ("/decide", 405),
    ],
)
def test_errors_are_plain_pages(served, path, status):
    answer = served.get(path)
    assert answer.status == status
    assert "<h1>" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "form",
    [{}, {"row": "1"}, {"row": "x", "decision": "copies"}, {"row": "0", "decision": "copies"}],
)
def test_decisions_that_there_are_not_are_refused(served, form):
    assert served.post("/decide", **form).status == 400


def test_pages_say_why_the_keeper_stays(served):
    for page in ("/pair/1", "/group/0"):
        assert re.search("keeper stays: (val before train|shorter name)", served.get(page).words)


def test_deciding_goes_on_to_the_next_undecided_pair(audited):
    with Served(audited / "out") as served:
        place = "/pair/1"
        verdicts = ["copies", "not_copies"] * 3
        for verdict in verdicts:
            row = re.match(r"/pair/(\d+)", place)[1]
            answer = served.post("/decide", row=row, decision=verdict, state="", back="pair")
            assert answer.status == 303
            place = answer.headers["Location"]
        assert place == "/"
        words = served.get("/").words
        assert "decisions: 6; undecided pairs: 0" in words
        assert "Decided: " in words
        answer = served.post("/undo", state="order=size")
        assert re.fullmatch(r"/pair/\d+\?order=size", answer.headers["Location"])
        assert "decisions: 5; undecided pairs: 1" in served.get("/").words
        kept = served.post("/decide", row="1", decision="keeper", back="group").headers["Location"]
        assert "chosen as keeper" in served.get(kept).words
    assert [d.word for d in read_decisions(audited / "out")] == [*verdicts[:5], "keeper"]


def test_a_page_that_shows_an_older_decision_undoes_nothing(audited):
    with Served(audited / "out") as served:
        place, keys = "/pair/1", []
        for _ in range(2):
            row = re.match(r"/pair/(\d+)", place)[1]
            answer = served.post("/decide", row=row, decision="copies", state="", back="pair")
            place = answer.headers["Location"]
            keys += re.findall(r'name="last" value="(\w+)"', served.get(place).text)
        answer = served.post("/undo", last=keys[0])
        assert answer.status == 409
        assert "nothing was undone. Go back and reload the page" in answer.words
        assert "decisions: 2;" in served.get("/").words
        assert served.post("/undo", last=keys[1]).status == 303
        assert "decisions: 1;" in served.get("/").words


def test_one_press_of_a_button_is_one_decision_wherever_they_are_counted(audited):
    with Served(audited / "out") as served:
        before = int(re.search(r"undecided pairs: (\d+)", served.get("/").words)[1])
        served.post("/decide", row="1", decision="keeper", back="pair")
        said = f"decisions: 1; undecided pairs: {before - 1}"
        assert said in served.get("/").words
    assert len(read_decisions(audited / "out")) == 2
    run("report", audited / "out")
    assert "decisions on file 1" in read_page(audited / "out" / "report.html").text
    assert "1 decision counts" in run("clean", audited / "out").stdout


@pytest.mark.slow
def test_decisions_outlive_a_second_audit_and_stale_ones_are_counted(audited):
    with Served(audited / "out") as served:
        served.post("/decide", row="1", decision="not_copies")
        decided = read_decisions(audited / "out")
        scenes = [source(name, audited / name) for name in ("train", "val")]
        save(audited / "train" / "new.png", scene(99))
        audit(audited / "out", scenes, ingest=IngestOptions(workers=1))
        assert "The audit has been run again" in served.get("/").words
    assert read_decisions(audited / "out") == decided
    with Served(audited / "out") as served:
        assert "decisions: 1; undecided pairs: 5" in served.get("/").words
        assert "The audit has been run again" not in served.get("/").words
    for image in decided[0].images:
        save(audited / image.split / os.fsdecode(image.path), scene(50, 96, 96))
    audit(audited / "out", scenes, ingest=IngestOptions(workers=1))
    with Served(audited / "out") as served:
        said = served.get("/").words
        assert "decisions: 1 (1 stale: images that are gone or have changed)" in said


def test_while_the_audit_is_run_again_pictures_say_so(audited):
    with Served(audited / "out") as served:
        (audited / "out" / "summary.json").unlink()
        for part in (audited / "out" / "hashes").glob("part-*.parquet"):
            part.unlink()
        answer = served.get("/thumbnail/1")
        assert answer.status == 503
        assert "The audit is being run again" in answer.words
        assert str(audited) not in answer.words


def test_one_undecided_copy_is_one(tmp_path):
    with Served(write_audit(tmp_path / "out", [copies(2), copies(3, "val")])) as served:
        assert "The undecided one is a copy It is not a copy" in served.get("/group/0").words
        assert "All 2 undecided are copies" in served.get("/group/1").words


def test_two_at_once_lose_nothing(audited):
    import threading

    with Served(audited / "out") as served:
        posts = [
            threading.Thread(
                target=served.post, args=("/decide",), kwargs={"row": "1", "decision": verdict}
            )
            for verdict in ["copies", "not_copies"] * 5
        ]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
    assert len(read_decisions(audited / "out")) == 10


@pytest.mark.slow
def test_a_log_that_another_process_holds_is_a_page(audited):
    from fastphash.store.lock import locked

    with ServedProcess(audited / "out") as served, locked(audited / "out"):
        answer = served.post("/decide", row="1", decision="copies")
    assert answer.status == 503
    assert "another process is writing" in answer.words
