import Coordination
package import MeshWire
import Tensor

/// A function of the host's own that runs where the parameters are: registered with every parameter server by name and
/// version, called by workers with an argument, and run once for each partition of a table.
///
/// ```swift
/// let clip = ServerFunction(updating: "clip", combine: +) { (values: inout PartitionValues, limit: Float) -> Int in
///     let before = values.parameters
///     values.parameters = before.clipped(from: Tensor(-limit), to: Tensor(limit))
///     return try before.core.scalars(as: Float.self).count { abs($0) > limit }
/// }
///
/// let server = try ParameterServer(named: "server-0", on: mesh, coordination: coordination, functions: [clip.registered])
/// let clipped = try await client.call(clip, 0.5, on: "weight").combined
/// ```
/// An *updating* function changes a partition, as a push does: exactly once however often its answer is lost, in the
/// order of the partition's log, at every server of its chain. Whoever asks again gets the answer that was kept. A
/// *reading* function changes nothing, and spares the wire what it is computed from.
///
/// **The same bits everywhere are the host's duty.** Followers and restarted servers run an updating function again, and
/// must come to the bits that the head came to: the body may depend on its argument and on what ``PartitionValues`` says,
/// and on nothing else; no clock, no random numbers but those of ``PartitionValues/key``, no order of a `Set` or a
/// `Dictionary`, no other state. Elementwise operations, reductions and sorts of `Tensor` have the same bits on every
/// machine; matrix products may differ between kinds of processors. A server that comes to other bits than the head does
/// not take them: a follower leaves the chain, and a server that is started again refuses its log. A changed body is
/// another function: give it another ``version``, and register both until nothing in a log calls the old one.
///
/// A body runs on the compute pool. While an updating one runs, nobody else reaches the partition, so it should take no
/// longer than a step does. It works on a copy of what it writes: one that throws leaves everything as it was.
public struct ServerFunction<Argument: Codable & Sendable, Answer: Codable & Sendable>: Sendable {
    /// The name, up to 128 bytes of UTF-8 without `@` and `*`.
    public let name: String
    /// Which body it is, among those that had the name. Default 1.
    public let version: UInt32
    /// Whether it changes partitions.
    public let isUpdating: Bool
    /// Makes one answer of those of several partitions.
    let combine: (@Sendable (Answer, Answer) -> Answer)?
    /// The function as a server takes it.
    public let registered: RegisteredFunction

    /// A function that changes partitions.
    ///
    /// - Parameters:
    ///   - combine: makes one answer of two; the partitions' answers are combined from the first to the last. Default:
    ///     a call with several partitions has their answers alone.
    ///   - body: changes ``PartitionValues/parameters`` and ``PartitionValues/slots``, whose shapes stay. What it throws
    ///     is what the caller is told, with the code `functionFailed`.
    public init(
        updating name: String, version: UInt32 = 1, combine: (@Sendable (Answer, Answer) -> Answer)? = nil,
        _ body: @escaping @Sendable (inout PartitionValues, Argument) throws -> Answer
    ) {
        self.init(name, version, isUpdating: true, combine, body)
    }

    /// A function that reads partitions.
    ///
    /// - Parameters:
    ///   - combine: makes one answer of two; the partitions' answers are combined from the first to the last. Default:
    ///     a call with several partitions has their answers alone.
    ///   - body: gives the answer. What it throws is what the caller is told, with the code `functionFailed`.
    public init(
        reading name: String, version: UInt32 = 1, combine: (@Sendable (Answer, Answer) -> Answer)? = nil,
        _ body: @escaping @Sendable (PartitionValues, Argument) throws -> Answer
    ) {
        self.init(name, version, isUpdating: false, combine) { try body($0, $1) }
    }

    private init(
        _ name: String, _ version: UInt32, isUpdating: Bool, _ combine: (@Sendable (Answer, Answer) -> Answer)?,
        _ body: @escaping @Sendable (inout PartitionValues, Argument) throws -> Answer
    ) {
        self.name = name
        self.version = version
        self.isUpdating = isUpdating
        self.combine = combine
        registered = RegisteredFunction(
            id: FunctionID(name: name, version: version), isUpdating: isUpdating
        ) { (values, bytes) throws(ParameterServerError) in
            let argument: Argument
            do throws(WireError) {
                argument = try CodableMessage(encoded: bytes).value
            } catch {
                throw ParameterServerError(
                    .malformedRequest, "the argument of function \(name)@\(version) is no \(Argument.self): \(error)")
            }
            do {
                return try CodableMessage(try body(&values, argument)).encoded()
            } catch {
                throw ParameterServerError(
                    .functionFailed, "function \(name)@\(version): \(String("\(error)".prefix(500)))", cause: error)
            }
        }
    }
}

/// A ``ServerFunction`` as a server takes it, whatever the types of its argument and answer.
public struct RegisteredFunction: Sendable {
    package let id: FunctionID
    package let isUpdating: Bool
    /// Runs it with the bytes of an argument, and gives those of the answer: `malformedRequest` or `functionFailed`.
    let run: @Sendable (inout PartitionValues, [UInt8]) throws(ParameterServerError) -> [UInt8]

