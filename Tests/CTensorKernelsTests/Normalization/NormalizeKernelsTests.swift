import CTensorKernels
import Foundation
import Testing

@Suite struct NormalizeKernelsTests {
    @Test(
        "rows have mean 0 and variance 1, times weights plus biases, with the same bits on every path",
        arguments: KernelPath.all, [1, 7, 16, 100, 256, 700, 2100, 17000])
    func layerNorm(path: KernelPath, columns: Int) {
        var values = SeededValues(seed: 3)
        let rows = columns > 10_000 ? 1 : 3
        let input = values.floats(rows * (columns + 2)).map { $0 * 3 + 5 }
        let (weight, bias) = (values.floats(columns), values.floats(columns))
        var shape = mw_rows_to_normalize(
            rows: rows, groups: 1, channels: columns, width: 1, a_row_stride: columns + 2, epsilon: 1e-3)
        var results: [[Float]] = []
        for path in [path, .scalar] {
            var out = [Float](repeating: .nan, count: rows * columns)
            // Rows of `columns`, columns + 2 apart, and as many weights and biases.
            _ = unsafe path.kernels.rows.normalize(
                MW_NORMALIZE_MOMENTS, MW_DTYPE_F32, &shape, &out, input, weight, bias)
            results.append(out)
        }
        #expect(results[0] == results[1])
        for row in 0..<rows {
            let x = input[row * (columns + 2)..<row * (columns + 2) + columns].map(Double.init)
            let mean = x.reduce(0, +) / Double(columns)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            for (column, value) in x.enumerated() {
                let expected =
                    (value - mean) / (variance + 1e-3).squareRoot() * Double(weight[column]) + Double(bias[column])
                let found = Double(results[0][row * columns + column])
                guard abs(found - expected) <= 0x1p-20 * (1 + abs(expected)) else {
                    Issue.record("row \(row), column \(column): \(found), expected \(expected)")
                    return
                }
            }
        }
    }

    @Test("a mean far from 0 costs the variance nothing", arguments: KernelPath.all)
    func farMean(path: KernelPath) {
        // 4096 + {0, 1} alternating: mean 4096.5, deviation ½, exactly.
        let input = (0..<600).map { 4096 + Float($0 % 2) }
        var shape = mw_rows_to_normalize(
            rows: 1, groups: 1, channels: 600, width: 1, a_row_stride: 600, epsilon: 0)
        var out = [Float](repeating: .nan, count: 600)
        // One row of 600.
        _ = unsafe path.kernels.rows.normalize(MW_NORMALIZE_MOMENTS, MW_DTYPE_F32, &shape, &out, input, nil, nil)
        for (index, value) in out.enumerated() { #expect(abs(value - (index % 2 == 0 ? -1 : 1)) < 1e-5) }
    }

    @Test("groups of channels have weights of their own; f64 and f16 agree with f32", arguments: KernelPath.all)
    func groups(path: KernelPath) {
        let (batch, groups, channels, width) = (2, 2, 3, 5)
        var values = SeededValues(seed: 4)
        let input = values.floats(batch * groups * channels * width).map { Float(Float16($0)) }
        let weight = values.floats(groups * channels).map { Float(Float16($0)) }
        let bias = values.floats(groups * channels).map { Float(Float16($0)) }
        var shape = mw_rows_to_normalize(
            rows: batch * groups, groups: groups, channels: channels, width: width, a_row_stride: channels * width,
            epsilon: 1e-5)
        var single = [Float](repeating: .nan, count: input.count)
        var double = [Double](repeating: .nan, count: input.count)
        var half = [Float16](repeating: .nan, count: input.count)
        // Rows of a group's channels, and a weight and a bias for each channel of all groups.
        _ = unsafe path.kernels.rows.normalize(
            MW_NORMALIZE_MOMENTS, MW_DTYPE_F32, &shape, &single, input, weight, bias)
        // As above.
        _ = unsafe path.kernels.rows.normalize(
            MW_NORMALIZE_MOMENTS, MW_DTYPE_F64, &shape, &double, input.map(Double.init), weight.map(Double.init),
            bias.map(Double.init))
        // As above.
        _ = unsafe path.kernels.rows.normalize(
            MW_NORMALIZE_MOMENTS, MW_DTYPE_F16, &shape, &half, input.map { Float16($0) }, weight.map { Float16($0) },
            bias.map { Float16($0) })
        for row in 0..<batch * groups {
            let x = input[row * channels * width..<(row + 1) * channels * width].map(Double.init)
            let mean = x.reduce(0, +) / Double(x.count)
            let scale = 1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count) + 1e-5).squareRoot()
            for (place, value) in x.enumerated() {
                let channel = row % groups * channels + place / width
                let expected = (value - mean) * scale * Double(weight[channel]) + Double(bias[channel])
                let at = row * x.count + place
                #expect(abs(double[at] - expected) < 1e-12)
                #expect(abs(Double(single[at]) - expected) < 1e-5)
                #expect(half[at] == Float16(single[at]))
            }
        }
    }

    @Test("16-bit rows of any length are rounded once from f32", arguments: KernelPath.all, [5, 3000])
    func sixteenBits(path: KernelPath, columns: Int) {
        var values = SeededValues(seed: 6)
        let bits = values.floats(2 * columns).map { UInt16($0.bitPattern >> 16) }
        let wide = bits.map { Float(bitPattern: UInt32($0) << 16) }
        var expected = [Float](repeating: .nan, count: wide.count)
        var found = [UInt16](repeating: 0, count: bits.count)
        // Two rows in both types.
        _ = unsafe path.kernels.rows.softmax(MW_DTYPE_F32, 2, columns, &expected, wide, columns)
        // As above.
        _ = unsafe path.kernels.rows.softmax(MW_DTYPE_BF16, 2, columns, &found, bits, columns)
        let rounded = expected.map { value in
            UInt16(truncatingIfNeeded: (value.bitPattern &+ 0x7fff &+ (value.bitPattern >> 16 & 1)) >> 16)
        }
        #expect(found == rounded)
    }
}
