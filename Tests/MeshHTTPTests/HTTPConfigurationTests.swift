import MeshHTTP
import Testing

struct HTTPConfigurationTests {
    @Test("the defaults are valid")
    func defaults() throws {
        try HTTPConfiguration().validate()
    }

    @Test("every value that is out of range is named")
    func problems() throws {
        var configuration = HTTPConfiguration()
        configuration.requestBodyBytes = 0
        configuration.headerBytes = -1
        configuration.connections = 0
        configuration.requestTimeout = .zero
        configuration.idleTimeout = .seconds(-1)
        let error = #expect(throws: MeshHTTPError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        for name in ["requestBodyBytes", "headerBytes", "connections", "requestTimeout", "idleTimeout"] {
            #expect(error?.message.contains(name) == true)
        }
    }
}
