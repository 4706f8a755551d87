#!/usr/bin/env bash
# Installs what the tests need from Debian and is missing: a browser, LibreOffice, and a look at PDFs.
# Where that cannot be done (not root, not Debian) it says so; the tests that need them are then skipped, and say so too.
#   infra/debian.sh [PACKAGE ...]      these packages instead
set -euo pipefail
missing=("$@")
if [ $# = 0 ]; then
  # Chromium without what a window needs: ten pages cost it 2.4 s of processor time, the whole browser 12.8 s.
  command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
  command -v soffice >/dev/null || missing+=(libreoffice-calc)
  command -v pdftoppm >/dev/null || missing+=(poppler-utils)
fi
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Setting up: ${missing[*]} ..." >&2
  # Another program may be installing, as a fresh machine does by itself. `install` waits for that when told to;
  # `update` gives up at once, so its lock is waited for here: twice, as another may take it in between.
  free='import fcntl; fcntl.lockf(open("/var/lib/apt/lists/lock", "w"), fcntl.LOCK_EX)'
  timeout 900 "${PYTHON:-python3}" -c "$free"
  apt-get update -qq || { timeout 900 "${PYTHON:-python3}" -c "$free" && apt-get update -qq; }
  install=(apt-get -o DPkg::Lock::Timeout=900 install -y -qq --no-install-recommends)
  export DEBIAN_FRONTEND=noninteractive
  # Where there is no browser without a window, the whole one does.
  "${install[@]}" "${missing[@]}" >/dev/null || "${install[@]}" "${missing[@]/#chromium-headless-shell/chromium}" >/dev/null
elif [ $# = 0 ]; then
  echo "Not installed, so the tests that need them are skipped: ${missing[*]} (Debian's packages)" >&2
else
  echo "Install Debian's ${missing[*]} and try again." >&2
  exit 1
fi
