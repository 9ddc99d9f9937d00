import Testing

@testable import JWTIdentity

@Suite struct JWTSVIDValidatorConfigurationTests {
    @Test("the defaults are good, and every problem is reported at once")
    func problems() throws {
        var configuration = JWTSVIDValidatorConfiguration()
        try configuration.validate()
        #expect(configuration.clockSkew == .seconds(20))
        configuration.clockSkew = .seconds(301)
        configuration.maximumTokenBytes = 65_537
        do {
            _ = try JWTSVIDValidator(configuration: configuration)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .invalidConfiguration)
            #expect(error.message.contains("clockSkew") && error.message.contains("maximumTokenBytes"))
        }
        configuration.clockSkew = .milliseconds(-1)
        #expect(throws: JWTIdentityError.self) { try configuration.validate() }
    }
}
