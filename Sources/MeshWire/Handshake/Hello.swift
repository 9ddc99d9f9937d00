/// Which life of which process is at the other end: drawn at random when a mesh is made.
///
/// A call that must not run twice is retried only at the instance of its first attempt.
public struct InstanceID: Sendable, Hashable, CustomStringConvertible {
    /// The upper and lower 64 bits.
    public let high: UInt64, low: UInt64

    /// Makes an instance id of two random words.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits.
    public var description: String { Hexadecimal.string(high) + Hexadecimal.string(low) }
}

/// Which memory of deduplicated calls a server has: servers that name the same one know of each other's calls.
public struct DeduplicationStoreID: Sendable, Hashable, CustomStringConvertible {
    /// The upper and lower 64 bits.
    public let high: UInt64, low: UInt64

    /// Makes an id of two words: random ones where the memory ends with its process, the same at every server and start
    /// where it does not.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits.
    public var description: String { Hexadecimal.string(high) + Hexadecimal.string(low) }
}

/// A server as a call that must not run twice sees it.
package struct ServerInstance: Sendable, Hashable {
    package let id: InstanceID
    /// What it remembers such calls in, if that is more than its own.
    package let store: DeduplicationStoreID?

    package init(id: InstanceID, store: DeduplicationStoreID?) {
        self.id = id
        self.store = store
    }

    /// Whether this server knows which calls `other` has run.
    package func knowsCalls(of other: ServerInstance) -> Bool {
        id == other.id || store != nil && store == other.store
    }
}

/// What a side says of itself in the first frame: protocol versions, features, instance.
package struct Hello: MeshMessage, Hashable {
    package static let messageName = "meshwork.wire.Hello"

    /// The versions that this library speaks.
    package static let supportedVersions: ClosedRange<UInt32> = 1...1

    package var lowestVersion = Hello.supportedVersions.lowerBound
    package var highestVersion = Hello.supportedVersions.upperBound
    package var features: Features = []
    package var instance: InstanceID
    /// The bytes that the peer may send on a new stream before it is given more; with ``Features/streams``.
    package var streamCredit = 0
    /// The same on the connection.
    package var connectionCredit = 0
    /// The most calls at a time that a server takes on the connection; 0 where it does not say, and from a client.
    package var concurrentCalls = 0
    /// What a server remembers deduplicated calls in, if others may have the same.
    package var store: DeduplicationStoreID?

    /// What a side of a connection says that has `limits`.
    package init(instance: InstanceID, limits: WireLimits) {
        self.instance = instance
        features = [.streams, .ping]
        if limits.checksums { features.insert(.checksums) }
        streamCredit = limits.streamCredit
        connectionCredit = limits.connectionCredit
    }

    /// What a side says that has no features, as the first peers did.
    package init(instance: InstanceID) {
        self.instance = instance
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        lowestVersion = 0
        highestVersion = 0
        var high: UInt64 = 0
        var low: UInt64 = 0
        var storeHigh: UInt64 = 0
        var storeLow: UInt64 = 0
        while let field = try decoder.nextField() {
            switch field {
            case 1: lowestVersion = try decoder.uint32()
            case 2: highestVersion = try decoder.uint32()
            case 3: features = Features(rawValue: try decoder.fixed64())
            case 4: high = try decoder.fixed64()
            case 5: low = try decoder.fixed64()
            case 6: streamCredit = try decoder.count()
            case 7: connectionCredit = try decoder.count()
            case 8: concurrentCalls = try decoder.count()
            case 9: storeHigh = try decoder.fixed64()
            case 10: storeLow = try decoder.fixed64()
            default: break
            }
        }
        instance = InstanceID(high: high, low: low)
        if storeHigh | storeLow != 0 { store = DeduplicationStoreID(high: storeHigh, low: storeLow) }
        guard features.contains(.streams) else { return }
        guard (WireLimits.leastStreamCredit...Credit.most).contains(streamCredit),
            (WireLimits.leastConnectionCredit...Credit.most).contains(connectionCredit)
        else {
            throw WireError(
                .malformed, "a hello gives \(streamCredit) bytes of credit to a stream, \(connectionCredit) in all")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, lowestVersion)
        encoder.uint32(2, highestVersion)
        encoder.fixed64(3, features.rawValue)
        encoder.fixed64(4, instance.high)
        encoder.fixed64(5, instance.low)
        encoder.uint64(6, UInt64(streamCredit))
        encoder.uint64(7, UInt64(connectionCredit))
        if concurrentCalls > 0 { encoder.uint64(8, UInt64(concurrentCalls)) }
        guard let store else { return }
        encoder.fixed64(9, store.high)
        encoder.fixed64(10, store.low)
    }

    /// The highest version that both sides speak.
    package func version(sharedWith peer: Hello) throws(WireError) -> UInt32 {
        let highest = min(highestVersion, peer.highestVersion)
        guard highest >= max(lowestVersion, peer.lowestVersion) else {
            throw WireError(
                .unsupportedVersion,
                "the peer speaks versions \(peer.lowestVersion) to \(peer.highestVersion), this side \(lowestVersion) to \(highestVersion)"
            )
        }
        return highest
    }
}

/// Fixed-width hexadecimal, as identifiers are shown.
package enum Hexadecimal {
    /// Sixteen digits.
    package static func string(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
