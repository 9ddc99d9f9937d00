package import ArgumentParser

/// What a run of the demonstration can be asked for.
package struct DemonstrationOptions: ParsableArguments {
    @Option(help: "Passes of each worker over its share of the training examples.")
    package var epochs = 14

    @Option(help: "Examples that train, from the start of the files; the last 1,500 of the 10,000 are held out.")
    package var trainingExamples = Digits.trainingCount

    @Option(help: "Seeds the initial parameters, the order of the examples and the lost replies.")
    package var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Where to write the figures of the run.", valueName: "path"))
    package var summary = ".build/demo/summary.json"

    @Flag(help: "Kill a parameter server half-way, too; servers keep logs then, and it comes back from its own.")
    package var killServer = false

    @Flag(help: "Keep serving the model until stopped (Ctrl-C).")
    package var serve = false

    @Option(help: "With --serve: the HTTP port; 0 lets the system choose.")
    package var port = 0

    @Option(
        help: ArgumentHelp(
            "With --serve: write a short-lived certificate of the operator's own there, readable by you alone.",
            valueName: "directory"))
    package var credentials: String?

    package init() {}

    package func validate() throws {
        if epochs < 1 { throw ValidationError("--epochs \(epochs): at least 1") }
        if !(256...Digits.trainingCount).contains(trainingExamples) {
            throw ValidationError(
                "--training-examples \(trainingExamples): from 256, a batch for each worker, to \(Digits.trainingCount)"
            )
        }
        if !(0...65535).contains(port) { throw ValidationError("--port \(port): from 0 to 65535") }
        if port != 0 && !serve { throw ValidationError("--port has a meaning with --serve only") }
        if credentials != nil && !serve { throw ValidationError("--credentials has a meaning with --serve only") }
    }
}
