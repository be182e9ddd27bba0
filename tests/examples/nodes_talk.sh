#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nodes_talk.sh PROGRAM SCHEME: two nodes at a real server (redis-server or nats-server) hear each other; the
# end of the input ends each of them.
set -euo pipefail
program=$1 scheme=$2
directory=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$directory"' EXIT

give_up() { echo "$1"; head -50 "$directory"/*.log; exit 1; }

# until PATTERN FILE: a line of the file is that.
until_line() {
    for ((i = 0; i < 400; i++)); do
        grep -qx "$1" "$2" 2>/dev/null && return
        sleep 0.05
    done
    give_up "no line \"$1\" in $2"
}

start_server() {
    for port in $((RANDOM % 6000 + 20000)) $((RANDOM % 6000 + 26000)) $((RANDOM % 6000 + 20000)); do
        case $scheme in
        redis) exec redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$directory" ;;
        nats) exec nats-server -a 127.0.0.1 -p "$port" ;;
        esac >"$directory/server.log" 2>&1 &
        pid=$!
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then pids+=("$pid"); return; fi
            sleep 0.05
        done
    done
    give_up 'no server'
}

start_server
mkfifo "$directory/one" "$directory/two"
for node in one two; do
    "$program" "$scheme://127.0.0.1:$port" <"$directory/$node" >"$directory/$node.log" 2>&1 &
    pids+=("$!")
done
exec 4>"$directory/one" 5>"$directory/two"
until_line connected "$directory/one.log"
until_line connected "$directory/two.log"
echo hello >&4
until_line 'room:lobby say hello' "$directory/two.log"
echo 'hello yourself' >&5
until_line 'room:lobby say hello yourself' "$directory/one.log"
printf 'bye' >&5 # without the end of the line
exec 5>&-
until_line 'room:lobby say bye' "$directory/one.log"
exec 4>&-
wait "${pids[1]}" "${pids[2]}"
[ "$(wc -l <"$directory/one.log")" = 3 ] # connected, and the other's lines
