/// SplitMix64 (Steele, Lea, Flood 2014, figure 15): a generator whose whole sequence is its seed.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// A number whose size in bits is uniform, so that small and large ones are equally likely.
    package mutating func anySize() -> UInt64 { next() >> UInt64.random(in: 0...63, using: &self) }

    /// Random bytes; long runs repeat a block whose length no frame is a multiple of.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        guard count > 251 else { return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
        let block = bytes(251)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + block.count)
        while bytes.count < count { bytes.append(contentsOf: block) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    package mutating func text(_ length: Int) -> String {
        String(String.UnicodeScalarView((0..<length).map { _ in Self.scalars.randomElement(using: &self)! }))
    }

    private static let scalars = Array("aZ0 /ä→𝛁\u{0}\n".unicodeScalars)
}
