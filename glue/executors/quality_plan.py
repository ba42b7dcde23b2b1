"""Runs a quality plan (dqdl/quality-plan.ts) over the relation `sluice_data` of an engine."""

import json

from executors.engine import literal
from executors.objects import parse_uri

_MAX_MESSAGE = 2048


def _run_statement(engine, statement):
    import duckdb

    try:
        engine.run(statement["sql"])
    except duckdb.Error as error:
        if not statement["rules"]:
            raise
        message = literal(str(error)[:_MAX_MESSAGE])
        rows = ", ".join("(%d, 'ERROR', '{}', %s, NULL)" % (index, message) for index in statement["rules"])
        engine.run("INSERT INTO sluice_verdicts VALUES " + rows)


def _run_with_fallback(engine, statement):
    import duckdb

    try:
        engine.run(statement["sql"])
    except duckdb.Error:
        for single in statement["fallback"]:
            _run_statement(engine, single)


def _is_settled(engine, statement):
    """A question that fails settles nothing: the statement itself then says what is wrong."""
    import duckdb

    try:
        return "unless" in statement and bool(engine.value(statement["unless"]))
    except duckdb.Error:
        return False


def evaluate(run, engine):
    """Stores result.json and verdict.json. Returns the URI of the verdict."""
    quality = run.plan["quality"]
    for sql in quality["setup"]:
        engine.run(sql)
    for statement in quality["statements"]:
        if _is_settled(engine, statement):
            continue
        if "fallback" in statement:
            _run_with_fallback(engine, statement)
        else:
            _run_statement(engine, statement)
    result = str(engine.value(quality["resultDocument"]))
    verdict = str(engine.value(quality["verdictDocument"]))
    return store(run, result, verdict)


def store(run, result, verdict):
    """Stores the texts of both documents, the verdict with its placeholders filled in. Returns the verdict's URI.

    A result that passed the gate is kept for later runs to compare with, unless the plan is one of a replay.
    """
    result_uri = run.destination("qualityResult")
    verdict_uri = run.destination("qualityVerdict")
    run.objects.put_text(result_uri, result)
    bucket, key = parse_uri(result_uri)
    run.objects.put_text(verdict_uri, verdict.replace("{resultBucket}", bucket).replace("{resultKey}", key))
    history_uri = run.plan["destinations"].get("qualityHistory")
    if history_uri is not None and json.loads(verdict)["gate"] == "PASS":
        run.objects.put_text(history_uri, result)
    return verdict_uri
