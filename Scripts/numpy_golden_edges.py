"""What NumPy answers where shapes are odd (no axes, no elements, axes of length 1) and for views of every kind, and what
reductions and orders make of NaN, infinities and both zeros."""

import warnings

import numpy as np

from golden_file import GoldenFile
from numpy_golden_indexing import refused
from numpy_golden_values import FLOATS, ROUNDING, TWO_UNITS, VIEWS, exactly, special, taken, values

SHAPES = [(), (1,), (0,), (1, 1, 1), (0, 3), (3, 0), (2, 0, 3), (2, 1, 3), (1, 7)]
TYPES = ["float64", "float32", "float16", "int64", "int32", "uint8", "bool"]


# Along one axis. Name: function of array and axis, the attributes beside it, and the types.
ALONG = {
    "cumsum": (lambda x, axis: x.cumsum(axis, dtype=x.dtype), {}, "fiu"),
    "cumprod": (lambda x, axis: x.cumprod(axis, dtype=x.dtype), {}, "fiu"),
    "sort": (lambda x, axis: np.sort(x, axis), {}, "fiub"),
    "argsort": (lambda x, axis: np.argsort(x, axis, kind="stable").astype("int32"), {}, "fiub"),
    "flip": (lambda x, axis: np.flip(x, axis), {}, "fiub"),
    "roll": (lambda x, axis: np.roll(x, 2, axis), {"shift": 2}, "fiub"),
    "repeat": (lambda x, axis: np.repeat(x, 2, axis), {"count": 2}, "fiub"),
    "expand_dims": (lambda x, axis: np.expand_dims(x, axis), {}, "fiub"),
    "stack": (lambda x, axis: np.stack([x, x], axis), {}, "fiub"),
    "concatenate": (lambda x, axis: np.concatenate([x, x], axis), {}, "fiub"),
}
# Over axes. Name: function of array, axes and whether they stay, and the types.
OVER = {
    "sum": (lambda x, **more: x.sum(dtype=x.dtype, **more), "fiu"),
    "prod": (lambda x, **more: x.prod(dtype=x.dtype, **more), "fiu"),
    "all": (lambda x, **more: x.all(**more), "fiub"), "any": (lambda x, **more: x.any(**more), "fiub"),
    "count_nonzero": (lambda x, **more: np.asarray(np.count_nonzero(x, **more)), "fiub"),
    "mean": (lambda x, **more: x.mean(dtype="float64", **more).astype(x.dtype), "f"),
    "var": (lambda x, **more: x.var(dtype="float64", **more).astype(x.dtype), "f"),
    "std": (lambda x, **more: x.std(dtype="float64", **more).astype(x.dtype), "f"),
    "max": (lambda x, **more: x.max(**more), "fiub"), "min": (lambda x, **more: x.min(**more), "fiub"),
}
UNARY = {
    "negative": np.negative, "abs": np.abs, "sign": np.sign, "square": np.square, "floor": np.floor, "exp": np.exp,
    "sin": np.sin, "tanh": np.tanh, "isnan": np.isnan, "isfinite": np.isfinite, "logical_not": np.logical_not,
}


