"""What NumPy answers where the other families do not ask: creation, statistics, norms, further views and products."""

import numpy as np

from golden_file import GoldenFile
from numpy_golden_indexing import refused
from numpy_golden_values import FLOATS, INTEGERS, ROUNDING, VIEWS, exactly, special, taken, values


def creation(golden):
    for dtype in INTEGERS:
        for start, stop, step in [(0, 5, 1), (3, 3, 1), (5, 0, 1), (1, 12, 5), (100, 0, -33), (0, 100, 100)]:
            attributes = {"start": start, "stop": stop, "step": step, "dtype": dtype}
            golden.case(f"{attributes}", "arange", [], [np.arange(start, stop, step, dtype)], attributes, tolerance=0)
    for dtype in FLOATS:
        for start, stop, step in [(0, 5, 1), (0, 1, 0.1), (1, -1, -0.3), (0, 0, 1), (1, 1.3, 0.1), (0.5, 40, 7.25)]:
            attributes = {"start": start, "stop": stop, "step": step, "dtype": dtype}
            golden.case(f"{attributes}", "arange", [], [np.arange(start, stop, step, dtype)], attributes, tolerance=0)
        for start, stop, count in [(0, 1, 11), (-2, 3, 2), (5, 5, 4), (1, 0, 7), (0, 9, 1), (0, 9, 0), (0.1, 0.7, 64)]:
            for endpoint in [True, False]:
                attributes = {"start": start, "stop": stop, "count": count, "endpoint": endpoint, "dtype": dtype}
                answer = np.linspace(start, stop, count, endpoint).astype(dtype)
                golden.case(f"{attributes}", "linspace", [], [answer], attributes, tolerance=0)
        attributes = {"start": -2, "stop": 3, "count": 11, "base": 10, "dtype": dtype}
        golden.case(
            f"{attributes}", "logspace", [], [np.logspace(-2, 3, 11).astype(dtype)], attributes,
            tolerance=ROUNDING[dtype])
    for dtype in ["float32", "int16", "bool"]:
        for rows, columns, k in [(3, 3, 0), (2, 4, 1), (4, 2, -1), (3, 3, 5), (0, 2, 0), (2, 3, -9)]:
            attributes = {"rows": rows, "columns": columns, "k": k, "dtype": dtype}
            golden.case(f"{attributes}", "eye", [], [np.eye(rows, columns, k, dtype)], attributes, tolerance=0)
            golden.case(f"{attributes}", "tri", [], [np.tri(rows, columns, k, bool)], attributes, tolerance=0)
        vectors = [values(np.random.default_rng(1), (count,), dtype) for count in (2, 3, 4)]
        for count in [1, 2, 3]:
            for order in ["ij", "xy"]:
                golden.case(
                    f"{dtype} {count} {order}", "meshgrid", vectors[:count], np.meshgrid(*vectors[:count], indexing=order),
                    {"indexing": order}, tolerance=0)
        for k in [-2, 0, 1]:
            golden.case(f"{dtype} {k}", "diag", [vectors[1]], [np.diag(vectors[1], k)], {"k": k}, tolerance=0)


