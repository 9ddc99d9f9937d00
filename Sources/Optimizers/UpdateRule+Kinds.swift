extension UpdateRule {
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
        /// Gradient descent with momentum; hyper-parameters: learning rate, momentum, weight decay.
        public static let momentum = Kind(rawValue: 3)
        /// Gradient descent with Nesterov's momentum; hyper-parameters: learning rate, momentum, weight decay.
        public static let nesterov = Kind(rawValue: 4)
        /// Adagrad; hyper-parameters: learning rate, initial accumulator, epsilon.
        public static let adagrad = Kind(rawValue: 5)
        /// RMSprop; hyper-parameters: learning rate, decay, momentum, epsilon.
        public static let rmsprop = Kind(rawValue: 6)
        /// AdamW; hyper-parameters: learning rate, beta1, beta2, epsilon, weight decay.
        public static let adamW = Kind(rawValue: 7)
        /// FTRL-proximal; hyper-parameters: alpha, beta, l1, l2, initial accumulator.
        public static let ftrl = Kind(rawValue: 8)
        /// Adagrad with one accumulator for each row; hyper-parameters: learning rate, initial accumulator, epsilon.
        public static let rowwiseAdagrad = Kind(rawValue: 9)

        /// The rule's name, or its number where it has none here.
        public var description: String { RuleDefinition.of(self)?.name ?? "rule \(rawValue)" }
    }

    /// Stochastic gradient descent: `p ← p - rate · g`, one fused multiply-add an element.
    ///
    /// Traps for a learning rate that is negative or not finite.
    public static func sgd(learningRate: Float) -> UpdateRule { make(.sgd, learningRate) }

    /// Gradient descent with momentum (Polyak 1964; the form of Sutskever et al., ICML 2013, with the learning rate
    /// outside the velocity, so that a schedule acts at once), or with Nesterov's. With `g' = g + decay · p`:
    ///
    ///     v ← momentum · v + g'
    ///     p ← p - rate · v                     or, with Nesterov's momentum,
    ///     p ← p - rate · (g' + momentum · v)
    ///
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameters:
    ///   - learningRate: The step's size, 0 or more.
    ///   - momentum: How much of the velocity is kept, in `0..<1`.
    ///   - nesterov: Whether the gradient is taken to be that of where the velocity leads.
    ///   - weightDecay: The weight of the parameter in its gradient, 0 or more.
    public static func sgd(
        learningRate: Float, momentum: Float, nesterov: Bool = false, weightDecay: Float = 0
    ) -> UpdateRule {
        make(nesterov ? .nesterov : .momentum, learningRate, momentum, weightDecay)
    }

    /// Adagrad (Duchi, Hazan and Singer, JMLR 2011):
    ///
    ///     a ← a + g²
    ///     p ← p - rate · g / (√a + ε)
    ///
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameters:
    ///   - learningRate: The size of the first steps, 0 or more.
    ///   - initialAccumulator: The first `a`, 0 or more; TensorFlow's is 0.1, PyTorch's 0.
    ///   - epsilon: What keeps the division finite; more than 0.
    public static func adagrad(
        learningRate: Float = 1e-2, initialAccumulator: Float = 0, epsilon: Float = 1e-10
    ) -> UpdateRule {
        make(.adagrad, learningRate, initialAccumulator, epsilon)
    }

    /// Adagrad with one accumulator for each row of a table, which takes the mean of the squares of its gradient: a
    /// tenth of the memory and nearly the same results for embeddings (Mudigere et al., ISCA 2022, section 4.1.3).
    ///
    ///     a ← a + mean(g²)
    ///     p ← p - rate / (√a + ε) · g
    ///
    /// Its scope is the row. Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses; they are those of
    /// ``adagrad(learningRate:initialAccumulator:epsilon:)``.
    public static func rowwiseAdagrad(
        learningRate: Float = 1e-2, initialAccumulator: Float = 0, epsilon: Float = 1e-10
    ) -> UpdateRule {
        make(.rowwiseAdagrad, learningRate, initialAccumulator, epsilon)
    }

    /// RMSprop (Tieleman and Hinton, Coursera lecture 6.5, 2012):
    ///
    ///     v ← decay · v + (1 - decay) g²
    ///     b ← momentum · b + g / (√v + ε)
    ///     p ← p - rate · b
    ///
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameters:
    ///   - learningRate: The step's size, 0 or more.
    ///   - decay: How much of the mean square is kept, in `0..<1`; TensorFlow's is 0.9, PyTorch's 0.99.
    ///   - momentum: How much of the velocity `b` is kept, in `0..<1`; with 0 none is kept in memory.
    ///   - epsilon: What keeps the division finite; more than 0.
    public static func rmsprop(
        learningRate: Float = 1e-3, decay: Float = 0.9, momentum: Float = 0, epsilon: Float = 1e-7
    ) -> UpdateRule {
        make(.rmsprop, learningRate, decay, momentum, epsilon)
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
        make(.adam, learningRate, beta1, beta2, epsilon)
    }

    /// AdamW (Loshchilov and Hutter, ICLR 2019, algorithm 2): ``adam(learningRate:beta1:beta2:epsilon:)`` that makes
    /// each parameter smaller by `rate · decay` of itself before the step, instead of adding to its gradient.
    ///
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameter weightDecay: 0 or more; 0.01 as in PyTorch.
    public static func adamW(
        learningRate: Float = 1e-3, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8,
        weightDecay: Float = 1e-2
    ) -> UpdateRule {
        make(.adamW, learningRate, beta1, beta2, epsilon, weightDecay)
    }

    /// FTRL-proximal for sparse linear models (McMahan et al., "Ad click prediction: a view from the trenches", KDD
    /// 2013, algorithm 1): gradient descent with a rate for each element, whose weights are exactly 0 where they do not
    /// earn their `l1`.
    ///
    ///     n' ← n + g²
    ///     z  ← z + g - (√n' - √n) / α · p
    ///     p  ← 0 if |z| ≤ l1, else (sign(z) · l1 - z) / ((β + √n') / α + l2)
    ///
    /// A weight is a function of `z` and `n` alone: the first step of an element forgets all but its share in `z` of
    /// the value that it began with.
    /// Traps for hyper-parameters that ``init(kind:hyperparameters:)`` refuses.
    ///
    /// - Parameters:
    ///   - learningRate: α, more than 0.
    ///   - beta: β, 0 or more; 1 as in the paper.
    ///   - l1: The weight of the sum of absolute values, 0 or more.
    ///   - l2: The weight of half the sum of squares, 0 or more.
    ///   - initialAccumulator: The first `n`, more than 0 where `beta` is 0, so that the division is finite.
    public static func ftrl(
        learningRate: Float = 0.1, beta: Float = 1, l1: Float = 0, l2: Float = 0, initialAccumulator: Float = 0
    ) -> UpdateRule {
        make(.ftrl, learningRate, beta, l1, l2, initialAccumulator)
    }

    /// A rule of a program's own numbers: a mistake in them is the host's.
    private static func make(_ kind: Kind, _ hyperparameters: Float...) -> UpdateRule {
        trapping { () throws(OptimizerError) in try UpdateRule(kind: kind, hyperparameters: hyperparameters) }
    }
}
