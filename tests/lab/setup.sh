# Sourced by tests/run and the lab: packages and the Docker daemon.
# What it starts, it stops again (by pid) when lab_cleanup runs.
# Expects LAB_HERE (this folder) and LAB_OUT (where logs go).

LAB_DOCKERD_PID=
LAB_POLICY=
LAB_APT_UPDATED=

# lab_packages NAME...: install the Debian packages that are not there yet.
lab_packages() {
    local missing=() p
    for p in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing: ${missing[*]}" >&2
    if [ -z "$LAB_APT_UPDATED" ]; then
        apt-get update -qq >&2 || return 1
        LAB_APT_UPDATED=1
    fi
    # A package must not start its service on this machine: the tests start what they need.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        LAB_POLICY=/usr/sbin/policy-rc.d
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >/tmp/gatemedic-apt.$$ 2>&1
    local rc=$?
    [ $rc -eq 0 ] || tail -n 20 /tmp/gatemedic-apt.$$ >&2
    rm -f /tmp/gatemedic-apt.$$
    [ -z "$LAB_POLICY" ] || { rm -f "$LAB_POLICY"; LAB_POLICY=; }
    return $rc
}

# lab_dockerd: use the Docker daemon that runs, or start one of our own.
lab_dockerd() {
    local i
    docker info >/dev/null 2>&1 && return 0
    echo "starting dockerd" >&2
    mkdir -p "$LAB_OUT"
    setsid dockerd --host unix:///var/run/docker.sock >"$LAB_OUT/dockerd.log" 2>&1 &
    LAB_DOCKERD_PID=$!
    for i in $(seq 120); do
        docker info >/dev/null 2>&1 && return 0
        kill -0 "$LAB_DOCKERD_PID" 2>/dev/null || break
        sleep 0.25
    done
    echo "dockerd did not start:" >&2
    tail -n 10 "$LAB_OUT/dockerd.log" >&2
    return 1
}

# lab_cleanup: remove the lab's containers, then the daemon if it is ours.
lab_cleanup() {
    [ -z "$LAB_POLICY" ] || { rm -f "$LAB_POLICY"; LAB_POLICY=; }
    if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
        "$LAB_HERE/host" stop
    fi
    if [ -n "$LAB_DOCKERD_PID" ]; then
        kill "$LAB_DOCKERD_PID" 2>/dev/null
        wait "$LAB_DOCKERD_PID" 2>/dev/null
        LAB_DOCKERD_PID=
    fi
    return 0
}
