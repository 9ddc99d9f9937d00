/// Something of a slot, in arrays that are in the order of slots.
protocol OfSlot {
    var slot: Int { get }
}

extension Array where Element: OfSlot {
    /// The first index whose slot is not below `slot`.
    func index(ofSlot slot: Int) -> Int {
        // Slots are given out from 0 on: nearly always what is of a slot is at its number.
        if indices.contains(slot), self[slot].slot == slot { return slot }
        var (lower, upper) = (0, count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if self[middle].slot < slot { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}

extension SessionFence.Entry: OfSlot {}
extension SessionTable.Record: OfSlot {}
