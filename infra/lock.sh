#!/usr/bin/env bash
# Locks the dependencies and exports what ships from the lock file; `make lint` fails if the exports are out of step.
#   infra/lock.sh [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.local/uv/bin:$PATH"
uv lock --quiet "$@"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
infra/export.sh "$folder"
cp "$folder/functions-requirements.txt" functions/requirements.txt
for platform in arm64 x86_64; do
  cp "$folder/infra-typst-layer-$platform-requirements.txt" "infra/typst-layer/$platform/requirements.txt"
done
