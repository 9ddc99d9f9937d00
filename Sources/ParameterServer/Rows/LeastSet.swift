/// A set of small numbers that knows its least: a tree of bits with 64 branches a node. All operations take five steps.
/// A value.
struct LeastSet: Sendable {
    /// Numbers are below.
    static let limit = 1 << 30
    /// Bit `n` of a level says that word `n` of the level below is not 0; of the lowest, that `n` is in the set.
    private var levels = [[UInt64]](repeating: [], count: 5)

    /// The least number, or `nil` where there is none.
    var least: Int? {
        guard let top = levels[4].first, top != 0 else { return nil }
        var number = 0
        for level in levels.reversed() { number = number * 64 + level[number].trailingZeroBitCount }
        return number
    }

    /// Adds a number, if it is not there.
    mutating func insert(_ number: Int) {
        precondition((0..<Self.limit).contains(number))
        var number = number
        for level in levels.indices {
            let (word, bit) = (number / 64, number % 64)
            while levels[level].count <= word { levels[level].append(0) }
            levels[level][word] |= 1 << bit
            number = word
        }
    }

    /// Takes a number out, if it is there.
    mutating func remove(_ number: Int) {
        var number = number
        for level in levels.indices {
            let (word, bit) = (number / 64, number % 64)
            guard word < levels[level].count else { return }
            levels[level][word] &= ~(1 << bit)
            if levels[level][word] != 0 { return }
            number = word
        }
    }
}
