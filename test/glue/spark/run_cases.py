"""Runs all prepared cases through one executor: run_cases.py FOLDER ENTRY RUN_ID (transform_small, transform_large, quality)."""

import glob
import importlib
import json
import os
import sys
import time
import traceback


def options_of(case, entry, run_id):
    plan = "small" if entry == "transform_small" else "large"
    return {
        "plan_uri": "s3://work-zone/plans/%s.json" % plan,
        "run_id": run_id,
        "objects_folder": case["folder"],
        "split_bytes": str(case["splitBytes"]),
        "spark_master": "local[2]",
        "spark_jars": os.environ.get("SLUICE_SPARK_JARS", ""),
    }


def is_published(case, run_id):
    return len(glob.glob(os.path.join(case["folder"], "work-zone", "runs", "*", run_id, "manifest.json"))) == 1


def main(folder, entry, run_id):
    with open(os.path.join(folder, "cases.json"), encoding="utf-8") as file:
        cases = json.load(file)
    if entry == "quality":
        cases = [case for case in cases if case["hasRules"] and is_published(case, run_id)]
    run = importlib.import_module(entry).main
    start = time.monotonic()
    failed = 0
    for case in cases:
        begun = time.monotonic()
        try:
            run(options_of(case, entry, run_id))
        except Exception:
            failed += 1
            sys.stderr.write("%s failed on %s\n%s\n" % (entry, case["name"], traceback.format_exc()))
        sys.stderr.write("%.1f s: %s\n" % (time.monotonic() - begun, case["name"]))
    import duckdb

    sys.stdout.write(
        "%d cases through %s, DuckDB %s, in %.0f s; %d failed\n"
        % (len(cases), entry, duckdb.__version__, time.monotonic() - start, failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
