#!/usr/bin/env bash
# Prepares this checkout: .venv, pinned and compiled packages, Java, Maven, Kafka's jars, kernels.
# Each step leaves a stamp and is skipped while what it depends on is unchanged.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
PYTHON="$VENV/bin/python"
STAMPS="$VENV/stamps"
CACHE="${KINEBUS_CACHE:-$PWD/.cache}"
export KINEBUS_CACHE="$CACHE"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- Debian packages, where this user may install them -------------------------------------------

root() {
  if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  command -v apt-get >/dev/null || return 1
  [[ $(id -u) -eq 0 ]] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

install_debian() {
  local purpose=$1
  shift
  may_install || fail "$purpose missing: install it (Debian: apt-get install $*), then run this again"
  say "$purpose missing, installing Debian's $*"
  root apt-get update -qq
  root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# --- .venv ---------------------------------------------------------------------------------------

can_make_venv() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Debian's own build first: it runs the streams 25 to 30 % faster than an unoptimised one.
find_python() {
  local candidate
  for candidate in /usr/bin/python3.11 python3.11 python3; do
    if command -v "$candidate" >/dev/null && can_make_venv "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

make_venv() {
  if [[ -x $PYTHON ]] && "$PYTHON" -c 'import pip' 2>/dev/null; then return; fi
  local base
  base=$(find_python) || { install_debian "Python 3.11 with venv is" python3 python3-venv; base=$(find_python); } \
    || fail "no Python 3.11 or newer with venv was found"
  say "making $VENV with $base ($("$base" --version))"
  rm -rf "$VENV"
  "$base" -m venv "$VENV"
}

# --- Python packages -----------------------------------------------------------------------------

# uv does not read pip's configuration: hand over what the user has set there.
pip_option() {
  "$PYTHON" -m pip config list | sed -n "s/^[^.]*\.$1='\(.*\)'\$/\1/p" | head -n 1 | sed 's/\\n/ /g'
}

hand_over() {
  local variable=$1 value
  value=$(pip_option "$2")
  if [[ -n $value && -z ${!variable:-} ]]; then export "$variable=$value"; fi
}

install_packages() {
  local wanted
  wanted=$(cat requirements.lock pyproject.toml | sha256sum | cut -c 1-64)
  if [[ -f $STAMPS/packages && $(<"$STAMPS/packages") == "$wanted" ]]; then return; fi
  say "installing packages of requirements.lock"
  hand_over UV_DEFAULT_INDEX index-url
  hand_over UV_INDEX extra-index-url
  hand_over UV_FIND_LINKS find-links
  hand_over SSL_CERT_FILE cert
  local install=("$PYTHON" -m pip install -q)
  if "$PYTHON" -m pip install -q uv; then install=("$VENV/bin/uv" pip install -q --python "$PYTHON"); fi
  "${install[@]}" --require-hashes -r requirements.lock
  "${install[@]}" --no-deps -e .
  mkdir -p "$STAMPS"
  printf '%s' "$wanted" >"$STAMPS/packages"
}

# Every process of the stack would else compile what it imports, anew each time where Python is told
# to write no bytecode: half of the time in which a killed worker is back.
compile_packages() {
  if [[ -f $STAMPS/bytecode && ! $STAMPS/packages -nt $STAMPS/bytecode ]]; then return; fi
  say "compiling packages"
  # Some packages hold templates that are no Python of this version: they are of no concern.
  "$PYTHON" -m compileall -q -j 0 -x '/tests?/' "$VENV/lib" >/dev/null || true
  touch "$STAMPS/bytecode"
}

# --- Kafka ---------------------------------------------------------------------------------------

java_is_new_enough() {
  "$PYTHON" -c 'from deploy.kafka.java import find_java; find_java()' 2>/dev/null
}

prepare_kafka() {
  if [[ -n ${KAFKA_BOOTSTRAP:-} ]]; then
    say "KAFKA_BOOTSTRAP is set, Java and Kafka's jars are not needed"
    return
  fi
  if [[ -f $STAMPS/kafka && $(<"$STAMPS/kafka") == "$CACHE" && ! deploy/kafka/pom.xml -nt $STAMPS/kafka && -d $CACHE ]]; then
    return
  fi
  java_is_new_enough || install_debian "Java 17 or newer is" default-jre-headless
  if ! "$PYTHON" -c 'import sys; from deploy.kafka.jars import jars_present; sys.exit(not jars_present())'; then
    command -v mvn >/dev/null || install_debian "Maven is" maven
    say "fetching Kafka's jars from Maven Central"
  fi
  "$PYTHON" -m deploy.kafka.jars >/dev/null
  printf '%s' "$CACHE" >"$STAMPS/kafka"
}

# --- A browser, for the tests of the dashboard --------------------------------------------------

prepare_browser() {
  if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then return; fi
  if ! may_install; then
    say "no Chromium: tests of the dashboard in a browser are skipped (Debian: apt-get install chromium)"
  elif ! (install_debian "Chromium, for the dashboard's tests, is" chromium fonts-dejavu-core); then
    say "Chromium could not be installed: tests of the dashboard in a browser are skipped"
  fi
}

# --- Prometheus, for the tests of alerts and dashboards -----------------------------------------

# Unpacked, not installed: Debian's package would start a service.
prepare_prometheus() {
  local folder=$CACHE/prometheus arriving
  if [[ -x $folder/usr/bin/promtool ]] || { command -v promtool && command -v prometheus; } >/dev/null; then return; fi
  if ! command -v apt-get >/dev/null; then
    say "no Prometheus: tests of alerts and dashboards are skipped (Debian: apt-get install prometheus)"
    return
  fi
  say "fetching Debian's prometheus for the tests of alerts and dashboards"
  arriving=$(mktemp -d)
  if (cd "$arriving" && { apt-get download -qq prometheus || { root apt-get update -qq && apt-get download -qq prometheus; }; } \
    && dpkg-deb -x prometheus_*.deb tree) >/dev/null 2>&1; then
    mkdir -p "$CACHE"
    rm -rf "$folder"
    mv "$arriving/tree" "$folder"
  else
    say "Prometheus could not be fetched: tests of alerts and dashboards are skipped"
  fi
  rm -rf "$arriving"
}

# --- Kernels -------------------------------------------------------------------------------------

compile_kernels() {
  if [[ -f $STAMPS/kernels && -z $(find streams schemas -name '*.py' -newer "$STAMPS/kernels" -print -quit) ]]; then
    return
  fi
  say "compiling kernels"
  "$PYTHON" -m streams.warm
  touch "$STAMPS/kernels"
}

make_venv
install_packages
compile_packages
prepare_kafka
prepare_browser
prepare_prometheus
compile_kernels
say "ready: $("$PYTHON" --version), $("$PYTHON" -c 'import sys; print(sys.base_prefix)')"
