"""What stood in Spark's way, as one line: Spark says it between hundreds of lines of Java's."""

import re

_EXTRAS_HINT = "Spark Connect needs more: pip install 'pyspark[connect]'"
_MOST_CHARACTERS = 300
# lines of Java's log that name a cause, the exception's class or the logger left out
_LOGGED = re.compile(r'(?:Exception in thread "[^"]*" [\w.$]+|^\S+ \S+ ERROR [\w.$]+): (.+)')
# what Spark logs besides a cause
_NO_CAUSE = "Error initializing SparkContext"
# a Python traceback's last line, or Java's first one
_RAISED = re.compile(r"^(?:: |Caused by: )?(?:\w+\.)+\w*(?:Error|Exception|Interrupt): (.+)")
_BUILT_IN = re.compile(r"^(?:\w*Error|KeyboardInterrupt): .+")


def reason_of(error: BaseException, log: str = "") -> str:
    """Why Spark failed: from what Java has logged, or else from the error's own text."""
    if "PACKAGE_NOT_INSTALLED" in str(error):
        return _EXTRAS_HINT
    logged = [found[1] for line in log.splitlines() if (found := _LOGGED.search(line))]
    logged = [text for text in logged if not text.startswith(_NO_CAUSE)]
    reason = logged[-1] if logged else _text_of(str(error)) or type(error).__name__
    return reason.strip()[:_MOST_CHARACTERS]


def is_failure_of_spark(error: BaseException) -> bool:
    """Whether an error comes from Spark, or from what it talks to Java or a server with."""
    return type(error).__module__.partition(".")[0] in ("pyspark", "py4j", "grpc")


def _text_of(text: str) -> str:
    """The cause in an error's text: what a task of ours raised, else the first line."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    tracebacks = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    for start in tracebacks[-1:]:
        for line in lines[start:]:
            if found := _RAISED.match(line):
                return found[1]
            if _BUILT_IN.match(line):
                return line
    raised = [found[1] for line in lines if (found := _RAISED.match(line))]
    return raised[0] if raised else next(iter(lines), "")
