"""The command line as a program: ``fastphash``, or ``python -m fastphash``."""

import signal

# while modules are imported there is nothing to tidy up, and Ctrl-C ends the process silently;
# worker processes import this too, and ignore it from the start
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from fastphash.cli.streams import open_closed_streams, write_all_characters

# before any other file is opened
open_closed_streams()
write_all_characters()

from fastphash.cli.leave import run_and_leave  # noqa: E402 (streams are open by now)
from fastphash.cli.main import main  # noqa: E402


def run() -> None:
    """Run the command line, and end the process."""
    run_and_leave(lambda: main(prog_name="fastphash"))


if __name__ == "__main__":
    run()
