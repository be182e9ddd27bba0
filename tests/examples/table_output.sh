#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# table_output.sh PROGRAM: what the processes did together is exact.
set -euo pipefail
diff - <(timeout 20 "$1") <<'END'
ann asked 12 times
bob asked 12 times
eve asked 4 times
14 served
VD_ERR_TOO_LARGE: table "rate": a string of 41 bytes for column "note", which holds 40; declare it longer or store less
END
