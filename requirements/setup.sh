#!/bin/sh
# Makes .venv with the full stack locked for the running Python. Called by `make setup`; running it again is free.
#
# Usage: requirements/setup.sh [PYTHON]
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'make setup: %s\n' "$@" >&2
    exit 1
}

version_of() { # "311" for Python 3.11; nothing where the command does not run
    "$1" -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null || true
}

python=${1:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.11 python3.13 python3.12 python3.10; do
        if [ -f "requirements/full-py$(version_of $candidate).txt" ]; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || fail "no Python 3.10, 3.11, 3.12 or 3.13 found (python3 is $(python3 --version 2>&1 || true))." \
    "Install one (Debian, Ubuntu: apt-get install python3 python3-venv python3-dev), or name it: make setup PYTHON=/path/to/python3.11"
command -v "$python" >/dev/null || fail "$python is not there, or is no program."
tag=py$(version_of "$python")
lock=requirements/full-$tag.txt
[ -f "$lock" ] || fail "$python is $("$python" --version 2>&1), but assay runs on Python 3.10 to 3.13."

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    fail "this is $(uname -s) on $(uname -m), but the locked wheels are for Linux on x86_64."
glibc=$("$python" -c 'import os; print(os.confstr("CS_GNU_LIBC_VERSION").split()[1])' 2>/dev/null || echo 0)
case $tag in
py312 | py313)
    case $glibc in
    2.39 | 2.[4-9]?) ;;
    *) fail "Python 3.12 and newer need TFDV 1.21, whose wheels are built for glibc 2.39 or newer; this system has $glibc." \
        "Use Python 3.11 here (make setup PYTHON=python3.11), or Debian 13 or Ubuntu 24.04." ;;
    esac
    ;;
esac

# A virtual environment made by another Python, or moved with its folder, is made anew.
stamp=.venv/.assay-setup
want=$(cat "$lock" pyproject.toml requirements/setup.sh | cksum)-$tag-$PWD
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
if [ "$(version_of .venv/bin/python)" != "${tag#py}" ] || ! grep -qs "$PWD" .venv/bin/activate; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "this Python cannot make virtual environments." "Install it: apt-get install python3-venv"
    rm -rf .venv
    "$python" -m venv .venv
fi

# pyfarmhash, which TFDV imports, has no wheel and is compiled.
if ! .venv/bin/python -c 'import farmhash' 2>/dev/null; then
    command -v g++ >/dev/null || command -v c++ >/dev/null ||
        fail "no C++ compiler found; TFDV's dependency pyfarmhash has no wheel." "Install one: apt-get install g++"
    header=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h
    [ -f "$header" ] ||
        fail "$header not found; TFDV's dependency pyfarmhash has no wheel." "Install it: apt-get install python3-dev"
fi

uv=uv
if ! uv --version >/dev/null 2>&1; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
    uv=.venv/bin/uv
fi
echo "Installing the locked packages of $lock into .venv (about 3 GB; minutes on a first run) ..."
UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-300} # TensorFlow is one file of 500 MB
export UV_HTTP_TIMEOUT
rm -f "$stamp"
# --compile-bytecode: otherwise the first run compiles TensorFlow's modules, which takes it half a minute.
$uv pip install --quiet --python .venv/bin/python --no-deps --compile-bytecode --require-hashes -r "$lock"
$uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
echo "$want" >"$stamp"
echo "Ready: .venv ($(.venv/bin/python --version), $(.venv/bin/python -c 'import importlib.metadata as m; print("TensorFlow", m.version("tensorflow"), "and TFDV", m.version("tensorflow-data-validation"))'))."
