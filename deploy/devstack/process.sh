# shellcheck shell=bash disable=SC2154
# Starting and ending the processes of a stack. Sourced by devstack.sh.
#
# A pid file holds what a process is known by: its pid, when it started (in clock
# ticks since boot) and of which boot. Names prove nothing, as Redis and PostgreSQL
# rewrite theirs, and neither does a pid, as it may be somebody else's by now.

# identity PID: prints it; fails when there is no such process, or only its remains.
identity() {
  local stat boot fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r boot </proc/sys/kernel/random/boot_id
  read -ra fields <<<"${stat##*) }" # the name in front may hold anything
  [[ ${fields[0]} != [ZX] ]] || return 1
  echo "$1 ${fields[19]} $boot"
}

# runs FILE: the process of this pid file still runs.
runs() {
  local saved now
  { read -r saved <"$1"; } 2>/dev/null || return 1
  now=$(identity "${saved%% *}") && [ "$now" = "$saved" ]
}

# children PID: prints the pids of its children, and of theirs.
children() {
  local child found
  found=$(cat "/proc/$1"/task/*/children 2>/dev/null) || true
  for child in $found; do
    echo "$child"
    children "$child"
  done
}

alive() { runs "$dir/$1.pid"; }

pid_of() {
  local pid _
  read -r pid _ <"$dir/$1.pid"
  echo "$pid"
}

# launch NAME [VARIABLE=VALUE...] COMMAND...: starts it in a session of its own, with
# a log of its own and nothing of our environment. It writes its pid file itself, and
# holds the folder's lock until it has: whoever is killed meanwhile, no server is
# without one.
launch() {
  local name=$1
  shift
  mkdir -p "$dir/log" "$dir/home"
  launched+=("$name")
  (
    trap - EXIT INT TERM HUP
    cd /
    identity "$BASHPID" >"$dir/$name.pid.new"
    mv "$dir/$name.pid.new" "$dir/$name.pid"
    exec {lock}>&-
    exec setsid env -i --default-signal PATH="$PATH" HOME="$dir/home" LANG=C.UTF-8 "$@"
  ) </dev/null >>"$dir/log/$name.log" 2>&1 &
  disown # its end is not ours to report
}

# await NAME: waits until it answers, at most 2 minutes.
await() {
  local i began=$SECONDS
  for ((i = 1; SECONDS - began < 120; i++)); do
    if alive "$1"; then
      ! "ready_$1" || return 0
    elif [ -e "$dir/$1.pid" ]; then
      failed "$1" "ended while starting"
    fi
    ((i % 100)) || say "waiting for $1: $((SECONDS - began)) s"
    sleep 0.1
  done
  failed "$1" "does not answer after $((SECONDS - began)) s"
}

failed() {
  tail -n 15 "$dir/log/$1.log" >&2 || true
  die "$1 $2; the end of its log is above"
}

# signal NAME SIGNAL: to it, and SIGKILL to the whole of its session's group.
signal() {
  alive "$1" || return 0
  local pid
  pid=$(pid_of "$1")
  [ "$2" != KILL ] || pid=-$pid
  kill -s "$2" -- "$pid" 2>/dev/null || true
}

# gone NAME SECONDS: waits until it has ended.
gone() {
  local i
  for ((i = 0; i < $2 * 20; i++)); do
    alive "$1" || return 0
    sleep 0.05
  done
  return 1
}

# reaped PID: waits for its remains to go too, at most 5 s: PostgreSQL does not start
# while the pid of its lock file is in use.
reaped() {
  local i
  for ((i = 0; i < 100; i++)); do
    [ -e "/proc/$1" ] || return 0
    sleep 0.05
  done
}

# end_servers NAME...: asks all of them, waits, and kills who does not listen.
end_servers() {
  local name
  for name in "$@"; do
    case $name in
      postgres) signal "$name" INT ;; # "fast": does not wait for its clients
      *) signal "$name" TERM ;;
    esac
  done
  for name in "$@"; do
    if ! gone "$name" 15; then
      say "$name did not end in 15 s: SIGKILL"
      signal "$name" KILL
      gone "$name" 5 || say "$name does not end even so"
    fi
    rm -f "$dir/$name.pid"
  done
}

kill_server() {
  open_folder
  if alive "$1"; then
    say "SIGKILL to $1"
    signal "$1" KILL
    gone "$1" 5 || die "$1 does not end"
    reaped "$(pid_of "$1")"
  else
    say "$1 does not run"
  fi
  rm -f "$dir/$1.pid"
  close_folder
}
