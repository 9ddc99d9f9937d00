/// Which calls a tap shows: those that all of its conditions hold for.
///
/// A method or a peer is compared with a pattern: the text itself, in which a `*` stands for any characters, of which there
/// may be none. `shop.*/Get*` is every method of any service of `shop` that begins with `Get`.
public struct TapFilter: Sendable, Hashable {
    /// One way alone; nil: both.
    public var direction: RequestMetrics.Direction?
    /// A pattern; nil: any.
    public var method: String?
    /// A pattern; nil: any, and those that have proved no identity.
    public var peer: String?
    /// Any of these; nil: all.
    public var statuses: Set<String>?
    /// Only what took this long or longer, in nanoseconds.
    public var minimumNanoseconds: Int64?

    /// - Parameters: as the properties say; nil, the default of each, lets everything through.
    public init(
        direction: RequestMetrics.Direction? = nil, method: String? = nil, peer: String? = nil,
        statuses: Set<String>? = nil, minimumNanoseconds: Int64? = nil
    ) {
        self.direction = direction
        self.method = method
        self.peer = peer
        self.statuses = statuses
        self.minimumNanoseconds = minimumNanoseconds
    }

    /// Whether a call is one of them.
    public func matches(_ event: TapEvent) -> Bool {
        matches(event.direction, event.status, nanoseconds: event.nanoseconds) && matchesTexts(of: event)
    }

    /// What is asked first, before an event is made of a call.
    func matches(_ direction: RequestMetrics.Direction, _ status: String, nanoseconds: Int64) -> Bool {
        if let own = self.direction, own != direction { return false }
        if let minimumNanoseconds, nanoseconds < minimumNanoseconds { return false }
        if let statuses, !statuses.contains(status) { return false }
        return true
    }

    /// What is asked of an event that ``matches(_:_:nanoseconds:)``.
    func matchesTexts(of event: TapEvent) -> Bool {
        if let method, !Self.matches(event.method, pattern: method) { return false }
        if let peer {
            guard let found = event.peer else { return false }
            return Self.matches(found, pattern: peer)
        }
        return true
    }

    /// Whether a text is what a pattern says. Takes at most their lengths' product, whatever the pattern is: only the last
    /// star is ever tried again.
    static func matches(_ text: String, pattern: String) -> Bool {
        let (text, pattern) = (text.utf8, pattern.utf8)
        let star = UInt8(ascii: "*")
        var (place, mark) = (text.startIndex, pattern.startIndex)
        /// Behind the last star, and where in the text what follows it was looked for last.
        var lastStar: (mark: String.Index, place: String.Index)?
        while place < text.endIndex {
            if mark < pattern.endIndex, pattern[mark] == star {
                mark = pattern.index(after: mark)
                lastStar = (mark, place)
            } else if mark < pattern.endIndex, pattern[mark] == text[place] {
                mark = pattern.index(after: mark)
                place = text.index(after: place)
            } else if let last = lastStar {
                (mark, place) = (last.mark, text.index(after: last.place))
                lastStar = (mark, place)
            } else {
                return false
            }
        }
        return pattern[mark...].allSatisfy { $0 == star }
    }
}
