/// SplitMix64: a generator whose run a printed seed repeats.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Array<UInt8> {
    /// Changes a few bytes: one replaced, left out, doubled or cut off.
    mutating func mutate(using generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !isEmpty {
            let place = Int.random(in: 0..<count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1: self[place] = UInt8.random(in: 0...255, using: &generator)
            case 2: self[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 3: remove(at: place)
            case 4: insert(self[place], at: place)
            default: removeLast(count - place)
            }
        }
    }
}
