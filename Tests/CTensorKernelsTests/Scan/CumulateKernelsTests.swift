import CTensorKernels
import Testing

@Suite struct CumulateKernelsTests {
    /// What the kernel gives for `[outer, count, inner]` elements.
    private static func cumulate<Element: BitwiseCopyable>(
        _ cumulation: mw_cumulation, _ dtype: mw_dtype, _ a: [Element], outer: Int, inner: Int, on path: KernelPath
    ) -> [Element] {
        var out = a
        // Both arrays have outer · count · inner elements.
        unsafe path.kernels.scan.cumulate(cumulation, dtype, outer, a.count / outer / inner, inner, &out, a)
        return out
    }

    @Test("every path carries the same bits, along rows and columns", arguments: KernelPath.all)
    func pathsAgree(path: KernelPath) {
        var values = SeededValues(seed: 71)
        let floats = values.floats(2 * 9 * 300)
        let halves = floats.map { Float16($0).bitPattern }
        let integers = values.integers(floats.count)
        for cumulation in [
            MW_CUMULATE_SUM, MW_CUMULATE_PRODUCT, MW_CUMULATE_MAXIMUM, MW_CUMULATE_MINIMUM, MW_CUMULATE_LOG_SUM_EXP,
        ] {
            for (outer, inner) in [(1, 1), (2, 1), (2, 300), (18, 5)] {
                func run<Element: BitwiseCopyable>(_ a: [Element], _ dtype: mw_dtype, _ path: KernelPath) -> [Element] {
                    Self.cumulate(cumulation, dtype, a, outer: outer, inner: inner, on: path)
                }
                #expect(
                    comparableBits(run(floats, MW_DTYPE_F32, path))
                        == comparableBits(run(floats, MW_DTYPE_F32, .scalar)), "seed 71")
                #expect(run(halves, MW_DTYPE_F16, path) == run(halves, MW_DTYPE_F16, .scalar), "seed 71")
                if cumulation != MW_CUMULATE_LOG_SUM_EXP {
                    #expect(run(integers, MW_DTYPE_I32, path) == run(integers, MW_DTYPE_I32, .scalar), "seed 71")
                }
            }
        }
    }

    @Test("what is carried may take the elements' place", arguments: KernelPath.all)
    func inPlace(path: KernelPath) {
        let a = (1...12).map { Float($0) }
        for inner in [1, 3] {
            let expected = Self.cumulate(MW_CUMULATE_SUM, MW_DTYPE_F32, a, outer: 1, inner: inner, on: path)
            var inPlace = a
            unsafe inPlace.withUnsafeMutableBufferPointer { buffer in
                // In-place use, which the kernel allows.
                unsafe path.kernels.scan.cumulate(
                    MW_CUMULATE_SUM, MW_DTYPE_F32, 1, 12 / inner, inner, buffer.baseAddress!, buffer.baseAddress!)
            }
            #expect(inPlace == expected)
        }
        #expect(Self.cumulate(MW_CUMULATE_SUM, MW_DTYPE_F32, a, outer: 1, inner: 1, on: path)[11] == 78)
    }
}
