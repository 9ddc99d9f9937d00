import CTensorKernels
import Testing

@Suite struct ThreefryTests {
    @Test(
        "a block has the words that the authors of Random123 published",
        arguments: [
            ([0, 0], [0, 0], [0x6b20_0159, 0x99ba_4efe]),
            ([0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff], [0x1cb9_96fc, 0xbb00_2be7]),
            ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3], [0xc492_3a9c, 0x483d_f7a0]),
        ] as [([UInt32], [UInt32], [UInt32])])
    func knownAnswers(key: [UInt32], counter: [UInt32], expected: [UInt32]) {
        var words: [UInt32] = [0, 0]
        // The array has room for the two words.
        unsafe mw_threefry2x32(key[0], key[1], counter[0], counter[1], &words)
        #expect(words == expected)
    }
}

@Suite struct RandomKernelsTests {
    static func bits(first: UInt64, count: Int, on path: KernelPath) -> [UInt32] {
        var out = [UInt32](repeating: 0, count: count)
        // The array has room for `count` words.
        unsafe path.kernels.random.random_bits(7, 9, first, count, &out)
        return out
    }

    @Test("element i is word i % 2 of block i / 2, also beyond 2^32 blocks", arguments: KernelPath.all)
    func streamIsMadeOfBlocks(path: KernelPath) {
        for first: UInt64 in [0, 1, 1 << 33 - 3, 1 << 40 + 1] {
            let stream = Self.bits(first: first, count: 101, on: path)
            for (i, word) in stream.enumerated() {
                let element = first + UInt64(i)
                let block = element / 2
                var words: [UInt32] = [0, 0]
                // The array has room for the two words.
                unsafe mw_threefry2x32(7, 9, UInt32(truncatingIfNeeded: block), UInt32(block >> 32), &words)
                #expect(word == words[Int(element % 2)])
            }
        }
    }

    @Test("any part of a stream is what the whole has there", arguments: KernelPath.all)
    func streamsAreAddressable(path: KernelPath) {
        let whole = Self.bits(first: 0, count: 200, on: .scalar)
        for (first, count) in [(0, 200), (0, 1), (1, 1), (1, 2), (3, 70), (64, 64), (199, 1), (50, 0)] {
            #expect(Self.bits(first: UInt64(first), count: count, on: path) == Array(whole[first..<first + count]))
        }
    }

    @Test("uniform values are the words' upper 24 bits over 2^24", arguments: KernelPath.all)
    func uniformValues(path: KernelPath) {
        var values = [Float](repeating: -1, count: 501)
        // The array has room for 501 values.
        unsafe path.kernels.random.random_uniform_f32(7, 9, 3, 501, &values)
        #expect(values == Self.bits(first: 3, count: 501, on: path).map { Float($0 >> 8) * 0x1p-24 })
        #expect(values.allSatisfy { (0..<1).contains($0) })
        #expect(abs(values.reduce(0, +) / 501 - 0.5) < 0.05)
    }
}
