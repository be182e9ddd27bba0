#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The way of PECL and PIE: phpize, configure, make, in a copy of the tree; the extension loads.
set -euo pipefail
trap 'printf "%s: line %s: %s\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

tar -C "$root" --exclude=./build --exclude=./.git -c . | tar -C "$copy" -x
cd "$copy/php-ext"
{ phpize && ./configure CFLAGS=-O0 && make -j"$(nproc)"; } >"$copy/log" 2>&1 || { tail -n 60 "$copy/log"; exit 1; }
if grep -nE '\.[ch]:[0-9:]+ warning:' "$copy/log"; then exit 1; fi
version=$(php -d extension="$PWD/modules/viaduct.so" -r 'new Viaduct\App(); echo phpversion("viaduct");')
[[ $version == "$(sed -n 's/^project(viaduct VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")" ]]
