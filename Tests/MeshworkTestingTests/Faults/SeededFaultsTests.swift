import MeshTransport
import MeshworkTesting
import Testing

@Suite struct SeededFaultsTests {
    private func fates(seed: UInt64) -> [MessageFate] {
        let faults = SeededFaults(seed: seed, replyLoss: 0.3, requestLoss: 0.2, requestDuplication: 0.1)
        return (0..<500).flatMap { _ in [faults.fate(ofRequest: "a.B/C"), faults.fate(ofReply: "a.B/C")] }
    }

    @Test("one seed makes one choice, another seed another")
    func seeds() {
        #expect(fates(seed: 4) == fates(seed: 4))
        #expect(fates(seed: 4) != fates(seed: 5))
    }

    @Test("what was done is counted, and is about the share that was asked for")
    func counts() {
        let faults = SeededFaults(seed: 9, replyLoss: 0.3, requestLoss: 0.2, requestDuplication: 0.1)
        var found = faults.counts
        for _ in 0..<10_000 {
            switch faults.fate(ofRequest: "a.B/C") {
            case .lose: found.requestsLost += 1
            case .duplicate: found.requestsDoubled += 1
            case .deliver: break
            }
            if faults.fate(ofReply: "a.B/C") == .lose { found.repliesLost += 1 }
        }
        #expect(faults.counts == found)
        #expect((1_850...2_150).contains(found.requestsLost))
        #expect((900...1_100).contains(found.requestsDoubled))
        #expect((2_800...3_200).contains(found.repliesLost))
    }

    @Test("methods that are not affected are left alone and draw no chance")
    func unaffected() {
        let faults = SeededFaults(seed: 9, replyLoss: 1, requestLoss: 1) { $0 == "a.B/C" }
        #expect(faults.fate(ofRequest: "a.B/D") == .deliver)
        #expect(faults.fate(ofReply: "a.B/D") == .deliver)
        #expect(faults.counts == SeededFaults(seed: 1).counts)
        #expect(faults.fate(ofRequest: "a.B/C") == .lose)
        #expect(faults.fate(ofReply: "a.B/C") == .lose)
    }

    @Test("without shares everything arrives")
    func none() {
        let faults = SeededFaults(seed: 1)
        for _ in 0..<1_000 {
            #expect(faults.fate(ofRequest: "a.B/C") == .deliver)
            #expect(faults.fate(ofReply: "a.B/C") == .deliver)
        }
    }
}
