import CTensorKernels

/// A block of memory from where tensors have theirs: aligned as they are, on pages as large.
@safe
final class AlignedElements<Element: BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int

    private static func byteCount(_ count: Int) -> Int { count * MemoryLayout<Element>.stride }

    init(repeating value: Element, count: Int) {
        guard let block = unsafe mw_storage_allocate(Self.byteCount(count)) else {
            preconditionFailure("no memory for \(count) elements")
        }
        // Released in deinit; initialised here.
        unsafe pointer = block.bindMemory(to: Element.self, capacity: count)
        unsafe pointer.initialize(repeating: value, count: count)
        self.count = count
    }

    deinit { unsafe mw_storage_release(pointer, Self.byteCount(count)) }
}
