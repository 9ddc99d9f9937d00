public import Tensor

/// A file of comma-separated values (RFC 4180) that is read in batches, without being in memory as a whole.
///
/// ```swift
/// var format = CSVFile.Format()
/// format.trimsSpaces = true
/// format.missing = ["?"]
/// let plain = try CSVFile("adult.csv", columns: [], format: format)
/// let file = try CSVFile(
///     "adult.csv",
///     columns: [
///         .number("age"), .category("workclass", plain.vocabulary(of: "workclass"), missing: 8),
///         .hashed("occupation", buckets: 1_000), .category("income", ["<=50K": 0, ">50K": 1]),
///     ], format: format)
/// var batches = try file.shard(index: slot, of: workers).batches(of: 128, epoch: 3, shuffling: 10_000, key: key)
/// while let batch = try batches.next() {
///     let ages = try batch.numbers(["age"])                           // [batch, 1]
///     let categories = try batch.indices(["workclass", "occupation"]) // [batch, 2]
/// }
/// ```
/// Each pass opens the file anew; what is in memory is a piece of it, one batch, and the records of one window where it
/// shuffles.
public struct CSVFile: Sendable {
    /// How the file is written.
    public struct Format: Sendable {
        /// What stands between two fields, one ASCII character. Default `,`.
        public var separator: Character = ","
        /// The names of the columns where the file does not begin with a line of them. Default: it does.
        public var names: [String]?
        /// Whether spaces around a field are no part of it. Default false, as RFC 4180 has it.
        public var trimsSpaces = false
        /// What stands for a missing value where it is not in quotes. Default an empty field.
        public var missing: Set<String> = [""]
        /// The most bytes of one record, line ends in quotes included: a bound on what a missing quote can cost. Default
        /// 1 MiB.
        public var maximumRecordSize = 1 << 20

        /// RFC 4180 with a header.
        public init() {}
    }

    /// Where it is.
    public let path: String
    /// What the columns that are read mean.
    public let columns: [CSVColumn]
    /// How it is written.
    public let format: Format
    /// The names of all columns, in the file's order.
    public let names: [String]
    /// The place in a record of each of ``columns``.
    let places: [Int]
    private(set) var shardIndex = 0
    private(set) var shardCount = 1

    /// Opens a file and reads its header.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - columns: What the columns mean that are to be read; others are passed over.
    ///   - format: How it is written.
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable``; ``NeuralNetworkError/Code/fileMalformed`` for a header that is
    ///   none; ``NeuralNetworkError/Code/datasetInvalid`` for a column that the file does not have, or has twice, and for a
    ///   format that cannot be.
    public init(_ path: String, columns: [CSVColumn], format: Format = Format()) throws(NeuralNetworkError) {
        guard let separator = format.separator.asciiValue, !"\"\r\n ".utf8.contains(separator),
            (1...(1 << 30)).contains(format.maximumRecordSize)
        else {
            throw NeuralNetworkError(
                .datasetInvalid,
                """
                \(path): the separator must be an ASCII character other than a quote, a space and a line end, and a record \
                have 1 to 2^30 bytes; they are \(String(format.separator).debugDescription) and \(format.maximumRecordSize)
                """)
        }
        (self.path, self.columns, self.format) = (path, columns, format)
        if let names = format.names {
            self.names = names
        } else {
            var records = try CSVRecords(path, format)
            guard let header = try records.next() else {
                throw NeuralNetworkError(.fileMalformed, "\(path): expected a header, the file is empty")
            }
            var names: [String] = []
            for place in 0..<header.count {
                guard let name = String(validating: header[place], as: UTF8.self) else {
                    throw NeuralNetworkError(
                        .fileMalformed, path, header.fields[place].position, "a column's name is not UTF-8")
                }
                names.append(name)
            }
            self.names = names
        }
        guard Set(columns.map(\.name)).count == columns.count else {
            throw NeuralNetworkError(
                .datasetInvalid, "\(path): a column is declared twice among \(columns.map(\.name))")
        }
        var places: [Int] = []
        for column in columns { places.append(try Self.place(of: column.name, in: names, path)) }
        self.places = places
    }

    /// One of `count` shares of each pass: the batches `index`, `index + count`, … of it. Together the shares are the whole
    /// pass, each batch once. Traps unless `index` is in `0..<count`.
    public func shard(index: Int, of count: Int) -> CSVFile {
        precondition((0..<count).contains(index), "share \(index) of \(count)")
        var shard = self
        shard.shardIndex = shardIndex + index * shardCount
        shard.shardCount = shardCount * count
        return shard
    }

