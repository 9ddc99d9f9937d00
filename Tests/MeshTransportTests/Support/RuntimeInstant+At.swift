import MeshWire

extension RuntimeInstant {
    /// A time after the origin.
    static func at(_ time: Duration) -> RuntimeInstant { RuntimeInstant(nanoseconds: 0).advanced(by: time) }
}
