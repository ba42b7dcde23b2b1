"""What an evaluator of DQDL says of the rules, joined with the plan's rules, and the documents of a run made of it.

An evaluator answers a table of texts and outcomes: without order, labels or ERROR, and equal rules merged into one row. The
plan's rules have index, text, severity and labels; both are joined by text.
"""

import json
import re

#: Reasons for a failure that say that the rule was not evaluated, and not that the data broke it.
ERROR_REASONS = (
    r"not supported due to",
    r"not found in additional",
    r"^Reference dataset '",
    r"Can't execute the assertion",
    r"[Ww]here clause (?:is invalid|:)|invalid where clause",
    r"^Rule Type: .* is not valid|^Parsing Error",
    r"^CustomSql Failed To Run|^Error evaluating Custom SQL",
    r"Unrecognized data type",
    r"(?:^|[\s.])\w*(?:Exception|Error): |Exception thrown while evaluating rule",
    r"\[[A-Z_]{3,}(?:\.[A-Z_]+)*\] ",
)
_ERROR = re.compile("|".join("(?:%s)" % reason for reason in ERROR_REASONS))
#: Said of a column that does not exist, wrapped in an exception: the guide calls that a failure.
_FAILURE = re.compile(r"does not include column|does not exist in the dataset|does not exist in (?:primary|reference) data frame")

NOT_EVALUATED = "The rule was not evaluated."
_MAX_TEXT = 2048
_MAX_NOT_PASSED = 20
_MAX_VERDICT_BYTES = 3840
_CUTS = (120, 100, 80, 60, 50, 40, 30, 20, 10, 0)


def result_of(passed, message):
    """PASS, FAIL or ERROR of an outcome that knows no ERROR."""
    if passed:
        return "PASS"
    text = message or ""
    return "ERROR" if _ERROR.search(text) and not _FAILURE.search(text) else "FAIL"


class Outcome:
    """What an evaluator says of a rule."""

    def __init__(self, passed, message, metrics, evaluated_rule):
        self.result = result_of(passed, message)
        self.message = message
        self.metrics = metrics or {}
        self.evaluated_rule = evaluated_rule


def not_evaluated(message):
    """The outcome ERROR."""
    outcome = Outcome(False, message, {}, None)
    outcome.result = "ERROR"
    return outcome


def normal(text):
    """Text of a rule with one blank for each run of white space outside of strings, as both sides print it."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if index % 2 else re.sub(r"\s+", " ", part) for index, part in enumerate(parts)).strip()


def given_text(rule):
    """The text that evaluators are given: with numbers for what depends on earlier runs."""
    return rule.get("evaluated", rule["text"])


def outcomes_by_text(rows):
    """{normalised text: Outcome} of an evaluator's rows. Equal rules have equal outcomes: one entry serves them all."""
    return {
        normal(row["Rule"]): Outcome(
            row["Outcome"] == "Passed", row.get("FailureReason"), row.get("EvaluatedMetrics"), row.get("EvaluatedRule")
        )
        for row in rows
    }


def judge_rules(rules, outcomes):
    """[(rule, Outcome)] in the order of the ruleset; a rule without a match is ERROR."""
    missing = not_evaluated(NOT_EVALUATED)
    return [(rule, outcomes.get(normal(given_text(rule)), missing)) for rule in rules]


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
    evaluated = rule.get("evaluated") or outcome.evaluated_rule
    if evaluated is not None and normal(evaluated) != normal(rule["text"]):
        result["EvaluatedRule"] = evaluated[:_MAX_TEXT]
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
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode("utf-8")) <= _MAX_VERDICT_BYTES:
            break
    return text
