from tests.support.command_line import run
from tests.support.report_pages import planted_audit, read_page


def test_the_command_writes_the_report_again(tmp_path):
    out = planted_audit(tmp_path)
    before = (out / "report.html").read_bytes()
    (out / "report.html").write_text("old")
    done = run("report", str(out))
    assert "6 groups with pictures" in done.stdout
    assert (out / "report.html").read_bytes() == before


def test_the_command_writes_elsewhere_but_over_nothing(data, tmp_path):
    target = tmp_path / "page.html"
    run("report", str(data), "-o", str(target), "--groups", "1")
    assert len(read_page(target).groups) == 1
    done = run("report", str(data), "-o", str(target), status=2)
    assert "--overwrite replaces it" in done.stderr
    run("report", str(data), "-o", str(target), "--overwrite")
    assert len(read_page(target).groups) == 6
    done = run("report", str(data), "-o", str(tmp_path / "no" / "page.html"), status=2)
    assert "no such folder" in done.stderr


def test_what_is_no_audit_has_no_report(tmp_path):
    assert "no such audit" in run("report", str(tmp_path / "no"), status=2).stderr
    assert "is no audit" in run("report", str(tmp_path), status=2).stderr


def test_a_damaged_table_is_one_line(tmp_path):
    out = planted_audit(tmp_path)
    (out / "groups.parquet").write_bytes(b"PAR1")
    assert "groups.parquet" in run("report", str(out), status=1).stderr
