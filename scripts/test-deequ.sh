#!/usr/bin/env bash
# Compares evaluation with the open DQDL executor: npm run test:deequ -- [--rules N] [--seed N] [--json FILE] [--verbose]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install-deequ.sh
exec node_modules/.bin/tsx scripts/deequ/main.ts "$@"
