#!/usr/bin/env bash
# Gives every decoder of outside bytes random ones, guided by coverage (libFuzzer, with the address sanitizer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'EOF'
Usage: Scripts/fuzz.sh [SECONDS [TARGET...]]

Builds Fuzzing/ and runs each target for SECONDS (default 60); TARGET is one or more of the names in
Fuzzing/MeshworkFuzz/Targets.swift (default: all). A target begins with inputs that its decoder accepts, which it makes
itself, and with what was found before (Fuzzing/Corpus/TARGET, written by Scripts/pack-corpus.py); those that found
something new are kept in .build/fuzz/corpus/TARGET, where the next run goes on. An input that
breaks a decoder is left in .build/fuzz/ and named. The exit status is 0 when nothing broke.
EOF
}

case "${1:-}" in
    --help | -h) usage; exit 0 ;;
    *[!0-9]*) usage >&2; exit 64 ;;
esac
seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=("$@")

swift build --package-path Fuzzing --scratch-path .build/fuzz --product meshwork-fuzz \
    -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address -Xswiftc -use-ld=lld

if [ ${#targets[@]} -eq 0 ]; then
    read -ra targets <<<"$(MESHWORK_FUZZ='' .build/fuzz/debug/meshwork-fuzz | sed 's/.*: //')"
fi
for target in "${targets[@]}"; do
    echo "-- $target, $seconds s"
    mkdir -p ".build/fuzz/corpus/$target"
    if [ -f "Fuzzing/Corpus/$target" ]; then
        number=0
        while read -r input; do
            base64 -d <<<"$input" >".build/fuzz/corpus/$target/kept-$((number += 1))"
        done <"Fuzzing/Corpus/$target"
    fi
    # A crash is told by libFuzzer; Swift's own backtrace would keep the process hanging.
    MESHWORK_FUZZ=$target MESHWORK_FUZZ_CORPUS=.build/fuzz/corpus/$target SWIFT_BACKTRACE=enable=no \
        ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 \
        .build/fuzz/debug/meshwork-fuzz -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 \
        -print_final_stats=1 -print_funcs=0 -verbosity=0 -artifact_prefix=".build/fuzz/$target-" ".build/fuzz/corpus/$target"
done
