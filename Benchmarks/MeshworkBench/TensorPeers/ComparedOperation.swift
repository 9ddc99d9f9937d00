import Tensor

/// An operation of ours beside the same one of other libraries, every side in turn.
struct ComparedOperation {
    /// What figures call it.
    let name: String
    /// The peers' case, and the sizes that they are given.
    let peerCase: String
    let sizes: [Int]
    /// Calls of one round.
    let calls: Int
    /// The most of PyTorch's time that ours may be; `nil` if the figure only informs.
    var target: Double?
    /// What the machine can do at most: a loop in C over as much memory.
    var loop: Loop?
    let ours: () -> Void

    struct Loop {
        let name: String
        /// The most of its time that ours may be.
        let target: Double
        let run: () -> Void
    }

    /// Adds the figures of `benchmark` on so many threads, each a median over `count` rounds.
    func measure(
        of benchmark: String, threads: Int, beside peers: [TensorPeer], rounds count: Int, into report: inout Report
    ) throws {
        Progress.say("\(name), \(threads) thread\(threads == 1 ? "" : "s")")
        let clock = StepTimer.Clock(threads: threads)
        func time(threads: Int) -> Double {
            ComputeBudget.withThreads(threads) { StepTimer.nanoseconds(calls, by: clock, ours) / 1e3 }
        }
        var rounds = Rounds(count: count)
        for round in 0...count {
            var found = ["ours": time(threads: threads)]
            if threads > 1 { found["ours alone"] = time(threads: 1) }
            if let loop { found["loop"] = StepTimer.nanoseconds(calls, by: clock, loop.run) / 1e3 }
            for peer in peers {
                let smallest = sizes.map { _ in 1 }
                let time = try peer.nanoseconds(peerCase, sizes, smallest: smallest, repetitions: calls)
                if let time { found[peer.name] = time / 1e3 }
            }
            // Round 0 warms up.
            if round > 0 { found.forEach { rounds.add($0.value, to: $0.key) } }
        }
        func add(beside peer: String?, named peerName: String?, target: Double? = nil) {
            report.add(
                Figure(
                    benchmark: benchmark, name: name + (threads == 1 ? "" : ", \(threads) threads"), unit: "µs",
                    ours: rounds.median("ours"), peer: peer.map { rounds.median($0) }, peerName: peerName,
                    better: .lower, target: target, threads: threads))
        }
        if let loop { add(beside: "loop", named: loop.name, target: loop.target) }
        let answering = peers.filter { rounds.median($0.name).isFinite }
        for peer in answering {
            add(beside: peer.name, named: peer.name, target: peer.library == .torch ? target : nil)
        }
        if threads > 1 { add(beside: "ours alone", named: "our one thread") }
        if loop == nil, threads == 1, answering.isEmpty { add(beside: nil, named: nil) }
    }
}
