#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bad option ends before anything is built, with exit code 2 and a sentence that names what is allowed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# refuses WORDS COMMAND...: exit code 2, and the words in what it says
refuses() {
    local words=$1 said code=0
    shift
    said=$("$@" 2>&1 </dev/null) || code=$?
    if ((code != 2)) || [[ $said != *"$words"* ]]; then
        printf '%s: exit code %s, said: %s\n' "$*" "$code" "$said" >&2
        exit 1
    fi
}

refuses 'allowed are --port, --workers, --example, --broker' scripts/demo --prot 1
refuses 'from 1 to 65535' scripts/demo --port 70000
refuses 'from 1 to 65535' scripts/demo --port=
refuses 'from 1 to 256' scripts/demo --workers many
refuses 'takes a value' scripts/demo --port
refuses 'one of: chat' scripts/demo --example ../chat
refuses 'from 1 to 9' scripts/demo --nodes 0
refuses 'from 1 to 65534' scripts/demo --broker redis://127.0.0.1:6379 --nodes 2 --port 65535
refuses '--broker redis://HOST:PORT' scripts/demo --nodes 2
refuses 'takes pipe, memory, redis://HOST:PORT' scripts/demo --broker redis://
refuses 'pipe, memory' scripts/demo --broker pigeon
refuses 'one process' scripts/demo --broker memory --workers 2
refuses 'allowed are --asan, --only' scripts/test --all
refuses 'regular expression' scripts/test --only
[[ $(scripts/demo --help) == *--workers* ]]
