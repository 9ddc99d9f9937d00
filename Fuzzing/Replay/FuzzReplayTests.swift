import Foundation
import MeshWire
import MeshworkTesting
import Testing

/// What the fuzzers are given, without libFuzzer: seeds, and as many changed ones as a test run has time for.
@Suite(.timeLimit(.minutes(5))) struct FuzzReplayTests {
    /// How many changed inputs each target gets; `MESHWORK_TEST_ROUNDS` multiplies it.
    private static let inputs: Int = {
        let rounds = ProcessInfo.processInfo.environment["MESHWORK_TEST_ROUNDS"].flatMap { Int($0) }
        return 400 * max(1, rounds ?? 1)
    }()

    @Test(
        "a decoder takes what it should, and no changed bytes make it trap, hang or break its promises",
        arguments: FuzzTarget.all.keys.sorted())
    func replay(name: String) throws {
        let target = try #require(FuzzTarget.all[name])
        let seeds = target.seeds()
        #expect(!seeds.isEmpty)
        for seed in seeds { target.decode(seed) }
        for input in try Self.found(name) { target.decode(input) }
        // A trap ends the run; the same inputs come again in the next, as the seed is fixed.
        var mutator = Mutator(seed: 1, seeds)
        let count = name == "certificates" ? Self.inputs / 10 : Self.inputs
        for _ in 0..<count { target.decode(mutator.next()) }
    }

    /// What fuzzing has found before (`Scripts/pack-corpus.py`); nothing for a target that has not been fuzzed yet.
    private static func found(_ name: String) throws -> [[UInt8]] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/\(name)")
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            Array(try #require(Data(base64Encoded: String(line)), "\(name): \(line)"))
        }
    }

    @Test("one seed makes the same inputs, and they differ from what they are made of")
    func mutations() {
        let seeds: [[UInt8]] = [Array(0..<100), Array(100..<200)]
        var (one, other) = (Mutator(seed: 1, seeds), Mutator(seed: 1, seeds))
        let inputs = (0..<100).map { _ in one.next() }
        #expect(inputs == (0..<100).map { _ in other.next() })
        #expect(inputs.count { !seeds.contains($0) } > 90)
        #expect(Set(inputs).count > 90)
    }
}

/// Changes inputs as libFuzzer does, and keeps some of what it has made, so that changes add up.
private struct Mutator {
    private static let mostInputs = 64
    private static let mostBytes = 4_096
    private static let striking: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]

    private var generator: SplitMix64
    private var inputs: [[UInt8]]

    init(seed: UInt64, _ seeds: [[UInt8]]) {
        generator = SplitMix64(seed: seed)
        inputs = seeds
    }

    mutating func next() -> [UInt8] {
        var bytes = inputs[below(inputs.count)]
        for _ in 0...below(4) { change(&bytes) }
        if bytes.count > Self.mostBytes { bytes.removeLast(bytes.count - Self.mostBytes) }
        if below(4) == 0 {
            if inputs.count < Self.mostInputs { inputs.append(bytes) } else { inputs[below(inputs.count)] = bytes }
        }
        return bytes
    }

    private mutating func below(_ count: Int) -> Int { Int(generator.next() % UInt64(max(1, count))) }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: generator.next())) }
        let place = below(bytes.count)
        switch below(8) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        case 2: bytes[place] = Self.striking[below(Self.striking.count)]
        case 3: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(8)))
        case 5: bytes.removeLast(bytes.count - place)
        case 6: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(40))], at: place)
        default:
            let other = inputs[below(inputs.count)]
            guard !other.isEmpty else { return }
            let from = below(other.count)
            bytes.replaceSubrange(place..., with: other[from...])
        }
    }
}
