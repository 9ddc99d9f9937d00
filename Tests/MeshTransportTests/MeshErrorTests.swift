import MeshTransport
import MeshWire
import Testing

@Suite struct MeshErrorTests {
    @Test("an error is one line with all that is known")
    func description() {
        let error = MeshError(
            .status, "no such thing", progress: .answered, status: .notFound, peer: "spiffe://a/b",
            cause: WireError(.truncated, "cut"))
        #expect("\(error)" == "status(notFound): no such thing [peer spiffe://a/b] [answered] [cause: truncated: cut]")
        #expect("\(MeshError(.draining, "stopped"))" == "draining: stopped")
    }
}
