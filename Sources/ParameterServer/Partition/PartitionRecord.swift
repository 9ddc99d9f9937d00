package import Coordination
package import MeshWire
package import Tensor

/// One entry of a partition's log: all that changes it, and nothing that depends on who executes it. The head orders
/// and checks pushes and makes a record of each; whoever executes the same records, one after the other, holds the same
/// bits: a follower, a restarted head, a copy that is being seeded.
package struct PartitionRecord: Sendable {
    /// A push that a record answers.
    package struct Push: Sendable, Hashable {
        package var session: SessionID
        package var sequence: UInt64
        package var acknowledgedThrough: UInt64
        /// What the partition adds to its audit counter, as the push carried it.
        package var increment: Int64
        /// The version that the gradient was computed from.
        package var basis: PartitionVersion
        /// How far the push's slot is after it, where its worker trains with bounded staleness.
        package var tick: ClockTick?
    }

    /// What a record does.
    package enum Change: Sendable {
        /// A step of the update rule by a gradient, float32 with one axis, that of one push or the aggregate of a
        /// round. The learning rate is the one that the head's schedule gave.
        case apply([Push], gradient: AnyTensor, learningRate: Float)
        /// A step of the rows that a gradient names, which may begin to exist with it.
        case applyRows([Push], RowGradient, learningRate: Float)
        /// A function of the host's changes the partition.
        case call(Push, RecordedCall)
        /// A round is closed.
        case round(RoundStep)
        /// Of the partition that leads rounds: who takes part, or a decision.
        case leader(RoundLeader.Change)
        /// A step by a gradient, of elements or of rows, in the encoding in which it came: whoever executes it decodes
        /// it.
        case applyEncoded([Push], EncodedGradient, learningRate: Float)
        /// A push is answered, and changes nothing.
        case reject(Push, ParameterServerError.Code, String)
        /// A push is answered, and changes nothing: its table's policy passes gradients over that are not finite.
        case skip(Push, String)
        /// A worker is so far without a gradient for this partition.
        case tick(SessionID, ClockTick)
        /// Sessions begin and end.
        case fence(SessionFence)
        /// Another process heads the partition, or another life of one: the record's epoch begins.
        case epoch(intactSince: UInt64)
        /// The partition goes back to what a checkpoint has, pinned if it has rows, and the record's epoch begins:
        /// nothing that was acknowledged before has to stand. The fence stays; sessions never come back. The number is
        /// that of the request for it, so that whoever heads the partition then answers a copy of the request.
        case restore(PartitionSnapshot, request: UInt64)
    }

    /// Its place in the log, from 1 on without gaps.
    package var position: UInt64
    /// The epoch of the head that made it.
    package var epoch: UInt64
    package var change: Change
}

