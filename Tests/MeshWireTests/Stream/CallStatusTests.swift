import MeshWire
import Testing

@Suite struct CallStatusTests {
    @Test("the numbers are gRPC's")
    func numbers() {
        #expect(CallStatus.ok.rawValue == 0)
        #expect(CallStatus.permissionDenied.rawValue == 7)
        #expect(CallStatus.unauthenticated.rawValue == 16)
        #expect("\(CallStatus.unauthenticated)" == "unauthenticated")
    }

    @Test("a number that nobody knows has a description", arguments: [17, 1_000, .max] as [UInt32])
    func unknown(number: UInt32) {
        #expect("\(CallStatus(rawValue: number))" == "status \(number)")
    }
}
