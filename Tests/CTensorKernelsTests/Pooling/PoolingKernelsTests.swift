import CTensorKernels
import Testing

@Suite struct PoolingKernelsTests {
    @Test("windows have their maximum, its place and both averages, on every path", arguments: KernelPath.all, 0..<24)
    func windows(path: KernelPath, seed: UInt64) {
        var values = SeededValues(seed: seed)
        func axis(_ isUsed: Bool) -> mw_pooling_axis {
            guard isUsed else {
                return mw_pooling_axis(
                    in: 1, out: 1, kernel: 1, stride: 1, padding: 0, padding_after: 0, dilation: 1)
            }
            let kernel = values.integer(in: 1..<4)
            let length = values.integer(in: kernel..<9)
            let (before, after) = (values.integer(in: 0..<kernel), values.integer(in: 0..<kernel))
            let stride = values.integer(in: 1..<4)
            var windows = (length + before + after - kernel) / stride + 1
            // One that begins inside the input and reaches over its padding, as where a rest is covered.
            if windows * stride - before < length { windows += values.integer(in: 0..<2) }
            return mw_pooling_axis(
                in: length, out: windows, kernel: kernel, stride: stride, padding: before, padding_after: after,
                dilation: 1)
        }
        let rank = values.integer(in: 1..<4)
        var pooling = mw_pooling()
        pooling.batch = 2
        pooling.channels = values.integer(in: 1..<20)
        pooling.axes = (axis(rank > 2), axis(rank > 1), axis(true))
        let isLast = values.integer(in: 0..<2) == 0
        pooling.is_channels_last = isLast
        let (deep, high, wide, channels) = (pooling.axes.0, pooling.axes.1, pooling.axes.2, pooling.channels)
        let places = deep.in * high.in * wide.in
        pooling.in_strides =
            isLast
            ? (places * channels, 1, high.in * wide.in * channels, wide.in * channels, channels)
            : (places * channels, places, high.in * wide.in, wide.in, 1)
        // Few different values, so that maxima are often equal; some NaN.
        let input = (0..<2 * channels * places).map { _ in
            let value = values.integer(in: 0..<12)
            return value == 11 ? Float.nan : Float(value)
        }
        let shape =
            isLast ? [2, deep.out, high.out, wide.out, channels] : [2, channels, deep.out, high.out, wide.out]
        let count = shape.reduce(1, *)
        var maxima = [Float](repeating: 77, count: count)
        var (averages, padded) = (maxima, maxima)
        var maximaF64 = [Double](repeating: 77, count: count)
        var maximaU8 = [UInt8](repeating: 77, count: count)
        var found = [Int32](repeating: -7, count: count)
        // The arrays have the elements that the descriptor speaks of.
        unsafe path.kernels.pooling.pool(MW_POOL_MAXIMUM, MW_DTYPE_F32, &pooling, &maxima, input)
        // As above.
        unsafe path.kernels.pooling.pool(MW_POOL_AVERAGE, MW_DTYPE_F32, &pooling, &averages, input)
        // As above.
        unsafe path.kernels.pooling.pool(MW_POOL_PADDED_AVERAGE, MW_DTYPE_F32, &pooling, &padded, input)
        // As above, in f64.
        unsafe path.kernels.pooling.pool(MW_POOL_MAXIMUM, MW_DTYPE_F64, &pooling, &maximaF64, input.map(Double.init))
        let bytes = input.map { $0.isNaN ? 255 : UInt8($0) }
        // As above, in u8.
        unsafe path.kernels.pooling.pool(MW_POOL_MAXIMUM, MW_DTYPE_U8, &pooling, &maximaU8, bytes)
        // As above.
        unsafe path.kernels.pooling.pool_indices(MW_DTYPE_F32, &pooling, &found, input)

        for (at, index) in indices(of: shape).enumerated() {
            let channel = isLast ? index[4] : index[1]
            let window = isLast ? Array(index[1...3]) : Array(index[2...4])
            var (best, bestPlace, sum, inside, insidePadded) = (-Float.infinity, -1, Float(0), 0, 0)
            for tap in indices(of: [deep.kernel, high.kernel, wide.kernel]) {
                let z = window[0] * deep.stride - deep.padding + tap[0]
                let y = window[1] * high.stride - high.padding + tap[1]
                let x = window[2] * wide.stride - wide.padding + tap[2]
                let isPadded =
                    z < deep.in + deep.padding_after && y < high.in + high.padding_after
                    && x < wide.in + wide.padding_after
                insidePadded += isPadded ? 1 : 0
                guard (0..<deep.in).contains(z), (0..<high.in).contains(y), (0..<wide.in).contains(x) else { continue }
                let (n, c, s2, s3, s4) = pooling.in_strides
                let value = input[index[0] * n + channel * c + z * s2 + y * s3 + x * s4]
                inside += 1
                sum += value
                if bestPlace < 0 || value > best || (value.isNaN && !best.isNaN) {
                    best = value
                    bestPlace = (z * high.in + y) * wide.in + x
                }
            }
            let bits = comparableBits(
                [maxima[at], Float(maximaF64[at]), averages[at], padded[at]])
            let expected = comparableBits(
                [best, best, sum / Float(inside), sum / Float(insidePadded)])
            #expect(bits == expected, "seed \(seed), window \(index)")
            #expect(maximaU8[at] == (best.isNaN ? 255 : UInt8(best)), "seed \(seed), window \(index)")
            #expect(Int(found[at]) == bestPlace, "seed \(seed), window \(index)")
        }
    }

    @Test("an average without padding counts what a last window has inside", arguments: KernelPath.all)
    func windowBeyondTheEnd(path: KernelPath) {
        let one = mw_pooling_axis(in: 1, out: 1, kernel: 1, stride: 1, padding: 0, padding_after: 0, dilation: 1)
        var pooling = mw_pooling(
            batch: 1, channels: 1,
            axes: (
                one, one,
                mw_pooling_axis(in: 5, out: 3, kernel: 2, stride: 2, padding: 0, padding_after: 0, dilation: 1)
            ),
            in_strides: (5, 5, 5, 5, 1), is_channels_last: false)
        let input: [Float] = [1, 2, 3, 4, 5]
        var averages = [Float](repeating: .nan, count: 3)
        // The arrays have the elements that the descriptor speaks of.
        unsafe path.kernels.pooling.pool(MW_POOL_AVERAGE, MW_DTYPE_F32, &pooling, &averages, input)
        #expect(averages == [1.5, 3.5, 5])
    }
}
