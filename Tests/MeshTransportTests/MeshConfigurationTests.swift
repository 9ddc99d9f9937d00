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
        configuration.callTimeout = .seconds(-1)
        configuration.drainTimeout = .seconds(-1)
        configuration.connectionsPerListener = 0
        configuration.retry.maximumAttempts = 0
        configuration.retry.jitter = .nan
        configuration.limits.framePayloadBytes = 10
        let error = #expect(throws: MeshError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in [
            "connectTimeout", "callTimeout", "drainTimeout", "connectionsPerListener", "retry.maximumAttempts",
            "retry.jitter", "limits.framePayloadBytes",
        ] {
            #expect(error?.message.contains(name) == true, "\(name)")
        }
    }
}