def statistics(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for chain in [[], VIEWS[0], VIEWS[2]]:
        x = taken(base, chain)
        for axis in [None, 0, -1]:
            name, attributes = f"{dtype} {chain} axis {axis}", {} if axis is None else {"axis": axis}
            wide = x.astype("float64")
            golden.case(
                name, "median", [(base, chain)], [np.asarray(np.median(wide, axis).astype(dtype))], attributes,
                tolerance=ROUNDING[dtype])
            for q in [0.0, 0.25, 1 / 3, 0.9, 1.0]:
                golden.case(
                    f"{name} {q}", "quantile", [(base, chain)], [np.asarray(np.quantile(wide, q, axis).astype(dtype))],
                    {**attributes, "q": q}, tolerance=ROUNDING[dtype])
        for axis in [0, -1]:
            name = f"{dtype} {chain} axis {axis}"
            for scan, function in {"maximum_accumulate": np.maximum, "minimum_accumulate": np.minimum}.items():
                golden.case(name, scan, [(base, chain)], [function.accumulate(x, axis)], {"axis": axis}, tolerance=0)
            golden.case(
                name, "logaddexp_accumulate", [(base, chain)],
                [np.logaddexp.accumulate(x.astype("float64"), axis).astype(dtype)], {"axis": axis},
                tolerance=ROUNDING[dtype] * 4)
            for k in [0, 1]:
                golden.case(
                    f"{name} {k}", "partition", [(base, chain)], [np.take(np.sort(x, axis), k, axis)],
                    {"axis": axis, "k": k}, tolerance=0)
        for order in [1, 2, 3, 0, np.inf, -np.inf]:
            for axis in [None, 1]:
                wide = np.abs(x.astype("float64"))
                answer = np.linalg.norm(wide.reshape(-1) if axis is None else wide, order, axis)
                golden.case(
                    f"{dtype} {chain} order {order} axis {axis}", "norm", [(base, chain)], [np.asarray(answer).astype(dtype)],
                    {"order": order if np.isfinite(order) else str(order), **({} if axis is None else {"axes": [axis]})},
                    tolerance=ROUNDING[dtype] * 4)
    odd = np.array([[1, np.nan, 2, 3], [np.inf, 1, 2, np.inf], [-np.inf, 1, 2, 3], [0.0, -0.0, 1, 2]], dtype)
    golden.case(f"{dtype} special", "median", [odd], [np.median(odd, axis=1)], {"axis": 1}, tolerance=0)
    for scan, function in {"maximum_accumulate": np.maximum, "minimum_accumulate": np.minimum}.items():
        golden.case(f"{dtype} special", scan, [odd[:3]], [function.accumulate(odd[:3], 1)], {"axis": 1}, tolerance=0)
    for order in [1, 2, 0, np.inf, -np.inf]:
        answer = np.linalg.norm(odd.astype("float64"), order, 1).astype(dtype)
        golden.case(
            f"{dtype} special order {order}", "norm", [odd], [answer],
            {"order": order if np.isfinite(order) else str(order), "axes": [1]}, tolerance=ROUNDING[dtype])
    golden.case(f"{dtype} special", "count_nonzero", [odd], [np.asarray(np.count_nonzero(odd))], {}, tolerance=0)
    column = special(dtype)
    for name, more in {"plain": {}, "given": {"nan": 5.0, "posinf": 6.0, "neginf": -7.0}}.items():
        golden.case(f"{dtype} {name}", "nan_to_num", [column], [np.nan_to_num(column, **more)], more, tolerance=0)
    near = np.array([1, 1 + 1e-5, 1 + 1e-2, np.nan, np.inf, -np.inf, 0, 1e-9, -0.0], dtype)
    for equal in [False, True]:
        golden.case(
            f"{dtype} {equal}", "isclose", [near[:, None], near], [np.isclose(near[:, None], near, equal_nan=equal)],
            {"equal_nan": equal}, tolerance=0)
    low, high = np.array(-1, dtype), np.array([0.5, 1, 2, np.nan, 0.25, 1, 2, 3, 4, 5, 6, 7], dtype)
    golden.case(f"{dtype} special", "clip", [column, low, high], [np.clip(column, low, high)], tolerance=0)
    x = values(rng, (50,), dtype, -1, 4)
    for bins, lower, upper in [(7, -1, 4), (1, 0, 1), (4, 0, 3)]:
        exact = np.concatenate([x, np.array([-1, 0, 1, 3, 4, np.nan, np.inf], dtype)])
        counts, _ = np.histogram(exact[np.isfinite(exact)].astype("float64"), bins, (lower, upper))
        golden.case(
            f"{dtype} {bins} of {lower} to {upper}", "histogram", [exact], [counts],
            {"bins": bins, "range": [lower, upper]}, tolerance=0)


def counting(golden, rng, dtype):
    small = rng.integers(0, 9, (30,)).astype(dtype)
    for least in [0, 20]:
        counts = np.bincount(small.astype("int64"), minlength=least)
        golden.case(f"{dtype} {least}", "bincount", [small], [counts], {"minlength": least}, tolerance=0)
        for weight in ["float64", "float32", "float16", "int32", "bool"]:
            weights = values(rng, small.shape, weight)
            sums = np.bincount(small.astype("int64"), weights, least)
            golden.case(
                f"{dtype} {weight} {least}", "bincount_weights", [small, weights], [sums], {"minlength": least}, tolerance=0)
    if np.dtype(dtype).kind == "i":
        refused(
            golden, f"{dtype} negative", "bincount", [np.array([1, -1], dtype)], {}, "indexOutOfRange", ValueError,
            lambda: np.bincount(np.array([1, -1], dtype)))
    grid = values(rng, (4, 6), dtype)
    for axes in [None, [0]]:
        given = None if axes is None else tuple(axes)
        attributes = {"dtype": "int64", "keepdims": False, **({} if axes is None else {"axes": axes})}
        for name, function in {"sum_as": np.sum, "prod_as": np.prod}.items():
            golden.case(
                f"{dtype} axes {axes}", name, [grid], [np.asarray(function(grid, axis=given, dtype="int64"))], attributes,
                tolerance=0)
    base, exponent = values(rng, (5, 1), dtype), np.array([0, 1, 2, 3, 7], dtype)
    golden.case(f"{dtype}", "power", [base, exponent], [np.power(base, exponent)], tolerance=0)
    if np.dtype(dtype).kind == "i":
        refused(
            golden, f"{dtype} negative", "power", [base, -exponent], {}, "valueOutOfRange", ValueError,
            lambda: np.power(base, -exponent))
    x, y = special(dtype), values(rng, (4, 1), dtype)
    low, high = np.sort(values(rng, (2, 1), dtype), axis=0)
    golden.case(f"{dtype}", "clip", [x, low, high], [np.clip(x, low, high)], tolerance=0)
    for name, function in {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}.items():
        golden.case(f"{dtype}", name, [x, y], [function(x, y)], tolerance=0)


def shapes(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for chain in [[], VIEWS[0], VIEWS[1]]:
        x, name = taken(base, chain), f"{dtype} {chain}"
        operand = (base, chain)
        golden.case(name, "swapaxes", [operand], [np.swapaxes(x, 0, -1)], {"axes": [0, -1]}, tolerance=0)
        golden.case(name, "flip_all", [operand], [np.flip(x)], tolerance=0)
        golden.case(name, "transpose", [operand], [np.transpose(x, (1, 2, 0))], {"axes": [1, 2, 0]}, tolerance=0)
        shape = [2, *x.shape]
        golden.case(name, "broadcast_to", [operand], [np.broadcast_to(x, shape)], {"shape": shape}, tolerance=0)
        for count in [1, 2, 3]:
            parts = np.array_split(x, count, axis=1)
            golden.case(f"{name} {count}", "array_split", [operand], parts, {"count": count, "axis": 1}, tolerance=0)
        sizes = [1, 0, x.shape[-1] - 1]
        parts = np.split(x, np.cumsum(sizes)[:-1], axis=-1)
        golden.case(name, "split", [operand], parts, {"sizes": sizes, "axis": -1}, tolerance=0)
        counts = list(range(x.shape[0]))
        golden.case(
            name, "repeat_each", [operand], [np.repeat(x, counts, axis=0)], {"counts": counts, "axis": 0}, tolerance=0)
        for step in [1, 2]:
            windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=-1)[..., ::step, :]
            golden.case(
                f"{name} {step}", "windows", [operand], [windows], {"axis": -1, "size": 3, "step": step}, tolerance=0)
        found = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        places, inverse = found[1].astype("int32"), found[2].reshape(x.shape).astype("int32")
        golden.case(name, "unique_all", [operand], [found[0], places, inverse, found[3]], tolerance=0)
    ones = base[:1, :, :1]
    golden.case(dtype, "squeeze_all", [ones], [np.squeeze(ones)], tolerance=0)


def products(golden, rng, dtype):
    exact, close = ROUNDING[dtype], {"float64": 1e-9, "float32": 5e-3}[dtype]
    a, b = values(rng, (2, 1, 3), dtype, 0.5, 1.5), values(rng, (4, 3), dtype, -1.5, -0.5)
    golden.case(dtype, "cross", [a, b], [exactly(np.cross, dtype, a, b)], tolerance=exact * 40)
    golden.case(dtype, "vecdot", [a, b], [exactly(np.vecdot, dtype, a, b)], tolerance=exact * 4)
    golden.case(dtype, "vdot", [b, b + 1], [exactly(np.vdot, dtype, b, b + 1)], tolerance=exact * 4)
    for left, right in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2))]:
        x, y = values(rng, left, dtype, 0.5, 1.5), values(rng, right, dtype, 0.5, 1.5)
        golden.case(f"{dtype} {left} {right}", "matmul", [x, y], [exactly(np.matmul, dtype, x, y)], tolerance=exact * 4)
    for shape in [(3, 3), (2, 4, 4)]:
        x = (rng.uniform(-1, 1, shape) + 3 * np.eye(shape[-1])).astype(dtype)
        name, wide = f"{dtype} {shape}", x.astype("float64")
        for k in [-2, -1, 0, 1, 2, 5]:
            answer = np.linalg.matrix_power(wide, k).astype(dtype)
            # Of elements that cancel, relative to the whole matrix: the diagonal is what it is compared by.
            golden.case(f"{name} {k}", "matrix_power", [x], [np.diagonal(answer, 0, -2, -1)], {"k": k}, tolerance=close)
        sign, logarithm = np.linalg.slogdet(wide)
        golden.case(
            name, "slogdet", [x], [np.asarray(sign.astype(dtype)), np.asarray(logarithm.astype(dtype))],
            tolerance=close)
        for offset in [-1, 1]:
            answer = np.trace(wide, offset, -2, -1).astype(dtype)
            golden.case(f"{name} {offset}", "trace", [x], [np.asarray(answer)], {"k": offset}, tolerance=close)
    for shape in [(3, 3), (5, 2), (2, 5), (2, 3, 4)]:
        x = rng.uniform(0.5, 2, shape).astype(dtype)
        name, wide = f"{dtype} {shape}", x.astype("float64")
        for order in ["fro", "nuc", 1, np.inf, 2, -1, -np.inf, -2]:
            answer = np.asarray(np.linalg.norm(wide, order, (-2, -1)).astype(dtype))
            golden.case(f"{name} {order}", "matrix_norm", [x], [answer], {"order": str(order)}, tolerance=close)
        for order in [2, -2]:
            answer = np.asarray(np.linalg.cond(wide, order).astype(dtype))
            golden.case(f"{name} {order}", "cond", [x], [answer], {"order": str(order)}, tolerance=close)
        golden.case(name, "pinv", [x], [np.linalg.pinv(wide).astype(dtype)], tolerance=close)
        golden.case(name, "matrix_rank", [x], [np.asarray(np.linalg.matrix_rank(wide))], tolerance=0)
        for mode in ["reduced", "complete"]:
            q, r = np.linalg.qr(wide, mode)
            # What is 0 is so only up to rounding, and the basis of the rest of the space is anyone's.
            shared = min(shape[-2:])
            golden.case(
                f"{name} {mode}", "qr", [x], [q[..., :shared].astype(dtype), r.astype(dtype)], {"mode": mode},
                tolerance=close)
        if len(shape) == 2:
            y = rng.uniform(0.5, 2, (shape[0], 2)).astype(dtype)
            answer = np.linalg.lstsq(wide, y.astype("float64"), rcond=None)[0].astype(dtype)
            golden.case(name, "lstsq", [x, y], [answer], tolerance=close * 4)
    low_rank = np.outer(np.arange(1, 5), np.arange(1, 4)).astype(dtype)
    golden.case(
        f"{dtype} of rank 1", "matrix_rank", [low_rank], [np.asarray(np.linalg.matrix_rank(low_rank))], tolerance=0)
    for name, function in {"inv": np.linalg.inv, "solve": lambda x: np.linalg.solve(x, x)}.items():
        singular = np.zeros((3, 3), dtype)
        refused(
            golden, f"{dtype} singular", name, [singular] * (2 if name == "solve" else 1), {}, "singularMatrix",
            np.linalg.LinAlgError, lambda: function(singular))
        flat = np.ones((2, 3), dtype)
        refused(
            golden, f"{dtype} (2, 3)", name, [flat] * (2 if name == "solve" else 1), {}, "shapeMismatch",
            np.linalg.LinAlgError, lambda: function(flat))
    refused(
        golden, f"{dtype} not definite", "cholesky", [-np.eye(3, dtype=dtype)], {}, "notPositiveDefinite",
        np.linalg.LinAlgError, lambda: np.linalg.cholesky(-np.eye(3)))


def more(rng):
    golden = GoldenFile("more")
    creation(golden)
    for dtype in FLOATS:
        statistics(golden, rng, dtype)
    for dtype in INTEGERS:
        counting(golden, rng, dtype)
    for dtype in ["float64", "float32", "float16", "int64", "int8", "uint32", "bool"]:
        shapes(golden, rng, dtype)
    for dtype in ["float64", "float32"]:
        products(golden, rng, dtype)
    return golden
