extension TableDeclaration {
    /// What a partition does with a gradient that has a NaN or an infinity. Nothing of it is applied in either case.
    public enum NonFinitePolicy: UInt32, Sendable, Hashable {
        /// It is refused with ``ParameterServerError/Code/nonFinite``, which a worker takes for a failed step.
        case reject = 0
        /// It is skipped: answered, counted and logged, and training goes on. The clients of such a table leave it to
        /// the partitions, so that the finite shares of the step are applied.
        case skip = 1
    }

    /// Whether a push with this fault is passed over and not refused.
    func skips(_ fault: PushFault) -> Bool { nonFinitePolicy == .skip && fault.code == .nonFinite }
}
