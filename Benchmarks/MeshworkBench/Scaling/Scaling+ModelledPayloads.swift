import MeshWire
import MeshworkTesting

extension Scaling {
    /// The virtual time of a push of 1 MiB, 2 MiB and so on to 1 TiB over 10 Gbit/s, one worker and one server.
    ///
    /// Up to 16 MiB the bytes are there. Beyond that a byte stands for 2, 4, 8 … of the payload: there are 8 MiB of
    /// them, and the link passes as many fewer in a second. What a payload costs by its size, the link's time, is that
    /// of the whole.
    static func modelledPayloads(_ doublings: Int) async throws -> ScalingSeries {
        var time = ScalingSeries(
            "virtual time of a push over 10 Gbit/s", unit: "s", of: "MiB", .linear, fitted: 4, tolerance: 1.1)
        for doubling in 0...doublings {
            let mebibytes = 1 << doubling
            let modelled = ModelledPayload(bytes: mebibytes << 20, most: 16 << 20, standIn: 8 << 20)
            Progress.say("\(name): \(mebibytes) MiB, of which there are \(modelled.bytes >> 20)")
            let seconds = try await ScalingJob.run { job in
                let worker = try await job.worker(
                    0, [ScalingJob.table("weight", elements: modelled.bytes / 4, partitions: modelled.bytes >> 20)])
                var faults = NetworkFaults()
                faults.toServer.readingPace = modelled.pace(bytesPerSecond: 1.25e9)
                for endpoint in try await job.endpoints() { job.runtime.setFaults(faults, to: endpoint) }
                let start = job.runtime.now
                try await worker.push()
                return start.duration(to: job.runtime.now) / .seconds(1)
            }
            time.add(seconds, at: mebibytes)
        }
        return time
    }
}

/// A payload of which a part is there: each of its bytes stands for as many of the payload.
struct ModelledPayload {
    /// The bytes that are there.
    let bytes: Int
    /// How many bytes of the payload each stands for.
    let scale: Double

    /// - Parameters:
    ///   - bytes: of the payload.
    ///   - most: up to so many are all there.
    ///   - standIn: so many are there of a larger one.
    init(bytes: Int, most: Int, standIn: Int) {
        self.bytes = bytes <= most ? bytes : standIn
        scale = Double(bytes) / Double(self.bytes)
    }

    /// The pace of a link that passes so many bytes of payloads a second.
    func pace(bytesPerSecond: Double) -> NetworkFaults.Pace {
        let quantum = 64 << 10
        return NetworkFaults.Pace(
            bytes: quantum, every: .nanoseconds(Int64(Double(quantum) * scale / bytesPerSecond * 1e9)))
    }
}
