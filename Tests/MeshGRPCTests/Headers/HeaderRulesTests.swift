import NIOHPACK
import Testing

@testable import MeshGRPC

@Suite struct HeaderRulesTests {
    private static let request: [(String, String)] = [
        (":method", "POST"), (":scheme", "https"), (":path", "/a.B/C"), (":authority", "b.example"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ]

    /// A request's fields, of which `name` has another value; or none, for `nil`.
    private func request(_ name: String, _ value: String?) -> HPACKHeaders {
        HPACKHeaders(
            Self.request.compactMap { field in field.0 == name ? value.map { (name, $0) } : field })
    }

    @Test("what gRPC's peers send is allowed")
    func allowed() {
        #expect(HPACKHeaders(Self.request).isWellFormed(as: .request))
        // A request need not name an authority, and may name it as HTTP/1.1 does (RFC 9113, 8.3.1).
        #expect(request(":authority", nil).isWellFormed(as: .request))
        #expect(HPACKHeaders([(":status", "200"), ("te", "gzip")]).isWellFormed(as: .response))
        #expect(HPACKHeaders([(":status", "103"), ("link", "</a>; \"é\"\t")]).isWellFormed(as: .response))
        #expect(HPACKHeaders([("grpc-status", "0"), ("grpc-message", " ")]).isWellFormed(as: .trailers))
        #expect(HPACKHeaders().isWellFormed(as: .trailers))
        #expect(HPACKHeaders(Self.request + [("0!#$%&'*+-.^_`|~z", "")]).isWellFormed(as: .request))
    }

    @Test(
        "fields that are missing, or whose value is not one of theirs",
        arguments: [
            (":method", nil), (":scheme", nil), (":path", nil), (":path", ""), (":path", "/a b"), (":path", "/a\u{7F}"),
            (":authority", "a\tb"), ("te", "gzip"), ("te", "trailers, gzip"), ("content-type", "a\rb"),
            ("content-type", "a\nb"), ("content-type", "a\0b"),
        ] as [(String, String?)])
    func valueRules(_ name: String, _ value: String?) {
        #expect(!request(name, value).isWellFormed(as: .request))
    }

    @Test(
        "fields that must not be there",
        arguments: [
            ("connection", "close"), ("keep-alive", "1"), ("proxy-connection", "x"), ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"), ("", "x"), ("X-Upper", "x"), ("x y", "z"), ("x:y", "z"), ("é", "z"), ("x\0", "z"),
        ])
    func forbidden(_ name: String, _ value: String) {
        let field = HPACKHeaders([(name, value)])
        #expect(!field.isWellFormed(as: .trailers))
        #expect(!HPACKHeaders(Self.request + [(name, value)]).isWellFormed(as: .request))
        #expect(!HPACKHeaders([(":status", "200"), (name, value)]).isWellFormed(as: .response))
    }

    @Test("pseudo-header fields come first, once, and only where they belong")
    func pseudoHeaders() {
        for (name, value) in Self.request.prefix(4) {
            #expect(!HPACKHeaders([(name, value)] + Self.request).isWellFormed(as: .request), "\(name) twice")
            #expect(!HPACKHeaders([(":status", "200"), (name, value)]).isWellFormed(as: .response))
            #expect(!HPACKHeaders([(name, value)]).isWellFormed(as: .trailers))
            #expect(!HPACKHeaders(Self.request.filter { $0.0 != name } + [(name, value)]).isWellFormed(as: .request))
        }
        #expect(!HPACKHeaders([(":status", "200")] + Self.request).isWellFormed(as: .request))
        #expect(!HPACKHeaders([(":protocol", "websocket")] + Self.request).isWellFormed(as: .request))
        #expect(!HPACKHeaders([(":", "x")] + Self.request).isWellFormed(as: .request))
        #expect(!HPACKHeaders([(":status", "200"), (":status", "200")]).isWellFormed(as: .response))
        #expect(!HPACKHeaders([("grpc-status", "0")]).isWellFormed(as: .response))
    }
}
