# Sourced. Makes sure that a Docker Engine answers; starts one of its own only when none does.
#   ensure_docker      afterwards `docker` works
#   stop_own_docker    stops and removes what ensure_docker started, and nothing else
own_docker_dir=""
own_docker_pid=""

ensure_docker() {
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "No Docker Engine answers, and only root can start one. Start it (sudo systemctl start docker) and try again." >&2
    return 1
  fi
  own_docker_dir=$(mktemp -d -t berth-docker.XXXXXX)
  # A socket of its own would need DOCKER_HOST everywhere: the default one is free, since nothing answers there.
  dockerd --data-root "$own_docker_dir/data" --exec-root "$own_docker_dir/exec" --pidfile "$own_docker_dir/docker.pid" \
    --host unix:///var/run/docker.sock >"$own_docker_dir/log" 2>&1 &
  own_docker_pid=$!
  for _ in $(seq 120); do
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return 0
    kill -0 "$own_docker_pid" 2>/dev/null || break
    sleep 0.25
  done
  echo "The Docker Engine does not start. The end of its log:" >&2
  tail -15 "$own_docker_dir/log" >&2
  stop_own_docker
  return 1
}

stop_own_docker() {
  [ -n "$own_docker_dir" ] || return 0
  if kill -0 "$own_docker_pid" 2>/dev/null; then
    docker ps -q | xargs -r docker kill >/dev/null 2>&1
    kill "$own_docker_pid" 2>/dev/null
    wait "$own_docker_pid" 2>/dev/null
  fi
  grep -o " $own_docker_dir[^ ]*" /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null
  rm -rf "$own_docker_dir"
  own_docker_dir=""
}
