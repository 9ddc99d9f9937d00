/// When a table takes the steps of its workers, and what a worker may read beside them.
///
/// ```swift
/// let table = try TableDeclaration(
///     name: "hidden/weight", shape: [784, 512], initializer: .zeros, key: key, updateRule: .sgd(learningRate: 0.1),
///     consistency: .synchronous(workers: 4, backupWorkers: 1))
/// ```
/// It is a part of the declaration, so that two workers that would have it otherwise cannot both declare the table. All
/// tables of a job that have rounds have the same ones.
public enum Consistency: Sendable, Hashable {
    /// Each push is applied when it comes, whatever others have pushed since the pull that its gradient is of.
    case asynchronous
    /// As ``asynchronous``, and no worker is more than so many steps ahead of the slowest one that lives.
    case boundedStaleness(steps: Int)
    /// In rounds: a step is the mean of the gradients of all workers, added up in the order of slots. The first round
    /// begins when so many have joined; whoever joins or ends later takes part from, or until, the round that is open
    /// then.
    ///
    /// A round is closed without the slowest `backupWorkers` of those that take part, whose pushes are answered with
    /// ``ParameterServerError/Code/late`` and not applied.
    case synchronous(workers: Int, backupWorkers: Int = 0)
    /// In rounds of exactly the slots `0 ..< workers`, so that the same gradients make the same bits, whoever is slow,
    /// ends or is started again: a round waits for a worker that has ended until another takes its slot.
    case deterministic(workers: Int)

    /// Whether steps are taken in rounds.
    public var hasRounds: Bool {
        switch self {
        case .asynchronous, .boundedStaleness: false
        case .synchronous, .deterministic: true
        }
    }

    /// The most workers of a job.
    static let maximumWorkers = 65_536

    /// What is wrong with it; `nil` for nothing.
    var problem: String? {
        switch self {
        case .asynchronous: return nil
        case .boundedStaleness(let steps):
            return steps < 0 ? "staleness is bounded by \(steps) steps, expected 0 or more" : nil
        case .synchronous(let workers, let backupWorkers):
            guard (0..<max(1, workers)).contains(backupWorkers) else {
                return "\(backupWorkers) backup workers of \(workers), expected 0 to \(max(0, workers - 1))"
            }
            return Self.problem(ofWorkers: workers)
        case .deterministic(let workers):
            return Self.problem(ofWorkers: workers)
        }
    }

    private static func problem(ofWorkers workers: Int) -> String? {
        (1...maximumWorkers).contains(workers)
            ? nil : "rounds of \(workers) workers, expected 1 to \(maximumWorkers)"
    }
}

extension Consistency {
    /// Whether a round is never closed without the gradient of somebody who is in it.
    var needsAll: Bool {
        if case .deterministic = self { true } else { false }
    }
}