extension PartitionRecord: MeshMessage {
    package static let messageName = "meshwork.parameters.PartitionRecord"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        position = 0
        epoch = 0
        var pushes: [Push] = []
        var gradient: Segment?
        var keys: Segment?
        var learningRate: Float = 0
        var code: UInt32 = 0
        var message = ""
        var fence: SessionFence?
        var intactSince: UInt64 = 0
        var restored: PartitionSnapshot.Head?
        var tensors: [AnyTensor] = []
        var rows: RowSnapshot.Head?
        var slabs: [Segment] = []
        var counters: [Segment] = []
        var request: UInt64 = 0
        var round: UInt64?
        var late: [Push] = []
        var leader: RoundLeader.Change?
        var tick: (SessionID, ClockTick)?
        var isSkip = false
        var encoding: UInt32 = 0
        var call: RecordedCall.Head?
        while let field = try decoder.nextField() {
            switch field {
            case 1: position = try decoder.uint64()
            case 2: epoch = try decoder.uint64()
            case 3: pushes.append(try decoder.message())
            case 4: learningRate = try decoder.float()
            case 5: code = try decoder.uint32()
            case 6: message = try decoder.string()
            case 7: fence = try decoder.message()
            case 8: gradient = try decoder.segment()
            case 9: intactSince = try decoder.uint64()
            case 10: keys = try decoder.segment()
            case 12: restored = try decoder.message()
            case 14: request = try decoder.fixed64()
            case 15:
                // One more than the round, as the first may be number 0.
                let number = try decoder.uint64()
                guard number > 0 else { throw WireError(.malformed, "record \(position) closes no round") }
                round = number - 1
            // 16 to 21 are those of a chain's message, which has the record's fields beside its own.
            case 22: late.append(try decoder.message())
            case 23: leader = try decoder.message()
            case 24: encoding = try decoder.uint32()
            case 25: isSkip = try decoder.bool()
            case 26: tick = (try decoder.message(SessionReference.self).session, ClockTick(slot: 0, clock: 0))
            case 27: tick?.1 = try decoder.message()
            case 28: rows = try decoder.message()
            case 29: slabs.append(try decoder.segment())
            case 30: counters.append(try decoder.segment())
            case 31: call = try decoder.message()
            case 13:
                let segment = try decoder.segment()
                do throws(TensorError) {
                    tensors.append(try segment.floats())
                } catch {
                    throw WireError(.malformed, "record \(position): \(error.message)")
                }
            default: break
            }
        }
        if let leader {
            change = .leader(leader)
        } else if let round {
            do throws(TensorError) {
                change = .round(
                    RoundStep(
                        number: round, pushes: pushes, late: late, gradient: try gradient?.floats(),
                        learningRate: learningRate))
            } catch {
                throw WireError(.malformed, "record \(position): \(error.message)")
            }
        } else if let fence {
            change = .fence(fence)
        } else if let restored {
            let rows = rows.map { RowSnapshot($0, slabs: slabs, counters: counters) }
            change = .restore(try PartitionSnapshot(restored, tensors, rows: rows), request: request)
        } else if intactSince != 0 {
            change = .epoch(intactSince: intactSince)
        } else if let call {
            guard let push = pushes.first, pushes.count == 1 else {
                throw WireError(.malformed, "record \(position) has \(pushes.count) calls")
            }
            do throws(TensorError) {
                change = .call(
                    push,
                    RecordedCall(
                        function: call.function, argument: try (gradient ?? Segment(copying: [])).bytes(),
                        keys: try keys?.keys(), answer: call.answer, checksum: call.checksum))
            } catch {
                throw WireError(.malformed, "record \(position): \(error.message)")
            }
        } else if let gradient {
            guard !pushes.isEmpty else { throw WireError(.malformed, "record \(position) applies no push") }
            guard let encoding = GradientEncoding(rawValue: encoding) else {
                throw WireError(.malformed, "record \(position): the encoding \(encoding) of a gradient is not known")
            }
            do throws(TensorError) {
                guard encoding == .none else {
                    change = .applyEncoded(
                        pushes, EncodedGradient(encoding, bytes: try gradient.bytes(), keys: try keys?.keys()),
                        learningRate: learningRate)
                    return
                }
                let values = try gradient.floats()
                if let keys {
                    change = .applyRows(
                        pushes, RowGradient(keys: try keys.keys(), values: values), learningRate: learningRate)
                } else {
                    change = .apply(pushes, gradient: values, learningRate: learningRate)
                }
            } catch {
                throw WireError(.malformed, "record \(position): \(error.message)")
            }
        } else if let tick {
            change = .tick(tick.0, tick.1)
        } else if isSkip, let push = pushes.first, pushes.count == 1 {
            change = .skip(push, message)
        } else if let push = pushes.first, pushes.count == 1, code != 0 {
            change = .reject(push, ParameterServerError.Code(rawValue: code), message)
        } else {
            throw WireError(.malformed, "record \(position) does nothing that is known")
        }
    }

    /// A ``ChainMessage`` has the same fields beside its own, 16 to 21.
    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, position)
        encoder.uint64(2, epoch)
        switch change {
        case .apply(let pushes, let gradient, let learningRate):
            for push in pushes { encoder.message(3, push) }
            encoder.float(4, learningRate)
            encoder.segment(8, Segment(gradient))
        case .applyRows(let pushes, let rows, let learningRate):
            for push in pushes { encoder.message(3, push) }
            encoder.float(4, learningRate)
            encoder.segment(10, Segment(rows.keys))
            encoder.segment(8, Segment(rows.values))
        case .round(let step):
            for push in step.pushes { encoder.message(3, push) }
            encoder.float(4, step.learningRate)
            encoder.uint64(15, step.number + 1)
            for push in step.late { encoder.message(22, push) }
            if let gradient = step.gradient { encoder.segment(8, Segment(gradient)) }
        case .leader(let change):
            encoder.message(23, change)
        case .applyEncoded(let pushes, let gradient, let learningRate):
            for push in pushes { encoder.message(3, push) }
            encoder.float(4, learningRate)
            encoder.uint32(24, gradient.encoding.rawValue)
            if let keys = gradient.keys { encoder.segment(10, Segment(keys)) }
            encoder.segment(8, Segment(gradient.bytes))
        case .call(let push, let call):
            encoder.message(3, push)
            encoder.message(31, call.head)
            if let keys = call.keys { encoder.segment(10, Segment(keys)) }
            encoder.segment(8, Segment(call.argument))
        case .reject(let push, let code, let message):
            encoder.message(3, push)
            encoder.uint32(5, code.rawValue)
            encoder.string(6, message)
        case .skip(let push, let message):
            encoder.message(3, push)
            encoder.string(6, message)
            encoder.bool(25, true)
        case .tick(let session, let tick):
            encoder.message(26, SessionReference(session))
            encoder.message(27, tick)
        case .fence(let fence):
            encoder.message(7, fence)
        case .epoch(let intactSince):
            encoder.uint64(9, intactSince)
        case .restore(let snapshot, let request):
            encoder.message(12, snapshot.head)
            encoder.fixed64(14, request)
            let image = try? snapshot.rows?.image()
            if snapshot.rows != nil { encoder.message(28, RowSnapshot.Head(image)) }
            for tensor in snapshot.tensors { encoder.segment(13, Segment(tensor)) }
            for slab in image?.slabs ?? [] { encoder.segment(29, slab) }
            for page in image?.counters ?? [] { encoder.segment(30, page) }
        }
    }
}

extension PartitionRecord.Push: MeshMessage {
    package static let messageName = "meshwork.parameters.RecordedPush"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            session: SessionID(high: 0, low: 0), sequence: 0, acknowledgedThrough: 0, increment: 0,
            basis: PartitionVersion(epoch: 0, applied: 0))
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: sequence = try decoder.uint64()
            case 3: acknowledgedThrough = try decoder.uint64()
            case 4: increment = try decoder.int64()
            case 5: basis = try decoder.message()
            case 12: tick = try decoder.message()
            default: break
            }
        }
        guard sequence > acknowledgedThrough else {
            throw WireError(.malformed, "recorded push \(sequence) acknowledges \(acknowledgedThrough)")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.uint64(2, sequence)
        encoder.uint64(3, acknowledgedThrough)
        encoder.int64(4, increment)
        encoder.message(5, basis)
        if let tick { encoder.message(12, tick) }
    }
}
