#!/usr/bin/env python3
"""Writes what NumPy answers, as golden data for the tests: Tests/TensorFilesTests/Goldens/NumPy/FAMILY.npz.

Usage: Scripts/generate-numpy-goldens.py [FOLDER]

Needs a Python with numpy (Scripts/install-prerequisites.sh test makes one: .build/python/bin/python3). The seed is fixed:
the same NumPy writes the same files. Operations are called as Tests/TensorFilesTests/Conformance/NumPyOperations.swift
names them; to add one, add a function here and a line there. A case says how exact its answer has to be: `tolerance` is
relative, 0 means the same bits but for a NaN's payload.
"""

import itertools
import pathlib
import sys

import numpy as np

from golden_file import GoldenFile

FLOATS = ["float64", "float32", "float16"]
SIGNED = ["int64", "int32", "int16", "int8"]
UNSIGNED = ["uint64", "uint32", "uint16", "uint8"]
INTEGERS = SIGNED + UNSIGNED
ALL = FLOATS + INTEGERS + ["bool"]
# Of a result whose operations round more than once.
ROUNDING = {"float64": 1e-14, "float32": 2e-6, "float16": 2e-3}

BROADCASTS = [
    ((), ()), ((1,), ()), ((3,), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 1), (3,)),
    ((4, 1, 3, 1), (2, 1, 5)), ((0, 3), (3,)), ((0,), (1,)), ((2, 0), (1, 1)), ((1, 1, 1), (1,)), ((5, 4), (5, 4)),
    ((2, 1, 2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 2, 1, 2)),
]


