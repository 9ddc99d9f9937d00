import MeshWire
import Testing

@testable import MeshTransport

@Suite struct ServerAddressTests {
    @Test(
        "a server of a service is asked for by the service's name, without its port, where a host can be called so",
        arguments: [
            ("scoring.shop", "scoring.shop"), ("scoring.shop:7000", "scoring.shop"), ("10.0.0.1:7000", nil),
            ("[fd00::1]:80", nil),
            ("_scoring._tcp.shop", nil), ("a b", nil),
        ] as [(String, String?)])
    func serverName(service: String, expected: String?) {
        let found = ServiceEndpoint(.tcp(host: "10.0.0.1", port: 7_000))
        let address = ServerAddress(found, of: service, Destination(service: service))
        #expect(address.serverName == expected)
        #expect(address.authority == service)
    }
}
