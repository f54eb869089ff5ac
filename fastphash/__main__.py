"""The command line as a program: ``fastphash``, or ``python -m fastphash``."""

import signal

# until there is anything to tidy up, Ctrl-C ends it without a word
signal.signal(signal.SIGINT, signal.SIG_DFL)

from fastphash.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main(prog_name="fastphash")
