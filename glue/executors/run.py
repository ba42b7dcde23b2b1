"""A run in progress: its plan, its folder, and the documents it leaves."""

import json
import re
import time
from contextlib import contextmanager

from executors.content import number_text
from executors.objects import parse_uri

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
_MEMBERS = ("tenantId", "dataset", "inputs", "reads", "destinations", "program", "quality", "schema", "schemaHash")


def read_plan(objects, uri):
    """The plan as validation stored it."""
    plan = json.loads(objects.read_text(uri))
    if plan.get("planVersion") != 1 or any(member not in plan for member in _MEMBERS):
        raise ValueError("Cannot read the plan: expected planVersion 1 with all its members")
    return plan


class Run:
    """What the steps of a run share."""

    def __init__(self, plan, run_id, objects, folder):
        if _RUN_ID.fullmatch(run_id) is None:
            raise ValueError('Cannot use "%s" as a run id' % run_id)
        self.plan = plan
        self.program = plan["program"]
        self.run_id = run_id
        self.objects = objects
        self.folder = folder
        self.stages = []

    def destination(self, name):
        """The URI of one of the plan's destinations for this run."""
        return self.plan["destinations"][name].replace("{runId}", self.run_id)

    def read_uri(self, index):
        """Where the bytes of an input are."""
        read = self.plan["reads"][index]
        return "s3://%s/%s" % (read["bucket"], read["key"])

    @contextmanager
    def stage(self, name):
        """Notes how long a step took."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.stages.append({"name": name, "millis": round((time.monotonic() - start) * 1000)})

    def put_json(self, name, document):
        self.objects.put_text(self.destination(name), compact_json(document))


def compact_json(document):
    """JSON without white space."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def location_of(uri):
    bucket, key = parse_uri(uri)
    return {"bucket": bucket, "key": key}


def empty_summary(run):
    """A summary that says nothing yet."""
    return {
        "runId": run.run_id,
        "tenantId": run.plan["tenantId"],
        "dataset": run.plan["dataset"],
        "outcome": "refused",
        "reasonCode": None,
        "message": None,
        "counts": {"input": 0, "curated": 0, "rejected": 0, "duplicates": 0},
        "jobs": [],
        "rejectCodes": [],
        "files": 0,
        "bytes": 0,
        "contentHash": None,
        "manifest": None,
        "curatedUri": None,
        "rejectsUri": None,
        "quality": None,
        "stages": run.stages,
    }


def count_jobs(run, records, curated, rejected, duplicates):
    """Counts per job: records by input, curated and rejected by job id, duplicates by input."""
    return [
        {
            "jobId": item["jobId"],
            "counts": {
                "input": records[index],
                "curated": curated.get(item["jobId"], 0),
                "rejected": rejected.get(item["jobId"], 0),
                "duplicates": duplicates.get(index, 0),
            },
        }
        for index, item in enumerate(run.plan["inputs"])
    ]


def sum_counts(jobs):
    return {name: sum(job["counts"][name] for job in jobs) for name in ("input", "curated", "rejected", "duplicates")}


def judge(plan, counts, type_errors, open_quote):
    """(reason code, message) against a run, (None, None) where nothing is: as glue/judge-run.ts."""
    received, curated, rejected = counts["input"], counts["curated"], counts["rejected"]
    duplicates = counts["duplicates"]
    if open_quote:
        return "malformed_records", "A quote that was opened is not closed before the end of the file"
    if received != curated + rejected + duplicates:
        return "counts_do_not_reconcile", "%d records in, %d curated + %d rejected + %d duplicates out" % (
            received,
            curated,
            rejected,
            duplicates,
        )
    if plan["typeCoercion"] == "none" and type_errors > 0:
        return "type_drift", "%d of %d records hold a value that does not fit its type" % (type_errors, received)
    if rejected > received * plan["rejectTolerance"]:
        tolerated = number_text(plan["rejectTolerance"] * 100)
        return "too_many_rejects", "%d of %d records are rejects; the contract tolerates %s%%" % (
            rejected,
            received,
            tolerated,
        )
    return None, None


def reject_facts(run, engine):
    """Reject codes by frequency and the number of rows with type errors, over `sluice_rejects_written`."""
    codes = [
        {"code": code, "column": column, "rows": int(rows)} for code, column, rows in engine.rows(run.program["rejectCodes"])
    ]
    return codes, int(engine.value(run.program["typeErrors"]))


def manifest_of(run, files, content_hash):
    """The COPY manifest of written files [{url, bytes, rows}]."""

    def meta(size, rows):
        return {"content_length": size, "record_count": rows}

    return {
        "entries": [
            {"url": file["url"], "mandatory": True, "meta": meta(file["bytes"], file["rows"])} for file in files
        ],
        "schema": {"elements": run.plan["schema"]},
        "meta": meta(sum(file["bytes"] for file in files), sum(file["rows"] for file in files)),
        "author": {
            "name": "sluice",
            "runId": run.run_id,
            "tenantId": run.plan["tenantId"],
            "dataset": run.plan["dataset"],
            "schemaHash": run.plan["schemaHash"],
            "contentHash": content_hash,
        },
    }


def finish(run, summary, files, content_hash, verdict_uri):
    """Stores the summary of a run that went well, and as the run's last act its manifest."""
    done = dict(summary)
    done.update(
        outcome="ok",
        files=len(files),
        bytes=sum(file["bytes"] for file in files),
        contentHash=content_hash,
        manifest=location_of(run.destination("manifest")),
        curatedUri=run.destination("curated"),
        quality=None if verdict_uri is None else {"verdict": location_of(verdict_uri)},
        stages=run.stages,
    )
    run.put_json("summary", done)
    run.put_json("manifest", manifest_of(run, files, content_hash))
    return done


def refuse(run, summary, code, message):
    """Stores the summary of a run whose data cannot be taken."""
    done = dict(summary, reasonCode=code, message=message)
    run.put_json("summary", done)
    return done


def refuse_for(run, error):
    """As `refuse`, for an error about the data. Any other error is raised again: the machine failed."""
    return refuse(run, empty_summary(run), error.code, " ".join(error.message.split("\n")[:2])[:500])
