#!/usr/bin/env bash
# The timeout regression suite, with all its set-up. Options are those of `overlapped regress`: try --help.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

setup_node_modules >&2
build_project >&2
exec node dist/src/cli.js regress "$@"
