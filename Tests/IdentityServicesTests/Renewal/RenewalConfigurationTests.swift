import Identity
import IdentityServices
import MeshTransport
import MeshworkTesting
import Testing

@Suite struct RenewalConfigurationTests {
    @Test("the defaults are valid")
    func defaults() throws { try RenewalConfiguration().validate() }

    @Test("every property that is out of range is named at once")
    func problems() {
        var configuration = RenewalConfiguration()
        configuration.share = 1
        configuration.minimumWait = .zero
        configuration.retryWait = .seconds(-1)
        configuration.jitter = 1
        configuration.rootChangeSpread = .zero
        let error = #expect(throws: IdentityError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in ["share", "minimumWait", "retryWait", "jitter", "rootChangeSpread"] {
            #expect(error?.message.contains("\(name): ") == true, "\(name)")
        }
    }

    @Test("a renewal is not made with times that are out of range")
    func renewal() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let identity = try authority.identity("/worker/0")
        let mesh = try Mesh(identity: identity, policy: .denyAll)
        var configuration = RenewalConfiguration()
        configuration.share = .nan
        let error = #expect(throws: IdentityError.self) {
            _ = try IdentityRenewal(
                of: identity, on: mesh, authority: Destination(host: "127.0.0.1", port: 1, identities: []),
                configuration: configuration)
        }
        #expect(error?.code == .invalidConfiguration)
    }
}
