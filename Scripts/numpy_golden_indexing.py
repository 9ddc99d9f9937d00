"""What NumPy answers to subscripts, indices in arrays and masks, reading and writing, and which of them it refuses."""

import numpy as np

from golden_file import GoldenFile
from numpy_golden_values import VIEWS, taken, values

TYPES = ["float64", "float32", "float16", "int64", "int32", "int8", "uint16", "bool"]

# Of an array of [4, 5, 6], one text for each part of the subscript.
SUBSCRIPTS = [
    ["2"], ["-1"], ["..."], ["None", "..."], ["1:3"], ["::-1"], ["1", "2", "3"], ["-4", "-5", "-6"], ["3:0:-1"],
    ["3::-2", "::2"], ["...", "0"], ["0", "...", "-1"], [":", "None", "1:4"], ["...", "None"], ["2:2"], ["4:"],
    ["-3:-1", "-1:-5:-2", "5:0:-5"], ["::3", "4::-1", "1::4"], [":", "-2", "None", "::-1"], ["0:4:4", "0:5:5", "0:6:6"],
    ["1:3", "...", "2:5"], ["None", "0", "None", "0", "None", "0", "None"], ["::-4", "::-5", "::-6"],
]
# With bounds past an end, which NumPy cuts off.
BEYOND = [["1:9"], ["-9:2"], ["9:"], ["7:1:-1"], [":", ":-9"], ["...", "4:7:2"], ["3:1"]]
REFUSED = [["4"], ["-5"], ["0", "0", "6"], ["...", "-7"], ["0", "0", "0", "0"], [":", "5", "None"]]
# Pairs of indices that broadcast, of an array of [4, 5, 6].
TUPLES = [
    ([[0, -1, 2]],), ([[3], [0]], [4, -5]), ([1, 1], [0, 2], [-1, 5]), (2, [0, 0, 4]), (np.zeros((0,), "int64"),),
    ([[[0]], [[-4]]], [[1], [2], [3]], [5, 0]),
]


def key(parts):
    """The subscript that the texts spell."""
    def bound(text):
        return int(text) if text else None

    def one(part):
        if part in ("...", "None"):
            return Ellipsis if part == "..." else None
        return slice(*map(bound, part.split(":"))) if ":" in part else int(part)

    return tuple(one(part) for part in parts)


def refused(golden, name, operation, inputs, attributes, raises, error, function):
    """A case that has no answer: NumPy raises the error, and the library one with the code `raises`."""
    try:
        function()
    except error:
        golden.case(name, operation, inputs, [], {**attributes, "raises": raises}, tolerance=0)
    else:
        raise AssertionError(f"NumPy has an answer to {operation}, {name}")


