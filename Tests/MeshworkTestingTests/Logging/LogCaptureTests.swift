import Logging
import MeshworkTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct LogCaptureTests {
    @Test("records are kept in order, with the logger's own metadata under that of the line")
    func records() {
        let log = LogCapture()
        var logger = log.logger
        logger[metadataKey: "server"] = "one"
        logger[metadataKey: "peer"] = "nobody"
        logger.warning("refused", metadata: ["peer": "worker"])
        logger.debug("call")
        logger.trace("not kept")
        #expect(log.records.map(\.message) == ["refused", "call"])
        #expect(log.records.map(\.level) == [.warning, .debug])
        #expect(log.all("refused").map(\.metadata) == [["server": "one", "peer": "worker"]])
        #expect(log.all("not kept").isEmpty)
    }

    @Test("the first record of a message is found, or waited for until it comes or nobody waits any more")
    func first() async {
        let log = LogCapture()
        log.logger.info("early", metadata: ["number": "1"])
        log.logger.info("early", metadata: ["number": "2"])
        #expect(await log.first("early").metadata == ["number": "1"])
        async let late = log.first("late")
        await withTaskGroup { group in
            group.addTask { await log.first("never").message }
            group.cancelAll()
            #expect(await group.next() == "")
        }
        log.logger.info("late", metadata: ["number": "3"])
        #expect(await late.metadata == ["number": "3"])
    }
}
