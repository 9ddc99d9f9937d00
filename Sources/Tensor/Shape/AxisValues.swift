/// One integer for each of at most eight axes, stored inline: the reason why a tensor value allocates nothing for its
/// shape and strides (two more heap objects would double the cost of a small operation).
package struct AxisValues: Sendable {
    /// How many axes fit.
    package static let capacity = 8

    /// A tuple and not an `InlineArray`, which macOS 15 does not have.
    private var slots: (Int, Int, Int, Int, Int, Int, Int, Int)

    /// Eight times `value`.
    package init(repeating value: Int) {
        slots = (value, value, value, value, value, value, value, value)
    }

    /// Values for two axes, and zeros.
    package init(_ first: Int, _ second: Int) {
        slots = (first, second, 0, 0, 0, 0, 0, 0)
    }

    /// The value of `axis`.
    package subscript(axis: Int) -> Int {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: axis) < UInt(Self.capacity))
            // Safe: the tuple is eight Ints in a row, and the index was checked above.
            return unsafe withUnsafePointer(to: slots) { pointer in
                unsafe UnsafeRawPointer(pointer).load(fromByteOffset: axis &* MemoryLayout<Int>.stride, as: Int.self)
            }
        }
        @inline(__always)
        set {
            precondition(UInt(bitPattern: axis) < UInt(Self.capacity))
            // Safe: as above.
            unsafe withUnsafeMutablePointer(to: &slots) { pointer in
                unsafe UnsafeMutableRawPointer(pointer).storeBytes(
                    of: newValue, toByteOffset: axis &* MemoryLayout<Int>.stride, as: Int.self)
            }
        }
    }

    /// Calls `body` with the eight values in a row, for a C kernel that reads as many as there are axes.
    @safe package func withPointer<Result>(_ body: (UnsafePointer<Int>) -> Result) -> Result {
        // Safe: the pointer does not outlive the call, and the tuple is eight Ints in a row.
        unsafe withUnsafePointer(to: slots) { tuple in
            unsafe body(UnsafeRawPointer(tuple).assumingMemoryBound(to: Int.self))
        }
    }
}
