#!/usr/bin/env bash
# Environments of other people's readers and graders, apart from ours: torch alone takes gigabytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PLACE="${KINEBUS_CACHE:-$PWD/.cache}/readers"

make_env() {
  local name=$1
  shift
  [[ -f $PLACE/$name/ready ]] && return
  printf 'readers: installing %s\n' "$*"
  .venv/bin/uv venv -q --python .venv/bin/python "$PLACE/$name"
  .venv/bin/uv pip install -q --python "$PLACE/$name/bin/python" "$@"
  touch "$PLACE/$name/ready"
}

make_env lerobot lerobot==0.4.4
make_env graders lerobot-doctor==0.2.0 robovet==0.2.2 rdq==0.3.4
