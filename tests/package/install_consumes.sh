#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_consumes.sh BUILD_DIR CC [SANITIZERS]: install into an empty prefix, then build and run a
# C program that knows nothing but pkg-config, against the shared and against the static library.
set -euo pipefail
trap 'printf "%s: line %s: %s\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
build=$1 cc=$2 sanitize=${3:+-fsanitize=$3}
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/consume.c
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix/installed" >"$prefix/log" || { cat "$prefix/log"; exit 1; }
# Moved once, because nothing installed may remember where it was installed to.
mv "$prefix/installed" "$prefix/moved"
export PKG_CONFIG_PATH=$prefix/moved/lib/pkgconfig

# Word splitting is what flags are for.
# shellcheck disable=SC2046,SC2086
"$cc" -Wall -Wextra -Werror $sanitize "$source" -o "$prefix/shared" $(pkg-config --cflags --libs viaduct)
[[ $(LD_LIBRARY_PATH=$prefix/moved/lib "$prefix/shared") == consumed ]]
[[ $(ldd "$prefix/shared") == *libviaduct.so.0* ]]

[[ $("$prefix/moved/bin/viaduct" version) == "viaduct $(pkg-config --modversion viaduct)" ]]
grep -q '^\.TH VIADUCT 1' "$prefix/moved/share/man/man1/viaduct.1"

rm "$prefix"/moved/lib/libviaduct.so*
# shellcheck disable=SC2046,SC2086
"$cc" -Wall -Wextra -Werror $sanitize "$source" -o "$prefix/static" $(pkg-config --static --cflags --libs viaduct)
[[ $("$prefix/static") == consumed ]]

# The extension, where one was built, loads by the ini that came with it (which names the place it
# was installed to, so it goes back there). A sanitized one needs more than its ini.
if [[ -z $sanitize && -f $prefix/moved/etc/php/viaduct.ini ]]; then
    mv "$prefix/moved" "$prefix/installed"
    loaded=$(PHP_INI_SCAN_DIR="$prefix/installed/etc/php" php -r 'echo phpversion("viaduct"), "\n";')
    [[ $loaded == [0-9]*.*.* ]]
    mv "$prefix/installed" "$prefix/moved"
fi

# Each public header compiles alone.
for header in "$prefix"/moved/include/viaduct/*.h; do
    printf '#include <viaduct/%s>\n' "$(basename "$header")" |
        "$cc" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$prefix/moved/include" -x c -
done
printf 'shared, static and %s headers: fine\n' "$(find "$prefix/moved/include/viaduct" -name '*.h' | wc -l)"
