#!/usr/bin/env bash
# Writes what ships, as the lock file has it, into the folder given.
set -euo pipefail
cd "$(dirname "$0")/.."
export="uv export --quiet --locked --no-hashes --no-header --no-annotate"
# boto3 and what it alone needs come with Lambda's Python runtimes: left out, a cold start unpacks 20 MB, not 50.
$export --no-default-groups --no-emit-project --no-emit-package boto3 --no-emit-package botocore \
  --no-emit-package s3transfer --no-emit-package python-dateutil --no-emit-package six --no-emit-package urllib3 \
  -o "$1/functions-requirements.txt" >/dev/null
for platform in arm64 x86_64; do # the same for both: each folder is built by itself
  $export --only-group report -o "$1/infra-typst-layer-$platform-requirements.txt" >/dev/null
done
