#!/usr/bin/env bash
# Drives the runtime with AWS's own clients: npm run test:clients -- [--state DIR] [--client NAME,…] [--service NAME,…]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install-clients.sh
exec node_modules/.bin/tsx scripts/clients/main.ts "$@"
