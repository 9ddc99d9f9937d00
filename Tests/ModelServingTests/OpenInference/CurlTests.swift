import Foundation
import Identity
import MeshworkTesting
import ModelServing
import TestSupport
import Testing

/// What an operator does by hand: `curl` with a certificate.
@Suite(.timeLimit(.minutes(5))) struct CurlTests {
    private static let curl = Peer.find("curl")

    private func run(_ arguments: [String]) async throws -> String {
        let curl = try Peer(Self.curl ?? "curl", arguments, complaints: .printed)
        return String(decoding: try await curl.finish().printed, as: UTF8.self)
    }

    @Test(
        "curl with a certificate predicts, verifies the server, and is told when it may not",
        .enabled(if: CurlTests.curl != nil, "there is no curl"))
    func prediction() async throws {
        let folder = try TemporaryFolder()
        func file(_ name: String, _ text: String) throws -> String {
            let url = folder.file(name)
            try Data(text.utf8).write(to: url)
            return url.path
        }
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall()
            let bundle = try serving.authority.authority.bundle()
            let root = try file("root.pem", bundle.pem(of: serving.authority.trustDomain))
            // Above 1 MiB curl asks first whether to send the body.
            let request =
                #"{"inputs":[{"name":"features","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#
                + String(repeating: " ", count: 2 << 20)
            let body = try file("request.json", request)
            for (path, status) in [("/client", "200"), ("/stranger", "403")] {
                let svid = try serving.authority.svid(path)
                let certificate = try file("certificate.pem", svid.chainPEM)
                let key = try svid.withPrivateKeyPEM { try file("key.pem", $0) }
                let answer = try await run([
                    "--silent", "--show-error", "--max-time", "30", "--cacert", root, "--cert", certificate, "--key",
                    key, "--data-binary", "@\(body)", "--write-out", " %{http_code} HTTP/%{http_version}",
                    "https://127.0.0.1:\(serving.port)/v2/models/small/infer",
                ])
                #expect(answer.hasSuffix(" \(status) HTTP/1.1"), "\(answer)")
                #expect(answer.contains(status == "200" ? #""model_name":"small""# : #"{"error":"#), "\(answer)")
            }
        }
    }
}
