/// The 16 bytes that name a trace; never all zero.
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
    /// The first eight bytes, the most significant first.
    public let high: UInt64
    /// The last eight bytes. Their randomness is what samplers decide by.
    public let low: UInt64

    /// nil when all bytes are zero.
    public init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// Makes one at random.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        // All zero is the one forbidden value; a trace in 2^64 loses one bit of chance by this.
        low = max(1, generator.next())
    }

    /// 32 lowercase hexadecimal digits.
    public var description: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
}

/// The 8 bytes that name a span within its trace; never all zero.
public struct SpanID: Sendable, Hashable, CustomStringConvertible {
    /// The bytes, the most significant first.
    public let value: UInt64

    /// nil when all bytes are zero.
    public init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    /// Makes one at random.
    public init(using generator: inout some RandomNumberGenerator) {
        value = max(1, generator.next())
    }

    /// 16 lowercase hexadecimal digits.
    public var description: String { Hexadecimal.text(value) }
}
