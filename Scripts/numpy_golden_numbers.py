"""What NumPy answers to arithmetic of an array with a Python number, and which numbers it refuses."""

import numpy as np

from golden_file import GoldenFile
from numpy_golden_indexing import refused
from numpy_golden_values import ALL, FLOATS, special

# Name: function of the array and the number, and whether only floats have it.
OPERATIONS = {
    "add_number": (lambda x, number: x + number, False), "number_subtract": (lambda x, number: number - x, False),
    "multiply_number": (lambda x, number: x * number, False), "divide_number": (lambda x, number: x / number, True),
    "less_number": (lambda x, number: x < number, False),
}
NUMBERS = [0, 1, -1, 2, 127, 255, 300, 2**31, 0.1, -2.5, 65519.9, 65520.0, 1e300, float("nan"), float("-inf"), -0.0]


def numbers(_):
    """The number takes the array's type where NumPy agrees (a "weak" number); elsewhere the case says that it widens."""
    golden = GoldenFile("numbers")
    for dtype in ALL:
        x = special(dtype)
        for number in NUMBERS:
            # JSON has no infinities and no NaN, and its readers take -0.0 for the integer 0.
            written = number if np.isfinite(number) and str(number) != "-0.0" else str(number)
            for name, (function, of_floats) in OPERATIONS.items():
                if of_floats and dtype not in FLOATS:
                    continue
                attributes = {"number": written}
                # Python's integers are compared exactly, whatever the type of the others.
                fits = dtype in FLOATS or isinstance(number, float) or dtype == "bool" or (
                    np.iinfo(dtype).min <= number <= np.iinfo(dtype).max)
                if fits:
                    answer = function(x, number)
                    widens = np.result_type(x, number) != x.dtype or dtype == "bool"
                    golden.case(
                        f"{dtype} {number}", name, [x], [answer], {**attributes, **({"widens": True} if widens else {})},
                        tolerance=0)
                elif name != "less_number":
                    refused(
                        golden, f"{dtype} {number}", name, [x], attributes, "valueOutOfRange", OverflowError,
                        lambda: function(x, number))
    return golden
