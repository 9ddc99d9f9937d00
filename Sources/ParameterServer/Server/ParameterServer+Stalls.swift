import Coordination
import Logging
import MeshTransport
import MeshWire

extension ParameterServer {
    /// Who waits for whom at this server now: requests, and the partitions themselves. Cheap enough to be asked often;
    /// the log has each wait that takes longer than ``ParameterServerConfiguration/stallThreshold`` once.
    public func stallReport() -> StallReport { watch.stallReport() }
}

extension ParameterClient {
    /// Who this client's requests wait for now.
    public func stallReport() -> StallReport {
        StallReport(
            routes.stalls().map { wait in
                var wait = wait
                (wait.session, wait.slot) = (session.id, session.slot)
                return wait
            })
    }
}
