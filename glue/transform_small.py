"""Glue Python-shell job `transform-small`: a plan in one DuckDB, without a Spark start.

Python 3.9 and DuckDB 1.4 are enough. The counterpart of glue/executor.ts: same steps, same documents, the manifest last.
"""

import os
import shutil
import tempfile

from executors import quality_plan, steps
from executors.engine import Engine, machine_memory_bytes
from executors.errors import data_error_of
from executors.inputs import prepare_input
from executors.objects import objects_of
from executors.run import Run, count_jobs, empty_summary, finish, judge, read_plan, refuse, refuse_for, reject_facts, sum_counts

#: Of the machine's memory; the rest is for framing and the system.
_MEMORY_SHARE = 0.6


def _prepare(run, engine):
    """Makes all inputs readable and counts their records without the parser."""
    prepared = []
    for index, program_input in enumerate(run.program["inputs"]):
        path = run.objects.local_path(run.read_uri(index), run.folder)
        item = prepare_input(path, program_input, index, run.folder)
        if item.records is None:
            item.records = steps.count_unframed(engine, program_input["format"], item.path)
        prepared.append(item)
    return prepared


def _parse(run, engine, prepared):
    selects = []
    for index, item in enumerate(prepared):
        size = run.plan["inputs"][index]["sizeBytes"]
        select, rows = steps.parse(engine, run.program, index, item.path, size, run.folder)
        steps.require_equal(item.records, rows)
        selects.append(select)
    engine.run("CREATE OR REPLACE TEMP VIEW sluice_parsed AS " + " UNION ALL ".join(selects))


def _resolve(run, engine, prepared):
    engine.run(run.program["malformedTable"])
    for item in prepared:
        if item.malformed_path is not None:
            steps.load_malformed(engine, item.malformed_path)
    steps.resolve(engine, run.program, [item.records for item in prepared])


def _publish_rejects(run, engine, path, rows):
    """Returns where the rejects are, None where there are none."""
    if rows == 0:
        return None
    run.objects.put_text(run.destination("rejectSample"), str(engine.value(run.program["rejectSample"])))
    run.objects.put_file(run.destination("rejects") + "part-00000.parquet", path)
    return run.destination("rejects")


def _publish(run, engine, summary, path, rows):
    with run.stage("hash"):
        content_hash = str(engine.value(run.program["contentHash"]))
    verdict_uri = None
    if run.plan["engine"] == "small":
        engine.run("CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM sluice_written")
        with run.stage("quality"):
            verdict_uri = quality_plan.evaluate(run, engine)
    url = run.destination("curated") + "part-00000.parquet"
    file = {"url": url, "bytes": run.objects.put_file(url, path), "rows": rows}
    return finish(run, summary, [file], content_hash, verdict_uri)


def _execute(run, engine):
    program = run.program
    for sql in program["session"]:
        engine.run(sql)
    with run.stage("frame"):
        prepared = _prepare(run, engine)
    with run.stage("parse"):
        _parse(run, engine, prepared)
    with run.stage("resolve"):
        _resolve(run, engine, prepared)
    curated_path = os.path.join(run.folder, "curated.parquet")
    with run.stage("write"):
        curated = steps.write_rows(engine, program["curated"], curated_path, "sluice_written")
    rejects_path = os.path.join(run.folder, "rejects.parquet")
    with run.stage("rejects"):
        rejected = steps.write_rows(engine, program["rejects"], rejects_path, "sluice_rejects_written")
    jobs = count_jobs(
        run,
        [item.records for item in prepared],
        steps.count_by_job(engine, "sluice_written"),
        steps.count_by_job(engine, "sluice_rejects_written"),
        steps.duplicate_counts(engine, program),
    )
    counts = sum_counts(jobs)
    codes, type_errors = reject_facts(run, engine)
    code, message = judge(run.plan, counts, type_errors, any(item.open_quote for item in prepared))
    rejects_uri = _publish_rejects(run, engine, rejects_path, rejected)
    summary = dict(empty_summary(run), counts=counts, jobs=jobs, rejectCodes=codes, rejectsUri=rejects_uri)
    if code is not None:
        return refuse(run, summary, code, message)
    return _publish(run, engine, summary, curated_path, curated)


def main(options):
    """Runs the plan that `plan_uri` names as the run `run_id`. Returns the summary; an exception means the machine failed."""
    objects = objects_of(options)
    folder = tempfile.mkdtemp(prefix="sluice-run-")
    run = Run(read_plan(objects, options["plan_uri"]), options["run_id"], objects, folder)
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
