# shellcheck shell=bash
# Sourced by scripts/test.sh: the compilers whose headers the native declarations are checked against.

# Installs Debian packages for commands that are missing: install_missing COMMAND PACKAGE [COMMAND PACKAGE …]
install_missing() {
  local packages=()
  while [ $# -gt 0 ]; do
    command -v "$1" > /dev/null || packages+=("$2")
    shift 2
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "set-up: only root on Debian or Ubuntu can install these here: ${packages[*]}" >&2
    exit 69 # EX_UNAVAILABLE
  fi
  echo "set-up: installing ${packages[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
}

set_up_compilers() {
  install_missing gcc gcc x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64
  # A compiler alone brings no headers.
  [ -e /usr/include/stdio.h ] || install_missing no-c-headers libc6-dev
  [ -e /usr/include/linux/io_uring.h ] || install_missing no-linux-headers linux-libc-dev
}
