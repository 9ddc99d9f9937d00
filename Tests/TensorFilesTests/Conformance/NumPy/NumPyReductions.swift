import Tensor

/// Reductions over axes, what goes along one axis, and normalised rows.
let numPyReductions: [String: GoldenOperation] = [
    "sum": { [try $0.input(0).sum(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "prod": { [try $0.input(0).product(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "mean": { [try $0.input(0).mean(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "max": { [try $0.input(0).max(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "min": { [try $0.input(0).min(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "logsumexp": { [try $0.input(0).logSumExp(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "all": { [try $0.input(0).all(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "any": { [try $0.input(0).any(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "count_nonzero": { [try $0.input(0).countNonzero(axes: $0.reducedAxes, keepsDimensions: $0.isTrue("keepdims"))] },
    "var": { golden in
        let correction = golden.number("correction") ?? 0
        return [
            try golden.input(0).variance(
                axes: golden.reducedAxes, correction: correction, keepsDimensions: golden.isTrue("keepdims"))
        ]
    },
    "std": { golden in
        let correction = golden.number("correction") ?? 0
        return [
            try golden.input(0).standardDeviation(
                axes: golden.reducedAxes, correction: correction, keepsDimensions: golden.isTrue("keepdims"))
        ]
    },
    "sum_as": { golden in
        let dtype = try golden.dtype()
        return [try golden.input(0).sum(axes: golden.reducedAxes, keepsDimensions: false, as: dtype)]
    },
    "prod_as": { golden in
        let dtype = try golden.dtype()
        return [try golden.input(0).product(axes: golden.reducedAxes, keepsDimensions: false, as: dtype)]
    },
    "argmax": { [try $0.input(0).argmax(axis: $0.axis)] },
    "argmin": { [try $0.input(0).argmin(axis: $0.axis)] },
    "cumsum": { [try $0.input(0).cumulativeSum(axis: $0.axis)] },
    "cumprod": { [try $0.input(0).cumulativeProduct(axis: $0.axis)] },
    "maximum_accumulate": { [try $0.input(0).cumulativeMaximum(axis: $0.axis)] },
    "minimum_accumulate": { [try $0.input(0).cumulativeMinimum(axis: $0.axis)] },
    "logaddexp_accumulate": { [try $0.input(0).cumulativeLogSumExp(axis: $0.axis)] },
    "softmax": { [try $0.input(0).softmax(axis: $0.axis)] },
]
