/// Gives every endpoint its turns in proportion to its weight, spread evenly: each has a deadline, 1 / weight after the one
/// before, and the earliest is next. A turn is O(log n).
///
/// Source: earliest-deadline-first scheduling, as Envoy's weighted round robin has it.
struct WeightedRoundRobin {
    private struct Turn {
        let deadline: Double
        /// Among equal deadlines, who came first.
        let order: UInt64
        let slot: Int
        /// Which stay of the slot's endpoint the turn belongs to: those of earlier ones are void.
        let stay: UInt32
    }

    /// A binary heap, the earliest turn first.
    private var turns: [Turn] = []
    /// For each slot, its endpoint's stay; odd while it is in.
    private var stays: [UInt32] = []
    private var present = 0
    private var time = 0.0
    private var orders: UInt64 = 0

    mutating func insert(_ slot: Int, weight: Double) {
        while stays.count <= slot { stays.append(0) }
        guard stays[slot] & 1 == 0 else { return }
        stays[slot] &+= 1
        present += 1
        push(slot, after: time, weight)
    }

    mutating func remove(_ slot: Int) {
        guard slot < stays.count, stays[slot] & 1 == 1 else { return }
        stays[slot] &+= 1
        present -= 1
        // Void turns go when they are next, or here when they are most of the heap.
        guard turns.count > 2 * present + 16 else { return }
        // What is sorted is a heap.
        turns = turns.filter { stays[$0.slot] == $0.stay }.sorted(by: Self.isEarlier)
    }

    /// Whose turn it is; its next one comes 1 / `weight` later.
    mutating func next(weight: (Int) -> Double) -> Int? {
        while let turn = pop() {
            guard stays[turn.slot] == turn.stay else { continue }
            time = turn.deadline
            if time > 0x1p16 { rewind() }
            push(turn.slot, after: time, weight(turn.slot))
            return turn.slot
        }
        return nil
    }

    /// Begins to count anew before the turns of a heavy endpoint, which are close together, become one.
    private mutating func rewind() {
        turns = turns.map { Turn(deadline: $0.deadline - time, order: $0.order, slot: $0.slot, stay: $0.stay) }
        time = 0
    }

    private mutating func push(_ slot: Int, after start: Double, _ weight: Double) {
        orders &+= 1
        turns.append(Turn(deadline: start + 1 / weight, order: orders, slot: slot, stay: stays[slot]))
        var child = turns.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isEarlier(turns[child], turns[parent]) else { break }
            turns.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> Turn? {
        guard let first = turns.first else { return nil }
        let last = turns.removeLast()
        guard !turns.isEmpty else { return first }
        turns[0] = last
        var parent = 0
        while true {
            var earliest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < turns.count && Self.isEarlier(turns[child], turns[earliest]) {
                earliest = child
            }
            guard earliest != parent else { return first }
            turns.swapAt(parent, earliest)
            parent = earliest
        }
    }

    private static func isEarlier(_ left: Turn, _ right: Turn) -> Bool {
        (left.deadline, left.order) < (right.deadline, right.order)
    }
}
