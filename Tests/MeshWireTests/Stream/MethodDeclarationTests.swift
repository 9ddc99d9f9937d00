import MeshWire
import NIOCore
import Testing

@Suite struct MethodDeclarationTests {
    @Test("a declaration and a goAway come back as they were sent")
    func roundTrip() throws {
        let declaration = MethodDeclaration(number: 7, path: "a.B/C", requestName: "a.Q", responseName: "a.R")
        #expect(try Payload(declaration).decode(as: MethodDeclaration.self) == declaration)
        let goAway = GoAway(lastStream: StreamID(rawValue: .max), reason: "restart")
        #expect(try Payload(goAway).decode(as: GoAway.self) == goAway)
    }
}
