#!/usr/bin/env python3
"""Writes what NumPy answers, as golden data for the tests: Tests/TensorFilesTests/Goldens/NumPy/FAMILY.npz.

Usage: Scripts/generate-numpy-goldens.py [FOLDER]

Needs a Python with numpy (Scripts/install-prerequisites.sh test makes one: .build/python/bin/python3). The seed is fixed:
the same NumPy writes the same files. Operations are called as Tests/TensorFilesTests/Conformance/NumPy/ names them; to add
one, add a case here (or in numpy_golden_indexing.py and its like) and a line there. A case says how exact its answer has to
be: `tolerance` is relative, 0 means the same bits but for a NaN's payload.
"""

import itertools
import pathlib
import sys

import numpy as np

from golden_file import GoldenFile
from numpy_golden_edges import edges
from numpy_golden_indexing import indexing
from numpy_golden_more import more
from numpy_golden_numbers import numbers
from numpy_golden_values import (
    ALL, FLOATS, INTEGERS, ROUNDING, TWO_UNITS, UNSIGNED, VIEWS, exactly, special, taken, values,
)

BROADCASTS = [
    ((), ()), ((1,), ()), ((3,), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 1), (3,)),
    ((4, 1, 3, 1), (2, 1, 5)), ((0, 3), (3,)), ((0,), (1,)), ((2, 0), (1, 1)), ((1, 1, 1), (1,)), ((5, 4), (5, 4)),
    ((2, 1, 2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 2, 1, 2)),
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
            tolerance = 0 if name in ("sqrt", "negative") else TWO_UNITS[dtype]
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


UNARY = {
    # Name: function, lowest and highest random value, and whether the answer has one right rounding.
    "abs": (np.abs, -4, 4, True), "sign": (np.sign, -4, 4, True), "floor": (np.floor, -9, 9, True),
    "ceil": (np.ceil, -9, 9, True), "rint": (np.rint, -9, 9, True), "trunc": (np.trunc, -9, 9, True),
    "reciprocal": (np.reciprocal, 0.1, 9, True), "square": (np.square, -4, 4, True), "exp2": (np.exp2, -9, 9, False),
    "expm1": (np.expm1, -4, 4, False), "log2": (np.log2, 0.1, 90, False), "log10": (np.log10, 0.1, 90, False),
    "log1p": (np.log1p, -0.9, 9, False), "sin": (np.sin, -9, 9, False), "cos": (np.cos, -9, 9, False),
    "tan": (np.tan, -1.5, 1.5, False), "arcsin": (np.arcsin, -1, 1, False), "arccos": (np.arccos, -1, 0.9, False),
    "arctan": (np.arctan, -9, 9, False), "sinh": (np.sinh, -5, 5, False), "cosh": (np.cosh, -5, 5, False),
    "tanh": (np.tanh, -5, 5, False), "arcsinh": (np.arcsinh, -9, 9, False), "arccosh": (np.arccosh, 1.1, 9, False),
    "arctanh": (np.arctanh, -0.9, 0.9, False),
}


def unary(rng):
    """Functions of one operand: random values, a view backwards, and the values at which they are odd."""
    golden = GoldenFile("unary")
    for dtype in FLOATS:
        for name, (function, low, high, is_exact) in UNARY.items():
            tolerance = 0 if is_exact else TWO_UNITS[dtype]
            x = values(rng, (48,), dtype, low, high)
            golden.case(f"{dtype} random", name, [x], [exactly(function, dtype, x)], tolerance=tolerance)
            backwards = [["slice", 0, 0, 48, -5]]
            golden.case(
                f"{dtype} {backwards}", name, [(x, backwards)], [exactly(function, dtype, taken(x, backwards))],
                tolerance=tolerance)
            odd = special(dtype)[:8]
            golden.case(f"{dtype} special", name, [odd], [exactly(function, dtype, odd)], tolerance=tolerance)
        odd = special(dtype)
        for name, function in {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}.items():
            golden.case(f"{dtype} special", name, [odd], [function(odd)], tolerance=0)
    for dtype in INTEGERS:
        x = special(dtype)
        for name, function in {"abs": np.abs, "sign": np.sign, "square": np.square, "negative": np.negative, "invert": np.invert}.items():
            golden.case(f"{dtype} extremes", name, [x], [function(x)], tolerance=0)
    golden.case("bool", "logical_not", [special("bool")], [~special("bool")], tolerance=0)
    return golden


