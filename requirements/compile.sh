#!/usr/bin/env bash
# Recompile every lock file. Universal (all platforms, Python >= 3.11), with hashes, without index addresses.
set -euo pipefail
cd "$(dirname "$0")"
flags=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet)
overrides=(--override without.in)
uv pip compile "${flags[@]}" "${overrides[@]}" "$@" dev.in -o dev.txt
for set in gateway outline_worker document_worker build local pdf; do
    # The big set fixes the versions, so that what is tested is what is deployed.
    uv pip compile "${flags[@]}" "${overrides[@]}" "$set.in" -c dev.txt -o "$set.txt"
done
# What `make bench` compares with, each in an environment of its own.
cd ../tests/benchmarks/peers
for peer in *.in; do
    uv pip compile "${flags[@]}" "$@" "$peer" -o "${peer%.in}.txt"
done
