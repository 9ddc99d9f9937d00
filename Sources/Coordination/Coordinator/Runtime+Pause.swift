import MeshWire
import ServiceLifecycle

extension Runtime {
    /// Waits for `duration`, or until the task is cancelled or its service group shuts down.
    ///
    /// Service lifecycle's own `cancelWhenGracefulShutdown` starts tasks that no runtime knows of.
    ///
    /// - Returns: whether the time has passed.
    func pause(for duration: Duration) async -> Bool {
        let timer = spawn(on: taskExecutor) { try? await self.sleep(for: duration) }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await timer.value
            } onGracefulShutdown: {
                timer.cancel()
            }
        } onCancel: {
            timer.cancel()
        }
        return !Task.isCancelled && !Task.isShuttingDownGracefully
    }
}
