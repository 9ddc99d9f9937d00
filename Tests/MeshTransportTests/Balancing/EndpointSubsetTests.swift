import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct EndpointSubsetTests {
    private let names = (0..<300).map { StableHash.of("10.0.0.\($0):80") }

    @Test("a client uses all of few endpoints")
    func few() {
        #expect(EndpointSubset.choose(300, of: names, seed: 1) == Array(0..<300))
        #expect(EndpointSubset.choose(5, of: [], seed: 1).isEmpty)
    }

    @Test("one seed uses the same endpoints, in whichever order they are told")
    func deterministic() {
        let chosen = Set(EndpointSubset.choose(20, of: names, seed: 5).map { names[$0] })
        let reversed = Array(names.reversed())
        #expect(chosen == Set(EndpointSubset.choose(20, of: reversed, seed: 5).map { reversed[$0] }))
        #expect(chosen != Set(EndpointSubset.choose(20, of: names, seed: 6).map { names[$0] }))
    }

    @Test("an endpoint that goes is replaced, and the others of the subset stay")
    func churn() {
        for seed in 0..<UInt64(50) {
            let before = Set(EndpointSubset.choose(20, of: names, seed: seed).map { names[$0] })
            let left = names.filter { $0 != names[Int(seed)] }
            let after = Set(EndpointSubset.choose(20, of: left, seed: seed).map { left[$0] })
            #expect(before.subtracting(after).count <= 1)
        }
    }

    @Test("over many clients every endpoint is in about as many subsets")
    func even() {
        var counts = [Int](repeating: 0, count: names.count)
        for seed in 0..<UInt64(3_000) {
            for position in EndpointSubset.choose(20, of: names, seed: seed) { counts[position] += 1 }
        }
        // 200 each on average; five standard deviations of chance.
        #expect(counts.allSatisfy { (130...270).contains($0) }, "\(counts.min()!)...\(counts.max()!)")
    }
}
