/// What became of the children, as the summary tells it.
extension ChildFamily {
    /// How many children of a role a SIGKILL ended, of those that have been reaped.
    package func killedCount(role: String) -> Int {
        members.count { $0.role == role && $0.process.status == .killed(signal: 9) }
    }

    /// The SPIFFE IDs that the children reported, each once: a replacement has its predecessor's.
    package var identities: [String] {
        members.compactMap(\.spiffeID).reduce(into: []) { known, spiffeID in
            if !known.contains(spiffeID) { known.append(spiffeID) }
        }
    }
}
