#!/usr/bin/env python3
"""Keeps some of what fuzzing has found, in files that are committed: Fuzzing/Corpus/TARGET, one input a line in base64.

Usage: Scripts/pack-corpus.py [FOLDER]

FOLDER (default .build/fuzz/corpus, where Scripts/fuzz.sh leaves what it finds) has a folder of inputs for each target. Of
each at most 64 are kept, the smallest, the largest and those between at even steps, none of more than 2 KiB: the test run
replays them, and the next fuzzing begins with them.
"""

import base64
import pathlib
import sys

MOST_INPUTS = 64
MOST_BYTES = 2048


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    found = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / ".build/fuzz/corpus"
    kept = root / "Fuzzing/Corpus"
    kept.mkdir(exist_ok=True)
    for folder in sorted(path for path in found.iterdir() if path.is_dir()):
        inputs = {path.read_bytes() for path in folder.iterdir() if 0 < path.stat().st_size <= MOST_BYTES}
        ordered = sorted(inputs, key=lambda data: (len(data), data))
        count = min(MOST_INPUTS, len(ordered))
        chosen = [ordered[index * (len(ordered) - 1) // max(1, count - 1)] for index in range(count)]
        lines = [base64.b64encode(data).decode() + "\n" for data in dict.fromkeys(chosen)]
        (kept / folder.name).write_text("".join(lines))
        print(f"{folder.name}: {len(lines)} of {len(inputs)} inputs")


if __name__ == "__main__":
    if len(sys.argv) > 2 or "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__)
        sys.exit(0 if len(sys.argv) == 2 else 64)
    main()