    /// One pass over the file (this share of it).
    ///
    /// - Parameters:
    ///   - size: Records in a batch; the last one may have fewer. Traps unless positive.
    ///   - epoch: The pass's number, from which its order follows.
    ///   - window: How many records are in memory at a time, among which the order is random; 1, the default, is the file's
    ///     order. Traps unless positive.
    ///   - key: The random key of the orders. The same key, epoch and window make the same order in every process.
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable``, and as ``CSVBatches/next()`` for the header.
    public func batches(
        of size: Int, epoch: Int = 0, shuffling window: Int = 1, key: RandomKey = RandomKey(seed: 0)
    ) throws(NeuralNetworkError) -> CSVBatches {
        precondition(size > 0 && window > 0, "batches of \(size) from windows of \(window)")
        return try CSVBatches(self, size: size, window: window, key: key.foldIn(UInt64(epoch)))
    }

    /// The values of a column, each with an index from 0 on, in the order of their bytes; missing ones left out. Reads the
    /// whole file once.
    ///
    /// - Parameter maximumValues: The most values. Default 100,000.
    /// - Throws: ``NeuralNetworkError/Code/datasetInvalid`` for a column that the file does not have, and one of more
    ///   values; as ``CSVBatches/next()``.
    public func vocabulary(
        of column: String, maximumValues: Int = 100_000
    ) throws(NeuralNetworkError) -> [String: Int32] {
        let place = try Self.place(of: column, in: names, path)
        var records = try records()
        var values: Set<String> = []
        while let record = try records.next() {
            guard !records.isMissing(record, place) else { continue }
            guard let text = String(validating: record[place], as: UTF8.self) else {
                throw NeuralNetworkError(
                    .valueInvalid, path, record.fields[place].position,
                    "\(column): \(CSVColumn.quoted(record[place])) is not UTF-8")
            }
            values.insert(text)
            guard values.count <= maximumValues else {
                throw NeuralNetworkError(
                    .datasetInvalid,
                    "\(path): column \(column) has more than \(maximumValues) values; a hashed column takes any number")
            }
        }
        let inOrder = values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return Dictionary(uniqueKeysWithValues: zip(inOrder, (0 as Int32)...))
    }

    /// The records behind the header, from the file's beginning.
    func records() throws(NeuralNetworkError) -> CSVRecords {
        var records = try CSVRecords(path, format)
        if format.names == nil { _ = try records.next() }
        records.fieldCount = names.count
        return records
    }

    private static func place(of name: String, in names: [String], _ path: String) throws(NeuralNetworkError) -> Int {
        let places = names.indices.filter { names[$0] == name }
        guard places.count == 1 else {
            let columns = names.prefix(50).joined(separator: ", ")
            throw NeuralNetworkError(
                .datasetInvalid,
                "\(path): expected one column \(name.debugDescription), found \(places.count) among \(columns)")
        }
        return places[0]
    }
}

/// The records of an open file, one after the other.
struct CSVRecords {
    private static let pieceSize = 1 << 16

    private let file: ReadableFile
    private let missing: Set<[UInt8]>
    private var parser: CSVParser
    private var piece: ArraySlice<UInt8> = []
    private var hasEnded = false
    /// How many fields each has; any number if `nil`.
    var fieldCount: Int?

    init(_ path: String, _ format: CSVFile.Format) throws(NeuralNetworkError) {
        file = try ReadableFile(path)
        missing = Set(format.missing.map { Array($0.utf8) })
        parser = CSVParser(
            source: path, separator: format.separator.asciiValue ?? UInt8(ascii: ","), trimsSpaces: format.trimsSpaces,
            maximumRecordSize: format.maximumRecordSize)
    }

    /// The next record, or `nil` at the end.
    mutating func next() throws(NeuralNetworkError) -> CSVParser.Record? {
        while !hasEnded {
            if let record = try parser.next(&piece) { return try checked(record) }
            piece = try file.read(Self.pieceSize)[...]
            guard piece.isEmpty else { continue }
            hasEnded = true
            if let record = try parser.finish() { return try checked(record) }
        }
        return nil
    }

    /// Whether nothing is known of a value.
    func isMissing(_ record: CSVParser.Record, _ place: Int) -> Bool {
        !record.fields[place].isQuoted && missing.contains(Array(record[place]))
    }

    private func checked(_ record: CSVParser.Record) throws(NeuralNetworkError) -> CSVParser.Record {
        guard let fieldCount, record.count != fieldCount else { return record }
        throw NeuralNetworkError(
            .fileMalformed, file.path, NeuralNetworkError.Position(line: record.line, column: 1),
            "\(record.count) fields where there are \(fieldCount) columns")
    }
}
