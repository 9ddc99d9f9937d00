import MeshWire
import Telemetry

/// Counts and times calls of the functions that a server has.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `parameter_function_calls_total` | counter | `function`: `name@version`; `outcome`: `answered`, `duplicate`, `failed`, `refused` |
/// | `parameter_function_seconds` | histogram | `function` |
///
/// Each partition of a call counts by itself. `failed` are those that are remembered as such, of an updating function,
/// and those that a reading one has thrown at; `refused` ones may come again. A function that the server does not have is
/// counted among the refusals alone.
struct FunctionMeter: Sendable {
    private struct Series {
        let answered: Counter
        let duplicates: Counter
        let failed: Counter
        let refused: Counter
        let seconds: LatencyHistogram
    }

    private let series: [FunctionID: Series]

    init(_ functions: ServerFunctions, _ metrics: MetricsRegistry) {
        let calls = metrics.counter(
            "parameter_function_calls_total", help: "Calls of functions, one a partition, by what became of them.",
            labels: "function", "outcome")
        let seconds = metrics.histogram(
            "parameter_function_seconds", help: "Time from the arrival of a function's call to its answer.",
            labels: "function")
        var series: [FunctionID: Series] = [:]
        for function in functions.all {
            let name = function.id.description
            series[function.id] = Series(
                answered: calls.series(name, "answered"), duplicates: calls.series(name, "duplicate"),
                failed: calls.series(name, "failed"), refused: calls.series(name, "refused"),
                seconds: seconds.series(name))
        }
        self.series = series
    }

    /// Calls of an updating function were answered so, after that time.
    func count(_ replies: [PushReply], of function: FunctionID, _ duration: Duration) {
        guard let series = series[function] else { return }
        for reply in replies {
            series.seconds.record(duration)
            guard !reply.isReplay else {
                series.duplicates.increment()
                continue
            }
            switch reply.outcome {
            case .applied: series.answered.increment()
            case .skipped: series.failed.increment()
            case .refused(let code, _): (code.saysFunctionFailed ? series.failed : series.refused).increment()
            }
        }
    }

    /// So many partitions were read by a reading function, or none was, for a reason, after that time.
    func count(_ answers: Int, of function: FunctionID, _ failure: ParameterServerError.Code?, _ duration: Duration) {
        guard let series = series[function] else { return }
        series.seconds.record(duration)
        series.answered.increment(by: UInt64(answers))
        if let failure { (failure.saysFunctionFailed ? series.failed : series.refused).increment() }
    }
}

extension ParameterServerError.Code {
    /// Whether a call failed by what the function did.
    fileprivate var saysFunctionFailed: Bool {
        self == .functionFailed || self == .nonFinite || self == .answerTooLarge
    }
}
