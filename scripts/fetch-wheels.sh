#!/usr/bin/env bash
# Unpacks the compiled libraries of the Glue jobs into glue/wheels, from where synth takes them into the code archive. Needs
# PyPI, and is run before a deployment to AWS; nothing on a laptop needs it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Python shells run on glibc 2.26, Spark jobs on 2.34.
fetch() {
  local python="$1" platform="$2"
  shift 2
  local target="glue/wheels/cp${python/./}"
  rm -rf "$target"
  python3 -m pip install --quiet --no-deps --only-binary=:all: --python-version "$python" --implementation cp \
    --platform "$platform" --platform manylinux2014_x86_64 --target "$target" "$@"
  find "$target" -name __pycache__ -prune -exec rm -rf {} +
}

fetch 3.9 manylinux_2_26_x86_64 duckdb==1.4.5 zstandard==0.23.0
fetch 3.11 manylinux_2_28_x86_64 duckdb==1.5.6 zstandard==0.23.0
du -sh glue/wheels/*
