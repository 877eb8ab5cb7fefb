#!/bin/sh
# Runs while an image is built, in the stage that is thrown away: makes /opt/assay, an environment with the locked
# packages and this package, and nothing to install more with.
#
# Usage, from the folder with requirements/: install.sh packages LOCK, then install.sh assay;
# install.sh tools FOLDER puts what runs the tests into a folder, and is for tests/containers alone.
set -eu

# A network that reads along needs its own certificate: it comes as a secret, and stays out of the image.
if [ -s /run/secrets/certificates ]; then
    export PIP_CERT=/run/secrets/certificates SSL_CERT_FILE=/run/secrets/certificates
fi
# Compiled here, since the user of the image may not write there; by hash and unchecked, since the time of a file is
# that of its layer.
export PYC_INVALIDATION_MODE=UNCHECKED_HASH

install() {
    /tmp/build/bin/uv pip install --quiet --no-cache --python /opt/assay/bin/python --no-deps --compile-bytecode "$@"
}

builders() {
    python3 -m venv /tmp/build
    /tmp/build/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r requirements/build-py313.txt
}

packages() {
    builders
    python3 -m venv --without-pip /opt/assay
    if grep -q '^pyfarmhash==' "$1" && ! [ -x /usr/bin/g++ ]; then # it has no wheel, and TFDV imports it
        apt-get update -qq
        headers=$(python3 -c 'import os, sysconfig; print(os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))')
        if [ "$headers" = False ]; then set -- "$1" python3-dev; fi
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends g++ ${2:-} >/dev/null
    fi
    UV_HTTP_TIMEOUT=300 install --require-hashes -r "$1" # TensorFlow is one file of 500 MB
    # What only a compiler or the packages' own tests read.
    site=$(echo /opt/assay/lib/python3*/site-packages)
    rm -rf "$site"/pyarrow/include "$site"/pyarrow/src "$site"/pyarrow/tests "$site"/tensorflow/include \
        "$site"/pandas/tests "$site"/numpy/*/tests "$site"/scipy/*/tests
}

assay() {
    (PATH=/tmp/build/bin:$PATH && python -m hatchling build -t wheel -d /tmp/wheel)
    install --no-index /tmp/wheel/assay-*.whl
    /opt/assay/bin/assay --version
}

tools() {
    builders
    /tmp/build/bin/uv pip install --quiet --no-cache --no-deps --require-hashes --target "$1" \
        -r requirements/tests-py313.txt
}

"$@"
