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
    /// What each partition is sent, of elements or of the rows of those that have some.
    case encoded([EncodedGradient?])

    /// What a partition is sent: its part of the gradient, which is not copied, and the keys of its rows. `nil` where
    /// there is nothing to send.
    func share(of place: TableSet.Place) -> GradientShare? {
        switch self {
        case .dense(let gradient):
            do throws(TensorError) {
                return GradientShare(gradient: Segment(try gradient.sliced(axis: 0, place.elements)))
            } catch {
                preconditionFailure("partition \(place.name) is no part of its table: \(error)")
            }
        case .rows(let parts):
            return parts[place.name.index].map {
                GradientShare(gradient: Segment($0.values), keys: Segment($0.keys))
            }
        case .encoded(let parts):
            return parts[place.name.index].map {
                GradientShare(
                    gradient: Segment($0.bytes), keys: $0.keys.map { Segment($0) }, encoding: $0.encoding)
            }
        case .nothing: return nil
        }
    }

    /// The bytes of its values and keys.
    var byteCount: Int {
        switch self {
        case .dense(let gradient): gradient.elementCount * DType.float32.byteWidth
        case .rows(let parts): parts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        case .encoded(let parts): parts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        case .nothing: 0
        }
    }
}

/// A partition's share of a gradient, as its bytes leave.
struct GradientShare: Sendable {
    var gradient: Segment
    /// The keys of the rows; `nil` where the table is dense.
    var keys: Segment?
    /// How the gradient's bytes are to be read.
    var encoding = GradientEncoding.none
}
