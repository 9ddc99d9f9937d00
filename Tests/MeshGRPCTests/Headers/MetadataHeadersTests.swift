import MeshWire
import NIOHPACK
import Testing

@testable import MeshGRPC

@Suite struct MetadataHeadersTests {
    private func read(_ headers: HPACKHeaders, limit: Int = 1_000) throws(GRPCStatus) -> Metadata {
        var metadata = Metadata()
        var budget = limit
        for (name, value, _) in headers { try metadata.read(name, value, budget: &budget) }
        return metadata
    }

    private func written(_ metadata: Metadata) throws(GRPCStatus) -> HPACKHeaders {
        var headers = HPACKHeaders()
        try metadata.write(to: &headers, limits: WireLimits())
        return headers
    }

    @Test("text and bytes come back, in their order")
    func roundTrip() throws {
        var metadata: Metadata = ["a": "1", "b": "two words", "a": "3"]
        metadata.append(.init(key: "trace-bin", bytes: [0, 255, 1]))
        metadata.append(.init(key: "empty-bin", bytes: []))
        let headers = try written(metadata)
        #expect(headers["trace-bin"] == ["AP8B"])
        #expect(try read(headers) == metadata)
    }

    @Test("binary values may be padded, and joined with commas")
    func binaryLists() throws {
        let metadata = try read(["x-bin": "AA==,AQ, Ag=="])
        #expect(metadata.map(\.bytes) == [[0], [1], [2]])
    }

    @Test("what is gRPC's or HTTP's own is no metadata, either way")
    func reserved() throws {
        let reserved: HPACKHeaders = [
            ":path": "/a/b", "grpc-timeout": "1S", "grpc-anything": "1", "content-type": "x", "te": "trailers",
            "user-agent": "x",
        ]
        #expect(try read(reserved).isEmpty)
        #expect(try written(["grpc-status": "0", "te": "none", "mine": "1"]) == ["mine": "1"])
    }

    @Test("keys are written in lower case, as HTTP/2 has them")
    func lowerCase() throws {
        #expect(try written(["Request-ID": "7"]) == ["request-id": "7"])
    }

    @Test(
        "keys and values that a header field cannot carry are refused",
        arguments: [
            ("", "x"), ("a b", "x"), ("ä", "x"), ("a:b", "x"), ("a", "line\nbreak"), ("a", "ä"), ("a", "\u{0}"),
            ("a", "\u{7F}"),
        ])
    func invalid(key: String, value: String) throws {
        #expect(status { () throws(GRPCStatus) in _ = try written(Metadata([(key, value)])) }?.code == .internalError)
        var budget = 1_000
        #expect(
            status { () throws(GRPCStatus) in
                var metadata = Metadata()
                try metadata.read(key, value, budget: &budget)
            }?.code == .internalError)
    }

    @Test("binary values that are not base64 are refused")
    func invalidBinary() {
        #expect(status { () throws(GRPCStatus) in _ = try read(["x-bin": "A"]) }?.code == .internalError)
        #expect(status { () throws(GRPCStatus) in _ = try read(["x-bin": "AA,?"]) }?.code == .internalError)
    }

    @Test("metadata over its limit is refused, counted as HTTP/2 counts fields")
    func limits() throws {
        let headers: HPACKHeaders = ["abc": "de", "fg-bin": "AAAA"]
        // 3 + 2 + 32, and 6 + 3 + 32.
        #expect(try read(headers, limit: 78).byteCount == 78)
        #expect(status { () throws(GRPCStatus) in _ = try read(headers, limit: 77) }?.code == .resourceExhausted)
        let many = HPACKHeaders([("x-bin", String(repeating: ",", count: 100))])
        #expect(status { () throws(GRPCStatus) in _ = try read(many) }?.code == .resourceExhausted)
        var tooMuch = Metadata()
        for _ in 0..<1_000 { tooMuch.append(.init(key: "a", value: "b")) }
        #expect(status { () throws(GRPCStatus) in _ = try written(tooMuch) }?.code == .resourceExhausted)
    }
}

extension Metadata {
    init(_ pairs: [(String, String)]) {
        self.init()
        for (key, value) in pairs { append(.init(key: key, value: value)) }
    }
}
