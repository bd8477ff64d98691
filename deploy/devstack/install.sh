# shellcheck shell=bash disable=SC2154
# What has to be on the machine. Sourced by devstack.sh.

# MinIO is under the AGPL: weir never links it or ships it. It is a test tool, built
# unchanged from its module, and only ever run as a process of its own. This is taken
# for the last state of its public source: pinned, not followed.
minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
minio=$cache/bin/minio-$minio_version

# find_program NAME FOLDER...: prints its path, in the newest version's folder first.
find_program() {
  local name=$1 found folder
  shift
  mapfile -t found < <(printf '%s\n' "$@" | sort -rV)
  for folder in "${found[@]}"; do
    [ ! -x "$folder/$name" ] || { echo "$folder/$name"; return; }
  done
  command -v "$name"
}
postgres_program() { find_program "$1" /usr/lib/postgresql/*/bin; }
# Not Debian's wrapper of the same name in PATH: it changes the user and drops the
# environment.
rabbitmq_program() { find_program rabbitmq-server /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/*/sbin; }

# has SERVER: its programs are there.
has() {
  case $1 in
    postgres) postgres_program initdb && postgres_program psql ;;
    redis) command -v redis-server && command -v redis-cli ;;
    rabbitmq) rabbitmq_program && command -v epmd ;;
    minio) [ -x "$minio" ] ;;
  esac >/dev/null
}

need_servers() {
  local name
  for name in "$@"; do
    has "$name" || die "$name is not installed; deploy/devstack/devstack.sh install does that"
  done
}

install_servers() {
  local name missing=()
  for name in "$@"; do
    has "$name" || case $name in
      postgres) missing+=(postgresql) ;;
      redis | rabbitmq) missing+=("$name-server") ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] || as_root "${missing[@]}"
  [[ " $* " != *" minio "* ]] || has minio || attended build_minio
  need_servers "$@"
}

# as_root PACKAGE...: installs them as root, or through sudo, or names them.
as_root() {
  command -v apt-get >/dev/null || die "please install, with what your system has for it: $*"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || { ! sudo -n true 2>/dev/null && [ ! -t 0 ]; }; then
      die "please install, as root: apt-get install --no-install-recommends $*"
    fi
    sudo=(sudo)
  fi
  local log
  log=$(mktemp)
  # shellcheck disable=SC2317 # busy calls it
  logged() { "$@" </dev/null >"$log" 2>&1; }
  (busy "installing $*" logged "${sudo[@]}" "$here/devstack.sh" packages "$@") || {
    tail -n 5 "$log" >&2
    die "could not install $*: see $log"
  }
  rm -f "$log"
}

# install_packages PACKAGE...: the part that is root's. Nothing is started, neither
# now nor at the next boot.
install_packages() {
  local policy=/usr/sbin/policy-rc.d mine="# weir's devstack.sh: nothing starts while it installs"
  local clusters=/etc/postgresql-common/createcluster.d/weir.conf
  # Ours, from a run that was killed.
  ! grep -qsxF "$mine" "$policy" || rm -f "$policy"
  (
    trap 'exit 130' INT TERM HUP
    made=("$clusters")
    trap 'rm -f "${made[@]}"; rmdir --ignore-fail-on-non-empty "${clusters%/*}"' EXIT
    if [ ! -e "$policy" ]; then
      made+=("$policy")
      printf '#!/bin/sh\n%s\nexit 101\n' "$mine" >"$policy"
      chmod 755 "$policy"
    fi
    mkdir -p "${clusters%/*}"
    echo 'create_main_cluster = false' >"$clusters"
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update || true # one source out of reach need not matter
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
      install -y --no-install-recommends "$@" || exit 1
    if command -v systemctl >/dev/null; then
      [[ " $* " != *" rabbitmq-server "* ]] || set -- "$@" epmd.socket epmd.service
      for unit in "$@"; do systemctl disable "$unit" 2>/dev/null || true; done
    fi
  )
}

build_minio() {
  command -v go >/dev/null || die "Go is needed to build MinIO (https://go.dev/doc/install)"
  mkdir -p "$cache/bin"
  (
    exec 9>"$cache/bin/.minio.lock"
    flock -n 9 || busy "waiting for another build of MinIO" flock 9
    ! has minio || exit 0
    rm -rf "$cache"/bin/.minio-new.*
    new=$(mktemp -d "$cache/bin/.minio-new.XXXXXX")
    cd / # no module's settings but its own
    busy "building MinIO, once (about 5 minutes)" env GOBIN="$new" GOFLAGS= GOWORK=off CGO_ENABLED=0 \
      nice -n 10 go install -trimpath -ldflags '-s -w' "github.com/minio/minio@$minio_version" 9>&- ||
      die "could not build MinIO"
    mv "$new/minio" "$minio"
    rmdir "$new"
  )
}
