import Foundation
import Identity

/// A server in a process of its own: this executable again, with a hidden subcommand.
///
/// It reads its certificate from standard input, prints the port that it listens on, and ends when its standard input
/// does.
final class PeerProcess {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    /// Starts the server named `role`.
    init(role: String, identity: WorkloadIdentity, bundle: TrustBundle) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["peer", role]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let credentials = PeerCredentials(
            chain: identity.chain.map { Data($0) }, key: identity.withPrivateKeyPEM { $0 },
            roots: bundle.roots.map { Data($0) }, trustDomain: identity.spiffeID.trustDomain.name)
        try input.fileHandleForWriting.write(contentsOf: try JSONEncoder().encode(credentials) + Data("\n".utf8))
        guard let line = Self.readLine(from: output.fileHandleForReading), let port = Int(line) else {
            throw BenchmarkFailure("the \(role) process did not say which port it listens on")
        }
        self.port = port
    }

    /// Ends the process and waits for it.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private static func readLine(from handle: FileHandle) -> String? {
        var line = Data()
        while let byte = try? handle.read(upToCount: 1), !byte.isEmpty {
            if byte.first == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
        return nil
    }
}

/// What a server process is given to prove who it is.
struct PeerCredentials: Codable {
    var chain: [Data]
    var key: String
    var roots: [Data]
    var trustDomain: String

    /// Reads the line that the parent process writes.
    static func fromStandardInput() throws -> PeerCredentials {
        guard let line = readLine() else { throw BenchmarkFailure("no credentials on standard input") }
        return try JSONDecoder().decode(PeerCredentials.self, from: Data(line.utf8))
    }

    /// The identity and the bundle that they stand for.
    func identity() throws -> StaticIdentitySource {
        let domain = try TrustDomain(parsing: trustDomain)
        return StaticIdentitySource(
            svid: try WorkloadIdentity(chain: chain.map { Array($0) }, privateKeyPEM: key),
            bundle: try TrustBundle([domain: roots.map { Array($0) }], generation: 1))
    }
}

/// Why a benchmark could not be run.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The certificates of one run: an authority and an identity for each side.
struct BenchmarkIdentities {
    let client: StaticIdentitySource
    let server: WorkloadIdentity
    let bundle: TrustBundle

    init() throws {
        var generator = SystemRandomNumberGenerator()
        let now = UnixTime(seconds: Int64(Date().timeIntervalSince1970))
        let domain = try TrustDomain(parsing: "bench.example")
        let authority = try CertificateAuthority(trustDomain: domain, now: now, using: &generator)
        func identity(_ path: String) throws -> WorkloadIdentity {
            try authority.makeIdentity(
                for: try IssuanceAuthorization(
                    spiffeID: try SPIFFEID(domain, path: path), dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]),
                now: now, using: &generator)
        }
        bundle = try authority.bundle()
        server = try identity("/server")
        client = StaticIdentitySource(svid: try identity("/client"), bundle: bundle)
    }
}
