import MeshWire
import Optimizers
import Tensor

/// The rows of one partition of a row table that exist, each with what the update rule remembers of it.
///
/// Everything here follows from the pushes in their order: not from who executes them, nor from when it was read, nor
/// from whether it went through a snapshot in between. So a place that is taken is always the first free one, and what
/// expires is counted in pushes. A value, of which a copy costs nothing: whoever changes it copies the slabs, and the
/// pages of the index, that it writes while a copy has them too.
///
/// Memory: ``RowLayout/rowBytes`` a row (24 bytes, its elements and those of the rule's slots) in slabs of at most
/// 16 KiB, and 10.7 to 21.3 bytes of ``RowIndex``; with admission two bytes for each row that may exist.
struct RowTable: Sendable {
    private let declaration: TableDeclaration
    private let settings: TableDeclaration.RowSettings
    private let partition: Int
    private let layout: RowLayout
    /// What each slot of a row holds at first.
    private let slotValues: [Float]

    private var slabs: Pages
    private var index = RowIndex()
    /// The slabs with a free place.
    private var slabsWithRoom = LeastSet()
    /// `nil` where a row exists from its first push on.
    private var counters: AdmissionCounters?
    /// The slab that is looked through next for rows that have expired.
    private var nextSwept = 0

    /// The rows that are kept: those that exist, and those that have expired and not been found yet.
    var rowCount: Int { index.count }
    /// The memory that rows, index and counters take.
    var byteCount: Int { slabs.byteCount + index.pages.byteCount + (counters?.pages.byteCount ?? 0) }
    /// The bytes that had to be kept for others when this one was changed, so far.
    var copiedBytes: Int { slabs.copiedBytes + index.copiedBytes + (counters?.pages.copiedBytes ?? 0) }

    /// A partition of a row table, without rows.
    init(_ settings: TableDeclaration.RowSettings, of declaration: TableDeclaration, partition: Int) {
        self.declaration = declaration
        self.settings = settings
        self.partition = partition
        layout = declaration.rowLayout
        slotValues = declaration.updateRule.slotInitialValues
        slabs = Pages(of: layout.slabBytes)
        counters = settings.admission > 1 ? AdmissionCounters(rows: settings.rowsPerPartition) : nil
    }

    // MARK: Reading

    /// Writes the rows of `keys` to `target`, one after the other: as they are, or as they would begin.
    ///
    /// - Parameter clock: the pushes that were applied.
    func read(_ keys: UnsafeBufferPointer<UInt64>, clock: UInt64, to target: UnsafeMutablePointer<Float>) {
        for number in 0..<keys.count {
            let key = unsafe keys[number]
            // Safe: the target has room for as many rows as there are keys.
            let row = unsafe target + number * layout.width
            if let place = place(of: key), !hasExpired(place, clock: clock) {
                // Safe: a row's elements lie behind its header, in a slab that this value keeps.
                unsafe UnsafeMutableRawPointer(row).copyMemory(
                    from: bytes(place) + RowLayout.headerBytes, byteCount: 4 * layout.width)
            } else {
                unsafe writeInitialValues(of: key, to: row)
            }
        }
    }

    /// Those of `keys` whose rows exist, in their order.
    func existing(_ keys: AnyTensor, clock: UInt64) -> [UInt64] {
        keys.withKeys { keys in
            unsafe keys.filter { key in place(of: key).map { !hasExpired($0, clock: clock) } ?? false }
        }
    }

    /// How many rows a push of `keys` would add.
    private func additions(_ keys: UnsafeBufferPointer<UInt64>) -> Int {
        var additions = 0
        for number in 0..<keys.count {
            let key = unsafe keys[number]
            if place(of: key) == nil, (counters?.count(of: key) ?? 0) + 1 >= settings.admission { additions += 1 }
        }
        return additions
    }

