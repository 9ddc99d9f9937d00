import Tensor
import Testing

/// The expected bits were computed by an independent program from the definition in `RandomKey`'s documentation. They
/// are permanent: a change here breaks every checkpoint and every running parameter server.
@Suite("RandomKey")
struct RandomKeyTests {
    private let key = RandomKey(seed: 0x0123_4567_89AB_CDEF)

    @Test("the first block of the zero key is the published one (Random123's known answers)")
    func knownAnswer() {
        #expect(RandomKey(word0: 0, word1: 0).words(0..<2) == [0x6B20_0159, 0x99BA_4EFE])
    }

    @Test("a seed is the key's words, the high half first")
    func seed() {
        #expect(key == RandomKey(word0: 0x0123_4567, word1: 0x89AB_CDEF))
    }

    @Test("keys derived from integers have their permanent bits")
    func integers() {
        #expect(key.foldIn(0) == RandomKey(word0: 0x5A87_9EF4, word1: 0x63F5_E9EB))
        #expect(key.foldIn(1) == RandomKey(word0: 0x971D_18DF, word1: 0x105E_F9EB))
        #expect(key.foldIn(.max) == RandomKey(word0: 0x25FA_C32E, word1: 0xEDF8_BA0E))
    }

    @Test("keys derived from names have their permanent bits")
    func names() {
        #expect(key.foldIn("") == RandomKey(word0: 0xA706_4D77, word1: 0xEEEA_FB9E))
        #expect(key.foldIn("weight") == RandomKey(word0: 0x25B5_5E0C, word1: 0xD451_AD3F))
        #expect(key.foldIn("hidden/0/weight") == RandomKey(word0: 0x1409_C5BD, word1: 0xDC5E_68A1))
        #expect(key.foldIn("größe") == RandomKey(word0: 0x8D93_587E, word1: 0x8F1E_2820))
    }

    @Test("names that only padding or normalisation tells apart give different keys")
    func separation() {
        #expect(key.foldIn("a") != key.foldIn("a\0"))
        #expect(key.foldIn("12345678") != key.foldIn("12345678\0\0\0\0\0\0\0\0"))
        #expect(key.foldIn("\u{E9}") != key.foldIn("e\u{301}"))
    }

    @Test("split keys have their permanent bits")
    func split() {
        #expect(
            key.split(2) == [
                RandomKey(word0: 0x69DE_F496, word1: 0xD548_ACB5), RandomKey(word0: 0x7D01_99AB, word1: 0x881B_2AEA),
            ])
        #expect(key.split(5)[..<2] == key.split(2)[...])
    }

    @Test("derived keys differ from each other and from the stream's blocks")
    func domains() {
        let words = key.words(0..<200)
        let blocks = (0..<100).map { RandomKey(word0: words[2 * $0], word1: words[2 * $0 + 1]) }
        let derived = (0..<100).map { key.foldIn($0) } + key.split(100) + (0..<100).map { key.foldIn("\($0)") }
        #expect(Set(blocks + derived).count == 400)
    }

    @Test("any part of a stream is what the whole has there")
    func addressable() throws {
        #expect(key.words(0..<4) == [0x4D88_4901, 0xDC0E_5397, 0xB275_C909, 0xFA3D_4F8B])
        #expect(key.words(1 << 40 + 1..<1 << 40 + 3) == [0x3060_04BF, 0xA5D9_C274])
        let whole = key.words(0..<1_000)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<50 {
            let bounds = [Int.random(in: 0...1_000, using: &generator), Int.random(in: 0...1_000, using: &generator)]
            let range = bounds.min()!..<bounds.max()!
            #expect(key.words(UInt64(range.lowerBound)..<UInt64(range.upperBound)) == Array(whole[range]))
            let part = try key.uniform([range.count], offset: UInt64(range.lowerBound))
            #expect(try part.scalars(as: Float.self) == whole[range].map { Float($0 >> 8) * 0x1p-24 })
        }
    }

    @Test("uniform numbers are spread evenly over [0, 1)")
    func uniform() throws {
        let values = try key.uniform([100, 100]).scalars(as: Float.self)
        #expect(Array(values[..<4]) == [5_081_161, 14_421_587, 11_695_561, 16_399_695].map { Float($0) * 0x1p-24 })
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        var counts = [Int](repeating: 0, count: 10)
        for value in values { counts[Int(value * 10)] += 1 }
        // Six standard deviations of a binomial count of 10,000 draws.
        #expect(counts.allSatisfy { abs($0 - 1_000) < 180 })
    }

    @Test("a permutation has its permanent order, and each number once")
    func permutation() {
        #expect(key.permutation(10) == [5, 7, 2, 0, 1, 6, 3, 9, 4, 8])
        #expect(key.permutation(0) == [])
        #expect(key.permutation(1) == [0])
        #expect(key.permutation(1_000).sorted() == Array(0..<1_000))
        #expect(key.foldIn(1).permutation(1_000) != key.permutation(1_000))
    }
}
