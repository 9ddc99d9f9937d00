#!/usr/bin/env bash
# Writes the Python stubs of the parameter server's .proto files.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: generate-stubs.sh <folder> [<python>]

Writes meshwork/coordination_pb2.py, parameters_pb2.py and their services to <folder>, with <python>'s grpcio-tools
(default: the project's .build/python, which Scripts/install-prerequisites.sh makes, or python3).
TEXT
}

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    usage
    exit 0
fi
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    usage >&2
    exit 64
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${2:-$root/.build/python/bin/python3}
[ -x "$python" ] || [ $# -eq 2 ] || python=python3
mkdir -p "$1"
"$python" -m grpc_tools.protoc -I "$root/Protos" --python_out="$1" --grpc_python_out="$1" \
    meshwork/options.proto meshwork/coordination.proto meshwork/parameters.proto
