"""What a run with Spark shuffled, by Spark's own log of events."""

import json
from pathlib import Path


def log_events(folder: Path) -> dict[str, str]:
    """The environment of a command that has Spark log its events below a folder."""
    log = folder / "events"
    log.mkdir(parents=True)
    settings = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": log.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    lines = [f"{name} {value}\n" for name, value in settings.items()]
    (folder / "spark-defaults.conf").write_text("".join(lines))
    return {"SPARK_CONF_DIR": str(folder)}


def shuffled_bytes(folder: Path) -> int:
    """Bytes that the tasks have written for others to read."""
    total = 0
    for path in (folder / "events").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["Event"] == "SparkListenerTaskEnd":
                metrics = event.get("Task Metrics") or {}
                total += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    return total
