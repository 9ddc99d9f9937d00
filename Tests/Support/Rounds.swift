import Foundation

/// How often a random test repeats itself: `count` times, or as many times more as `MESHWORK_TEST_ROUNDS` says, which
/// the nightly run sets.
package func rounds(_ count: Int) -> Int {
    count * max(1, ProcessInfo.processInfo.environment["MESHWORK_TEST_ROUNDS"].flatMap { Int($0) } ?? 1)
}

/// Whether tests are run that take too long for every change: `MESHWORK_NIGHTLY=1`.
package enum Nightly {
    package static let isOn = ProcessInfo.processInfo.environment["MESHWORK_NIGHTLY"] != nil
}
