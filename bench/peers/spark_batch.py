"""Spark in local mode: the csv with casts and rejects, de-duplication, zstd Parquet and eight aggregates; no warehouse.

python spark_batch.py FILE FOLDER THREADS prints one JSON line {seconds, rows}.
"""

import json
import sys
import time

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

csv, folder, threads = sys.argv[1:4]

TYPES = {
    "Qty": "int",
    "Price": "decimal(12,2)",
    "Total": "decimal(14,2)",
    "Discount": "double",
    "Express": "boolean",
    "OrderDate": "date",
    "Updated": "timestamp",
}
REQUIRED = ["OrderId", "Customer", "State", "Qty", "Price", "Total", "Currency", "OrderDate", "Updated"]


def aggregates(data):
    return data.agg(
        f.count("*"),
        f.countDistinct("OrderId"),
        f.count("Customer"),
        f.sum((f.col("Qty") > 0).cast("int")),
        f.sum((f.col("Price") >= 0).cast("int")),
        f.avg("Total"),
        f.sum("Total"),
        f.sum(f.col("Email").rlike("[^@ ]+@[^@ ]+").cast("int")),
    )


def main():
    began = time.monotonic()
    spark = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "3g")
        .config("spark.sql.shuffle.partitions", threads)
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    with open(csv, encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    schema = ", ".join(f"`{name}` string" for name in [*header, "_corrupt"])
    raw = spark.read.csv(
        csv, header=True, schema=schema, escape='"', mode="PERMISSIVE", columnNameOfCorruptRecord="_corrupt"
    )
    typed = raw.select(
        *[f.trim(f.col(name)).cast(TYPES.get(name, "string")).alias(name) for name in header], f.col("_corrupt")
    )
    good = f.col("_corrupt").isNull()
    for name in REQUIRED:
        good = good & f.col(name).isNotNull()
    typed.filter(~good).write.parquet(f"{folder}/rejects", compression="zstd")
    newest = Window.partitionBy("OrderId").orderBy(f.col("Updated").desc())
    ranked = typed.filter(good).drop("_corrupt").withColumn("place", f.row_number().over(newest))
    ranked.filter("place = 1").drop("place").write.parquet(f"{folder}/curated", compression="zstd")
    rows = aggregates(spark.read.parquet(f"{folder}/curated")).collect()[0][0]
    print(json.dumps({"seconds": time.monotonic() - began, "rows": rows}))
    spark.stop()


main()
