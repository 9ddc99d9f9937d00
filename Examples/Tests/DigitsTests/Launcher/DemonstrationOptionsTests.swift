import ArgumentParser
import DigitsKit
import Foundation
import Testing

@Suite("Options")
struct DemonstrationOptionsTests {
    @Test(
        "an option out of range, or without effect, is refused with its name",
        arguments: [
            (["--epochs", "0"], "--epochs 0"),
            (["--training-examples", "9000"], "--training-examples 9000"),
            (["--training-examples", "255"], "--training-examples 255"),
            (["--serve", "--port", "70000"], "--port 70000"),
            (["--port", "8443"], "--port has a meaning with --serve only"),
            (["--credentials", "here"], "--credentials has a meaning with --serve only"),
        ])
    func refused(arguments: [String], message: String) {
        let error = #expect(throws: (any Error).self) { try DemonstrationOptions.parse(arguments) }
        #expect(error.map { DemonstrationOptions.message(for: $0) }?.contains(message) == true)
    }

    @Test("the help explains every option and hides the launcher's own subcommands")
    func help() {
        let help = DigitsCommand.helpMessage(columns: 120)
        for option in [
            "--epochs", "--training-examples", "--seed", "--summary", "--kill-server", "--serve", "--port",
            "--credentials",
        ] {
            #expect(help.contains(option))
        }
        #expect(!help.contains("model-server") && !help.contains("SUBCOMMANDS"))
    }

    /// What the parser says of itself.
    private struct Description: Decodable {
        struct Command: Decodable { var arguments: [Argument]? }
        struct Argument: Decodable {
            struct Name: Decodable { var name: String }
            var preferredName: Name?
            var abstract: String?
        }
        var command: Command
    }

    @Test("every option of the parser has an explanation")
    func explanations() throws {
        let json = Data(DigitsCommand._dumpHelp().utf8)
        let arguments = try #require(try JSONDecoder().decode(Description.self, from: json).command.arguments)
        #expect(arguments.count >= 7)
        for argument in arguments {
            let explanation = argument.abstract ?? ""
            #expect(!explanation.isEmpty, "\(argument.preferredName?.name ?? "an argument") is not explained")
        }
    }
}
