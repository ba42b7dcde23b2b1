"""Glue Spark job `transform-large`: a plan over splits of its input.

Spark does what needs a cluster: it finds where records begin by reading all ranges at once, brings the rows of a key
together, and makes files of one size. Rows are parsed, checked and resolved by the plan's SQL, in a DuckDB within each task.
"""

import json
import os
import shutil
import sys
import tempfile
from functools import partial

from executors import split_tasks, steps
from executors.engine import Engine, machine_memory_bytes
from executors.errors import data_error_of
from executors.objects import objects_of
from executors.record_scanner import ESCAPED, QUOTED
from executors.run import Run, count_jobs, empty_summary, finish, judge, read_plan, refuse, refuse_for, reject_facts, sum_counts
from executors.splits import compose
from executors.wheels import WORKER_FOLDER

#: Bytes of a range: what one task reads, and about what one file is made from.
SPLIT_BYTES = 128 << 20
_MEMORY_SHARE = 0.2


def open_spark(options):
    """The session of the job, with this code on its workers."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("sluice")
    if "spark_master" in options:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(options["spark_master"])
    if "spark_jars" in options:
        builder = builder.config("spark.driver.extraClassPath", options["spark_jars"])
    spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    archive = options.get("code_archive")
    if archive is not None:
        spark.sparkContext.addPyFile(archive)
        spark.sparkContext.addArchive("%s#%s" % (archive, WORKER_FOLDER))
    return spark


class LargeRun(Run):
    """A run with a Spark session."""

    def __init__(self, plan, run_id, objects, folder, spark, split_bytes):
        super().__init__(plan, run_id, objects, folder)
        self.spark = spark
        self.split_bytes = split_bytes

    def each(self, function, items):
        """Results of a function over items, one task an item, in order."""
        if not items:
            return []
        return self.spark.sparkContext.parallelize(items, len(items)).map(function).collect()


class Measured:
    """One input: its splits, records and whether it ends in an open quote."""

    def __init__(self, splits, records, open_quote):
        self.splits = splits
        self.records = records
        self.open_quote = open_quote


def _measure_text(run, index, uri):
    """Finds record boundaries of a plain text by reading all ranges in parallel."""
    program_input = run.program["inputs"][index]
    framing = program_input["framing"]
    size = run.objects.size(uri)
    offsets = range(0, size, run.split_bytes)
    tasks = [(offset, min(offset + run.split_bytes, size)) for offset in offsets]
    measure = partial(_measure_task, run.objects, uri, framing)
    found, state = compose(run.each(measure, tasks))
    splits = []
    for position, split in enumerate(found):
        header = framing["header"] and position == 0
        behind_header = 1 if framing["header"] and position > 0 else 0
        splits.append(
            {
                "input": index,
                "uri": uri,
                "offset": split["offset"],
                "end": split["end"],
                "header": header,
                "before": split["recordsBefore"] - behind_header,
                "records": split["records"] - (1 if header else 0),
            }
        )
    open_quote = False
    if splits and state in (QUOTED, ESCAPED):
        check = partial(split_tasks.ends_in_open_quote, run.objects, uri, program_input)
        open_quote = run.each(check, splits[-1:])[0]
    return Measured(splits, sum(split["records"] for split in splits), open_quote)


def _measure_task(objects, uri, framing, bounds):
    return split_tasks.measure_range(objects, uri, framing, *bounds)


def _measure_whole(run, index, uri):
    measure = partial(split_tasks.measure_whole, run.objects, run.program, index)
    records, open_quote = run.each(measure, [uri])[0]
    split = {"input": index, "uri": uri, "offset": 0, "end": None, "header": None, "before": 0, "records": records}
    return Measured([split], records, open_quote)


def _measure(run):
    measured = []
    for index, program_input in enumerate(run.program["inputs"]):
        uri = run.read_uri(index)
        splittable = split_tasks.is_splittable(run.objects, uri, program_input)
        measured.append((_measure_text if splittable else _measure_whole)(run, index, uri))
    return measured


def _columns(program):
    """(name, DuckDB type) of all columns that travel."""
    own = [(column["name"], column["type"]) for column in program["parsedColumns"]]
    return own + list(split_tasks.EXTRA_COLUMNS)


def _arrow_type(duckdb_type):
    import pyarrow as pa

    if duckdb_type.startswith("DECIMAL("):
        precision, scale = duckdb_type[len("DECIMAL(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {
        "VARCHAR": pa.string(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
    }[duckdb_type]


def _spark_schema(columns):
    from pyspark.sql import types

    plain = {
        "VARCHAR": types.StringType(),
        "INTEGER": types.IntegerType(),
        "BIGINT": types.LongType(),
        "DOUBLE": types.DoubleType(),
        "BOOLEAN": types.BooleanType(),
        "DATE": types.DateType(),
        "TIMESTAMP": types.TimestampNTZType(),
    }

    def spark_type(name):
        if name.startswith("DECIMAL("):
            return types.DecimalType(*(int(part) for part in name[len("DECIMAL(") : -1].split(",")))
        return plain[name]

    return types.StructType([types.StructField(name, spark_type(type_)) for name, type_ in columns])


def _parts(run, measured):
    """Runs parse, shuffle and resolve. Returns what the tasks tell of the files they wrote."""
    splits = [split for item in measured for split in item.splits]
    if not splits:
        return []
    columns = _columns(run.program)
    arrow_schema = [(name, _arrow_type(type_)) for name, type_ in columns]
    rows = run.spark.sparkContext.parallelize([(json.dumps(split),) for split in splits], len(splits))
    parsed = run.spark.createDataFrame(rows, "split string").mapInArrow(
        split_tasks.parse_splits(run.objects, run.program, arrow_schema), _spark_schema(columns)
    )
    if run.program["key"]:
        parsed = parsed.repartition(len(splits), "sluice_bucket")
    destinations = {name: run.destination(name) for name in ("curated", "rejects")}
    records = [item.records for item in measured]
    resolve = split_tasks.resolve_partition(run.objects, run.program, records, destinations)
    return [json.loads(row.facts) for row in parsed.mapInArrow(resolve, "facts string").collect()]


def _merged(parts, name):
    total = {}
    for part in parts:
        for key, count in part[name].items():
            total[key] = total.get(key, 0) + count
    return total


def _reject_facts(run, engine, files):
    """(codes, type errors, URI) of all rejects; stores their sample."""
    if not files:
        return [], 0, None
    paths = [steps.literal(run.objects.local_path(file["url"], run.folder)) for file in files]
    engine.run(
        "CREATE TEMP VIEW sluice_rejects_written AS SELECT * FROM read_parquet([%s], hive_partitioning = false)"
        % ", ".join(paths)
    )
    run.objects.put_text(run.destination("rejectSample"), str(engine.value(run.program["rejectSample"])))
    codes, type_errors = reject_facts(run, engine)
    return codes, type_errors, run.destination("rejects")


def _empty_file(run, engine, measured):
    """Writes the one file of a run without a curated row: tables are loaded from files, also from empty ones."""
    columns = [(column["name"], column["type"]) for column in run.program["parsedColumns"]]
    columns += [("input_index", "INTEGER"), ("record_number", "BIGINT")]
    definition = ", ".join('"%s" %s' % (name.replace('"', '""'), type_) for name, type_ in columns)
    engine.run("CREATE OR REPLACE TEMP TABLE sluice_parsed (%s)" % definition)
    engine.run(run.program["malformedTable"])
    steps.resolve(engine, run.program, [item.records for item in measured])
    path = os.path.join(run.folder, "curated.parquet")
    steps.write_rows(engine, run.program["curated"], path, "sluice_written")
    url = run.destination("curated") + "part-00000.parquet"
    return {"url": url, "bytes": run.objects.put_file(url, path), "rows": 0}


def _execute(run, engine):
    for sql in run.program["session"]:
        engine.run(sql)
    with run.stage("frame"):
        measured = _measure(run)
    with run.stage("write"):
        parts = _parts(run, measured)
    duplicates = {int(index): count for index, count in _merged(parts, "duplicates").items()}
    records = [item.records for item in measured]
    jobs = count_jobs(run, records, _merged(parts, "curatedByJob"), _merged(parts, "rejectedByJob"), duplicates)
    counts = sum_counts(jobs)
    with run.stage("rejects"):
        rejects = [part["rejects"] for part in parts if part["rejects"] is not None]
        codes, type_errors, rejects_uri = _reject_facts(run, engine, rejects)
    code, message = judge(run.plan, counts, type_errors, any(item.open_quote for item in measured))
    summary = dict(empty_summary(run), counts=counts, jobs=jobs, rejectCodes=codes, rejectsUri=rejects_uri)
    if code is not None:
        return refuse(run, summary, code, message)
    files = [part["curated"] for part in parts if part["curated"] is not None] or [_empty_file(run, engine, measured)]
    # The hash is a sum over rows, so that of several files is the sum of theirs.
    content_hash = str(sum(int(part["contentHash"]) for part in parts))
    return finish(run, summary, files, content_hash, None)


def main(options):
    """Runs the plan that `plan_uri` names as the run `run_id`. Returns the summary; an exception means the machine failed."""
    objects = objects_of(options)
    folder = tempfile.mkdtemp(prefix="sluice-run-")
    plan = read_plan(objects, options["plan_uri"])
    split_bytes = int(options.get("split_bytes", SPLIT_BYTES))
    run = LargeRun(plan, options["run_id"], objects, folder, open_spark(options), split_bytes)
    engine = Engine(folder, os.cpu_count() or 1, int(machine_memory_bytes() * _MEMORY_SHARE))
    try:
        return _execute(run, engine)
    except Exception as error:
        data_error = data_error_of(error)
        if data_error is None:
            raise
        return refuse_for(run, data_error)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
