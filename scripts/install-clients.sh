#!/usr/bin/env bash
# Installs the AWS CLI and boto3 into .cache/clients; does nothing where they already are. Needs Python and, once, PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.cache/clients/venv
wanted="awscli==1.46.3 boto3==1.44.5"

mkdir -p .cache/clients
exec 9>.cache/clients/.install-lock
flock 9
if [ "$(cat .cache/clients/ready 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$environment"
  "${PYTHON:-python3}" -m venv "$environment"
  # shellcheck disable=SC2086
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check $wanted
  echo "$wanted" >.cache/clients/ready
fi
