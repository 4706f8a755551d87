#!/usr/bin/env bash
# Installs what the tests need from Debian and is missing: a browser, LibreOffice, and a look at PDFs.
# Where that cannot be done (not root, not Debian) it says so; the tests that need them are then skipped, and say so too.
set -euo pipefail
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v soffice >/dev/null || missing+=(libreoffice-calc)
command -v pdftoppm >/dev/null || missing+=(poppler-utils)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Setting up: ${missing[*]} ..." >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "Not installed, so the tests that need them are skipped: ${missing[*]} (Debian's packages)" >&2
fi
