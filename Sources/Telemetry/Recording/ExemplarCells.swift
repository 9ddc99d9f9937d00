import Synchronization

/// The last exemplar of each of a few places, such as a histogram's octaves, with the value that it stands for.
///
/// Lock-free: each place has a version that is odd while its words are written. A writer that finds another one at work
/// leaves its exemplar out, a reader that finds the version changed reads again, a few times: one exemplar is as good as
/// another.
struct ExemplarCells: ~Copyable, Sendable {
    /// Version, value, trace (2 words), span, time, whether there is a time.
    private static let words = 7
    /// A place is a block of a cache line pair.
    private let places: LazyBlocks<Atomic<UInt64>>

    init(count: Int) {
        places = LazyBlocks(capacity: count, blockSize: Self.words)
    }

    /// Whether no place ever had one.
    var isEmpty: Bool { places.isEmpty }

    func replace(_ exemplar: Exemplar, value: UInt64, at place: Int) {
        let version = word(0, place) { $0.load(ordering: .relaxed) }
        guard version & 1 == 0 else { return }
        let isOurs = word(0, place) {
            $0.compareExchange(expected: version, desired: version | 1, ordering: .acquiring).exchanged
        }
        guard isOurs else { return }
        atomicMemoryFence(ordering: .releasing)
        word(1, place) { $0.store(value, ordering: .relaxed) }
        word(2, place) { $0.store(exemplar.traceID.high, ordering: .relaxed) }
        word(3, place) { $0.store(exemplar.traceID.low, ordering: .relaxed) }
        word(4, place) { $0.store(exemplar.spanID.value, ordering: .relaxed) }
        word(5, place) { $0.store(UInt64(bitPattern: exemplar.unixNanoseconds ?? 0), ordering: .relaxed) }
        word(6, place) { $0.store(exemplar.unixNanoseconds == nil ? 0 : 1, ordering: .relaxed) }
        word(0, place) { $0.store(version &+ 2, ordering: .releasing) }
    }

    /// The exemplar of a place; nil: there is none, or it changes too fast to be read.
    func value(at place: Int) -> (value: UInt64, exemplar: Exemplar)? {
        for _ in 0..<8 {
            var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
            places.forEachElement(ofBlock: place) { offset, cell in
                switch offset {
                case 0: words.0 = cell.load(ordering: .acquiring)
                case 1: words.1 = cell.load(ordering: .relaxed)
                case 2: words.2 = cell.load(ordering: .relaxed)
                case 3: words.3 = cell.load(ordering: .relaxed)
                case 4: words.4 = cell.load(ordering: .relaxed)
                case 5: words.5 = cell.load(ordering: .relaxed)
                default: words.6 = cell.load(ordering: .relaxed)
                }
            }
            guard words.0 > 0 else { return nil }
            atomicMemoryFence(ordering: .acquiring)
            guard words.0 & 1 == 0, word(0, place, { $0.load(ordering: .relaxed) }) == words.0 else { continue }
            guard let trace = TraceID(high: words.2, low: words.3), let span = SpanID(words.4) else { return nil }
            let time = words.6 == 1 ? Int64(bitPattern: words.5) : nil
            return (words.1, Exemplar(traceID: trace, spanID: span, unixNanoseconds: time))
        }
        return nil
    }

    private func word<Result>(_ index: Int, _ place: Int, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
        places.withElement(index, ofBlock: place) {
            Atomic(0)
        } _: {
            body($0)
        }
    }
}