    /// Runs a reading function.
    ///
    /// - Throws: ``ParameterServerError`` with `malformedRequest` or `functionFailed`.
    package func read(_ values: PartitionValues, _ argument: [UInt8]) throws(ParameterServerError) -> [UInt8] {
        var values = values
        return try run(&values, argument)
    }

    /// Runs an updating function, and sees to it that what it leaves is as it was in all but the numbers, which are
    /// finite.
    ///
    /// - Throws: ``ParameterServerError`` with `malformedRequest`, `functionFailed`, `nonFinite`, and `applyFailed` where
    ///   there is no memory.
    package func update(_ values: inout PartitionValues, _ argument: [UInt8]) throws(ParameterServerError) -> [UInt8] {
        let before = values
        let answer = try run(&values, argument)
        values.parameters = try checked(values.parameters, like: before.parameters, "the parameters")
        guard values.slots.count == before.slots.count else {
            throw ParameterServerError(
                .functionFailed,
                "function \(id) leaves the slots \(values.slots.keys.sorted()), expected \(before.slots.keys.sorted())")
        }
        for (name, former) in before.slots.sorted(by: { $0.key < $1.key }) {
            guard let slot = values.slots[name] else {
                throw ParameterServerError(.functionFailed, "function \(id) leaves no slot \(name)")
            }
            values.slots[name] = try checked(slot, like: former, "slot \(name)")
        }
        return answer
    }

    private func checked(
        _ tensor: Tensor<Float>, like former: Tensor<Float>, _ what: String
    ) throws(ParameterServerError) -> Tensor<Float> {
        guard tensor.core.shape == former.core.shape, !tensor.core.isAbstract else {
            throw ParameterServerError(
                .functionFailed,
                "function \(id) leaves \(what) as \(tensor.core.type), expected \(former.core.type) with values")
        }
        let packed: Tensor<Float>
        let fault: Int?
        do throws(TensorError) {
            packed = try Tensor(tensor.core.withoutTrace().contiguous())
            fault = try packed.core.firstNonFinite()
        } catch {
            throw ParameterServerError(.applyFailed, error.message, cause: error)
        }
        if let fault {
            throw ParameterServerError(.nonFinite, "function \(id): element \(fault) of \(what) is not finite")
        }
        return packed
    }
}

/// Which function, and which of its bodies.
package struct FunctionID: Sendable, Hashable, CustomStringConvertible {
    package var name: String
    package var version: UInt32

    package init(name: String, version: UInt32) {
        self.name = name
        self.version = version
    }

    /// `name@version`, as the partition map has it.
    package var description: String { "\(name)@\(version)" }

    /// What is wrong with it; `nil` if nothing is.
    var problem: String? {
        guard (1...128).contains(name.utf8.count), !name.contains(where: { "@*".contains($0) }) else {
            return "function \(self): expected a name of 1 to 128 bytes without '@' and '*'"
        }
        return nil
    }
}

extension FunctionID: MeshMessage {
    package static let messageName = "meshwork.parameters.FunctionReference"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(name: "", version: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: version = try decoder.uint32()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.uint32(2, version)
    }
}

/// The functions of a server.
struct ServerFunctions: Sendable {
    private var functions: [FunctionID: RegisteredFunction] = [:]

    /// None.
    init() {}

    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``, which names every function that cannot be.
    init(_ registered: [RegisteredFunction]) throws(ParameterServerError) {
        var problems = registered.compactMap(\.id.problem)
        let limit = CoordinatorState.functionLimit
        if registered.count > limit { problems.append("\(registered.count) functions, and the limit is \(limit)") }
        for function in registered where functions.updateValue(function, forKey: function.id) != nil {
            problems.append("function \(function.id) is registered twice")
        }
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }

    subscript(id: FunctionID) -> RegisteredFunction? { functions[id] }

    /// The function, which has to be of a kind.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownFunction`, and `malformedRequest` for one of the other kind.
    func function(_ id: FunctionID, isUpdating: Bool) throws(ParameterServerError) -> RegisteredFunction {
        guard let function = functions[id] else {
            let others = functions.keys.filter { $0.name == id.name }.map(\.version).sorted()
            throw ParameterServerError(
                .unknownFunction,
                "there is no function \(id) here"
                    + (others.isEmpty
                        ? "" : ", and \(id.name) has version \(others.map { "\($0)" }.joined(separator: ", "))")
            )
        }
        guard function.isUpdating == isUpdating else {
            throw ParameterServerError(
                .malformedRequest,
                "function \(id) \(function.isUpdating ? "updates, and is to be called" : "reads, and is to be queried")"
            )
        }
        return function
    }

    /// As the partition map has them.
    var names: [String] { functions.keys.map(\.description).sorted() }

    /// In the order of names.
    var all: [RegisteredFunction] { functions.values.sorted { "\($0.id)" < "\($1.id)" } }
}