def odd_shapes(golden, rng, dtype):
    kind = np.dtype(dtype).kind
    tolerance = ROUNDING.get(dtype, 0)
    for shape in SHAPES:
        x = values(rng, shape, dtype, 0.5, 2) if kind == "f" else rng.integers(0, 2, shape).astype(dtype)
        for name, (function, attributes, kinds) in ALONG.items():
            stacks = name in ("expand_dims", "stack")
            for axis in sorted({0, len(shape) if stacks else len(shape) - 1, -1}):
                if kind in kinds and (stacks or shape):
                    golden.case(
                        f"{dtype} {shape} axis {axis}", name, [x, x] if name in ("stack", "concatenate") else [x],
                        [function(x, axis)], {**attributes, "axis": axis}, tolerance=tolerance)
        for name, (function, kinds) in OVER.items():
            if kind not in kinds:
                continue
            for axes in [None, [], *([axis] for axis in range(len(shape)))]:
                given = None if axes is None else tuple(axes)
                for keeps in [False, True]:
                    case = f"{dtype} {shape} axes {axes} keeps {keeps}"
                    attributes = {"keepdims": keeps, **({} if axes is None else {"axes": axes})}
                    length = x.size if axes is None else int(np.prod([shape[axis] for axis in axes]))
                    if length == 0 and name in ("max", "min"):
                        refused(
                            golden, case, name, [x], attributes, "shapeMismatch", ValueError,
                            lambda: function(x, axis=given, keepdims=keeps))
                        continue
                    golden.case(
                        case, name, [x], [np.asarray(function(x, axis=given, keepdims=keeps))], attributes,
                        tolerance=tolerance)
        for name, function in UNARY.items():
            if kind == "f" or (name == "logical_not" if kind == "b" else name in ("abs", "sign", "square", "logical_not")):
                answer = function(x) if name.startswith(("is", "logical")) else exactly(function, dtype, x)
                golden.case(f"{dtype} {shape}", name, [x], [answer], tolerance=TWO_UNITS.get(dtype, 0))
        golden.case(f"{dtype} {shape}", "nonzero", [x], [np.argwhere(x)], tolerance=0)
        found, counts = np.unique(x, return_counts=True)
        golden.case(f"{dtype} {shape}", "unique", [x], [found, counts], tolerance=0)
        golden.case(f"{dtype} {shape}", "reshape", [x], [x.reshape(-1)], {"shape": [x.size]}, tolerance=0)
        for target in ["float32", "int64", "bool"]:
            golden.case(f"{dtype} {shape} {target}", "cast", [x], [x.astype(target)], {"dtype": target}, tolerance=0)
        if len(shape) >= 2:
            for name, function in {"tril": np.tril, "triu": np.triu}.items():
                golden.case(f"{dtype} {shape}", name, [x], [function(x, 1)], {"k": 1}, tolerance=0)
            golden.case(f"{dtype} {shape}", "diagonal", [x], [x.diagonal()], {"k": 0, "axes": [0, 1]}, tolerance=0)
        if shape and kind != "b":
            vector = values(rng, shape[-1:], dtype, 0.5, 2) if kind == "f" else rng.integers(0, 3, shape[-1:]).astype(dtype)
            wide = x.astype("float64") @ vector.astype("float64")
            golden.case(
                f"{dtype} {shape}", "matmul", [x, vector], [np.asarray(wide.astype(dtype))], tolerance=tolerance)
        elif kind != "b":
            refused(golden, f"{dtype} {shape}", "matmul", [x, x], {}, "shapeMismatch", ValueError, lambda: x @ x)


def refusals(golden, rng, dtype):
    """Axes that are not there, shapes that do not fit."""
    x, y = values(rng, (2, 3), dtype), values(rng, (2, 4), dtype)
    for axis in [2, -3, 1000]:
        for name, function in {
            "sort": np.sort, "flip": np.flip, "argmax": np.argmax, "argmin": np.argmin,
            "take": lambda x, axis: x.take([0], axis),
        }.items():
            operands = [x, np.array([0])] if name == "take" else [x]
            refused(
                golden, f"{dtype} axis {axis}", name, operands, {"axis": axis}, "indexOutOfRange",
                np.exceptions.AxisError, lambda: function(x, axis=axis))
    refused(
        golden, f"{dtype} axis 3", "expand_dims", [x], {"axis": 3}, "indexOutOfRange", np.exceptions.AxisError,
        lambda: np.expand_dims(x, 3))
    for name, function in {"equal": np.equal, "maximum": np.maximum}.items():
        refused(golden, f"{dtype} (2, 3) (2, 4)", name, [x, y], {}, "shapeMismatch", ValueError, lambda: function(x, y))
    refused(
        golden, f"{dtype} (2, 3) (2, 4)", "concatenate", [x, y], {"axis": 0}, "shapeMismatch", ValueError,
        lambda: np.concatenate([x, y]))
    refused(
        golden, f"{dtype} (2, 3) (2, 4)", "stack", [x, y], {"axis": 0}, "shapeMismatch", ValueError,
        lambda: np.stack([x, y]))
    refused(
        golden, f"{dtype} (2, 3) to (4,)", "reshape", [x], {"shape": [4]}, "shapeMismatch", ValueError,
        lambda: x.reshape(4))
    refused(
        golden, f"{dtype} axis 0 of 2", "squeeze", [x], {"axis": 0}, "shapeMismatch", ValueError,
        lambda: np.squeeze(x, 0))
    nothing = values(rng, (0, 3), dtype)
    for name, function in {"argmax": np.argmax, "argmin": np.argmin}.items():
        refused(
            golden, f"{dtype} of nothing", name, [nothing], {"axis": 0}, "shapeMismatch", ValueError,
            lambda: function(nothing, axis=0))
    if dtype != "bool":
        refused(
            golden, f"{dtype} (2, 3) (2, 4)", "matmul", [x, y], {}, "shapeMismatch", ValueError, lambda: x @ y)


