import Testing

@testable import Identity

/// Property and unit tests of an authority that changes its keys, on a time that the tests give.
@Suite struct AuthorityRotationTests {
    private static let now = CertificateFactory.now
    private static let sequence = UInt64(now.seconds)
    private static let day = Duration.seconds(86_400)

    private static func rotation(
        _ generator: inout SeededGenerator, key: KeyAlgorithm = .p256
    ) throws -> AuthorityRotation {
        let root = try RootAuthority(trustDomain: exampleDomain(), key: key, now: now, using: &generator)
        return try AuthorityRotation(root: root, now: now, using: &generator)
    }

    private static func leaf(
        _ rotation: inout AuthorityRotation, at time: UnixTime, _ generator: inout SeededGenerator
    ) throws -> WorkloadIdentity {
        let leaf = try rotation.issuer.makeIdentity(
            for: CertificateAuthorityTests.worker(), now: time, using: &generator)
        _ = rotation.issued(until: leaf.notAfter)
        return leaf
    }

    private static func isGood(_ leaf: WorkloadIdentity, to bundle: TrustDomainBundle, at time: UnixTime) async -> Bool
    {
        do {
            let verifier = try PeerVerifier()
            _ = try await verifier.verify(leaf.chain, against: TrustBundle([bundle], generation: 1), now: time)
            return true
        } catch {
            return false
        }
    }

