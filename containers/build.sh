#!/bin/sh
# Builds the container images with whatever is there: docker, podman or buildah. Called by `make containers`.
#
# Usage: containers/build.sh [data] [full] [beam]    (all of them by default; beam is built on full)
#
# From the environment:
#   BUILDER   docker, podman or buildah; the first that works by default
#   BASE      the image with Python to build on; Docker Hub's python:3.13-slim-trixie by default
#   REGISTRY  what the names start with, such as ghcr.io/me/; nothing by default: assay/data:VERSION
#   CERTS     certificates to trust while packages are fetched, where a network needs its own
set -eu
cd "$(dirname "$0")/.."

builder=${BUILDER:-}
if [ -z "$builder" ]; then
    # The client of docker is often there without its engine.
    if docker info >/dev/null 2>&1; then
        builder=docker
    elif podman info >/dev/null 2>&1; then
        builder=podman
    elif command -v buildah >/dev/null; then
        builder=buildah
    else
        echo "make containers: found no docker with a running engine, no podman and no buildah." >&2
        echo "Install one (Debian, Ubuntu: apt-get install buildah), or name it: BUILDER=... make containers" >&2
        exit 1
    fi
fi

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' components/assay/__init__.py)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
base=${BASE:-docker.io/library/python:3.13-slim-trixie}
names=${REGISTRY:-}assay
certificates=${CERTS:-}

build() { # build NAME ARGUMENT...
    name=$1
    shift
    if [ -n "$certificates" ]; then set -- --secret "id=certificates,src=$certificates" "$@"; fi
    set -- -f "containers/$name/Dockerfile" -t "$names/$name:$version" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@"
    started=$(date +%s)
    case $builder in
    docker) DOCKER_BUILDKIT=1 docker build "$@" . ;;
    podman) podman build "$@" . ;;
    # BUILDAH_OPTIONS: where a test keeps its images. One commit for each stage: the packages are gigabytes.
    buildah) buildah ${BUILDAH_OPTIONS:-} build --layers=false "$@" . ;;
    *)
        echo "make containers: BUILDER is $builder; expected docker, podman or buildah." >&2
        exit 1
        ;;
    esac
    echo "Built $names/$name:$version with $builder in $(($(date +%s) - started)) s."
}

for name in ${*:-data full beam}; do
    case $name in
    data | full) build "$name" --build-arg "BASE=$base" ;;
    beam) build beam --build-arg "FULL=$names/full:$version" ;;
    *)
        echo "make containers: there is no containers/$name." >&2
        exit 1
        ;;
    esac
done
