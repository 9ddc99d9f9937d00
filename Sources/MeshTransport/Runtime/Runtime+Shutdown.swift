import MeshWire
import ServiceLifecycle

extension Runtime {
    /// Runs `body` in a task that is cancelled when this one is, or when its service group shuts down; returns when
    /// `body` does.
    ///
    /// Service lifecycle's own `cancelWhenGracefulShutdown` starts tasks that no runtime knows of.
    package func untilStopped(_ body: @escaping @Sendable @concurrent () async -> Void) async {
        let task = spawn(on: taskExecutor, body)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await task.value
            } onGracefulShutdown: {
                task.cancel()
            }
        } onCancel: {
            task.cancel()
        }
    }
}
