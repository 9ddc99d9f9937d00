/// How the limit of a destination stands (``AdmissionPolicy``).
public struct AdmissionReport: Sendable, Hashable, CustomStringConvertible {
    /// The rule that it is of.
    public let rule: String
    /// How many attempts are under way that count in it.
    public let running: Int
    /// How many may be, now.
    public let limit: Int
    /// How many wait.
    public let waiting: Int
    /// How long another one of normal priority would wait, as far as that is known; zero where there is a place.
    public let expectedWait: Duration

    /// One line for people.
    public var description: String {
        "\(running) of \(limit) under way by the rule \"\(rule)\""
            + (waiting > 0 ? ", \(waiting) wait" : "")
            + (expectedWait > .zero ? ", another one for \(expectedWait)" : "")
    }
}
