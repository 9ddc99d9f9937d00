extension Dictionary {
    /// What an empty dictionary keeps room for, at most: a connection with no more calls than this at a time never sets
    /// memory aside twice.
    private static var keptCapacity: Int { 128 }

    /// Lets go of the memory that many calls at a time have left, once there are none: it would be kept for the
    /// connection's life.
    package mutating func shrinkIfEmpty() {
        if isEmpty, capacity > Self.keptCapacity { self = [:] }
    }
}
