import MeshWire
import TestSupport
import Testing

@Suite struct ConnectionPairTests {
    @Test("two sides agree on every call, whatever the order and the pieces", arguments: 1...20 as ClosedRange<UInt64>)
    func smallCalls(seed: UInt64) throws {
        var pair = ConnectionPair(seed: seed, smallPayloads: true)
        for _ in 0..<rounds(1_500) { try pair.step(calls: 200) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("large and small messages share a connection", arguments: 101...112 as ClosedRange<UInt64>)
    func largeCalls(seed: UInt64) throws {
        var pair = ConnectionPair(seed: seed, smallPayloads: false)
        for _ in 0..<rounds(600) { try pair.step(calls: 30) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("calls of one message alone are as before", arguments: [21, 22, 23, 24] as [UInt64])
    func unaryOnly(seed: UInt64) throws {
        var pair = ConnectionPair(seed: seed, smallPayloads: seed % 2 == 0, kinds: [.unary])
        for _ in 0..<rounds(600) { try pair.step(calls: 50) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("frames with checksums say the same", arguments: [31, 32, 33] as [UInt64])
    func checksums(seed: UInt64) throws {
        var limits = WireLimits()
        limits.checksums = true
        var pair = ConnectionPair(seed: seed, limits: limits, smallPayloads: false)
        for _ in 0..<rounds(300) { try pair.step(calls: 30) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("little credit and room make everybody wait, and nobody for ever", arguments: 41...50 as ClosedRange<UInt64>)
    func littleCredit(seed: UInt64) throws {
        var limits = WireLimits()
        limits.streamCredit = 128 << 10
        limits.connectionCredit = 1 << 20
        limits.messageBytes = 1 << 20
        limits.largeMessageBytes = 1 << 20
        var pair = ConnectionPair(seed: seed, limits: limits, smallPayloads: false)
        for _ in 0..<rounds(600) { try pair.step(calls: 30) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("a connection may end anywhere", arguments: 401...404 as ClosedRange<UInt64>)
    func cut(seed: UInt64) throws {
        for run in 0..<rounds(25) {
            var pair = ConnectionPair(seed: seed << 20 + UInt64(run), smallPayloads: run % 5 != 0)
            for _ in 0..<Int(pair.generator.next() % 200) { try pair.step(calls: 10) }
            try pair.cut()
        }
    }

    @Test("calls over the limits are refused and the others are answered", arguments: 201...220 as ClosedRange<UInt64>)
    func limits(seed: UInt64) throws {
        var limits = WireLimits()
        limits.concurrentCalls = 4
        limits.messageHeadBytes = 250
        limits.largeMessageBytes = 400
        var pair = ConnectionPair(seed: seed, limits: limits, smallPayloads: true)
        for _ in 0..<rounds(1_000) { try pair.step(calls: 100) }
        try pair.finish()
        #expect(pair.client.openStreams == 0, "seed \(seed)")
        #expect(pair.server.openStreams == 0, "seed \(seed)")
        #expect(pair.server.isIdle == true, "seed \(seed)")
    }

    private func expectIsOver(_ pair: borrowing ConnectionPair) {
        #expect(pair.client.openStreams == 0)
        #expect(pair.server.openStreams == 0)
        #expect(pair.server.isIdle == true)
        // Left are those that were given up on either side; every other one was answered and removed.
        for (stream, call) in pair.calls {
            #expect(call.isCancelled || call.isNotTaken, "\(stream) was never answered")
        }
        if pair.isGoingAway { #expect(pair.client.takesCalls == false) }
    }
}