def special_rows(golden, dtype):
    """Rows with NaN, with infinities of one sign and of both, with both zeros; along either axis and backwards."""
    rows = np.array(
        [
            [1, np.nan, 2, -1], [np.inf, 1, 2, 3], [1, -np.inf, 2, 3], [np.inf, 1, -np.inf, 2], [np.nan, np.inf, 1, np.nan],
            [-np.inf, -np.inf, -np.inf, -np.inf], [np.inf, np.inf, np.inf, np.inf], [3, 2, 2, 3],
        ],
        dtype)
    tolerance = ROUNDING[dtype]
    for x, chain in [(rows, []), (rows.T.copy(), [["transpose", [1, 0]]]), (rows, [["slice", 1, 0, 4, -1]])]:
        wide = taken(x, chain).astype("float64")
        operand = (x, chain)
        for axis in [0, 1]:
            name, attributes = f"{dtype} {chain} axis {axis}", {"axes": [axis], "keepdims": False}
            for reduction in ["sum", "prod", "mean", "var", "std", "max", "min"]:
                answer = getattr(wide, reduction)(axis=axis).astype(dtype)
                golden.case(name, reduction, [operand], [answer], attributes, tolerance=tolerance)
            largest = wide.max(axis, keepdims=True)
            largest[np.isinf(largest)] = 0
            answer = np.log(np.exp(wide - largest).sum(axis)) + largest.squeeze(axis)
            golden.case(name, "logsumexp", [operand], [answer.astype(dtype)], attributes, tolerance=tolerance)
            for reduction in ["argmax", "argmin"]:
                answer = getattr(wide, reduction)(axis=axis).astype("int32")
                golden.case(name, reduction, [operand], [answer], {"axis": axis}, tolerance=0)
            for scan in ["cumsum", "cumprod"]:
                answer = getattr(wide, scan)(axis=axis).astype(dtype)
                golden.case(name, scan, [operand], [answer], {"axis": axis}, tolerance=tolerance)
            golden.case(name, "sort", [operand], [np.sort(wide, axis).astype(dtype)], {"axis": axis}, tolerance=0)
            golden.case(
                name, "argsort", [operand], [np.argsort(wide, axis, kind="stable").astype("int32")], {"axis": axis},
                tolerance=0)
        for reduction in ["all", "any"]:
            golden.case(
                f"{dtype} {chain}", reduction, [operand], [getattr(wide, reduction)(axis=1)], {"axes": [1]},
                tolerance=0)
        golden.case(f"{dtype} {chain}", "nonzero", [operand], [np.argwhere(wide)], tolerance=0)
    zeros = np.array([0.0, -0.0, 0.0, -0.0, 1, -1], dtype)
    backwards = [["slice", 0, 0, 6, -1]]
    for chain in [[], backwards]:
        x = taken(zeros, chain)
        # NumPy does not say how it sorts the two zeros, which are equal: here -0 is the first.
        golden.case(
            f"{dtype} zeros {chain}", "sort", [(zeros, chain)], [x[np.lexsort([~np.signbit(x), x])]], {"axis": 0},
            tolerance=0)
        golden.case(
            f"{dtype} zeros {chain}", "argsort", [(zeros, chain)], [np.argsort(x, kind="stable").astype("int32")],
            {"axis": 0}, tolerance=0)
        golden.case(f"{dtype} zeros {chain}", "cumprod", [(zeros, chain)], [np.cumprod(x)], {"axis": 0}, tolerance=0)
        for name in ["argmax", "argmin"]:
            golden.case(
                f"{dtype} zeros {chain}", name, [(x[:4].copy(), [])], [np.int32(getattr(x[:4], name)())], {"axis": 0},
                tolerance=0)
        found, counts = np.unique(x, return_counts=True)
        golden.case(
            f"{dtype} zeros {chain}", "unique", [(zeros, chain)], [np.array([-1, x[x == 0][0], 1], dtype), counts],
            tolerance=0)
    odd = np.array([np.nan, 1, np.nan, np.inf, -np.inf, np.nan, 1], dtype)
    found, counts = np.unique(odd, return_counts=True)
    golden.case(f"{dtype} NaN", "unique", [odd], [found, counts], tolerance=0)
    steps = np.array([-np.inf, -1, 0, 1, np.inf, np.nan], dtype)
    for side in ["left", "right"]:
        queries = special(dtype)
        golden.case(
            f"{dtype} special {side}", "searchsorted", [steps, queries],
            [np.searchsorted(steps, queries, side=side).astype("int32")], {"side": side}, tolerance=0)


