import Identity
import MeshWire

/// What an identity's files held when they were read, and whether it can be put in force.
struct IdentityFileSet: Sendable {
    /// The largest file.
    static let largestFile = 1 << 20

    let versions: [FileVersion]
    /// Why the private key's file is not its owner's alone; `nil` where it is.
    let keyFileProblem: String?
    private let certificate: [UInt8]
    private let key: [UInt8]
    private let roots: [UInt8]

    /// Which files are there now.
    static func versions(
        of files: IdentityFiles, _ system: any RuntimeFiles
    ) async -> Result<[FileVersion], FileAccessError> {
        var versions: [FileVersion] = []
        for path in files.paths {
            do throws(FileAccessError) {
                versions.append(try await system.version(of: path))
            } catch {
                return .failure(error)
            }
        }
        return .success(versions)
    }

    /// Reads the files, one after the other: they may be of two sets when they are swapped meanwhile.
    init(reading files: IdentityFiles, _ system: any RuntimeFiles) async throws(FileAccessError) {
        var contents: [[UInt8]] = []
        var versions: [FileVersion] = []
        for path in files.paths {
            let (bytes, version) = try await system.read(path, limit: Self.largestFile)
            contents.append(bytes)
            versions.append(version)
        }
        (certificate, key, roots) = (contents[0], contents[1], contents[2])
        self.versions = versions
        keyFileProblem = PrivateKeyAccess.problem(with: versions[1].access, at: files.key)
    }

    /// Whether they are the files of an identity, whatever else is wrong with them.
    func holds(_ svid: WorkloadIdentity) -> Bool {
        (try? WorkloadIdentity(certificateFile: certificate, keyFile: key)) == svid
    }

    /// The identity and its domain's bundle, once everything fits: the key is the leaf's, the chain leads to a root of the
    /// bundle and is valid now, and the leaf has the same SPIFFE ID as `current`.
    ///
    /// - Parameters:
    ///   - current: what is in force.
    ///   - expected: whose certificate it must be.
    func identity(
        after current: IdentitySnapshot?, expecting expected: IdentityPattern?, verifier: PeerVerifier, now: UnixTime
    ) async throws(IdentityError) -> (svid: WorkloadIdentity, bundle: TrustDomainBundle) {
        let read = try WorkloadIdentity(certificateFile: certificate, keyFile: key)
        let id = read.spiffeID
        if let current, current.svid.spiffeID != id {
            throw IdentityError(
                .notAnSVID, "expected a certificate of \(current.svid.spiffeID) as before, found one of \(id)", peer: id
            )
        }
        if let expected, !expected.matches(id) {
            throw IdentityError(.notAnSVID, "expected a certificate of \(expected), found one of \(id)", peer: id)
        }
        let inForce = current?.bundle[id.trustDomain]
        let file = try TrustDomainBundle(file: roots, of: id.trustDomain)
        // A file of roots says nothing of tokens' keys, which may have come another way.
        let bundle =
            file.jwtKeys.isEmpty && file.sequence == nil
            ? try TrustDomainBundle(
                id.trustDomain, roots: file.roots, jwtKeys: inForce?.jwtKeys ?? [], sequence: inForce?.sequence)
            : file
        // A certificate that begins later will do so without another change of the files.
        guard read.notBefore <= now + verifier.configuration.clockSkew else {
            throw IdentityError(.notYetValid, "the certificate is valid from \(read.notBefore) on", peer: id)
        }
        _ = try await verifier.verify(
            read.chain, against: try TrustBundle([bundle], generation: 0), denying: current?.denyList ?? .empty,
            now: now)
        return (try read.showing { !bundle.roots.contains($0) }, bundle)
    }
}
