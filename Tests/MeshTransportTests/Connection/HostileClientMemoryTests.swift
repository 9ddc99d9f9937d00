import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What ``HostileClientTests`` does to a server, and the memory that it takes.
@Suite(.timeLimit(.minutes(5))) struct HostileClientMemoryTests {
    @Test(
        "no attack makes a server hold more than a few times what was sent",
        .enabled(if: PeakMemory.isMeasurable, "the kernel does not tell, or a sanitizer needs memory of its own"))
    func attacks() async {
        // In a process of its own: other tests need memory too.
        await #expect(processExitsWith: .success) {
            let loopback = try await Loopback.start()
            let hostile = try loopback.authority.svid("/hostile")
            for attack in HostileClientTests.Attack.allCases.map(Optional.some) + [nil] {
                let bytes = attack?.bytes ?? HostileClientTests.announcements.bytes
                let growth = try await PeakMemory.growth {
                    let raw = try await RawClient.connect(port: loopback.port, identity: hostile)
                    await raw.send(bytes)
                    // Those who keep to the protocol are not closed on.
                    if attack == nil { _ = await raw.answeredStreams() } else { await raw.untilClosed() }
                    await raw.close()
                }
                let name = attack?.rawValue ?? "announcements"
                #expect(
                    growth < PeakMemory.allowance(forBytes: bytes.count), "\(name): \(growth) bytes for \(bytes.count)")
            }
            await loopback.server.stop()
        }
    }
}
