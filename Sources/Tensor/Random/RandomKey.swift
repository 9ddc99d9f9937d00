import CTensorKernels

/// Where random numbers come from: an explicit key, from which other keys and streams of numbers are derived.
///
/// There is no hidden state: the same key gives the same numbers on every machine, with every instruction set and
/// number of threads, and element `i` of a stream can be made without the ones before it. **The bits are permanent**;
/// checkpoints and parameter servers rely on them.
///
/// ```swift
/// let key = RandomKey(seed: 7)
/// let weights = try key.foldIn("hidden/weight").uniform([512, 256])
/// let order = key.foldIn("shuffle").foldIn(epoch).permutation(6_000)
/// ```
///
/// The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011), written `E(key, counter)` below; a key and a counter are two 32-bit words each.
///
/// - A stream's word `i` is word `i mod 2` of `E(key, ⌊i / 2⌋)`.
/// - A derived key is `E(E(…E(key, w₁)…, wₙ), (d, n))` for 64-bit words `w` and a domain `d`: 1 for ``foldIn(_:)-(UInt64)``
///   (one word), 2 for a string (its UTF-8 bytes, eight to a word, the first lowest, padded with zeros; with the number
///   of bytes for `n`), 3 for ``split(_:)`` (the child's index). The last step keeps derived keys apart from a stream's
///   numbers and from each other.
public struct RandomKey: Sendable, Hashable {
    /// The first word of the key.
    public let word0: UInt32
    /// The second word of the key.
    public let word1: UInt32

    /// The key with these words.
    public init(word0: UInt32, word1: UInt32) {
        self.word0 = word0
        self.word1 = word1
    }

    /// The key whose words are the high and the low half of `seed`.
    public init(seed: UInt64) {
        self.init(word0: UInt32(truncatingIfNeeded: seed >> 32), word1: UInt32(truncatingIfNeeded: seed))
    }

    /// What a derived key was derived for.
    private enum Domain: UInt32 {
        case integer = 1
        case string = 2
        case split = 3
    }

    /// The key for `value` under this key: an epoch, a step, a layer's index.
    public func foldIn(_ value: UInt64) -> RandomKey {
        encrypted(value).sealed(.integer, 1)
    }

    /// The key for `name` under this key. Names that differ in normal form only (é as one or two scalars) are
    /// different names.
    public func foldIn(_ name: String) -> RandomKey {
        var key = self
        var word: UInt64 = 0
        var count = 0
        for byte in name.utf8 {
            word |= UInt64(byte) << (UInt64(count % 8) * 8)
            count += 1
            if count % 8 == 0 {
                key = key.encrypted(word)
                word = 0
            }
        }
        if count % 8 != 0 { key = key.encrypted(word) }
        return key.sealed(.string, UInt32(truncatingIfNeeded: count))
    }

    /// `count` keys for as many independent purposes.
    public func split(_ count: Int = 2) -> [RandomKey] {
        (0..<count).map { encrypted(UInt64($0)).sealed(.split, 1) }
    }

    /// `E(self, value)`, the low half of the value being the first counter word.
    private func encrypted(_ value: UInt64) -> RandomKey {
        block(UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32))
    }

    private func sealed(_ domain: Domain, _ count: UInt32) -> RandomKey {
        block(domain.rawValue, count)
    }

    private func block(_ counter0: UInt32, _ counter1: UInt32) -> RandomKey {
        var words: (UInt32, UInt32) = (0, 0)
        // Safe: the tuple is the two words in a row that the function writes.
        unsafe withUnsafeMutableBytes(of: &words) { bytes in
            unsafe mw_threefry2x32(
                word0, word1, counter0, counter1, bytes.assumingMemoryBound(to: UInt32.self).baseAddress!)
        }
        return RandomKey(word0: words.0, word1: words.1)
    }
}

extension RandomKey {
    /// Words `range` of this key's stream.
    public func words(_ range: Range<UInt64>) -> [UInt32] {
        let count = Int(range.upperBound - range.lowerBound)
        return unsafe [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                // Safe: the kernel writes `count` words, for which there is room.
                unsafe mw_active_kernels().pointee.random.random_bits(
                    word0, word1, range.lowerBound, count, buffer.baseAddress!)
            }
            initialized = count
        }
    }

    /// Elements of this key's stream as floats in `[0, 1)`, all multiples of 2⁻²⁴: word `offset + i` without its low
    /// eight bits.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func uniform(_ shape: Shape, offset: UInt64 = 0) throws(TensorError) -> AnyTensor {
        let tensor = try AnyTensor(uninitialized: shape, dtype: .float32)
        if tensor.elementCount > 0 {
            // Safe: the tensor is new and holds as many floats as its shape says.
            unsafe mw_active_kernels().pointee.random.random_uniform_f32(
                word0, word1, offset, tensor.elementCount, tensor.elements())
        }
        return tensor
    }

    /// The numbers `0..<count` in random order, each order as likely as any other (but for a bias below `count` / 2⁶⁴).
    ///
    /// Fisher and Yates' shuffle from the back: place `i` is exchanged with place `⌊r (i + 1) / 2⁶⁴⌋`, where `r` is made
    /// of the words `2i` (low) and `2i + 1` (high) of the stream.
    public func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        let words = words(0..<UInt64(count) * 2)
        for place in (1..<count).reversed() {
            let draw = UInt64(words[2 * place]) | UInt64(words[2 * place + 1]) << 32
            order.swapAt(place, Int(draw.multipliedFullWidth(by: UInt64(place) + 1).high))
        }
        return order
    }
}
