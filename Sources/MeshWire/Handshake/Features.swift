/// Abilities beyond the first version's, a bit each. One is used where both sides have it.
package struct Features: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Calls with several requests or responses, credit for bytes, metadata of responses.
    package static let streams = Features(rawValue: 1 << 0)
    /// Pings and their answers.
    package static let ping = Features(rawValue: 1 << 1)
    /// A checksum at the end of each frame after the hello.
    package static let checksums = Features(rawValue: 1 << 2)
}
