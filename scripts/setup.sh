# What the other scripts set up before they start. Sourced, from the project's folder. Each step does nothing where its
# work is done already, so that everything runs offline the second time.

setup_node_modules() {
  local stamp=node_modules/.package-lock.json
  if [ -f "$stamp" ] && [ ! package-lock.json -nt "$stamp" ] && [ -x node_modules/.bin/tsc ]; then return; fi
  npm ci --no-audit --no-fund --loglevel=error
  touch "$stamp"
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

build_project() {
  local built=dist/.tsbuildinfo
  if [ -f "$built" ] && [ -z "$(find src native-bindings test package.json tsconfig.json -newer "$built" -print -quit)" ]; then
    return
  fi
  rm -rf dist
  npx --no-install tsc -p tsconfig.json
  touch "$built"
}
