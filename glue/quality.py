"""Glue Spark job `quality`: evaluates the plan's ruleset over exactly the files of a run's manifest.

In AWS Glue its own `EvaluateDataQuality` does it and publishes to the Data Quality console; elsewhere Deequ's open DQDL
evaluator. Both answer a table of texts and outcomes without order, labels or ERROR; what is missing comes from the plan's
list of rules, joined by text.
"""

import json
import shutil
import tempfile

from executors.objects import objects_of
from executors.outcomes import (
    given_text,
    judge_rules,
    normal,
    not_evaluated,
    outcomes_by_text,
    result_document,
    verdict_document,
)
from executors.quality_plan import store
from executors.run import Run, compact_json, read_plan
from transform_large import open_spark


def _collected(frame):
    return outcomes_by_text(row.asDict() for row in frame.collect())


def _context(plan):
    """Glue keeps the statistics of a context for its anomaly rules: one for each tenant's dataset, and one for replays."""
    parts = [plan["dataset"], plan["tenantId"]] + ([] if plan["replayId"] is None else ["replay"])
    return ".".join(parts)


def _with_glue(spark, urls, ruleset, context):
    """Outcomes by Glue's own evaluator."""
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    glue = GlueContext(spark.sparkContext)
    frame = DynamicFrame.fromDF(spark.read.parquet(*urls), glue, "rows")
    outcomes = EvaluateDataQuality.apply(
        frame=frame,
        ruleset=ruleset,
        publishing_options={
            "dataQualityEvaluationContext": context,
            "enableDataQualityCloudWatchMetrics": True,
            "enableDataQualityResultsPublishing": True,
        },
    )
    return _collected(outcomes.toDF())


def _readable(parser, quality):
    """(ruleset of the rules that the evaluator's own parser reads, {text: why it refuses} of the others)."""
    head = quality["ruleset"].split("Rules = [", 1)[0]
    kept, refused = [], {}
    for rule in quality["rules"]:
        try:
            parser.parse("%sRules = [ %s ]" % (head, given_text(rule)))
            kept.append(given_text(rule))
        except Exception as error:
            thrown = getattr(error, "java_exception", None)
            refused[normal(given_text(rule))] = str(error if thrown is None else thrown.getMessage())
    return "%sRules = [\n%s\n]" % (head, ",\n".join(kept)) if kept else None, refused


def _with_deequ(spark, paths, quality):
    """Outcomes by Deequ's evaluator, called through the JVM gateway. It refuses a ruleset for one rule that it cannot read."""
    from pyspark.sql import DataFrame

    rows = spark.read.parquet(*paths)
    ruleset, refused = _readable(spark.sparkContext._jvm.software.amazon.glue.dqdl.parser.DQDLParser(), quality)
    # Glue registers the data under this name for CustomSql; the open evaluator leaves it to its caller.
    rows.createOrReplaceTempView("primary")
    evaluator = spark.sparkContext._jvm.com.amazon.deequ.dqdl.EvaluateDataQuality
    found = {}
    if ruleset is not None:
        found = _collected(DataFrame(evaluator.process(rows._jdf, ruleset), spark))
    for text, reason in refused.items():
        found[text] = not_evaluated(reason)
    return found


def _has_glue():
    try:
        import awsgluedq  # noqa: F401
    except ImportError:
        return False
    return True


def _manifest_urls(run):
    manifest = json.loads(run.objects.read_text(run.destination("manifest")))
    return [entry["url"] for entry in manifest["entries"]]


def main(options):
    """Evaluates the ruleset of `plan_uri` over the files of the run `run_id`. Returns the URI of the verdict."""
    objects = objects_of(options)
    folder = tempfile.mkdtemp(prefix="sluice-quality-")
    try:
        run = Run(read_plan(objects, options["plan_uri"]), options["run_id"], objects, folder)
        quality = run.plan["quality"]
        spark = open_spark(options)
        urls = _manifest_urls(run)
        if _has_glue():
            outcomes = _with_glue(spark, urls, quality["ruleset"], _context(run.plan))
        else:
            paths = [objects.local_path(url, folder) for url in urls]
            outcomes = _with_deequ(spark, paths, quality)
        judged = judge_rules(quality["rules"], outcomes)
        return store(run, compact_json(result_document(judged)), verdict_document(judged))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
