import Coordination
import Synchronization
import Telemetry
import Tensor

/// The rows that a client keeps, shared by its pulls and pushes: guarded by a mutex, which is not held across a call.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_hot_rows_total` | counter | `source`: `memory`, `server` |
/// | `parameter_hot_rows_bytes` | gauge | – |
final class HotRowCache: Sendable {
    private let state: Mutex<HotRows>
    private let hits: Counter
    private let misses: Counter
    private let bytes: Gauge
    /// What the gauge counts of this cache.
    private let counted = Mutex(0)

    init(_ configuration: HotRowConfiguration, metrics: MetricsRegistry) {
        state = Mutex(HotRows(configuration))
        let looked = metrics.counter(
            "parameter_hot_rows_total", help: "Rows that pulls asked for, each once a pull, by where they came from.",
            labels: "source")
        hits = looked.series("memory")
        misses = looked.series("server")
        bytes = metrics.gauge(
            "parameter_hot_rows_bytes", help: "What rows that the process's clients keep take in memory."
        ).series()
    }

    /// A pull of rows, as far as it can be answered from memory.
    struct Lookup {
        fileprivate let pull: UInt64
        fileprivate let asked: [PartitionID: [UInt64]]
        /// For each key that a partition is asked for, its row if it is kept.
        fileprivate let found: [PartitionID: [HotRows.Row?]]
        /// The keys that partitions have to be asked for.
        let missing: [PartitionID: [UInt64]]
    }

    /// Looks keys up.
    ///
    /// - Parameter asked: the keys by partition, each once.
    func look(
        up asked: [PartitionID: [UInt64]], seen: [PartitionID: PartitionVersion]
    ) -> Lookup {
        let lookup = state.withLock { state in
            let pull = state.beginPull()
            let found = asked.reduce(into: [PartitionID: [HotRows.Row?]]()) { found, entry in
                found[entry.key] = entry.value.map {
                    state.row($0, of: entry.key, pull: pull, seen: seen[entry.key])
                }
            }
            let missing = asked.reduce(into: [PartitionID: [UInt64]]()) { missing, entry in
                let keys = zip(entry.value, found[entry.key] ?? []).filter { $0.1 == nil }.map(\.0)
                if !keys.isEmpty { missing[entry.key] = keys }
            }
            return Lookup(pull: pull, asked: asked, found: found, missing: missing)
        }
        let missed = lookup.missing.values.reduce(0) { $0 + $1.count }
        misses.increment(by: UInt64(missed))
        hits.increment(by: UInt64(asked.values.reduce(0) { $0 + $1.count } - missed))
        return lookup
    }

    /// Completes a look-up by what partitions have answered, and keeps that.
    ///
    /// - Parameter answers: the rows of ``Lookup/missing``, in its order, and the versions that they are of.
    /// - Returns: the rows of each partition in the order in which they were asked for, and the oldest version among
    ///   them.
    func complete(
        _ lookup: Lookup, _ answers: [PartitionID: (values: AnyTensor, version: PartitionVersion)],
        _ tables: [PartitionID: TableDeclaration]
    ) throws(TensorError) -> [PartitionID: (values: AnyTensor, version: PartitionVersion)] {
        var rows: [PartitionID: (values: AnyTensor, version: PartitionVersion)] = [:]
        for (partition, keys) in lookup.asked {
            guard let table = tables[partition] else { continue }
            let width = table.rowLayout.width
            let answer = answers[partition]
            let fetched = try answer?.values.scalars(as: Float.self) ?? []
            var floats: [Float] = []
            floats.reserveCapacity(keys.count * width)
            var oldest = answer?.version
            var next = 0
            state.withLock { state in
                for (key, row) in zip(keys, lookup.found[partition] ?? []) {
                    if let row {
                        floats += row.floats[..<width]
                        oldest = min(oldest ?? row.version, row.version)
                    } else if let version = answer?.version {
                        let own = fetched[next..<next + width]
                        floats += own
                        state.insert(key, own, of: partition, table, version: version, pull: lookup.pull)
                        next += width
                    }
                }
            }
            if let oldest { rows[partition] = (try AnyTensor(floats, shape: [floats.count]), oldest) }
        }
        count(
            state.withLock { state in
                state.evict()
                return state.byteCount
            })
        return rows
    }

    deinit { count(0) }

    private func count(_ byteCount: Int) {
        bytes.add(
            Double(
                counted.withLock { counted in
                    defer { counted = byteCount }
                    return byteCount - counted
                }))
    }

    /// Takes note of partitions that have changed in a way that cannot be told from here.
    func changed(_ report: PushReport) {
        state.withLock { state in
            for entry in report.acknowledged {
                state.forget(entry.push.partition)
                state.pushed(entry.version, to: entry.push.partition)
            }
            for failure in report.failed { state.forget(failure.push.partition) }
        }
    }

    /// Takes note of what became of a step.
    ///
    /// - Parameter step: the gradient of each table of `tables`.
    func pushed(_ report: PushReport, _ step: [StepGradient], _ tables: TableSet) {
        for entry in report.acknowledged {
            guard let place = tables.tables.firstIndex(where: { $0.name == entry.push.name.table }) else { continue }
            if case .encoded = step[place] {
                // The server applies what is left of it after the encoding, and a pull that began before it does not
                // have it.
                state.withLock {
                    $0.forget(entry.push.partition)
                    $0.pushed(entry.version, to: entry.push.partition)
                }
            }
            guard case .rows(let parts) = step[place], let rows = parts[entry.push.name.index],
                let keys = try? rows.keys.scalars(as: UInt64.self),
                let gradient = try? rows.values.scalars(as: Float.self)
            else { continue }
            state.withLock {
                $0.applied(
                    keys, gradient, to: entry.push.partition, of: tables.tables[place], version: entry.version,
                    staleness: entry.staleness)
            }
        }
        state.withLock { state in
            for failure in report.failed { state.forget(failure.push.partition) }
        }
    }
}
