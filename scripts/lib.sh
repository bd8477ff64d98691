# Shared by the scripts beside it, which source it; it changes into the project's
# folder.
set -euo pipefail
export GOTOOLCHAIN=local LC_ALL=C.UTF-8
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weir

say() { echo "== $*" >&2; }
die() { echo "weir: $*" >&2; exit 1; }

# busy WORDS COMMAND...: runs a long command and says every 20 s that it still runs.
busy() {
  local words=$1 status=0 ticker fd
  shift
  say "$words"
  {
    exec {fd}<> <(:) # never readable: read waits out its time without a sleep to be left behind
    began=$SECONDS
    while ! read -rt 20 -u "$fd" && kill -0 $$ 2>/dev/null; do say "$words: $((SECONDS - began)) s"; done
  } &
  ticker=$!
  trap 'kill "$ticker" 2>/dev/null' EXIT
  "$@" || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  trap - EXIT
  return $status
}

# at_least HAVE WANT: compares version numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
