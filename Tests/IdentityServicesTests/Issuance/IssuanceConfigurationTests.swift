import Identity
import IdentityServices
import MeshTransport
import MeshworkTesting
import Testing

@Suite struct IssuanceConfigurationTests {
    @Test("the defaults are valid")
    func defaults() throws { try IssuanceConfiguration().validate() }

    @Test("every property that is out of range is named at once")
    func problems() {
        var configuration = IssuanceConfiguration()
        configuration.tokenLifetime = .milliseconds(999)
        configuration.joinsPerSecond = .nan
        configuration.joinBurst = 0.5
        configuration.workloads = 0
        let error = #expect(throws: IdentityError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in ["tokenLifetime", "joinsPerSecond", "joinBurst", "workloads"] {
            #expect(error?.message.contains("\(name): ") == true, "\(name)")
        }
    }

    @Test("a server is not made with limits that are out of range")
    func server() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        var configuration = IssuanceConfiguration()
        configuration.joinsPerSecond = 0
        let error = #expect(throws: IdentityError.self) {
            _ = try IssuanceServer(
                authority: authority.authority, identity: try authority.svid("/coordinator"),
                configuration: configuration)
        }
        #expect(error?.code == .invalidConfiguration)
    }
}
