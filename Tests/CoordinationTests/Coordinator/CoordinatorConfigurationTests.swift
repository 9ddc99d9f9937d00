import Coordination
import Testing

@Suite struct CoordinatorConfigurationTests {
    @Test("the defaults are valid")
    func defaults() throws { try CoordinatorConfiguration().validate() }

    @Test("every property that is out of range is named at once")
    func problems() {
        var configuration = CoordinatorConfiguration()
        configuration.slots = 0
        configuration.lease = .zero
        configuration.serversBeforePlacement = 0
        configuration.fenceTimeout = .seconds(-1)
        configuration.commitTimeout = .zero
        configuration.restartGrace = .seconds(-1)
        configuration.folder = ""
        configuration.partitions = 0
        configuration.servers = -1
        configuration.declarationBytes = 0
        let error = #expect(throws: CoordinationError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in [
            "slots", "lease", "serversBeforePlacement", "fenceTimeout", "commitTimeout", "restartGrace", "folder",
            "partitions", "servers", "declarationBytes",
        ] {
            #expect(error?.message.contains("\(name) must") == true, "\(name)")
        }
    }

    @Test("a placement that would wait for more servers than may register is refused")
    func placement() {
        var configuration = CoordinatorConfiguration()
        configuration.servers = 2
        configuration.serversBeforePlacement = 3
        let error = #expect(throws: CoordinationError.self) { try configuration.validate() }
        #expect(error?.message.contains("serversBeforePlacement must be at most servers") == true)
    }
}
