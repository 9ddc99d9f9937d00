#!/usr/bin/env python3
"""Checks that the rooms which must replay from a seed take time, randomness and tasks from their Runtime."""

import argparse
import re
import sys
from pathlib import Path

ROOMS = [
    "MeshWire", "MeshTransport", "MeshGRPC", "MeshJWT", "MeshTracing", "MeshMetrics",
    "IdentityServices", "MeshConfigurationFile", "MeshControl",
    "Coordination", "ParameterServer", "Training", "ModelServing",
]

ALLOWANCES = "Scripts/runtime-seam-allowances.txt"

# Name, expression over Swift with comments and string literals blanked, what to use instead.
RULES = [
    ("Task.sleep", r"(?<![\w.])Task\s*(<[^>{}()]*>\s*)?\.\s*sleep\b", "runtime.sleep"),
    ("ContinuousClock", r"\b(ContinuousClock|SuspendingClock)\b", "runtime.now"),
    ("SystemRandomNumberGenerator", r"\bSystemRandomNumberGenerator\b", "runtime.randomBits"),
    ("random without using", r"\.\s*(?:random|randomElement|shuffle|shuffled)\s*\(", "a generator of the runtime"),
    ("unstructured Task", r"(?<![\w.])Task\s*(<[^>{}()]*>\s*)?(\{|\(|\.\s*(detached|immediate|immediateDetached)\b)",
     "a task group, or runtime.spawn"),
    ("actor", r"(?<![\w.])actor\s+[A-Z_`]", "a value, a mutex, or the event loop"),
    ("Date", r"(?<![\w.])Date\s*\(\s*\)|(?<![\w.])Date\s*\.\s*now\b|\bDate\s*\(\s*timeIntervalSinceNow\b",
     "runtime.timeSince1970"),
    ("NIODeadline.now", r"\bNIODeadline\s*\.\s*now\b", "runtime.now"),
    ("system clock", r"\b(clock_gettime|gettimeofday|DispatchTime|DispatchWallTime)\b", "runtime.now"),
    ("DispatchQueue", r"\bDispatchQueue\b", "the runtime's executors"),
    ("UUID", r"(?<![\w.])UUID\s*\(\s*\)", "runtime.randomBits"),
    ("blocking sleep", r"(?<![\w.])(?<!func )(?<!await )(sleep|usleep|nanosleep)\s*\(|\bThread\s*\.\s*sleep\b", "runtime.sleep"),
]


def code_only(source):
    """The source with comments and the text of string literals replaced by spaces; interpolated code stays."""
    out = list(source)
    position, end = 0, len(source)

    def blank(start, stop):
        for index in range(start, min(stop, end)):
            if out[index] != "\n":
                out[index] = " "

    def skip_comment(start):
        if source.startswith("//", start):
            stop = source.find("\n", start)
            return end if stop < 0 else stop
        depth, index = 1, start + 2
        while index < end and depth:
            if source.startswith("/*", index):
                depth, index = depth + 1, index + 2
            elif source.startswith("*/", index):
                depth, index = depth - 1, index + 2
            else:
                index += 1
        return index

    def skip_string(start):
        """Blanks a literal that begins at start; answers where it ends."""
        opening = re.compile(r'(#*)("""|")').match(source, start)
        pounds, quote = opening.groups()
        closing, escape = quote + pounds, "\\" + pounds
        index = opening.end()
        blank(start, index)
        while index < end:
            if source.startswith(closing, index):
                blank(index, index + len(closing))
                return index + len(closing)
            if source.startswith(escape + "(", index):
                blank(index, index + len(escape))
                index = skip_code(index + len(escape) + 1, ")")
            elif source.startswith(escape, index):
                blank(index, index + len(escape) + 1)
                index += len(escape) + 1
            elif source[index] == "\n" and quote == '"':
                return index
            else:
                blank(index, index + 1)
                index += 1
        return index

    def skip_code(start, until=None):
        """Walks code up to the closing parenthesis that `until` names, or to the end."""
        depth, index = 0, start
        while index < end:
            if source.startswith(("//", "/*"), index):
                stop = skip_comment(index)
                blank(index, stop)
                index = stop
            elif re.compile(r'#*"').match(source, index):
                index = skip_string(index)
            elif until and source[index] == "(":
                depth, index = depth + 1, index + 1
            elif until and source[index] == until:
                if depth == 0:
                    return index + 1
                depth, index = depth - 1, index + 1
            else:
                index += 1
        return index

    skip_code(position)
    return "".join(out)


def arguments(code, opening):
    """What stands between the parenthesis at `opening` and its partner."""
    depth = 0
    for index in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[index], 0)
        if depth == 0:
            return code[opening + 1:index]
    return code[opening + 1:]


def findings(source):
    """(line number, rule name, remedy) for each thing in the source that bypasses the runtime."""
    code = code_only(source)
    found = []
    for name, expression, remedy in RULES:
        for match in re.finditer(expression, code):
            if name == "random without using" and re.search(r"\busing\s*:", arguments(code, match.end() - 1)):
                continue
            # A type, as in `-> Task<Void, Never> {` or `var task: Task<Void, Never> {`, starts nothing.
            if name == "unstructured Task" and match[1] and code[:match.start()].rstrip().endswith(("->", ":")):
                continue
            found.append((code.count("\n", 0, match.start()) + 1, name, remedy))
    return sorted(found)


