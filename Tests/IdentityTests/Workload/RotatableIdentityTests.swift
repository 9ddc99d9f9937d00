import Synchronization
import Testing

@testable import Identity

@Suite struct RotatableIdentityTests {
    static func parts() throws -> (WorkloadIdentity, TrustBundle) {
        var generator = SeededGenerator(seed: 1)
        let authority = try CertificateAuthorityTests.authority()
        let svid = try authority.makeIdentity(
            for: CertificateAuthorityTests.worker(), now: CertificateFactory.now, using: &generator)
        return (svid, try authority.bundle())
    }

    @Test("setting an identity counts the generation up and tells every observer, in order")
    func set() throws {
        let (svid, bundle) = try Self.parts()
        let source = RotatableIdentity(svid: svid, bundle: bundle)
        #expect(source.current.generation == 1)
        let told = Mutex<[String]>([])
        let first = source.onChange { told.withLock { $0.append("first \(source.current.generation)") } }
        let second = source.onChange { told.withLock { $0.append("second \(source.current.generation)") } }
        let (renewed, _) = try Self.parts()
        source.set(svid: renewed)
        #expect(source.current.svid == renewed)
        #expect(source.current.bundle == bundle)
        first.cancel()
        first.cancel()
        source.set(bundle: try TrustBundle([:], generation: 9))
        #expect(source.current.svid == renewed)
        #expect(source.current.bundle.generation == 9)
        #expect(told.withLock { $0 } == ["first 2", "second 2", "second 3"])
        second.cancel()
    }

    @Test("an observation that is released is told nothing more")
    func released() throws {
        let (svid, bundle) = try Self.parts()
        let source = RotatableIdentity(svid: svid, bundle: bundle)
        let calls = Atomic(0)
        do {
            let observation = source.onChange { calls.add(1, ordering: .relaxed) }
            source.set(svid: svid)
            withExtendedLifetime(observation) {}
        }
        source.set(svid: svid)
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test("a handler may set, cancel and observe")
    func reentrant() throws {
        let (svid, bundle) = try Self.parts()
        let source = RotatableIdentity(svid: svid, bundle: bundle)
        let observations = Mutex<[IdentityObservation]>([])
        let observation = source.onChange {
            guard source.current.generation == 2 else { return }
            source.set(svid: svid)
            let inner = source.onChange {}
            observations.withLock { $0.append(inner) }
            inner.cancel()
        }
        source.set(svid: svid)
        #expect(source.current.generation == 3)
        observation.cancel()
    }

    @Test("a hundred changes from four tasks are all counted")
    func concurrent() async throws {
        let (svid, bundle) = try Self.parts()
        let source = RotatableIdentity(svid: svid, bundle: bundle)
        let highest = Atomic<UInt64>(0)
        let observation = source.onChange {
            highest.max(source.current.generation, ordering: .relaxed)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<25 { source.set(svid: svid) } }
            }
        }
        #expect(source.current.generation == 101)
        #expect(highest.load(ordering: .relaxed) == 101)
        observation.cancel()
    }

    @Test(
        "a domain's newer bundle takes the place of the older beside those of others, and an older one changes nothing")
    func adopt() throws {
        let (svid, bundle) = try Self.parts()
        let domain = svid.spiffeID.trustDomain
        let partner = try TrustDomainBundle(TrustDomain(parsing: "partner.example"))
        let source = RotatableIdentity(svid: svid, bundle: try bundle.replacing(partner, generation: 7))
        let told = Mutex(0)
        let observation = source.onChange { told.withLock { $0 += 1 } }
        defer { observation.cancel() }
        func version(_ sequence: UInt64, _ hint: Int) throws -> TrustDomainBundle {
            try TrustDomainBundle(
                domain, roots: bundle.roots(of: domain), sequence: sequence, refreshHint: .seconds(hint))
        }
        #expect(try source.adopt(version(3, 1)))
        #expect(source.current.bundle[domain] == (try version(3, 1)) && source.current.bundle.generation == 8)
        #expect(source.current.bundle[partner.trustDomain] == partner)
        // The same, an older one, and another one of the same number.
        #expect(try !source.adopt(version(3, 1)))
        #expect(try !source.adopt(version(2, 2)))
        #expect(try !source.adopt(version(3, 2)))
        #expect(try !source.adopt(TrustDomainBundle(domain)))
        #expect(source.current.bundle.generation == 8 && told.withLock { $0 } == 1)
        // With an older bundle, what else there is comes into force all the same.
        let (renewed, _) = try Self.parts()
        let list = try DenyList(version: 1, entries: [])
        #expect(try source.adopt(version(2, 2), svid: renewed, denyList: list))
        #expect(source.current.svid == renewed && source.current.denyList == list)
        #expect(source.current.bundle.generation == 8 && told.withLock { $0 } == 2)
    }
}
