import Testing

@testable import Identity

@Suite struct IdentityErrorTests {
    struct Cause: Error, CustomStringConvertible {
        let description = "first\nsecond"
    }

    @Test("an error is one line with code, message, claimed peer and cause")
    func oneLine() throws {
        let error = IdentityError(
            .expired, "the leaf is over", peer: try SPIFFEID(parsing: "spiffe://d/a"), cause: Cause())
        #expect(error.description == "expired: the leaf is over (claimed peer spiffe://d/a) [cause: first second]")
    }

    @Test("codes are told apart by name")
    func codes() {
        #expect(IdentityError.Code.expired != .notYetValid)
        #expect(IdentityError.Code.expired.description == "expired")
    }
}
