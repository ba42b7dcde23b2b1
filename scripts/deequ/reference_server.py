"""Deequ's DQDL executor behind lines of JSON.

Reads one request a line from standard input: {"open": name, "path": Parquet file} makes a table known,
{"table": name, "sources": {alias: name}, "ruleset": text} evaluates. Answers each with one line:
{"outcomes": [{"rule", "outcome", "reason", "metrics"}]} or {"error": text}.
"""

import glob
import json
import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_VERSION"] = "3.5"

from py4j.protocol import Py4JJavaError  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql.functions import col  # noqa: E402

# The tables are tiny: planning and generated code would cost more than the rows.
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1",
    "spark.default.parallelism": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.showConsoleProgress": "false",
}


def start(jars: str) -> SparkSession:
    builder = SparkSession.builder.master("local[2]").config("spark.jars", jars)
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def open_table(spark: SparkSession, path: str) -> DataFrame:
    """The rows of a Parquet file, held by the driver; timestamps as Spark's own type."""
    frame = spark.read.parquet(path)
    types = {field.name: field.dataType.typeName() for field in frame.schema}
    frame = frame.select(
        [
            col(f"`{name}`").cast("timestamp").alias(name) if kind == "timestamp_ntz" else col(f"`{name}`")
            for name, kind in types.items()
        ]
    )
    java = frame._jdf
    local = spark._jsparkSession.createDataFrame(java.collectAsList(), java.schema())
    return DataFrame(local, spark)


def evaluate(spark: SparkSession, tables: dict[str, DataFrame], request: dict) -> dict:
    frame = tables[request["table"]]
    # The managed service makes the data known by this name.
    frame.createOrReplaceTempView("primary")
    jvm = spark._jvm
    sources = {alias: tables[name]._jdf for alias, name in request["sources"].items()}
    converted = jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(sources)
    outcomes = jvm.com.amazon.deequ.dqdl.EvaluateDataQuality.process(frame._jdf, request["ruleset"], converted)
    rows = [json.loads(text) for text in outcomes.toJSON().collectAsList()]
    return {
        "outcomes": [
            {
                "rule": row["Rule"],
                "outcome": row["Outcome"],
                "reason": row.get("FailureReason"),
                "metrics": row.get("EvaluatedMetrics", {}),
            }
            for row in rows
        ]
    }


def answer(spark: SparkSession, tables: dict[str, DataFrame], request: dict) -> dict:
    if "open" in request:
        tables[request["open"]] = open_table(spark, request["path"])
        return {"outcomes": []}
    try:
        return evaluate(spark, tables, request)
    except Py4JJavaError as error:
        return {"error": str(error.java_exception)}
    except Exception as error:  # noqa: BLE001 - PySpark wraps the engine's errors in types of its own
        return {"error": str(error)}


def main() -> None:
    # Spark prints to standard output while it starts: answers go to what was standard output before.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spark = start(",".join(sorted(glob.glob(os.path.join(sys.argv[1], "*.jar")))))
    tables: dict[str, DataFrame] = {}
    for line in sys.stdin:
        answers.write(json.dumps(answer(spark, tables, json.loads(line))) + "\n")
        answers.flush()
    spark.stop()


main()
