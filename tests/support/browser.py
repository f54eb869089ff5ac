"""Pages in a real browser: Debian's Chromium, driven by Playwright; axe-core looks for barriers."""

import os
import shutil
from pathlib import Path

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
NEEDED = "pip install -e '.[browser]', a chromium on the PATH, and npm ci --prefix tests"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# where to leave pictures for people to look at
_PICTURES = "FASTPHASH_SCREENSHOTS"
_MOST_TABS = 500
# 30 seconds, which Playwright waits too
_LOOKS, _BETWEEN_LOOKS = 600, 50


def chromium_path():
    """Where the system's browser is, or None."""
    return next(filter(None, map(shutil.which, _CHROMIUM)), None)


class Pages:
    """Opens pages, and remembers everything about them that no page of ours may do."""

    def __init__(self, browser):
        self._browser = browser
        self._contexts = []
        self.problems = []

    def open(
        self, url, *, origin="file:", width=1280, height=900, dark=False, javascript=True, **context
    ):
        """Open a page that may load from `origin` alone."""
        made = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            **context,
        )
        self._contexts.append(made)
        page = made.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("console", self._hear)
        page.on("request", lambda request: self._see(request.url, origin))
        page.goto(url)
        return page

    def close(self):
        """Close all pages, and fail if one has done what it may not."""
        for context in self._contexts:
            context.close()
        assert self.problems == []

    def _hear(self, message):
        # a violated content security policy is told here too
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _see(self, url, origin):
        if not url.startswith((origin, "data:", "blob:", "about:")):
            self.problems.append(f"request: {url}")


def violations(page):
    """What axe-core finds: rule, what it says, and where, a line each."""
    if page.evaluate("!window.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['target']}"
        for rule in found
        for node in rule["nodes"]
    ]


def overflows(page):
    """By how many pixels the page is wider than the window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def focus_order(page):
    """What the tab key reaches from the top, until it comes round: a text for each."""
    reached = []
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        text = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (!at || at === document.body) return null;
                const again = at.dataset.reached === "yes";
                at.dataset.reached = "yes";
                const label = at.labels && at.labels[0] ? at.labels[0].textContent : "";
                const name = at.getAttribute("aria-label") || label || at.textContent || at.id;
                return again ? null : name.trim().replace(/\\s+/g, " ");
            }"""
        )
        if text is None:
            break
        reached.append(text)
    return reached


def wait_until(page, state):
    """Wait until state() is true: for what no locator can wait for."""
    for _ in range(_LOOKS):
        if state():
            return
        page.wait_for_timeout(_BETWEEN_LOOKS)
    raise AssertionError("what was waited for didn't come")


def picture(page, name):
    """Leave a picture of a whole page, if somebody wants to look at it."""
    folder = os.environ.get(_PICTURES)
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
