"""Joining an evaluator's outcomes with the rules of a plan: python -m unittest, with glue/ on the path. Needs no Spark."""

import json
import unittest

from executors import outcomes
from executors.outcomes import judge_rules, normal, outcomes_by_text, result_document, result_of, verdict_document


def rule(index, text, severity="gate", **more):
    labels = {"severity": severity} if severity == "warn" else {}
    return dict({"index": index, "name": "Rule_%d" % (index + 1), "text": text, "severity": severity, "labels": labels}, **more)


def row(text, passed, reason=None, metrics=None):
    outcome = "Passed" if passed else "Failed"
    return {"Rule": text, "Outcome": outcome, "FailureReason": reason, "EvaluatedMetrics": metrics, "EvaluatedRule": text}


ERRORS = (
    "Rule (or nested rule) not supported due to: No converter found for rule type: DetectAnomalies",
    "customers not found in additional sources",
    "Reference dataset 'r' not found in additional data sources",
    "Can't execute the assertion: Unknown operand type!",
    "The provided where clause is invalid",
    "Rule 3 has provided an invalid where clause : qty >",
    "Rule (or nested rule) not supported due to: Unrecognized data type: String",
    "CustomSql Failed To Run",
    "Error evaluating Custom SQL row-level rule: [TABLE_OR_VIEW_NOT_FOUND] The table cannot be found",
    "Parsing Error: Rule Type: Variance is not valid",
    "org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column cannot be resolved",
    "Exception thrown while evaluating rule: [CANNOT_PARSE_TIMESTAMP] Text could not be parsed",
)
FAILURES = (
    "Value: 0.75 does not meet the constraint requirement!",
    "Input data does not include column amount!",
    "com.amazon.deequ.analyzers.runners.NoSuchColumnException: Input data does not include column amount!",
    "Column amount does not exist in the dataset",
    "Column counts do not match",
    "66.67% of columns passed the threshold",
    "Empty state for analyzer Mean(amount,None), all input values were NULL.",
    "Custom SQL did not return exactly 1 row",
    "Columns that do not match the pattern: a, b",
    "Value: NULL does not meet the constraint requirement!",
)


class ErrorTest(unittest.TestCase):
    def test_reasons_that_say_a_rule_was_not_evaluated_are_errors(self):
        for reason in ERRORS:
            self.assertEqual("ERROR", result_of(False, reason), reason)

    def test_reasons_about_the_data_are_failures(self):
        for reason in FAILURES:
            self.assertEqual("FAIL", result_of(False, reason), reason)

    def test_each_reason_of_the_table_is_needed(self):
        for pattern in outcomes.ERROR_REASONS:
            found = [reason for reason in ERRORS if outcomes.re.search(pattern, reason)]
            self.assertTrue(found, pattern)


class JoinTest(unittest.TestCase):
    def test_outcomes_come_in_the_order_of_the_rules_whatever_theirs(self):
        rules = [rule(0, "RowCount > 1"), rule(1, 'IsComplete "a"', "warn")]
        judged = judge_rules(rules, outcomes_by_text([row('IsComplete  "a"', False, "no"), row("RowCount > 1", True)]))
        self.assertEqual(["PASS", "FAIL"], [outcome.result for _, outcome in judged])
        result = result_document(judged)
        self.assertEqual(0.5, result["Score"])
        self.assertEqual({"severity": "warn"}, result["RuleResults"][1]["Labels"])

    def test_equal_rules_share_the_one_outcome_that_evaluators_give(self):
        rules = [rule(0, "RowCount > 1"), rule(1, "RowCount > 1", "warn")]
        judged = judge_rules(rules, outcomes_by_text([row("RowCount > 1", False, "Value: 1.0")]))
        self.assertEqual(["FAIL", "FAIL"], [outcome.result for _, outcome in judged])
        counts = json.loads(verdict_document(judged))["rules"]
        self.assertEqual({"passed": 0, "failed": 1, "errors": 0, "warnings": 1}, counts)

    def test_a_rule_without_a_match_is_an_error_and_stops_the_gate(self):
        judged = judge_rules([rule(0, "RowCount > 1"), rule(1, "RowCount > 2")], outcomes_by_text([row("RowCount > 1", True)]))
        self.assertEqual(["PASS", "ERROR"], [outcome.result for _, outcome in judged])
        self.assertEqual("ERROR", json.loads(verdict_document(judged))["gate"])

    def test_a_rule_over_earlier_runs_is_joined_by_the_numbers_that_were_put_in(self):
        dynamic = rule(0, "RowCount > avg(last(3))", evaluated="RowCount > 40")
        judged = judge_rules([dynamic], outcomes_by_text([row("RowCount > 40", True)]))
        [found] = result_document(judged)["RuleResults"]
        self.assertEqual("RowCount > avg(last(3))", found["Description"])
        self.assertEqual("RowCount > 40", found["EvaluatedRule"])

    def test_blanks_within_texts_tell_rules_apart(self):
        self.assertNotEqual(normal('IsComplete "a  b"'), normal('IsComplete "a b"'))
        self.assertEqual(normal('IsComplete   "a  b"'), normal('IsComplete "a  b"'))

    def test_numbers_that_json_does_not_know_are_texts(self):
        judged = judge_rules([rule(0, 'Mean "a" > 1')], outcomes_by_text([row('Mean "a" > 1', False, "no", {"m": float("nan")})]))
        self.assertEqual({"m": "NaN"}, result_document(judged)["RuleResults"][0]["EvaluatedMetrics"])


class VerdictTest(unittest.TestCase):
    def test_it_names_the_first_20_and_stays_under_4_kb(self):
        rules = [rule(index, 'ColumnValues "a" in ["%s"]' % ("ä" * 500 + str(index)), "warn" if index < 10 else "gate") for index in range(40)]
        rows = [row(each["text"], False, "é" * 3000) for each in rules]
        text = verdict_document(judge_rules(rules, outcomes_by_text(rows)))
        self.assertLessEqual(len(text.encode("utf-8")), 3840)
        verdict = json.loads(text)
        self.assertEqual(["gate", "score", "rules", "notPassed", "result"], list(verdict))
        self.assertEqual(20, len(verdict["notPassed"]))
        self.assertEqual({"gate"}, {each["severity"] for each in verdict["notPassed"]})
        self.assertEqual(["name", "rule", "result", "severity", "message"], list(verdict["notPassed"][0]))


if __name__ == "__main__":
    unittest.main()
