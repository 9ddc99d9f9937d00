/// The rules of a policy by what they name: a decision looks at what its own call could be named by, not at the rules.
///
/// A call can be named by its method, by each prefix of that which ends at a slash, and by `*`; its caller by the
/// identity, by each of its ancestors, and by the trust domain, or by having none. Each of the two is found by one pass
/// over the bytes, with a hash that goes on from slash to slash (FNV-1a, 64 bits; what is found is compared). For each
/// pair of names there is a list of rules, in order. O(length of the names), but for rules that more pairs name than
/// ``mostPairs``: those are asked one by one.
struct AuthorizationIndex: Sendable {
    /// The most pairs of names for which a rule is listed.
    static let mostPairs = 4_096

    /// What stands for a name.
    private typealias Number = UInt32
    /// A name, and what stands for it.
    private struct Name {
        let text: String
        let number: Number

        /// Whether it is the first `count` bytes of `start` and `end`.
        func isFirst(_ count: Int, of start: String, _ end: String) -> Bool {
            guard text.utf8.count == count else { return false }
            var own = text.utf8.makeIterator()
            for byte in start.utf8 where own.next() != byte { return false }
            for byte in end.utf8 {
                guard let next = own.next() else { return true }
                if next != byte { return false }
            }
            return true
        }
    }

    private struct Names {
        private var exact: [UInt64: [Name]] = [:]
        private var prefixes: [UInt64: [Name]] = [:]
        private var count: Number = 0

        mutating func add(_ text: String, isPrefix: Bool) -> Number {
            let hash = RollingHash(of: text).value
            let known = (isPrefix ? prefixes[hash] : exact[hash]) ?? []
            if let name = known.first(where: { $0.text == text }) { return name.number }
            count += 1
            let name = Name(text: text, number: count)
            if isPrefix { prefixes[hash, default: []].append(name) } else { exact[hash, default: []].append(name) }
            return count
        }

        /// Calls `body` with the numbers of all names that mean `start` and `end`, one behind the other.
        ///
        /// - Parameter allowsPrefixes: whether those count that mean more than one.
        func find(_ start: String, _ end: String, allowsPrefixes: Bool, _ body: (Number) -> Void) {
            var hash = RollingHash()
            for byte in start.utf8 { hash.add(byte) }
            var length = start.utf8.count
            for byte in end.utf8 {
                hash.add(byte)
                length += 1
                guard byte == UInt8(ascii: "/"), allowsPrefixes, let names = prefixes[hash.value] else { continue }
                for name in names where name.isFirst(length, of: start, end) { body(name.number) }
            }
            guard let names = exact[hash.value] else { return }
            for name in names where name.isFirst(length, of: start, end) { body(name.number) }
        }
    }

    /// Stands for `*`, and for a caller without an identity.
    private static let special: Number = 0

    private var methods = Names()
    private var identities = Names()
    private var rules: [UInt64: [Int32]] = [:]
    /// Rules that are asked one by one, in order.
    private var wide: [Int32] = []
    private var namesEveryMethod = false

    /// Adds the next rule.
    mutating func add(
        _ rule: Int32, methods patterns: [MethodPattern], identities callers: [IdentityPattern],
        callersWithoutIdentity: Bool
    ) {
        let count = callers.count + (callersWithoutIdentity ? 1 : 0)
        let (pairs, overflow) = patterns.count.multipliedReportingOverflow(by: count)
        guard !overflow, pairs <= Self.mostPairs else { return wide.append(rule) }
        var peers = callers.map { pattern in
            switch pattern.form {
            case .exact(let id): identities.add(id.name, isPrefix: false)
            case .below(let id): identities.add(id.name + "/", isPrefix: true)
            }
        }
        if callersWithoutIdentity { peers.append(Self.special) }
        for pattern in patterns {
            let method: Number
            switch pattern.form {
            case .everything:
                method = Self.special
                namesEveryMethod = true
            case .exact(let text): method = methods.add(text, isPrefix: false)
            case .prefix(let text): method = methods.add(text, isPrefix: true)
            }
            for peer in peers {
                let pair = Self.pair(method, peer)
                // One rule may name a pair twice.
                if rules[pair]?.last != rule { rules[pair, default: []].append(rule) }
            }
        }
    }

    /// The first rule that names a call and that `isMet` lets decide.
    ///
    /// - Parameter isNamed: whether a rule that is asked by itself names the call.
    func first(method: String, peer: SPIFFEID?, isNamed: (Int32) -> Bool, isMet: (Int32) -> Bool) -> Int32? {
        var peers: [Number] = []
        peers.reserveCapacity(8)
        if let peer {
            identities.find(peer.trustDomain.name, peer.path, allowsPrefixes: true) { peers.append($0) }
        } else {
            peers.append(Self.special)
        }
        var first: Int32?
        func look(_ method: Number) {
            for peer in peers {
                guard let listed = rules[Self.pair(method, peer)] else { continue }
                for rule in listed {
                    if let first, rule >= first { break }
                    guard isMet(rule) else { continue }
                    first = rule
                    break
                }
            }
        }
        if !peers.isEmpty {
            methods.find("", method, allowsPrefixes: MethodPattern.mayMeetPrefix(method)) { look($0) }
            if namesEveryMethod { look(Self.special) }
        }
        for rule in wide {
            if let first, rule >= first { break }
            if isNamed(rule), isMet(rule) { return rule }
        }
        return first
    }

    private static func pair(_ method: Number, _ peer: Number) -> UInt64 { UInt64(method) << 32 | UInt64(peer) }
}

/// FNV-1a of the bytes so far.
private struct RollingHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    init() {}

    init(of text: String) { for byte in text.utf8 { add(byte) } }

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
}

extension SPIFFEID {
    /// Trust domain and path: no path has a slash at its end, so that a prefix with one is never a name.
    fileprivate var name: String { trustDomain.name + path }
}
