package import ProcessKit
import Tensor

/// A slot's batches of one epoch: the records that train in an order of the epoch's own, dealt out among the slots.
package struct CensusBatches: RandomAccessCollection, Sendable {
    private let census: Census
    private let order: [Int]
    private let batchSize: Int
    /// Which batches of the whole epoch these are.
    private let places: [Int]

    package init(_ census: Census, _ plan: TrainingPlan, slot: Int, epoch: Int) {
        self.census = census
        batchSize = plan.batchSize
        order = RandomKey(seed: plan.seed).foldIn("order").foldIn(UInt64(epoch)).permutation(plan.examples)
        places = Array(stride(from: slot, to: plan.examples / plan.batchSize, by: plan.slots))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { places.count }

    package subscript(place: Int) -> CensusExamples {
        let begin = places[place] * batchSize
        do throws(TensorError) {
            return try census.examples(order[begin..<(begin + batchSize)])
        } catch {
            preconditionFailure("a batch of \(batchSize) records cannot be made: \(error)")
        }
    }
}
