# The servers that the suites of backends run against; sourced by .ci/run.
# shellcheck shell=bash

readonly SERVERS_FOLDER=$ROOT/../shared/servers
readonly SERVERS_CACHE=${MEDHA_SERVERS_CACHE:-/var/tmp/medha-servers}
# Add a service of the kit here as soon as one of its servers can be had; a name that no test asks for costs nothing.
readonly SERVICES=pgvector,redis,qdrant,elasticsearch,chroma

# Started once for all stages. Where servers can be had, a suite that finds none fails instead of skipping its tests.
start_services() {
    if [ -d "$SERVERS_FOLDER" ]; then
        fetch_servers
        find_pgbouncer
        SERVERS_RUN=$(mktemp -d "$(place_for_data)/medha-run-XXXXXX")
        "$SERVERS_FOLDER/servers.sh" "$SERVERS_CACHE" "$SERVERS_RUN" up
        eval "$("$SERVERS_FOLDER/servers.sh" "$SERVERS_CACHE" "$SERVERS_RUN" env)"
        # its heap is small: what is mostly garbage there must not refuse the next request
        curl -fsS -o "$SERVERS_RUN/settings.log" -X PUT "$MEDHA_TEST_ELASTICSEARCH_URL/_cluster/settings" \
            -H 'Content-Type: application/json' -d '{"transient": {"indices.breaker.total.limit": "100%"}}'
    elif command -v docker > /dev/null && docker info > /dev/null 2>&1; then
        # the suites start containers themselves, one set for each process of pytest
        TEST_TOOLS+=('testcontainers>=4.15')
        PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --numprocesses=0"
    else
        echo "No servers here: the suites that need one will skip their tests."
        return
    fi
    export PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --require-services=$SERVICES"
}

stop_services() {
    [ -n "${SERVERS_RUN:-}" ] || return 0
    "$SERVERS_FOLDER/servers.sh" "$SERVERS_CACHE" "$SERVERS_RUN" down || true
    rm -rf "$SERVERS_RUN"
}

# In memory where there is room. No test is about the servers' disks, and they wait for them most of the time.
place_for_data() {
    local free
    free=$(df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 { print $4 }')
    if [ "${free:-0}" -gt 4000000 ] && ! grep -q ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
        echo /dev/shm
    else
        echo /var/tmp
    fi
}

# The pooler that a test of medha-pgvector puts in between, and skips itself without.
find_pgbouncer() {
    if command -v pgbouncer > /dev/null || ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then return; fi
    export DEBIAN_FRONTEND=noninteractive
    (timeout 60 apt-get update && timeout 120 apt-get install --yes --no-install-recommends pgbouncer) \
        > "$SCRATCH/pgbouncer.log" 2>&1 || { echo "pgbouncer could not be installed:"; tail -3 "$SCRATCH/pgbouncer.log"; }
}

# Kept between runs; a folder without the mark at its end was interrupted while it was made.
fetch_servers() {
    [ ! -e "$SERVERS_CACHE/complete" ] || return 0
    rm -rf "$SERVERS_CACHE"
    "$SERVERS_FOLDER/fetch.sh" "$SERVERS_CACHE"
    touch "$SERVERS_CACHE/complete"
}

needs_services() {
    case ${1%%:*} in tests | workspace | isolated | lowest | highest) return 0 ;; *) return 1 ;; esac
}
