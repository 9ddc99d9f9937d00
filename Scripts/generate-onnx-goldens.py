#!/usr/bin/env python3
"""Turns ONNX's node tests into golden data for the tests: Tests/TensorFilesTests/Goldens/ONNX/OPERATOR.npz.

Usage: python3 Scripts/generate-onnx-goldens.py [--pip] [FOLDER]

Needs a Python with numpy, ml_dtypes and onnx, and takes the node tests from it; release 1.16.2 is what is committed.
--pip first makes an environment in .build/onnx with these and runs there.

A node test is a model of one operator, its inputs and the outputs that ONNX's reference gives. One file an operator of the
list below holds all of its tests: the inputs and outputs as arrays, the attributes as JSON. A function's test, expanded into
several operators, is a graph of these. What is left out is told with
the reason in left-out.json, so that nothing is missing without a word.
"""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ["onnx==1.16.2", "numpy>=1.26,<3", "ml-dtypes>=0.4,<1"]

# The operators that the tensor library has, or is to have.
OPERATORS = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd
    BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Col2Im Compress Concat ConstantOfShape Conv ConvTranspose Cos Cosh
    CumSum DepthToSpace Det Div Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gelu
    Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity
    InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpPool MatMul Max MaxPool
    Mean MeanVarianceNormalization Min Mish Mod Mul Neg NegativeLogLikelihoodLoss NonZero Not OneHot Or PRelu Pad Pow Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice
    Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile
    TopK Transpose Trilu Unique Unsqueeze Where Xor
""".split()

# The file of the functions whose tests are given again as graphs of simpler operators.
EXPANDED = "expanded-functions"

# No test of these shows more than its smaller siblings do.
MOST_BYTES = 64 << 10


class LeftOut(Exception):
    """Why a test is not golden data."""


def array(tensor):
    import onnx
    from onnx import numpy_helper

    from golden_file import BFLOAT16

    kinds = onnx.TensorProto
    if tensor.data_type == kinds.STRING:
        raise LeftOut("strings are no element type")
    if tensor.data_type == kinds.BFLOAT16:
        # The helper widens it.
        return numpy_helper.to_array(tensor).astype(BFLOAT16)
    value = numpy_helper.to_array(tensor)
    name = onnx.helper.tensor_dtype_to_string(tensor.data_type).removeprefix("TensorProto.")
    if name.startswith("FLOAT8") or name in ("INT4", "UINT4") or value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
        raise LeftOut(f"{name} is no element type of the library")
    return value


def attribute(golden, value):
    import onnx

    kinds = onnx.AttributeProto
    if value.type == kinds.FLOAT:
        # JSON has no infinity.
        return value.f if abs(value.f) < float("inf") else str(value.f)
    if value.type == kinds.INT:
        return value.i
    if value.type == kinds.STRING:
        return value.s.decode()
    if value.type == kinds.FLOATS:
        return list(value.floats)
    if value.type == kinds.INTS:
        return list(value.ints)
    if value.type == kinds.TENSOR:
        return {"array": golden.array(array(value.t))}
    raise LeftOut("it has an attribute that is a graph or a list of strings")


def convert(folder, goldens):
    import onnx

    from golden_file import GoldenFile

    model = onnx.load(folder / "model.onnx")
    nodes = model.graph.node
    known = OPERATORS if len(nodes) == 1 else [*OPERATORS, "Constant"]
    if any(node.domain not in ("", "ai.onnx") or node.op_type not in known for node in nodes):
        raise LeftOut(
            "the operator is outside the scope" if len(nodes) == 1
            else "a function, expanded into operators of which one is outside the scope")
    data = folder / "test_data_set_0"
    if sum(path.stat().st_size for path in data.iterdir()) > MOST_BYTES:
        raise LeftOut(f"more than {MOST_BYTES >> 10} KiB of data")
    if model.graph.initializer:
        raise LeftOut("it has initializers")

    def read(kind, declared):
        values = {}
        for index, value in enumerate(declared):
            if not value.type.HasField("tensor_type"):
                raise LeftOut("sequences and optional values are no tensors")
            tensor = onnx.TensorProto()
            tensor.ParseFromString((data / f"{kind}_{index}.pb").read_bytes())
            values[value.name] = array(tensor)
        return values

    given, expected = read("input", model.graph.input), read("output", model.graph.output)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if len(nodes) > 1:
        golden = goldens.setdefault(EXPANDED, GoldenFile(EXPANDED))
        steps = [{
            "operation": node.op_type,
            "inputs": [name or None for name in node.input],
            "outputs": list(node.output),
            "attributes": {value.name: attribute(golden, value) for value in node.attribute},
        } for node in nodes]
        golden.case(
            folder.name, "expanded functions", list(given.values()), list(expected.values()), opset=opset,
            graph={"inputs": list(given), "outputs": list(expected), "nodes": steps})
        return
    node = nodes[0]
    golden = goldens.setdefault(node.op_type, GoldenFile(node.op_type))
    attributes = {value.name: attribute(golden, value) for value in node.attribute}
    golden.case(
        folder.name, node.op_type, [given[name] if name else None for name in node.input],
        [expected[name] for name in node.output if name], attributes, opset=opset)


def main(folder) -> None:
    import onnx

    source = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    goldens, left_out = {}, collections.defaultdict(list)
    tests = sorted(path for path in source.iterdir() if path.is_dir())
    for test in tests:
        try:
            convert(test, goldens)
        except LeftOut as reason:
            left_out[str(reason)].append(test.name)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.npz"):
        path.unlink()
    total = sum(golden.write(folder) for golden in goldens.values() if golden.cases)
    (folder / "left-out.json").write_text(json.dumps(left_out, indent=1, sort_keys=True) + "\n")
    cases = sum(len(golden.cases) for golden in goldens.values())
    print(f"ONNX {onnx.__version__}: {len(tests)} node tests, {cases} kept in {len(goldens)} files of {total} bytes")
    for reason, names in sorted(left_out.items()):
        print(f"left out, {reason}: {len(names)}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--help" in arguments or "-h" in arguments or len([a for a in arguments if a != "--pip"]) > 1:
        print(__doc__)
        sys.exit(0 if "--help" in arguments or "-h" in arguments else 64)
    if "--pip" in arguments:
        environment = ROOT / ".build/onnx"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        python = environment / "bin/python3"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True)
        sys.exit(subprocess.run([python, "-B", __file__, *(a for a in arguments if a != "--pip")]).returncode)
    main(pathlib.Path(arguments[0]) if arguments else ROOT / "Tests/TensorFilesTests/Goldens/ONNX")
