import Synchronization

/// The counters of one histogram, one page of 16 for each octave that was ever touched: latencies of one method lie in
/// three to six octaves of 42, which is what makes thousands of histograms affordable.
///
/// Safe to use: no pointer leaves it, and every offset is checked. Any thread may count at any time; a reader sees each
/// count that happened before its read, and perhaps later ones.
@safe struct AtomicBuckets: ~Copyable {
    private typealias Page = UnsafeMutablePointer<Atomic<UInt64>>

    private let pages: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Atomic<UInt64>>?>>

    init() {
        let pages = UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Atomic<UInt64>>?>>.allocate(
            capacity: ExponentialBuckets.octaves.count)
        for octave in 0..<ExponentialBuckets.octaves.count {
            // Within the capacity allocated above.
            unsafe (pages + octave).initialize(to: Atomic(nil))
        }
        unsafe self.pages = pages
    }

    deinit {
        // Nobody else can hold a noncopyable value that is being destroyed: the pages are ours alone, and all were
        // initialized.
        for octave in 0..<ExponentialBuckets.octaves.count {
            if let page = unsafe pages[octave].load(ordering: .acquiring) {
                unsafe Self.free(page)
            }
        }
        unsafe pages.deinitialize(count: ExponentialBuckets.octaves.count)
        unsafe pages.deallocate()
    }

    /// Counts one value in the bucket at `position`, which is in `0..<ExponentialBuckets.count`.
    func increment(at position: Int) {
        precondition((0..<ExponentialBuckets.count).contains(position), "AtomicBuckets: no bucket \(position)")
        let (octave, step) = (position / ExponentialBuckets.perOctave, position % ExponentialBuckets.perOctave)
        // Both offsets are within what was allocated, by the precondition; pages are never freed while the value lives.
        let page = unsafe pages[octave].load(ordering: .acquiring) ?? makePage(octave)
        _ = unsafe page[step].add(1, ordering: .relaxed)
    }

    /// Calls `body` with each place that has a count, in rising order.
    func forEach(_ body: (_ position: Int, _ count: UInt64) -> Void) {
        for octave in 0..<ExponentialBuckets.octaves.count {
            // As in increment(at:).
            guard let page = unsafe pages[octave].load(ordering: .acquiring) else { continue }
            for step in 0..<ExponentialBuckets.perOctave {
                let count = unsafe page[step].load(ordering: .relaxed)
                if count > 0 { body(octave * ExponentialBuckets.perOctave + step, count) }
            }
        }
    }

    /// The page of an octave that had none; when two threads make it at once, the one that comes second gives its own
    /// back.
    private func makePage(_ octave: Int) -> Page {
        let page = Page.allocate(capacity: ExponentialBuckets.perOctave)
        for step in 0..<ExponentialBuckets.perOctave {
            // Within the capacity allocated above.
            unsafe (page + step).initialize(to: Atomic(0))
        }
        let (exchanged, original) = unsafe pages[octave].compareExchange(
            expected: nil, desired: page, ordering: .acquiringAndReleasing)
        guard !exchanged, let original = unsafe original else { return unsafe page }
        unsafe Self.free(page)
        return unsafe original
    }

    private static func free(_ page: Page) {
        // Every page has exactly perOctave initialized counters.
        unsafe page.deinitialize(count: ExponentialBuckets.perOctave)
        unsafe page.deallocate()
    }
}

// The pointers are written once each, by atomic exchange, and what they point to is atomic; so sharing is safe.
extension AtomicBuckets: @unchecked Sendable {}
