#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How the learning rate changes with the steps taken: a factor of the rule's own rate.
///
/// ```swift
/// let schedule = LearningRateSchedule.cosine(steps: 100_000).warmingUp(steps: 2_000)
/// let rate = schedule.learningRate(of: rule, step: state.stepCount)
/// try rule.apply(to: &weights, gradient: gradient, state: &state, learningRate: rate)
/// ```
///
/// On the wire and in checkpoints a schedule is its ``kind``, its ``numbers`` and its ``warmUpSteps``, whose numbers and
/// order are permanent. A rate may differ in its last bit between C libraries: whoever re-executes a step elsewhere takes
/// the rate that was logged with it.
public struct LearningRateSchedule: Sendable, Hashable {
    /// The shapes; their raw values are permanent.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        /// The number on the wire.
        public let rawValue: UInt32

        /// The kind with this number on the wire, known here or not.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Always 1; no numbers.
        public static let constant = Kind(rawValue: 1)
        /// Numbers: rate, steps.
        public static let exponential = Kind(rawValue: 2)
        /// Numbers: steps, floor.
        public static let cosine = Kind(rawValue: 3)
        /// Numbers: steps, floor, power.
        public static let polynomial = Kind(rawValue: 4)
        /// Numbers: steps.
        public static let inverseSquareRoot = Kind(rawValue: 5)
        /// Numbers: step and factor, again and again.
        public static let piecewise = Kind(rawValue: 6)
    }

    /// Its shape.
    public let kind: Kind
    /// Its numbers, in the order that ``Kind`` gives.
    public let numbers: [Double]
    /// For so many steps the rate rises from near 0 in a line; the shape begins after them.
    public let warmUpSteps: Int

    /// The schedule that a message or a checkpoint names.
    ///
    /// - Throws: ``OptimizerError/Code/scheduleUnknown`` for a kind that this release does not know,
    ///   ``OptimizerError/Code/hyperparameterInvalid`` for a number that is missing, surplus or out of its range.
    public init(kind: Kind, numbers: [Double], warmUpSteps: Int = 0) throws(OptimizerError) {
        let names: [String]
        switch kind {
        case .constant: names = []
        case .exponential: names = ["rate", "steps"]
        case .cosine: names = ["steps", "floor"]
        case .polynomial: names = ["steps", "floor", "power"]
        case .inverseSquareRoot: names = ["steps"]
        case .piecewise: names = numbers.indices.map { $0.isMultiple(of: 2) ? "step" : "factor" }
        default:
            throw OptimizerError(
                .scheduleUnknown, "the learning rate schedule number \(kind.rawValue) is not known")
        }
        guard numbers.count == names.count, kind != .piecewise || numbers.count.isMultiple(of: 2) else {
            throw OptimizerError(
                .hyperparameterInvalid,
                "a schedule of kind \(kind.rawValue) does not have \(numbers.count) numbers")
        }
        for (name, number) in zip(names, numbers) {
            let isInRange =
                switch name {
                case "steps": number >= 1
                case "power": number > 0
                default: number >= 0
                }
            guard isInRange, number.isFinite else {
                throw OptimizerError(.hyperparameterInvalid, "schedule: the \(name) \(number) is out of range")
            }
        }
        let steps = stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] }
        guard kind != .piecewise || zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw OptimizerError(.hyperparameterInvalid, "schedule: the steps \(steps) do not ascend")
        }
        guard warmUpSteps >= 0 else {
            throw OptimizerError(.hyperparameterInvalid, "schedule: \(warmUpSteps) steps of warming up")
        }
        self.kind = kind
        self.numbers = numbers
        self.warmUpSteps = warmUpSteps
    }

    /// What the rule's learning rate is multiplied by in the step that follows `step` steps.
    public func factor(step: Int) -> Double {
        if step < warmUpSteps { return Double(step + 1) / Double(warmUpSteps) }
        let step = Double(step - warmUpSteps)
        switch kind {
        case .exponential:
            return pow(numbers[0], step / numbers[1])
        case .cosine:
            let done = min(1, step / numbers[0])
            return numbers[1] + (1 - numbers[1]) * (1 + cos(.pi * done)) / 2
        case .polynomial:
            let rest = 1 - min(1, step / numbers[0])
            return numbers[1] + (1 - numbers[1]) * pow(rest, numbers[2])
        case .inverseSquareRoot:
            return (numbers[0] / (numbers[0] + step)).squareRoot()
        case .piecewise:
            let reached = numbers.indices.last { $0.isMultiple(of: 2) && numbers[$0] <= step }
            return reached.map { numbers[$0 + 1] } ?? 1
        default:
            return 1
        }
    }

    /// A rule's learning rate in the step that follows `step` steps.
    public func learningRate(of rule: UpdateRule, step: Int) -> Float {
        self == .constant ? rule.learningRate : Float(Double(rule.learningRate) * factor(step: step))
    }
}

extension LearningRateSchedule {
    /// The rule's own rate in every step.
    public static let constant = make(.constant, [])

    /// `rateᵗ` with t = step / steps. Traps for a negative rate and for no steps.
    public static func exponential(rate: Double, steps: Int) -> LearningRateSchedule {
        make(.exponential, [rate, Double(steps)])
    }

    /// Half a period of a cosine from 1 down to `floor`, which it keeps (Loshchilov and Hutter, "SGDR", ICLR 2017).
    /// Traps for a negative floor and for no steps.
    public static func cosine(steps: Int, floor: Double = 0) -> LearningRateSchedule {
        make(.cosine, [Double(steps), floor])
    }

    /// From 1 in a line down to `floor`, which it keeps. Traps for a negative floor and for no steps.
    public static func linear(steps: Int, floor: Double = 0) -> LearningRateSchedule {
        polynomial(steps: steps, floor: floor, power: 1)
    }

    /// `floor + (1 - floor) (1 - step / steps)ᵖ`, then `floor`. Traps for a negative floor, a power that is not more than
    /// 0 and for no steps.
    public static func polynomial(steps: Int, floor: Double = 0, power: Double) -> LearningRateSchedule {
        make(.polynomial, [Double(steps), floor, power])
    }

    /// `√(steps / (steps + step))`: with as many steps of warming up it is that of Vaswani et al., 2017. Traps for no
    /// steps.
    public static func inverseSquareRoot(steps: Int) -> LearningRateSchedule {
        make(.inverseSquareRoot, [Double(steps)])
    }

    /// The factor of the last step that has been reached; 1 before the first. Traps for steps that do not ascend and
    /// for negative numbers.
    public static func piecewise(_ factors: [(step: Int, factor: Double)]) -> LearningRateSchedule {
        make(.piecewise, factors.flatMap { [Double($0.step), $0.factor] })
    }

    /// The schedule after so many steps in which the rate rises in a line, from `1 / steps` of it. Traps for a negative
    /// number.
    public func warmingUp(steps: Int) -> LearningRateSchedule { Self.make(kind, numbers, warmUpSteps: steps) }

    private static func make(_ kind: Kind, _ numbers: [Double], warmUpSteps: Int = 0) -> LearningRateSchedule {
        trapping { () throws(OptimizerError) in
            try LearningRateSchedule(kind: kind, numbers: numbers, warmUpSteps: warmUpSteps)
        }
    }
}
