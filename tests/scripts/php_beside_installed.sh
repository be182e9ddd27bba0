#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/php runs the freshly built extension, without a warning, where another Viaduct is installed.
# $VIADUCT_BUILD: the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$VIADUCT_BUILD/php-ext/viaduct.so" "$dir/installed.so"
printf 'extension=%s\n' "$dir/installed.so" >"$dir/20-viaduct.ini"
printf 'memory_limit=77M\n' >"$dir/10-mine.ini"

said=$(PHP_INI_SCAN_DIR=$dir scripts/php -r '
    echo ini_get("memory_limit"), " ", extension_loaded("viaduct") ? "loaded" : "missing", " ";
    echo preg_match("~^.*viaduct\.so$~m", file_get_contents("/proc/self/maps")) ? "fresh" : "not fresh", " ";
    echo str_contains(file_get_contents("/proc/self/maps"), "installed.so") ? "and installed" : "only";' 2>&1)
if [[ $said != '77M loaded fresh only' ]]; then
    printf 'scripts/php beside an installed extension: %s\n' "$said" >&2
    exit 1
fi
