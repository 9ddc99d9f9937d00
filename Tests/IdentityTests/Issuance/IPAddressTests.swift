import Testing

@testable import Identity

@Suite struct IPAddressTests {
    @Test("addresses are kept in network order")
    func accepts() {
        #expect(IPAddress("192.0.2.1")?.bytes == [192, 0, 2, 1])
        #expect(IPAddress("2001:db8::1")?.bytes == [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(IPAddress("::ffff:1.2.3.4")?.bytes.suffix(4) == [1, 2, 3, 4])
    }

    @Test(
        "anything else is no address",
        arguments: [
            "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "::1\u{0}x",
            " ::1",
        ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }
}
