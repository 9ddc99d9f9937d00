import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Calls of several messages, over TLS on loopback and in simulations.
@Suite(.timeLimit(.minutes(5))) struct StreamingCallTests {
    /// What a body of a call throws that has nothing to do with the mesh.
    private struct HostError: Error {}

    /// Says that it is a note and is none.
    private struct Wrong: MeshMessage {
        static let messageName = "test.Note"
        init() {}
        init(from decoder: inout MessageDecoder) throws(WireError) { throw WireError(.malformed, "not one") }
        func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, 7) }
    }

    private enum WrongEcho: MeshService {
        static let name: ServiceName = "test.Echo"
        static let chat = bidirectional("Chat", Wrong.self, Note.self)
        static let repeated = serverStreaming("Repeated", Note.self, Wrong.self, retry: .never)
        static let unary = unary("Chat", Note.self, Note.self, retry: .never)
    }

    @Test("all four kinds of call, on one connection, from an ordinary task and from the client's executor")
    func kinds() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        @Sendable func callAll() async throws {
            #expect(try await client.call(Echo.echo, Note("one")) == Note("one"))
            let repeated = try await client.call(Echo.repeated, Note("abc", payload: [1])) { responses in
                var texts: [String] = []
                for try await note in responses { texts.append(note.text) }
                return texts
            }
            #expect(repeated == ["a", "b", "c"])
            let joined = try await client.call(Echo.joined) { requests in
                for number in 0..<100 { try await requests.send(Note("\(number % 10)", payload: [1, 2, 3])) }
            }
            #expect(joined == Note(String(repeating: "0123456789", count: 10) + " 300"))
            try await client.call(Echo.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                for number in 0..<100 {
                    try await requests.send(Note("\(number)"))
                    #expect(try await iterator.next() == Note("\(number)"))
                }
                requests.finish()
                #expect(try await iterator.next() == nil)
                #expect(try await iterator.next() == nil)
            }
        }
        try await callAll()
        try await withTaskExecutorPreference(client.executor) { try await callAll() }
        #expect(loopback.server.connections.count == 1)
        client.close()
        await loopback.server.stop()
    }

    @Test("large messages stream both ways at once, with little credit", arguments: [nil, 128 << 10])
    func large(credit: Int?) async throws {
        var configuration = MeshConfiguration.patient
        if let credit {
            configuration.limits.streamCredit = credit
            configuration.limits.connectionCredit = 1 << 20
            configuration.limits.messageBytes = 2 << 20
            configuration.limits.largeMessageBytes = 2 << 20
        }
        let loopback = try await Loopback.start(configuration: configuration)
        let client = try loopback.client(configuration: configuration)
        let payload = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try await client.call(Echo.chat) { requests, responses in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 0..<8 { try await requests.send(Note("\(number)", payload: payload)) }
                    requests.finish()
                }
                var number = 0
                for try await note in responses {
                    #expect(note.text == "\(number)" && note.payload == payload)
                    number += 1
                }
                #expect(number == 8)
                try await group.waitForAll()
            }
        }
        client.close()
        await loopback.server.stop()
    }

    @Test("a slow reader holds its writer up, and nobody else")
    func backPressure() async throws {
        let (sent, release) = (Tally(), Gate())
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, _ in note }
            mesh.serve(Echo.repeated) { note, responses, _ in
                for _ in 0..<1_000 {
                    try await responses.send(note)
                    sent.add()
                }
            }
        }
        let client = try loopback.client()
        try await client.call(Echo.repeated, Note("x", payload: Array(repeating: 7, count: 64 << 10))) { responses in
            var iterator = responses.makeAsyncIterator()
            #expect(try await iterator.next() != nil)
            // The writer stands still when the credit and its own queue are full.
            for _ in 0..<200 { #expect(try await client.call(Echo.echo, Note("y")) == Note("y")) }
            #expect(sent.count < 20)
            var count = 1
            while try await iterator.next() != nil { count += 1 }
            #expect(count == 1_000)
        }
        release.open()
        client.close()
        await loopback.server.stop()
    }

    @Test("metadata comes before the first response, trailers and details after the last")
    func metadata() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serveAnswer(Echo.echo) { note, call in
                Answer(note, metadata: ["before": call.metadata["say"] ?? ""], trailers: ["after": "2"])
            }
            mesh.serve(Echo.once) { _, _ in
                throw CallFailure(.aborted, "no", details: [1, 2, 3], trailers: ["why": "because"])
            }
            mesh.serve(Echo.repeated) { note, responses, _ in
                responses.send(metadata: ["first": note.text])
                try await responses.send(note)
                throw CallFailure(.dataLoss, "gone", details: [4])
            }
        }
        let client = try loopback.client()
        let answer = try await client.answer(Echo.echo, Note("x"), metadata: ["say": "1"])
        #expect(answer.message == Note("x"))
        #expect(answer.metadata["before"] == "1" && answer.trailers["after"] == "2")
        var error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
        #expect(error?.status == .aborted && error?.details == [1, 2, 3] && error?.trailers["why"] == "because")
        error = await meshError {
            try await client.call(Echo.repeated, Note("x")) { responses in
                #expect(await responses.metadata()["first"] == "x")
                var iterator = responses.makeAsyncIterator()
                #expect(try await iterator.next() == Note("x"))
                _ = try await iterator.next()
            }
        }
        #expect(error?.status == .dataLoss && error?.details == [4] && error?.progress == .answered)
        client.close()
        await loopback.server.stop()
    }

    @Test("a call whose body ends early is cancelled at the server")
    func abandoned() async throws {
        for fails in [false, true] {
            let ended = Gate()
            let loopback = try await Loopback.start { mesh in
                mesh.serve(Echo.chat) { requests, responses, _ in
                    defer { ended.open() }
                    try await responses.send(Note("hello"))
                    for try await _ in requests {}
                    Issue.record("the requests ended as if they were complete")
                }
            }
            let client = try loopback.client()
            do {
                try await client.call(Echo.chat) { requests, responses in
                    var iterator = responses.makeAsyncIterator()
                    #expect(try await iterator.next() == Note("hello"))
                    if fails { throw HostError() }
                }
                #expect(!fails)
            } catch {
                #expect(error is HostError && fails)
            }
            await ended.wait()
            client.close()
            await loopback.server.stop()
        }
    }

    @Test("cancelling the caller's task ends the call on both sides, whether it reads or writes")
    func cancelled() async throws {
        let (started, ended) = (Gate(), Gate())
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.chat) { requests, responses, _ in
                defer { ended.open() }
                started.open()
                for try await _ in requests {}
            }
            mesh.serve(Echo.joined) { requests, call in
                // Takes nothing, so that the caller's writes wait.
                while call.timeRemaining > .zero { try await call.runtime.sleep(for: .milliseconds(1)) }
                return Note("")
            }
        }
        let client = try loopback.client()
        let reading = Task {
            try await client.call(Echo.chat) { _, responses in
                for try await _ in responses { Issue.record("a response that nobody sent") }
            }
        }
        await started.wait()
        reading.cancel()
        var error = await meshError { try await reading.value }
        #expect(error?.code == .cancelled && error?.progress == .mayHaveRun)
        await ended.wait()
        let writes = Tally()
        let writing = Task {
            try await client.call(Echo.joined) { requests in
                while true {
                    try await requests.send(Note("x", payload: Array(repeating: 1, count: 32 << 10)))
                    writes.add()
                }
            }
        }
        await writes.reach(8)
        writing.cancel()
        error = await meshError { _ = try await writing.value }
        #expect(error?.code == .cancelled)
        client.close()
        await loopback.server.stop()
    }

    @Test("a server that answers early stops its caller's writes, and its answer is the call's")
    func earlyAnswer() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.joined) { requests, _ in
                for try await note in requests where note.text == "5" {
                    throw CallFailure(.outOfRange, "five is enough")
                }
                return Note("")
            }
        }
        let client = try loopback.client()
        let error = await meshError {
            _ = try await client.call(Echo.joined) { requests in
                for number in 0..<1_000_000 { try await requests.send(Note("\(number)")) }
            }
        }
        #expect(error?.status == .outOfRange && error?.message == "five is enough")
        client.close()
        await loopback.server.stop()
    }

    @Test("a deadline ends a call on both sides at its time")
    func deadline() async throws {
        try await Simulated.run { simulation in
            let ended = Gate()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.chat) { requests, responses, call in
                    #expect(call.timeRemaining <= .seconds(3) && call.timeRemaining > .seconds(2))
                    for try await note in requests { try await responses.send(note) }
                }
                mesh.serve(Echo.once) { note, call in
                    defer { ended.open() }
                    try await call.runtime.sleep(for: .seconds(1_000))
                    return note
                }
            }
            let client = try simulation.client()
            let start = simulation.runtime.now
            var error = await meshError {
                try await client.call(Echo.chat, timeout: .seconds(3)) { requests, responses in
                    try await requests.send(Note("x"))
                    for try await _ in responses {}
                }
            }
            #expect(error?.code == .deadlineExceeded && error?.progress == .mayHaveRun)
            #expect(start.duration(to: simulation.runtime.now) == .seconds(3))
            error = await meshError { _ = try await client.call(Echo.once, Note("x"), timeout: .seconds(2)) }
            #expect(error?.code == .deadlineExceeded)
            // The handler was cancelled: it does not sleep on for the rest of its thousand seconds.
            await ended.wait()
            #expect(start.duration(to: simulation.runtime.now) < .seconds(6))
            client.close()
            await server.stop()
        }
    }

    @Test("responses are asked for again until the first has come, and not after it")
    func retries() async throws {
        try await Simulated.run { simulation in
            let attempts = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.repeated) { note, responses, _ in
                    let attempt = attempts.add()
                    if note.text == "late" {
                        try await responses.send(note)
                        throw CallFailure(.unavailable, "half way", hasNotRun: true)
                    }
                    if attempt < 3 { throw CallFailure(.unavailable, "busy", hasNotRun: true) }
                    try await responses.send(Note("\(attempt)"))
                }
            }
            let client = try simulation.client()
            let text = try await client.call(Echo.repeated, Note("x")) { responses in
                var iterator = responses.makeAsyncIterator()
                return try await iterator.next()?.text
            }
            #expect(text == "3")
            let error = await meshError {
                try await client.call(Echo.repeated, Note("late")) { responses in for try await _ in responses {} }
            }
            #expect(error?.status == .unavailable && error?.progress == .answered)
            #expect(attempts.count == 4)
            client.close()
            await server.stop()
        }
    }

    @Test("a connection that is lost ends its streams, with what is known of them")
    func connectionLost() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        let error = await meshError {
            try await client.call(Echo.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                try await requests.send(Note("x"))
                #expect(try await iterator.next() == Note("x"))
                client.close()
                while try await iterator.next() != nil {}
            }
        }
        #expect(error?.progress == .mayHaveRun)
        #expect(error?.code == .draining)
        await loopback.server.stop()
        let late = await meshError {
            try await client.call(Echo.chat) { requests, _ in try await requests.send(Note("x")) }
        }
        #expect(late?.progress == .notSent)
    }

    @Test("a message that is no such message is refused on the side that reads it")
    func malformed() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        var error = await meshError {
            try await client.call(WrongEcho.chat) { requests, responses in
                try await requests.send(Wrong())
                for try await _ in responses {}
            }
        }
        #expect(error?.status == .invalidArgument)
        error = await meshError {
            try await client.call(WrongEcho.repeated, Note("abc")) { responses in for try await _ in responses {} }
        }
        #expect(error?.code == .malformedMessage && error?.progress == .answered)
        error = await meshError { _ = try await client.call(WrongEcho.unary, Note("x")) }
        #expect(error?.status == .unimplemented)
        #expect(error?.message.contains("bidirectional") == true)
        client.close()
        await loopback.server.stop()
    }

    @Test("a handler that has begun does not say otherwise when a request is no such message")
    func malformedLater() async throws {
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.chat) { requests, _, _ in
                var iterator = requests.makeAsyncIterator()
                do throws(CallFailure) {
                    _ = try await iterator.next()
                } catch {
                    #expect(error.status == .invalidArgument && !error.hasNotRun)
                    throw error
                }
            }
        }
        let client = try loopback.client()
        let error = await meshError {
            try await client.call(WrongEcho.chat) { requests, responses in
                try await requests.send(Wrong())
                for try await _ in responses {}
            }
        }
        #expect(error?.status == .invalidArgument)
        client.close()
        await loopback.server.stop()
    }

    @Test("a draining server finishes the streams that are open and takes no more")
    func draining() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveStreams() }
            let client = try simulation.client()
            try await client.call(Echo.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                try await requests.send(Note("before"))
                #expect(try await iterator.next() == Note("before"))
                async let stopped: Void = server.stop()
                try await simulation.runtime.sleep(for: .seconds(1))
                try await requests.send(Note("after"))
                #expect(try await iterator.next() == Note("after"))
                requests.finish()
                #expect(try await iterator.next() == nil)
                await stopped
            }
            client.close()
        }
    }
}
