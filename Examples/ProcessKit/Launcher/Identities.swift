/// The identities of an example's processes.
package struct Identities: Sendable {
    package let trustDomain: String

    package init(trustDomain: String) {
        self.trustDomain = trustDomain
    }

    package var launcher: String { id("launcher") }
    package var coordinator: String { id("coordinator") }
    package var modelServer: String { id("model-server") }
    /// Whoever asked for credentials.
    package var `operator`: String { id("operator") }
    package var everybody: String { id("*") }
    package var servers: String { id("server/*") }
    package var workers: String { id("worker/*") }

    package func server(_ index: Int) -> String { id("server/\(index)") }

    /// The worker of a slot. The one that takes the place of a killed one takes its identity too, with a certificate of
    /// its own: a slot with a living session is its owner's alone to take over.
    package func worker(_ slot: Int) -> String { id("worker/\(slot)") }

    private func id(_ path: String) -> String { "spiffe://\(trustDomain)/\(path)" }
}
