/// Which rows of row tables a client keeps, so that it need not pull them each time.
public struct HotRowConfiguration: Sendable, Hashable {
    /// For how many pulls of rows after the one that fetched it a row is answered from memory, 1 or more. Default 8.
    public var maximumAge = 8
    /// The most bytes of rows that are kept, each with the elements of the update rule's slots and 96 bytes more.
    /// Beyond it those go first that were fetched longest ago. Default 64 MiB.
    public var byteLimit = 64 << 20

    /// Makes the defaults.
    public init() {}

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems: [String] = []
        if maximumAge < 1 { problems.append("hotRows.maximumAge must be at least 1, is \(maximumAge)") }
        if byteLimit < 0 { problems.append("hotRows.byteLimit must be 0 or more, is \(byteLimit)") }
        return problems
    }
}
