/// How an optimizer changes parameters by a gradient: a value, the same on a trainer and on a parameter server.
///
/// ```swift
/// let rule = UpdateRule.adam(learningRate: 1e-3)
/// var state = try rule.makeState(elementCount: weights.elementCount)
/// try rule.apply(to: &weights, gradient: gradient, state: &state)
/// ```
///
/// A step gives the same bits on every machine, with every instruction set, and however the parameters are cut into
/// partitions: each element depends on its own gradient only. That is what lets a replica re-execute it.
///
/// On the wire and in checkpoints a rule is its ``kind`` and its ``hyperparameters``, whose numbers and order are
/// permanent.
public struct UpdateRule: Sendable, Hashable {
    /// Which rule it is.
    public let kind: Kind
    /// Its numbers, in the order that ``Kind`` gives for each rule.
    public let hyperparameters: [Float]

    /// The rules; their raw values are permanent.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The number on the wire.
        public let rawValue: UInt32

        /// The kind with this number on the wire, known here or not.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Stochastic gradient descent; hyper-parameters: learning rate.
        public static let sgd = Kind(rawValue: 1)
        /// Adam; hyper-parameters: learning rate, beta1, beta2, epsilon.
        public static let adam = Kind(rawValue: 2)

        /// The rule's name, or its number where it has none here.
        public var description: String {
            switch self {
            case .sgd: "sgd"
            case .adam: "adam"
            default: "rule \(rawValue)"
            }
        }
    }

    /// Stochastic gradient descent: `p ← p - rate · g`, one fused multiply-add an element.
    ///
    /// Traps for a learning rate that is negative or not finite.
    public static func sgd(learningRate: Float) -> UpdateRule {
        trapping { () throws(OptimizerError) in try UpdateRule(kind: .sgd, hyperparameters: [learningRate]) }
    }

    /// Adam (Kingma and Ba, ICLR 2015, algorithm 1). In step `t`, with a first and a second moment for each element:
    ///
    ///     m ← β1 m + (1 - β1) g
    ///     v ← β2 v + (1 - β2) g²
    ///     p ← p - rate / (1 - β1ᵗ) · m / (√v / √(1 - β2ᵗ) + ε)
    ///
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameters:
    ///   - learningRate: The step's size, about the change of a parameter in one step.
    ///   - beta1: The decay of the first moment, in `0..<1`.
    ///   - beta2: The decay of the second moment, in `0..<1`.
    ///   - epsilon: What keeps the division finite; more than 0.
    public static func adam(
        learningRate: Float = 1e-3, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8
    ) -> UpdateRule {
        trapping { () throws(OptimizerError) in
            try UpdateRule(kind: .adam, hyperparameters: [learningRate, beta1, beta2, epsilon])
        }
    }

    /// The rule that a message or a checkpoint names.
    ///
    /// - Throws: ``OptimizerError/Code/ruleUnknown`` for a kind that this release does not know,
    ///   ``OptimizerError/Code/hyperparameterInvalid`` for a number that is missing, surplus or out of its range.
    public init(kind: Kind, hyperparameters: [Float]) throws(OptimizerError) {
        let names: [String]
        switch kind {
        case .sgd: names = ["learning rate"]
        case .adam: names = ["learning rate", "beta1", "beta2", "epsilon"]
        default:
            throw OptimizerError(.ruleUnknown, "the update rule number \(kind.rawValue) is not known")
        }
        guard hyperparameters.count == names.count else {
            throw OptimizerError(
                .hyperparameterInvalid,
                "\(kind) takes \(names.count) hyper-parameters (\(names.joined(separator: ", "))), "
                    + "not \(hyperparameters.count)")
        }
        for (name, value) in zip(names, hyperparameters) {
            let isInRange =
                switch name {
                case "beta1", "beta2": (0..<1).contains(value)
                case "epsilon": value > 0 && value.isFinite
                default: value >= 0 && value.isFinite
                }
            guard isInRange else {
                throw OptimizerError(.hyperparameterInvalid, "\(kind): the \(name) \(value) is out of range")
            }
        }
        self.kind = kind
        self.hyperparameters = hyperparameters
    }

    /// The learning rate, which every rule has.
    public var learningRate: Float { hyperparameters[0] }

    /// Names of the tensors that the rule keeps for each parameter, in the order of ``OptimizerState/slots``.
    public var slotNames: [String] {
        switch kind {
        case .adam: ["firstMoment", "secondMoment"]
        default: []
        }
    }

    /// The decays whose powers the rule keeps, in the order of ``OptimizerState/powers``.
    var decays: [Float] {
        switch kind {
        case .adam: [hyperparameters[1], hyperparameters[2]]
        default: []
        }
    }
}

extension UpdateRule: CustomStringConvertible {
    /// The kind and its numbers.
    public var description: String {
        "\(kind)(\(hyperparameters.map { "\($0)" }.joined(separator: ", ")))"
    }
}
