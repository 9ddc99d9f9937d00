import Testing

@testable import Identity

@Suite struct DenyListEncodingTests {
    @Test("a list has one encoding, which is read again")
    func roundTrip() throws {
        let list = try DenyList(
            version: .max,
            entries: [
                .serialNumber([0x6F, 1], of: exampleDomain()), .certificate(DenyListTests.fingerprint(1)),
                .key(DenyListTests.fingerprint(2)),
                .identity(
                    SPIFFEID(parsing: "spiffe://example.org/worker"), issuedBefore: UnixTime(seconds: 1_800_000_000)),
            ])
        let text = """
            {"version":18446744073709551615,\
            "serial_numbers":[{"trust_domain":"example.org","serial_number":"6f01"}],\
            "certificates":["\(DenyListTests.fingerprint(1))"],"keys":["\(DenyListTests.fingerprint(2))"],\
            "identities":[{"spiffe_id":"spiffe://example.org/worker","issued_before":1800000000}]}
            """
        #expect(String(decoding: list.encoded, as: UTF8.self) == text)
        #expect(try DenyList(encoded: list.encoded) == list)
        #expect(try DenyList(encoded: DenyList.empty.encoded) == .empty)
    }

    static let rest = #""certificates":[],"keys":[],"identities":[]"#

    @Test(
        "what is wrong is named by its place, and what is not known is refused",
        arguments: [
            ("", "expected a value"), ("[]", "expected an object, found an array"),
            ("{}", "version: expected a whole number"),
            (#"{"version":-1,"serial_numbers":[],\#(rest)}"#, "version"),
            (#"{"version":1,\#(rest)}"#, "serial_numbers: expected an array, found none"),
            (#"{"version":1,"serial_numbers":{},\#(rest)}"#, "found an object"),
            (#"{"version":1,"serial_numbers":[],\#(rest),"networks":[]}"#, "found \"networks\""),
            (
                #"{"version":1,"serial_numbers":[{"trust_domain":"a","serial_number":"0G"}],\#(rest)}"#,
                "serial_numbers[0]"
            ),
            (
                #"{"version":1,"serial_numbers":[{"trust_domain":"a b","serial_number":"00"}],\#(rest)}"#,
                "serial_numbers[0]"
            ),
            (
                #"{"version":1,"serial_numbers":[],"certificates":["00"],"keys":[],"identities":[]}"#,
                "certificates[0]: expected a SHA-256"
            ),
            (
                #"{"version":1,"serial_numbers":[],"certificates":[],"keys":[1],"identities":[]}"#,
                "keys[0]: expected a SHA-256"
            ),
            (
                #"{"version":1,"serial_numbers":[],"certificates":[],"keys":[],"identities":[{}]}"#,
                "identities[0]: expected a SPIFFE ID"
            ),
            (
                #"{"version":1,"serial_numbers":[],"certificates":[],"keys":[],"identities":[{"spiffe_id":"spiffe://a/b","issued_before":"1"}]}"#,
                "identities[0]"
            ),
        ])
    func malformed(text: String, message: String) {
        let error = identityError { try DenyList(encoded: Array(text.utf8)) }
        #expect(error?.code == .invalidDenyList)
        #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
    }
}
