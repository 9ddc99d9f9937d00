import CTensorKernels
import Testing

@Suite struct ScanKernelsTests {
    @Test("the first NaN or infinity is found wherever it is", arguments: KernelPath.all)
    func findsTheFirst(path: KernelPath) {
        for count in [1, 15, 64, 2048, 2049, 5000] {
            for position in [0, count / 3, count - 1] {
                for value: Float in [.nan, -.nan, .infinity, -.infinity, .signalingNaN] {
                    var values = [Float](repeating: .greatestFiniteMagnitude, count: count)
                    values[position] = value
                    values[count - 1] = value
                    // The array has `count` elements.
                    let found = unsafe path.kernels.scan.first_non_finite(MW_DTYPE_F32, values, count)
                    #expect(found == position)
                }
            }
        }
    }

    @Test("finite values pass, subnormal and huge ones too, and so does nothing at all", arguments: KernelPath.all)
    func finiteValuesPass(path: KernelPath) {
        let extremes: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, 1]
        let values = Array(repeatElement(extremes, count: 1000).joined())
        // The array has as many elements as it says.
        let found = unsafe path.kernels.scan.first_non_finite(MW_DTYPE_F32, values, values.count)
        #expect(found == -1)
        // Nothing is read.
        let nothing = unsafe path.kernels.scan.first_non_finite(MW_DTYPE_F32, values, 0)
        #expect(nothing == -1)
    }
}
