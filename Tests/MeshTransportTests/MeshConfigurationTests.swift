import MeshTransport
import MeshWire
import Testing

@Suite struct MeshConfigurationTests {
    @Test("the defaults are valid")
    func defaults() throws { try MeshConfiguration().validate() }

    @Test("every property that is out of range is named at once")
    func problems() {
        var configuration = MeshConfiguration()
        configuration.connectTimeout = .zero
        configuration.handshakeTimeout = .zero
        configuration.callTimeout = .seconds(-1)
        configuration.drainTimeout = .seconds(-1)
        configuration.clockSkew = .seconds(-1)
        configuration.callsAwaitingConnection = 0
        configuration.connectionsPerListener = 0
        configuration.bulkPayloadBytes = 0
        configuration.loopHoldWarning = .zero
        configuration.retry.maximumAttempts = 0
        configuration.retry.attemptTimeout = .zero
        configuration.retry.backoffBase = .zero
        configuration.retry.backoffLimit = .zero
        configuration.retry.jitter = .nan
        configuration.limits.framePayloadBytes = 10
        configuration.limits.messageHeadBytes = 0
        configuration.limits.messageBytes = 0
        configuration.limits.largeMessageBytes = 0
        configuration.limits.concurrentCalls = 0
        configuration.limits.declaredMethods = 0
        configuration.limits.segments = 0
        configuration.limits.metadataBytes = -1
        configuration.limits.deduplicationEntries = 0
        configuration.limits.queuedReplyBytes = 0
        expectProblems(
            of: configuration,
            [
                "connectTimeout", "handshakeTimeout", "callTimeout", "drainTimeout", "clockSkew",
                "callsAwaitingConnection", "connectionsPerListener", "bulkPayloadBytes", "loopHoldWarning",
                "retry.maximumAttempts", "retry.attemptTimeout", "retry.backoffBase", "retry.backoffLimit",
                "retry.jitter", "limits.framePayloadBytes",
                "limits.messageHeadBytes", "limits.messageBytes", "limits.largeMessageBytes",
                "limits.concurrentCalls", "limits.declaredMethods", "limits.segments", "limits.metadataBytes",
                "limits.deduplicationEntries", "limits.queuedReplyBytes",
            ])
    }

    @Test("limits that a buffer cannot have are refused, and a clock skew that no verifier takes")
    func tooLarge() {
        var configuration = MeshConfiguration()
        configuration.limits.framePayloadBytes = 1 << 31
        configuration.limits.messageHeadBytes = .max
        configuration.clockSkew = .seconds(3_601)
        expectProblems(of: configuration, ["limits.framePayloadBytes", "limits.messageHeadBytes", "clockSkew"])
    }

    @Test("a message larger than all incomplete ones together may be is refused")
    func messageBytes() {
        var configuration = MeshConfiguration()
        configuration.limits.messageBytes = configuration.limits.largeMessageBytes + 1
        expectProblems(of: configuration, ["limits.messageBytes"])
    }

    /// Expects an error that names these properties and no others.
    private func expectProblems(of configuration: MeshConfiguration, _ names: [String]) {
        let error = #expect(throws: MeshError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        let problems = error?.message.split(separator: "; ") ?? []
        let named = problems.map { problem in problem.prefix { $0 != " " && $0 != ":" }.description }
        #expect(named.sorted() == names.sorted())
    }
}
