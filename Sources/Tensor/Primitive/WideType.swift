extension DType {
    /// The type in which what is made of several operations computes: float32 for 16-bit floats, so that these are
    /// rounded once, at the end.
    var wide: DType { isFloatingPoint && byteWidth == 2 ? .float32 : self }
}
