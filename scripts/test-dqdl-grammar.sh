#!/usr/bin/env bash
# Compares the parser with the official one: npm run test:dqdl-grammar -- [--cases N] [--seed N] [--verbose]
# Fetches the official parser into .cache/ once. Needs Java 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
jars=.cache/dqdl-grammar

mkdir -p "$jars"
exec 9>"$jars/.install-lock"
flock 9
if [ ! -f "$jars/complete" ]; then
  mvn --quiet --batch-mode -Dstyle.color=never --file scripts/dqdl-grammar/pom.xml \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DoutputDirectory="$PWD/$jars" -DincludeScope=runtime
  touch "$jars/complete"
fi
flock --unlock 9
exec node_modules/.bin/tsx scripts/dqdl-grammar/main.ts "$@"
