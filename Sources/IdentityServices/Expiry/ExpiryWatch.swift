public import Identity
public import Logging
public import MeshTransport
public import MeshWire
public import ServiceLifecycle
import Synchronization
public import Telemetry

/// Watches when the certificates end that a process depends on, and gets louder as one comes near its end without having
/// been replaced.
///
/// The gauge `mesh_identity_certificate_expiry_timestamp_seconds{certificate="leaf|issuer|root"}` has the end of each
/// kind, of several of a kind the first. A certificate that should have been replaced is a warning in the log, one with
/// a tenth of its life left and one that has ended an error: when that begins, and every ``reminder`` for as long as it
/// lasts.
///
/// Safe to use from any task: the state is guarded by a mutex.
public final class ExpiryWatch: Service {
    /// How often the log repeats what has not changed. An hour.
    public static let reminder = Duration.seconds(3_600)

    private struct Told {
        var urgency: CertificateExpiry.Urgency
        var at: RuntimeInstant
    }

    private let identity: any IdentitySource
    private let authority: ManagedAuthority?
    private let interval: Duration
    private let runtime: any Runtime
    private let logger: Logger
    private let ends: MetricFamily<Gauge>
    private let told = Mutex<[CertificateExpiry: Told]>([:])

    /// - Parameters:
    ///   - identity: the process's own.
    ///   - authority: the one that it runs, if any.
    ///   - interval: how often is looked. Default 60 s.
    /// - Throws: `IdentityError` with code `invalidConfiguration`.
    public init(
        of identity: any IdentitySource, authority: ManagedAuthority? = nil, every interval: Duration = .seconds(60),
        runtime: any Runtime = SystemRuntime.shared, metrics: MetricsRegistry,
        logger: Logger = Logger(label: "meshwork.identity")
    ) throws(IdentityError) {
        guard interval > .zero else {
            throw IdentityError(.invalidConfiguration, "interval: expected a time above 0 s, found \(interval)")
        }
        self.identity = identity
        self.authority = authority
        self.interval = interval
        self.runtime = runtime
        self.logger = logger
        ends = metrics.gauge(
            "mesh_identity_certificate_expiry_timestamp_seconds",
            help: "When the first certificate of this kind ends that the process depends on, in seconds since 1970.",
            labels: "certificate")
        look()
    }

    /// The certificates that are watched, as they are now.
    public var expiries: [CertificateExpiry] {
        var expiries = identity.current.expiries
        for expiry in authority?.rotation.expiries ?? [] where !expiries.contains(expiry) { expiries.append(expiry) }
        return expiries
    }

    /// How urgent it is that the most urgent of them is replaced: for a readiness probe or a page of health.
    public var urgency: CertificateExpiry.Urgency {
        let now = runtime.unixTime
        return expiries.map { $0.urgency(at: now) }.max() ?? .none
    }

    /// Looks until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await runtime.untilStopped {
            while (try? await self.runtime.sleep(for: self.interval)) != nil { self.look() }
        }
    }

    private func look() {
        let (now, instant, expiries) = (runtime.unixTime, runtime.now, self.expiries)
        for (role, group) in Dictionary(grouping: expiries, by: \.role) {
            let first = group.map(\.notAfter).min() ?? now
            ends.series(role.description).set(Double(first.seconds))
        }
        let due = told.withLock { told in
            var next: [CertificateExpiry: Told] = [:]
            var due: [(CertificateExpiry, CertificateExpiry.Urgency)] = []
            for expiry in expiries {
                let urgency = expiry.urgency(at: now)
                guard urgency > .none else { continue }
                if let before = told[expiry], before.urgency == urgency,
                    before.at.duration(to: instant) < Self.reminder
                {
                    next[expiry] = before
                } else {
                    next[expiry] = Told(urgency: urgency, at: instant)
                    due.append((expiry, urgency))
                }
            }
            told = next
            return due
        }
        for (expiry, urgency) in due {
            logger.log(
                level: urgency > .late ? .error : .warning, urgency.message,
                metadata: [
                    "certificate": "\(expiry.role)", "name": "\(expiry.name)", "until": "\(expiry.notAfter)",
                ])
        }
    }
}

extension CertificateExpiry.Urgency {
    fileprivate var message: Logger.Message {
        switch self {
        case .none: "a certificate is good"
        case .late: "a certificate should have been replaced"
        case .critical: "a certificate is about to end"
        case .ended: "a certificate has ended"
        }
    }
}
