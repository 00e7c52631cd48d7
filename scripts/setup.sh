# shellcheck shell=bash
# What the other scripts set up before they start. Sourced; needs nothing but Node and npm.
#
# Each step does nothing where its work is done already: with node_modules up to date npm is not called, and with dist
# up to date nothing is compiled, so that everything runs offline the second time.

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

# Of several scripts that start together one does the work, where flock is there to say which. The lock ends
# with the script's process at the latest.
one_at_a_time() {
  command -v flock > /dev/null || return 0
  mkdir -p "$root/build"
  exec 9> "$root/build/set-up.lock"
  flock 9
}

# Lets the next one in.
next_please() {
  exec 9>&- || true
}

# Installs Debian packages for commands that are missing: setup_debian COMMAND PACKAGE [COMMAND PACKAGE …]
setup_debian() {
  local packages=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || packages+=("$2")
    shift 2
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'These packages are needed, and only root on Debian or Ubuntu can install them here: %s\n' "${packages[*]}" >&2
    return 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# The header check compiles against the C library's, Linux's and Windows' headers.
setup_compilers() {
  setup_debian gcc gcc x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64
  [ -e /usr/include/linux/io_uring.h ] || setup_debian header-is-missing linux-libc-dev
  [ -e /usr/include/stdio.h ] || setup_debian header-is-missing libc6-dev
}

# One of the tests' real programs is a client of a real server.
setup_servers() {
  setup_debian redis-server redis-server
}

setup_node_modules() {
  check_node
  is_installed && return
  one_at_a_time
  if is_installed; then
    next_please
    return
  fi
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
  next_please
}

# lwIP, on which the contract runs as on any other stack, and its headers for the check.
setup_lwip() {
  ldconfig -p 2> /dev/null | grep -q 'liblwip\.so\.0' || setup_debian library-is-missing liblwip0
  [ -e /usr/include/lwip/lwip/sockets.h ] || setup_debian header-is-missing liblwip-dev
}

# The second FFI, which has to be compiled: only its tests need it. In build/ffi-napi, so that node_modules stays as the
# lock file says. Node's own headers are taken where they are installed, so that nothing is downloaded for them.
setup_ffi_napi() {
  local folder=$root/build/ffi-napi headers
  local made=$folder/node_modules/@2060.io/ffi-napi/build/Release/ffi_bindings.node
  is_ffi_napi() {
    [ -f "$made" ] && cmp -s "$root/scripts/ffi-napi/package-lock.json" "$folder/package-lock.json"
  }
  is_ffi_napi && return
  one_at_a_time
  if is_ffi_napi; then
    next_please
    return
  fi
  setup_debian g++ g++ make make
  # Debian's python3-minimal has the command, and not what node-gyp imports.
  python3 -c 'import shlex' 2> /dev/null || setup_debian python-is-incomplete python3
  echo 'set-up: compiling ffi-napi' >&2
  mkdir -p "$folder"
  cp "$root"/scripts/ffi-napi/package*.json "$folder"
  headers=$(node -p 'require("node:path").dirname(require("node:path").dirname(process.execPath))')
  local log
  log=$(mktemp)
  if ! (
    cd "$folder"
    if [ -f "$headers/include/node/node_api.h" ]; then export npm_config_nodedir=$headers; fi
    npm ci --ignore-scripts --no-audit --no-fund && npm rebuild --ignore-scripts=false
  ) > "$log" 2>&1 || [ ! -f "$made" ]; then
    cat "$log" >&2
    rm -f "$log"
    set_up_fail 'ffi-napi could not be compiled'
  fi
  rm -f "$log"
  next_please
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

build_project() {
  is_built && return
  one_at_a_time
  if is_built; then
    next_please
    return
  fi
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
  next_please
}
