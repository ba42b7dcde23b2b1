"""What Spark's workers do with a large input: measure its ranges, parse its splits, resolve the rows of a partition."""

import contextlib
import json
import os
import shutil
import tempfile

from executors import steps
from executors.content import compression_of, content_of
from executors.engine import Engine, machine_memory_bytes
from executors.framing import placeholder_of
from executors.inputs import frame, prepare_input, write_framed
from executors.splits import RangeReader
from executors.wheels import use_worker_wheels

#: Columns that travel beside the parsed ones, with their DuckDB types.
EXTRA_COLUMNS = (
    ("input_index", "INTEGER"),
    ("record_number", "BIGINT"),
    ("sluice_code", "VARCHAR"),
    ("sluice_message", "VARCHAR"),
    ("sluice_raw", "VARCHAR"),
    ("sluice_raw_sha256", "VARCHAR"),
    ("sluice_bucket", "BIGINT"),
)
_BATCH_ROWS = 20_000
#: Share of a worker machine that all its tasks together may take; the JVM has the most of it.
_MEMORY_SHARE = 0.3


@contextlib.contextmanager
def _workspace(program):
    """(engine, folder) of one task, on one thread."""
    use_worker_wheels()
    folder = tempfile.mkdtemp(prefix="sluice-task-")
    engine = Engine(folder, 1, int(machine_memory_bytes() * _MEMORY_SHARE / (os.cpu_count() or 1)))
    try:
        for sql in program["session"]:
            engine.run(sql)
        yield engine, folder
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)


def is_splittable(objects, uri, program_input):
    """Whether ranges of the stored bytes can be read on their own: plain text with one byte a character that matters."""
    head = b"".join(objects.read_range(uri, 0, 4))
    plain = compression_of(head) == "none" and program_input["encoding"] in ("utf-8", "latin-1", "windows-1252")
    return plain and program_input["framing"] is not None


def measure_range(objects, uri, framing, offset, end):
    """(offset, length, outcomes) of one range, for `splits.compose`."""
    content = b"".join(objects.read_range(uri, offset, end))
    return offset, len(content), RangeReader(framing, content).outcomes(offset == 0)


def measure_whole(objects, program, index, uri):
    """(records, open quote) of an input that cannot be split, counted without the parser."""
    program_input = program["inputs"][index]
    framing = program_input["framing"]
    if framing is not None:
        found = frame(_content(objects, uri, program_input), framing)
        return found.records, found.open_quote
    with _workspace(program) as (engine, folder):
        path = prepare_input(objects.local_path(uri, folder), program_input, index, folder).path
        return steps.count_unframed(engine, program_input["format"], path), False


def ends_in_open_quote(objects, uri, program_input, split):
    """Whether the last record of a split leaves a quote open behind a line end."""
    chunks = objects.read_range(uri, split["offset"], split["end"])
    content = content_of(chunks, "none", program_input)
    return frame(content, program_input["framing"], header=split["header"], marked=False).open_quote


def _content(objects, uri, program_input):
    head = b"".join(objects.read_range(uri, 0, 4))
    chunks = objects.read_range(uri, 0, objects.size(uri))
    return content_of(chunks, compression_of(head), program_input)


def _prepare_split(objects, program, split, folder):
    """(path, malformed path or None, records) of a split as the engine can read it."""
    index, uri = split["input"], split["uri"]
    program_input = program["inputs"][index]
    framing = program_input["framing"]
    if framing is None:
        prepared = prepare_input(objects.local_path(uri, folder), program_input, index, folder)
        return prepared.path, None, split["records"]
    path = os.path.join(folder, "records")
    malformed_path = os.path.join(folder, "malformed.jsonl")
    if split["end"] is None:
        content = _content(objects, uri, program_input)
        found = write_framed(content, framing, index, path, malformed_path)
    else:
        chunks = objects.read_range(uri, split["offset"], split["end"])
        content = content_of(chunks, "none", program_input)
        prefix = placeholder_of(framing) if framing["header"] and not split["header"] else b""
        place = {"header": split["header"], "records": split["before"], "marked": False}
        found = write_framed(content, framing, index, path, malformed_path, prefix, **place)
    return path, malformed_path if found.malformed > 0 else None, found.records


def _bucket(program):
    """SQL of a number that is equal for rows of one key."""
    if not program["key"]:
        return "0::BIGINT"
    names = ['"%s"' % column["name"].replace('"', '""') for column in program["key"]]
    values = ["rtrim(%s, ' ')" % name if column["text"] else name for name, column in zip(names, program["key"])]
    return "(hash(%s) >> 1)::BIGINT" % ", ".join(values)


