/// What is kept for each of a connection's open streams.
///
/// A hash table with linear probing whose hash is the stream's number: numbers are given out in a row, so those that are
/// open hardly ever meet, and a look-up costs no hash function. A peer that picks numbers that meet makes its own look-ups
/// linear in the streams that it may have open at a time. Inlinable, so that it is compiled for what each room keeps.
package struct StreamTable<Value> {
    /// What an empty table keeps room for, at most: a connection with no more calls than half of this at a time never
    /// sets memory aside twice, and memory that many have left is not kept for the connection's life.
    @usableFromInline static var keptCapacity: Int { 128 }

    /// The number of each place's stream; 0, which is no stream, where the place is free.
    @usableFromInline var numbers: [UInt32] = []
    @usableFromInline var values: [Value?] = []
    /// The streams in the table.
    @usableFromInline package private(set) var count = 0

    @inlinable package init() {}

    @inlinable package var isEmpty: Bool { count == 0 }

    /// What is kept for `stream`; setting `nil` removes it.
    @inlinable package subscript(_ stream: StreamID) -> Value? {
        get {
            guard let place = place(of: stream) else { return nil }
            return values[place]
        }
        set {
            guard let newValue else {
                removeValue(forKey: stream)
                return
            }
            if let place = place(of: stream) { values[place] = newValue } else { insert(newValue, stream) }
        }
        _modify {
            if let place = place(of: stream) {
                yield &values[place]
                if values[place] == nil { free(place) }
            } else {
                var value: Value?
                yield &value
                if let value { insert(value, stream) }
            }
        }
    }

    /// Takes out what is kept for `stream`.
    @discardableResult
    @inlinable package mutating func removeValue(forKey stream: StreamID) -> Value? {
        guard let place = place(of: stream) else { return nil }
        let value = values[place].take()
        free(place)
        return value
    }

    /// Empties the table.
    @inlinable package mutating func removeAll() { self = StreamTable() }

    /// All that is kept, in the order of the streams: what happens next must not depend on a table's.
    @inlinable package var inOrder: [(stream: StreamID, value: Value)] {
        guard count > 0 else { return [] }
        let pairs = zip(numbers, values).compactMap { number, value in
            value.map { (stream: StreamID(rawValue: number), value: $0) }
        }
        return pairs.sorted { $0.stream < $1.stream }
    }

    /// Where a stream would be if no other were in its way. A connection's own numbers are all odd.
    @inlinable func home(_ number: UInt32) -> Int { Int(number >> 1) & (numbers.count - 1) }

    @inlinable func place(of stream: StreamID) -> Int? {
        guard count > 0, stream != .connection else { return nil }
        var place = home(stream.rawValue)
        while numbers[place] != stream.rawValue {
            guard numbers[place] != 0 else { return nil }
            place = (place + 1) & (numbers.count - 1)
        }
        return place
    }

    @inlinable mutating func insert(_ value: Value, _ stream: StreamID) {
        precondition(stream != .connection, "the connection is no stream")
        if (count + 1) * 2 > numbers.count { grow() }
        var place = home(stream.rawValue)
        while numbers[place] != 0 { place = (place + 1) & (numbers.count - 1) }
        numbers[place] = stream.rawValue
        values[place] = value
        count += 1
    }

    @inlinable mutating func grow() {
        let old = zip(numbers, values)
        let capacity = max(8, numbers.count * 2)
        numbers = [UInt32](repeating: 0, count: capacity)
        values = [Value?](repeating: nil, count: capacity)
        count = 0
        for (number, value) in old {
            if let value { insert(value, StreamID(rawValue: number)) }
        }
    }

    /// Frees a place whose value is gone, and moves up what the place had kept from its home.
    @inlinable mutating func free(_ place: Int) {
        count -= 1
        numbers[place] = 0
        guard count > 0 || numbers.count <= Self.keptCapacity else { return removeAll() }
        let mask = numbers.count - 1
        var gap = place
        var next = (place + 1) & mask
        while numbers[next] != 0 {
            // It may fill the gap if its home is not between the two.
            if (next - home(numbers[next])) & mask >= (next - gap) & mask {
                numbers[gap] = numbers[next]
                values[gap] = values[next].take()
                numbers[next] = 0
                gap = next
            }
            next = (next + 1) & mask
        }
    }
}

extension StreamTable: Sendable where Value: Sendable {}
