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

    /// A heap of four children, the earliest turn first: half as many levels as with two, and those of one parent lie
    /// together.
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
        push(turn(of: slot, after: time, weight))
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
        while let turn = turns.first {
            guard stays[turn.slot] == turn.stay else {
                removeFirst()
                continue
            }
            time = turn.deadline
            if time > 0x1p16 { rewind() }
            sink(self.turn(of: turn.slot, after: time, weight(turn.slot)))
            return turn.slot
        }
        return nil
    }

    /// Begins to count anew before the turns of a heavy endpoint, which are close together, become one.
    private mutating func rewind() {
        turns = turns.map { Turn(deadline: $0.deadline - time, order: $0.order, slot: $0.slot, stay: $0.stay) }
        time = 0
    }

    private mutating func turn(of slot: Int, after start: Double, _ weight: Double) -> Turn {
        orders &+= 1
        return Turn(deadline: start + 1 / weight, order: orders, slot: slot, stay: stays[slot])
    }

    private mutating func push(_ turn: Turn) {
        turns.append(turn)
        var hole = turns.count - 1
        while hole > 0 {
            let parent = (hole - 1) / 4
            guard Self.isEarlier(turn, turns[parent]) else { break }
            turns[hole] = turns[parent]
            hole = parent
        }
        turns[hole] = turn
    }

    private mutating func removeFirst() {
        let last = turns.removeLast()
        if !turns.isEmpty { sink(last) }
    }

    /// Puts a turn in the place of the first one, and from there where it belongs.
    private mutating func sink(_ turn: Turn) {
        var hole = 0
        while true {
            let first = 4 * hole + 1
            guard first < turns.count else { break }
            var earliest = first
            for child in first + 1..<max(first + 1, min(first + 4, turns.count))
            where Self.isEarlier(turns[child], turns[earliest]) {
                earliest = child
            }
            guard Self.isEarlier(turns[earliest], turn) else { break }
            turns[hole] = turns[earliest]
            hole = earliest
        }
        turns[hole] = turn
    }

    private static func isEarlier(_ left: Turn, _ right: Turn) -> Bool {
        (left.deadline, left.order) < (right.deadline, right.order)
    }
}
