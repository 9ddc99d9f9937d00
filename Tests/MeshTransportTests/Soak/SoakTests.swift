import Foundation
import MeshTransport
import MeshWire
import Synchronization
import Telemetry
import TestSupport
import Testing

/// Calls of every kind over real sockets while everything changes, for as many seconds as `MESHWORK_SOAK_SECONDS` says;
/// default 10.
@Suite(.timeLimit(.minutes(30))) struct SoakTests {
    private static let seconds =
        ProcessInfo.processInfo.environment["MESHWORK_SOAK_SECONDS"].flatMap { Double($0) } ?? 10
    private static let length = Duration.milliseconds(Int64(seconds * 1_000))
    private static let callers = 4

    /// How much more memory may be resident in the last quarter than in the second, after the first: what 4 large calls
    /// take at both ends, and what the allocator keeps of them.
    private static let growth = 32 << 20

    /// What is noted meanwhile.
    private final class Records: Sendable {
        let failures = Mutex<[String]>([])
        let samples = Mutex<[ProcessFigures]>([])
        let calls = Tally()
    }

    @Test(
        "no call fails while certificates are renewed and servers come and go, and neither memory nor descriptors grow")
    func soak() async throws {
        let service = try ChangingService()
        let registries = [service.serverMetrics, service.clientMetrics]
        let before = try ProcessFigures(registries)
        let records = Records()
        for _ in 0..<3 { try await service.add() }
        try await withThrowingDiscardingTaskGroup { group in
            let end = SystemRuntime.shared.now.advanced(by: Self.length)
            group.addTask { try await Self.every(.seconds(2), until: end) { _ in try service.rotate() } }
            group.addTask {
                try await Self.every(.milliseconds(700), until: end) { number in
                    try await service.add()
                    if number % 2 == 0 { await service.removeOldest() } else { await service.stopOldest() }
                }
            }
            group.addTask {
                try await Self.every(Self.length / 40, until: end) { _ in
                    let figures = try ProcessFigures(registries)
                    records.samples.withLock { $0.append(figures) }
                }
            }
            for caller in 0..<Self.callers {
                group.addTask {
                    try await Self.every(.milliseconds(5), until: end) { number in
                        do {
                            try await Self.call(service.client, caller + number)
                            records.calls.add()
                        } catch {
                            records.failures.withLock { $0.append("call \(number) of caller \(caller): \(error)") }
                        }
                    }
                }
            }
        }
        await service.stop()
        #expect(records.failures.withLock { $0 } == [])
        #expect(records.calls.count > Int(Self.seconds) * 20)
        let all = records.samples.withLock { $0 }
        let (early, late) = (all[all.count / 4..<all.count / 2], all[all.count * 3 / 4..<all.count])
        func most(_ figures: ArraySlice<ProcessFigures>, _ figure: KeyPath<ProcessFigures, Int>) -> Int {
            figures.map { $0[keyPath: figure] }.max() ?? 0
        }
        print(
            "soak: \(records.calls.count) calls in \(Self.length); memory \(most(early, \.memory) >> 20) MiB and "
                + "\(most(late, \.memory) >> 20) MiB, descriptors \(most(early, \.descriptors)) and "
                + "\(most(late, \.descriptors)), series \(most(early, \.series)) and \(most(late, \.series))")
        if PeakMemory.isMeasurable {
            #expect(most(late, \.memory) <= most(early, \.memory) + Self.growth)
        }
        // A server that comes has a listener and two connections with two ends each, and so has one that is on its way out.
        #expect(most(late, \.descriptors) <= most(early, \.descriptors) + 10)
        // The first repeated call of a method makes a series.
        #expect(most(late, \.series) <= most(early, \.series) + 7)
        try await waitForDescriptors(before.descriptors, registries)
    }

    /// Does something again and again until the end.
    private static func every(
        _ pause: Duration, until end: RuntimeInstant, _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        var number = 0
        while SystemRuntime.shared.now.advanced(by: pause) < end {
            try await SystemRuntime.shared.sleep(for: pause)
            try await body(number)
            number += 1
        }
    }

    /// Makes a call again that no server has seen, up to five times.
    private static func whileNotSent<Answer>(_ call: () async throws -> Answer) async throws -> Answer {
        for _ in 0..<4 {
            do {
                return try await call()
            } catch let error as MeshError where error.progress == .notSent {}
        }
        return try await call()
    }

    /// One call, whose kind follows from its number.
    private static func call(_ client: MeshClient, _ number: Int) async throws {
        let note = Note("call \(number)")
        let answer: Note
        switch number % 8 {
        case 0, 1: answer = try await client.call(Echo.echo, note)
        case 2: answer = try await client.call(Echo.once, note)
        case 3, 4: answer = try await client.call(Echo.count, note)
        case 5:
            answer = try await client.call(Echo.repeated, note) { responses in
                var text = ""
                for try await response in responses { text += response.text }
                return Note(text)
            }
        case 6:
            // The mesh repeats none that streams its requests once it is open: it has not kept them. Whoever has, may.
            let joined = try await whileNotSent {
                try await client.call(Echo.joined) { requests in
                    for character in note.text { try await requests.send(Note(String(character))) }
                }
            }
            // The server adds the payload's bytes, of which there are none.
            answer = Note(String(joined.text.dropLast(2)))
        default:
            let large = Note(note.text, payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 400_000))
            let echoed = try await client.call(Echo.echo, large)
            answer = echoed == large ? note : Note("another payload")
        }
        guard answer == note else { throw MeshError(.malformedMessage, "expected \(note.text), found \(answer.text)") }
    }

    /// What has been closed is closed: there are as many descriptors as before, within ten seconds, and what a process
    /// opens once.
    private func waitForDescriptors(_ count: Int, _ registries: [MetricsRegistry]) async throws {
        for _ in 0..<100 {
            if try ProcessFigures(registries).descriptors <= count + 2 { return }
            try await SystemRuntime.shared.sleep(for: .milliseconds(100))
        }
        Issue.record("\(try ProcessFigures(registries).descriptors) descriptors are open, before there were \(count)")
    }
}
