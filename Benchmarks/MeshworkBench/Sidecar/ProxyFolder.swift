import Foundation
import Identity

/// The files of one proxy, which nobody else may read.
struct ProxyFolder {
    private let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("meshwork-sidecar-\(UUID().uuidString)")

    /// The proxy's certificates.
    let chain: String
    /// The proxy's private key.
    let key: String
    /// Both in one file, as HAProxy wants them.
    let chainAndKey: String
    /// The certificates that it trusts.
    let roots: String

    init(_ identity: IdentitySnapshot) throws {
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let (chainText, keyText) = (Self.pem(identity.svid.chain), identity.svid.withPrivateKeyPEM { "\($0)\n" })
        do {
            chain = try Self.write(chainText, to: "chain.pem", in: url)
            key = try Self.write(keyText, to: "key.pem", in: url)
            chainAndKey = try Self.write(chainText + keyText, to: "chain-and-key.pem", in: url)
            roots = try Self.write(Self.pem(identity.bundle.roots), to: "roots.pem", in: url)
        } catch {
            try? FileManager.default.removeItem(at: url)
            throw error
        }
    }

    /// Writes another file.
    ///
    /// - Returns: its path.
    func write(_ text: String, to name: String) throws -> String { try Self.write(text, to: name, in: url) }

    /// Where the proxy writes what it has to say.
    func log() throws -> FileHandle { try FileHandle(forWritingTo: URL(fileURLWithPath: write("", to: "log"))) }

    /// The last lines that it has written.
    func endOfLog() -> String {
        let log = (try? String(contentsOf: url.appendingPathComponent("log"), encoding: .utf8)) ?? ""
        return log.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    func remove() { try? FileManager.default.removeItem(at: url) }

    private static func write(_ text: String, to name: String, in folder: URL) throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private static func pem(_ certificates: [[UInt8]]) -> String {
        certificates.map { certificate in
            let text = Data(certificate).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
            return "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
        }.joined()
    }
}
