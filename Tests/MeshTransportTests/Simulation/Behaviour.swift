import MeshTransport
import MeshWire

/// What a simulated server does with the calls that it takes.
enum Behaviour: Sendable, Hashable, CustomStringConvertible {
    /// It answers after 1 to 5 ms.
    case sound
    /// It answers later.
    case slow(Duration)
    /// It takes calls and answers none.
    case silent
    /// It fails every call at once.
    case failing
    /// It says of every call, at once, that it has not run it.
    case refusing
    /// It answers every other call at once, as if it were the fastest of all, and fails the ones between as fast.
    case fickle
    /// It answers three of four calls at once, and the fourth after two seconds.
    case erratic

    /// Answers the call of this number, counted from 1.
    func answer(_ number: Int, _ runtime: any Runtime) async throws {
        switch self {
        case .sound: try await runtime.sleep(for: .microseconds(1_000 + Int64(runtime.randomBits() % 4_000)))
        case .slow(let time): try await runtime.sleep(for: time)
        case .silent: try await runtime.sleep(for: .seconds(1_000_000))
        case .failing: throw CallFailure(.unavailable, "broken")
        case .refusing: throw CallFailure(.unavailable, "overloaded", hasNotRun: true)
        case .fickle: if number % 2 == 0 { throw CallFailure(.unavailable, "broken") }
        case .erratic: if number % 4 == 0 { try await runtime.sleep(for: .seconds(2)) }
        }
    }

    var description: String {
        switch self {
        case .sound: "sound"
        case .slow(let time): "slow (\(time))"
        case .silent: "silent"
        case .failing: "failing"
        case .refusing: "refusing"
        case .fickle: "fickle"
        case .erratic: "erratic"
        }
    }
}
