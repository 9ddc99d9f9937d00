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

    @Test(
        "of the messages of calls that stream, in both directions, about the share that was asked for is lost and doubled"
    )
    func streamedShares() {
        let faults = SeededFaults(seed: 9, messageLoss: 0.2, messageDuplication: 0.1) { $0 == "a.B/C" }
        for _ in 0..<5_000 {
            _ = faults.fate(ofStreamedRequest: "a.B/C")
            _ = faults.fate(ofStreamedResponse: "a.B/C")
        }
        #expect((1_850...2_150).contains(faults.counts.messagesLost))
        #expect((900...1_100).contains(faults.counts.messagesDoubled))
        #expect(faults.fate(ofStreamedRequest: "a.B/D") == .deliver)
        #expect(faults.fate(ofRequest: "a.B/C") == .deliver && faults.fate(ofReply: "a.B/C") == .deliver)
    }

    @Test("a stream goes on without what is lost of it, and with what is doubled twice, in order")
    func streams() async throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            try await HostScene.run(seed: seed) { scene in
                let received = Numbers()
                try await scene.serve(scene.runtime.host("server"), received)
                let faults = SeededFaults(seed: seed, messageLoss: 0.2, messageDuplication: 0.2)
                let mesh = try scene.mesh(scene.runtime.host("client")) { $0.faults = faults }
                let client = try scene.client(mesh, of: "server")
                let answers = try await client.call(Counting.echo) { requests, responses in
                    for number in 0..<200 as Range<UInt64> { try await requests.send(Number(number)) }
                    requests.finish()
                    var answers: [UInt64] = []
                    for try await answer in responses { answers.append(answer.value) }
                    return answers
                }
                let (all, counts) = (received.all, faults.counts)
                #expect(all == all.sorted() && answers == answers.sorted(), "seed \(seed)")
                #expect(Set(all).count < 200 && Set(answers).isStrictSubset(of: all), "seed \(seed)")
                // 200 were sent, and what arrived was answered.
                let handled = 200 + all.count
                #expect(
                    handled - counts.messagesLost + counts.messagesDoubled == all.count + answers.count, "seed \(seed)")
                client.close()
            }
        }
    }
}