BINARY = {
    "maximum": np.maximum, "minimum": np.minimum, "copysign": np.copysign, "power": np.power, "arctan2": np.arctan2,
    "hypot": np.hypot, "logaddexp": np.logaddexp, "remainder": np.remainder, "fmod": np.fmod,
    "floor_divide": np.floor_divide,
}


def binary(rng):
    """Functions of two operands that broadcast, and every pair of the values at which they are odd."""
    golden = GoldenFile("binary")
    for dtype in FLOATS:
        odd = special(dtype)[:8]
        for name, function in BINARY.items():
            # A remainder has no rounding of its own, but a quotient next to an integer has: only simple values.
            is_exact = name in ("maximum", "minimum", "copysign", "remainder", "fmod", "floor_divide")
            a, b = values(rng, (4, 1, 3), dtype, 0.5, 4), values(rng, (5, 1), dtype, -3, 3)
            if name in ("remainder", "fmod", "floor_divide"):
                a, b = (rng.integers(-40, 40, (4, 1, 3)) / 4).astype(dtype), (rng.integers(1, 9, (5, 1)) / 4).astype(dtype)
            tolerance = 0 if is_exact else ROUNDING[dtype]
            golden.case(f"{dtype} random", name, [a, b], [exactly(function, dtype, a, b)], tolerance=tolerance)
            answer = exactly(function, dtype, odd[:, None], odd)
            if name in ("maximum", "minimum"):
                # Of the two zeros NumPy takes the first in float16 and the second in the other types, as the machine's
                # instructions do: here it is always the first.
                answer = np.where(odd[:, None] == odd, odd[:, None], answer)
            golden.case(f"{dtype} every pair", name, [odd[:, None], odd], [answer], tolerance=tolerance)
    for dtype in INTEGERS:
        x, y = special(dtype), values(rng, (6, 1), dtype)
        y[y == 0] = 3
        operations = {"maximum": np.maximum, "minimum": np.minimum}
        operations.update({"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor})
        for name, function in operations.items():
            golden.case(f"{dtype}", name, [x, y], [function(x, y)], tolerance=0)
        divisors = np.array([[3], [7], [100]] if dtype in UNSIGNED else [[3], [-7], [100]], dtype)
        for name, function in {"floor_divide": np.floor_divide, "remainder": np.remainder, "fmod": np.fmod}.items():
            golden.case(f"{dtype}", name, [x, divisors], [function(x, divisors)], tolerance=0)
        places = np.array([[0], [1], [np.iinfo(dtype).bits - 1]], dtype)
        for name, function in {"left_shift": np.left_shift, "right_shift": np.right_shift}.items():
            golden.case(f"{dtype}", name, [x, places], [function(x, places)], tolerance=0)
    both = special("bool")
    for name, function in {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}.items():
        golden.case("bool every pair", name, [both[:, None], both], [function(both[:, None], both)], tolerance=0)
    return golden


def more_reductions(rng):
    """Smallest elements, products, variances, truth, counts, and cumulative operations."""
    golden = GoldenFile("more-reductions")
    for dtype in FLOATS + ["int64", "int32", "uint8"]:
        base = values(rng, (4, 5, 6), dtype, 0.8, 1.25) if dtype in FLOATS else rng.integers(0, 4, (4, 5, 6)).astype(dtype)
        tolerance = ROUNDING.get(dtype, 0) * 4
        for chain in [[], VIEWS[0], VIEWS[3]]:
            x = taken(base, chain)
            wide = x.astype("float64") if dtype in FLOATS else x
            for axes in [None, [0], [-1], [0, 2]]:
                given = None if axes is None else tuple(axes)
                attributes = {"keepdims": False, **({} if axes is None else {"axes": axes})}
                name = f"{dtype} views {chain} axes {axes}"
                golden.case(name, "min", [(base, chain)], [x.min(axis=given)], attributes, tolerance=0)
                if dtype in FLOATS:
                    golden.case(
                        name, "prod", [(base, chain)], [wide.prod(axis=given).astype(dtype)], attributes,
                        tolerance=tolerance * 4)
                    for correction in [0, 1]:
                        more = {**attributes, "correction": correction}
                        for kind in ["var", "std"]:
                            answer = getattr(wide, kind)(axis=given, ddof=correction).astype(dtype)
                            golden.case(name, kind, [(base, chain)], [answer], more, tolerance=tolerance * 8)
                    largest = wide.max(axis=given, keepdims=True)
                    answer = np.log(np.exp(wide - largest).sum(axis=given)) + largest.reshape(wide.sum(axis=given).shape)
                    golden.case(name, "logsumexp", [(base, chain)], [answer.astype(dtype)], attributes, tolerance=tolerance)
            for axis in [0, -1]:
                name = f"{dtype} views {chain} axis {axis}"
                golden.case(
                    name, "argmin", [(base, chain)], [x.argmin(axis=axis).astype("int32")], {"axis": axis}, tolerance=0)
                golden.case(
                    name, "cumsum", [(base, chain)], [wide.cumsum(axis=axis, dtype=wide.dtype).astype(dtype)], {"axis": axis},
                    tolerance=tolerance)
                golden.case(
                    name, "cumprod", [(base, chain)], [wide.cumprod(axis=axis, dtype=wide.dtype).astype(dtype)],
                    {"axis": axis}, tolerance=tolerance * 4)
    truth = values(rng, (3, 4), "bool")
    for axes in [None, [0], [1]]:
        given = None if axes is None else tuple(axes)
        attributes = {"keepdims": False, **({} if axes is None else {"axes": axes})}
        golden.case(f"axes {axes}", "all", [truth], [truth.all(axis=given)], attributes, tolerance=0)
        golden.case(f"axes {axes}", "any", [truth], [truth.any(axis=given)], attributes, tolerance=0)
        golden.case(
            f"axes {axes}", "count_nonzero", [truth], [np.asarray(np.count_nonzero(truth, axis=given))], attributes,
            tolerance=0)
    return golden


def order(rng):
    """Sorting, searching and what is found at places."""
    golden = GoldenFile("order")
    for dtype in FLOATS + ["int64", "int32", "int8", "uint64", "uint8"]:
        base = rng.integers(0, 9, (4, 5, 6)).astype(dtype)
        for chain in [[], VIEWS[0], VIEWS[2]]:
            x = taken(base, chain)
            for axis in [0, -1]:
                name = f"{dtype} views {chain} axis {axis}"
                golden.case(name, "sort", [(base, chain)], [np.sort(x, axis=axis)], {"axis": axis}, tolerance=0)
                golden.case(
                    name, "argsort", [(base, chain)], [np.argsort(x, axis=axis, kind="stable").astype("int32")], {"axis": axis}, tolerance=0)
        if dtype in FLOATS:
            odd = np.array([np.nan, 1, -np.inf, np.inf, 0.5, np.nan, -1], dtype)
            golden.case(f"{dtype} special", "sort", [odd], [np.sort(odd)], {"axis": 0}, tolerance=0)
        flat = base.reshape(-1)
        found, counts = np.unique(flat, return_counts=True)
        golden.case(f"{dtype}", "unique", [flat], [found, counts], tolerance=0)
        steps, queries = np.arange(0, 9, 2).astype(dtype), rng.integers(0, 9, (3, 2)).astype(dtype)
        for side in ["left", "right"]:
            golden.case(
                f"{dtype} {side}", "searchsorted", [steps, queries], [np.searchsorted(steps, queries, side=side).astype("int32")],
                {"side": side}, tolerance=0)
        places = np.array([[3, -1], [0, 2]], "int64")
        for axis in [0, 1, -1]:
            golden.case(f"{dtype} axis {axis}", "take", [base, places], [np.take(base, places, axis=axis)], {"axis": axis}, tolerance=0)
        along = rng.integers(0, 4, (4, 5, 6))
        for axis in [0, 1, 2]:
            golden.case(
                f"{dtype} axis {axis}", "take_along_axis", [base, along], [np.take_along_axis(base, along, axis)],
                {"axis": axis}, tolerance=0)
        golden.case(f"{dtype}", "nonzero", [base[0]], [np.argwhere(base[0])], tolerance=0)
        golden.case(f"{dtype}", "masked_select", [base, base > 4], [base[base > 4]], tolerance=0)
    return golden


def rearranging(rng):
    """What puts elements elsewhere: repeated, rolled, padded, stacked, of a triangle."""
    golden = GoldenFile("rearranging")
    for dtype in ["float64", "float32", "float16", "int64", "uint8", "bool"]:
        x = values(rng, (3, 4, 5), dtype)
        for axis in [0, -1]:
            golden.case(f"{dtype} axis {axis}", "repeat", [x], [np.repeat(x, 3, axis=axis)], {"axis": axis, "count": 3}, tolerance=0)
            golden.case(f"{dtype} axis {axis}", "flip", [x], [np.flip(x, axis)], {"axis": axis}, tolerance=0)
            golden.case(f"{dtype} axis {axis}", "stack", [x, x], [np.stack([x, x], axis=axis)], {"axis": axis}, tolerance=0)
            for shift in [2, -1, 11]:
                golden.case(
                    f"{dtype} axis {axis} by {shift}", "roll", [x], [np.roll(x, shift, axis=axis)],
                    {"axis": axis, "shift": shift}, tolerance=0)
        golden.case(f"{dtype}", "tile", [x], [np.tile(x, (2, 1, 3))], {"counts": [2, 1, 3]}, tolerance=0)
        for mode in ["constant", "edge", "reflect", "wrap"]:
            golden.case(
                f"{dtype} {mode}", "pad", [x], [np.pad(x, [(0, 0), (1, 2), (3, 1)], mode=mode)],
                {"before": [0, 1, 3], "after": [0, 2, 1], "mode": mode}, tolerance=0)
        for k in [-1, 0, 2]:
            golden.case(f"{dtype} {k}", "tril", [x], [np.tril(x, k)], {"k": k}, tolerance=0)
            golden.case(f"{dtype} {k}", "triu", [x], [np.triu(x, k)], {"k": k}, tolerance=0)
            golden.case(f"{dtype} {k}", "diagonal", [x], [np.diagonal(x, k, 1, 2)], {"k": k, "axes": [1, 2]}, tolerance=0)
        golden.case(f"{dtype}", "moveaxis", [x], [np.moveaxis(x, 0, -1)], {"source": 0, "destination": -1}, tolerance=0)
        golden.case(f"{dtype}", "expand_dims", [x], [np.expand_dims(x, 1)], {"axis": 1}, tolerance=0)
        golden.case(f"{dtype}", "squeeze", [x[:1]], [np.squeeze(x[:1], 0)], {"axis": 0}, tolerance=0)
    return golden


def linear_algebra(rng):
    """Solutions and decompositions that are unique; of matrices that are well conditioned, in batches."""
    golden = GoldenFile("linear-algebra")
    for dtype in ["float64", "float32"]:
        tolerance = {"float64": 1e-10, "float32": 2e-3}[dtype]
        for shape in [(1, 1), (3, 3), (6, 6), (2, 4, 4)]:
            a = (rng.uniform(-1, 1, shape) + 4 * np.eye(shape[-1])).astype(dtype)
            wide, b = a.astype("float64"), values(rng, (*shape[:-1], 2), dtype, 1, 2)
            symmetric = (wide @ wide.swapaxes(-1, -2)).astype(dtype)
            name = f"{dtype} {shape}"
            golden.case(name, "solve", [a, b], [np.linalg.solve(wide, b.astype("float64")).astype(dtype)], tolerance=tolerance)
            golden.case(name, "inv", [a], [np.linalg.inv(wide).astype(dtype)], tolerance=tolerance)
            golden.case(name, "det", [a], [np.linalg.det(wide).astype(dtype)], tolerance=tolerance)
            golden.case(
                name, "cholesky", [symmetric], [np.linalg.cholesky(symmetric.astype("float64")).astype(dtype)],
                tolerance=tolerance)
            golden.case(
                name, "eigvalsh", [symmetric], [np.linalg.eigvalsh(symmetric.astype("float64")).astype(dtype)],
                tolerance=tolerance)
            golden.case(name, "svdvals", [a], [np.linalg.svd(wide, compute_uv=False).astype(dtype)], tolerance=tolerance)
            golden.case(name, "trace", [a], [np.trace(wide, axis1=-2, axis2=-1).astype(dtype)], tolerance=tolerance)
        for equation, shapes in {
            "ij,jk->ik": [(2, 3), (3, 4)], "bij,bjk->bik": [(2, 2, 3), (2, 3, 2)], "ii->i": [(3, 3)], "ij->ji": [(2, 3)],
            "ij->": [(2, 3)], "i,j->ij": [(2,), (3,)], "ijk,k->ij": [(2, 3, 4), (4,)], "ij,jk,kl->il": [(2, 3), (3, 2), (2, 4)],
            "...ij,...jk->...ik": [(2, 1, 2, 3), (4, 3, 2)],
        }.items():
            operands = [values(rng, shape, dtype, 0.5, 1.5) for shape in shapes]
            exact = np.einsum(equation, *[x.astype("float64") for x in operands]).astype(dtype)
            golden.case(f"{dtype} {equation}", "einsum", operands, [exact], {"equation": equation}, tolerance=ROUNDING[dtype] * 4)
        a, b = values(rng, (2, 3, 4), dtype, 0.5, 1.5), values(rng, (4, 3, 5), dtype, 0.5, 1.5)
        exact = np.tensordot(a.astype("float64"), b.astype("float64"), ([2, 1], [0, 1])).astype(dtype)
        golden.case(dtype, "tensordot", [a, b], [exact], {"left": [2, 1], "right": [0, 1]}, tolerance=ROUNDING[dtype] * 4)
        a, b = values(rng, (2, 3), dtype, 0.5, 1.5), values(rng, (2, 2), dtype, 0.5, 1.5)
        golden.case(dtype, "kron", [a, b], [exactly(np.kron, dtype, a, b)], tolerance=ROUNDING[dtype])
        a, b = values(rng, (5,), dtype, 0.5, 1.5), values(rng, (5,), dtype, 0.5, 1.5)
        golden.case(dtype, "inner", [a, b], [exactly(np.inner, dtype, a, b)], tolerance=ROUNDING[dtype] * 4)
        golden.case(dtype, "outer", [a, b], [exactly(np.outer, dtype, a, b)], tolerance=0)
    return golden


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "Tests/TensorFilesTests/Goldens/NumPy"
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with np.errstate(all="ignore"):
        families = [broadcasting, specials, reductions, views, matrices, casts, promotion]
        families += [unary, binary, more_reductions, order, rearranging, linear_algebra, indexing, numbers, edges, more]
        for number, family in enumerate(families):
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
