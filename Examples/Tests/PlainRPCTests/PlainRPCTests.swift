import Foundation
import Testing

/// The example as a user runs it.
@Suite(.timeLimit(.minutes(3)))
struct PlainRPCTests {
    /// The program's exit status and output.
    private func run(_ arguments: [String] = []) throws -> (status: Int32, lines: [Substring]) {
        let process = Process()
        let output = Pipe()
        // Beside the tests, wherever this build put them.
        process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "plain-rpc")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text.split(separator: "\n"))
    }

    @Test("both services answer over both wires, and to Python's grpcio")
    func everyCaller() throws {
        let (status, lines) = try run()
        #expect(status == 0)
        func rows(_ wire: String, _ method: String) -> [Substring] {
            lines.filter { $0.contains("  \(wire) ") && $0.contains(" \(method) ") }
        }
        #expect(rows("meshwork/1", "Inventory.restock").first?.contains("3 deliveries") == true)
        #expect(rows("meshwork/1", "Inventory.stock").first?.contains("60 plums") == true)
        #expect(rows("meshwork/1", "Inventory.take").first?.contains("permissionDenied") == true)
        for (wire, left) in [("meshwork/1", 98), ("gRPC", 96)] {
            let placed = rows(wire, "Orders.place")
            #expect(placed.first?.contains("for spiffe://shop.example/customer/swift, \(left) left") == true)
            #expect(placed.last?.contains("failedPrecondition: 1000 pear wanted, 3 in stock") == true)
            #expect(rows(wire, "Orders.track").first?.contains("packed, shipped, delivered") == true)
        }
        // One connection a wire and server.
        #expect(lines.count { $0.hasPrefix("  to spiffe://shop.example/") && $0.hasSuffix("TLSv1.3") } == 3)
        // The prerequisites of the tests have a Python with grpcio.
        let python = rows("gRPC", "Orders.Place")
        #expect(python.first?.contains("for spiffe://shop.example/customer/python, 94 left") == true)
        #expect(python.last?.contains("FAILED_PRECONDITION: 1000 pear wanted, 3 in stock") == true)
        #expect(rows("gRPC", "Orders.Track").first?.contains("packed, shipped, delivered") == true)
        #expect(rows("gRPC", "Health.Check").first?.contains("SERVING") == true)
        #expect(rows("gRPC", "ServerReflection").first?.contains("shop.Orders") == true)
        // What operators do: all calls of the canary are answered, by both versions as the shares say.
        #expect(lines.contains("  100 %: 0 answers of version 1, 200 of version 2, none failed"))
        #expect(lines.contains { $0.hasPrefix("  it opened after ") })
        #expect(lines.contains { $0.hasPrefix("    127.0.0.1:") && $0.contains("left out for") })
        let calls = lines.first { $0.hasPrefix("  of the next 100 calls the broken one got ") }
        #expect(calls?.split(separator: " ").last.flatMap { Int($0) }.map { $0 <= 2 } == true, "a probe at most")
        #expect(lines.contains("  mended, one call was tried on it, and it takes calls again"))
        #expect(lines.contains { $0.hasPrefix("  shop.Inventory/Stock to ") && $0.contains("internalError") })
        #expect(lines.contains { $0.hasPrefix("  shop.Inventory/Stock to shelves: ok in ") })
    }

    @Test(
        "a Python without grpcio that was asked for by name is refused, and one of the children alone says who starts it"
    )
    func misuse() throws {
        #expect(try run(["--python", "/no/such/python"]).status != 0)
        let process = Process()
        process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "plain-rpc")
        process.arguments = ["orders"]
        process.standardInput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
        #expect(text.contains("started by plain-rpc"))
    }
}
