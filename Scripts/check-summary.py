#!/usr/bin/env python3
"""Checks the figures that `make demo` wrote: accuracy, and that every push was applied exactly once."""

import argparse
import json
import sys
from pathlib import Path

# PyTorch reaches 0.963 to 0.965 with this network, batch size and optimizer.
NEEDED_ACCURACY = 0.955
# Who takes part; the replacement of the killed worker has its identity.
IDENTITIES = [
    f"spiffe://digits.example/{name}" for name in
    ("launcher", "coordinator", "server/0", "server/1", "worker/0", "worker/1", "model-server")]


def problems(summary):
    """What does not hold, in words."""
    found = []

    def expect(holds, text):
        if not holds:
            found.append(text)

    for name in ("trained", "served"):
        accuracy = summary["accuracy"][name]
        expect(NEEDED_ACCURACY <= accuracy <= 1, f"accuracy.{name} is {accuracy}, expected {NEEDED_ACCURACY} to 1")

    pushes, partitions = summary["pushes"], summary["partitions"]
    expect(partitions, "there are no partitions")
    for partition in partitions:
        counts = [partition[key] for key in ("version", "counter", "ledger")]
        expect(all(type(count) is int for count in counts), f"{partition['name']}: {counts} are not all integers")
        expect(len(set(counts)) == 1, f"{partition['name']}: version, counter and ledger differ: {counts}")
    for key in ("version", "counter", "ledger"):
        total = sum(partition[key] for partition in partitions)
        expect(total == pushes["applied"], f"the partitions' {key}s add up to {total}, applied is {pushes['applied']}")
    expect(
        0 < pushes["acknowledged"] <= pushes["applied"] <= pushes["sent"],
        f"expected 0 < acknowledged <= applied <= sent, found {pushes}")
    expect(pushes["duplicatesSuppressed"] > 0, "no duplicate was suppressed: the retries were not exercised")

    expect(summary["workersKilled"] == 1, f"workersKilled is {summary['workersKilled']}, expected 1")
    expect(summary["serversKilled"] in (0, 1), f"serversKilled is {summary['serversKilled']}, expected 0 or 1")
    expect(summary["trainingSeconds"] > 0, f"trainingSeconds is {summary['trainingSeconds']}")
    serving = summary["serving"]
    expect(serving["requests"] == 1500, f"serving.requests is {serving['requests']}, expected 1500")
    expect(
        0 < serving["p50Microseconds"] <= serving["p99Microseconds"], f"the latencies are out of order: {serving}")
    expect(summary["tlsVersion"] == "TLSv1.3", f"tlsVersion is {summary['tlsVersion']!r}")
    identities = summary["identities"]
    expect(sorted(identities) == sorted(IDENTITIES), f"expected the identities {IDENTITIES}, found {identities}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent / ".build/demo/summary.json",
        help="the summary (default: .build/demo/summary.json under the root)")
    path = parser.parse_args().path
    try:
        found = problems(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = [f"{type(error).__name__}: {error}"]
    for problem in found:
        print(f"{path}: {problem}", file=sys.stderr)
    if not found:
        print(f"{path}: accuracy and pushes are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
