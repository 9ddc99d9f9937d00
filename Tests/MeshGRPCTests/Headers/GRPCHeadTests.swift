import MeshWire
import NIOHPACK
import Testing

@testable import MeshGRPC

@Suite struct GRPCHeadTests {
    private let limits = WireLimits()

    /// What a call of grpcio's C-core sends.
    private var requestHeaders: HPACKHeaders {
        [
            ":scheme": "http", ":method": "POST", ":authority": "localhost:50051", ":path": "/shop.Scoring/Score",
            "te": "trailers", "content-type": "application/grpc", "user-agent": "grpc-python/1.70.0",
            "grpc-accept-encoding": "identity, deflate, gzip", "grpc-timeout": "999865u", "x-request": "7",
        ]
    }

    private func changed(_ name: String, _ value: String?) -> HPACKHeaders {
        var headers = requestHeaders
        headers.remove(name: name)
        if let value { headers.add(name: name, value: value) }
        return headers
    }

    private func refusal(_ headers: HPACKHeaders) -> GRPCRequestRefusal? {
        do throws(GRPCRequestRefusal) {
            _ = try GRPCRequestHead(headers, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("a client's head is read")
    func request() throws {
        let head = try GRPCRequestHead(requestHeaders, limits: limits)
        #expect(head.path == "shop.Scoring/Score")
        #expect(head.authority == "localhost:50051")
        #expect(!head.isSecure)
        #expect(head.timeout == .microseconds(999_865))
        #expect(head.acceptedEncodings == [.deflate, .gzip])
        #expect(head.encoding == .identity)
        #expect(head.userAgent == "grpc-python/1.70.0")
        #expect(head.metadata == ["x-request": "7"])
    }

    @Test("a head comes back as it was written")
    func roundTrip() throws {
        var head = GRPCRequestHead(path: "a.B/C", authority: "b.example")
        head.timeout = .milliseconds(20)
        head.encoding = .known(.gzip)
        head.acceptedEncodings = [.deflate, .gzip]
        head.userAgent = "meshwork"
        head.previousAttempts = 2
        head.metadata = ["k": "v"]
        let headers = try head.headers(limits: limits)
        #expect(headers["te"] == ["trailers"])
        // HTTP/2's own fields come first (RFC 9113, 8.3).
        #expect(headers.prefix(4).allSatisfy { $0.name.hasPrefix(":") })
        #expect(try GRPCRequestHead(headers, limits: limits) == head)
    }

    @Test(
        "what is not gRPC gets an HTTP status",
        arguments: [
            ("content-type", nil, 415), ("content-type", "application/json", 415),
            ("content-type", "application/grpc-web", 415),
            ("content-type", "application/grpc+json", 415), (":method", "GET", 405), (":method", nil, 405),
        ] as [(String, String?, Int)])
    func notGRPC(name: String, value: String?, status: Int) {
        #expect(refusal(changed(name, value)) == .http(status: status))
    }

    @Test(
        "content types of protobuf messages are taken",
        arguments: [
            "application/grpc", "application/grpc+proto", "APPLICATION/GRPC", "application/grpc; charset=utf-8",
            "application/grpc+proto;x=y",
        ])
    func contentTypes(value: String) {
        #expect(refusal(changed("content-type", value)) == nil)
    }

    @Test(
        "a call that cannot be read gets a status",
        arguments: [
            (":path", "shop.Scoring/Score", .unimplemented), (":path", "/Score", .unimplemented),
            (":path", "*", .unimplemented),
            ("grpc-timeout", "1x", .internalError), ("x-request", "ä", .internalError),
            ("bad name", "1", .internalError),
        ] as [(String, String, CallStatus)])
    func refused(name: String, value: String, code: CallStatus) {
        guard case .status(let status) = refusal(changed(name, value)) else {
            Issue.record("expected a status")
            return
        }
        #expect(status.code == code)
    }

    @Test("bad metadata before the content type does not hide that a request is not gRPC")
    func orderOfFaults() {
        let headers: HPACKHeaders = [":method": "POST", ":path": "/", "x": "ä", "content-type": "text/html"]
        #expect(refusal(headers) == .http(status: 415))
    }

    @Test("a response's head comes back, and what is not gRPC is told by its HTTP status")
    func response() throws {
        let head = GRPCResponseHead(encoding: .known(.gzip), metadata: ["k": "v"])
        var read = try GRPCResponseHead(head.headers(limits: limits), limits: limits)
        #expect(read.acceptedEncodings == [.deflate, .gzip])
        read.acceptedEncodings = []
        #expect(read == head)
        for (code, expected) in [
            (400, .internalError), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented),
            (429, .unavailable), (502, .unavailable), (503, .unavailable), (504, .unavailable), (500, .unknown),
            (302, .unknown),
        ] as [(Int, CallStatus)] {
            let headers: HPACKHeaders = [":status": "\(code)", "content-type": "text/html"]
            #expect(
                status { () throws(GRPCStatus) in _ = try GRPCResponseHead(headers, limits: limits) }?.code == expected)
        }
        let html: HPACKHeaders = [":status": "200", "content-type": "text/html"]
        #expect(status { () throws(GRPCStatus) in _ = try GRPCResponseHead(html, limits: limits) }?.code == .unknown)
    }

    @Test("trailers come back as they were written")
    func trailers() throws {
        let trailers = GRPCTrailers(
            GRPCStatus(.aborted, "lost a race: 100 %\n", details: [8, 10]), metadata: ["k": "v"],
            pushback: .after(.milliseconds(250)))
        #expect(GRPCTrailers(try trailers.headers(isWholeResponse: false, limits: limits), limits: limits) == trailers)
        let whole = try trailers.headers(isWholeResponse: true, limits: limits)
        #expect(whole[":status"] == ["200"])
        #expect(GRPCTrailers(whole, limits: limits) == trailers)
    }

    @Test("a status that cannot be read is unknown, one that is missing is none")
    func malformedStatus() throws {
        for text in ["", "x", "-1", "99999999999", "+0"] {
            #expect(GRPCTrailers(["grpc-status": text], limits: limits)?.status.code == .unknown)
        }
        #expect(GRPCTrailers(["grpc-status": "77"], limits: limits)?.status.code.rawValue == 77)
        #expect(GRPCTrailers(["grpc-message": "x"], limits: limits) == nil)
    }

    @Test("metadata that cannot be read spoils success, and is dropped beside a failure")
    func badTrailers() {
        #expect(GRPCTrailers(["grpc-status": "0", "x": "ä"], limits: limits)?.status.code == .internalError)
        let failed = GRPCTrailers(["grpc-status": "5", "grpc-message": "no", "x": "ä"], limits: limits)
        #expect(failed == GRPCTrailers(GRPCStatus(.notFound, "no")))
    }

    @Test(
        "pushback is a time, or anything else for never",
        arguments: [
            (["100"], .after(.milliseconds(100))), (["0"], .after(.zero)), (["-1"], .never), (["x"], .never),
            (["1", "2"], .never), ([], nil), (["99999999999"], .never),
        ] as [([String], RetryPushback?)])
    func pushback(values: [String], expected: RetryPushback?) {
        let headers = HPACKHeaders([("grpc-status", "14")] + values.map { ("grpc-retry-pushback-ms", $0) })
        #expect(GRPCTrailers(headers, limits: limits)?.pushback == expected)
    }

    @Test("a status text is cut to what peers accept")
    func longMessage() throws {
        let trailers = GRPCTrailers(GRPCStatus(.unknown, String(repeating: "ä", count: 100_000)))
        let text = try trailers.headers(isWholeResponse: true, limits: limits)["grpc-message"][0]
        #expect(text.utf8.count <= GRPCTrailers.largestMessage)
    }
}
