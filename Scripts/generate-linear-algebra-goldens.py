#!/usr/bin/env python3
"""Writes what NumPy answers for hard matrices and for einsum: Tests/Goldens/linear-algebra.safetensors and einsum.safetensors.

Usage: Scripts/generate-linear-algebra-goldens.py

The tests read the committed files; run this again (NumPy 2) after changing a case. Names are CASE/WHAT: the matrix itself is
CASE/matrix, an einsum case is EXPRESSION/result with EXPRESSION/0, EXPRESSION/1, … for its operands.
"""

import json
import pathlib
import sys

import numpy as np

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "Tests/Goldens"
TYPES = {"float64": "F64", "float32": "F32", "int64": "I64"}


def write(name: str, arrays: dict[str, np.ndarray]) -> None:
    header, data = {}, b""
    for key, array in arrays.items():
        array = np.asarray(array)
        begin, data = len(data), data + np.ascontiguousarray(array).tobytes()
        header[key] = {"dtype": TYPES[array.dtype.name], "shape": array.shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    GOLDENS.mkdir(exist_ok=True)
    (GOLDENS / name).write_bytes(len(text).to_bytes(8, "little") + text + data)
    print(f"{name}: {len(arrays)} arrays, {8 + len(text) + len(data)} bytes")


def hard_matrices(random: np.random.Generator) -> dict[str, np.ndarray]:
    def orthogonal(n: int) -> np.ndarray:
        return np.linalg.qr(random.standard_normal((n, n)))[0]

    def with_singular_values(values: np.ndarray, m: int, n: int) -> np.ndarray:
        k = len(values)
        return (orthogonal(m)[:, :k] * values) @ orthogonal(n)[:k]

    index = np.arange(8)
    clustered = orthogonal(10)
    wilkinson = np.diag(np.abs(np.arange(21) - 10.0)) + np.diag(np.ones(20), 1) + np.diag(np.ones(20), -1)
    return {
        "well conditioned": random.standard_normal((6, 6)) + 6 * np.eye(6),
        "hilbert": 1 / (index[:, None] + index[None, :] + 1.0),
        "vandermonde": np.vander(np.linspace(0.1, 2, 8)),
        "graded diagonal": np.diag(10.0 ** -np.arange(0, 160, 20)) + np.diag(10.0 ** -np.arange(5, 145, 20), 1),
        "rank two": random.standard_normal((7, 2)) @ random.standard_normal((2, 5)),
        "zero": np.zeros((3, 4)),
        "clustered": (clustered * (1 + 1e-13 * random.standard_normal(10))) @ clustered.T,
        "wilkinson": wilkinson,
        "nearly singular": with_singular_values(np.array([1, 0.5, 0.25, 0.1, 1e-15]), 5, 5),
        "large": 1e150 * random.standard_normal((5, 5)),
        "small": 1e-150 * random.standard_normal((5, 5)),
        "tall": random.standard_normal((9, 4)),
        "wide": random.standard_normal((4, 9)),
        "symmetric indefinite": (lambda a: a + a.T)(random.standard_normal((7, 7))),
        "one": np.array([[-3.0]]),
        "permutation": np.eye(6)[[2, 0, 1, 5, 3, 4]],
    }


def linear_algebra() -> None:
    random = np.random.default_rng(6)
    arrays = {}
    for name, a in hard_matrices(random).items():
        square = a.shape[0] == a.shape[1]
        arrays[f"{name}/matrix"] = a
        arrays[f"{name}/singularValues"] = np.linalg.svd(a, compute_uv=False)
        arrays[f"{name}/rank"] = np.asarray(np.linalg.matrix_rank(a), dtype=np.int64)
        arrays[f"{name}/r"] = np.linalg.qr(a)[1]
        with np.errstate(over="ignore", divide="ignore"):
            # NumPy squares without scaling: its Frobenius norms are those of the scaled matrix.
            largest = np.abs(a).max() or 1.0
            arrays[f"{name}/frobenius"] = np.asarray(np.linalg.norm(a / largest, "fro") * largest)
            arrays[f"{name}/nuclear"] = np.asarray(np.linalg.norm(a, "nuc"))
            arrays[f"{name}/one"] = np.asarray(np.linalg.norm(a, 1))
            arrays[f"{name}/infinity"] = np.asarray(np.linalg.norm(a, np.inf))
            arrays[f"{name}/spectral"] = np.asarray(np.linalg.norm(a, 2))
            arrays[f"{name}/minusOne"] = np.asarray(np.linalg.norm(a, -1))
            arrays[f"{name}/minusInfinity"] = np.asarray(np.linalg.norm(a, -np.inf))
            arrays[f"{name}/minusTwo"] = np.asarray(np.linalg.norm(a, -2))
        tolerance = 1e-10
        arrays[f"{name}/pseudoInverse"] = np.linalg.pinv(a, rcond=tolerance)
        b = random.standard_normal((a.shape[0], 2))
        arrays[f"{name}/values"] = b
        arrays[f"{name}/leastSquares"] = np.linalg.lstsq(a, b, rcond=tolerance)[0]
        if square:
            sign, logarithm = np.linalg.slogdet(a)
            arrays[f"{name}/sign"] = np.asarray(sign)
            arrays[f"{name}/logarithm"] = np.asarray(logarithm)
            symmetric = np.tril(a) + np.tril(a, -1).T
            arrays[f"{name}/eigenvalues"] = np.linalg.eigvalsh(symmetric)
            if name != "zero":
                arrays[f"{name}/solution"] = np.linalg.solve(a, b)
    write("linear-algebra.safetensors", arrays)


def einsum() -> None:
    random = np.random.default_rng(7)
    cases = {
        "ij,jk->ik": [(3, 4), (4, 5)],
        "ij,jk->ki": [(3, 4), (4, 5)],
        "ij,jk": [(3, 4), (4, 5)],
        "ba,ca": [(3, 4), (5, 4)],
        "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
        "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
        "bqhd,bkhd->bhqk": [(2, 4, 3, 5), (2, 6, 3, 5)],
        "i,i->": [(6,), (6,)],
        "i,i->i": [(6,), (6,)],
        "i,j->ij": [(3,), (4,)],
        "i,j->ji": [(3,), (4,)],
        "ij->ji": [(3, 4)],
        "ij->": [(3, 4)],
        "ij->j": [(3, 4)],
        "ba": [(3, 4)],
        "ii": [(4, 4)],
        "ii->i": [(4, 4)],
        "iij->j": [(3, 3, 4)],
        "iji->ij": [(3, 4, 3)],
        "iijj->ij": [(3, 3, 2, 2)],
        "iii->i": [(3, 3, 3)],
        "ii,i->": [(4, 4), (4,)],
        "ij,ij->ij": [(3, 4), (3, 4)],
        "ij,ji->": [(3, 4), (4, 3)],
        "...ij,...jk->...ik": [(2, 1, 3, 4), (5, 4, 2)],
        "...ij,jk": [(2, 3, 4), (4, 5)],
        "i...,i...->...": [(3, 2, 4), (3, 1, 4)],
        "...->...": [(2, 3)],
        "...i->i...": [(2, 3, 4)],
        "a...b,b->...a": [(2, 3, 4, 5), (5,)],
        "ij,jk,kl->il": [(3, 4), (4, 5), (5, 2)],
        "ij,jk,kl,lm->im": [(2, 6), (6, 3), (3, 5), (5, 2)],
        "ai,bi,ci,di->abcd": [(2, 5), (3, 5), (2, 5), (3, 5)],
        "i,ij,j->": [(3,), (3, 4), (4,)],
        "abc,cd,bd->a": [(2, 3, 4), (4, 5), (3, 5)],
        "ijk,il,jm,kn->lmn": [(2, 3, 4), (2, 3), (3, 2), (4, 2)],
        "ij,kl->ijkl": [(2, 3), (4, 2)],
        "ij,kl->": [(2, 3), (4, 2)],
        "ij,j->i": [(3, 4), (4,)],
        "i,ij->j": [(3,), (3, 4)],
        "ij,jk->ik ": [(3, 1), (4, 5)],
        "Ab,bC->AC": [(3, 4), (4, 5)],
        "Zb,ba": [(3, 4), (4, 5)],
        ",ij->ij": [(), (2, 3)],
        "->": [()],
        "ij,jk->ik  ": [(0, 4), (4, 5)],
        "ij,jk->ik   ": [(3, 0), (0, 5)],
        "abcdefgh->hgfedcba": [(1, 2, 1, 2, 1, 2, 1, 2)],
        "abcdefg,abcdefg->g": [(1, 2, 1, 2, 1, 2, 3), (1, 2, 1, 2, 1, 2, 3)],
        "abcdefgi,abcdefgj->abcdefg": [(1, 2, 1, 2, 1, 2, 1, 3), (1, 2, 1, 2, 1, 2, 1, 2)],
    }
    arrays = {}
    for expression, shapes in cases.items():
        operands = [np.asarray(random.integers(-3, 4, shape), dtype=np.float32) for shape in shapes]
        for index, operand in enumerate(operands):
            arrays[f"{expression}/{index}"] = operand
        arrays[f"{expression}/result"] = np.asarray(np.einsum(expression.replace(" ", ""), *operands), dtype=np.float32)
    write("einsum.safetensors", arrays)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(__doc__)
        sys.exit(0 if sys.argv[1] in ("-h", "--help") else 64)
    linear_algebra()
    einsum()
