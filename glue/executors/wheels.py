"""Compiled libraries of the code archive: unpacked wheels in one folder per Python, `wheels/cp39` and `wheels/cp311`."""

import os
import sys

#: Name of the unpacked code archive among the files of a Spark worker.
WORKER_FOLDER = "sluice_code"


def use_wheels(code_folder):
    """Lets this process import what the archive brings for its Python; where it brings nothing, what is installed serves."""
    path = os.path.join(code_folder, "wheels", "cp%d%d" % sys.version_info[:2])
    if os.path.isdir(path) and path not in sys.path:
        sys.path.insert(0, path)


def use_worker_wheels():
    """As `use_wheels`, in a Spark worker that the archive was sent to."""
    from pyspark import SparkFiles

    use_wheels(SparkFiles.get(WORKER_FOLDER))
