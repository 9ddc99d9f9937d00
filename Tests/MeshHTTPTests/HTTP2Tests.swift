import Foundation
import Hummingbird
import Identity
import MeshGRPC
import MeshHTTP
import MeshTransport
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// The front end over HTTP/2, on the port and connections that gRPC has too, asked by `curl`.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Curl.path != nil, "there is no curl")) struct HTTP2Tests {
    private static let big = 3 << 20

    private final class Setting {
        let test: TestMesh
        let port: Int
        let folder: TemporaryFolder
        /// Opened when the slow route's handler is cancelled, and not before.
        let cancelled: Gate

        init(_ test: TestMesh) async throws {
            self.test = test
            let cancelled = Gate()
            self.cancelled = cancelled
            folder = try TemporaryFolder()
            try test.mesh.enableGRPC()
            try HTTPFront(on: test.mesh) { router in
                router.get("whoami") { request, context in
                    "\(context.peer?.description ?? "nobody") \(request.headers[.cookie] ?? "no cookie")"
                }
                router.post("length") { request, _ in
                    "\(try await request.body.collect(upTo: 64 << 20).readableBytes)"
                }
                router.get("slow") { _, _ in
                    // Opens it when the task is cancelled.
                    await cancelled.wait()
                    return "late"
                }
                router.get("big") { _, _ in
                    Response(
                        status: .ok,
                        body: ResponseBody { writer in
                            for _ in 0..<48 {
                                try await writer.write(ByteBuffer(repeating: 7, count: HTTP2Tests.big / 48))
                            }
                            try await writer.finish(nil)
                        })
                }
            }
            port = try await test.listen()
            try Data(test.authority.authority.bundle().pem(of: test.authority.trustDomain).utf8)
                .write(to: folder.file("root.pem"))
        }

        /// What `curl` printed of one or more requests on one connection.
        func curl(_ arguments: [String], as path: String = "/operator") async throws -> String {
            let svid = try test.authority.svid(path)
            try Data(svid.chainPEM.utf8).write(to: folder.file("certificate.pem"))
            try svid.withPrivateKeyPEM { try Data($0.utf8).write(to: folder.file("key.pem")) }
            let curl = try Peer(
                Curl.path ?? "curl",
                [
                    "--silent", "--show-error", "--max-time", "60", "--http2", "--cacert", folder.file("root.pem").path,
                    "--cert", folder.file("certificate.pem").path, "--key", folder.file("key.pem").path, "--write-out",
                    " %{http_code} HTTP/%{http_version} %{num_connects}\n",
                ] + arguments, complaints: .printed)
            return String(decoding: try await curl.finish().printed, as: UTF8.self)
        }

        func url(_ path: String) -> String { "https://127.0.0.1:\(port)\(path)" }
    }

    @Test("requests are answered over HTTP/2 by the same routes, several on one connection")
    func requests() async throws {
        let setting = try await Setting(TestMesh(["/whoami", "/length", "/big"]))
        let whoami = setting.url("/whoami")
        let answer = try await setting.curl(["--cookie", "a=1; b=2", whoami, whoami, setting.url("/none")])
        #expect(
            answer == """
                spiffe://test.example/operator a=1; b=2 200 HTTP/2 1
                spiffe://test.example/operator a=1; b=2 200 HTTP/2 0
                {"error":"not allowed for this caller"} 403 HTTP/2 0

                """)
        let head = try await setting.curl(["--head", whoami])
        #expect(
            head.hasPrefix("HTTP/2 200") && head.contains("content-length: 40") && head.contains("date: "), "\(head)")
        await setting.test.mesh.stop()
    }

    @Test("bodies larger than a stream's credit go both ways, and those over the limit are refused")
    func bodies() async throws {
        let setting = try await Setting(TestMesh(["/whoami", "/length", "/big"]))
        let file = setting.folder.file("body")
        try Data(repeating: 1, count: Self.big).write(to: file)
        let sent = try await setting.curl(["--data-binary", "@\(file.path)", setting.url("/length")])
        #expect(sent == "\(Self.big) 200 HTTP/2 1\n")
        let got = setting.folder.file("got")
        let received = try await setting.curl(["--output", got.path, setting.url("/big")])
        #expect(received == " 200 HTTP/2 1\n")
        #expect(try Data(contentsOf: got) == Data(repeating: 7, count: Self.big))
        await setting.test.mesh.stop()
    }

    @Test(
        "an answer larger than what waits for a client with a small window goes on when that has room",
        .enabled(if: NGHTTP.path != nil, "there is no nghttp"))
    func smallWindow() async throws {
        let setting = try await Setting(TestMesh(["/big"]))
        _ = try await setting.curl(["--head", setting.url("/big")])
        let client = try Peer(
            NGHTTP.path ?? "nghttp",
            [
                "--no-verify-peer", "--window-bits=16", "--connection-window-bits=16", "--stat", "--null-out",
                "--cert=\(setting.folder.file("certificate.pem").path)", "--key=\(setting.folder.file("key.pem").path)",
                setting.url("/big"),
            ], complaints: .printed)
        let printed = String(decoding: try await client.finish().printed, as: UTF8.self)
        #expect(printed.contains("200") && printed.contains("3M"), "\(printed)")
        await setting.test.mesh.stop()
    }

    @Test("a handler is cancelled when its client goes away after a whole request")
    func cancelled() async throws {
        let setting = try await Setting(TestMesh(["/slow"]))
        _ = try await setting.curl(["--max-time", "1", setting.url("/slow")])
        await setting.cancelled.wait()
        await setting.test.mesh.stop()
    }

    @Test("a stranger is told no more than over HTTP/1.1, and a client that goes away leaves nothing running")
    func stranger() async throws {
        let setting = try await Setting(TestMesh(["/whoami"]))
        let answer = try await setting.curl([setting.url("/whoami")], as: "/stranger")
        #expect(answer == #"{"error":"not allowed for this caller"} 403 HTTP/2 1"# + "\n")
        // `curl` has closed its connection: the mesh stops without waiting for anything.
        await setting.test.mesh.stop()
        #expect(setting.test.mesh.connections.isEmpty)
    }
}

private enum NGHTTP {
    static let path = Peer.find("nghttp")
}

private enum Curl {
    static let path = Peer.find("curl")
}
