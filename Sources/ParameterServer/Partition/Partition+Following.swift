import MeshWire
import Synchronization
import Tensor

/// A partition at a server that does not head it: it executes what its predecessor sends.
extension Partition {
    /// Takes a record that came on a stream.
    ///
    /// - Returns: whether the caller has to see to it that it is executed, by ``executeArrivedIfFree()`` or
    ///   ``executeArrived(on:)``.
    func arrived(_ arrival: ArrivalQueue.Arrival) -> Bool { arrivals.add(arrival) }

    /// Executes the first record that has arrived, if that can be done without waiting. For loops, and small records.
    ///
    /// - Returns: whether none is left; else ``executeArrived(on:)`` has to.
    func executeArrivedIfFree() -> Bool {
        guard turns.tryTake() else { return false }
        defer { turns.pass() }
        // No function's record is small.
        var prepared: Prepared?
        guard let arrival = arrivals.first,
            state.withLockIfAvailable({ follow(arrival, on: &$0, &prepared) }) == true
        else { return false }
        return !arrivals.removeFirst()
    }

    /// Executes the records that have arrived. Computes; not for loops. While the log is full, it waits, and has its
    /// predecessor know that it is there, so that the head waits, too; where that takes too long, this server leaves the
    /// chain.
    func executeArrived(on runtime: any Runtime) async {
        var (waitsSince, wasHeard) = (runtime.now, runtime.now)
        var prepared: Prepared?
        while let arrival = arrivals.first {
            await turns.takeWithoutLimit()
            let isDone = state.withLock { follow(arrival, on: &$0, &prepared) }
            turns.pass()
            if isDone {
                (waitsSince, wasHeard) = (runtime.now, runtime.now)
                if !arrivals.removeFirst() { return }
                continue
            }
            driver?.makeRoom()
            let patience = log?.isCompacting == true ? Self.patienceWithSnapshots : ServerLog.patience
            if waitsSince.duration(to: runtime.now) >= patience { chained { $0.fail() } }
            if wasHeard.duration(to: runtime.now) >= Self.signOfLife {
                wasHeard = runtime.now
                chained { $0.showLife() }
            }
            do {
                try await runtime.sleep(for: .milliseconds(5))
            } catch {
                // The stream has ended, and what came on it is sent again on the next.
                chained { $0.predecessorLost(arrival.stream) }
            }
        }
    }

    /// What a record's function has made of the partition, while the log has no room for the record.
    private struct Prepared {
        /// Where the record came from, and its position there: together no other's.
        var stream: UInt64
        var position: UInt64
        var outcome: FunctionOutcome?
    }

    /// Executes a record if it is the next one of the chain; false if the log is full, and it may be later.
    private func follow(
        _ arrival: ArrivalQueue.Arrival, on guarded: inout Guarded, _ prepared: inout Prepared?
    ) -> Bool {
        let (record, stream) = (arrival.record, arrival.stream)
        let reception = chain.withLock {
            $0.reception(ofRecordAt: record.position, on: stream, epoch: arrival.epoch)
        }
        switch reception {
        case .taken: break
        case .ignored, .early: return true
        case .gap:
            driver?.breakOff(stream)
            return true
        case .stale(let newest):
            driver?.refuse(id, on: stream, epoch: arrival.epoch, newest: newest)
            return true
        }
        let outcome: FunctionOutcome?
        do throws(ParameterServerError) {
            if let prepared, prepared.stream == stream, prepared.position == record.position {
                outcome = prepared.outcome
            } else {
                outcome = try guarded.state.prepared(record)
            }
            // Nobody else's until the record is executed: what is written then is not copied.
            prepared = nil
        } catch {
            // In no log yet: this server has what came before, and leaves the chain.
            driver?.cannotExecute(name, error)
            chained { $0.fail() }
            return true
        }
        do throws(ParameterServerError) {
            // Sent on before it is executed here.
            try append(record, on: &guarded)
        } catch {
            if error.code == .busy {
                prepared = Prepared(stream: stream, position: record.position, outcome: outcome)
                return false
            }
            chained { $0.fail() }
            return true
        }
        do throws(TensorError) {
            _ = try guarded.state.execute(record, prepared: outcome)
            chained { $0.execute() }
        } catch {
            // It is in the log, and the state is without it: this server must not go on.
            log?.fail(ParameterServerError(.applyFailed, error.message))
            chained { $0.fail() }
        }
        return true
    }

    /// How long a follower's log may be full while snapshots are written to replace it: as long as they may take.
    private static let patienceWithSnapshots = Duration.seconds(60)
    /// How often a follower that waits for its log says that it is there; less than any predecessor's patience.
    static let signOfLife = Duration.milliseconds(100)
}
