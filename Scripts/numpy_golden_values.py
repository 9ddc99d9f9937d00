"""What the families of NumPy's golden data have in common: types, values, views."""

import numpy as np

FLOATS = ["float64", "float32", "float16"]
SIGNED = ["int64", "int32", "int16", "int8"]
UNSIGNED = ["uint64", "uint32", "uint16", "uint8"]
INTEGERS = SIGNED + UNSIGNED
ALL = FLOATS + INTEGERS + ["bool"]
# Of a result whose operations round more than once.
ROUNDING = {"float64": 1e-14, "float32": 2e-6, "float16": 2e-3}
# Of a function of one operand: two units in the last place, one of float16, whose functions are rounded from wider ones.
TWO_UNITS = {"float64": 2**-51, "float32": 2**-22, "float16": 2**-10}


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


def exactly(function, dtype, *operands):
    """A function's answer in float64, rounded once: what the best function of a narrower type would give."""
    wide = [x.astype("float64") if x.dtype.kind == "f" else x for x in operands]
    return np.asarray(function(*wide)).astype(dtype)
