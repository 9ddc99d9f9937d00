/// What an applied push survives; every reply names it.
public struct Durability: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt32

    /// The durability of this number, known here or not.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// In the server's memory: it survives nothing.
    public static let memory = Durability(rawValue: 1)

    /// In the checkpoint that the partition went back to: it survives what the checkpoint's folder does.
    public static let checkpoint = Durability(rawValue: 2)
    /// In the server's log, as far as the operating system: it survives the process (`logged(processOnly)`).
    public static let loggedProcessOnly = Durability(rawValue: 3)
    /// In the server's log, on disk: it survives the machine's restart, and not the loss of the disk (`logged(fsync)`).
    public static let loggedSynced = Durability(rawValue: 4)

    /// At the head and at so many followers, each of which has executed it: it survives the loss of that many machines.
    /// Where servers have logs, each of these has it as safely as its ``PartitionLogConfiguration/Sync`` says.
    ///
    /// - Parameter followers: at least 1.
    public static func replicated(_ followers: Int) -> Durability {
        precondition(followers >= 1, "a push without followers is not replicated")
        return Durability(rawValue: firstReplicated + UInt32(clamping: followers) - 1)
    }

    /// At how many followers it is beside the head; `nil` for a durability that is none of these.
    public var followers: Int? {
        rawValue >= Self.firstReplicated ? Int(rawValue - Self.firstReplicated) + 1 : nil
    }

    private static let firstReplicated: UInt32 = 17

    /// The name, or the number where it has none here.
    public var description: String {
        switch self {
        case .memory: "memory"
        case .checkpoint: "checkpoint"
        case .loggedProcessOnly: "logged(processOnly)"
        case .loggedSynced: "logged(fsync)"
        default: followers.map { "replicated(\($0))" } ?? "durability \(rawValue)"
        }
    }
}