def values(rng, shape, dtype, low=-4.0, high=4.0):
    """Random values; small ones of a type with few bits, the whole range of integers otherwise."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.uniform(low, high, shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def special(dtype):
    """The values at which functions are odd."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        info = np.finfo(dtype)
        return np.array(
            [np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 0.5, info.max, info.min, info.tiny, info.smallest_subnormal],
            dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    info = np.iinfo(dtype)
    return np.unique(np.array([info.min, info.max, 0, 1, info.max - 1, info.max // 2], dtype))


def taken(base, views):
    """What a chain of views shows of an array: the test takes the same ones."""
    for view in views:
        kind, *arguments = view
        if kind == "transpose":
            base = base.transpose(arguments[0])
        elif kind == "slice":
            axis, lower, upper, step = arguments
            index = [slice(None)] * base.ndim
            # A negative step walks the range from its back.
            index[axis] = (
                slice(lower, upper, step) if step > 0 else slice(upper - 1, lower - 1 if lower > 0 else None, step))
            base = base[tuple(index)]
        elif kind == "broadcast":
            base = np.broadcast_to(base, arguments[0])
        else:
            raise ValueError(kind)
    return base


# Of an array of [4, 5, 6].
VIEWS = [
    [["transpose", [2, 0, 1]]],
    [["slice", 2, 0, 6, -1]],
    [["slice", 1, 1, 5, 2], ["slice", 0, 0, 4, -3]],
    [["transpose", [1, 2, 0]], ["slice", 1, 1, 6, -2]],
    [["slice", 0, 2, 2, 1]],
    [["slice", 1, 3, 4, 1], ["broadcast", [4, 3, 6]]],
]

ARITHMETIC = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply}
COMPARISONS = {
    "equal": np.equal, "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
    "greater": np.greater, "greater_equal": np.greater_equal,
}


def broadcasting(rng):
    """Every pair of shapes, in every type, for each operation of two operands."""
    golden = GoldenFile("broadcasting")
    for dtype in ALL:
        operations = dict(COMPARISONS)
        if dtype != "bool":
            operations.update(ARITHMETIC)
        if dtype in FLOATS:
            operations["divide"] = np.divide
        # Each pair with one operation of a kind, so that all pairs and all operations meet every type.
        for number, (left, right) in enumerate(BROADCASTS):
            for name in list(operations)[number % 3 :: 3]:
                a, b = values(rng, left, dtype), values(rng, right, dtype)
                golden.case(f"{dtype} {left} {right}", name, [a, b], [operations[name](a, b)], tolerance=0)
        condition = values(rng, (4, 1), "bool")
        a, b = values(rng, (3,), dtype), values(rng, (2, 1, 1), dtype)
        golden.case(f"{dtype} (4, 1) (3) (2, 1, 1)", "select", [condition, a, b], [np.where(condition, a, b)], tolerance=0)
    return golden


def specials(rng):
    """NaN, infinities, both zeros, extremes: every pair of them, and every function of one."""
    golden = GoldenFile("special-values")
    for dtype in ALL:
        column = special(dtype)
        operations = dict(COMPARISONS)
        if dtype != "bool":
            operations.update(ARITHMETIC)
        if dtype in FLOATS:
            operations["divide"] = np.divide
        for name, function in operations.items():
            golden.case(
                f"{dtype} every pair", name, [column[:, None], column], [function(column[:, None], column)], tolerance=0)
    for dtype in FLOATS:
        column = special(dtype)
        for name, function in {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "negative": np.negative}.items():
            tolerance = 0 if name in ("sqrt", "negative") else ROUNDING[dtype]
            golden.case(f"{dtype} each", name, [column], [function(column)], tolerance=tolerance)
            x = values(rng, (64,), dtype, -8, 8)
            golden.case(f"{dtype} random", name, [x], [function(x)], tolerance=tolerance)
    return golden


def reductions(rng):
    """Sums, means, largest elements and their places, over every set of axes; with NaN, and over nothing."""
    golden = GoldenFile("reductions")
    axes_sets = [None, [], [0], [1], [-1], [0, 2], [1, 2], [0, 1, 2]]
    for dtype in FLOATS + INTEGERS:
        # Small integers: NumPy sums narrow ones in wider types, and the sum has to be the same.
        base = values(rng, (4, 5, 6), dtype, 0.5, 4) if dtype in FLOATS else rng.integers(0, 2, (4, 5, 6)).astype(dtype)
        tolerance = ROUNDING.get(dtype, 0)
        for views in [[], VIEWS[0], VIEWS[3]]:
            x = taken(base, views)
            for axes, keeps in itertools.product(axes_sets, [False, True]):
                given = None if axes is None else tuple(axes)
                attributes = {"keepdims": keeps, **({} if axes is None else {"axes": axes})}
                name = f"{dtype} views {views} axes {axes} keeps {keeps}"
                with np.errstate(over="ignore"):
                    golden.case(
                        name, "sum", [(base, views)], [x.sum(axis=given, keepdims=keeps, dtype=dtype)], attributes,
                        tolerance=tolerance)
                    golden.case(name, "max", [(base, views)], [x.max(axis=given, keepdims=keeps)], attributes, tolerance=0)
                    if dtype in FLOATS:
                        golden.case(
                            name, "mean", [(base, views)],
                            [x.mean(axis=given, keepdims=keeps, dtype="float64").astype(dtype)], attributes,
                            tolerance=tolerance)
            for axis in [0, 1, -1]:
                golden.case(
                    f"{dtype} views {views} axis {axis}", "argmax", [(base, views)],
                    [x.argmax(axis=axis).astype("int32")], {"axis": axis}, tolerance=0)
    for dtype in FLOATS:
        for place in range(4):
            row = np.array([1, 2, 3, 2], dtype)
            row[place] = np.nan
            golden.case(f"{dtype} NaN at {place}", "max", [row], [row.max()], {"keepdims": False}, tolerance=0)
            golden.case(f"{dtype} NaN at {place}", "argmax", [row], [np.int32(row.argmax())], {"axis": 0}, tolerance=0)
            golden.case(f"{dtype} NaN at {place}", "sum", [row], [row.sum()], {"keepdims": False}, tolerance=0)
        empty = np.zeros((0, 3), dtype)
        golden.case(f"{dtype} of nothing", "sum", [empty], [empty.sum()], {"keepdims": False}, tolerance=0)
        golden.case(f"{dtype} of nothing", "sum", [empty], [empty.sum(axis=0)], {"axes": [0], "keepdims": False}, tolerance=0)
        golden.case(f"{dtype} of nothing", "max", [empty], [empty.max(axis=1)], {"axes": [1], "keepdims": False}, tolerance=0)
        x = np.array([[0, 1, 2], [-1000, 0, 1000], [3, 3, 3]], dtype)
        for axis in [0, 1, -1]:
            wide = np.exp(x.astype("float64") - x.astype("float64").max(axis=axis, keepdims=True))
            golden.case(
                f"{dtype} axis {axis}", "softmax", [x], [(wide / wide.sum(axis=axis, keepdims=True)).astype(dtype)],
                {"axis": axis}, tolerance=ROUNDING[dtype])
    return golden


def views(rng):
    """Slices, transposes, broadcasts and what reads them: the elements, and operations of two such operands."""
    golden = GoldenFile("views")
    for dtype in ALL:
        base, other = values(rng, (4, 5, 6), dtype), values(rng, (4, 5, 6), dtype)
        for chain in VIEWS:
            x = taken(base, chain)
            golden.case(f"{dtype} {chain}", "contiguous", [(base, chain)], [x], tolerance=0)
            flat = list(x.reshape(-1).shape)
            golden.case(f"{dtype} {chain}", "reshape", [(base, chain)], [x.reshape(flat)], {"shape": flat}, tolerance=0)
            golden.case(
                f"{dtype} {chain}", "concatenate", [(base, chain), x], [np.concatenate([x, x], axis=-1)], {"axis": -1},
                tolerance=0)
            golden.case(
                f"{dtype} {chain}", "equal", [(base, chain), (other, chain)], [taken(base, chain) == taken(other, chain)],
                tolerance=0)
            if dtype != "bool":
                golden.case(
                    f"{dtype} {chain}", "subtract", [(base, chain), (other, chain)], [x - taken(other, chain)], tolerance=0)
        for index in [0, 3]:
            golden.case(f"{dtype} {index}", "element", [base], [base[index]], {"index": index, "axis": 0}, tolerance=0)
        rows = np.array([[3, 0], [0, 0]], "int32")
        golden.case(f"{dtype} rows", "gather_rows", [base, rows], [base[rows]], tolerance=0)
        for shape in [(0, 5, 6), (4, 0, 6)]:
            nothing = np.zeros(shape, dtype)
            golden.case(
                f"{dtype} {shape}", "concatenate", [nothing, nothing], [np.concatenate([nothing, nothing], axis=0)],
                {"axis": 0}, tolerance=0)
    return golden


def matrices(rng):
    """Products of matrices, in batches that broadcast, of views."""
    golden = GoldenFile("matrices")
    shapes = [
        ((2, 3), (3, 4)), ((1, 1), (1, 1)), ((5, 1), (1, 7)), ((1, 9), (9, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
        ((3, 2, 3), (3, 3, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((1, 2, 2), (4, 2, 2)), ((17, 33), (33, 9)),
    ]
    for dtype in FLOATS + ["int32", "int64"]:
        tolerance = ROUNDING.get(dtype, 0) * 4
        for left, right in shapes:
            low, high = (0.5, 1.5)
            a, b = values(rng, left, dtype, low, high), values(rng, right, dtype, low, high)
            exact = (a.astype("float64") @ b.astype("float64")).astype(dtype) if dtype in FLOATS else a @ b
            golden.case(f"{dtype} {left} {right}", "matmul", [a, b], [exact], tolerance=tolerance)
        base = values(rng, (4, 5, 6), dtype, 0.5, 1.5)
        turned = [["transpose", [0, 2, 1]]]
        backwards = [["slice", 2, 0, 6, -2], ["transpose", [0, 2, 1]]]
        for chain in [turned, backwards]:
            right = taken(base, chain)
            left = base[:, :, : right.shape[1]]
            exact = (left.astype("float64") @ right.astype("float64")).astype(dtype) if dtype in FLOATS else left @ right
            golden.case(f"{dtype} {chain}", "matmul", [left, (base, chain)], [exact], tolerance=tolerance)
    return golden


def casts(rng):
    """Every type to every other, of values that both have or that round or wrap as NumPy says."""
    golden = GoldenFile("casts")
    for source, target in itertools.product(ALL, ALL):
        x = values(rng, (5,), source, -100, 100)
        if source in FLOATS and target in UNSIGNED:
            x = np.abs(x)
        golden.case(f"{source} to {target}", "cast", [x], [x.astype(target)], {"dtype": target}, tolerance=0)
    for source, target in itertools.product(FLOATS, FLOATS + ["bool"]):
        x = special(source)
        with np.errstate(over="ignore"):
            golden.case(f"{source} to {target}, special", "cast", [x], [x.astype(target)], {"dtype": target}, tolerance=0)
    return golden


def promotion(_):
    """The type that NumPy gives two operands, for the pairs that the Array API standard defines."""
    golden = GoldenFile("promotion")
    pairs = list(itertools.product(FLOATS, FLOATS)) + [
        pair for pair in itertools.product(INTEGERS, INTEGERS)
        if "uint64" not in pair or set(pair) <= set(UNSIGNED)
    ]
    for left, right in pairs:
        a, b = np.zeros(1, left), np.zeros(1, right)
        golden.case(f"{left} {right}", "promote", [a, b], [np.zeros(1, np.result_type(a, b))], tolerance=0)
    return golden


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "Tests/TensorFilesTests/Goldens/NumPy"
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with np.errstate(all="ignore"):
        for number, family in enumerate([broadcasting, specials, reductions, views, matrices, casts, promotion]):
            golden = family(np.random.default_rng(number))
            size = golden.write(folder)
            total += size
            print(f"{golden.name}: {len(golden.cases)} cases, {size} bytes")
    print(f"{total} bytes")


if __name__ == "__main__":
    if len(sys.argv) > 2 or "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__)
        sys.exit(0 if len(sys.argv) == 2 else 64)
    main()
