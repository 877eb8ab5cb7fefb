#!/bin/sh
# Writes requirements/{full,data}-pyXYZ.txt: every version with its hashes, for one Python each. Needs uv.
#
# full: the base dependencies and all extras. data: the base dependencies and the wheels of native.in without what they
# declare (TensorFlow, Beam), held to the versions of the full lock. Both are installed with --no-deps.
#
# For the container images, which have one Python: image-full, the full lock without the tools of development; image-data,
# the data lock and the small extras; tests, the tools of development that the data lock does not hold; build, what makes
# a wheel and installs it.
set -eu
cd "$(dirname "$0")/.."

compile() { # compile <python> <output> <arguments ...>
    python=$1 output=$2
    shift 2
    case $python in
    3.10 | 3.11) platform=x86_64-manylinux_2_28 ;; # Debian 12, Ubuntu 22.04
    *) platform=x86_64-manylinux_2_39 ;;           # Debian 13, Ubuntu 24.04: TFDV 1.21 is built for glibc 2.39
    esac
    if [ "$python" = 3.10 ]; then set -- "$@" --overrides requirements/protobuf-py310.txt; fi
    uv pip compile --quiet --generate-hashes --no-annotate \
        --custom-compile-command "make lock" --python-version "$python" --python-platform "$platform" \
        "$@" --output-file "$output"
}

for python in ${LOCK_PYTHONS:-3.10 3.11 3.12 3.13}; do
    tag=py$(echo "$python" | tr -d .)
    compile "$python" "requirements/full-$tag.txt" pyproject.toml --all-extras
    compile "$python" "requirements/data-$tag.txt" pyproject.toml requirements/native.in \
        --excludes requirements/data-excludes.txt --constraints "requirements/full-$tag.txt"
done

compile 3.13 requirements/image-full-py313.txt pyproject.toml --constraints requirements/full-py313.txt \
    --extra tfx --extra kfp --extra images --extra postgres --extra remote --extra s3 --extra sign
compile 3.13 requirements/image-data-py313.txt pyproject.toml requirements/native.in \
    --extra postgres --extra remote --extra s3 --extra sign \
    --excludes requirements/data-excludes.txt --constraints requirements/full-py313.txt
held=$(mktemp)
trap 'rm -f "$held"' EXIT
sed -n 's/^\([a-z0-9._-]*\)==.*/\1/p' requirements/data-py313.txt >"$held"
compile 3.13 requirements/tests-py313.txt pyproject.toml --extra dev --constraints requirements/full-py313.txt \
    --excludes "$held"
compile 3.13 requirements/build-py313.txt requirements/build.in --constraints requirements/full-py313.txt
