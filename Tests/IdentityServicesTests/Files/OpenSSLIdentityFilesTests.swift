import Foundation
import Identity
import IdentityServices
import MeshTransport
import MeshWire
import TestSupport
import Testing

/// Identities that OpenSSL has made, in files of a real folder.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Peer.find("openssl") != nil, "openssl is not installed"))
struct OpenSSLIdentityFilesTests {
    private static func openSSL(_ arguments: String...) async throws {
        let ending = try await Peer(
            Peer.find("openssl") ?? "openssl", arguments, complaints: .printed
        ).finish()
        try #require(ending.status == 0, "\(ending.lines)")
    }

    /// Makes the root of a folder.
    private static func makeRoot(in folder: TemporaryFolder) async throws {
        try await openSSL(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder.file("root.key").path, "-out", folder.file("root.crt").path, "-days", "10", "-subj", "/CN=root",
            "-addext", "keyUsage=critical,keyCertSign")
    }

    /// Makes `name` of the folder: a leaf below a new issuer of the root, as cert-manager writes it.
    private static func issue(_ name: String, in folder: TemporaryFolder) async throws {
        let set = folder.file(name)
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        func path(_ file: String) -> String { set.appending(path: file).path }
        try await openSSL(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            path("issuer.key"), "-out", path("issuer.crt"), "-days", "5", "-subj", "/CN=issuer", "-addext",
            "keyUsage=critical,keyCertSign", "-CA", folder.file("root.crt").path, "-CAkey",
            folder.file("root.key").path)
        // SEC 1 with its parameters before it.
        try await openSSL("ecparam", "-name", "prime256v1", "-genkey", "-out", path("tls.key"))
        try Data(
            """
            [req]
            distinguished_name = name
            [name]
            [leaf]
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = serverAuth, clientAuth
            subjectAltName = URI:spiffe://test.example/worker
            """.utf8
        ).write(to: set.appending(path: "leaf.cnf"))
        try await openSSL(
            "req", "-x509", "-key", path("tls.key"), "-out", path("leaf.crt"), "-days", "1", "-subj", "/O=mesh",
            "-config", path("leaf.cnf"), "-extensions", "leaf", "-CA", path("issuer.crt"), "-CAkey",
            path("issuer.key"))
        let chain = try ["leaf.crt", "issuer.crt"].map { try Data(contentsOf: set.appending(path: $0)) }
        try (chain[0] + chain[1]).write(to: set.appending(path: "tls.crt"))
        try FileManager.default.copyItem(atPath: folder.file("root.crt").path, toPath: path("ca.crt"))
    }

    /// Has `..data` name another folder, in one step, as Kubernetes does it.
    private static func swap(to name: String, in folder: TemporaryFolder) async throws {
        let next = folder.file("..data_tmp").path
        try FileManager.default.createSymbolicLink(atPath: next, withDestinationPath: name)
        let ending = try await Peer("/bin/mv", ["-T", next, folder.file("..data").path]).finish()
        try #require(ending.status == 0)
    }

    @Test("a swap of Kubernetes' link takes up the next set, whole")
    func swap() async throws {
        let folder = try TemporaryFolder()
        try await Self.makeRoot(in: folder)
        for name in ["..1", "..2"] { try await Self.issue(name, in: folder) }
        try await Self.swap(to: "..1", in: folder)
        for file in ["tls.crt", "tls.key", "ca.crt"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.file(file).path, withDestinationPath: "..data/\(file)")
        }
        let root = folder.file("root.crt").deletingLastPathComponent().path
        let source = try await FileIdentitySource(IdentityFiles(folder: root), every: .milliseconds(20))
        let first = source.current
        #expect(first.svid.spiffeID.description == "spiffe://test.example/worker" && first.svid.chain.count == 2)
        let changed = Gate()
        let observation = source.onChange { changed.open() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await source.run() }
            try await Self.swap(to: "..2", in: folder)
            await changed.wait()
            group.cancelAll()
        }
        observation.cancel()
        #expect(source.current.svid != first.svid && source.current.svid.spiffeID == first.svid.spiffeID)
        #expect(source.current.bundle == first.bundle)
    }

    @Test("of a key behind a link the file's own owner and mode count")
    func keyFile() async throws {
        let folder = try TemporaryFolder()
        try await Self.makeRoot(in: folder)
        try await Self.issue("set", in: folder)
        let set = folder.file("set")
        let (key, link) = (set.appending(path: "tls.key").path, set.appending(path: "link.key").path)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: key)
        let files = IdentityFiles(folder: set.path, key: "link.key")
        for (mode, isAllowed) in [(0o644, false), (0o660, false), (0o600, true), (0o400, true)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key)
            var code: IdentityError.Code?
            do throws(IdentityError) {
                _ = try await FileIdentitySource(files, keyFile: .required)
            } catch {
                code = error.code
            }
            #expect(code == (isAllowed ? nil : .keyFileExposed), "\(String(mode, radix: 8))")
        }
    }

    @Test("two processes call each other with what OpenSSL has made")
    func call() async throws {
        let folder = try TemporaryFolder()
        try await Self.makeRoot(in: folder)
        try await Self.issue("set", in: folder)
        let source = try await FileIdentitySource(IdentityFiles(folder: folder.file("set").path))
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        let mesh = try Mesh(identity: source, policy: policy)
        mesh.serve(Words.say) { word, _ in word }
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let client = mesh.client(
            Destination(
                host: address.host, port: address.port, identities: [.exact(source.current.svid.spiffeID)]))
        let answer = try await client.call(Words.say, Word("x"))
        #expect(answer == Word("x"))
        client.close()
        await mesh.stop()
    }
}
