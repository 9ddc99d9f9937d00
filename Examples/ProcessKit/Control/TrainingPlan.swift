/// How much is trained, and how it is shared between the slots.
package struct TrainingPlan: Codable, Sendable, Equatable {
    /// Examples that train, from the start of the files.
    package var examples: Int
    package var epochs: Int
    package var slots: Int
    package var batchSize: Int
    package var learningRate: Float
    /// Seeds the parameters' initial values and the order of the examples.
    package var seed: UInt64

    package init(
        examples: Int, epochs: Int, slots: Int = 2, batchSize: Int = 128, learningRate: Float = 1e-3, seed: UInt64
    ) {
        self.examples = examples
        self.epochs = epochs
        self.slots = slots
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.seed = seed
    }

    /// Whole batches of one slot in one epoch: the slots share the examples.
    package var stepsPerEpoch: Int { max(1, examples / slots / batchSize) }

    /// Steps of one slot in all.
    package var stepsPerSlot: Int { stepsPerEpoch * epochs }

    /// Steps of all slots.
    package var totalSteps: Int { stepsPerSlot * slots }
}
