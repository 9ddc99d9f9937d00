import NIOCore
import Synchronization

/// What is to happen in a simulation, on the loops of all its hosts, in order of time and, at one time, of being planned.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedAgenda: @unchecked Sendable {
    /// One thing that is to happen on a loop.
    ///
    /// Sendable: used on the simulation's thread alone.
    final class Entry: @unchecked Sendable {
        let loop: SimulatedLoop
        fileprivate(set) var due: NIODeadline
        fileprivate var number: UInt64
        fileprivate var body: (() -> Void)?

        fileprivate init(_ loop: SimulatedLoop, due: NIODeadline, number: UInt64, _ body: @escaping () -> Void) {
            self.loop = loop
            self.due = due
            self.number = number
            self.body = body
        }

        fileprivate func isBefore(_ other: Entry) -> Bool {
            due == other.due ? number < other.number : due < other.due
        }
    }

    private(set) var now = NIODeadline.uptimeNanoseconds(0)
    /// Whose turn it is.
    private(set) var current: SimulatedLoop?
    /// True once the simulation has its result: only hosts whose memory is taken back go on.
    var isOver = false
    /// True once nothing happens any more. Atomic: what a test keeps of a simulation may be let go of on any thread.
    private let isClosed = Atomic(false)
    /// A binary heap, the next entry first.
    private var heap: [Entry] = []
    private var lastNumber: UInt64 = 0
    /// The entries of the heap that were cancelled.
    private var cancelled = 0

    /// Plans `body` on `loop`.
    @discardableResult
    func add(at due: NIODeadline, on loop: SimulatedLoop, _ body: @escaping () -> Void) -> Entry {
        guard !isClosed.load(ordering: .acquiring) else { return Entry(loop, due: due, number: 0, body) }
        lastNumber += 1
        let entry = Entry(loop, due: due, number: lastNumber, body)
        insert(entry)
        return entry
    }

    /// Takes nothing any more.
    func close() { isClosed.store(true, ordering: .releasing) }

    /// Plans an entry that its loop had set aside.
    func resume(_ entry: Entry) {
        guard entry.body != nil else { return }
        lastNumber += 1
        entry.number = lastNumber
        entry.due = max(entry.due, now)
        insert(entry)
    }

    /// Has the entry not happen.
    func cancel(_ entry: Entry) {
        guard !isClosed.load(ordering: .acquiring), entry.body != nil else { return }
        entry.body = nil
        cancelled += 1
        // Most deadlines are cancelled long before they pass.
        guard cancelled > 1_024, cancelled > heap.count / 2 else { return }
        heap.removeAll { $0.body == nil }
        cancelled = 0
        heap.sort { $0.isBefore($1) }
    }

    /// Runs what is due next, if that is not later than `end`; false if there is nothing.
    func step(until end: NIODeadline) -> Bool {
        while let next = heap.first, next.due <= end {
            removeFirst()
            guard let body = next.body else {
                cancelled = max(0, cancelled - 1)
                continue
            }
            guard next.loop.takes(next) else { continue }
            next.body = nil
            now = max(now, next.due)
            current = next.loop
            body()
            current = nil
            return true
        }
        return false
    }

    private func insert(_ entry: Entry) {
        heap.append(entry)
        var place = heap.count - 1
        while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var place = 0
        while true {
            var first = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child].isBefore(heap[first]) {
                first = child
            }
            guard first != place else { return }
            heap.swapAt(place, first)
            place = first
        }
    }
}
