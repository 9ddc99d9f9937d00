/// Something that sees each primitive which is applied to the values that it carries: a tape that will differentiate
/// them, or a walk through a model with shapes only.
///
/// The carrier is the value: an ``AnyTensor`` has an optional reference to its trace and a node, so a value outside any
/// trace pays one test of a field. Traces nest: the innermost one processes an application, and applies the primitive
/// in turn to values that have its own mark taken off and may carry an outer trace.
package protocol Trace: AnyObject, Sendable {
    /// Where the trace lies in a nest: a trace that began inside another has the greater level.
    var level: UInt64 { get }

    /// Applies `primitive` to `operands`, of which at least one is carried by this trace.
    func process(
        _ primitive: Primitive, _ operands: consuming [AnyTensor], _ attributes: Attributes
    ) throws(TensorError) -> AnyTensor
}

/// The trace of values of which only the type is known: it runs shape rules and no kernel.
///
/// It is the outermost of all traces, so that any other can run over abstract values.
package final class AbstractTrace: Trace {
    package static let shared = AbstractTrace()

    package let level: UInt64 = 0

    private init() {}

    package func process(
        _ primitive: Primitive, _ operands: consuming [AnyTensor], _ attributes: Attributes
    ) throws(TensorError) -> AnyTensor {
        AnyTensor(abstract: try primitive.resultType(of: operands.map(\.type), attributes))
    }
}
