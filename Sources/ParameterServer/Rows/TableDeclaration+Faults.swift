import Coordination
import Tensor

extension TableDeclaration {
    /// What is wrong with the gradient of a push to a partition, before anything is touched; `nil` if nothing is.
    func fault(in gradient: AnyTensor, keys: AnyTensor?, partition: Int) -> PushFault? {
        guard gradient.dtype == .float32 else {
            return PushFault(code: .dtypeMismatch, message: "expected float32, found \(gradient.dtype)")
        }
        if let fault = fault(ofKeys: keys, partition: partition, areSorted: true) { return fault }
        let expected = keys.map { $0.elementCount * shape.elementCount } ?? elements(ofPartition: partition).count
        guard gradient.elementCount == expected else {
            return PushFault(
                code: .shapeMismatch, message: "expected \(expected) elements, found \(gradient.elementCount)")
        }
        // Abstract tensors, which alone have no values to look at, cannot come out of a message.
        guard let index = try? gradient.firstNonFinite() else { return nil }
        return PushFault(code: .nonFinite, message: "element \(index) of the gradient is not finite")
    }

    /// What is wrong with the rows that a push or a pull of a partition names; none are named where the table is dense.
    ///
    /// - Parameter areSorted: whether they must ascend, each once, as those of a push.
    func fault(ofKeys keys: AnyTensor?, partition: Int, areSorted: Bool) -> PushFault? {
        guard rows != nil else {
            guard keys != nil else { return nil }
            return PushFault(code: .shapeMismatch, message: "rows of a dense table: expected all elements")
        }
        guard let keys, keys.elementCount > 0 else {
            return PushFault(code: .shapeMismatch, message: "expected the keys of rows, found none")
        }
        return keys.withKeys { keys in
            var previous: UInt64?
            for number in 0..<keys.count {
                let key = unsafe keys[number]
                if areSorted, let previous, previous >= key {
                    return PushFault(
                        code: .malformedRequest,
                        message: "row \(key) follows row \(previous): keys must ascend, each once")
                }
                if let fault = fault(ofRow: key, partition: partition) { return fault }
                previous = key
            }
            return nil
        }
    }

    /// Why rows of `keys`, or without keys all parameters, of a partition cannot be pulled: `shapeMismatch`,
    /// `rowOutOfRange` or `malformedRequest`; `nil` if they can.
    func fault(ofPull keys: AnyTensor?, _ name: PartitionName) -> ParameterServerError? {
        fault(ofKeys: keys, partition: name.index, areSorted: false).map {
            ParameterServerError($0.code, "partition \(name): \($0.message)")
        }
    }

    /// What is wrong with a key of a row in a partition.
    func fault(ofRow key: UInt64, partition: Int) -> PushFault? {
        if let limit = rows?.keyLimit, key >= limit {
            return PushFault(code: .rowOutOfRange, message: "row \(key) of a table whose keys are below \(limit)")
        }
        let home = self.partition(ofRow: key)
        guard home == partition else {
            return PushFault(
                code: .malformedRequest, message: "row \(key) is in partition \(home) of the table, not in \(partition)"
            )
        }
        return nil
    }
}
