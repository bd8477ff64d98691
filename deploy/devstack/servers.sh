# shellcheck shell=bash disable=SC2154
# How each of the servers is started, and when it is ready. Sourced by devstack.sh.
# Passwords go by files and environments, never by arguments, which everybody sees.

# PostgreSQL refuses to be root: then it is the user that its package made. Nothing is
# forced to the disk: a crash of the machine may cost the data, a SIGKILL does not.
start_postgres() {
  local data=$dir/postgres as=() program
  program=$(postgres_program postgres)
  mkdir -p "$data"
  chmod 700 "$data"
  if [ "$(id -u)" -eq 0 ]; then
    getent passwd postgres >/dev/null || die "there is no user postgres to run PostgreSQL as"
    chown postgres: "$data"
    as=(setpriv --reuid postgres --regid postgres --init-groups)
    "${as[@]}" test -x "$data" || die "the user postgres cannot enter $data; give a folder elsewhere with --dir"
  fi
  [ -d "$data/data" ] || init_postgres "$data" "${as[@]}"
  launch postgres "${as[@]}" "$program" -D "$data/data" -p "${conf[postgres]}" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c timezone=UTC -c max_connections=200 \
    -c shared_buffers=64MB -c fsync=off -c full_page_writes=off
}

# init_postgres FOLDER [AS...]: an unfinished one has another name, and is made anew.
init_postgres() {
  local data=$1
  shift
  rm -rf "$data/new"
  (umask 077 && echo "${conf[postgres_password]}" >"$data/password")
  [ $# -eq 0 ] || chown postgres: "$data/password"
  mkdir -p "$dir/log"
  (cd / && "$@" "$(postgres_program initdb)" -D "$data/new" -U weir --pwfile="$data/password" \
    --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync) >"$dir/log/postgres.log" 2>&1 ||
    failed postgres "could not make its data"
  rm -f "$data/password"
  mv "$data/new" "$data/data"
}

# sql DATABASE: runs what comes in.
sql() {
  env -i PATH="$PATH" HOME="$dir/home" PGPASSWORD="${conf[postgres_password]}" PGCONNECT_TIMEOUT=5 \
    "$(postgres_program psql)" -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "${conf[postgres]}" -U weir -d "$1"
}
ready_postgres() { sql postgres <<<'select 1' >/dev/null 2>&1; }

create_databases() {
  local name
  for name in weir weir_test; do
    [ -n "$(sql postgres <<<"select 1 from pg_database where datname = '$name'")" ] ||
      sql postgres <<<"create database $name"
  done
}

# Many databases, as suites that run side by side take one each.
start_redis() {
  mkdir -p "$dir/redis"
  (
    umask 077
    cat >"$dir/redis.conf" <<-END
	bind 127.0.0.1
	port ${conf[redis]}
	requirepass ${conf[redis_password]}
	dir $dir/redis
	databases 1024
	save ""
	appendonly yes
	appendfsync no
	END
  )
  launch redis redis-server "$dir/redis.conf"
}
ready_redis() {
  [ "$(REDISCLI_AUTH=${conf[redis_password]} redis-cli -h 127.0.0.1 -p "${conf[redis]}" ping 2>/dev/null)" = PONG ]
}

# Every file and port of RabbitMQ and of Erlang's port mapper (epmd), which it cannot
# do without, is moved to where this stack is. The mapper is started by us, as the one
# that Erlang starts itself would outlive everything.
start_rabbitmq() {
  local home=$dir/rabbitmq epmd=(ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="${conf[epmd]}")
  mkdir -p "$home" "$dir/home"
  (
    umask 077
    rm -f "$dir/home/.erlang.cookie"
    echo "${conf[cookie]}" >"$dir/home/.erlang.cookie"
    chmod 400 "$dir/home/.erlang.cookie"
    : >"$home/env.conf"
    echo '[].' >"$home/enabled_plugins"
    cat >"$home/rabbitmq.conf" <<-END
	listeners.tcp.1 = 127.0.0.1:${conf[rabbitmq]}
	default_user = weir
	default_pass = ${conf[rabbitmq_password]}
	disk_free_limit.absolute = 50MB
	vm_memory_high_watermark.absolute = 512MB
	log.file.level = warning
	END
  )
  alive epmd || launch epmd "${epmd[@]}" epmd
  # ALLOW_INPUT makes the script become the broker instead of waiting for it.
  launch rabbitmq "${epmd[@]}" RABBITMQ_ALLOW_INPUT=1 RABBITMQ_SERVER_START_ARGS='-noinput -start_epmd false' \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}' \
    RABBITMQ_NODENAME="weir${conf[rabbitmq]}@localhost" RABBITMQ_DIST_PORT="${conf[dist]}" RABBITMQ_IO_THREAD_POOL_SIZE=16 \
    RABBITMQ_HOME_DIR="$home" RABBITMQ_CONF_ENV_FILE="$home/env.conf" RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$home/advanced.config" RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_LOG_BASE="$home/log" RABBITMQ_PID_FILE="$home/pid" "$(rabbitmq_program)"
}
# AMQP answers its greeting by a method frame (1). The listener is the last to open,
# and rabbitmqctl would take seconds.
ready_rabbitmq() {
  local first
  first=$({
    exec 3<>"/dev/tcp/127.0.0.1/${conf[rabbitmq]}" && printf 'AMQP\0\0\11\1' >&3 &&
      timeout 5 head -c 1 <&3 | od -An -tx1
  } 2>/dev/null) && [ "${first// /}" = 01 ]
}

# A folder in its data is a bucket.
start_minio() {
  mkdir -p "$dir/minio/weir" "$dir/minio/weir-test"
  (umask 077 && printf 'MINIO_ROOT_USER=weir\nMINIO_ROOT_PASSWORD=%s\n' "${conf[minio_password]}" >"$dir/minio.env")
  launch minio MINIO_CONFIG_ENV_FILE="$dir/minio.env" MINIO_BROWSER=off MINIO_UPDATE=off \
    "$minio" server --quiet --address "127.0.0.1:${conf[minio]}" --console-address "127.0.0.1:${conf[console]}" "$dir/minio"
}
ready_minio() {
  local line
  line=$({
    exec 3<>"/dev/tcp/127.0.0.1/${conf[minio]}" && printf 'GET /minio/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
      timeout 5 head -n 1 <&3
  } 2>/dev/null) && [[ $line == *' 200 '* ]]
}
