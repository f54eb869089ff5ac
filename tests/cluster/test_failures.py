import pytest

from fastphash.cluster.failures import reason_of

START = (
    "WARNING: Using incubator modules: jdk.incubator.vector\n"
    "Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties\n"
    "26/12/01 08:20:29 WARN Utils: Set SPARK_LOCAL_IP if you need to bind to another address\n"
)
JAVA = (
    "An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.\n"
    ": org.apache.spark.SparkException: Could not parse it: 'x'\n"
    "\tat org.apache.spark.SparkContext.<init>(SparkContext.scala:603)\n"
)
TASK = (
    "\n  An exception was thrown from the Python worker. Please see the stack trace below.\n"
    "Traceback (most recent call last):\n"
    '  File "/x/worker.py", line 3, in main\n'
    "    process()\n"
    "{}\n"
    "\n\tat org.apache.spark.api.python.BasePythonRunner.read(PythonRunner.scala:1)\n"
    "Caused by: java.lang.IllegalStateException: other\n"
)


@pytest.mark.parametrize(
    ("text", "log", "reason"),
    [
        (JAVA, START, "Could not parse it: 'x'"),
        (
            "[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number.",
            START
            + 'Exception in thread "main" org.apache.spark.SparkException: yarn needs a folder\n'
            + "\tat org.apache.spark.deploy.SparkSubmit.error(SparkSubmit.scala:1068)\n",
            "yarn needs a folder",
        ),
        (
            JAVA,
            START
            + "26/12/01 08:21:42 ERROR StandaloneSchedulerBackend: All masters are unresponsive!\n"
            + "26/12/01 08:21:43 ERROR SparkContext: Error initializing SparkContext.\n",
            "All masters are unresponsive!",
        ),
        (TASK.format("fastphash.errors.StoreError: x is damaged"), "", "x is damaged"),
        (TASK.format("OSError: [Errno 28] No space left"), "", "OSError: [Errno 28] No space left"),
        ("something else\nmore", START, "something else"),
        ("[PACKAGE_NOT_INSTALLED] grpcio must be installed", "", "Spark Connect needs more: pip"),
        ("", "", "RuntimeError"),
    ],
)
def test_the_cause_is_found_among_what_java_says(text, log, reason):
    found = reason_of(RuntimeError(text), log)
    assert found.startswith(reason)
    assert "\n" not in found
