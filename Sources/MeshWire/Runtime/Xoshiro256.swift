/// A fast generator with a long period, for what is to be different each time and need not be secret.
///
/// Source: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021): xoshiro256**.
package struct Xoshiro256: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator that starts at four words; all of them zero count as one.
    package init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        state = (first, second, third, first | second | third | fourth == 0 ? 1 : fourth)
    }

    /// A generator that starts where the runtime's chance has it.
    package init(_ runtime: any Runtime) {
        self.init(runtime.randomBits(), runtime.randomBits(), runtime.randomBits(), runtime.randomBits())
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
