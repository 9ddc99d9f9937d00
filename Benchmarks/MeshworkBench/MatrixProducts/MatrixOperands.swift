/// A product [m, k] · [k, n] that our kernels compute over and over.
struct MatrixOperands<Left: BitwiseCopyable, Right: BitwiseCopyable, Sum: BitwiseCopyable> {
    typealias Kernel = (
        Int, Int, Int, UnsafePointer<Left>, Int, Int, UnsafePointer<Right>, Int, Int, UnsafeMutablePointer<Sum>, Int,
        Bool, Int
    ) -> Void

    let size: MatrixSize
    private let left: AlignedElements<Left>
    private let right: AlignedElements<Right>
    private let sum: AlignedElements<Sum>

    init(_ size: MatrixSize, _ left: Left, _ right: Right, _ sum: Sum) {
        self.size = size
        self.left = AlignedElements(repeating: left, count: size.m * size.k)
        self.right = AlignedElements(repeating: right, count: size.k * size.n)
        self.sum = AlignedElements(repeating: sum, count: size.m * size.n)
    }

    /// Nanoseconds of a call of `kernel`.
    func nanoseconds(_ kernel: Kernel, threads: Int, by clock: StepTimer.Clock) -> Double {
        StepTimer.nanoseconds(size.calls, by: clock) {
            // The blocks have m·k, k·n and m·n elements.
            unsafe kernel(
                size.m, size.n, size.k, left.pointer, size.k, 1, right.pointer, size.n, 1, sum.pointer, size.n, false,
                threads)
        }
    }

    /// Nanoseconds of a read of b in a plain loop, which a product of one row can't be faster than. Where b's elements
    /// are `Float`.
    func nanosecondsOfReading(_ read: (UnsafePointer<Right>, Int) -> Void) -> Double {
        StepTimer.nanoseconds(size.calls, by: .processor) { unsafe read(right.pointer, right.count) }
    }
}

/// The sizes of a product.
struct MatrixSize: CustomStringConvertible {
    var m: Int
    var k: Int
    var n: Int

    var description: String { "\(m)×\(k)×\(n)" }
    var isSquare: Bool { m == n && n == k }

    /// A multiply-add is two.
    var operations: Double { 2 * Double(m) * Double(n) * Double(k) }

    /// Calls that take about 5 ms at 100 GFLOP/s, so that a round of every side is over before the machine changes.
    var calls: Int { max(1, Int(5e8 / operations)) }

    /// GFLOP/s of a call.
    func rate(_ nanoseconds: Double) -> Double { operations / nanoseconds }
}
