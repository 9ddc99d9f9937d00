public import MeshWire

extension TableDeclaration {
    /// What a row table has that a dense one has not.
    public struct RowSettings: Sendable, Hashable {
        /// Keys are below this number, and others are refused with ``ParameterServerError/Code/rowOutOfRange``; the
        /// rows then begin with the values that a dense table of shape `[keyLimit, rowWidth]` would have. Default
        /// `nil`: every 64-bit number is a key, and a row's first values are those of the table's random key folded
        /// with it.
        public var keyLimit: UInt64?
        /// The most rows of a partition, 1 to 2³⁰. A push that would need more is refused with
        /// ``ParameterServerError/Code/rowsFull``. Default 1,048,576.
        public var rowsPerPartition = 1 << 20
        /// A row exists from the push on that names it for this time, 1 to 255; before that its gradients are counted
        /// and not applied. More than 1 keeps rows that hardly ever occur out. Counts are kept in a sketch of fixed
        /// size: it may take a row in early, and halves old counts. Default 1.
        public var admission = 1
        /// A row that so many pushes to its partition in a row have not named is as if it had never been, 1 or more.
        /// Its memory, and its place among ``rowsPerPartition``, come free within about as many pushes again. Default
        /// `nil`: rows stay.
        public var timeToLive: UInt64?

        /// Makes the defaults.
        public init() {}

        /// What is out of range, for rows of `width` elements; empty where nothing is.
        func problems(width: Int) -> [String] {
            var problems: [String] = []
            if !(1...LeastSet.limit).contains(rowsPerPartition) {
                problems.append("rowsPerPartition must be in 1...\(LeastSet.limit), is \(rowsPerPartition)")
            }
            if !(1...AdmissionCounters.most).contains(admission) {
                problems.append("admission must be in 1...\(AdmissionCounters.most), is \(admission)")
            }
            if timeToLive == 0 { problems.append("timeToLive must be 1 or more") }
            if let keyLimit {
                let (elements, overflows) = keyLimit.multipliedReportingOverflow(by: UInt64(max(width, 1)))
                if keyLimit == 0 || overflows || elements > UInt64(Int.max) {
                    problems.append(
                        "keyLimit must be 1 or more, and its rows have at most 2^63 elements together, is \(keyLimit)")
                }
            }
            return problems
        }
    }
}

extension TableDeclaration.RowSettings: MeshMessage {
    /// `meshwork.parameters.RowSettings`.
    public static let messageName = "meshwork.parameters.RowSettings"

    /// Reads settings as they were declared.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        rowsPerPartition = 0
        while let field = try decoder.nextField() {
            switch field {
            case 1: keyLimit = try decoder.uint64()
            case 2: rowsPerPartition = try decoder.count()
            case 3: admission = try decoder.count()
            case 4: timeToLive = try decoder.uint64()
            default: break
            }
        }
    }

    /// Writes the settings. Equal ones have equal bytes.
    public func encode(to encoder: inout MessageEncoder) {
        if let keyLimit { encoder.uint64(1, keyLimit) }
        encoder.uint64(2, UInt64(rowsPerPartition))
        encoder.uint64(3, UInt64(admission))
        if let timeToLive { encoder.uint64(4, timeToLive) }
    }
}
