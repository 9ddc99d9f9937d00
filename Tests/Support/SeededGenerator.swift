import MeshWire

/// A generator whose whole sequence is its seed, with what tests draw besides numbers.
package struct SeededGenerator: RandomNumberGenerator {
    private var generator: SplitMix64

    package init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    package mutating func next() -> UInt64 { generator.next() }

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
