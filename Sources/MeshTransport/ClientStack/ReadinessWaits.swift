import NIOCore

/// Those that wait until a pool has connected to so many endpoints.
///
/// Touched on the pool's event loop alone.
final class ReadinessWaits {
    private struct Wait {
        let number: Int
        let wanted: Int
        let end: (Result<Int, MeshError>) -> Void
    }

    private var waits: [Wait] = []
    private var last = 0
    private var connected = 0
    private var all: Int?

    /// So many endpoints are connected, of so many; `nil` while it is not known how many there are.
    func changed(connected: Int, of all: Int?) {
        (self.connected, self.all) = (connected, all)
        guard !waits.isEmpty else { return }
        let done = waits.filter { isEnough($0.wanted) }
        waits.removeAll { isEnough($0.wanted) }
        for wait in done { wait.end(.success(connected)) }
    }

    /// Calls `end` once: when so many are connected, or all that there are.
    ///
    /// - Returns: a number to take it back with.
    func add(_ wanted: Int, _ end: @escaping (Result<Int, MeshError>) -> Void) -> Int {
        last += 1
        if isEnough(wanted) {
            end(.success(connected))
        } else {
            waits.append(Wait(number: last, wanted: wanted, end: end))
        }
        return last
    }

    /// Ends a wait, if it has not ended.
    func fail(_ number: Int, _ error: MeshError) {
        guard let index = waits.firstIndex(where: { $0.number == number }) else { return }
        waits.remove(at: index).end(.failure(error))
    }

    /// Ends all of them.
    func fail(_ error: MeshError) {
        let failing = waits
        waits = []
        for wait in failing { wait.end(.failure(error)) }
    }

    private func isEnough(_ wanted: Int) -> Bool {
        guard let all, all > 0 else { return false }
        return connected >= min(wanted, all)
    }
}
