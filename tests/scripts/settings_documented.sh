#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every setting has its row in docs/configuration.md, every option of a build in docs/packaging.md,
# every page of docs/ its link, and no link leads to a file, or a heading of a page, that is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

failed=0
complain() {
    printf '%s\n' "$*" >&2
    failed=1
}

mapfile -t settings < <(sed -n '/final class Config/,/^    }/p' php-ext/viaduct.stub.php |
    sed -nE 's/.*function (with[A-Za-z]+).*/\1/p')
((${#settings[@]} > 10)) || complain 'no settings found in php-ext/viaduct.stub.php'
for setting in "${settings[@]}"; do
    grep -q "^| \`$setting" docs/configuration.md || complain "docs/configuration.md has no row for $setting()"
done
while read -r option; do
    grep -q "^| \`$option\`" docs/packaging.md || complain "docs/packaging.md has no row for $option"
done < <(sed -nE 's/^option\((\w+).*/\1/p; s/^set\((\w+) .* CACHE .*/\1/p' CMakeLists.txt)
for page in docs/*.md; do
    grep -q "($page)" README.md || complain "README.md does not link $page"
done
# anchors PAGE: its headings as links name them
anchors() {
    sed -nE 's/^#+ //p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9_ -]//g; s/ /-/g'
}
while IFS=: read -r page link; do
    target=${link%%#*}
    [[ $target == *://* || -z $target || -e $(dirname "$page")/$target ]] || complain "$page: no such file: $link"
    [[ $target == *://* || $link != *.md#* && $link != '#'* ]] ||
        anchors "${target:+$(dirname "$page")/}${target:-$page}" | grep -qxF -e "${link#*#}" ||
        complain "$page: no such heading: $link"
done < <(grep -oE '\]\([^)]+\)' README.md docs/*.md CHANGELOG.md | sed -E 's/\]\((.*)\)/\1/')
exit "$failed"
