import CTensorKernels
import Testing

/// One instruction-set path that this machine has, for tests that run on each.
struct KernelPath: Sendable, CustomTestStringConvertible {
    let isa: mw_isa

    /// The path's table, which lives as long as the process.
    var kernels: mw_kernels {
        // `isa` came from the list of paths that exist.
        unsafe mw_kernels_for(isa)!.pointee
    }

    var testDescription: String {
        // A string literal in C.
        unsafe String(cString: kernels.name)
    }

    static let scalar = KernelPath(isa: MW_ISA_SCALAR)

    /// The paths of this machine whose kernels are their own in every family, the scalar one first. For matrix products
    /// there are more: ``ofProducts``.
    static let all = ofProducts.filter { $0.isa.rawValue <= MW_ISA_AVX512.rawValue }

    /// Every path that this machine has, narrowest first: those beyond AVX-512 differ in products of matrices alone.
    static let ofProducts: [KernelPath] = {
        var paths = [mw_isa](repeating: MW_ISA_SCALAR, count: Int(MW_ISA_COUNT))
        // The array has the room that the function asks for.
        let count = unsafe mw_available_paths(&paths)
        return paths.prefix(count).map { KernelPath(isa: $0) }
    }()
}

/// Values for tests: reproducible from a seed that a failure prints.
struct SeededValues {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform in -1..<1.
    mutating func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(Int32(truncatingIfNeeded: word() >> 40) - (1 << 23)) * 0x1p-23 }
    }

    /// Any bits at all: NaNs, infinities, subnormal and huge numbers among them.
    mutating func anyFloats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: word())) }
    }

    mutating func integers(_ count: Int) -> [Int32] {
        (0..<count).map { _ in Int32(truncatingIfNeeded: word()) }
    }

    mutating func integer(in range: Range<Int>) -> Int {
        range.lowerBound + Int(word() % UInt64(range.count))
    }
}

/// The bits of each value, every NaN as one and the same: a NaN's sign and payload are no part of a kernel's promise.
func comparableBits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
}

/// Strides of a contiguous row-major tensor.
func contiguousStrides(_ shape: [Int]) -> [Int] {
    var strides = shape
    var stride = 1
    for axis in shape.indices.reversed() {
        strides[axis] = stride
        stride *= shape[axis]
    }
    return strides
}

/// Every index of a shape, in row-major order.
func indices(of shape: [Int]) -> [[Int]] {
    shape.reduce(into: [[]]) { result, size in
        result = result.flatMap { prefix in (0..<size).map { prefix + [$0] } }
    }
}
