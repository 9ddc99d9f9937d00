import Testing

@testable import IdentityServices

@Suite struct RenewalScheduleTests {
    private let schedule = RenewalSchedule(configuration: RenewalConfiguration())

    @Test("a certificate is renewed after 70 % of what is left of it")
    func share() {
        #expect(schedule.wait(remaining: .seconds(1_000), failures: 0) == .seconds(700))
    }

    @Test("renewals are never closer together than the minimum, even for a certificate that is about to end")
    func minimum() {
        #expect(schedule.wait(remaining: .seconds(5), failures: 0) == .seconds(10))
        #expect(schedule.wait(remaining: .seconds(-5), failures: 0) == .seconds(10))
    }

    @Test("a failed renewal is tried again soon")
    func failure() {
        #expect(schedule.wait(remaining: .seconds(1_000), failures: 3) == .seconds(10))
    }
}
