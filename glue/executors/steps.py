"""The steps of a run in one DuckDB, in the order in which glue/program.ts describes them."""

import os
import re

from executors.engine import literal
from executors.errors import DataError

#: Inputs larger than this pass through a Parquet file between parsing and writing; smaller ones stay in memory.
IN_MEMORY_BYTES = 16 << 20
_INTERMEDIATE = "COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1"
_MALFORMED_COLUMNS = (
    "{input_index: 'INTEGER', record_number: 'BIGINT', code: 'VARCHAR', message: 'VARCHAR', raw: 'VARCHAR', "
    "raw_sha256: 'VARCHAR'}"
)


def count_unframed(engine, input_format, path):
    """Records of an input without lines: from the Parquet footer, or the elements of a JSON array."""
    if input_format == "parquet":
        return int(engine.value("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(%s)" % literal(path)) or 0)
    sql = "SELECT count(*)::BIGINT FROM read_json_objects(%s, format = 'array', maximum_object_size = 67108864)"
    return int(engine.value(sql % literal(path)))


def require_equal(records, rows):
    """Refuses where the parser saw other records than were counted."""
    if rows != records:
        raise DataError("counts_do_not_reconcile", "%d records were counted, %d were parsed" % (records, rows))


def parse(engine, program, index, path, size_bytes, folder):
    """Parses one input in its own order. Returns (SELECT of its rows with record numbers, rows)."""
    sql = program["parse"].replace("{input}", literal(path))
    if size_bytes <= IN_MEMORY_BYTES:
        table = "sluice_parsed_%d" % index
        engine.run("CREATE OR REPLACE TEMP TABLE %s AS %s" % (table, sql))
        rows = int(engine.value("SELECT count(*)::BIGINT FROM %s" % table))
        return "SELECT *, %d AS input_index, rowid + 1 AS record_number FROM %s" % (index, table), rows
    file = literal(os.path.join(folder, "parsed-%d.parquet" % index))
    engine.run("COPY (%s) TO %s (FORMAT parquet, %s)" % (sql, file, _INTERMEDIATE))
    rows = int(engine.value("SELECT num_rows FROM parquet_file_metadata(%s)" % file))
    select = (
        "SELECT * EXCLUDE (file_row_number), %d AS input_index, file_row_number + 1 AS record_number "
        "FROM read_parquet(%s, file_row_number = true)"
    )
    return select % (index, file), rows


def load_malformed(engine, path):
    """Adds the malformed records of an input to `sluice_malformed`."""
    engine.run(
        "INSERT INTO sluice_malformed SELECT input_index, record_number, code, message, raw, raw_sha256 "
        "FROM read_ndjson(%s, columns = %s)" % (literal(path), _MALFORMED_COLUMNS)
    )


def resolve(engine, program, records):
    """Runs the `resolve` statements; `records` are the counts of the inputs."""
    for sql in (sql for part in ("marks", "rows", "duplicates", "output") for sql in program["resolve"][part]):
        engine.run(re.sub(r"\{records_(\d+)\}", lambda found: str(records[int(found.group(1))]), sql))


def write_rows(engine, select, path, relation):
    """Writes a SELECT as one Parquet file and lets `relation` read it. Returns its rows."""
    engine.run("COPY (%s) TO %s (FORMAT parquet, COMPRESSION zstd)" % (select, literal(path)))
    engine.run("CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM read_parquet(%s)" % (relation, literal(path)))
    return int(engine.value("SELECT num_rows FROM parquet_file_metadata(%s)" % literal(path)))


def count_by_job(engine, relation):
    """{job id: rows} of a written relation."""
    return {job: int(rows) for job, rows in engine.rows("SELECT job_id, count(*)::BIGINT FROM %s GROUP BY job_id" % relation)}


def duplicate_counts(engine, program):
    """{input index: duplicates}."""
    return {int(index): int(count) for index, count in engine.rows(program["duplicateCounts"])}
