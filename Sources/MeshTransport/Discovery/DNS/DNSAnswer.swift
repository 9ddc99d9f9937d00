/// What a server's response says to a question.
package enum DNSAnswer: Sendable, Hashable {
    /// These records, for so many seconds.
    case records([DNSRecord.Value], timeToLive: UInt32)
    /// The name stands for another one, of which the response says nothing more.
    case alias(DomainName, timeToLive: UInt32)
    /// There is no such name, or nothing of that kind at it; for so many seconds, if the zone says.
    case absent(isName: Bool, timeToLive: UInt32?)

    /// How many aliases in a row are followed, in one response and over several.
    static let aliasLimit = 8

    /// Reads the response to `question`. Throws for one that answers nothing: a failure, or aliases in a circle.
    ///
    /// Source: RFC 1034, section 4.3.2 for aliases; RFC 2308, section 2 for what is absent.
    package init(_ response: DNSMessage, to question: DNSQuestion) throws(DNSFailure) {
        guard response.responseCode == .noError || response.responseCode == .nameError else {
            throw DNSFailure("\(question): the server answered \(response.responseCode)")
        }
        var (name, time, aliases) = (question.name, UInt32.max, 0)
        while let alias = response.answers.first(where: { $0.type == .cname && $0.name == name }),
            case .alias(let target) = alias.value, question.type != .cname
        {
            aliases += 1
            guard aliases <= Self.aliasLimit else {
                throw DNSFailure("\(question): more than \(Self.aliasLimit) aliases follow each other")
            }
            (name, time) = (target, min(time, alias.timeToLive))
        }
        let found = response.answers.filter { $0.name == name && $0.type == question.type }
        guard found.isEmpty else {
            time = min(time, found.map(\.timeToLive).min() ?? 0)
            var seen: Set<DNSRecord.Value> = []
            self = .records(found.map(\.value).filter { seen.insert($0).inserted }, timeToLive: time)
            return
        }
        let negative = Self.negativeTime(response, name).map { min($0, time) }
        if response.responseCode == .nameError {
            self = .absent(isName: true, timeToLive: negative)
        } else if aliases > 0, negative == nil {
            self = .alias(name, timeToLive: time)
        } else {
            self = .absent(isName: false, timeToLive: negative)
        }
    }

    /// How long it holds that something is not there: what the start of its zone says of that, or of itself if less.
    ///
    /// Source: RFC 2308, section 5.
    private static func negativeTime(_ response: DNSMessage, _ name: DomainName) -> UInt32? {
        for record in response.authorities {
            guard case .zone(let minimum) = record.value, name.isWithin(record.name) else { continue }
            return min(minimum, record.timeToLive)
        }
        return nil
    }
}

/// Why a question has no answer: what was asked, and what happened.
package struct DNSFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
