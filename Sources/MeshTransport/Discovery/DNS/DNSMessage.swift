/// A message of the domain name system, as far as a resolver that asks others needs it.
///
/// Source: RFC 1035, section 4; RFC 6891 for what an OPT record says.
package struct DNSMessage: Sendable, Hashable {
    /// What became of a question.
    package struct ResponseCode: Sendable, Hashable, CustomStringConvertible {
        package let code: UInt16

        package init(_ code: UInt16) { self.code = code }

        package static let noError = ResponseCode(0)
        package static let formatError = ResponseCode(1)
        package static let serverFailure = ResponseCode(2)
        package static let nameError = ResponseCode(3)
        package static let notImplemented = ResponseCode(4)
        package static let refused = ResponseCode(5)
        /// A version of EDNS that the server does not know.
        package static let badVersion = ResponseCode(16)

        package var description: String {
            switch self {
            case .noError: "NOERROR"
            case .formatError: "FORMERR"
            case .serverFailure: "SERVFAIL"
            case .nameError: "NXDOMAIN"
            case .notImplemented: "NOTIMP"
            case .refused: "REFUSED"
            case .badVersion: "BADVERS"
            default: "RCODE\(code)"
            }
        }
    }

    /// The most bytes of a message over UDP that is certainly not fragmented on its way (DNS Flag Day 2020).
    package static let datagramLimit: UInt16 = 1_232
    /// The most records that one message holds here: as many addresses as fit into the longest one.
    package static let recordLimit = 4_096

    package var id: UInt16
    package var isResponse = false
    /// 0 for a question and its answer; nothing else is asked here.
    package var operation: UInt8 = 0
    package var isAuthoritative = false
    /// Something was left out because it is too long: it is to be asked for over TCP.
    package var isTruncated = false
    package var wantsRecursion = true
    package var offersRecursion = false
    package var responseCode = ResponseCode.noError
    package var questions: [DNSQuestion] = []
    package var answers: [DNSRecord] = []
    package var authorities: [DNSRecord] = []
    /// Without the OPT record.
    package var additionals: [DNSRecord] = []
    /// What an OPT record says of how many bytes a datagram to its sender may have; `nil` without one.
    package var datagramLimit: UInt16?

    package init(id: UInt16) { self.id = id }

    /// A question; with `isExtended` it says that answers of up to 1,232 bytes are taken.
    package init(id: UInt16, _ question: DNSQuestion, isExtended: Bool = true) {
        self.id = id
        questions = [question]
        datagramLimit = isExtended ? Self.datagramLimit : nil
    }
}

/// Bytes that are no message.
package struct DNSFormatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was expected, what was found and where.
    package let description: String

    init(_ description: String) { self.description = description }
}
