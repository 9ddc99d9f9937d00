import Optimizers
package import Tensor

extension NamedTensors {
    /// Scales a step so that its global norm is `limit` at most: that of all gradients, rows among them, by one factor.
    package mutating func clip(
        toGlobalNorm limit: Double, with rows: inout [String: KeyedRows]
    ) throws(TensorError) {
        var norm = GlobalNorm()
        try add(to: &norm)
        for (name, keyed) in rows { try norm.add(keyed.values, named: name) }
        guard let factor = norm.factor(for: limit) else { return }
        self = try scaled(by: factor)
        for (name, keyed) in rows { rows[name] = try KeyedRows(keys: keyed.keys, values: try keyed.values * factor) }
    }
}
