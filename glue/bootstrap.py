"""Script of every Glue job: loads the code archive that the run's arguments name, and runs the job's entry from it.

Glue reads a job's script when a run starts, so the script must never change under a running execution. This one does not:
what changes is the archive, and `--code_uri` names it by the hash of its content. Python 3.9 and boto3 1.21 are enough.
"""

import importlib
import os
import sys
import tempfile
import zipfile


def read_options(arguments):
    """The arguments `--name value` as a dict without the dashes; what is no such pair is Glue's own and left out."""
    options = {}
    position = 0
    while position < len(arguments) - 1:
        if arguments[position].startswith("--"):
            options[arguments[position][2:]] = arguments[position + 1]
            position += 2
        else:
            position += 1
    return options


def load_archive(code_uri):
    """Puts the archive's modules first on sys.path: fetched from S3, unzipped, or a folder as it is.

    Returns (folder, path of the archive or None), for Spark to send the same code to its workers.
    """
    if not code_uri.startswith("s3://"):
        sys.path.insert(0, code_uri)
        return code_uri, None
    import boto3

    bucket, _, key = code_uri[len("s3://") :].partition("/")
    folder = tempfile.mkdtemp(prefix="sluice-code-")
    archive = os.path.join(folder, "code.zip")
    boto3.client("s3").download_file(bucket, key, archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    sys.path.insert(0, folder)
    return folder, archive


def main(arguments):
    options = read_options(arguments)
    for name in ("code_uri", "entry", "plan_uri", "run_id"):
        if name not in options:
            raise SystemExit("argument --%s is missing" % name)
    folder, archive = load_archive(options["code_uri"])
    if archive is not None:
        options["code_archive"] = archive
    importlib.import_module("executors.wheels").use_wheels(folder)
    importlib.import_module(options["entry"]).main(options)


if __name__ == "__main__":
    main(sys.argv[1:])