def read_allowances(text, path):
    """{(file, rule): line number} and the errors of an allow-list: `file | rule | reason` a line, # for comments."""
    entries, errors = {}, []
    names = {name for name, _, _ in RULES}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) < 3 or not parts[2]:
            errors.append(f"{path}:{number}: expected `file | rule | reason`; every entry gives its reason")
        elif parts[1] not in names:
            errors.append(f"{path}:{number}: no rule is called {parts[1]!r}; the rules are {', '.join(sorted(names))}")
        elif (parts[0], parts[1]) in entries:
            errors.append(f"{path}:{number}: stands there twice")
        else:
            entries[parts[0], parts[1]] = number
    return entries, errors


def check(files, allowances_text, allowances_path=ALLOWANCES):
    """All errors, for files as {path: source}."""
    allowances, errors = read_allowances(allowances_text, allowances_path)
    used = set()
    for path in sorted(files):
        for line, name, remedy in findings(files[path]):
            if (path, name) in allowances:
                used.add((path, name))
            else:
                errors.append(f"{path}:{line}: {name}: use {remedy}")
    for key in sorted(set(allowances) - used):
        errors.append(f"{allowances_path}:{allowances[key]}: {key[0]} has no {key[1]!r} any more: remove the entry")
    return errors


# What each rule must find, and what must pass.
BAD = {
    "Task.sleep": ["try await Task.sleep(for: .seconds(1))", "try await Task<Never, Never>.sleep(nanoseconds: 1)"],
    "ContinuousClock": ["let now = ContinuousClock.now", "let clock: SuspendingClock"],
    "SystemRandomNumberGenerator": ["var g = SystemRandomNumberGenerator()"],
    "random without using": [
        "Int.random(in: 0..<10)", "names.shuffled()", "Bool.random()", "Int.random(\n  in: f(using)\n)"],
    "unstructured Task": [
        "Task { await f() }", "let t = Task(priority: .high) { }", "Task.detached { }", "Task<Void, Never> { }",
        "_ = Task\n{ }", 'log("\\(Task { 1 })")'],
    "actor": ["actor Coordinator {", "public actor Coordinator {", "distributed actor A {"],
    "Date": ["let d = Date()", "Date.now", "Date(timeIntervalSinceNow: 3)"],
    "NIODeadline.now": ["let d = NIODeadline.now()"],
    "system clock": ["clock_gettime(CLOCK_MONOTONIC, &t)", "DispatchTime.now()"],
    "DispatchQueue": ["DispatchQueue.global()"],
    "UUID": ["let id = UUID()"],
    "blocking sleep": ["usleep(10)", "sleep(1)", "Thread.sleep(forTimeInterval: 1)"],
}
GOOD = [
    "// Task { } and Date()", "/* actor A { /* nested */ Task.sleep */", 'let s = "Task { Date() }"',
    'let s = #"Task { "quoted" }"#', '"""\nTask { "x" }\n"""', "Int.random(in: 0..<10, using: &generator)",
    "names.shuffled(\n    using: &generator)", "group.addTask { }", "try Task.checkCancellation()",
    "try await runtime.sleep(for: .seconds(1))", "let task: Task<Void, Never>", "self.Task(1)", "isActor(x)",
    "func spawn() -> Task<Void, Never> {", "func sleep(until deadline: Instant)", "try await sleep(until: deadline)",
    "let reactor = factor / actor2", "Date(timeIntervalSince1970: 0)", 'log("\\(Task.isCancelled) Date()")',
]


def self_test():
    errors = []
    for name, sources in BAD.items():
        for source in sources:
            if name not in [found for _, found, _ in findings(source)]:
                errors.append(f"self-test: {name} does not find {source!r}")
    for name in {name for name, _, _ in RULES} - set(BAD):
        errors.append(f"self-test: {name} has no case")
    for source in GOOD:
        if findings(source):
            errors.append(f"self-test: {source!r} should pass, found {findings(source)}")
    files = {"A.swift": "\nTask { }\n"}
    for text, expected in [
        ("", "A.swift:2: unstructured Task"),
        ("A.swift | unstructured Task | because", None),
        ("A.swift | unstructured Task |", "every entry gives its reason"),
        ("A.swift | actor | because\nA.swift | unstructured Task | because", "remove the entry"),
        ("A.swift | nonsense | because", "no rule is called"),
        ("A.swift | unstructured Task | a\nA.swift | unstructured Task | b", "twice"),
    ]:
        result = check(files, text, "list")
        if (expected is None) != (not result) or expected and not any(expected in error for error in result):
            errors.append(f"self-test: allow-list {text!r}: expected {expected!r}, found {result}")
    return errors


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Exceptions stand in {ALLOWANCES}, a line each: file | rule | reason. One that nothing needs is an error.")
    parser.add_argument("--self-test", action="store_true", help="check the checker on cases of its own, and nothing else")
    options = parser.parse_args()
    if options.self_test:
        errors = self_test()
        summary = f"{sum(map(len, BAD.values()))} cases found, {len(GOOD)} passed over"
    else:
        root = Path(__file__).resolve().parent.parent
        files = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
            for room in ROOMS for path in (root / "Sources" / room).rglob("*.swift")
        }
        errors = check(files, (root / ALLOWANCES).read_text(encoding="utf-8"))
        summary = f"{len(files)} files take time, randomness and tasks from their Runtime"
    print("\n".join(errors) if errors else summary, file=sys.stderr if errors else sys.stdout)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
