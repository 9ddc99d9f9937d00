import Foundation
import Synchronization

/// What servers and the coordinator have had resident, a sample a second. Guarded by a mutex.
final class ChaosMemory: Sendable {
    private let samples = Mutex<[ChaosFleet.Place: [Int]]>([:])

    func add(_ bytes: Int, of place: ChaosFleet.Place) { samples.withLock { $0[place, default: []].append(bytes) } }

    /// The most that any of them has had, in bytes.
    var most: Int { samples.withLock { $0.values.joined().max() ?? 0 } }

    /// Which process has grown: the most of its last quarter is above that of its second by a quarter and 16 MiB. `nil`
    /// if none has.
    var growth: String? {
        for (place, values) in samples.withLock({ $0 }) where values.count >= 8 {
            let quarter = values.count / 4
            guard let early = values[quarter..<2 * quarter].max(), let late = values.suffix(quarter).max() else {
                continue
            }
            if late > early + early / 4 + 16 << 20 {
                return "the memory of \(place) has grown from \(early >> 20) MiB to \(late >> 20) MiB"
            }
        }
        return nil
    }
}
