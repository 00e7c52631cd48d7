#!/usr/bin/env bash
# Measures what a close does by itself under Wine, with the peer and the eye on the wire on the Linux side:
#
#   scripts/raw-wine.sh --data docs/raw             all cells, and a dated data file
#   scripts/raw-wine.sh --cell 'recv-n/*'           some of them
#
# Further options are those of `overlapped regress --raw`. The project must have been built (npm run build).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/scripts/wine.sh" --prepare

announced=$(mktemp)
node "$root/dist/src/cli.js" regress --raw --serve-peer > "$announced" &
service=$!
trap 'kill "$service" 2> /dev/null || true; rm -f "$announced"' EXIT

port=''
for _ in $(seq 1 200); do
  port=$(sed -n 's/^peer \([0-9]*\)$/\1/p' "$announced")
  [ -n "$port" ] && break
  kill -0 "$service" 2> /dev/null || break
  sleep 0.05
done
[ -n "$port" ] || {
  echo 'scripts/raw-wine.sh: the peer service did not start' >&2
  exit 69 # EX_UNAVAILABLE
}

bash "$root/scripts/wine.sh" "$root/dist/src/cli.js" regress --raw --peer "$port" "$@"
