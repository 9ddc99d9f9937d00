import DocumentedCode
import Foundation
import IdentityServices
import MeshTransport
import TestSupport
import Testing

/// `Documentation/GettingStarted.md` shows code that compiles, and does what the page says.
@Suite(.timeLimit(.minutes(2))) struct GettingStartedTests {
    @Test("every block of the page is a region of the compiled file, to the letter, and every region is shown")
    func page() throws {
        let page = try String(
            contentsOf: Interoperability.root.appending(path: "Documentation/GettingStarted.md"), encoding: .utf8)
        let source = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "GettingStarted.swift"),
            encoding: .utf8)
        let (blocks, regions) = (DocumentedCode.blocks(of: page), DocumentedCode.regions(of: source))
        #expect(regions.count == 8)
        #expect(blocks == regions)
    }

    @Test("one process calls itself, and the handler sees who called")
    func oneProcess() async throws {
        #expect(try await GettingStarted.oneProcess() == "3 × apple for spiffe://development.mesh/host")
    }

    @Test("a call that a handler refuses says so, and that it was answered")
    func errors() async throws {
        let mesh = try Mesh.development()
        GettingStarted.picky(mesh)
        let client = mesh.client(mesh.own(try await mesh.listen(host: "127.0.0.1", port: 0)))
        let error = await GettingStarted.refused(client)
        #expect(error?.status == .invalidArgument && error?.progress == .answered, "\(String(describing: error))")
        client.close()
        await mesh.stop()
    }

    @Test("two processes join with tokens, and one calls the other")
    func twoProcesses() async throws {
        let (issuance, joining, domain) = try await GettingStarted.authority()
        let (server, address) = try await GettingStarted.server(
            GettingStarted.token(issuance, domain, "/shop"), joining)
        let (text, client) = try await GettingStarted.client(
            GettingStarted.token(issuance, domain, "/front"), joining, address)
        #expect(text == "apple for spiffe://shop.example/front")
        // Somebody else of the mesh is not let in.
        let stranger = try GettingStarted.token(issuance, domain, "/stranger")
        let error = await meshError { _ = try await GettingStarted.client(stranger, joining, address) }
        #expect(error?.status == .permissionDenied, "\(String(describing: error))")
        await client.stop()
        await server.stop()
        await issuance.stop()
    }
}
