import Coordination
import MeshWire
import Optimizers
import Tensor

/// How functions of the host run on a partition.
extension PartitionState {
    /// Decides about a call of an updating function, which the ledger lets through. The function runs, on a copy of what
    /// it writes, before there is a record: what it does wrong changes nothing.
    func decide(_ call: PartitionPush.Call, of push: PartitionPush, fault: PushFault?) -> Decision {
        do throws(ParameterServerError) {
            guard !table.consistency.hasRounds else {
                throw ParameterServerError(
                    .malformedRequest, "its steps are taken in rounds, between which there is no place for a function")
            }
            _ = try functions.function(call.function, isUpdating: true)
            if let refusal = call.refusal { throw refusal }
        } catch {
            return .refuse(refused(error.code, error.message))
        }
        if let fault { return .record(record(of: push, fault)) }
        var recorded = RecordedCall(function: call.function, argument: push.gradient, keys: push.keys)
        do throws(ParameterServerError) {
            let outcome = try outcome(of: recorded, by: push.recorded)
            let kept = ledger.keptAnswerBytes(of: push.session, after: push.acknowledgedThrough)
            let limit = ledger.limits.answerBytes
            guard outcome.answer.count <= limit else {
                throw ParameterServerError(
                    .answerTooLarge,
                    "function \(call.function) answers with \(outcome.answer.count) bytes, and functionAnswerBytes is \(limit)"
                )
            }
            guard kept + outcome.answer.count <= limit else {
                return .refuse(
                    refused(
                        .ledgerFull,
                        "answers of functions with \(kept) bytes are not acknowledged, and functionAnswerBytes is \(limit)"
                    ))
            }
            (recorded.answer, recorded.checksum) = (outcome.answer, outcome.checksum)
            return .call(
                PartitionRecord(position: position + 1, epoch: epoch, change: .call(push.recorded, recorded)), outcome)
        } catch {
            // No memory, say: it is not held against the call, which may come again.
            guard error.code != .applyFailed else { return .refuse(refused(.busy, error.message)) }
            return .record(record(of: push, PushFault(code: error.code, message: error.message)))
        }
    }

    /// Runs the function of a record that somebody else has made, before anybody takes it; `nil` for other records.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownFunction` and `functionFailed`, which is also for other bits than
    ///   the head has.
    func prepared(_ record: PartitionRecord) throws(ParameterServerError) -> FunctionOutcome? {
        guard case .call(let push, let call) = record.change else { return nil }
        let place = "record \(record.position) of partition \(name)"
        let outcome: FunctionOutcome
        do throws(ParameterServerError) {
            outcome = try self.outcome(of: call, by: push)
        } catch {
            guard error.code != .unknownFunction, error.code != .applyFailed else { throw error }
            throw ParameterServerError(
                .functionFailed, "\(place): \(error.message); at the head it has run", cause: error)
        }
        guard outcome.checksum == call.checksum else {
            throw ParameterServerError(
                .functionFailed,
                "\(place): function \(call.function) comes to other bits here than at the head: what it does must follow from its argument and the partition alone"
            )
        }
        return outcome
    }

    /// What a function makes of the partition.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownFunction`, `malformedRequest`, `functionFailed`, `nonFinite`, and
    ///   `applyFailed` where there is no memory.
    private func outcome(
        of call: RecordedCall, by push: PartitionRecord.Push
    ) throws(ParameterServerError) -> FunctionOutcome {
        let function = try functions.function(call.function, isUpdating: true)
        let key = functionKey.foldIn(push.session.high).foldIn(push.session.low).foldIn(push.sequence)
        var (values, keys) = try view(of: call.keys, key)
        let answer = try function.update(&values, call.argument.withBytes { unsafe Array($0) })
        return FunctionOutcome(
            parameters: values.parameters.core, slots: table.updateRule.slotNames.compactMap { values.slots[$0]?.core },
            keys: keys, answer: answer)
    }

    /// What a function sees of the partition, with the rows of `keys` that exist, and their keys.
    ///
    /// - Parameter key: that of what it draws.
    /// - Throws: ``ParameterServerError/Code/applyFailed`` where there is no memory.
    func view(
        of keys: AnyTensor?, _ key: RandomKey? = nil
    ) throws(ParameterServerError) -> (PartitionValues, keys: AnyTensor?) {
        do throws(TensorError) {
            let existing = rows.flatMap { rows in keys.map { rows.existing($0, clock: applied) } }
            let named = try existing.map { keys throws(TensorError) in try AnyTensor(keys, shape: [keys.count]) }
            let elements = try values(of: named)
            let parameters =
                try existing.map { keys throws(TensorError) in
                    try elements.reshaped(to: [keys.count, table.shape.elementCount])
                } ?? elements
            var slots: [String: Tensor<Float>] = [:]
            if rows == nil {
                for (name, slot) in zip(table.updateRule.slotNames, optimizer.slots) { slots[name] = try Tensor(slot) }
            }
            let values = PartitionValues(
                table: name.table, partition: name.index, partitionCount: table.partitionCount, shape: table.shape,
                elements: table.elements(ofPartition: name.index), keys: existing ?? [],
                parameters: try Tensor(parameters), slots: slots, stepCount: optimizer.stepCount, version: version,
                key: key ?? functionKey.foldIn(version.epoch).foldIn(version.applied))
            return (values, named)
        } catch {
            throw ParameterServerError(.applyFailed, "partition \(name): \(error.message)", cause: error)
        }
    }

    /// Of the table and the partition: their numbers are another coordinator's to give anew.
    private var functionKey: RandomKey { table.key.foldIn("function").foldIn(name.table).foldIn(UInt64(name.index)) }
}
