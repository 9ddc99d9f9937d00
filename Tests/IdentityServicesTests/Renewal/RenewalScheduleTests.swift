import Testing

@testable import IdentityServices

@Suite struct RenewalScheduleTests {
    private let schedule = RenewalSchedule(configuration: RenewalConfiguration())

    @Test("a certificate is renewed after 70 % of what is left of it")
    func share() {
        #expect(schedule.wait(remaining: .seconds(1_000), failures: 0, chance: 0) == .seconds(700))
    }

    @Test("renewals are never closer together than the minimum, even for a certificate that is about to end")
    func minimum() {
        #expect(schedule.wait(remaining: .seconds(5), failures: 0, chance: 0) == .seconds(10))
        #expect(schedule.wait(remaining: .seconds(-5), failures: 0, chance: 0) == .seconds(10))
    }

    @Test("a failed renewal is tried again soon")
    func failure() {
        #expect(schedule.wait(remaining: .seconds(1_000), failures: 3, chance: 0) == .seconds(10))
    }

    @Test("chance makes a wait up to a tenth shorter, and never longer")
    func jitter() {
        for (failures, longest) in [(0, Duration.seconds(700)), (1, .seconds(10))] {
            let waits = [0, 0.5, 0.999].map {
                schedule.wait(remaining: .seconds(1_000), failures: failures, chance: $0)
            }
            #expect(waits[0] == longest && waits[1] < waits[0] && waits[2] < waits[1])
            #expect(waits[2] >= longest * 0.9)
        }
    }
}
