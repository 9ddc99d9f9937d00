import Testing

@testable import Identity

@Suite struct JoinTokenRegistryTests {
    static let now = UnixTime(seconds: 1_000)

    static func authorization(_ number: Int = 0) throws -> IssuanceAuthorization {
        try IssuanceAuthorization(spiffeID: SPIFFEID(exampleDomain(), path: "/worker/\(number)"))
    }

    static func registry(capacity: Int = 4) -> JoinTokenRegistry {
        JoinTokenRegistry(rootFingerprint: SHA256Fingerprint(of: [7]), capacity: capacity)
    }

    @Test("a token is worth its authorization once")
    func once() throws {
        var (registry, generator) = (Self.registry(), SeededGenerator(seed: 1))
        let authorization = try Self.authorization()
        let token = try registry.issue(authorization, lifetime: .seconds(60), now: Self.now, using: &generator)
        #expect(token.rootFingerprint == registry.rootFingerprint)
        #expect(registry.redeem(secret: token.secret, now: Self.now + .seconds(5)) == .authorized(authorization))
        #expect(
            registry.redeem(secret: token.secret, now: Self.now + .seconds(6)) == .reused(at: Self.now + .seconds(5)))
        #expect(
            registry.redeem(secret: token.secret, now: Self.now + .seconds(99)) == .reused(at: Self.now + .seconds(5)))
    }

    @Test("a token expires after its lifetime, and redeeming it late changes nothing")
    func expiry() throws {
        var (registry, generator) = (Self.registry(), SeededGenerator(seed: 2))
        let authorization = try Self.authorization()
        let token = try registry.issue(authorization, lifetime: .seconds(60), now: Self.now, using: &generator)
        #expect(
            registry.redeem(secret: token.secret, now: Self.now + .seconds(61)) == .expired(at: Self.now + .seconds(60))
        )
        #expect(registry.redeem(secret: token.secret, now: Self.now + .seconds(60)) == .authorized(authorization))
    }

    @Test("a secret that was never issued is unknown")
    func unknown() {
        var registry = Self.registry()
        #expect(registry.redeem(secret: Array(repeating: 0, count: 32), now: Self.now) == .unknown)
        #expect(registry.redeem(secret: [], now: Self.now) == .unknown)
    }

    @Test("a full registry forgets the oldest spent or expired token, and refuses when none is")
    func bounded() throws {
        var (registry, generator) = (Self.registry(capacity: 3), SeededGenerator(seed: 3))
        func issue(_ lifetime: Duration) throws -> JoinToken {
            try registry.issue(Self.authorization(), lifetime: lifetime, now: Self.now, using: &generator)
        }
        let tokens = try [issue(.seconds(60)), issue(.seconds(60)), issue(.seconds(60))]
        #expect(identityError { try issue(.seconds(60)) }?.code == .registryFull)
        #expect(registry.redeem(secret: tokens[1].secret, now: Self.now) == .authorized(try Self.authorization()))
        let fourth = try issue(.seconds(60))
        #expect(registry.count == 3)
        #expect(registry.redeem(secret: tokens[1].secret, now: Self.now) == .unknown)
        #expect(registry.redeem(secret: tokens[0].secret, now: Self.now) == .authorized(try Self.authorization()))
        #expect(registry.redeem(secret: fourth.secret, now: Self.now) == .authorized(try Self.authorization()))
    }

    @Test("any sequence keeps the bound, and each secret is authorized at most once")
    func randomSequence() throws {
        let seed: UInt64 = 0x701_4E
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var (registry, now) = (Self.registry(capacity: 16), Self.now)
        var issued: [(secret: [UInt8], number: Int, expiresAt: UnixTime)] = []
        var authorized: Set<Int> = []
        for step in 0..<5_000 {
            now = now + .seconds(Int64.random(in: 0...3, using: &generator))
            if Bool.random(using: &generator) {
                let lifetime = Int64.random(in: 1...40, using: &generator)
                let token = try? registry.issue(
                    Self.authorization(step), lifetime: .seconds(lifetime), now: now, using: &generator)
                if let token { issued.append((token.secret, step, now + .seconds(lifetime))) }
            } else if let pick = issued.suffix(30).randomElement(using: &generator) {
                switch registry.redeem(secret: pick.secret, now: now) {
                case .authorized(let authorization):
                    #expect(authorization == (try Self.authorization(pick.number)))
                    #expect(authorized.insert(pick.number).inserted)
                    #expect(now <= pick.expiresAt)
                case .reused:
                    #expect(authorized.contains(pick.number))
                case .expired:
                    #expect(now > pick.expiresAt && !authorized.contains(pick.number))
                case .unknown:
                    #expect(now > pick.expiresAt || authorized.contains(pick.number))
                }
            }
            #expect(registry.count <= 16)
        }
        #expect(authorized.count > 100)
    }

    @Test("each outcome is an error with its own code")
    func errors() throws {
        typealias Redemption = JoinTokenRegistry.Redemption
        let authorization = try Self.authorization()
        #expect(try Redemption.authorized(authorization).get() == authorization)
        #expect(identityError { try Redemption.unknown.get() }?.code == .tokenUnknown)
        #expect(identityError { try Redemption.expired(at: Self.now).get() }?.code == .tokenExpired)
        #expect(identityError { try Redemption.reused(at: Self.now).get() }?.code == .tokenReused)
    }
}
