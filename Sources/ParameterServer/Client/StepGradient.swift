import Coordination
import MeshWire
import Tensor

/// The gradient of a table as it leaves.
enum StepGradient: Sendable {
    /// All elements, with one axis.
    case dense(AnyTensor)
    /// The rows of each partition that has some.
    case rows([RowGradient?])
    /// The table takes no part.
    case nothing

    /// What a partition is sent: its part of the gradient, which is not copied, and the keys of its rows. `nil` where there
    /// is nothing to send.
    func share(of place: TableSet.Place) -> (gradient: Segment, keys: Segment?)? {
        switch self {
        case .dense(let gradient):
            do throws(TensorError) {
                return (Segment(try gradient.sliced(axis: 0, place.elements)), nil)
            } catch {
                preconditionFailure("partition \(place.name) is no part of its table: \(error)")
            }
        case .rows(let parts):
            return parts[place.name.index].map { (Segment($0.values), Segment($0.keys)) }
        case .nothing: return nil
        }
    }

    /// The bytes that leave.
    var byteCount: Int {
        switch self {
        case .dense(let gradient): gradient.elementCount * DType.float32.byteWidth
        case .rows(let parts): parts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        case .nothing: 0
        }
    }
}
