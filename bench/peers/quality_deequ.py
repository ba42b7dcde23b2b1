"""Deequ's DQDL executor on a local Spark: the same rules over the same Parquet file; the session's start is not counted.

python quality_deequ.py FILE RULESET THREADS JARS prints one JSON line {seconds, rows, peakMb, score}.
"""

import glob
import json
import os
import sys
import time

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_VERSION"] = "3.5"

from pyspark.sql import SparkSession  # noqa: E402

file, rules, threads, jars = sys.argv[1:5]


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        figures = dict(line.split(":", 1) for line in status)
    return int(figures["VmHWM"].split()[0]) * 1024 / 1e6


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spark = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.jars", ",".join(sorted(glob.glob(os.path.join(jars, "*.jar")))))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "3g")
        .config("spark.sql.shuffle.partitions", threads)
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    jvm = spark._jvm
    process = int(jvm.java.lang.ProcessHandle.current().pid())
    with open(rules, encoding="utf-8") as source:
        ruleset = source.read()
    began = time.monotonic()
    frame = spark.read.parquet(file)
    outcomes = jvm.com.amazon.deequ.dqdl.EvaluateDataQuality.process(frame._jdf, ruleset)
    found = [json.loads(text) for text in outcomes.toJSON().collectAsList()]
    seconds = time.monotonic() - began
    passed = sum(outcome["Outcome"] == "Passed" for outcome in found)
    rows = next(int(outcome["EvaluatedMetrics"]["Dataset.*.RowCount"]) for outcome in found if outcome["Rule"].startswith("RowCount "))
    peak = round(peak_mb(process) + peak_mb(os.getpid()))
    answers.write(json.dumps({"seconds": seconds, "rows": rows, "peakMb": peak, "score": passed / len(found)}) + "\n")
    answers.flush()
    spark.stop()


main()
