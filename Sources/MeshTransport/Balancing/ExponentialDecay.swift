/// e^(-x), by additions and multiplications alone: the same bits on every machine, so that a simulation's picks are too,
/// and cheaper than the C library's.
enum ExponentialDecay {
    /// e^(-`x`) for `x` of 0 or more, within 3e-7 of its value; 0 from 40 on, 1 below 0.
    static func factor(_ x: Double) -> Double {
        guard x > 0 else { return 1 }
        guard x < 40 else { return 0 }
        // e^(-x) = 2^(-whole) * e^(-rest), with a rest below ln 2.
        let whole = (x * 1.4426950408889634).rounded(.down)
        let rest = x - whole * 0.6931471805599453
        var series = 1.0
        // Taylor's series to the eighth term, by Horner's rule.
        for index in Self.divisors.indices { series = 1 - rest * series * Self.divisors[index] }
        return series * Double(bitPattern: UInt64(1023 - Int(whole)) << 52)
    }

    private static let divisors: InlineArray<8, Double> = [
        1 / 8, 1 / 7, 1 / 6, 1 / 5, 1 / 4, 1 / 3, 1 / 2, 1,
    ]
}
