/// How a call ended, with the numbers and meanings of gRPC's status codes.
public struct CallStatus: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt32

    /// A status of any number; one above 16 is read as ``unknown`` by its meaning.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The call succeeded.
    public static let ok = CallStatus(rawValue: 0)
    /// The caller gave up.
    public static let cancelled = CallStatus(rawValue: 1)
    /// A failure that says nothing more.
    public static let unknown = CallStatus(rawValue: 2)
    /// The request is wrong whatever the server's state.
    public static let invalidArgument = CallStatus(rawValue: 3)
    /// The deadline passed.
    public static let deadlineExceeded = CallStatus(rawValue: 4)
    /// What the request names does not exist.
    public static let notFound = CallStatus(rawValue: 5)
    /// What the request wants to make exists already.
    public static let alreadyExists = CallStatus(rawValue: 6)
    /// The peer's identity may not do this.
    public static let permissionDenied = CallStatus(rawValue: 7)
    /// A quota or a limit is used up.
    public static let resourceExhausted = CallStatus(rawValue: 8)
    /// The server's state does not allow it; trying again alone does not help.
    public static let failedPrecondition = CallStatus(rawValue: 9)
    /// The operation lost a race; trying again at a higher level may help.
    public static let aborted = CallStatus(rawValue: 10)
    /// Past the valid range.
    public static let outOfRange = CallStatus(rawValue: 11)
    /// The server has no such method.
    public static let unimplemented = CallStatus(rawValue: 12)
    /// Something that must hold does not.
    public static let internalError = CallStatus(rawValue: 13)
    /// The server cannot be reached or does not serve now; trying again may help.
    public static let unavailable = CallStatus(rawValue: 14)
    /// Data was lost or is corrupt.
    public static let dataLoss = CallStatus(rawValue: 15)
    /// The peer did not prove who it is.
    public static let unauthenticated = CallStatus(rawValue: 16)

    private static let names = [
        "ok", "cancelled", "unknown", "invalidArgument", "deadlineExceeded", "notFound", "alreadyExists",
        "permissionDenied", "resourceExhausted", "failedPrecondition", "aborted", "outOfRange", "unimplemented",
        "internalError", "unavailable", "dataLoss", "unauthenticated",
    ]

    /// The code's name.
    public var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : "status \(rawValue)"
    }
}
