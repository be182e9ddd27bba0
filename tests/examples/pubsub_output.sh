#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pubsub_output.sh PROGRAM: each subscriber prints what it should, in order, and all of it ends.
set -euo pipefail
output=$(timeout 20 "$1")

expect() {
    diff <(printf '%s\n' "${@:2}") <(grep "^$1: " <<<"$output") || { echo "wrong lines of $1"; exit 1; }
}

expect lobby \
    'lobby: room:lobby say {"text":"hello"}' \
    'lobby: room:lobby (has changed)' \
    'lobby: room:* say {"text":"to every room"}'
expect everything \
    'everything: room:lobby say {"text":"hello"}' \
    'everything: room:kitchen say {"text":"coffee?"}' \
    'everything: room:lobby (has changed)' \
    'everything: room:* say {"text":"to every room"}'
[ "$(wc -l <<<"$output")" = 7 ]
