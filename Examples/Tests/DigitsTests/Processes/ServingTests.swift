import DigitsKit
import ExampleTestSupport
import Foundation
import Testing

extension DemonstrationTests {
    /// What the model server answers `infer` with, as far as it is looked at.
    private struct InferenceAnswer: Decodable {
        struct Output: Decodable {
            var name: String
            var data: [Double]
        }
        // The protocol's own name.
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var model_name: String
        var outputs: [Output]
    }

    private static func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test(
        "with --serve --credentials, the printed curl line works as pasted, and nothing does without the certificate",
        .enabled(if: Command.isInstalled("curl"), "curl is not installed"))
    func serves() async throws {
        let path = Self.summaryPath()
        defer { Self.remove(path) }
        // A name that a shell would take apart, a directory that others may read, and an older key that they can read.
        let directory = (path as NSString).deletingLastPathComponent + "-the operator's"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        #expect(
            FileManager.default.createFile(
                atPath: directory + "/key.pem", contents: Data(), attributes: [.posixPermissions: 0o644]))

        let digits = try RunningExample(
            digits:
                Self.small + ["--summary", path, "--serve", "--credentials", directory])
        let printed = await digits.lines(through: "Ctrl-C stops").all
        let curl = try #require(printed.last { $0.contains("curl ") }).trimmingCharacters(in: .whitespaces)
        #expect(try Self.mode(directory) == 0o755)
        let names = ["certificate.pem", "key.pem", "roots.pem"]
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == names)
        for name in names { #expect(try Self.mode(directory + "/" + name) == 0o600, "\(name)") }
        #expect(try String(contentsOfFile: directory + "/key.pem", encoding: .utf8).contains(Self.keyMark))

        let answered = try Command(line: curl)
        #expect(answered.output.contains(#""model_name":"digits""#), "\(answered.output) \(answered.errors)")
        let answer = try JSONDecoder().decode(InferenceAnswer.self, from: Data(answered.output.utf8))
        #expect(answer.outputs.map(\.name) == ["logits"])
        #expect(answer.outputs.map(\.data.count) == [10])

        let url = try #require(curl.firstMatch(of: /https:\S+\/infer/))
        let metricsPage = curl[..<url.range.lowerBound] + String(url.output).replacing(/\/v2\/.*/, with: "/metrics")
        let metrics = try Command(line: String(metricsPage))
        #expect(metrics.output.contains("response_latency_seconds"), "\(metrics.output) \(metrics.errors)")

        // From `--cert` to the URL: the certificate and its key.
        let identity = try #require(curl.firstRange(of: "--cert ")).lowerBound
        let anonymous = try Command(line: curl[..<identity] + curl[url.range.lowerBound...] + " --fail")
        #expect(anonymous.status != 0)
        #expect(anonymous.output.isEmpty, "\(anonymous.output)")

        digits.signal(SIGINT)
        let rest = await digits.restOfOutput()
        let (status, errors) = await digits.ended()
        #expect(status == 0)
        #expect(errors.isEmpty, "\(errors)")
        #expect(!(printed + rest).contains { $0.contains(Self.keyMark) })
        #expect(!(try Self.files(beside: path)).values.contains { $0.firstRange(of: Data(Self.keyMark.utf8)) != nil })
    }

    @Test("a port in use is told before anything starts, with one error that names the address")
    func portInUse() async throws {
        let path = Self.summaryPath()
        defer { Self.remove(path) }
        let taken = try TakenPort()
        let digits = try RunningExample(
            digits: Self.small + ["--summary", path, "--serve", "--port", "\(taken.number)"])
        let (status, errors) = await digits.ended()
        #expect(status == 1)
        #expect(errors.split(separator: "\n").count == 1, "\(errors)")
        #expect(errors.contains("127.0.0.1:\(taken.number)"), "\(errors)")
        #expect(await digits.restOfOutput().isEmpty)
    }
}
