/// What a server says about trying a call again, whatever the client's own policy (gRFC A6).
public enum RetryPushback: Sendable, Hashable {
    /// Not before this time has passed.
    case after(Duration)
    /// Not at all.
    case never

    /// On `meshwork/1`: 1 for never, else the milliseconds and 2; 0, which is not sent, where nothing is said.
    init?(onWire number: UInt64) {
        switch number {
        case 0: return nil
        case 1: self = .never
        default: self = .after(.milliseconds(Int64(min(number - 2, Self.longest))))
        }
    }

    var onWire: UInt64 {
        switch self {
        case .never: 1
        case .after(let time): 2 + min(UInt64(max(0, time.inMicroseconds / 1_000)), Self.longest)
        }
    }

    /// The most milliseconds that either wire carries.
    private static let longest = UInt64(Int32.max)
}
