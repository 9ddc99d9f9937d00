#!/usr/bin/env python3
"""Checks that whatever the compiler is told to take for sendable says why it is.

Usage: Scripts/check-sendable.py [--self-test]

Each `@unchecked Sendable` and `nonisolated(unsafe)` in Sources has, in the comment above its declaration or in the first
lines behind it, a sentence with the word "sendable" or "Sendable" in it, or "sharing", of at least six words.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLAIM = re.compile(r"@unchecked\s+Sendable|nonisolated\(unsafe\)")
REASON = re.compile(r"[Ss]endable|sharing")
LINES_BEHIND = 2
FEWEST_WORDS = 6


def comment_of(line: str) -> str:
    """The text of a line that is a comment; an empty one for any other."""
    found = re.match(r"\s*//+ ?(.*)", line)
    return found.group(1) if found else ""


def reason(lines: list[str], index: int) -> str:
    """The comments above the declaration that line `index` belongs to, and right behind that line."""
    above = index - 1
    # A declaration may take several lines; its comment ends where it begins.
    while above >= 0 and lines[above].strip() and not comment_of(lines[above]) and index - above < 4:
        above -= 1
    text = []
    while above >= 0 and lines[above].strip().startswith("//"):
        text.insert(0, comment_of(lines[above]))
        above -= 1
    text += [comment_of(line) for line in lines[index + 1 : index + 1 + LINES_BEHIND]]
    return " ".join(text)


def unexplained(lines: list[str]) -> tuple[int, list[int]]:
    """How many claims there are in a file's lines, and the numbers of the lines whose claim has no reason."""
    found, missing = 0, []
    for index, line in enumerate(lines):
        if comment_of(line) or not CLAIM.search(line):
            continue
        found += 1
        sentences = [part for part in re.split(r"(?<=[.:])\s", reason(lines, index)) if part]
        told = [at for at, part in enumerate(sentences) if REASON.search(part)]
        # "Sendable:" and what follows it are one.
        if not any(len(" ".join(sentences[at : at + 2]).split()) >= FEWEST_WORDS for at in told):
            missing.append(index + 1)
    return found, missing


def self_test() -> int:
    """Sources that are to pass, and that are not."""
    good = [
        "/// One.\n///\n/// Sendable: everything mutable is touched on the loop alone.\nfinal class A: B, @unchecked Sendable {",
        "final class A: @unchecked Sendable {\n    // Sendable: used on one thread alone, behind a lock.\n",
        "/// Sendable: what is mutable is touched on its loop alone.\nfinal class A: B, C,\n    @unchecked Sendable\n{",
        "// It is @unchecked Sendable in a comment.",
    ]
    bad = [
        "final class A: @unchecked Sendable {",
        "/// Carries out what is to be done, and more of that.\nfinal class A: @unchecked Sendable {",
        "/// Sendable.\nfinal class A: @unchecked Sendable {",
        "/// Sendable: everything mutable is touched on the loop alone.\n\nlet a = 1\nfinal class A: @unchecked Sendable {",
        "nonisolated(unsafe) var a = 1",
    ]
    wrong = [text for text in good if unexplained(text.split("\n"))[1]]
    wrong += [text for text in bad if not unexplained(text.split("\n"))[1]]
    for text in wrong:
        print(f"judged wrongly:\n{text}", file=sys.stderr)
    return 1 if wrong else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 64
    total, missing = 0, []
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        found, lines = unexplained(path.read_text().splitlines())
        total += found
        missing += [f"{path.relative_to(ROOT)}:{line}: say what makes this sendable" for line in lines]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    print(f"{total} claims to be sendable say why")
    return 0


if __name__ == "__main__":
    sys.exit(main())