    /// What is wrong with a push of `keys`, uint64 `[rows]`, if there is no room for the rows that it adds.
    func lackOfRoom(for keys: AnyTensor) -> PushFault? {
        let most = settings.rowsPerPartition
        guard rowCount + keys.elementCount > most else { return nil }
        let additions = keys.withKeys { unsafe self.additions($0) }
        guard rowCount + additions > most else { return nil }
        return PushFault(
            code: .rowsFull,
            message: "\(rowCount) of \(most) rows exist, and the push needs \(additions) more: declare the table "
                + "with more partitions, more rows in each, or a time to live")
    }

    // MARK: Changing

    /// One step of the rows that a gradient names, each of which exists after it, or has been counted once more. Then
    /// looks through so many slabs for rows that have expired that all are looked through in about the time to live.
    ///
    /// Nothing of it can fail: whoever calls has checked the gradient (``TableDeclaration/fault(in:keys:partition:)``).
    /// - Parameter clock: the pushes that were applied before.
    mutating func apply(
        _ keys: UnsafeBufferPointer<UInt64>, _ gradient: UnsafePointer<Float>, learningRate: Float, clock: UInt64
    ) {
        let rule = declaration.updateRule
        for number in 0..<keys.count {
            guard let place = unsafe existing(keys[number], clock: clock) else { continue }
            let row = unsafe writable(place)
            let steps = unsafe row.load(fromByteOffset: 16, as: UInt64.self) + 1
            unsafe row.storeBytes(of: clock + 1, toByteOffset: 8, as: UInt64.self)
            unsafe row.storeBytes(of: steps, toByteOffset: 16, as: UInt64.self)
            // Safe: a row has `width` elements behind its header, the slots follow, and the gradient has a row for
            // each key.
            unsafe rule.step(
                layout.width, floats(row, RowLayout.headerBytes),
                slotValues.isEmpty ? nil : floats(row, layout.offset(ofSlot: 0)),
                slotValues.count < 2 ? nil : floats(row, layout.offset(ofSlot: 1)),
                gradient: gradient + number * layout.width, powers: rule.powers(ofStep: Int(clamping: steps)),
                learningRate: learningRate)
        }
        removeExpired(clock: clock + 1)
        removeEmptySlabs()
    }

    /// Gives rows that exist other elements. It is no step of theirs, and does not keep them from expiring.
    ///
    /// - Parameter values: float32, the elements of a row for each key.
    mutating func overwrite(_ keys: AnyTensor, with values: AnyTensor) {
        precondition(values.elementCount == keys.elementCount * layout.width)
        guard keys.elementCount > 0 else { return }
        keys.withKeys { keys in
            values.withBytes { values in
                let elements = unsafe values.baseAddress!.assumingMemoryBound(to: Float.self)
                for number in 0..<keys.count {
                    guard let place = place(of: unsafe keys[number]) else { continue }
                    // Safe: both sides have as many elements as a row.
                    unsafe floats(writable(place), RowLayout.headerBytes).update(
                        from: elements + number * layout.width, count: layout.width)
                }
            }
        }
    }

    /// The place of a row, which begins to exist where its time has come; `nil` where it has not.
    private mutating func existing(_ key: UInt64, clock: UInt64) -> Int? {
        if let place = place(of: key) {
            if !hasExpired(place, clock: clock) { return place }
            remove(place)
        }
        if let count = counters?.add(key), count < settings.admission { return nil }
        // Whoever made the record has checked that there is room; keys of one push that share counters may yet add
        // more.
        guard rowCount < settings.rowsPerPartition else { return nil }
        return make(key)
    }

    /// Makes a row with its first values, which does not exist and has room.
    private mutating func make(_ key: UInt64) -> Int {
        let place = takePlace()
        let row = unsafe writable(place)
        // Safe: a place has room for the header, the row's elements and those of the slots, in this order.
        unsafe row.storeBytes(of: key, as: UInt64.self)
        unsafe writeInitialValues(of: key, to: floats(row, RowLayout.headerBytes))
        for (slot, value) in slotValues.enumerated() {
            unsafe floats(row, layout.offset(ofSlot: slot)).update(repeating: value, count: layout.slotWidth)
        }
        index.insert(RowHash.tag(key), place: place)
        return place
    }

