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
        if let direction, direction != event.direction { return false }
        if let minimumNanoseconds, event.nanoseconds < minimumNanoseconds { return false }
        if let statuses, !statuses.contains(event.status) { return false }
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
        let (text, pattern) = (Array(text.utf8), Array(pattern.utf8))
        let star = UInt8(ascii: "*")
        var (place, mark) = (0, 0)
        var lastStar: (pattern: Int, text: Int)?
        while place < text.count {
            if mark < pattern.count, pattern[mark] == star {
                lastStar = (mark, place)
                mark += 1
            } else if mark < pattern.count, pattern[mark] == text[place] {
                mark += 1
                place += 1
            } else if let star = lastStar {
                lastStar = (star.pattern, star.text + 1)
                mark = star.pattern + 1
                place = star.text + 1
            } else {
                return false
            }
        }
        return pattern[mark...].allSatisfy { $0 == star }
    }
}
