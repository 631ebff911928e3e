#!/usr/bin/env bash
# Fails when a file that `cfn generate` writes is not what it would write now.
set -euo pipefail

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

mkdir "$fresh/src"
cp .rpdk-config "$fresh/"
cp schema/org-iam-accesskey.json "$fresh/"
(cd "$fresh" && cfn generate >generate.out 2>&1) || { cat "$fresh/generate.out"; exit 1; }

stale=0
for path in .rpdk-config resource-role.yaml docs src/models.ts; do
  diff -ru "$path" "$fresh/$path" || stale=1
done
if [ "$stale" -ne 0 ]; then
  echo 'Generated files are stale: run `make generate` and commit what it writes.' >&2
fi
exit "$stale"