    private static func code(_ body: () throws -> Void) -> IdentityError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? IdentityError)?.code
        }
    }

    @Test("a root is changed in three steps, and every leaf that is good stays good in each")
    func root() async throws {
        var generator = SeededGenerator(seed: 1)
        var rotation = try Self.rotation(&generator)
        let first = rotation.bundle
        let old = try Self.leaf(&rotation, at: Self.now, &generator)
        try rotation.addRoot(now: Self.now, using: &generator)
        #expect(rotation.bundle.roots.count == 2 && rotation.bundle.sequence == Self.sequence + 1)
        let meanwhile = try Self.leaf(&rotation, at: Self.now, &generator)
        // Who has not got the bundle yet can still verify what is issued.
        #expect(await Self.isGood(meanwhile, to: first, at: Self.now))
        // The new root does not issue before everybody has the bundle, or must have.
        let soon = Self.now + .seconds(3_600)
        #expect(try rotation.advance(now: soon, everybodyHasBundle: false, using: &generator).isEmpty)
        let steps = try rotation.advance(now: soon, everybodyHasBundle: true, using: &generator)
        #expect(steps == [.issuedFromNewRoot(rotation.issuer.rootFingerprint)])
        let both = rotation.bundle
        let new = try Self.leaf(&rotation, at: soon, &generator)
        for leaf in [old, meanwhile, new] { #expect(await Self.isGood(leaf, to: both, at: soon)) }
        #expect(await !Self.isGood(new, to: first, at: soon))
        // The old one stays until its last leaf has ended.
        #expect(Self.code { try rotation.dropOldRoot(now: soon) } == .rotationRefused)
        guard case .issuing(_, let until) = rotation.phase else { Issue.record("\(rotation.phase)"); return }
        #expect(until >= meanwhile.notAfter && until >= old.notAfter)
        #expect(try rotation.advance(now: until, everybodyHasBundle: true, using: &generator).isEmpty)
        let end = until + .seconds(21)
        #expect(
            try rotation.advance(now: end, everybodyHasBundle: false, using: &generator)
                == [.droppedOldRoot(SHA256Fingerprint(of: first.roots[0]))])
        #expect(rotation.bundle.roots == [rotation.issuer.rootCertificate])
        #expect(rotation.bundle.sequence == UInt64(end.seconds))
        #expect(rotation.phase == .steady && rotation.crossCertificate == nil)
        let last = try Self.leaf(&rotation, at: end, &generator)
        #expect(await Self.isGood(last, to: rotation.bundle, at: end))
        #expect(await !Self.isGood(old, to: rotation.bundle, at: Self.now))
    }

    @Test("without a word of the workloads the new root issues when each certificate has been renewed with the bundle")
    func patience() throws {
        var generator = SeededGenerator(seed: 2)
        var rotation = try Self.rotation(&generator)
        let leaf = try Self.leaf(&rotation, at: Self.now, &generator)
        try rotation.addRoot(now: Self.now, using: &generator)
        #expect(try rotation.advance(now: leaf.notAfter, everybodyHasBundle: false, using: &generator).isEmpty)
        // What was noted of the leaves is a quarter of a life ahead.
        let end = leaf.notAfter + Self.day * 0.25 + .seconds(21)
        #expect(try rotation.advance(now: end, everybodyHasBundle: false, using: &generator).count == 1)
    }

    @Test("steps that are not due, or that need a key that is elsewhere, are refused and change nothing")
    func refused() throws {
        var generator = SeededGenerator(seed: 3)
        var rotation = try Self.rotation(&generator)
        #expect(Self.code { try rotation.issueFromNewRoot(now: Self.now, using: &generator) } == .rotationRefused)
        #expect(Self.code { try rotation.dropOldRoot(now: Self.now, isForced: true) } == .rotationRefused)
        try rotation.addRoot(now: Self.now, using: &generator)
        #expect(Self.code { try rotation.addRoot(now: Self.now, using: &generator) } == .rotationRefused)
        #expect(Self.code { try rotation.dropOldRoot(now: Self.now, isForced: true) } == .rotationRefused)
        #expect(rotation.bundle.sequence == Self.sequence + 1)
        var fixed = try AuthorityRotation(issuer: CertificateAuthorityTests.authority(), now: Self.now)
        #expect(Self.code { try fixed.addRoot(now: Self.now, using: &generator) } == .rotationRefused)
        #expect(fixed.issuerRenewal == nil)
    }

    @Test("a root whose key was stolen is dropped at once, and what it signed is good no more")
    func stolen() async throws {
        var generator = SeededGenerator(seed: 4)
        var rotation = try Self.rotation(&generator)
        let old = try Self.leaf(&rotation, at: Self.now, &generator)
        try rotation.addRoot(now: Self.now, using: &generator)
        try rotation.issueFromNewRoot(now: Self.now, using: &generator)
        try rotation.dropOldRoot(now: Self.now, isForced: true)
        #expect(await !Self.isGood(old, to: rotation.bundle, at: Self.now))
    }

    @Test("who knows the old root alone can verify a leaf of the new one with the cross-certificate behind it")
    func cross() async throws {
        for key in [KeyAlgorithm.p256, .ed25519] {
            var generator = SeededGenerator(seed: 5)
            var rotation = try Self.rotation(&generator, key: key)
            let first = rotation.bundle
            try rotation.addRoot(now: Self.now, using: &generator)
            try rotation.issueFromNewRoot(now: Self.now, using: &generator)
            let leaf = try Self.leaf(&rotation, at: Self.now, &generator)
            let cross = try #require(rotation.crossCertificate)
            #expect(await !Self.isGood(leaf, to: first, at: Self.now))
            let shown = try leaf.adding(signers: [cross, rotation.issuer.rootCertificate, first.roots[0]])
            #expect(await Self.isGood(shown, to: first, at: Self.now))
            let new = try TrustDomainBundle(exampleDomain(), roots: [rotation.issuer.rootCertificate])
            #expect(await Self.isGood(shown, to: new, at: Self.now))
        }
    }

    @Test("an issuer is renewed between 63 and 70 % of its life, at another time for each, below the same root")
    func issuer() async throws {
        var times: Set<Int64> = []
        for seed in 0..<20 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var rotation = try Self.rotation(&generator)
            let life = rotation.issuer.notAfter.since(Self.now)
            let due = try #require(rotation.issuerRenewal)
            times.insert(due.seconds)
            let share = Double(due.since(Self.now).components.seconds) / Double(life.components.seconds)
            #expect((0.63...0.7).contains(share), "seed \(seed)")
            let leaf = try Self.leaf(&rotation, at: due - .seconds(1), &generator)
            #expect(try rotation.advance(now: due - .seconds(1), everybodyHasBundle: true, using: &generator).isEmpty)
            let before = rotation.issuer
            #expect(
                try rotation.advance(now: due, everybodyHasBundle: true, using: &generator)
                    == [.renewedIssuer(until: rotation.issuer.notAfter)])
            #expect(rotation.issuer.issuerCertificate != before.issuerCertificate)
            #expect(
                rotation.issuer.rootCertificate == before.rootCertificate && rotation.bundle.sequence == Self.sequence)
            // A leaf of the issuer that was is as good as before.
            #expect(await Self.isGood(leaf, to: rotation.bundle, at: due))
        }
        #expect(times.count > 15)
    }

    @Test("a state that was kept goes on where it was, in every phase")
    func resumed() async throws {
        var generator = SeededGenerator(seed: 6)
        var rotation = try Self.rotation(&generator)
        let passphrase = Array("a passphrase".utf8)
        func resume() throws {
            let before = rotation
            let sealed = try rotation.sealed(with: passphrase, cost: .low, using: &generator)
            rotation = try AuthorityRotation(unsealing: sealed, passphrase: passphrase)
            #expect(rotation.phase == before.phase && rotation.bundle == before.bundle)
            #expect(rotation.issuerRenewal == before.issuerRenewal && rotation.leavesEnd == before.leavesEnd)
            #expect(rotation.crossCertificate == before.crossCertificate)
            #expect(rotation.otherRootCertificate == before.otherRootCertificate)
            #expect(rotation.expiries == before.expiries)
        }
        let old = try Self.leaf(&rotation, at: Self.now, &generator)
        try resume()
        try rotation.addRoot(now: Self.now, using: &generator)
        try resume()
        #expect(try rotation.advance(now: Self.now, everybodyHasBundle: true, using: &generator).count == 1)
        try resume()
        let new = try Self.leaf(&rotation, at: Self.now, &generator)
        for leaf in [old, new] { #expect(await Self.isGood(leaf, to: rotation.bundle, at: Self.now)) }
        #expect(
            try rotation.advance(now: rotation.leavesEnd + .seconds(21), everybodyHasBundle: true, using: &generator)
                .count == 1)
        try resume()
        #expect(rotation.phase == .steady)
    }

    @Test("a sealed state opens with its passphrase alone, is no other sealed thing, and shows no key")
    func sealing() throws {
        var generator = SeededGenerator(seed: 7)
        let rotation = try Self.rotation(&generator)
        let sealed = try rotation.sealed(with: [1], cost: .low, using: &generator)
        #expect(Self.code { _ = try AuthorityRotation(unsealing: sealed, passphrase: [2]) } == .cannotUnseal)
        #expect(Self.code { _ = try CertificateAuthority(unsealing: sealed, passphrase: [1]) } == .cannotUnseal)
        let other = try #require(rotation.root).sealed(with: [1], cost: .low, using: &generator)
        #expect(Self.code { _ = try AuthorityRotation(unsealing: other, passphrase: [1]) } == .cannotUnseal)
        var shown = ""
        dump(rotation, to: &shown)
        #expect(!"\(rotation) \(shown)".lowercased().contains("private"))
    }

    @Test("other keys of tokens are published as another bundle, the same ones are not")
    func tokenKeys() throws {
        var generator = SeededGenerator(seed: 8)
        var rotation = try Self.rotation(&generator)
        let key = try JWTKey(.rsa(modulus: Array(repeating: 0xC5, count: 256), exponent: [1, 0, 1]))
        try rotation.setTokenKeys([key], now: Self.now)
        try rotation.setTokenKeys([key], now: Self.now)
        #expect(rotation.bundle.sequence == Self.sequence + 1 && rotation.bundle.jwtKeys == [key])
        try rotation.addRoot(now: Self.now, using: &generator)
        #expect(rotation.bundle.jwtKeys == [key])
    }

    @Test("an older copy publishes what is newer than all before, and waits for leaves that it knows nothing of")
    func olderCopy() throws {
        var generator = SeededGenerator(seed: 9)
        var rotation = try Self.rotation(&generator)
        let passphrase = Array("a passphrase".utf8)
        let copy = try rotation.sealed(with: passphrase, cost: .low, using: &generator)
        let key = try JWTKey(.rsa(modulus: Array(repeating: 0xC5, count: 256), exponent: [1, 0, 1]))
        for (index, keys) in [[key], [], [key]].enumerated() {
            try rotation.setTokenKeys(keys, now: Self.now + .seconds(Int64(index)))
        }
        let published = try #require(rotation.bundle.sequence)
        let later = Self.now + Self.day * 3
        var restored = try AuthorityRotation(unsealing: copy, passphrase: passphrase)
        #expect(restored.isResumed)
        restored.resume(now: later)
        let end = later + restored.issuer.configuration.leafLifetime
        #expect(!restored.isResumed && restored.leavesEnd == end)
        try restored.addRoot(now: later, using: &generator)
        #expect(try #require(restored.bundle.sequence) > published)
        #expect(try restored.advance(now: end, everybodyHasBundle: false, using: &generator).isEmpty)
        // A copy of a change that was under way waits as well.
        let underWay = try restored.sealed(with: passphrase, cost: .low, using: &generator)
        var again = try AuthorityRotation(unsealing: underWay, passphrase: passphrase)
        again.resume(now: end)
        #expect(
            try again.advance(now: end + Self.day * 0.5, everybodyHasBundle: false, using: &generator).isEmpty)
    }

    @Test(
        "a new root waits for the domains that ask for the document, through a restart, though its own workloads have it"
    )
    func polls() throws {
        var generator = SeededGenerator(seed: 11)
        var rotation = try Self.rotation(&generator)
        var federation = FederationWait()
        federation.polls = 3
        try rotation.addRoot(now: Self.now, using: &generator)
        let end = Self.now + TrustDomainBundle.defaultRefreshHint * 3
        func advance(_ time: UnixTime) throws -> [AuthorityRotation.Step] {
            try rotation.advance(now: time, everybodyHasBundle: true, federation: federation, using: &generator)
        }
        #expect(try advance(Self.now).isEmpty)
        let sealed = try rotation.sealed(with: [1], cost: .low, using: &generator)
        rotation = try AuthorityRotation(unsealing: sealed, passphrase: [1])
        #expect(try advance(end - .seconds(1)).isEmpty)
        #expect(try advance(end) == [.issuedFromNewRoot(rotation.issuer.rootFingerprint)])
    }

    @Test("a new root waits for the domains that follow for as long as the old one has two lives of leaves left")
    func federated() throws {
        var generator = SeededGenerator(seed: 12)
        var configuration = CertificateAuthorityConfiguration()
        configuration.leafLifetime = Self.day
        configuration.issuerLifetime = Self.day * 20
        configuration.rootLifetime = Self.day * 30
        let root = try RootAuthority(
            trustDomain: exampleDomain(), configuration: configuration, now: Self.now, using: &generator)
        var rotation = try AuthorityRotation(root: root, now: Self.now, using: &generator)
        try rotation.addRoot(now: Self.now, using: &generator)
        func advance(_ time: UnixTime, _ haveBundle: Bool) throws -> Bool {
            try rotation.advance(
                now: time, everybodyHasBundle: true, federatedDomainsHaveBundle: haveBundle, using: &generator
            ).contains { if case .issuedFromNewRoot = $0 { true } else { false } }
        }
        // Own workloads would have been given up waiting for long before.
        #expect(try !advance(Self.now + Self.day * 27, false))
        let other = rotation
        #expect(try advance(Self.now + Self.day * 27, true))
        rotation = other
        #expect(try !advance(Self.now + Self.day * 28 - .seconds(1), false))
        #expect(try advance(Self.now + Self.day * 28, false))
    }

    @Test(
        "polls are a number that can be waited for", arguments: [(-1, false), (0, true), (1_000, true), (1_001, false)])
    func federationWait(polls: Int, isValid: Bool) {
        var federation = FederationWait()
        federation.polls = polls
        #expect(Self.code { try federation.validate() } == (isValid ? nil : .invalidConfiguration))
    }

    @Test("the root that issues is the bundle's first")
    func order() throws {
        var generator = SeededGenerator(seed: 10)
        var rotation = try Self.rotation(&generator)
        let old = rotation.issuer.rootCertificate
        try rotation.addRoot(now: Self.now, using: &generator)
        #expect(rotation.bundle.roots.first == old)
        let before = try #require(rotation.bundle.sequence)
        try rotation.issueFromNewRoot(now: Self.now, using: &generator)
        #expect(rotation.bundle.roots == [rotation.issuer.rootCertificate, old])
        #expect(try #require(rotation.bundle.sequence) > before)
    }
}
