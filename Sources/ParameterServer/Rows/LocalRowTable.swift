import Optimizers
package import Tensor

/// A row table of one process, for training on one machine: one partition, with the bits that it would have on a
/// server.
package struct LocalRowTable: Sendable {
    private let declaration: TableDeclaration
    private var rows: RowTable
    /// The pushes that were applied, and the functions that have run.
    private var applied: UInt64 = 0
    /// Of these the pushes.
    private var steps = 0

    /// A table without rows. Traps for a declaration of a dense table, and of one of several partitions.
    package init(_ declaration: TableDeclaration) {
        guard let settings = declaration.rows, declaration.partitionCount == 1 else {
            preconditionFailure("table \(declaration.name) is no row table of one partition")
        }
        self.declaration = declaration
        rows = RowTable(settings, of: declaration, partition: 0)
    }

    /// The rows of `keys`, in their order: float32 `[keys, width]`.
    ///
    /// - Throws: ``ParameterServerError/Code/rowOutOfRange``.
    package func rows(of keys: [UInt64]) throws -> AnyTensor {
        let width = declaration.shape.elementCount
        var values = try AnyTensor.zeros([keys.count, width])
        guard !keys.isEmpty else { return values }
        let keys = try AnyTensor(keys, shape: [keys.count])
        try check(declaration.fault(ofKeys: keys, partition: 0, areSorted: false))
        values.withMutableBytes { target in
            keys.withKeys { keys in
                // Safe: the tensor has as many floats as the rows together.
                unsafe rows.read(keys, clock: applied, to: target.baseAddress!.assumingMemoryBound(to: Float.self))
            }
        }
        return values
    }

    /// Throws what a server would refuse a push of these rows with.
    package func check(_ gradient: KeyedRows) throws {
        guard !gradient.keys.isEmpty else { return }
        let keys = try AnyTensor(gradient.keys, shape: [gradient.keys.count])
        try check(declaration.fault(in: gradient.values, keys: keys, partition: 0) ?? rows.lackOfRoom(for: keys))
    }

    /// Takes one step of the rows that a gradient names, which was checked.
    package mutating func apply(_ gradient: KeyedRows) throws {
        guard !gradient.keys.isEmpty else { return }
        let keys = try AnyTensor(gradient.keys, shape: [gradient.keys.count])
        let rate = declaration.schedule.learningRate(of: declaration.updateRule, step: steps)
        let clock = applied
        keys.withKeys { keys in
            gradient.values.withBytes { values in
                // Safe: `check` has found `width` floats for each key.
                unsafe rows.apply(
                    keys, values.baseAddress!.assumingMemoryBound(to: Float.self), learningRate: rate, clock: clock)
            }
        }
        applied += 1
        steps += 1
    }

    /// What a function sees of the rows of `keys` that exist.
    ///
    /// - Throws: ``ParameterServerError/Code/rowOutOfRange``.
    package func values(ofRows keys: [UInt64], _ key: RandomKey) throws -> PartitionValues {
        let asked = Set(keys).sorted()
        let existing = asked.isEmpty ? [] : rows.existing(try AnyTensor(asked, shape: [asked.count]), clock: applied)
        return PartitionValues(
            table: declaration.name, shape: declaration.shape, elements: 0..<0, keys: existing,
            parameters: try Tensor(self.rows(of: existing)), slots: [:], stepCount: steps,
            version: PartitionVersion(epoch: 1, applied: applied), key: key.foldIn(applied))
    }

    /// Takes what a function has made of rows.
    package mutating func take(_ values: PartitionValues) throws {
        rows.overwrite(try AnyTensor(values.keys, shape: [values.keys.count]), with: values.parameters.core)
        applied += 1
    }

    private func check(_ fault: PushFault?) throws(ParameterServerError) {
        guard let fault else { return }
        throw ParameterServerError(fault.code, "table \(declaration.name): \(fault.message)")
    }
}
