public import Tensor

/// The batches of one pass over a ``CSVFile``, read as they are asked for. Used by one task.
public struct CSVBatches {
    private let file: CSVFile
    private let size: Int
    private let window: Int
    private let key: RandomKey
    private var records: CSVRecords
    /// The records of the window in the order in which they are dealt, and how many have been.
    private var dealt: (records: [CSVParser.Record], count: Int) = ([], 0)
    private var windows: UInt64 = 0
    /// The batches of all shares that have been dealt.
    private var batches = 0

    init(_ file: CSVFile, size: Int, window: Int, key: RandomKey) throws(NeuralNetworkError) {
        self.file = file
        self.size = size
        self.window = window
        self.key = key
        records = try file.records()
    }

    /// The next batch of this share, or `nil` after the last.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable``; ``NeuralNetworkError/Code/fileMalformed`` for what is no CSV,
    ///   a record with another number of fields than the header and one that is too long;
    ///   ``NeuralNetworkError/Code/valueInvalid`` for a value that its column does not take. The last two say in which
    ///   line and column. What follows an error is not to be read.
    public mutating func next() throws(NeuralNetworkError) -> CSVBatch? {
        while true {
            let isOwn = batches % file.shardCount == file.shardIndex
            var batch = CSVBatch(file)
            var count = 0
            while count < size, let record = try nextRecord() {
                count += 1
                if isOwn { try batch.append(record, records) }
            }
            guard count > 0 else { return nil }
            batches += 1
            if isOwn { return batch }
        }
    }

    private mutating func nextRecord() throws(NeuralNetworkError) -> CSVParser.Record? {
        guard window > 1 else { return try records.next() }
        if dealt.count == dealt.records.count {
            var read: [CSVParser.Record] = []
            while read.count < window, let record = try records.next() { read.append(record) }
            guard !read.isEmpty else { return nil }
            let order = key.foldIn(windows).permutation(read.count)
            dealt = (order.map { read[$0] }, 0)
            windows += 1
        }
        defer { dealt.count += 1 }
        return dealt.records[dealt.count]
    }
}

/// Some records of a CSV file, as numbers and indices of categories.
public struct CSVBatch: Sendable {
    /// The records in it.
    public private(set) var count = 0
    private let file: CSVFile
    /// The values of each column that is read.
    private var values: [[CSVColumn.Value]]

    init(_ file: CSVFile) {
        self.file = file
        values = file.columns.map { _ in [] }
    }

    mutating func append(_ record: CSVParser.Record, _ records: CSVRecords) throws(NeuralNetworkError) {
        for (index, (column, place)) in zip(file.columns, file.places).enumerated() {
            do throws(CSVColumn.Unreadable) {
                values[index].append(
                    try column.value(of: record[place], isMissing: records.isMissing(record, place)))
            } catch {
                throw NeuralNetworkError(
                    .valueInvalid, file.path, record.fields[place].position, "\(column.name): \(error.message)")
            }
        }
        count += 1
    }

    /// Columns as numbers, of shape `[batch, columns]`; of a category's it is the index.
    ///
    /// - Throws: ``NeuralNetworkError/Code/datasetInvalid`` for a column that is not read.
    public func numbers(_ names: [String]) throws(NeuralNetworkError) -> Tensor<Float> {
        let columns = try columns(names)
        var scalars: [Float] = []
        scalars.reserveCapacity(count * columns.count)
        for row in 0..<count {
            for column in columns {
                switch column[row] {
                case .number(let number): scalars.append(number)
                case .index(let index): scalars.append(Float(index))
                }
            }
        }
        return Tensor(scalars, shape: [count, columns.count])
    }

    /// Columns of categories as indices, of shape `[batch, columns]`.
    ///
    /// - Throws: ``NeuralNetworkError/Code/datasetInvalid`` for a column that is not read, and one of numbers.
    public func indices(_ names: [String]) throws(NeuralNetworkError) -> Tensor<Int32> {
        let columns = try columns(names)
        var scalars: [Int32] = []
        scalars.reserveCapacity(count * columns.count)
        for row in 0..<count {
            for (name, column) in zip(names, columns) {
                guard case .index(let index) = column[row] else {
                    throw NeuralNetworkError(
                        .datasetInvalid, "\(file.path): column \(name.debugDescription) has numbers, not categories")
                }
                scalars.append(index)
            }
        }
        return Tensor(scalars, shape: [count, columns.count])
    }

    private func columns(_ names: [String]) throws(NeuralNetworkError) -> [[CSVColumn.Value]] {
        var columns: [[CSVColumn.Value]] = []
        for name in names {
            guard let index = file.columns.firstIndex(where: { $0.name == name }) else {
                throw NeuralNetworkError(
                    .datasetInvalid,
                    "\(file.path): column \(name.debugDescription) is not among those that are read: \(file.columns.map(\.name))"
                )
            }
            columns.append(values[index])
        }
        return columns
    }
}
