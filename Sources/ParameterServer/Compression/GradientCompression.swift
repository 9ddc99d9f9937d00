/// How a worker makes the gradients of a parameter smaller before they leave: declared by its client, parameter by
/// parameter.
///
/// ```swift
/// configuration.compression = ["hidden/weight": .topK(fraction: 0.01), "output/weight": .bfloat16]
/// ```
/// What is sent is what is logged, replicated and applied: partitions decode the bytes that arrived, with the same bits
/// everywhere, and a push that is sent again has the same bytes.
///
/// ``topK(fraction:)`` and ``signs`` leave much of a gradient out. What they leave out is kept and added to the next
/// gradient (error feedback: Seide et al., "1-Bit Stochastic Gradient Descent", Interspeech 2014; Stich et al.,
/// "Sparsified SGD with Memory", NeurIPS 2018), so that over time all of it arrives. See
/// ``ParameterClient/compressionResiduals()``.
public enum GradientCompression: Sendable, Hashable {
    /// The upper halves of the floats, rounded to nearest: 2 bytes an element, a relative error of at most 2⁻⁸.
    case bfloat16
    /// IEEE 754 binary16: 2 bytes an element, a relative error of at most 2⁻¹¹ within 6·10⁻⁵ … 65,504. A gradient with
    /// larger elements is refused as one that is not finite.
    case float16
    /// Whole numbers in −127 … 127 with a scale for each row, its largest magnitude: 1 byte an element and 4 a row. An
    /// error of at most 1/254 of that magnitude. Where the last axis has fewer than 64 elements, several rows of a
    /// dense table make one.
    case int8
    /// The elements of the largest magnitude, so many of each partition's (above 0, at most 1; one at least), as they
    /// are: 8 bytes each. With error feedback; dense tables only.
    case topK(fraction: Double)
    /// The signs, with the mean magnitude of each row (as of ``int8``) in place of the values: 1 bit an element and 4
    /// bytes a row. With error feedback; dense tables only.
    case signs

    /// Whether what is left out is kept for the next gradient.
    var hasErrorFeedback: Bool {
        switch self {
        case .bfloat16, .float16, .int8: false
        case .topK, .signs: true
        }
    }

    /// How parameters come that are pulled so; `nil` for what gradients alone can be.
    var pullEncoding: GradientEncoding? {
        switch self {
        case .bfloat16: .bfloat16
        case .float16: .float16
        case .int8, .topK, .signs: nil
        }
    }

    /// What is out of range; `nil` where nothing is.
    var problem: String? {
        guard case .topK(let fraction) = self, !(fraction > 0 && fraction <= 1) else { return nil }
        return "a fraction must be above 0 and at most 1, is \(fraction)"
    }
}
