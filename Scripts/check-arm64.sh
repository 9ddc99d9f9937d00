#!/usr/bin/env bash
# Compiles the C kernels for arm64, whose vectors (NEON) the compiler uses, runs them under QEMU, and compares the bits of
# their answers with those of this machine's scalar path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
    "") ;;
    *)
        cat <<'EOF'
Usage: Scripts/check-arm64.sh

Beside Swift's clang and lld it needs what Scripts/install-prerequisites.sh nightly installs.
EOF
        [ "$1" = --help ] || [ "$1" = -h ]
        exit
        ;;
esac

tools=$(dirname "$(readlink -f "$(command -v swift)")")
sysroot=/usr/aarch64-linux-gnu
for need in "$tools/clang" "$tools/ld.lld" $sysroot/include/stdio.h "$(command -v qemu-aarch64 || echo qemu-aarch64)"; do
    if [ ! -e "$need" ]; then
        echo "there is no $need: Scripts/install-prerequisites.sh nightly installs it" >&2
        exit 1
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernels=Sources/CTensorKernels
flags=(-std=gnu17 -O2 -Wall -Wextra -Werror -I $kernels/include)
arm=(--target=aarch64-linux-gnu -isystem $sysroot/include)

build() { # build <folder> <linker's options…> -- <compiler's options…>
    local folder=$work/$1 link=()
    shift
    while [ "$1" != -- ]; do link+=("$1"); shift; done
    shift
    mkdir -p "$folder"
    # The objects' names are their files', which are different ones.
    find $kernels Tests/CrossCompiled -name '*.c' -print0 |
        xargs -0 -P "$(nproc)" -I{} sh -c 'source=$1; shift; exec "$@" -c "$source" -o "$0/$(basename "$source" .c).o"' \
            "$folder" {} "$tools/clang" "$@" "${flags[@]}"
    "$tools/clang" "$@" "$folder"/*.o "${link[@]}" -lm -lpthread -o "$folder/digests"
}

build arm64 -fuse-ld=lld -L $sysroot/lib -B $sysroot/lib -- "${arm[@]}"
build host --
qemu-aarch64 -L $sysroot "$work/arm64/digests" >"$work/arm64.txt"
"$work/host/digests" >"$work/host.txt"
echo "$(wc -l <"$work/arm64.txt") answers of arm64 beside those of $(uname -m)"
diff "$work/arm64.txt" "$work/host.txt" >"$work/difference" || {
    grep '^<' "$work/difference" | sed 's/^< /different: /' | cut -d ' ' -f 1-5
    exit 1
}
echo "the same bits"