def subscripts(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for chain in [[], [["transpose", [2, 1, 0]], ["slice", 0, 1, 5, -1]]]:
        x = taken(base, chain)
        for parts in SUBSCRIPTS if not chain else [["1", "::-2"], ["::-1", "...", "2"], ["-1", "None", "3::-3"]]:
            attributes = {"subscript": parts}
            part = x[key(parts)]
            golden.case(f"{dtype} {chain} {parts}", "index", [(base, chain)], [part], attributes, tolerance=0)
            # A value for each element, and one for a row of them.
            for value in [values(rng, part.shape, dtype), values(rng, part.shape[-1:], dtype), values(rng, (), dtype)]:
                written = x.copy()
                written[key(parts)] = value
                golden.case(
                    f"{dtype} {chain} {parts} of {value.shape}", "assign", [(base, chain), value], [written], attributes,
                    tolerance=0)
    for parts in BEYOND:
        golden.case(f"{dtype} {parts}", "index_beyond", [base], [base[key(parts)]], {"subscript": parts}, tolerance=0)
    for parts in REFUSED:
        attributes = {"subscript": parts}
        refused(
            golden, f"{dtype} {parts}", "index", [base], attributes, "indexOutOfRange", IndexError,
            lambda parts=parts: base[key(parts)])
        refused(
            golden, f"{dtype} {parts}", "assign", [base, base[0, 0, 0]], attributes, "indexOutOfRange", IndexError,
            lambda parts=parts: base.copy().__setitem__(key(parts), 0))
    wide = values(rng, (2, 5, 6), dtype)
    refused(
        golden, f"{dtype} too long", "assign", [base, wide], {"subscript": ["0:3"]}, "shapeMismatch", ValueError,
        lambda: base.copy().__setitem__(slice(0, 3), wide))


def places(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for kind in ["int64", "int32"]:
        for chain in [[], VIEWS[0], VIEWS[3], VIEWS[5]]:
            x = taken(base, chain)
            for axis in [0, 1, -1]:
                length = x.shape[axis]
                for shape in [(), (7,), (2, 3), (0,), (2, 0)]:
                    indices = rng.integers(-length, length, shape).astype(kind)
                    golden.case(
                        f"{dtype} {chain} axis {axis} {kind} {shape}", "take", [(base, chain), indices],
                        [np.take(x, indices, axis=axis)], {"axis": axis}, tolerance=0)
                for index in [length, -length - 1, np.iinfo(kind).max, np.iinfo(kind).min]:
                    indices = np.array([0, index], kind)
                    refused(
                        golden, f"{dtype} {chain} axis {axis} {kind} {index}", "take", [(base, chain), indices],
                        {"axis": axis}, "indexOutOfRange", IndexError, lambda: np.take(x, indices, axis=axis))
    for axis in [0, 1, -1]:
        length = base.shape[axis]
        shape = list(base.shape)
        shape[axis] = 3
        # Each place once: which of two writes stays is not said.
        order = np.argsort(rng.random(base.shape), axis=axis).take([0, 1, 2], axis=axis) - length * (axis == 1)
        golden.case(
            f"{dtype} axis {axis}", "take_along_axis", [base, order], [np.take_along_axis(base, order, axis)],
            {"axis": axis}, tolerance=0)
        source, written = values(rng, shape, dtype), base.copy()
        np.put_along_axis(written, order, source, axis)
        golden.case(
            f"{dtype} axis {axis}", "put_along_axis", [base, order, source], [written], {"axis": axis}, tolerance=0)
    wrong = np.full((4, 5, 1), 6)
    refused(
        golden, f"{dtype} 6 of 6", "take_along_axis", [base, wrong], {"axis": 2}, "indexOutOfRange", IndexError,
        lambda: np.take_along_axis(base, wrong, 2))
    refused(
        golden, f"{dtype} 6 of 6", "put_along_axis", [base, wrong, base[:, :, :1]], {"axis": 2}, "indexOutOfRange",
        IndexError, lambda: np.put_along_axis(base.copy(), wrong, base[:, :, :1], 2))


def tuples(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for chain in [[], VIEWS[1], [["slice", 0, 0, 4, -1]]]:
        x = taken(base, chain)
        for number, indices in enumerate(TUPLES):
            arrays = [np.asarray(index, "int64" if number % 2 else "int32") for index in indices]
            golden.case(
                f"{dtype} {chain} {number}", "take_tuples", [(base, chain), *arrays], [x[tuple(arrays)]], tolerance=0)
    # Elements that round nothing when they are added twice.
    small = rng.integers(0, 4, (4, 5, 6)).astype(dtype)
    rows, columns = np.array([[0, 0, -1], [3, 1, 0]]), np.array([1, 1, -5])
    source = rng.integers(0, 4, (2, 3, 6)).astype(dtype)
    if dtype != "bool":
        for mode, function in {
            "add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
        }.items():
            written = small.copy()
            function.at(written, (rows, columns), source)
            golden.case(
                f"{dtype} {mode}", "put_tuples", [small, source, rows, columns], [written], {"mode": mode}, tolerance=0)
            written, order = small.copy(), np.array([3, 0, -1, 3])
            function.at(written, order, small)
            golden.case(
                f"{dtype} {mode}", "put_slices", [small, order, small], [written], {"axis": 0, "mode": mode},
                tolerance=0)
    written, order = small.copy(), np.array([4, 0, -2])
    written[:, order] = source[:1, :1, :1]
    golden.case(
        f"{dtype} one value", "put_slices", [small, order, source[:1, :1, :1]], [written], {"axis": 1, "mode": "set"},
        tolerance=0)
    written = small.copy()
    written[order[:2] - 1, order[1:]] = source[0, :2]
    golden.case(
        f"{dtype} set", "put_tuples", [small, source[0, :2], order[:2] - 1, order[1:]], [written], {"mode": "set"},
        tolerance=0)
    for wrong in [(np.array([4]),), (np.array([0]), np.array([-6])), (np.array([0, 2**40]), np.array([0, 0]))]:
        name = f"{dtype} {[index.tolist() for index in wrong]}"
        refused(
            golden, name, "take_tuples", [base, *wrong], {}, "indexOutOfRange", IndexError, lambda wrong=wrong: base[wrong])
        refused(
            golden, name, "put_tuples", [base, base[0, 0, 0], *wrong], {}, "indexOutOfRange", IndexError,
            lambda wrong=wrong: base.copy().__setitem__(wrong, base[0, 0, 0]))
    ragged = (np.array([0, 1]), np.array([0, 1, 2]))
    refused(
        golden, f"{dtype} ragged", "take_tuples", [base, *ragged], {}, "shapeMismatch", IndexError, lambda: base[ragged])


def masks(golden, rng, dtype):
    base = values(rng, (4, 5, 6), dtype)
    for chain in [[], VIEWS[0], VIEWS[2], VIEWS[4]]:
        x = taken(base, chain)
        for rank in [3, 2, 1]:
            for name, mask in {
                "some": values(rng, x.shape[:rank], "bool"), "none": np.zeros(x.shape[:rank], bool),
                "all": np.ones(x.shape[:rank], bool),
            }.items():
                golden.case(
                    f"{dtype} {chain} {name} of {rank}", "masked_select", [(base, chain), mask], [x[mask]], tolerance=0)
                for value in [values(rng, x[mask].shape, dtype), values(rng, (), dtype)]:
                    written = x.copy()
                    written[mask] = value
                    golden.case(
                        f"{dtype} {chain} {name} of {rank}, {value.shape}", "masked_assign", [(base, chain), mask, value],
                        [written], tolerance=0)
        golden.case(f"{dtype} {chain}", "nonzero", [(base, chain)], [np.argwhere(x)], tolerance=0)
    scalar = values(rng, (), dtype)
    golden.case(
        f"{dtype} of no axes, true", "masked_select", [scalar, np.array(True)], [scalar[np.array(True)]], tolerance=0)
    golden.case(
        f"{dtype} of no axes, false", "masked_select", [scalar, np.array(False)], [scalar[np.array(False)]],
        tolerance=0)
    for shape in [(5,), (4, 6), (4, 5, 1)]:
        mask = np.ones(shape, bool)
        refused(
            golden, f"{dtype} {shape}", "masked_select", [base, mask], {}, "shapeMismatch", IndexError, lambda: base[mask])
    mask = np.ones((4, 5, 6), bool)
    refused(
        golden, f"{dtype} 7 values", "masked_assign", [base, mask, base.reshape(-1)[:7]], {}, "shapeMismatch", ValueError,
        lambda: base.copy().__setitem__(mask, base.reshape(-1)[:7]))


def indexing(rng):
    """Every way to name elements, in a type of each width and kind."""
    golden = GoldenFile("indexing")
    for dtype in TYPES:
        for part in [subscripts, places, tuples, masks]:
            part(golden, rng, dtype)
    return golden
