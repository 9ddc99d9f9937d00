import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import Testing

@testable import ParameterServer

@Suite struct StepPushTests {
    private static let names = (0..<6).map { "layer\($0)" }

    /// Six tables of 64 bytes, of which two make a fragment.
    private static func simulate(
        seed: UInt64 = 4, fragmentBytes: Int = 128, inFlight: Int = 4, faults: (any FaultInjector)? = nil,
        _ body: @escaping @Sendable @concurrent (TestCluster, ParameterClient) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(runtime)
            var configuration = ParameterClientConfiguration()
            configuration.fragmentBytes = fragmentBytes
            configuration.fragmentsInFlight = inFlight
            let client = try await cluster.client(
                try cluster.mesh("/worker/0", faults: faults), configuration: configuration)
            try await client.declare(try names.map { try Example.table($0, shape: [16], partitions: 2) })
            try await body(cluster, client)
        }
    }

    private static func gradient(_ value: Float, _ count: Int = 16) throws -> Gradient {
        .dense(try .full(Shape([count]), value))
    }

    @Test("gradients leave while others are still being computed, and the new values are there at the end")
    func overlaps() async throws {
        try await Self.simulate { cluster, client in
            let before = try await client.pull()
            let step = try await client.step { push in
                for name in Self.names.reversed() {
                    try await client.runtime.sleep(for: .milliseconds(10))
                    push.add(try Self.gradient(2), of: name)
                }
                return 7
            }
            #expect(step.result == 7)
            #expect(step.report.failed.isEmpty)
            #expect(step.report.acknowledged.count == 12)
            #expect(step.parameters.names == Self.names)
            for (name, values) in step.parameters {
                let expected = try before.tensor(named: name).scalars(as: Float.self).map { $0 - 2 }
                #expect(try values.scalars(as: Float.self) == expected)
            }
            let timeline = step.timeline
            #expect(
                timeline.fragments.map(\.tables) == [
                    ["layer5", "layer4"], ["layer3", "layer2"], ["layer1", "layer0"],
                ])
            #expect(timeline.fragments.map(\.isUrgent) == [false, false, true])
            #expect(timeline.began.duration(to: timeline.computed) == .milliseconds(60))
            // The first two were answered, and their tables pulled, before the last gradient was there.
            #expect(timeline.fragments.prefix(2).allSatisfy { $0.pulled ?? timeline.ended < timeline.computed })
            #expect(timeline.hiddenShare > 0.8, "\(timeline)")
            #expect(try await cluster.applied() == Array(repeating: 1, count: 12))
        }
    }

    @Test("with lost and doubled messages, each step is applied once")
    func faults() async throws {
        for seed in UInt64(0)..<8 {
            let faults = SeededFaults(
                seed: seed, replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1)
            try await Self.simulate(seed: seed, fragmentBytes: 64, inFlight: 2, faults: faults) { cluster, client in
                for number in 1...5 {
                    let step = try await client.step { push in
                        for name in Self.names.reversed() { push.add(try Self.gradient(Float(number)), of: name) }
                    }
                    #expect(step.report.failed.isEmpty, "seed \(seed)")
                    let expected = -Float(number * (number + 1) / 2)
                    for (_, values) in step.parameters {
                        let values = try values.scalars(as: Float.self)
                        #expect(values.allSatisfy { $0 == expected }, "seed \(seed)")
                    }
                }
                #expect(try await cluster.applied() == Array(repeating: 5, count: 12), "seed \(seed)")
            }
        }
    }

    @Test("no more fragments are under way than may be: what is computed meanwhile is fused")
    func bound() async throws {
        try await Self.simulate(fragmentBytes: 64, inFlight: 1) { _, client in
            let step = try await client.step(pullsNext: false) { push in
                for name in Self.names.reversed() { push.add(try Self.gradient(1), of: name) }
            }
            let fragments = step.timeline.fragments
            #expect(fragments.map(\.tables.count) == [1, 1, 4])
            for (one, next) in zip(fragments, fragments.dropFirst()) {
                let answered = try #require(one.answered)
                #expect(answered <= next.left)
            }
            #expect(step.parameters.names.isEmpty)
            #expect(fragments.allSatisfy { $0.pulled == nil })
        }
    }

    @Test(
        "a gradient that is missing, comes twice, is unknown or does not fit ends the step with an error that names it")
    func badGradients() async throws {
        try await Self.simulate(fragmentBytes: 1 << 20) { cluster, client in
            func error(_ body: @escaping @Sendable (StepPush) throws -> Void) async -> ParameterServerError? {
                await parameterServerError { _ = try await client.step { try body($0) } }
            }
            let missing = await error { push in
                for name in Self.names.dropFirst() { push.add(try Self.gradient(1), of: name) }
            }
            #expect(missing?.code == .unknownParameter)
            #expect(missing?.message.contains("layer0") == true)
            let twice = await error { push in
                push.add(try Self.gradient(1), of: "layer3")
                push.add(try Self.gradient(1), of: "layer3")
            }
            #expect(twice?.code == .malformedRequest)
            #expect(twice?.message.contains("layer3") == true)
            let unknown = await error { push in push.add(try Self.gradient(1), of: "layer9") }
            #expect(unknown?.code == .unknownParameter)
            let wrong = await error { push in push.add(try Self.gradient(1, 15), of: "layer1") }
            #expect(wrong?.code == .shapeMismatch)
            let applied = try await cluster.applied()
            #expect(applied == Array(repeating: 0, count: 12))
        }
    }

    @Test("a NaN is rejected by its partitions, and the others apply their share")
    func notFinite() async throws {
        try await Self.simulate { cluster, client in
            let step = try await client.step { push in
                for name in Self.names.reversed() { push.add(try Self.gradient(name == "layer2" ? .nan : 1), of: name) }
            }
            #expect(step.report.acknowledged.count == 10)
            #expect(step.report.failed.map(\.error.code) == [.nonFinite, .nonFinite])
            #expect(Set(step.report.failed.map(\.push.name.table)) == ["layer2"])
            #expect(try step.parameters.tensor(named: "layer2").scalars(as: Float.self).allSatisfy { $0 == 0 })
        }
    }

    @Test("when the computation fails, what has left is answered and the rest never leaves")
    func computationFails() async throws {
        struct Failure: Error {}
        try await Self.simulate { cluster, client in
            await #expect(throws: Failure.self) {
                try await client.step { push in
                    push.add(try Self.gradient(1), of: "layer5")
                    push.add(try Self.gradient(1), of: "layer4")
                    try await client.runtime.sleep(for: .milliseconds(10))
                    push.add(try Self.gradient(1), of: "layer3")
                    throw Failure()
                }
            }
            let applied = try await cluster.reader().accounts().filter { $0.version.applied == 1 }
            #expect(Set(applied.map(\.name.table)) == ["layer4", "layer5"])
            #expect(applied.count == 4)
        }
    }
}
