import Coordination
import Tensor

extension Partition {
    /// A push with its gradient decoded, and what is wrong with it, before anything is touched.
    func checked(_ push: PartitionPush) -> (PartitionPush, PushFault?) {
        guard let encoded = push.encoded else { return (push, fault(in: push)) }
        var push = push
        do throws(ParameterServerError) {
            push.gradient = try encoded.decoded(table.groups(ofPartition: name.index, keys: push.keys))
            push.encoded?.values = push.gradient
        } catch {
            return (push, PushFault(code: error.code, message: error.message))
        }
        return (push, fault(in: push))
    }

    /// The bytes that a push has once it is decoded, which is what computing with it costs.
    func computedBytes(of push: PartitionPush) -> Int {
        guard push.encoded != nil else { return push.byteCount }
        return table.groups(ofPartition: name.index, keys: push.keys).elementCount * DType.float32.byteWidth
    }

    /// The bytes that a record has once it is decoded. Of a function nobody knows what it costs: it is for no loop.
    func computedBytes(of record: PartitionRecord) -> Int {
        if case .call = record.change { return .max }
        guard case .applyEncoded(_, let gradient, _) = record.change else { return record.memoryBytes }
        return table.groups(ofPartition: name.index, keys: gradient.keys).elementCount * DType.float32.byteWidth
    }
}

extension PartitionState {
    /// The elements of an encoded gradient, in the same bits wherever the record is executed.
    func values(of encoded: EncodedGradient) throws(TensorError) -> AnyTensor {
        do throws(ParameterServerError) {
            return try encoded.decoded(table.groups(ofPartition: name.index, keys: encoded.keys))
        } catch {
            throw TensorError(.shapeMismatch, "partition \(name): \(error.message)", cause: error)
        }
    }
}

extension PartitionRecord {
    /// The record as it is kept and sent: without what was decoded of it.
    var asReceived: PartitionRecord {
        guard case .applyEncoded(let pushes, var gradient, let learningRate) = change else { return self }
        gradient.values = nil
        var record = self
        record.change = .applyEncoded(pushes, gradient, learningRate: learningRate)
        return record
    }
}
