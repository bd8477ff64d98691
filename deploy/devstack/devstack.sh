#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# PostgreSQL, Redis, RabbitMQ and MinIO for tests and for work on weir: real
# servers on private loopback ports, all of their data in one folder, without
# systemd and without containers, as root or not.
#
#   devstack.sh [--dir FOLDER] [--port BASE] COMMAND
#
#   install [SERVER...]    install and build what is missing
#   start [SERVER...]      start what does not run yet, and wait until it answers
#   stop [--keep]          end the servers and delete the folder (--keep: leave it)
#   status                 a line for each server; 1 if one of them is down
#   env [--test]           settings for weir, or for the test suites: eval "$(...)"
#   run COMMAND...         run it with the test settings on a stack of its own, which
#                          ends with it; its exit code is the one of COMMAND
#   kill SERVER            end a server by SIGKILL
#   restart SERVER         the same, then start it again on its port and its data
#
# SERVER is postgres, redis, rabbitmq or minio; none means all four. FOLDER is one in
# the temporary folder unless given; it must be empty or a stack already. The seven
# ports from BASE on are taken; without it, seven free ones.
caller=$PWD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/lib.sh
source "$here/../../scripts/lib.sh"
cd "$caller" 2>/dev/null || cd /
# shellcheck source=folder.sh
source "$here/folder.sh"
# shellcheck source=process.sh
source "$here/process.sh"
# shellcheck source=install.sh
source "$here/install.sh"
# shellcheck source=servers.sh
source "$here/servers.sh"

servers=(postgres redis rabbitmq minio)
temp=${TMPDIR:-/tmp}
dir='' base='' lock='' command='' undo='' own_stack=''
launched=() # by this command
declare -A conf=() # what is in the folder's settings

usage() {
  sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$here/devstack.sh" >&2
  exit 2
}

# known SERVER...: each of them is the name of a server.
known() {
  local name
  for name in "$@"; do
    [[ " ${servers[*]} " == *" $name "* ]] || die "there is no server $name; there are ${servers[*]}"
  done
}

# start SERVER...: adds them to the stack, starts those that do not run, waits until
# they answer. When that fails or is interrupted, what it started ends.
start() {
  local name wanted=() began=$SECONDS
  open_folder
  undo=1
  choose_settings "$@"
  for name in rabbitmq minio redis postgres; do # the slowest first
    [[ " $* " != *" $name "* ]] || alive "$name" || wanted+=("$name")
  done
  if [ ${#wanted[@]} -gt 0 ]; then
    need_servers "${wanted[@]}"
    free_ports "${wanted[@]}"
    say "starting ${wanted[*]} in $dir"
    for name in "${wanted[@]}"; do "start_$name"; done
  else
    say "already running: $* (in $dir)"
  fi
  for name in "$@"; do await "$name"; done
  [[ " $* " != *" postgres "* ]] || create_databases
  : >"$dir/complete"
  undo=''
  [ ${#wanted[@]} -eq 0 ] || say "ready after $((SECONDS - began)) s: ${wanted[*]}"
  close_folder
}

# undo_start ends what an unfinished start began; the first start of a folder leaves
# nothing.
undo_start() {
  [ -n "$undo" ] || return 0
  undo=''
  local name
  if [ -e "$dir/complete" ]; then
    end_servers "${launched[@]}"
  else
    say "not finished: cleaning up"
    for name in rabbitmq minio redis epmd; do signal "$name" KILL; done # their data goes anyhow
    end_all
    rm -rf -- "$dir"
  fi
}

# stop [--keep]
stop() {
  if ! have_folder; then
    say "no stack in $dir"
    return 0
  fi
  open_folder
  end_all
  if [ "${1:-}" = --keep ]; then
    say "stopped; the data stays in $dir"
  else
    rm -rf -- "$dir"
    say "stopped; $dir is deleted"
  fi
  close_folder
}

end_all() { end_servers "${servers[@]}" epmd; }

status() {
  local name rc=0
  have_folder || { echo "no stack in $dir"; return 1; }
  read_settings
  for name in ${conf[servers]:-}; do
    if ! alive "$name"; then
      echo "$name down"
      rc=1
    elif ! "ready_$name"; then
      echo "$name does not answer, pid $(pid_of "$name")"
      rc=1
    else
      echo "$name up, port ${conf[$name]}, pid $(pid_of "$name")"
    fi
  done
  [ -n "${conf[servers]:-}" ] || { echo "nothing was started in $dir"; rc=1; }
  return $rc
}

# run COMMAND...
run() {
  [ $# -gt 0 ] || usage
  install_servers "${servers[@]}"
  sweep_runs
  if [ -z "$dir" ]; then
    dir=$(mktemp -d "$temp/weir-devstack-run.XXXXXX")
    identity $$ >"$dir/owner"
    : >"$dir/$marker"
  fi
  { have_folder && [ -e "$dir/complete" ]; } || own_stack=1 # else somebody else stops it
  start "${servers[@]}"
  local settings
  settings=$(print_env --test)
  attended in_settings "$settings" "$@"
}
in_settings() {
  eval "$1"
  shift
  exec env --default-signal=INT,QUIT "$@"
}

# attended COMMAND...: runs it with our input, in such a way that a signal to us is
# seen at once and not when it has ended.
attended() {
  local status=0
  "$@" <&0 &
  command=$!
  wait "$command" || status=$?
  command=''
  return $status
}

# interrupted CODE: ends what is attended, with everything below it, in at most 20 s,
# and leaves by way of the EXIT trap.
interrupted() {
  trap '' INT TERM HUP
  if [ -n "$command" ]; then
    local i below
    mapfile -t below < <(children "$command")
    kill -s TERM "$command" "${below[@]}" 2>/dev/null || true
    for ((i = 0; i < 200; i++)); do
      identity "$command" >/dev/null || break
      sleep 0.1
    done
    kill -s KILL "$command" 2>/dev/null || true
  fi
  exit "$1"
}

leave() {
  local status=$?
  trap '' INT TERM HUP
  set +e
  undo_start
  [ -z "$own_stack" ] || stop
  exit "$status"
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --dir) dir=${2:?--dir needs a folder}; shift 2 ;;
      --port) base=${2:?--port needs a number}; shift 2 ;;
      *) break ;;
    esac
  done
  [[ -z $base || ($base =~ ^[0-9]{4,5}$ && $base -ge 1024 && $base -le 65528) ]] || die "--port $base: a number from 1024 to 65528 is needed"
  [[ -z $dir || $dir == /* ]] || dir=$caller/$dir
  local verb=${1:-}
  [ $# -eq 0 ] || shift
  [[ -n $dir || $verb == run ]] || dir=$temp/weir-devstack-$(id -u)
  [[ $dir =~ ^[A-Za-z0-9/._+-]*$ ]] || die "$dir: not every server can have such characters in its folder; give another one with --dir"
  trap leave EXIT
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  trap 'interrupted 129' HUP
  case $verb in
    install) known "$@"; install_servers "${@:-${servers[@]}}" ;;
    packages) install_packages "$@" ;; # what `install` calls as root
    start) known "$@"; start "${@:-${servers[@]}}" ;;
    stop) stop "$@" ;;
    status) status ;;
    env) need_stack; print_env "$@" ;;
    run) run "$@" ;;
    kill | restart)
      [ $# -eq 1 ] || usage
      known "$1"
      need_stack
      kill_server "$1"
      [ "$verb" = kill ] || start "$1"
      ;;
    *) usage ;;
  esac
}
main "$@"
