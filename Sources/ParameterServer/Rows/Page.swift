import MeshWire

/// Memory that a row table copies as one piece: a slab of rows, a part of the index, a part of the counters.
///
/// `@unchecked Sendable` holds because ``Pages`` writes only to a page that nothing else refers to, and everybody else
/// reads.
@safe final class Page: @unchecked Sendable {
    fileprivate let base: UnsafeMutableRawPointer
    fileprivate let byteCount: Int

    /// A page of zeros.
    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: 64)
        // Safe: the bytes were allocated just above.
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    fileprivate init(copying bytes: UnsafeRawBufferPointer) {
        byteCount = bytes.count
        unsafe base = .allocate(byteCount: bytes.count, alignment: 64)
        if let source = bytes.baseAddress {
            // Safe: both sides have as many bytes, and one of them is new.
            unsafe base.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    deinit {
        // Safe: the last reference is gone.
        unsafe base.deallocate()
    }

    fileprivate var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: byteCount) }
}

/// Pages of one size, each copied when it is first written while another value has it too. A value, whose copy costs
/// nothing, and a pointer a page at the first write after.
struct Pages: Sendable {
    let pageBytes: Int
    private var pages: [Page] = []
    /// The bytes that were kept for others when this value wrote, so far.
    private(set) var copiedBytes = 0

    /// `count` pages of zeros.
    init(of pageBytes: Int, count: Int = 0) {
        self.pageBytes = pageBytes
        for _ in 0..<count { append() }
    }

    /// Pages with the bytes of these segments, which are copied.
    ///
    /// - Returns: `nil` unless each has the bytes of one page or of several.
    init?(of pageBytes: Int, _ segments: [Segment]) {
        self.pageBytes = pageBytes
        for segment in segments {
            guard segment.count > 0, segment.count.isMultiple(of: pageBytes) else { return nil }
            pages += segment.parts(of: pageBytes).map { part in
                unsafe part.withUnsafeBytes { unsafe Page(copying: $0) }
            }
        }
    }

    var count: Int { pages.count }
    var byteCount: Int { pages.count * pageBytes }

    /// Each page's bytes, which are not copied: they stay as they are while somebody has the segment.
    var segments: [Segment] {
        // Safe: whoever has the page keeps it valid, and nobody writes to one that two have.
        pages.map { unsafe Segment(unsafeBytes: $0.bytes, owner: $0) }
    }

    /// Where a page is read. Valid while this value lives and is not changed.
    func bytes(_ page: Int) -> UnsafeRawPointer { unsafe UnsafeRawPointer(pages[page].base) }

    /// Where a page is read and written. Valid while this value lives, until another call that changes it.
    mutating func writable(_ page: Int) -> UnsafeMutableRawPointer {
        if !isKnownUniquelyReferenced(&pages[page]) {
            pages[page] = unsafe Page(copying: pages[page].bytes)
            copiedBytes += pageBytes
        }
        return unsafe pages[page].base
    }

    /// Adds a page of zeros.
    mutating func append() { pages.append(Page(byteCount: pageBytes)) }

    /// Gives the last page up.
    mutating func removeLast() {
        if !isKnownUniquelyReferenced(&pages[pages.count - 1]) { copiedBytes += pageBytes }
        pages.removeLast()
    }
}

extension Segment {
    /// The segment in parts of so many bytes, which share its memory; the last may have fewer.
    func parts(of bytes: Int) -> [Segment] {
        let (all, owner) = unsafe retained
        // Safe: each part lies in the segment, whose owner it has.
        return stride(from: 0, to: count, by: bytes).map { start in
            let part = unsafe UnsafeRawBufferPointer(rebasing: all[start..<Swift.min(start + bytes, all.count)])
            return unsafe Segment(unsafeBytes: part, owner: owner)
        }
    }
}
