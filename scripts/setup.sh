# shellcheck shell=bash
# Sourced by the other scripts: `set_up` makes a fresh clone ready to run, with nothing but Node and npm installed.
#
# The first run installs node_modules with npm and compiles. Later runs do neither unless something has changed, and
# then only what is needed: with node_modules up to date npm is not called, so that all of it works offline.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Where the set-up leaves its marks, next to what they speak of.
installed_lock=$root/node_modules/.installed-lock
built_stamp=$root/dist/.built

set_up_fail() {
  echo "set-up: $*" >&2
  exit 69 # EX_UNAVAILABLE
}

check_node() {
  command -v node > /dev/null || set_up_fail 'Node is not installed: https://nodejs.org, version 20.19 or later'
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
  ' || set_up_fail "Node 20.19 or later is needed, and this is $(node --version)"
}

# What is installed is what the lock file says, the compiler included.
is_installed() {
  [ -f "$root/node_modules/koffi/package.json" ] && [ -f "$root/node_modules/typescript/bin/tsc" ] || return 1
  [ -f "$installed_lock" ] && { cmp -s "$root/package-lock.json" "$installed_lock"; return; }
  # Somebody else ran npm: its own copy of the lock file is newer than ours if nothing has changed since.
  [ "$root/node_modules/.package-lock.json" -nt "$root/package-lock.json" ]
}

install_packages() {
  is_installed && return
  command -v npm > /dev/null || set_up_fail 'npm is not installed'
  echo 'set-up: installing packages with npm' >&2
  local log
  log=$(mktemp)
  # NODE_ENV=production would leave the compiler out. No dependency needs its install script.
  if ! (cd "$root" && npm ci --include=dev --ignore-scripts --no-audit --no-fund > "$log" 2>&1); then
    cat "$log" >&2
    rm -f "$log"
    set_up_fail 'npm could not install the packages'
  fi
  rm -f "$log"
  cp "$root/package-lock.json" "$installed_lock"
}

# The names of all sources: a file that is gone must not live on in dist.
list_sources() {
  (cd "$root" && find src native-bindings test -name '*.ts' 2> /dev/null | LC_ALL=C sort)
}

is_built() {
  [ -f "$root/dist/src/cli.js" ] && [ -f "$built_stamp" ] || return 1
  list_sources | cmp -s - "$built_stamp" || return 1
  local newer
  newer=$(cd "$root" && find src native-bindings test tsconfig.json package.json package-lock.json -newer "$built_stamp" -type f -print 2> /dev/null)
  [ -z "$newer" ]
}

compile() {
  is_built && return
  echo 'set-up: compiling' >&2
  local sources
  sources=$(list_sources)
  # The stamp is as old as the beginning of the compilation: what changes meanwhile is compiled the next time.
  local began
  began=$(mktemp)
  if [ -f "$built_stamp" ] && ! printf '%s\n' "$sources" | cmp -s - "$built_stamp"; then rm -rf "$root/dist"; fi
  # Without its outputs the compiler's notes on what is up to date are wrong.
  [ -f "$root/dist/src/cli.js" ] || rm -f "$root/dist/.tsbuildinfo"
  (cd "$root" && node node_modules/typescript/bin/tsc -p tsconfig.json) || set_up_fail 'the sources do not compile'
  printf '%s\n' "$sources" > "$built_stamp"
  touch -r "$began" "$built_stamp"
  rm -f "$began"
}

set_up() {
  check_node
  # Of several that start together one does the work, where flock is there to say which.
  if command -v flock > /dev/null; then
    mkdir -p "$root/build"
    exec 9> "$root/build/set-up.lock"
    flock 9
  fi
  install_packages
  compile
  # Children must not inherit the lock.
  exec 9>&- 2> /dev/null || true
}
