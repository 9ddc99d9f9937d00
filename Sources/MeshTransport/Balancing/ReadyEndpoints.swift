/// The endpoints that take calls, in no particular order, and a way to draw one of them: each as likely as its weight
/// says. Adding, removing and drawing are O(log n), and O(1) while all weights are the same.
struct ReadyEndpoints {
    private(set) var slots: [Int] = []
    private var sampler = WeightedSampler()
    /// How many have another weight than the first that came.
    private var unequal = 0
    private var commonWeight: UInt32 = 1

    var count: Int { slots.count }
    var isEmpty: Bool { slots.isEmpty }
    var totalWeight: UInt64 { sampler.total }
    var isWeighted: Bool { unequal > 0 }

    /// Adds an endpoint; its position is the last.
    mutating func append(_ slot: Int, weight: UInt32) {
        if slots.isEmpty { (commonWeight, unequal) = (weight, 0) }
        if weight != commonWeight { unequal += 1 }
        slots.append(slot)
        sampler.append(weight)
    }

    /// Takes the endpoint at a position out.
    ///
    /// - Returns: the endpoint that has its position now, if another has.
    mutating func remove(at position: Int) -> Int? {
        if sampler[position] != commonWeight { unequal -= 1 }
        let last = slots.count - 1
        guard position < last else {
            slots.removeLast()
            sampler.removeLast()
            return nil
        }
        slots[position] = slots[last]
        sampler.set(sampler[last], at: position)
        slots.removeLast()
        sampler.removeLast()
        return slots[position]
    }

    mutating func setWeight(_ weight: UInt32, at position: Int) {
        if sampler[position] != commonWeight { unequal -= 1 }
        if weight != commonWeight { unequal += 1 }
        sampler.set(weight, at: position)
    }

    /// One endpoint.
    func draw(using generator: inout some RandomNumberGenerator) -> Int {
        isWeighted
            ? slots[sampler.draw(using: &generator)] : slots[Int.random(in: 0..<slots.count, using: &generator)]
    }
}
