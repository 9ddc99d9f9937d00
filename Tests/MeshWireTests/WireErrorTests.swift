import MeshWire
import Testing

@Suite struct WireErrorTests {
    @Test("an error is one line with its code")
    func description() {
        #expect("\(WireError(.tooLarge, "a frame of 9 bytes"))" == "tooLarge: a frame of 9 bytes")
    }
}
