"""Glue Spark job `quality`: evaluates the plan's ruleset over exactly the files of a run's manifest.

In AWS Glue its own `EvaluateDataQuality` does it and publishes to the Data Quality console; elsewhere Deequ's open DQDL
evaluator. Both answer a table of texts and outcomes without order, labels or ERROR; what is missing comes from the plan's
list of rules, joined by text.
"""

import json
import re
import shutil
import tempfile

from executors.objects import objects_of
from executors.quality_plan import store
from executors.run import Run, compact_json, read_plan
from transform_large import open_spark

#: Failure reasons that say that a rule was not evaluated, and not that the data broke it.
_ERRORS = re.compile(
    r"not supported due to|not found in additional|^Reference dataset|Can't execute the assertion|where clause is invalid"
    r"|AnalysisException|ParseException|PARSE_SYNTAX_ERROR|\[[A-Z_]+(\.[A-Z_]+)*\]|Exception"
)
_MAX_TEXT = 2048
_MAX_NOT_PASSED = 20
_MAX_VERDICT_BYTES = 3840
_CUTS = (120, 100, 80, 60, 50, 40, 30, 20, 10, 0)


class Outcome:
    """What an evaluator says of a rule."""

    def __init__(self, passed, message, metrics, evaluated_rule):
        self.result = "PASS" if passed else "ERROR" if _ERRORS.search(message or "") else "FAIL"
        self.message = message
        self.metrics = metrics or {}
        self.evaluated_rule = evaluated_rule


NOT_EVALUATED = "The rule was not evaluated."


def not_evaluated(message):
    """The outcome ERROR."""
    outcome = Outcome(False, message, {}, None)
    outcome.result = "ERROR"
    return outcome


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
    return _outcomes(outcomes.toDF().collect())


def _readable(parser, quality):
    """(ruleset of the rules that the evaluator's own parser reads, {text: why it refuses} of the others)."""
    head = quality["ruleset"].split("Rules = [", 1)[0]
    kept, refused = [], {}
    for rule in quality["rules"]:
        try:
            parser.parse("%sRules = [ %s ]" % (head, rule["text"]))
            kept.append(rule["text"])
        except Exception as error:
            thrown = getattr(error, "java_exception", None)
            refused[_normal(rule["text"])] = str(error if thrown is None else thrown.getMessage())
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
        found = _outcomes(DataFrame(evaluator.process(rows._jdf, ruleset), spark).collect())
    for text, reason in refused.items():
        found[text] = not_evaluated(reason)
    return found


def _has_glue():
    try:
        import awsgluedq  # noqa: F401
    except ImportError:
        return False
    return True


def _normal(text):
    """Text of a rule with one blank for each run of white space outside of strings, as both sides print it."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if index % 2 else re.sub(r"\s+", " ", part) for index, part in enumerate(parts)).strip()


def _outcomes(rows):
    """{normalised text: Outcome}. Equal rules have equal outcomes, so that one entry serves them all."""
    found = {}
    for row in rows:
        values = row.asDict()
        found[_normal(values["Rule"])] = Outcome(
            values["Outcome"] == "Passed",
            values.get("FailureReason"),
            values.get("EvaluatedMetrics"),
            values.get("EvaluatedRule"),
        )
    return found


def judge_rules(rules, outcomes):
    """[(rule, Outcome)] in the order of the ruleset; a rule without a match is ERROR."""
    missing = not_evaluated(NOT_EVALUATED)
    return [(rule, outcomes.get(_normal(rule["text"]), missing)) for rule in rules]


def _score(judged):
    return sum(outcome.result == "PASS" for _, outcome in judged) / len(judged) if judged else 1.0


def _metric(value):
    """A number as JSON holds it; what is not finite is its name."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _rule_result(rule, outcome):
    result = {"Name": rule["name"], "Description": rule["text"][:_MAX_TEXT]}
    if outcome.result != "PASS" and outcome.message is not None:
        result["EvaluationMessage"] = outcome.message[:_MAX_TEXT]
    result["Result"] = outcome.result
    result["EvaluatedMetrics"] = {name: _metric(value) for name, value in sorted(outcome.metrics.items())}
    if outcome.evaluated_rule is not None and _normal(outcome.evaluated_rule) != _normal(rule["text"]):
        result["EvaluatedRule"] = outcome.evaluated_rule[:_MAX_TEXT]
    result["Labels"] = rule["labels"]
    return result


def result_document(judged):
    """result.json: the shape of Glue's GetDataQualityResult."""
    results = [_rule_result(rule, outcome) for rule, outcome in judged]
    return {"Score": _score(judged), "RuleResults": results, "AnalyzerResults": []}


def _cut(text, width):
    if text is None or len(text) <= width:
        return text
    return text[: max(width - 1, 0)] + "…"


def verdict_document(judged):
    """verdict.json with its placeholders: texts are cut so that it stays under 4 KB."""

    def count(severity, results):
        return sum(rule["severity"] == severity and outcome.result in results for rule, outcome in judged)

    failed, errors = count("gate", ("FAIL",)), count("gate", ("ERROR",))
    document = {
        "gate": "FAIL" if failed else "ERROR" if errors else "PASS",
        "score": _score(judged),
        "rules": {
            "passed": sum(outcome.result == "PASS" for _, outcome in judged),
            "failed": failed,
            "errors": errors,
            "warnings": count("warn", ("FAIL", "ERROR")),
        },
    }
    first = sorted((item for item in judged if item[1].result != "PASS"), key=lambda item: item[0]["severity"])
    for width in _CUTS:
        document["notPassed"] = [
            {
                "name": rule["name"],
                "rule": _cut(rule["text"], width),
                "result": outcome.result,
                "severity": rule["severity"],
                "message": _cut(outcome.message, width),
            }
            for rule, outcome in first[:_MAX_NOT_PASSED]
        ]
        document["result"] = {"bucket": "{resultBucket}", "key": "{resultKey}"}
        text = compact_json(document)
        if len(text.encode("utf-8")) <= _MAX_VERDICT_BYTES:
            break
    return text


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
            outcomes = _with_glue(spark, urls, quality["ruleset"], run.plan["dataset"])
        else:
            paths = [objects.local_path(url, folder) for url in urls]
            outcomes = _with_deequ(spark, paths, quality)
        judged = judge_rules(quality["rules"], outcomes)
        return store(run, compact_json(result_document(judged)), verdict_document(judged))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
