package import Identity
package import MeshWire
package import Tensor

/// One partition's share of a step, as it arrives.
package struct PartitionPush: Sendable {
    /// Who makes it.
    package var session: SessionID
    package var slot: Int
    package var peer: SPIFFEID
    /// Which push of the session in this partition it is.
    package var sequence: UInt64
    /// The session holds the answers up to here.
    package var acknowledgedThrough: UInt64
    /// The gradient of the partition's elements, or of the rows that it names, with one axis.
    package var gradient: AnyTensor
    /// The keys of the rows, uint64; `nil` where the table is dense.
    package var keys: AnyTensor?
    /// What the partition adds to its audit counter: +1, in the push's own payload.
    package var increment: Int64
    /// The version that the gradient was computed from.
    package var basis: PartitionVersion
    /// The round that it is for, of a table that has rounds; else 0.
    package var round: UInt64
    /// How far the worker is after the push, where it trains with bounded staleness.
    package var tick: ClockTick?
    /// The gradient as it arrived, where that was not as float32; ``gradient`` has its bytes until they are decoded.
    package var encoded: EncodedGradient?
    /// The function that is called, where it is no gradient that is pushed; ``gradient`` has the argument's bytes.
    package var call: Call?

    /// A call of an updating function.
    package struct Call: Sendable {
        package var function: FunctionID
        /// Why the partition's chain cannot run it, found before the turn.
        package var refusal: ParameterServerError?

        package init(_ function: FunctionID, refusal: ParameterServerError? = nil) {
            self.function = function
            self.refusal = refusal
        }
    }

    package init(
        session: SessionID, slot: Int, peer: SPIFFEID, sequence: UInt64, acknowledgedThrough: UInt64,
        gradient: AnyTensor, keys: AnyTensor? = nil, increment: Int64 = 1, basis: PartitionVersion, round: UInt64 = 0
    ) {
        self.session = session
        self.slot = slot
        self.peer = peer
        self.sequence = sequence
        self.acknowledgedThrough = acknowledgedThrough
        self.gradient = gradient
        self.keys = keys
        self.increment = increment
        self.basis = basis
        self.round = round
    }

    /// What a record keeps of it.
    var recorded: PartitionRecord.Push {
        PartitionRecord.Push(
            session: session, sequence: sequence, acknowledgedThrough: acknowledgedThrough, increment: increment,
            basis: basis, tick: tick)
    }

    /// The bytes of the gradient as it arrived, with those of the keys.
    var byteCount: Int { (encoded?.bytes ?? gradient).byteCount + (keys?.byteCount ?? 0) }
}
