#!/usr/bin/env bash
# Sets up what is missing, builds, and runs every test. Nothing is skipped. Works on the second run without a network.
#
# The Windows driver runs under Wine, which the first run installs (Debian or Ubuntu, as root). Where Wine cannot be had
# the script fails; OVERLAPPED_WITHOUT_WINE=1 leaves that part out, and says so in the last line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

setup_node_modules
setup_compilers
setup_ffi_napi
setup_lwip
# The files of --pcap are read back with it.
setup_debian tcpdump tcpdump
setup_servers
build_project

step() { printf '\n== %s\n' "$*"; }

step 'style'
node_modules/.bin/biome ci .
node scripts/lint-workflows.mjs --self-test
node scripts/lint-workflows.mjs

step 'native declarations against the C headers'
node scripts/check-headers.mjs --self-test
node scripts/check-headers.mjs

step 'the contract, as scenarios'
node dist/src/cli.js regress

step 'the contract, as scenarios, on stacks'
node dist/src/cli.js regress --stack ps3 --simulation ps3
node dist/src/cli.js regress --stack lwip --no-capture

step 'tests'
node scripts/run-tests.mjs

if [ "${OVERLAPPED_WITHOUT_WINE:-}" = 1 ]; then
  printf '\n== NOT RUN: the iocp driver, because OVERLAPPED_WITHOUT_WINE is set\n'
  exit 0
fi

step 'Wine'
bash scripts/wine.sh --prepare

step 'the contract, as scenarios, under Wine'
bash scripts/wine.sh dist/src/cli.js regress
bash scripts/wine.sh dist/src/cli.js regress --stack winsock --no-capture

step 'tests under Wine'
node scripts/run-tests.mjs --wine
