package import HTTPTypes
package import Hummingbird

extension RouterMethods where Context == MeshRequestContext {
    /// Answers requests for `path` with `method`, and with 405 those with another one.
    ///
    /// Hummingbird by itself answers 404 to a method that a path does not have.
    package func answerOnly(
        _ path: RouterPath, _ method: HTTPRequest.Method,
        _ handler: @escaping @Sendable (Request, MeshRequestContext) async throws -> Response
    ) {
        on(path, method: method, use: handler)
        // The router makes HEAD of GET.
        let allowed: [HTTPRequest.Method] = method == .get ? [.get, .head] : [method]
        let allow = allowed.map(\.rawValue).joined(separator: ", ")
        let methods: [HTTPRequest.Method] = [
            .get, .head, .post, .put, .delete, .patch, .options, .trace, .connect,
        ]
        for other in methods where !allowed.contains(other) {
            on(path, method: other) { _, _ -> Response in
                throw HTTPError(.methodNotAllowed, headers: [.allow: allow], message: "Method Not Allowed")
            }
        }
    }
}
