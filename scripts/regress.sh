#!/usr/bin/env bash
# Runs the contract on every driver that can be used here, and does all the set-up it needs first:
#
#   scripts/regress.sh                              everything
#   scripts/regress.sh --scenario 'close/*'         some of it
#   scripts/regress.sh --html report.html           with a page to look at
#   scripts/regress.sh --help                       all options
#
# Node 20.19 or later and npm are all that must be installed. The second run needs no network.
set -euo pipefail

# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_node_modules
build_project
exec node "$root/dist/src/cli.js" regress "$@"
