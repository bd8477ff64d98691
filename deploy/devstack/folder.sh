# shellcheck shell=bash disable=SC2154,SC2030,SC2031
# The folder of a stack: whose it is, one command at a time in it, its settings.
# Sourced by devstack.sh.
#
#   .weir-devstack   marks the folder as ours; locked by the command that changes it
#   settings         ports, passwords and servers
#   complete         a start has succeeded once
#   owner            the `run` that made it
#   NAME.pid         see process.sh
#   log, postgres, redis, rabbitmq, minio, home
marker=.weir-devstack

have_folder() { [ -O "$dir" ] && [ ! -L "$dir" ] && [ -f "$dir/$marker" ]; }

need_stack() {
  have_folder || die "no stack in $dir; devstack.sh start makes one"
  read_settings
  [ -n "${conf[servers]:-}" ] || die "nothing was started in $dir; devstack.sh start does"
}

# open_folder makes the folder unless it is a stack already, and locks it. It waits
# for another command that has it.
open_folder() {
  [ -z "$lock" ] || return 0
  while :; do
    (umask 022 && mkdir -p "$(dirname "$dir")")
    mkdir -m 711 "$dir" 2>/dev/null || true # passed through by PostgreSQL's user
    if [ ! -O "$dir" ] || [ -L "$dir" ]; then
      die "$dir is not a folder of this user; give another one with --dir"
    fi
    [ -f "$dir/$marker" ] || [ -z "$(ls -A "$dir")" ] ||
      die "$dir is neither empty nor a stack; give another folder with --dir"
    chmod 711 "$dir"
    { exec {lock}>>"$dir/$marker"; } 2>/dev/null || continue # just deleted by a `stop`
    if ! flock -n "$lock"; then
      say "waiting for another devstack.sh in $dir"
      flock "$lock"
    fi
    [ "$dir/$marker" -ef "/proc/self/fd/$lock" ] && break
    exec {lock}>&-
  done
  read_settings
}

close_folder() {
  exec {lock}>&-
  lock=''
}

read_settings() {
  local key value
  conf=()
  [ -f "$dir/settings" ] || return 0
  while IFS='=' read -r key value; do conf["$key"]=$value; done <"$dir/settings"
}

write_settings() {
  local key
  (
    umask 077
    for key in "${!conf[@]}"; do echo "$key=${conf[$key]}"; done >"$dir/settings.new"
  )
  mv "$dir/settings.new" "$dir/settings"
}

# choose_settings SERVER...: the ports and passwords of a new stack, and the servers
# added to one that is there.
choose_settings() {
  local name
  if [ -z "${conf[postgres]:-}" ]; then
    choose_base
    conf=([postgres]=$base [redis]=$((base + 1)) [rabbitmq]=$((base + 2)) [dist]=$((base + 3))
      [epmd]=$((base + 4)) [minio]=$((base + 5)) [console]=$((base + 6)) [servers]="")
    for name in postgres redis rabbitmq minio; do conf[${name}_password]=$(random_hex 16); done
    conf[cookie]=$(random_hex 24)
  elif [[ -n $base && $base != "${conf[postgres]}" ]]; then
    die "the stack in $dir has its ports from ${conf[postgres]} on; stop it first"
  fi
  for name in "$@"; do
    [[ " ${conf[servers]} " == *" $name "* ]] || conf[servers]="${conf[servers]:+${conf[servers]} }$name"
  done
  write_settings
}

random_hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# choose_base finds seven ports on which nobody listens, below those that the kernel
# gives out itself.
choose_base() {
  [ -z "$base" ] || return 0
  local i port
  for ((i = 0; i < 100; i++)); do
    base=$((20000 + (RANDOM % 1200) * 10))
    for ((port = base; port < base + 7; port++)); do
      taken "$port" && continue 2
    done
    return 0
  done
  die "found no seven free ports between 20000 and 32000; name them with --port"
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports SERVER...: says so when somebody else has the port of one of them. A server
# that was killed a moment ago may still have it.
free_ports() {
  local name port i
  for name in "$@"; do
    local ports=("$name")
    [ "$name" != rabbitmq ] || ports+=(dist)
    [ "$name" != minio ] || ports+=(console)
    for port in "${ports[@]}"; do
      for ((i = 0; i < 50; i++)); do
        taken "${conf[$port]}" || continue 2
        sleep 0.1
      done
      die "port ${conf[$port]} for $name is taken; stop what has it, or this stack, and start again"
    done
  done
}

# sweep_runs ends the stacks of runs that were killed before they could.
sweep_runs() {
  local found
  for found in "$temp"/weir-devstack-run.*; do
    if [ -O "$found" ] && [ ! -L "$found" ] && [ -f "$found/owner" ] && ! runs "$found/owner"; then
      say "an earlier run left $found"
      (dir=$found && stop)
    fi
  done
}

# print_env [--test]: lines for eval.
print_env() {
  local name prefix=WEIR db=weir redis_db=0 bucket=weir
  if [ "${1:-}" = --test ]; then
    prefix=WEIR_TEST db=weir_test redis_db=1 bucket=weir-test
  fi
  for name in ${conf[servers]}; do
    local at=127.0.0.1:${conf[$name]} password=${conf[${name}_password]}
    case $name in
      postgres) echo "export ${prefix}_DATABASE_URL='postgres://weir:$password@$at/$db?sslmode=disable'" ;;
      redis) echo "export ${prefix}_REDIS_URL='redis://:$password@$at/$redis_db'" ;;
      rabbitmq) echo "export ${prefix}_AMQP_URL='amqp://weir:$password@$at/'" ;;
      minio)
        echo "export ${prefix}_S3_ENDPOINT='http://$at'"
        echo "export ${prefix}_S3_BUCKET='$bucket'"
        echo "export ${prefix}_S3_ACCESS_KEY='weir'"
        echo "export ${prefix}_S3_SECRET_KEY='$password'"
        ;;
    esac
  done
  # A command line that may be continued by `kill rabbitmq` or `restart rabbitmq`.
  if [ "$prefix" = WEIR_TEST ]; then
    printf 'export WEIR_TEST_DEVSTACK=%q\n' "$(printf '%q --dir %q' "$here/devstack.sh" "$dir")"
  fi
}
