#!/usr/bin/env bash
# Sets up what is missing, builds, and runs every test. Nothing is skipped. Works on the second run without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

setup_node_modules
setup_compilers
setup_servers
build_project

step() { printf '\n== %s\n' "$*"; }

step 'style'
node_modules/.bin/biome ci .

step 'native declarations against the C headers'
node scripts/check-headers.mjs --self-test
node scripts/check-headers.mjs

step 'the contract, as scenarios'
node dist/src/cli.js regress

step 'tests'
node scripts/run-tests.mjs
