import HTTPTypes
public import Hummingbird
public import MeshTransport
import NIOCore

extension RouterMethods where Context == MeshRequestContext {
    /// Answers probes: `/livez` with 200 as long as the process answers at all, `/readyz` with 200 while `mesh` should
    /// be given requests, and with 503 and the reasons, a line each, while it should not
    /// (``/MeshTransport/Mesh/readiness``).
    ///
    /// The policy is asked for these paths as for any other: probes that prove no identity need a rule, and a listener
    /// in plain text.
    public func addHealth(_ mesh: Mesh) {
        answerOnly("/livez", .get) { _, _ in Self.page(.ok, ["alive"]) }
        answerOnly("/readyz", .get) { _, _ in
            let readiness = mesh.readiness
            return readiness.isReady
                ? Self.page(.ok, ["ready"]) : Self.page(.serviceUnavailable, readiness.reasons)
        }
    }

    private static func page(_ status: HTTPResponse.Status, _ lines: [String]) -> Response {
        let text = lines.joined(separator: "\n") + "\n"
        return Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