    /// Has a row exist that no push has made, with these elements, and as if it had been pushed when the table began;
    /// false if it does already, or there is no room.
    mutating func begin(_ key: UInt64, with elements: UnsafePointer<Float>) -> Bool {
        guard place(of: key) == nil, rowCount < settings.rowsPerPartition else { return false }
        let row = unsafe writable(make(key))
        // Safe: both sides have as many elements as a row.
        unsafe floats(row, RowLayout.headerBytes).update(from: elements, count: layout.width)
        return true
    }

    private func writeInitialValues(of key: UInt64, to row: UnsafeMutablePointer<Float>) {
        // With a limit the rows are those of a dense table, by their places in it; without, a key may be too large for
        // that, and has a stream of its own.
        // Safe: a row has `width` elements.
        if settings.keyLimit != nil {
            unsafe declaration.initializer.write(
                layout.width, from: key &* UInt64(layout.width), key: declaration.key, to: row)
        } else {
            unsafe declaration.initializer.write(layout.width, from: 0, key: declaration.key.foldIn(key), to: row)
        }
    }

    // MARK: Expiry

    private func hasExpired(_ place: Int, clock: UInt64) -> Bool {
        guard let time = settings.timeToLive else { return false }
        let pushed = unsafe bytes(place).load(fromByteOffset: 8, as: UInt64.self)
        return clock > pushed && clock - pushed >= time
    }

    private mutating func removeExpired(clock: UInt64) {
        guard let time = settings.timeToLive, slabs.count > 0 else { return }
        let share = Int(clamping: (UInt64(slabs.count) - 1) / time + 1)
        for _ in 0..<share {
            if nextSwept >= slabs.count { nextSwept = 0 }
            for place in rows(ofSlab: nextSwept) where hasExpired(place, clock: clock) { remove(place) }
            nextSwept += 1
        }
    }

    private mutating func removeEmptySlabs() {
        while slabs.count > 0, isEmpty(slab: slabs.count - 1) {
            slabsWithRoom.remove(slabs.count - 1)
            slabs.removeLast()
        }
    }

    private func isEmpty(slab: Int) -> Bool {
        let base = unsafe slabs.bytes(slab)
        // Safe: a slab begins with so many words.
        return (0..<layout.words).allSatisfy { unsafe base.load(fromByteOffset: 8 * $0, as: UInt64.self) == 0 }
    }

    // MARK: Places

    private func place(of key: UInt64) -> Int? {
        index.place(of: RowHash.tag(key)) { unsafe bytes($0).load(as: UInt64.self) == key }
    }

    /// The places of a slab where rows are, counted through all slabs.
    private func rows(ofSlab slab: Int) -> [Int] {
        var rows: [Int] = []
        let base = unsafe slabs.bytes(slab)
        for word in 0..<layout.words {
            // Safe: a slab begins with so many words.
            var bits = unsafe base.load(fromByteOffset: 8 * word, as: UInt64.self)
            while bits != 0 {
                rows.append(slab * layout.rowsPerSlab + 64 * word + bits.trailingZeroBitCount)
                bits &= bits - 1
            }
        }
        return rows
    }

    /// Takes the first free place.
    private mutating func takePlace() -> Int {
        if slabsWithRoom.least == nil {
            slabs.append()
            slabsWithRoom.insert(slabs.count - 1)
        }
        guard let slab = slabsWithRoom.least else { preconditionFailure("a new slab without room") }
        let base = unsafe slabs.writable(slab)
        var taken: Int?
        var count = 0
        for word in 0..<layout.words {
            // Safe: a slab begins with so many words.
            var bits = unsafe base.load(fromByteOffset: 8 * word, as: UInt64.self)
            if taken == nil, bits != .max {
                let bit = (~bits).trailingZeroBitCount
                bits |= 1 << bit
                unsafe base.storeBytes(of: bits, toByteOffset: 8 * word, as: UInt64.self)
                taken = slab * layout.rowsPerSlab + 64 * word + bit
            }
            count += bits.nonzeroBitCount
        }
        guard let taken else { preconditionFailure("slab \(slab) has no room") }
        if count == layout.rowsPerSlab { slabsWithRoom.remove(slab) }
        return taken
    }