def viewed(golden, rng, dtype):
    """Operations of two different views, and those that otherwise see dense arrays only."""
    tolerance = ROUNDING.get(dtype, 0)
    low, high = 0.5, 2
    a, b = values(rng, (4, 5, 6), dtype, low, high), values(rng, (6, 4, 5), dtype, low, high)
    turned = [["transpose", [1, 2, 0]]]
    backwards = [["slice", 0, 0, 4, -1], ["slice", 2, 0, 6, -1]]
    spread = [["slice", 1, 2, 3, 1], ["broadcast", [4, 5, 6]]]
    pairs = [((a, backwards), (b, turned)), ((b, turned), (a, spread)), ((a, spread), (a, backwards))]
    for left, right in pairs:
        x, y = taken(*left), taken(*right)
        name = f"{dtype} {left[1]} {right[1]}"
        for operation, function in {
            "maximum": np.maximum, "minimum": np.minimum, "less": np.less, "not_equal": np.not_equal,
        }.items():
            golden.case(name, operation, [left, right], [function(x, y)], tolerance=0)
        golden.case(name, "select", [x > y, left, right], [np.where(x > y, x, y)], tolerance=0)
        golden.case(name, "stack", [left, right], [np.stack([x, y], axis=1)], {"axis": 1}, tolerance=0)
        if dtype in FLOATS:
            for operation, function in {
                "divide": np.divide, "power": np.power, "arctan2": np.arctan2, "hypot": np.hypot, "logaddexp": np.logaddexp,
            }.items():
                golden.case(name, operation, [left, right], [exactly(function, dtype, x, y)], tolerance=tolerance)
    for chain in VIEWS:
        x, name = taken(a, chain), f"{dtype} {chain}"
        if x.size:
            golden.case(name, "nonzero", [(a, chain)], [np.argwhere(x)], tolerance=0)
        golden.case(name, "roll", [(a, chain)], [np.roll(x, 1, -1)], {"shift": 1, "axis": -1}, tolerance=0)
        golden.case(name, "flip", [(a, chain)], [np.flip(x, 0)], {"axis": 0}, tolerance=0)
        golden.case(name, "tril", [(a, chain)], [np.tril(x)], {"k": 0}, tolerance=0)
        golden.case(name, "diagonal", [(a, chain)], [np.diagonal(x, 1, 0, 2)], {"k": 1, "axes": [0, 2]}, tolerance=0)
        golden.case(
            name, "pad", [(a, chain)], [np.pad(x, [(1, 0), (0, 2), (1, 1)])],
            {"before": [1, 0, 1], "after": [0, 2, 1], "mode": "constant"}, tolerance=0)
        golden.case(name, "tile", [(a, chain)], [np.tile(x, (1, 2, 1))], {"counts": [1, 2, 1]}, tolerance=0)
        for target in ["float32", "int32"]:
            golden.case(f"{name} {target}", "cast", [(a, chain)], [x.astype(target)], {"dtype": target}, tolerance=0)


def edges(rng):
    """Odd shapes, refusals, odd values and views, in types of each kind."""
    golden = GoldenFile("edges")
    with warnings.catch_warnings():
        # NumPy warns where it answers NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        for dtype in TYPES:
            odd_shapes(golden, rng, dtype)
            refusals(golden, rng, dtype)
            viewed(golden, rng, dtype)
        for dtype in FLOATS:
            special_rows(golden, dtype)
    return golden
