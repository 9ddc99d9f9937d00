public import MeshWire
import Optimizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Smaller steps by gradients that are stale: the learning rate of a push is divided by
/// `(1 + max(0, staleness − threshold))ᵖ`.
///
/// ```swift
/// table.damping = try StalenessDamping(threshold: 2)
/// ```
/// Staleness is that of ``PushReport/Acknowledgement/staleness``: the pushes of others that the partition applied
/// between the pull and the push. A power of 1 without a threshold is the rule of Zhang et al., "Staleness-aware
/// Async-SGD for Distributed Deep Learning", IJCAI 2016. The rate is worked out by the partition's head and logged with
/// the push, so that whoever executes it again takes the same step.
public struct StalenessDamping: Sendable, Hashable {
    /// The p of the formula; above 0.
    public let power: Double
    /// So much staleness changes nothing.
    public let threshold: UInt64

    /// Damping by this formula.
    ///
    /// - Parameters:
    ///   - power: default 1, in proportion to what is above the threshold.
    ///   - threshold: default 0, every staleness counts.
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` for a power that is not a finite number above 0.
    public init(power: Double = 1, threshold: UInt64 = 0) throws(ParameterServerError) {
        guard power > 0, power.isFinite else {
            throw ParameterServerError(
                .invalidDeclaration, "damping: the power must be a finite number above 0, is \(power)")
        }
        self.power = power
        self.threshold = threshold
    }

    /// What the learning rate is multiplied by.
    func factor(_ staleness: UInt64) -> Double {
        guard staleness > threshold else { return 1 }
        let divisor = 1 + Double(staleness - threshold)
        return power == 1 ? 1 / divisor : 1 / pow(divisor, power)
    }
}

extension StalenessDamping: MeshMessage {
    /// `meshwork.parameters.StalenessDamping`.
    public static let messageName = "meshwork.parameters.StalenessDamping"

    /// Reads damping as it was declared.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var (power, threshold) = (UInt64(0), UInt64(0))
        while let field = try decoder.nextField() {
            switch field {
            case 1: power = try decoder.fixed64()
            case 2: threshold = try decoder.uint64()
            default: break
            }
        }
        do throws(ParameterServerError) {
            try self.init(power: Double(bitPattern: power), threshold: threshold)
        } catch {
            throw WireError(.malformed, error.message)
        }
    }

    /// Writes damping. Equal ones have equal bytes.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.fixed64(1, power.bitPattern)
        encoder.uint64(2, threshold)
    }
}

extension TableDeclaration {
    /// The learning rate of the step that follows `step` steps, by a gradient of this staleness.
    func learningRate(step: Int, staleness: @autoclosure () -> UInt64) -> Float {
        let rate = schedule.learningRate(of: updateRule, step: step)
        guard let damping else { return rate }
        let factor = damping.factor(staleness())
        return factor == 1 ? rate : Float(Double(rate) * factor)
    }
}
