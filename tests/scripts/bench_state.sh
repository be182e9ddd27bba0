#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/state runs, and says something about each operation in each way; how fast it is here is of no interest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck disable=SC2016 # it is PHP
LIMITS='{"operations":[]}' bench/state --json 1 1000 | php -n -r '
    $found = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);
    $numbers = 0;
    foreach ($found["operations"] as $ways) {
        foreach ($ways as $pair) {
            $numbers += count(array_filter($pair, fn($number) => $number > 0));
        }
    }
    echo count($found["operations"]), " operations, $numbers numbers\n";
    exit(count($found["operations"]) >= 10 && $numbers === count($found["operations"]) * 5 * 2 ? 0 : 1);'
