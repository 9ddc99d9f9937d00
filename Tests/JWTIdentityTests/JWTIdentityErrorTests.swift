import Identity
import Testing

@testable import JWTIdentity

@Suite struct JWTIdentityErrorTests {
    @Test("an error is one line with code, message, claimed peer and cause")
    func description() throws {
        struct Cause: Error, CustomStringConvertible { let description = "two\nlines" }
        let peer = try SPIFFEID(parsing: "spiffe://example.org/worker")
        let error = JWTIdentityError(.expired, "exp: too late", peer: peer, cause: Cause())
        #expect("\(error)" == "expired: exp: too late (claimed peer spiffe://example.org/worker) [cause: two lines]")
        #expect("\(JWTIdentityError(.denied, "no"))" == "denied: no")
    }
}
