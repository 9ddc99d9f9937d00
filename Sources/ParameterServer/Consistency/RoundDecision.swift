import Coordination
package import MeshWire

/// Which pushes a round is made of, by the leader's word: the same sessions in every partition, never just a number of
/// them.
package struct RoundDecision: Sendable, Hashable {
    /// Somebody who takes part in rounds: a life of a slot.
    package struct Worker: Sendable, Hashable {
        package var slot: Int
        package var session: SessionID

        package init(slot: Int, session: SessionID) {
            self.slot = slot
            self.session = session
        }
    }

    /// The round's number, from 1 on.
    package var round: UInt64
    /// Whose gradients it is the mean of, in the order of slots.
    package var senders: [Worker]

    package init(round: UInt64, senders: [Worker]) {
        self.round = round
        self.senders = senders
    }
}

extension RoundDecision.Worker: CustomStringConvertible {
    package var description: String { "slot \(slot) (session \(session))" }
}

extension RoundDecision: MeshMessage {
    package static let messageName = "meshwork.parameters.RoundDecision"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(round: 0, senders: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: round = try decoder.uint64()
            case 2: senders.append(try decoder.message())
            default: break
            }
        }
        guard zip(senders, senders.dropFirst()).allSatisfy({ $0.slot < $1.slot }) else {
            throw WireError(.malformed, "round \(round): the senders' slots do not ascend")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, round)
        for sender in senders { encoder.message(2, sender) }
    }
}

extension RoundDecision.Worker: MeshMessage {
    package static let messageName = "meshwork.parameters.RoundWorker"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0, session: SessionID(high: 0, low: 0))
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: session = try decoder.message(SessionReference.self).session
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.message(2, SessionReference(session))
    }
}
