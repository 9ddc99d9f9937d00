#!/usr/bin/env python3
"""A library of arrays, beside which tensors are measured: PyTorch, or NumPy with its OpenBLAS.

It prints a line of JSON about itself, then answers each line of "case sizes repetitions" (sizes joined by commas) with
one of JSON: the best and the median nanoseconds of a call. A case that the library has not is answered with an error.
It ends with its input."""

import argparse
import json
import os
import statistics
import sys
import time

# How many batches the calls of one line are timed in, at most.
BATCHES = 9


def timed(call, repetitions, clock):
    """What a call took by a clock, in the best and in the middle batch. The caller's own loop is in it."""
    call()
    batches = min(BATCHES, repetitions)
    times = []
    for _ in range(batches):
        start = clock()
        for _ in range(repetitions // batches):
            call()
        times.append((clock() - start) / (repetitions // batches))
    return {"best": min(times), "median": statistics.median(times)}


class Torch:
    """The cases of PyTorch."""

    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch = torch
        self.name = f"PyTorch {torch.__version__.split('+')[0]}"

    def values(self, *shape, dtype=None):
        return (self.torch.rand(*shape) - 0.5).to(dtype or self.torch.float32)

    def product(self, m, n, k, dtype):
        a, b = self.values(m, k, dtype=dtype), self.values(k, n, dtype=dtype)
        c = self.values(m, n, dtype=dtype)
        return lambda: self.torch.mm(a, b, out=c)

    def gemm_f32(self, m, n, k):
        return self.product(m, n, k, self.torch.float32)

    def gemm_f64(self, m, n, k):
        return self.product(m, n, k, self.torch.float64)

    def gemm_bf16(self, m, n, k):
        return self.product(m, n, k, self.torch.bfloat16)

    def elementwise(self, function, *operands):
        out = self.torch.empty_like(operands[0])
        return lambda: function(*operands, out=out)

    def normal(self, *shape):
        return self.torch.randn(*shape)

    def add(self, count):
        return self.elementwise(self.torch.add, self.normal(count), self.normal(count))

    def multiply(self, count):
        return self.elementwise(self.torch.mul, self.normal(count), self.normal(count))

    def sum(self, count):
        a = self.normal(count)
        return lambda: self.torch.sum(a)

    def exp(self, count):
        return self.elementwise(self.torch.exp, self.normal(count))

    def log(self, count):
        return self.elementwise(self.torch.log, self.normal(count).abs())

    def erf(self, count):
        return self.elementwise(self.torch.erf, self.normal(count))

    def sin(self, count):
        return self.elementwise(self.torch.sin, self.normal(count))

    def tanh(self, count):
        return self.elementwise(self.torch.tanh, self.normal(count))

    def sigmoid(self, count):
        return self.elementwise(self.torch.sigmoid, self.normal(count))

    # Only these names of what follows take a place for the result.
    def silu(self, count):
        return self.elementwise(self.torch.ops.aten.silu.out, self.normal(count))

    def gelu(self, count):
        return self.elementwise(self.torch.ops.aten.gelu.out, self.normal(count))

    def softmax(self, rows, columns):
        a = self.normal(rows, columns)
        out = self.torch.empty_like(a)
        return lambda: self.torch.softmax(a, -1, out=out)

    def layer_norm(self, rows, columns):
        a, weight, bias = self.normal(rows, columns), self.normal(columns), self.normal(columns)
        out, mean, scale = self.torch.empty_like(a), self.torch.empty(rows, 1), self.torch.empty(rows, 1)
        normalize = self.torch.ops.aten.native_layer_norm.out
        return lambda: normalize(a, [columns], weight, bias, 1e-5, out0=out, out1=mean, out2=scale)

    def convolution(self, batch, side, channels, results, memory_format):
        a = self.normal(batch, channels, side, side).contiguous(memory_format=memory_format)
        weight = self.normal(results, channels, 3, 3).contiguous(memory_format=memory_format)
        convolve = self.torch.nn.functional.conv2d
        return lambda: convolve(a, weight, padding=1)

    def convolution_nchw(self, *sizes):
        return self.convolution(*sizes, self.torch.contiguous_format)

    def convolution_nhwc(self, *sizes):
        return self.convolution(*sizes, self.torch.channels_last)

    def fresh_add(self, count):
        a, b = self.normal(count), self.normal(count)
        return lambda: a + b


class NumPy:
    """The cases of NumPy; its products are OpenBLAS's."""

    def __init__(self, threads):
        # Read when the library is loaded; what the environment says of kernels and caches is not this machine's.
        os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            os.environ.pop(name, None)
        import numpy

        self.numpy = numpy
        self.generator = numpy.random.default_rng(1)
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        self.name = f"NumPy {numpy.__version__} ({blas['name']} {blas['version']})"

    def values(self, *shape, dtype=None):
        return (self.generator.random(shape) - 0.5).astype(dtype or self.numpy.float32)

    def product(self, m, n, k, dtype):
        a, b = self.values(m, k, dtype=dtype), self.values(k, n, dtype=dtype)
        c = self.values(m, n, dtype=dtype)
        return lambda: self.numpy.dot(a, b, out=c)

    def gemm_f32(self, m, n, k):
        return self.product(m, n, k, self.numpy.float32)

    def gemm_f64(self, m, n, k):
        return self.product(m, n, k, self.numpy.float64)

    def elementwise(self, function, *operands):
        out = self.numpy.empty_like(operands[0])
        return lambda: function(*operands, out=out)

    def normal(self, *shape):
        return self.generator.standard_normal(shape, dtype=self.numpy.float32)

    def add(self, count):
        return self.elementwise(self.numpy.add, self.normal(count), self.normal(count))

    def multiply(self, count):
        return self.elementwise(self.numpy.multiply, self.normal(count), self.normal(count))

    def sum(self, count):
        a = self.normal(count)
        return lambda: self.numpy.sum(a)

    def exp(self, count):
        return self.elementwise(self.numpy.exp, self.normal(count))

    def log(self, count):
        return self.elementwise(self.numpy.log, self.numpy.abs(self.normal(count)))

    def sin(self, count):
        return self.elementwise(self.numpy.sin, self.normal(count))

    def tanh(self, count):
        return self.elementwise(self.numpy.tanh, self.normal(count))

    def fresh_add(self, count):
        a, b = self.normal(count), self.normal(count)
        return lambda: a + b


LIBRARIES = {"torch": Torch, "numpy": NumPy}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=sorted(LIBRARIES))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    library = LIBRARIES[arguments.library](arguments.threads)
    print(json.dumps({"name": library.name}), flush=True)
    # On one thread the processor's time, in which what other processes do on its cores is not.
    clock = time.process_time_ns if arguments.threads == 1 else time.perf_counter_ns
    calls = {}
    for line in sys.stdin:
        case, sizes, repetitions = line.split()
        make = getattr(library, case.replace("-", "_"), None)
        if make is None:
            print(json.dumps({"error": f"{library.name} has no case {case}"}), flush=True)
            continue
        key = (case, sizes)
        if key not in calls:
            # The operands of one case at a time.
            calls = {key: make(*(int(size) for size in sizes.split(",")))}
        print(json.dumps(timed(calls[key], int(repetitions), clock)), flush=True)


if __name__ == "__main__":
    main()
