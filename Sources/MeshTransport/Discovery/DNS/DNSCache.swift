import MeshWire

/// The answers of the last while, and how long they hold. What has run out is kept for when nobody answers.
struct DNSCache {
    private struct Entry {
        let answer: DNSAnswer
        let end: RuntimeInstant
    }

    /// The most answers; beyond it, those go that run out first.
    private let limit: Int
    private var entries: [DNSQuestion: Entry] = [:]

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    /// What is known of a question, and for how long yet.
    func answer(to question: DNSQuestion, now: RuntimeInstant) -> (answer: DNSAnswer, left: Duration)? {
        guard let entry = entries[question], entry.end > now else { return nil }
        return (entry.answer, now.duration(to: entry.end))
    }

    /// What was known of a question last, however long ago.
    func lastAnswer(to question: DNSQuestion) -> DNSAnswer? { entries[question]?.answer }

    /// Keeps an answer for `time`. O(1), and O(n log n) for each tenth of the limit that goes.
    mutating func keep(_ answer: DNSAnswer, to question: DNSQuestion, for time: Duration, now: RuntimeInstant) {
        entries[question] = Entry(answer: answer, end: now.advanced(by: time))
        guard entries.count > limit else { return }
        let byEnd = entries.sorted {
            ($0.value.end, $0.key.type.code, $0.key.name.wire.count) < (
                $1.value.end, $1.key.type.code, $1.key.name.wire.count
            )
        }
        for (old, _) in byEnd.prefix(max(1, limit / 10)) where old != question { entries[old] = nil }
    }
}
