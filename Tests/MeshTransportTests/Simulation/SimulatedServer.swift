import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization

/// One server of a simulated service, through all its lives. Guarded by a mutex.
final class SimulatedServer: Sendable {
    let name: String
    let path: String
    let identity: RotatableIdentity
    private let runtime: SimulatedRuntime
    private let journal: CallJournal
    private let make: @Sendable (RotatableIdentity) throws -> Mesh
    private let state = Mutex(State())

    private struct State {
        var mesh: Mesh?
        /// True while its mesh is made.
        var isStarting = false
        /// How many of its lives are about to end.
        var ending = 0
        var behaviour = Behaviour.sound
        var calls = 0
    }

    init(
        _ name: String, path: String, identity: RotatableIdentity, _ runtime: SimulatedRuntime, _ journal: CallJournal,
        make: @escaping @Sendable (RotatableIdentity) throws -> Mesh
    ) {
        self.name = name
        self.path = path
        self.identity = identity
        self.runtime = runtime
        self.journal = journal
        self.make = make
    }

    var endpoint: Endpoint { .tcp(host: name, port: 1_000) }

    func behave(_ behaviour: Behaviour) { state.withLock { ($0.behaviour, $0.calls) = (behaviour, 0) } }

    /// Begins a life: another server instance at the same place. One that lives goes on: a rolling restart whose
    /// servers take long to finish may meet the end of what has happened to one of them meanwhile.
    func start() async throws {
        // Its place is taken until its last life has ended.
        while state.withLock({ $0.ending > 0 }) { try await runtime.sleep(for: .milliseconds(1)) }
        let isNew = state.withLock { state in
            guard state.mesh == nil, !state.isStarting else { return false }
            state.isStarting = true
            return true
        }
        guard isNew else { return }
        defer { state.withLock { $0.isStarting = false } }
        let mesh = try make(identity)
        for method in [Echo.echo, Echo.once, Echo.count] {
            mesh.serve(method) { [self] note, _ in try await answer(note) }
        }
        mesh.serve(Echo.repeated) { [self] note, responses, _ in
            let answer = try await answer(note)
            for _ in 0..<3 { try await responses.send(answer) }
        }
        try await mesh.listen(on: endpoint)
        state.withLock { $0.mesh = mesh }
    }

    /// Finishes what it has begun, and ends.
    func stop() async {
        let mesh = state.withLock { state in
            state.ending += 1
            return state.mesh.take()
        }
        await mesh?.stop()
        state.withLock { $0.ending -= 1 }
    }

    /// Ends as a process does that is killed: nothing of it is heard any more.
    func crash() {
        let mesh = state.withLock { $0.mesh.take() }
        runtime.kill(endpoint)
        withExtendedLifetime(mesh) {}
    }

    private func answer(_ note: Note) async throws -> Note {
        guard let number = Int(note.text) else { throw CallFailure(.invalidArgument, "\(note.text) is no number") }
        let (behaviour, count) = state.withLock { state in
            state.calls += 1
            return (state.behaviour, state.calls)
        }
        journal.ran(number, at: name, isRefused: behaviour == .refusing, now: runtime.now)
        try await behaviour.answer(count, runtime)
        return Note("\(name) \(number)")
    }
}