    private mutating func remove(_ place: Int) {
        index.remove(RowHash.tag(unsafe bytes(place).load(as: UInt64.self)), place: place)
        // Safe: the row is a place's bytes, and its bit one of the slab's words.
        unsafe writable(place).initializeMemory(as: UInt8.self, repeating: 0, count: layout.rowBytes)
        let (slab, number) = place.quotientAndRemainder(dividingBy: layout.rowsPerSlab)
        let base = unsafe slabs.writable(slab)
        let bits = unsafe base.load(fromByteOffset: number / 64 * 8, as: UInt64.self)
        unsafe base.storeBytes(of: bits & ~(1 << (number % 64)), toByteOffset: number / 64 * 8, as: UInt64.self)
        slabsWithRoom.insert(slab)
    }

    /// Where a row is read.
    private func bytes(_ place: Int) -> UnsafeRawPointer {
        let (slab, number) = place.quotientAndRemainder(dividingBy: layout.rowsPerSlab)
        // Safe: a slab has as many places.
        return unsafe slabs.bytes(slab) + layout.offset(ofPlace: number)
    }

    /// Where a row is read and written.
    private mutating func writable(_ place: Int) -> UnsafeMutableRawPointer {
        let (slab, number) = place.quotientAndRemainder(dividingBy: layout.rowsPerSlab)
        // Safe: a slab has as many places.
        return unsafe slabs.writable(slab) + layout.offset(ofPlace: number)
    }

    private func floats(_ row: UnsafeMutableRawPointer, _ offset: Int) -> UnsafeMutablePointer<Float> {
        // Safe: the elements of a row are aligned for floats, since its header and its place are.
        unsafe (row + offset).assumingMemoryBound(to: Float.self)
    }
}

extension RowTable {
    // MARK: Snapshots

    /// All of it, for a log or another process; nothing is copied.
    var image: RowImage {
        RowImage(
            nextSwept: UInt64(nextSwept), additions: counters?.additions ?? 0, slabs: slabs.segments,
            counters: counters?.pages.segments ?? [])
    }

    /// The partition that an image was taken of.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotInvalid`` for one of another table or partition, and for one that
    ///   contradicts itself.
    init(
        _ image: RowImage, _ settings: TableDeclaration.RowSettings, of declaration: TableDeclaration, partition: Int
    ) throws(ParameterServerError) {
        func invalid(_ reason: String) -> ParameterServerError {
            ParameterServerError(.snapshotInvalid, "table \(declaration.name), partition \(partition): \(reason)")
        }
        self.init(settings, of: declaration, partition: partition)
        guard let slabs = Pages(of: layout.slabBytes, image.slabs), let swept = Int(exactly: image.nextSwept) else {
            throw invalid("the snapshot's slabs are not of \(layout.slabBytes) bytes")
        }
        self.slabs = slabs
        nextSwept = swept
        for slab in 0..<slabs.count {
            let places = rows(ofSlab: slab)
            if places.count < layout.rowsPerSlab { slabsWithRoom.insert(slab) }
            for place in places {
                guard place < (slab + 1) * layout.rowsPerSlab else { throw invalid("slab \(slab) has too many rows") }
                let key = unsafe bytes(place).load(as: UInt64.self)
                if let fault = declaration.fault(ofRow: key, partition: partition) { throw invalid(fault.message) }
                guard self.place(of: key) == nil else { throw invalid("row \(key) is in the snapshot twice") }
                index.insert(RowHash.tag(key), place: place)
            }
        }
        guard rowCount <= settings.rowsPerPartition else { throw invalid("the snapshot has \(rowCount) rows") }
        guard settings.admission > 1 else {
            guard image.counters.isEmpty else { throw invalid("the snapshot has counters of rows") }
            return
        }
        counters = AdmissionCounters(
            rows: settings.rowsPerPartition, pages: image.counters, additions: image.additions)
        guard counters != nil else { throw invalid("the snapshot has \(image.counters.count) pages of counters") }
    }
}
