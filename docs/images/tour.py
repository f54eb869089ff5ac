"""Pictures for README: the terminal, the report and the inspector, of the demo data set.

Needs a chromium, and pip install '.[inspect,browser]' in a checkout.
"""

import io
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 80
FASTPHASH = (sys.executable, "-m", "fastphash")
COMMANDS = (
    ("audit", "train=fastphash-demo/train", "val=fastphash-demo/val", "-o", "audit"),
    ("clean", "audit"),
)
# where what is left out of each command's output begins
LEFT_OUT = ("Largest of", None)


def main() -> None:
    """Draw all pictures."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        subprocess.run((*FASTPHASH, "demo"), cwd=folder, check=True, capture_output=True)
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        terminal(chromium, folder)
        shoot(chromium, (folder / "audit" / "report.html").as_uri(), "report", 1100)
        inspector(chromium, folder)


def terminal(chromium: Browser, folder: Path) -> None:
    """What the commands print at 80 columns."""
    text = Text()
    for command, left_out in zip(COMMANDS, LEFT_OUT, strict=True):
        text.append(f"$ fastphash {' '.join(command)}\n", style="bold green")
        printed = Text.from_ansi(on_a_terminal(command, folder)).split("\n")
        begins = [left_out is not None and line.plain.startswith(left_out) for line in printed]
        end = [*begins, True].index(True)
        text.append_text(Text("\n").join(printed[:end]))
        text.append("...\n" if end < len(printed) else "\n")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(text)
    page = folder / "terminal.html"
    form = (
        "<!doctype html><meta charset='utf-8'><style>body {{ background: #16181d; color: #e6e6e6; "
        "margin: 24px; width: max-content }} pre {{ font: 15px/1.35 monospace }}"
        "</style><pre>{code}</pre>"
    )
    page.write_text(console.export_html(inline_styles=True, code_format=form), encoding="utf-8")
    shoot(chromium, page.as_uri(), "terminal", 200, width=800, full_page=True)


def on_a_terminal(command: tuple[str, ...], folder: Path) -> str:
    """The output of a command to a terminal of 80 columns."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    with subprocess.Popen(
        (*FASTPHASH, *command), cwd=folder, stdout=its, stderr=subprocess.DEVNULL, env=environment
    ):
        os.close(its)
        pieces = []
        try:
            while piece := os.read(ours, 1 << 16):
                pieces.append(piece)
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def inspector(chromium: Browser, folder: Path) -> None:
    """The inspector's page of a pair."""
    command = (*FASTPHASH, "inspect", "audit", "--port", "0", "--no-browser")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.goto(url)
            page.wait_for_url(lambda place: "token" not in place)
            page.goto(f"{page.url}?kind=augmented")
            page.locator("a[href*='/pair/']").first.click()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=HERE / "inspector.png")
        finally:
            server.send_signal(signal.SIGINT)


def shoot(
    chromium: Browser,
    url: str,
    name: str,
    height: int,
    *,
    width: int = 1280,
    full_page: bool = False,
) -> None:
    """A picture of a page."""
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.goto(url)
    page.screenshot(path=HERE / f"{name}.png", full_page=full_page)
    page.close()


if __name__ == "__main__":
    main()
