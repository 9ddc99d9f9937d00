import Testing

@testable import Identity

@Suite struct StaticIdentitySourceTests {
    @Test("a static source has generation 1")
    func current() throws {
        let (svid, bundle) = try RotatableIdentityTests.parts()
        let source: any IdentitySource = StaticIdentitySource(svid: svid, bundle: bundle)
        #expect(source.current == IdentitySnapshot(svid: svid, bundle: bundle, generation: 1))
        source.onChange { Issue.record("a static identity changed") }.cancel()
    }
}
