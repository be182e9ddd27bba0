#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# health_output.sh PROGRAM: it says where it listens, answers there, and ends when it is told to.
set -euo pipefail
trap 'printf "%s: line %s: %s\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
coproc PROGRAM { exec "$1" 0; }
# shellcheck disable=SC2153
pid=$PROGRAM_PID
trap 'kill "$pid" 2>/dev/null || true' EXIT
read -r -t 20 name url <&"${PROGRAM[0]}"
[[ $name == health: ]]

document=$(curl -fsS --max-time 10 "$url")
[[ $document == *'"status": "ok"'* && $document == *'"version": "1.0"'* ]]
[[ $document == *'"driver": "InMemoryBroker"'* && $document == *'"connected": true'* ]]
[[ $(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$url/live") == 200 ]]
curl -fsS --max-time 10 "${url%/_health}/metrics" | grep -x 'viaduct_healthy 1' >/dev/null
[[ $(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "${url%/_health}/other") == 404 ]]

kill -TERM "$pid"
wait "$pid"
trap - EXIT
