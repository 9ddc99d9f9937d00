import Identity
import MeshWire

extension Runtime {
    /// Now, as certificates are judged by it.
    var unixTime: UnixTime { UnixTime(seconds: timeSince1970.components.seconds) }
}
