"""What looks at pages must see: each trap is walked into."""

import pytest

from tests.support.browser import Pages, focus_order, overflows, violations, wait_until

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Trap</title>{head}</head>
<body><main><h1>Trap</h1>{body}</main></body></html>"""


@pytest.fixture
def write(tmp_path):
    """write(body, head): the URL of a page."""

    def make(body, head=""):
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(head=head, body=body), encoding="utf-8")
        return path.as_uri()

    return make


@pytest.mark.parametrize(
    ("body", "head", "problem"),
    [
        ("<script>console.error('no')</script>", "", "console: no"),
        ("<script>throw new Error('oh')</script>", "", "script: oh"),
        ("<img alt='' src='http://127.0.0.1:9/a.png'>", "", "request: http://127.0.0.1:9/a.png"),
        (
            "<p style='color: red'>inline</p>",
            "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">",
            "Content Security Policy",
        ),
    ],
)
def test_a_page_that_does_wrong_fails(chromium, write, body, head, problem):
    pages = Pages(chromium)
    page = pages.open(write(body, head))
    # browsers tell of it a little later
    wait_until(page, lambda: any(problem in line for line in pages.problems))
    with pytest.raises(AssertionError):
        pages.close()


def test_a_quiet_page_passes(open_page, write):
    page = open_page(write("<p>nothing</p>"))
    assert violations(page) == []
    assert overflows(page) == 0
    assert focus_order(page) == []


def test_barriers_are_found(open_page, write):
    page = open_page(write("<img src='data:,'><p style='color: #ccc'>pale</p>"))
    found = "\n".join(violations(page))
    assert "image-alt" in found
    assert "color-contrast" in found


def test_barriers_are_found_under_a_strict_policy(open_page, write):
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    assert "image-alt" in "\n".join(violations(open_page(write("<img>", policy))))


def test_the_order_of_focus(open_page, write):
    body = (
        "<a href='#a'>one</a><button aria-label='two'>x</button><button disabled>no</button>"
        "<label for='i'>three</label><input id='i'><span>no</span>"
    )
    assert focus_order(open_page(write(body))) == ["one", "two", "three"]


def test_narrow_and_dark(open_page, write):
    head = (
        "<style>@media (prefers-color-scheme: dark) { body { background: rgb(1, 2, 3) } }</style>"
    )
    page = open_page(write("<div style='width: 500px'>wide</div>", head), width=320, dark=True)
    assert overflows(page) > 100
    style = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(style) == "rgb(1, 2, 3)"
