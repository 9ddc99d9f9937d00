import Coordination
import DocumentedCode
import Foundation
import Identity
import MeshTransport
import ParameterServer
import Tensor
import TestSupport
import Testing

/// `OneProcess.md` shows code that compiles, and does what the page says.
@Suite(.timeLimit(.minutes(2))) struct OneProcessTests {
    @Test("every block of the page is a region of the compiled file, to the letter, and every region is shown")
    func page() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: Interoperability.root.appending(path: path), encoding: .utf8)
        }
        let page = try text("Sources/ParameterServer/ParameterServer.docc/OneProcess.md")
        let source = try text("Tests/ParameterServerTests/Documentation/OneProcess.swift")
        let (blocks, regions) = (DocumentedCode.blocks(of: page), DocumentedCode.regions(of: source))
        #expect(regions.count == 3)
        #expect(blocks == regions)
    }

    @Test("one process over TLS answers sessions, declarations, pushes and pulls")
    func overTLS() async throws {
        let mesh = try Mesh.development()
        let (_, address) = try await OneProcess.server(mesh)
        let parameters = try await OneProcess.client(mesh, mesh.own(address))
        #expect(try parameters.tensor(named: "weight").scalars(as: Float.self) == [-0.5, -0.5, -0.5, -0.5])
        await mesh.stop()
    }

    @Test("the page's policy lets trainers push to the model and everybody read")
    func policy() throws {
        let policy = try OneProcess.restricted().tablePolicy
        let trainer = try SPIFFEID(parsing: "spiffe://shop/trainer/0")
        let other = try SPIFFEID(parsing: "spiffe://shop/front")
        #expect(policy.allows(.push, table: "model/weight", peer: trainer))
        #expect(!policy.allows(.push, table: "other", peer: trainer))
        #expect(policy.allows(.pull, table: "other", peer: other))
        #expect(!policy.allows(.push, table: "model/weight", peer: other))
    }
}