def parse_splits(objects, program, schema):
    """A function for mapInArrow: rows of one text column, each a split as JSON, become parsed rows."""

    def parse(batches):
        for batch in batches:
            for text in batch.column(0).to_pylist():
                yield from _parse_split(objects, program, schema, json.loads(text))

    return parse


def _parse_split(objects, program, schema, split):
    with _workspace(program) as (engine, folder):
        path, malformed_path, records = _prepare_split(objects, program, split, folder)
        steps.require_equal(split["records"], records)
        sql = program["parse"].replace("{input}", steps.literal(path))
        engine.run("CREATE TEMP TABLE sluice_split AS " + sql)
        steps.require_equal(records, int(engine.value("SELECT count(*) FROM sluice_split")))
        engine.run(program["malformedTable"])
        if malformed_path is not None:
            steps.load_malformed(engine, malformed_path)
        select = (
            "SELECT p.*, %d::INTEGER AS input_index, p.number AS record_number, m.code, m.message, m.raw, m.raw_sha256, %s "
            "FROM (SELECT *, rowid + %d AS number FROM sluice_split) p "
            "LEFT JOIN sluice_malformed m ON m.record_number = p.number"
        ) % (split["input"], _bucket(program), split["before"] + 1)
        yield from _batches(engine, select.replace("p.*", "p.* EXCLUDE (number)"), schema)


def _batches(engine, sql, schema):
    import pyarrow as pa

    target = pa.schema(schema)
    result = engine.connection.execute(sql)
    reader = result.fetch_record_batch(_BATCH_ROWS)
    for batch in reader:
        columns = [column.cast(field.type) for column, field in zip(batch.columns, target)]
        yield pa.RecordBatch.from_arrays(columns, schema=target)


def resolve_partition(objects, program, records, destinations):
    """A function for mapInArrow: the rows of a partition become its files; one row of JSON tells about them.

    All rows of a key must be in the partition. `records` are the counts of the inputs, `destinations` the prefixes of
    curated files and rejects.
    """

    def resolve(batches):
        import pyarrow as pa
        from pyspark import TaskContext

        first = next(iter(batches), None)
        if first is None:
            return
        reader = pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches))
        with _workspace(program) as (engine, folder):
            number = TaskContext.get().partitionId()
            facts = _resolve(engine, folder, objects, program, records, destinations, reader, number)
        yield pa.RecordBatch.from_arrays([pa.array([json.dumps(facts)])], names=["facts"])

    return resolve


def _chained(first, rest):
    yield first
    yield from rest


def _resolve(engine, folder, objects, program, records, destinations, reader, number):
    engine.connection.register("sluice_arrow", reader)
    engine.run("CREATE TEMP TABLE sluice_shuffled AS SELECT * FROM sluice_arrow ORDER BY input_index, record_number")
    engine.connection.unregister("sluice_arrow")
    engine.run(
        "CREATE TEMP VIEW sluice_parsed AS SELECT * EXCLUDE (sluice_code, sluice_message, sluice_raw, sluice_raw_sha256, sluice_bucket) "
        "FROM sluice_shuffled"
    )
    engine.run(program["malformedTable"])
    engine.run(
        "INSERT INTO sluice_malformed SELECT input_index, record_number, sluice_code, sluice_message, sluice_raw, sluice_raw_sha256 "
        "FROM sluice_shuffled WHERE sluice_code IS NOT NULL"
    )
    steps.resolve(engine, program, records)
    name = "part-%05d.parquet" % number
    return write_part(engine, folder, objects, program, destinations, name)


def write_part(engine, folder, objects, program, destinations, name):
    """Writes curated rows and rejects of a resolved engine as files of that name, where there are any. Returns what is told of them."""
    curated_path, rejects_path = os.path.join(folder, "curated.parquet"), os.path.join(folder, "rejects.parquet")
    curated_rows = steps.write_rows(engine, program["curated"], curated_path, "sluice_written")
    rejected_rows = steps.write_rows(engine, program["rejects"], rejects_path, "sluice_rejects_written")
    facts = {
        "contentHash": str(engine.value(program["contentHash"])),
        "curatedByJob": steps.count_by_job(engine, "sluice_written"),
        "rejectedByJob": steps.count_by_job(engine, "sluice_rejects_written"),
        "duplicates": steps.duplicate_counts(engine, program),
    }
    facts["curated"] = put_part(objects, destinations["curated"] + name, curated_path, curated_rows)
    facts["rejects"] = put_part(objects, destinations["rejects"] + name, rejects_path, rejected_rows)
    return facts


def put_part(objects, url, path, rows):
    """Stores a file that has rows. Returns {url, bytes, rows} or None."""
    return {"url": url, "bytes": objects.put_file(url, path), "rows": rows} if rows > 0 else None
