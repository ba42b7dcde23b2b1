#!/usr/bin/env bash
# Runs each dataset, form of input and operator through every executor of a plan, and compares rows, rejects and counts exactly.
# Needs Python 3.11, Java 17 and, the first time, PyPI and Maven Central; what it fetches stays in .cache/spark.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="$PWD/.cache/spark"
run_id_small14="j000000000000000000000000-1-1"
run_id_small15="j000000000000000000000000-1-2"
run_id_large="j000000000000000000000000-1-3"

skip() {
  echo "test:spark was skipped: $1"
  exit 0
}

# The first of the names that is a Python of the wanted version.
find_python() {
  local wanted="$1" name
  for name in "python$wanted" "$HOME"/.pyenv/versions/"$wanted".*/bin/python python3; do
    if "$name" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$wanted')" 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

python311="$(find_python 3.11)" || skip "there is no Python 3.11"
command -v java >/dev/null || skip "there is no Java"
command -v mvn >/dev/null || skip "there is no Maven, which fetches Deequ"
# Python 3.9 is what a Glue Python shell has; where it is absent, its DuckDB is tried on 3.11.
numpy_small="1.22.3"
python39="$(find_python 3.9)" || { python39="$python311" && numpy_small="1.26.4"; }

make_environment() {
  local folder="$1" python="$2"
  shift 2
  if [ ! -e "$folder/ready" ] || [ "$(cat "$folder/ready")" != "$*" ]; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/pip" install --quiet "$@"
    echo "$*" >"$folder/ready"
  fi
}

mkdir -p "$cache"
make_environment "$cache/small" "$python39" duckdb==1.4.5 "numpy==$numpy_small" zstandard==0.23.0
make_environment "$cache/large" "$python311" \
  pyspark==3.5.6 duckdb==1.5.6 pyarrow==16.1.0 numpy==1.26.4 pandas==2.2.2 zstandard==0.23.0
if [ ! -e "$cache/jars/ready" ]; then
  mvn --quiet --batch-mode --file scripts/test-spark-pom.xml dependency:copy-dependencies -DoutputDirectory="$cache/jars"
  touch "$cache/jars/ready"
fi

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/glue" PYTHONWARNINGS=ignore
export SLUICE_SPARK_JARS="$cache/jars/*" SPARK_LOCAL_IP=127.0.0.1

run_cases() {
  local python="$1"
  shift
  "$python" test/glue/spark/run_cases.py "$folder" "$@" 2>"$folder/log" || {
    grep -v '^[[:space:]]*at \|WARN' "$folder/log" | tail -40
    return 1
  }
}

"$cache/large/bin/python" test/glue/spark/test_outcomes.py
node_modules/.bin/tsx test/glue/spark/prepare.ts "$folder"
run_cases "$cache/small/bin/python" transform_small "$run_id_small14"
run_cases "$cache/large/bin/python" transform_small "$run_id_small15"
run_cases "$cache/large/bin/python" transform_large "$run_id_large"
run_cases "$cache/large/bin/python" quality "$run_id_large"
node_modules/.bin/tsx test/glue/spark/compare.ts "$folder"
