#!/usr/bin/env bash
# Installs the open DQDL executor (Deequ on PySpark) into .cache/; does nothing where it already is. Prints nothing but
# what goes wrong. Needs Python 3.11, Java 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.cache/spark/py311
jars=.cache/spark/deequ-jars

mkdir -p .cache/spark
exec 9>.cache/spark/.install-lock
flock 9
if ! "$environment/bin/python" -c 'import pyspark; assert pyspark.__version__ == "3.5.6"' 2>/dev/null; then
  [ -x "$environment/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check pyspark==3.5.6
fi
if [ ! -f "$jars/complete" ]; then
  mvn --quiet --batch-mode -Dstyle.color=never --file scripts/deequ/pom.xml \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DoutputDirectory="$PWD/$jars" -DincludeScope=runtime
  touch "$jars/complete"
fi
