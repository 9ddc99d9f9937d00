import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct ExponentialBucketsTests {
    @Test(
        "known durations are in their buckets", arguments: [(1e-9, -479), (1.0, -1), (2.0, 15), (60.0, 94), (0.5, -17)])
    func known(seconds: Double, index: Int) {
        #expect(ExponentialBuckets.index(ofSeconds: seconds) == index)
    }

    @Test("the index is ceil(16 log2(seconds)) - 1 for random durations")
    func logarithm() {
        let seed: UInt64 = 0x4C55
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300_000 {
            let exponent = Int.random(in: -40...40, using: &generator)
            let seconds = Double(
                sign: .plus, exponent: exponent, significand: Double.random(in: 1..<2, using: &generator))
            let expected = Int((log2(seconds) * 16).rounded(.up)) - 1
            let index = ExponentialBuckets.index(ofSeconds: seconds)
            if index != expected { Issue.record("\(seconds): expected \(expected), found \(index)") }
        }
    }

    @Test("each boundary is 2^(k/16) rounded down to a double, by integer arithmetic", arguments: 0..<16)
    func boundary(k: Int) {
        let significand = 1 << 52 + ExponentialBuckets.boundaries[k]
        // floor(2^(k/16) * 2^52) = s  means  s^16 <= 2^(k + 832) < (s + 1)^16.
        #expect(BigNumber.power16(significand) <= BigNumber.powerOfTwo(k + 832))
        #expect(BigNumber.powerOfTwo(k + 832) < BigNumber.power16(significand + 1))
    }

    @Test("a bucket's upper bound is in it, and the next double is in the next bucket", arguments: -480..<192)
    func edges(index: Int) {
        let upper = ExponentialBuckets.upperBound(at: index + 480)
        #expect(ExponentialBuckets.index(ofSeconds: upper) == index)
        #expect(ExponentialBuckets.index(ofSeconds: upper.nextUp) == index + 1)
        #expect(ExponentialBuckets.lowerBound(at: index + 480) < upper)
    }

    @Test("no two boundaries begin with the same five bits, so one comparison decides")
    func oneBoundaryAnEntry() {
        let tops = ExponentialBuckets.boundaries.prefix(16).map { $0 >> 47 }
        #expect(Set(tops).count == 16)
        #expect(ExponentialBuckets.boundariesBelow.count == 32)
    }

    @Test("durations outside the range are in the first bucket or above the last")
    func range() {
        #expect(ExponentialBuckets.position(ofNanoseconds: 0) == 0)
        #expect(ExponentialBuckets.position(ofNanoseconds: 1) == 1)
        #expect(ExponentialBuckets.position(ofNanoseconds: 4_096_000_000_000) == ExponentialBuckets.count - 1)
        #expect(ExponentialBuckets.position(ofNanoseconds: 4_096_000_000_001) == nil)
        #expect(ExponentialBuckets.position(ofNanoseconds: .max) == nil)
    }

    @Test("the last whole nanosecond of every bucket is in it, and the one after in the next")
    func nanoseconds() {
        for position in 1..<ExponentialBuckets.count - 1 {
            let octave = (position + 1) / ExponentialBuckets.perOctave + ExponentialBuckets.octaves.lowerBound
            let step = (position + 1) % ExponentialBuckets.perOctave
            // The bound is from significand to below significand + 1, times 2^(octave - 52) s.
            let significand = UInt128(1 << 52 + ExponentialBuckets.boundaries[step])
            let last = (significand * 1_000_000_000) >> UInt128(52 - octave)
            if step > 0 {
                let next = ((significand + 1) * 1_000_000_000 - 1) >> UInt128(52 - octave)
                #expect(next == last, "the bound of \(position) is not known well enough")
            }
            let before = (significand * 1_000_000_000 - 1) >> UInt128(52 - octave)
            #expect(step > 0 || octave < -9 || last == before + 1, "powers of two from 2^-9 s on are whole")
            for (nanoseconds, expected) in [(UInt64(last), position), (UInt64(last) + 1, position + 1)] {
                guard let found = ExponentialBuckets.position(ofNanoseconds: nanoseconds) else {
                    Issue.record("\(nanoseconds) ns is above all buckets")
                    continue
                }
                // The narrowest buckets hold no whole nanosecond.
                if octave > -26 {
                    #expect(found == expected, "\(nanoseconds) ns")
                } else {
                    #expect(abs(found - expected) <= 16, "\(nanoseconds) ns")
                }
            }
        }
    }

    @Test("the tables that are written out are what they are said to be")
    func tables() {
        for top in 0..<32 {
            let below = ExponentialBuckets.boundaries.prefix { $0 < UInt64(top) << 47 }.count
            #expect(ExponentialBuckets.boundariesBelow[top] == below)
        }
        for octave in 0..<ExponentialBuckets.octaves.count {
            let inOctave = LinkerdBuckets.positions.filter { $0 / ExponentialBuckets.perOctave == octave }
            #expect(LinkerdBuckets.masks[octave] == inOctave.reduce(0) { $0 | 1 << UInt16($1 % 16) })
            #expect(
                Int(LinkerdBuckets.boundsBelow[octave])
                    == LinkerdBuckets.positions.count { $0 / ExponentialBuckets.perOctave < octave })
        }
    }
}

/// A natural number of any size, in 32-bit digits with the least significant first: enough to check a table exactly.
struct BigNumber: Comparable {
    var digits: [UInt64]

    static func powerOfTwo(_ exponent: Int) -> BigNumber {
        BigNumber(digits: Array(repeating: 0, count: exponent / 32) + [1 << UInt64(exponent % 32)])
    }

    static func power16(_ base: UInt64) -> BigNumber {
        var power = BigNumber(digits: [base & 0xFFFF_FFFF, base >> 32])
        for _ in 0..<4 { power = power * power }
        return power
    }

    static func * (left: BigNumber, right: BigNumber) -> BigNumber {
        var digits = Array(repeating: UInt64(0), count: left.digits.count + right.digits.count)
        for (i, a) in left.digits.enumerated() {
            var carry: UInt64 = 0
            for (j, b) in right.digits.enumerated() {
                let sum = a * b + digits[i + j] + carry
                digits[i + j] = sum & 0xFFFF_FFFF
                carry = sum >> 32
            }
            digits[i + right.digits.count] = carry
        }
        while digits.last == 0 { digits.removeLast() }
        return BigNumber(digits: digits)
    }

    static func < (left: BigNumber, right: BigNumber) -> Bool {
        left.digits.count == right.digits.count
            ? left.digits.reversed().lexicographicallyPrecedes(right.digits.reversed())
            : left.digits.count < right.digits.count
    }
}
