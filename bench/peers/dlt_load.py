"""dlt loads the file into DuckDB: parsed by pyarrow, no rules, no rejects, no Parquet; broken rows are dropped.

python dlt_load.py FILE FOLDER THREADS prints one JSON line {seconds, rows, peakMb}.
"""

import json
import os
import resource
import sys
import time

csv, folder, threads = sys.argv[1:4]
os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false",
    RUNTIME__LOG_LEVEL="ERROR",
    DLT_DATA_DIR=os.path.join(folder, "dlt"),
    NORMALIZE__WORKERS=threads,
    LOAD__WORKERS=threads,
)

import dlt  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.csv as pc  # noqa: E402


@dlt.resource(name="orders", primary_key="OrderId", write_disposition="merge")
def orders():
    reader = pc.open_csv(
        csv,
        read_options=pc.ReadOptions(block_size=32 << 20),
        parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        convert_options=pc.ConvertOptions(column_types={name: pa.string() for name in header()}),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


def header():
    with open(csv, encoding="utf-8") as file:
        return file.readline().strip().split(",")


def main():
    began = time.monotonic()
    destination = dlt.destinations.duckdb(os.path.join(folder, "dlt.duckdb"))
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=os.path.join(folder, "pipelines"),
        destination=destination,
        dataset_name="mart",
    )
    pipeline.run(orders(), loader_file_format="parquet")
    seconds = time.monotonic() - began
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT count(*) FROM orders")[0][0]
    peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    print(json.dumps({"seconds": seconds, "rows": rows, "peakMb": peak_mb}))


main()
