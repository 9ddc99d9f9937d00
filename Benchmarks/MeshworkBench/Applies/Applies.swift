import MachinePeaks
import Optimizers
import Tensor

/// `apply`: what partitions compute for the pushes of a step, which is to look for a NaN and to update, beside loops in C
/// that read and write as much in place: 64 MiB of parameters, in partitions of 1 MiB as tables are cut unless they say
/// otherwise.
enum Applies: Benchmark {
    static let name = "apply"
    static let summary = "scan and update of 64 MiB of parameters beside loops in C of the same reads and writes"

    private static let count = 16 << 20

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let loops = PlainSteps(count: count)
        var sgd = try Partitions(.sgd(learningRate: 1), count: count)
        var adam = try Partitions(.adam(learningRate: 1e-3), count: count)
        var rounds = Rounds(count: isQuick ? 5 : 21)
        for round in 0...rounds.count {
            let found = [
                "loop sgd": StepTimer.nanoseconds(1, by: .processor, loops.sgd),
                "sgd": try StepTimer.nanoseconds(1, by: .processor) { try sgd.push() },
                "loop adam": StepTimer.nanoseconds(1, by: .processor, loops.adam),
                "adam": try StepTimer.nanoseconds(1, by: .processor) { try adam.push() },
                "scan": try StepTimer.nanoseconds(1, by: .processor) { try adam.scan() },
            ]
            // Round 0 warms up.
            if round > 0 { found.forEach { rounds.add($0.value / 1e6, to: $0.key) } }
        }
        func figure(_ label: String, _ side: String, target: Double?) {
            report.add(
                Figure(
                    benchmark: name, name: label, unit: "ms", ours: rounds.median(side),
                    peer: rounds.median("loop \(side)"), peerName: "a loop in C", better: .lower, target: target,
                    threads: 1))
        }
        figure("Adam and its scan, 64 MiB", "adam", target: 1 / 0.9)
        figure("SGD and its scan, 64 MiB", "sgd", target: nil)
        report.add(
            Figure(
                benchmark: name, name: "the scan by itself, 64 MiB", unit: "ms", ours: rounds.median("scan"),
                peer: nil, peerName: nil, better: .lower, target: nil, threads: 1))
    }
}

/// Parameters, their optimizer's states and a gradient, in pieces.
private struct Partitions {
    private static let elements = 1 << 18

    private let rule: UpdateRule
    private var parameters: [AnyTensor] = []
    private var states: [OptimizerState] = []
    private var gradients: [AnyTensor] = []

    init(_ rule: UpdateRule, count: Int) throws {
        self.rule = rule
        for index in 0..<UInt64(count / Self.elements) {
            parameters.append(Tensor<Float>.normal([Self.elements], key: RandomKey(seed: 2 * index)).core)
            gradients.append(Tensor<Float>.normal([Self.elements], key: RandomKey(seed: 2 * index + 1)).core)
            states.append(try rule.makeState([Self.elements]))
        }
    }

    /// What a server does with gradients that have arrived.
    mutating func push() throws {
        for index in parameters.indices {
            try scan(index)
            try rule.apply(to: &parameters[index], gradient: gradients[index], state: &states[index])
        }
    }

    func scan() throws {
        for index in gradients.indices { try scan(index) }
    }

    private func scan(_ index: Int) throws {
        guard try gradients[index].firstNonFinite() == nil else {
            throw BenchmarkFailure("a gradient that is not finite")
        }
    }
}

/// The same memory, and the loops over it.
private struct PlainSteps {
    private let parameters: AlignedElements<Float>
    private let first: AlignedElements<Float>
    private let second: AlignedElements<Float>
    private let gradient: AlignedElements<Float>

    init(count: Int) {
        parameters = AlignedElements(repeating: 0.5, count: count)
        first = AlignedElements(repeating: 0, count: count)
        second = AlignedElements(repeating: 0, count: count)
        gradient = AlignedElements(repeating: 0.25, count: count)
    }

    // Each of the blocks has that many elements.
    func sgd() { unsafe bench_step(parameters.pointer, gradient.pointer, parameters.count) }
    func adam() {
        unsafe bench_step_with_moments(
            parameters.pointer, first.pointer, second.pointer, gradient.pointer, parameters.count)
    }
}
