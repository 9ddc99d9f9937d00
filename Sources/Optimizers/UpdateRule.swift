/// How an optimizer changes parameters by a gradient: a value, the same on a trainer and on a parameter server.
///
/// ```swift
/// let rule = UpdateRule.adam(learningRate: 1e-3)
/// var state = try rule.makeState(weights.shape)
/// try rule.apply(to: &weights, gradient: gradient, state: &state)
/// ```
///
/// A step gives the same bits on every machine, with every instruction set, and however the parameters are cut into
/// partitions that its ``scope`` allows. That is what lets a replica re-execute it.
///
/// On the wire and in checkpoints a rule is its ``kind`` and its ``hyperparameters``, whose numbers and order are
/// permanent.
public struct UpdateRule: Sendable, Hashable {
    /// Which rule it is.
    public let kind: Kind
    /// Its numbers, in the order that ``Kind`` gives for each rule.
    public let hyperparameters: [Float]
    /// What is known of rules of this kind.
    let definition: RuleDefinition

    /// The rule that a message or a checkpoint names.
    ///
    /// - Throws: ``OptimizerError/Code/ruleUnknown`` for a kind that this release does not know,
    ///   ``OptimizerError/Code/hyperparameterInvalid`` for a number that is missing, surplus or out of its range.
    public init(kind: Kind, hyperparameters: [Float]) throws(OptimizerError) {
        guard let definition = RuleDefinition.of(kind) else {
            throw OptimizerError(.ruleUnknown, "the update rule number \(kind.rawValue) is not known")
        }
        try definition.check(hyperparameters)
        self.kind = kind
        self.hyperparameters = hyperparameters
        self.definition = definition
    }

    /// The learning rate, which every rule has.
    public var learningRate: Float { hyperparameters[0] }

    /// Which elements' gradients change an element.
    public var scope: UpdateScope { definition.scope }

    /// Names of the tensors that the rule keeps for each parameter, in the order of ``OptimizerState/slots``.
    public var slotNames: [String] { slots.map(\.name) }

    /// The slots that this rule keeps: RMSprop has a velocity only with momentum.
    var slots: ArraySlice<RuleDefinition.Slot> {
        kind == .rmsprop && hyperparameters[2] == 0 ? definition.slots.prefix(1) : definition.slots[...]
    }

    /// What a slot holds before the first step.
    func initialValue(of slot: RuleDefinition.Slot) -> Float {
        slot.initialValue.map { hyperparameters[$0] } ?? 0
    }

    /// How many powers ``OptimizerState/powers`` has.
    public var decayCount: Int { definition.decays.count }

    /// The decays whose powers the rule keeps, in the order of ``OptimizerState/powers``.
    var decays: ArraySlice<Float> { hyperparameters[definition.decays] }

    /// Compares what is on the wire.
    public static func == (left: UpdateRule, right: UpdateRule) -> Bool {
        left.kind == right.kind && left.hyperparameters == right.hyperparameters
    }

    /// Hashes what is on the wire.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(hyperparameters)
    }
}

/// Which elements' gradients change an element of a parameter, and so how a rule lets a parameter be cut into partitions.
public enum UpdateScope: Sendable, Hashable {
    /// Its own: any cut gives the bits of the whole.
    case element
    /// Those of its row: a row stays whole, as it does in a row table.
    case row
}

extension UpdateRule: CustomStringConvertible {
    /// The kind and its numbers.
    public var description: String {
        "\(kind)(\(hyperparameters.map { "\($0)" }.joined(separator: ", ")))"
    }
}
