import ParameterServer
import Synchronization

/// What was told of a checkpoint, guarded by a mutex.
final class ProgressLog: Sendable {
    private let state = Mutex<[CheckpointProgress]>([])

    var all: [CheckpointProgress] { state.withLock { $0 } }

    func add(_ progress: CheckpointProgress) { state.withLock { $0.append(progress) } }
}
