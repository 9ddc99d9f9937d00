#!/usr/bin/env bash
# What takes longer than .ci/run may: sanitizers over everything, long random tests, every kernel path, a soak of the
# main job, and the benchmarks in short.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
    -*)
        cat <<'EOF'
Usage: Scripts/nightly.sh [PATTERN]

Runs every step whose name matches PATTERN (a regular expression of Bash; default: all, about four hours on 2 cores)
within a budget of seconds, whatever the ones before it did; the exit status is 0 when all passed. Tests under a
sanitizer run one at a time: side by side, slowed down tenfold, they would run into time limits that have nothing to do
with what they test.
EOF
        [ "$1" = --help ] || [ "$1" = -h ]
        exit
        ;;
esac

source Scripts/steps.sh
only=${1:-}

# The main job with another seed each time, then for ten times as long; its figures are checked after each.
soak() {
    local seed
    for seed in 2 3 4 5 6; do
        make demo DEMO="--seed $seed" && Scripts/check-summary.py || return 1
    done
    make demo DEMO="--epochs 140" && Scripts/check-summary.py
}

# What counts on speed is built as it ships: a simulated mesh takes a fifth of its time in debug, and the kernels are those
# that the compiler optimised.
released() {
    swift "$@" --configuration release --scratch-path .build/release-tests -Xswiftc -enable-testing
}

# The tests whose numbers come from the kernels, on each path that this processor has, and on one thread.
kernel_paths() {
    local tests='CTensorKernelsTests|TensorTests|TensorFilesTests|AutodiffTests|OptimizersTests|NeuralNetworkTests|TrainingTests' path
    for path in scalar avx2 avx512 avx512vnni avx512bf16; do
        MESHWORK_ISA=$path released test --skip-build --filter "$tests" || return 1
    done
    MESHWORK_THREADS=1 released test --skip-build --filter "$tests"
}
export -f soak released kernel_paths

# The leak checker does not follow the tagged pointers that Swift keeps in enums; a signal that a test waits for stays one.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0:handle_sigbus=0
export TSAN_OPTIONS="allocator_may_return_null=1 handle_sigbus=0 suppressions=$PWD/Scripts/tsan-suppressions.txt"

step "prerequisites" 150 Scripts/install-prerequisites.sh nightly
step "thread sanitizer" 3600 swift test --sanitize thread --scratch-path .build/thread --no-parallel
# Undefined behaviour of the C kernels alone: the compiler looks for none in Swift here. What it finds traps.
step "address and undefined behaviour sanitizers" 4500 swift test --sanitize address --scratch-path .build/address \
    --no-parallel -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined
step "fuzzing" 5400 Scripts/fuzz.sh 180
step "tests" 3900 make test
step "TLS findings" 900 env MESHWORK_NIGHTLY=1 swift test --skip-build --filter TestSSLTests
step "release build of the tests" 2400 bash -c 'released build --build-tests'
step "100,000 runs beside the model" 900 env MESHWORK_TEST_ROUNDS=250 \
    bash -c 'released test --skip-build --filter ModelledConnectionTests'
# Other seeds each night.
step "10,000 simulated meshes" 2700 env MESHWORK_TEST_ROUNDS=1250 MESHWORK_SIMULATION_FIRST="$(date +%y%m%d)0000" \
    bash -c 'released test --skip-build --filter MeshSimulationTests/schedules'
step "4,000 simulated jobs" 5400 env MESHWORK_TEST_ROUNDS=333 MESHWORK_SIMULATION_FIRST="$(date +%y%m%d)0000" \
    bash -c 'released test --skip-build --filter ChaosTests/schedules'
step "soak of a mesh" 900 env MESHWORK_SOAK_SECONDS=600 swift test --skip-build --filter SoakTests
step "random tests, fifty times as long" 1800 env MESHWORK_TEST_ROUNDS=50 swift test --skip-build --filter MeshWireTests
# Every seed is another moment at which something dies.
step "random tests of parameter servers, ten times as long" 3600 env MESHWORK_TEST_ROUNDS=10 \
    bash -c 'released test --skip-build --no-parallel --filter "^(Coordination|ParameterServer)Tests" --skip ChaosTests'
step "kernel paths" 900 bash -c kernel_paths
step "arm64" 600 Scripts/check-arm64.sh
step "soak" 900 bash -c soak
step "chaos" 900 make bench BENCH="chaos --seconds 600"
step "benchmarks" 2700 make bench \
    BENCH="rpc-latency rpc-throughput transfer connections push-pull balancer policy sidecar gemm elementwise \
convolution overhead --quick"
step "benchmarks of parameter servers" 2700 make bench BENCH="small-ops apply train-async failover tax scaling --quick"

conclude
