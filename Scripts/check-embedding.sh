#!/usr/bin/env bash
# Builds the packages in Tests/Embedding, each a host that imports one product of Meshwork, and runs them.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: Scripts/check-embedding.sh [--help]

For each package in Tests/Embedding: builds it, runs it, and checks that what was linked into it holds no room of
Meshwork, and no dependency, that the product it imports does not need.

The build shares the root package's .build (run `swift build` or `swift test` in the root first, to the same
dependencies): nothing but the hosts themselves is compiled again.
EOF
}

case "${1:-}" in
    --help | -h) usage; exit 0 ;;
    "") ;;
    *) usage >&2; exit 64 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The rooms that each product needs; every other folder of Sources is a stranger to its host.
declare -A rooms=(
    [Tensor]='Tensor|CTensorKernels'
    [MeshTransport]='MeshTransport|MeshWire|Identity|Telemetry'
)
# Modules of dependencies that a host of the product must not get with it.
declare -A refused=(
    [Tensor]='Tracing|Instrumentation|ServiceContextModule|CoreMetrics|Metrics|.*NIO.*|.*Crypto.*|X509|SwiftASN1|Logging|ServiceLifecycle|Hummingbird.*|HTTPTypes|ArgumentParser|SwiftProtobuf|JWTKit|C?Yaml|Yams'
    [MeshTransport]='Tracing|Instrumentation|ServiceContextModule|CoreMetrics|Metrics|Hummingbird.*|HTTPTypes|C?NIO(HTTP|LLHTTP|HPACK|WebSocket).*|ArgumentParser|SwiftProtobuf|JWTKit|C?Yaml|Yams'
)

# SwiftPM keeps the last build's plan in the scratch path and does not see that it was another package's: plan anew for
# each host, and leave no host's plan to the root's next build.
trap 'rm -f .build/debug.yaml' EXIT

for product in Tensor MeshTransport; do
    host=${product}Alone
    package=Tests/Embedding/$host
    # With the root's versions and --force-resolved-versions SwiftPM fetches nothing, and removes nothing that the root
    # still needs.
    cp Package.resolved "$package/Package.resolved"
    build=(
        swift build --package-path "$package" --scratch-path .build --force-resolved-versions
        --disable-build-manifest-caching
    )
    "${build[@]}" --product "$host"
    products=$("${build[@]}" --show-bin-path)
    output=$("$products/$host")
    modules=$(sed -n 's|.*/\([^/]*\)\.build/.*|\1|p' "$products/$host.product/Objects.LinkFileList" | sort -u)
    strangers=$(
        comm -12 <(ls Sources | sort) <(echo "$modules") | grep -vxE "${rooms[$product]}" || true
        grep -xE "${refused[$product]}" <<<"$modules" || true
    )
    if [ -n "$strangers" ]; then
        echo "$host imports $product alone, but these were linked into it:" $strangers >&2
        exit 1
    fi
    echo "$host: $(wc -l <<<"$modules") modules linked; it says: $output"
done

# The README shows the transport's host, to the letter: what is built and run above is what a reader copies.
if [[ "$(<README.md)" != *"$(<Tests/Embedding/MeshTransportAlone/Sources/MeshTransportAlone/main.swift)"* ]]; then
    echo "README.md does not show Tests/Embedding/MeshTransportAlone/Sources/MeshTransportAlone/main.swift as it is" >&2
    exit 1
fi
