/// Why an attempt was not given a place among those under way.
package enum AdmissionRefusal: String, Sendable, CaseIterable {
    /// Its deadline would pass before its turn and its answer came.
    case deadline
    /// Its deadline has passed while it waited.
    case expired
    /// The queue has no room.
    case full
    /// The queue gave its room to one of a higher priority.
    case evicted
    /// No endpoint of the service takes calls, and none is worth waiting for.
    case failfast

    /// For people.
    package var description: String {
        switch self {
        case .deadline: "its deadline would pass before its turn and its answer came"
        case .expired: "its deadline has passed before its turn came"
        case .full: "as many wait as may"
        case .evicted: "one of a higher priority has its room in the queue"
        case .failfast: "no endpoint takes calls"
        }
    }
}
