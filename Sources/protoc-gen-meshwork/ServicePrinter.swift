import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Writes what one service becomes: its methods, what answers them, and what calls them.
struct ServicePrinter {
    /// A method in Swift's words.
    private struct Method {
        let name: String
        let protoName: String
        let comments: String
        let kind: String
        let request: String
        let response: String
        let retry: String
        let streamsRequests: Bool
        let streamsResponses: Bool
    }

    private let service: ServiceDescriptor
    private let options: GeneratorOptions
    private let namer: SwiftProtobufNamer
    private var printer = CodePrinter(indent: "    ".unicodeScalars, addNewlines: true)

    init(_ service: ServiceDescriptor, _ options: GeneratorOptions, _ namer: SwiftProtobufNamer) {
        self.service = service
        self.options = options
        self.namer = namer
    }

    mutating func print() throws -> CodePrinter {
        let methods = try service.methods.map(method)
        try requireOneName(each: methods)
        let type = namer.typePrefix(forFile: service.file) + service.name
        let access = options.access
        printer.print("")
        printComments(service.protoSourceComments())
        printer.print("\(access)enum \(type): MeshService {")
        printer.withIndentation { printer in
            printer.print("/// `\(service.fullName)`.")
            printer.print("\(access)static let name: ServiceName = \"\(service.fullName)\"")
        }
        for method in methods { printDeclaration(method) }
        printHandler(methods)
        printClient(methods, of: type)
        printer.print("}")
        printRegistration(methods, of: type)
        return printer
    }

    /// Names that differ in `.proto` may be the same in Swift.
    private func requireOneName(each methods: [Method]) throws {
        var seen: [String: String] = [:]
        for method in methods {
            guard !method.name.isEmpty else {
                throw GeneratorError(
                    description: "\(service.fullName).\(method.protoName) has no letter to make a Swift name of")
            }
            if let other = seen.updateValue(method.protoName, forKey: method.name) {
                throw GeneratorError(
                    description: "\(service.fullName) has two methods that are \(method.name) in Swift: \(other) and "
                        + method.protoName)
            }
        }
    }

    private func method(_ method: MethodDescriptor) throws -> Method {
        let kind =
            switch (method.clientStreaming, method.serverStreaming) {
            case (false, false): "unary"
            case (true, false): "clientStreaming"
            case (false, true): "serverStreaming"
            case (true, true): "bidirectional"
            }
        let written = method.protoSourceComments()
        let comments = written.isEmpty ? "/// `\(method.service.fullName)/\(method.name)`.\n" : written
        return Method(
            name: MethodNames.swiftName(method.name), protoName: method.name, comments: comments, kind: kind,
            request: namer.fullName(message: method.inputType),
            response: namer.fullName(message: method.outputType), retry: try retrySafety(of: method),
            streamsRequests: method.clientStreaming, streamsResponses: method.serverStreaming)
    }

    /// Whether a method's calls bear repetition.
    private func retrySafety(of method: MethodDescriptor) throws -> String {
        let wish = method.options.Meshwork_retry
        let streams = method.clientStreaming || method.serverStreaming
        if wish == .deduplicated, streams {
            throw GeneratorError(description: "\(method.fullName) streams: only unary methods can be DEDUPLICATED")
        }
        if method.clientStreaming, wish == .idempotent {
            throw GeneratorError(
                description: "\(method.fullName) streams its requests, which are gone when it would be repeated")
        }
        switch wish {
        case .idempotent: return "idempotent"
        case .deduplicated: return "deduplicated"
        case .never: return "never"
        case .unspecified, .UNRECOGNIZED:
            let isIdempotent = method.options.idempotencyLevel != .idempotencyUnknown && !method.clientStreaming
            return isIdempotent ? "idempotent" : "never"
        }
    }

    private mutating func printComments(_ comments: String) {
        if !comments.isEmpty { printer.print(comments, newlines: false) }
    }

