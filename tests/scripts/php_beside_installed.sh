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

said() {
    # shellcheck disable=SC2016 # it is PHP
    PHP_INI_SCAN_DIR=$dir scripts/php -r '
        $maps = file_get_contents("/proc/self/maps");
        echo implode(" ", [ini_get("memory_limit"), extension_loaded("viaduct") ? "loaded" : "missing",
            preg_match("~^.*viaduct\.so$~m", $maps) ? "fresh" : "not fresh",
            str_contains($maps, "installed.so") ? "and installed" : "only"]) . "\n";' 2>&1
}
# Several at once, as tests run them: none may take away what another is reading.
for _ in 1 2 3 4 5 6 7 8; do
    said >>"$dir/said" &
done
wait
if [[ $(sort "$dir/said" | uniq -c | xargs) != '8 77M loaded fresh only' ]]; then
    printf 'scripts/php beside an installed extension:\n%s\n' "$(<"$dir/said")" >&2
    exit 1
fi
