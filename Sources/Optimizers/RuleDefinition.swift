/// What all rules of a kind have in common: the one place that knows their hyper-parameters and slots.
final class RuleDefinition: Sendable {
    /// A hyper-parameter and what it may be.
    struct Hyperparameter: Sendable {
        enum Limits: Sendable {
            /// Finite, 0 or more.
            case nonNegative
            /// Finite, more than 0.
            case positive
            /// In `0..<1`.
            case fraction
        }

        let name: String
        let limits: Limits

        func allows(_ value: Float) -> Bool {
            switch limits {
            case .nonNegative: value >= 0 && value.isFinite
            case .positive: value > 0 && value.isFinite
            case .fraction: (0..<1).contains(value)
            }
        }
    }

    /// A tensor that a rule keeps for each parameter.
    struct Slot: Sendable {
        let name: String
        /// The place of the hyper-parameter that it is filled with at first; 0 where there is none.
        let initialValue: Int?

        init(name: String, initialValue: Int? = nil) {
            self.name = name
            self.initialValue = initialValue
        }
    }

    let name: String
    let scope: UpdateScope
    let hyperparameters: [Hyperparameter]
    let slots: [Slot]
    /// The places of the hyper-parameters whose powers the rule needs.
    let decays: Range<Int>

    private init(
        _ name: String, _ hyperparameters: [(String, Hyperparameter.Limits)], slots: [Slot] = [],
        scope: UpdateScope = .element, decays: Range<Int> = 0..<0
    ) {
        self.name = name
        self.scope = scope
        self.hyperparameters = hyperparameters.map { Hyperparameter(name: $0.0, limits: $0.1) }
        self.slots = slots
        self.decays = decays
    }

    /// The definition of a kind, or `nil` for one that this release does not know.
    static func of(_ kind: UpdateRule.Kind) -> RuleDefinition? {
        switch kind {
        case .sgd: sgd
        case .adam: adam
        case .momentum: momentum
        case .nesterov: nesterov
        case .adagrad: adagrad
        case .rmsprop: rmsprop
        case .adamW: adamW
        case .ftrl: ftrl
        case .rowwiseAdagrad: rowwiseAdagrad
        default: nil
        }
    }

    /// - Throws: ``OptimizerError/Code/hyperparameterInvalid``.
    func check(_ values: [Float]) throws(OptimizerError) {
        guard values.count == hyperparameters.count else {
            throw OptimizerError(
                .hyperparameterInvalid,
                "\(name) takes \(hyperparameters.count) hyper-parameters "
                    + "(\(hyperparameters.map(\.name).joined(separator: ", "))), not \(values.count)")
        }
        for (hyperparameter, value) in zip(hyperparameters, values) where !hyperparameter.allows(value) {
            throw OptimizerError(
                .hyperparameterInvalid, "\(name): the \(hyperparameter.name) \(value) is out of range")
        }
    }

    private static let rate = ("learning rate", Hyperparameter.Limits.nonNegative)
    private static let epsilon = ("epsilon", Hyperparameter.Limits.positive)
    private static let betas = [("beta1", Hyperparameter.Limits.fraction), ("beta2", .fraction)]
    private static let weightDecay = ("weight decay", Hyperparameter.Limits.nonNegative)
    private static let initialAccumulator = ("initial accumulator", Hyperparameter.Limits.nonNegative)
    private static let moments = [Slot(name: "firstMoment"), Slot(name: "secondMoment")]

    private static let sgd = RuleDefinition("sgd", [rate])
    private static let momentum = RuleDefinition(
        "momentum", [rate, ("momentum", .fraction), weightDecay], slots: [Slot(name: "velocity")])
    private static let nesterov = RuleDefinition(
        "nesterov", [rate, ("momentum", .fraction), weightDecay], slots: [Slot(name: "velocity")])
    private static let adagrad = RuleDefinition(
        "adagrad", [rate, initialAccumulator, epsilon], slots: [Slot(name: "accumulator", initialValue: 1)])
    private static let rowwiseAdagrad = RuleDefinition(
        "rowwiseAdagrad", [rate, initialAccumulator, epsilon], slots: [Slot(name: "accumulator", initialValue: 1)],
        scope: .row)
    private static let rmsprop = RuleDefinition(
        "rmsprop", [rate, ("decay", .fraction), ("momentum", .fraction), epsilon],
        slots: [Slot(name: "meanSquare"), Slot(name: "velocity")])
    private static let adam = RuleDefinition("adam", [rate] + betas + [epsilon], slots: moments, decays: 1..<3)
    private static let adamW = RuleDefinition(
        "adamW", [rate] + betas + [epsilon, weightDecay], slots: moments, decays: 1..<3)
    private static let ftrl = RuleDefinition(
        "ftrl",
        [
            ("alpha", .positive), ("beta", .nonNegative), ("l1", .nonNegative), ("l2", .nonNegative),
            initialAccumulator,
        ],
        slots: [Slot(name: "accumulator", initialValue: 4), Slot(name: "linear")])
}
