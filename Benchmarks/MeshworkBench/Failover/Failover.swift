import ParameterServer

/// `failover`: how long it takes until pushes flow again after the server that heads them was killed, stopped or cut
/// off, one failure after the other and each after the one before was made good; and that nothing acknowledged is lost,
/// also where a server that had no processor time was taken for lost.
enum Failover: Benchmark {
    static let name = "failover"
    static let summary = "until pushes flow again when a server with a follower is killed, stopped, cut off or starved"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let (failures, starvations) = isQuick ? (2, 1) : (10, 3)
        var rounds = Rounds(count: failures)
        var (takenOver, most) = (0, [FailoverFailure: Double]())
        try await FailoverJob.with { job in
            for round in 1...failures {
                for failure in FailoverFailure.allCases {
                    Progress.round(round, of: failures, "\(name): \(failure.rawValue)")
                    let seconds = try await job.fail(failure)
                    rounds.add(seconds, to: failure.rawValue)
                    most[failure] = max(most[failure] ?? 0, seconds)
                }
            }
            for round in 1...starvations {
                Progress.round(round, of: starvations, "\(name): no processor time")
                if try await job.starve() { takenOver += 1 }
            }
            let audit = try await job.audit()
            for discrepancy in audit.discrepancies { Progress.say("WRONG: \(discrepancy)") }
            if !job.probe.failures.isEmpty { Progress.say("pushes that failed: \(job.probe.failures)") }
            func figure(_ label: String, _ unit: String, _ value: Double, target: Double? = nil) {
                report.add(
                    Figure(
                        benchmark: name, name: label, unit: unit, ours: value, peer: nil, peerName: nil,
                        better: .lower, target: target, threads: 1))
            }
            for failure in FailoverFailure.allCases {
                let label = "\(failure.rawValue) of a head, until pushes flow again"
                figure("\(label), median of \(failures)", "s", rounds.median(failure.rawValue))
                figure("\(label), most", "s", most[failure] ?? .nan, target: failure.target)
            }
            figure("servers without processor time that were taken for lost", "of \(starvations)", Double(takenOver))
            figure("pushes acknowledged", "", Double(audit.acknowledged))
            figure("partitions where counts differ", "", Double(audit.discrepancies.count), target: 0)
        }
    }
}
