import MeshWire

/// Attempts that wait for their places: a list for each priority, in the order in which they came, and a heap of their
/// deadlines. Who comes and who goes, whatever the reason, costs O(log n) for the deadline and O(1) else.
///
/// (Facebook's adaptive LIFO (Maurer, "Fail at scale", ACM Queue 2015) has the newest first under overload, as its
/// queue does not know how long the others' callers wait. Here each says until when, and who cannot be served by then
/// is not in it.)
package struct AdmissionQueue<Waiter: Sendable>: Sendable {
    /// An attempt in the queue, until it has gone.
    package typealias Ticket = Int

    private struct Entry: Sendable {
        var waiter: Waiter?
        var priority: CallPriority
        var deadline: RuntimeInstant
        var since: RuntimeInstant
        /// In its list; -1 for none. Of a free entry, the next free one.
        var previous = -1
        var next = -1
        /// In the heap.
        var position = -1
    }

    private struct List: Sendable {
        var first = -1
        var last = -1
        var count = 0
    }

    private var entries: [Entry] = []
    private var free = -1
    private var lists: InlineArray<3, List> = InlineArray(repeating: List())
    private var heap: [Ticket] = []

    /// How many wait.
    var count: Int { heap.count }

    /// How many wait that go before a newcomer of a priority.
    func count(before priority: CallPriority) -> Int {
        var count = 0
        for level in 0...priority.level { count += lists[level].count }
        return count
    }

    /// How many wait of a priority.
    func count(of priority: CallPriority) -> Int { lists[priority.level].count }

    /// The deadline that passes next.
    var nextDeadline: RuntimeInstant? { heap.first.map { entries[$0].deadline } }

    /// Who has the deadline that passes next.
    var earliest: Ticket? { heap.first }

    /// Whose turn is next.
    var first: Ticket? {
        for level in lists.indices where lists[level].first >= 0 { return lists[level].first }
        return nil
    }

    /// Who has to go first: the newest of the lowest priority.
    var last: Ticket? {
        for level in lists.indices.reversed() where lists[level].last >= 0 { return lists[level].last }
        return nil
    }

    func priority(of ticket: Ticket) -> CallPriority { entries[ticket].priority }
    func deadline(of ticket: Ticket) -> RuntimeInstant { entries[ticket].deadline }
    func since(of ticket: Ticket) -> RuntimeInstant { entries[ticket].since }
    func waiter(of ticket: Ticket) -> Waiter? { entries[ticket].waiter }

    /// Takes a newcomer in, behind those of its priority.
    mutating func append(
        _ waiter: Waiter, _ priority: CallPriority, until deadline: RuntimeInstant, now: RuntimeInstant
    ) -> Ticket {
        var entry = Entry(waiter: waiter, priority: priority, deadline: deadline, since: now)
        let level = priority.level
        entry.previous = lists[level].last
        let ticket: Ticket
        if free >= 0 {
            ticket = free
            free = entries[ticket].next
            entries[ticket] = entry
        } else {
            ticket = entries.count
            entries.append(entry)
        }
        if entry.previous >= 0 { entries[entry.previous].next = ticket } else { lists[level].first = ticket }
        lists[level].last = ticket
        lists[level].count += 1
        heap.append(ticket)
        rise(ticket, from: heap.count - 1)
        return ticket
    }

    /// Takes one out, whose ticket is somebody else's from then on.
    mutating func remove(_ ticket: Ticket) -> Waiter {
        let entry = entries[ticket]
        guard let waiter = entry.waiter else { preconditionFailure("an attempt left the queue twice") }
        let level = entry.priority.level
        if entry.previous >= 0 { entries[entry.previous].next = entry.next } else { lists[level].first = entry.next }
        if entry.next >= 0 { entries[entry.next].previous = entry.previous } else { lists[level].last = entry.previous }
        lists[level].count -= 1
        let moved = heap.removeLast()
        if moved != ticket {
            rise(moved, from: entry.position)
            sink(moved, from: entries[moved].position)
        }
        entries[ticket].waiter = nil
        entries[ticket].next = free
        free = ticket
        return waiter
    }

    /// Puts `ticket` where `position` is, or further up.
    private mutating func rise(_ ticket: Ticket, from position: Int) {
        var position = position
        while position > 0 {
            let parent = (position - 1) / 2
            guard entries[ticket].deadline < entries[heap[parent]].deadline else { break }
            place(heap[parent], at: position)
            position = parent
        }
        place(ticket, at: position)
    }

    /// Puts `ticket` where `position` is, or further down.
    private mutating func sink(_ ticket: Ticket, from position: Int) {
        var position = position
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, entries[heap[child + 1]].deadline < entries[heap[child]].deadline { child += 1 }
            guard entries[heap[child]].deadline < entries[ticket].deadline else { break }
            place(heap[child], at: position)
            position = child
        }
        place(ticket, at: position)
    }

    private mutating func place(_ ticket: Ticket, at position: Int) {
        heap[position] = ticket
        entries[ticket].position = position
    }
}

extension CallPriority {
    /// Its list: a lower one is served first.
    fileprivate var level: Int {
        switch self {
        case .urgent: 0
        case .normal: 1
        case .background: 2
        }
    }
}
