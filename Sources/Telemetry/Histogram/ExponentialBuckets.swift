/// The buckets of OpenTelemetry's exponential histogram and Prometheus' native one at scale 4, in seconds.
///
/// Bucket `i` holds `(b^i, b^(i+1)]` with `b = 2^(1/16)`: 16 buckets to the octave, each 4.4 % wide, upper bound
/// included. Prometheus counts the same buckets from one more (its bucket `i` ends at `b^i`). 1 ns is in bucket -479, 1
/// s in -1, 2 s in 15, 60 s in 94.
enum ExponentialBuckets {
    /// log2 of the number of buckets in an octave.
    static let scale = 4
    /// The buckets in `(2^n, 2^(n+1)]`.
    static let perOctave = 1 << scale
    /// The octaves that are kept apart: from 2^-30 s (0.93 ns) to 2^12 s (68 minutes).
    static let octaves = -30..<12
    /// How many buckets that makes.
    static let count = octaves.count * perOctave

    /// The fraction bits of 2^(k/16), rounded down: a double in [1, 2) is above 2^(k/16) if and only if its fraction is
    /// above these. The last entry is above every fraction.
    static let boundaries: [UInt64] = [
        0x0_0000_0000_0000, 0x0_B558_6CF9_890F, 0x1_72B8_3C7D_517A, 0x2_387A_6E75_6238, 0x3_06FE_0A31_B715,
        0x3_DEA6_4C12_3422, 0x4_BFDA_D536_2A27, 0x5_AB07_DD48_5429, 0x6_A09E_667F_3BCC, 0x7_A114_73EB_0186,
        0x8_ACE5_422A_A0DB, 0x9_C491_82A3_F090, 0xA_E89F_995A_D3AD, 0xC_199B_DD85_529C, 0xD_5818_DCFB_A487,
        0xE_A4AF_A2A4_90D9, 0xF_FFFF_FFFF_FFFF,
    ]

    /// For each value of a fraction's top five bits, how many boundaries are below all doubles that begin so. A
    /// boundary is at least 1/23 above the one before, so that no more than one lies among the doubles of one entry,
    /// 1/32 wide: one comparison decides.
    /// Written out, since a table that is computed is looked for each time that it is used.
    static let boundariesBelow: [UInt8] = [
        0, 1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 15, 16, 16,
    ]

    /// The bucket of a positive normal number of seconds, exact at every double: `ceil(16 log2(seconds)) - 1`.
    @inline(__always)
    static func index(ofSeconds seconds: Double) -> Int {
        let bits = seconds.bitPattern
        let exponent = Int(bits >> 52 & 0x7FF) - 1_023
        let fraction = bits & (1 << 52 - 1)
        let below = Int(boundariesBelow[Int(fraction >> 47)])
        return exponent &<< scale &+ below &+ (fraction > boundaries[below] ? 1 : 0) &- 1
    }

    /// The place of a duration among ``count`` buckets from 0; nil is above the last.
    ///
    /// Multiplied, not divided, which takes a third of the time: the product may be off by its last bit, and no whole
    /// number of nanoseconds is so close to a bound that it matters. At powers of two, which whole numbers reach, the
    /// product is exact, since that of 10^9 and the double nearest to 10^-9 is.
    @inline(__always)
    static func position(ofNanoseconds nanoseconds: UInt64) -> Int? {
        guard nanoseconds <= 4_096_000_000_000 else { return nil }
        // Nothing but 0 is at most 2^-30 s.
        guard nanoseconds > 0 else { return 0 }
        return index(ofSeconds: Double(nanoseconds) * 1e-9) &- octaves.lowerBound &* perOctave
    }

    /// The upper bound of the bucket at a place, in seconds, correctly rounded down.
    static func upperBound(at position: Int) -> Double {
        lowerBound(at: position + 1)
    }

    /// The lower bound of the bucket at a place, in seconds, correctly rounded down.
    static func lowerBound(at position: Int) -> Double {
        let (octave, step) = (position / perOctave + octaves.lowerBound, position % perOctave)
        return Double(sign: .plus, exponent: octave, significand: Double(bitPattern: 0x3FF << 52 | boundaries[step]))
    }
}
