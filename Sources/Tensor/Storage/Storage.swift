import CTensorKernels

/// The bytes behind one or more tensors, who owns them, and whether they may be written.
///
/// `@unchecked Sendable` holds because bytes are written only by a task that has just made the storage and not yet
/// shown it to another, or that holds the only reference to it (``AnyTensor`` asks `isKnownUniquelyReferenced`
/// first); everything else here is constant.
@safe package final class Storage: @unchecked Sendable {
    /// Who gives the bytes back.
    enum Owner: Sendable {
        /// The storage allocator of `CTensorKernels`, at deinitialisation.
        case pool
        /// An object that keeps the bytes valid while it lives: a file mapping, a network buffer.
        case external(any Sendable & AnyObject)
    }

    let base: UnsafeMutableRawPointer
    package let byteCount: Int
    /// Whether the bytes may be overwritten in place by the only holder of a reference. Foreign bytes never are: the
    /// owner may show them to others, and a file's mapping is read-only.
    let isWritable: Bool
    private let owner: Owner

    /// `byteCount` bytes from the storage allocator, 64-byte aligned, with undefined values.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory`` when the system has none left.
    init(byteCount: Int) throws(TensorError) {
        guard let base = unsafe mw_storage_allocate(byteCount) else {
            throw TensorError(.outOfMemory, "no memory for a tensor of \(byteCount) bytes")
        }
        unsafe self.base = base
        self.byteCount = byteCount
        self.isWritable = true
        self.owner = .pool
    }

    /// The bytes that `owner` keeps valid and constant.
    init(adopting bytes: UnsafeRawBufferPointer, owner: any Sendable & AnyObject) {
        // Safe: never written through, because `isWritable` is false. An empty buffer may lack a base; any aligned
        // address does for zero bytes.
        unsafe self.base = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? Self.emptyBase)
        self.byteCount = bytes.count
        self.isWritable = false
        self.owner = .external(owner)
    }

    /// An address for storage of no bytes; nothing is read through it.
    private static var emptyBase: UnsafeRawPointer {
        unsafe UnsafeRawPointer(bitPattern: Int(MW_STORAGE_ALIGNMENT))!
    }

    deinit {
        if case .pool = owner {
            // Safe: the last reference is gone, and the block came from the allocator with the same byte count.
            unsafe mw_storage_release(base, byteCount)
        }
    }
}