    private mutating func printDeclaration(_ method: Method) {
        let retry = method.streamsRequests ? "" : ", retry: .\(method.retry)"
        printer.print("")
        printer.indent()
        printComments(method.comments)
        printer.print(
            "\(options.access)static let \(method.name) = \(method.kind)(\"\(method.protoName)\", "
                + "\(method.request).self, \(method.response).self\(retry))")
        printer.outdent()
    }

    // MARK: The server's side

    private mutating func printHandler(_ methods: [Method]) {
        printer.print("")
        printer.indent()
        printer.print("/// Answers the calls of `\(service.fullName)`.")
        printer.print("\(options.access)protocol Handler: Sendable {")
        printer.indent()
        for method in methods {
            printComments(method.comments)
            let request =
                method.streamsRequests
                ? "_ requests: RequestStream<\(method.request)>" : "_ request: \(method.request)"
            let responses = method.streamsResponses ? ", _ responses: ResponseSender<\(method.response)>" : ""
            let result = method.streamsResponses ? "" : " -> \(method.response)"
            printer.print("func \(method.name)(\(request)\(responses), _ call: CallContext) async throws\(result)")
        }
        printer.outdent()
        printer.print("}")
        printer.outdent()
    }

    private mutating func printRegistration(_ methods: [Method], of type: String) {
        printer.print("", "extension Mesh {")
        printer.indent()
        printer.print("/// Answers the calls of `\(service.fullName)` with `handler`.", "///")
        printer.print("/// - Parameter execution: where it runs; default a task of the runtime's pool.")
        printer.print(
            "\(options.access)func serve(_ handler: some \(type).Handler, execution: HandlerExecution = .task) {")
        printer.indent()
        for method in methods {
            let parameters = (method.streamsResponses ? ["$0", "$1", "$2"] : ["$0", "$1"]).joined(separator: ", ")
            printer.print(
                "serve(\(type).\(method.name), execution: execution) "
                    + "{ try await handler.\(method.name)(\(parameters)) }")
        }
        printer.outdent()
        printer.print("}")
        printer.outdent()
        printer.print("}")
    }

    // MARK: The client's side

    private mutating func printClient(_ methods: [Method], of type: String) {
        let access = options.access
        printer.print("")
        printer.indent()
        printer.print("/// Calls `\(service.fullName)`.")
        printer.print("\(access)struct Client: Sendable {")
        printer.indent()
        printer.print("/// Where the calls go.", "\(access)let client: MeshClient", "")
        printer.print("/// Makes a client of the service at `client`'s destination.")
        printer.print("\(access)init(_ client: MeshClient) { self.client = client }")
        for method in methods { printCall(method, of: type) }
        printer.outdent()
        printer.print("}")
        printer.outdent()
    }

    private mutating func printCall(_ method: Method, of type: String) {
        var (parameters, arguments) = ([String](), ["\(type).\(method.name)"])
        if !method.streamsRequests {
            parameters.append("_ request: \(method.request)")
            arguments.append("request")
        }
        parameters += [
            "timeout: Duration? = nil", "metadata: Metadata = Metadata()", "priority: CallPriority = .normal",
            "lane: CallLane = .automatic",
        ]
        arguments += ["timeout: timeout", "metadata: metadata", "priority: priority", "lane: lane"]
        var streams: [String] = []
        if method.streamsRequests { streams.append("RequestSender<\(method.request)>") }
        if method.streamsResponses { streams.append("ResponseStream<\(method.response)>") }
        let bodyResult = method.streamsResponses ? "Result" : "Void"
        if !streams.isEmpty {
            parameters.append("_ body: (\(streams.joined(separator: ", "))) async throws -> \(bodyResult)")
            arguments.append("body")
        }
        let generic = method.streamsResponses ? "<Result>" : ""
        let failure = streams.isEmpty ? "throws(MeshError)" : "throws"
        let result = method.streamsResponses ? "Result" : method.response
        printer.print("")
        printComments(method.comments)
        printer.print(
            "\(options.access)func \(method.name)\(generic)(\(parameters.joined(separator: ", "))) async \(failure) "
                + "-> \(result) {")
        printer.indent()
        printer.print("try await client.call(\(arguments.joined(separator: ", ")))")
        printer.outdent()
        printer.print("}")
    }
}
